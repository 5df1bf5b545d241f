package tile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/jp2"
)

// headers is a codestream of these bounds and tiles, of 8 bits and with three
// decomposition levels, that ends where data would begin.
func headers(bounds, first image.Rectangle, components int) []byte {
	be := binary.BigEndian
	s := []byte{0xff, 0x4f, 0xff, 0x51}
	s = be.AppendUint16(s, uint16(38+3*components))
	s = be.AppendUint16(s, 0)
	for _, v := range []int{bounds.Max.X, bounds.Max.Y, bounds.Min.X, bounds.Min.Y,
		first.Dx(), first.Dy(), first.Min.X, first.Min.Y} {
		s = be.AppendUint32(s, uint32(v))
	}
	s = be.AppendUint16(s, uint16(components))
	for range components {
		s = append(s, 7, 1, 1)
	}
	s = append(s, 0xff, 0x52, 0, 12, 0, 0, 0, 1, 0, 3, 4, 4, 0, 1)
	s = append(s, 0xff, 0x5c, 0, 13, 2<<5, 64, 72, 72, 80, 72, 72, 80, 72, 72, 80)
	return append(s, 0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, 14, 0, 1, 0xff, 0x93, 0xff, 0xd9)
}

// A walk of several pieces keeps its place until the last of them, so a chunk
// that has such walks must not have more of them than there are places. And all
// of the area is visited once, in parts that are no longer than what the bound
// of memory is for.
func TestChunks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	several := 0
	for range 200 {
		size := func() int { return 8 << rnd.IntN(10) * (2 + rnd.IntN(3)) / 2 }
		at := image.Pt(rnd.IntN(50), rnd.IntN(50))
		bounds := image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rnd.IntN(6000), 1+rnd.IntN(6000)))}
		first := image.Rectangle{Max: image.Pt(size()+rnd.IntN(3), size()+rnd.IntN(3))}
		first = first.Add(image.Pt(max(0, at.X-rnd.IntN(first.Dx())), max(0, at.Y-rnd.IntN(first.Dy()))))
		data := headers(bounds, first, 1+rnd.IntN(4))
		f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			continue // more tiles than there may be
		}
		dec := &Decoder{Budget: &Budget{Workers: 1 + rnd.IntN(4), Bytes: 16 << (20 + rnd.IntN(6))}}
		p, err := dec.Plan(f, Request{Reduce: rnd.IntN(3), Orient: Orient(rnd.IntN(8))})
		if errors.Is(err, ErrBudget) {
			continue
		}
		require.NoError(t, err)
		l, area := &p.layout, 0
		for c := range p.chunks() {
			if len(c.slabs) > 1 {
				several++
				require.LessOrEqual(t, len(c.walks), l.walks, "%v %v %+v", bounds, first, *l)
			}
			for _, w := range c.walks {
				for _, s := range c.slabs {
					part := w.area.Intersect(s)
					if part.Empty() || p.along(w.area) > l.chunk || p.across(w.area) > l.column || p.along(s) > l.slab {
						require.Fail(t, "not a part of that size", "walk %v slab %v %+v", w.area, s, *l)
					}
					area += part.Dx() * part.Dy()
				}
			}
		}
		require.Equal(t, p.src.Dx()*p.src.Dy(), area)
	}
	require.Positive(t, several)
}
