package tile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/openjpeg"
	"github.com/stria-j2k/stria/internal/testimg"
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

// All of the area is visited once, in parts that are no longer than what the bound of
// memory is for, and the chunks of a row of tiles say where it begins and ends.
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
		l, area, open := &p.layout, 0, false
		for c := range p.chunks() {
			require.Equal(t, open, c.follows)
			open = !c.last
			if len(c.slabs) > 1 {
				several++
			}
			for _, w := range c.windows {
				for _, s := range c.slabs {
					part := w.area.Intersect(s)
					if part.Empty() || p.along(w.area) > l.chunk || p.along(s) > l.slab {
						require.Fail(t, "not a part of that size", "window %v slab %v %+v", w.area, s, *l)
					}
					area += part.Dx() * part.Dy()
				}
			}
		}
		require.False(t, open)
		require.Equal(t, p.src.Dx()*p.src.Dy(), area)
	}
	require.Positive(t, several)
}

// An uneven source is slow at some of its reads.
type uneven struct {
	io.ReaderAt
	reads *atomic.Uint32
}

func (u uneven) ReadAt(p []byte, off int64) (int, error) {
	if n := u.reads.Add(1); n*2654435761>>28 == 0 {
		time.Sleep(2 * time.Millisecond)
	}
	return u.ReaderAt.ReadAt(p, off)
}

// Whatever the layout, a run comes to its end, and with the same pixels: slabs,
// chunks and columns much smaller than those of real plans, any number of workers,
// reads that come late.
func TestLayoutsDoNotShow(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, img := range []struct {
		spec testimg.Spec
		args []string
	}{
		{testimg.Spec{Width: 130, Height: 140}, nil},
		{testimg.Spec{Width: 97, Height: 203, Components: 3}, []string{"-t", "30,25", "-n", "3"}},
		{testimg.Spec{Width: 150, Height: 110, Components: 2, Depth: 12}, []string{"-d", "37,21", "-T", "11,5", "-t", "60,50", "-n", "4", "-b", "8,8"}},
		{testimg.Spec{Width: 120, Height: 96, Components: 3, Sub: []image.Point{{X: 1, Y: 1}, {X: 2, Y: 2}, {X: 2, Y: 2}}},
			[]string{"-t", "48,34", "-n", "3", "-PLT"}},
	} {
		data := testimg.Compress(t, img.spec, "j2k", img.args...)
		f, err := jp2.NewFile(uneven{bytes.NewReader(data), new(atomic.Uint32)}, int64(len(data)))
		require.NoError(t, err)
		for range 60 {
			req := Request{Orient: Orient(rnd.IntN(8)), Reduce: rnd.IntN(2)}
			if rnd.IntN(3) == 0 {
				req.Size = image.Pt(1+rnd.IntN(100), 1+rnd.IntN(100))
			}
			if at := image.Pt(rnd.IntN(90), rnd.IntN(90)); rnd.IntN(2) == 0 {
				req.Region = image.Rectangle{Min: at, Max: at.Add(image.Pt(2+rnd.IntN(90), 2+rnd.IntN(90)))}
			}
			budget := &Budget{Workers: 1 + rnd.IntN(5)}
			p, err := (&Decoder{Strict: true, Budget: budget}).Plan(f, req)
			require.NoError(t, err)
			want, err := p.Image(ctx)
			require.NoError(t, err)

			q := *p
			slab := 1 + rnd.IntN(30)
			q.layout.slab, q.layout.chunk, q.layout.workers = slab, slab*(1+rnd.IntN(5)), budget.workers()
			q.layout.ahead, q.layout.carry, q.layout.long = 1+rnd.Int64N(1<<16), rnd.Int64N(1<<14), rnd.Int64N(3)<<13
			q.memory = q.bound()
			got, err := q.Image(ctx)
			require.NoError(t, err, "%+v %+v", req, q.layout)
			require.True(t, equalImages(want, got), "%+v %+v", req, q.layout)
			require.Zero(t, budget.Used())
		}
	}
	require.Zero(t, openjpeg.Live())
}

// equalImages reports whether two images have the same pixels.
func equalImages(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				return false
			}
		}
	}
	return true
}
