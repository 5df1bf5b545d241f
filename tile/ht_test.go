package tile_test

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/internal/testimg/htstream"
	"github.com/stria-j2k/stria/tile"
)

// turns is a different kind for each tile-component in turn.
func turns(kinds ...htstream.Kind) func(tile, component int) htstream.Kind {
	return func(tile, component int) htstream.Kind { return kinds[(tile+component)%len(kinds)] }
}

// highThroughputs are codestreams with blocks of Part 15. Their pictures are as large as
// their bounds, drawn like kind.
var highThroughputs = []struct {
	name string
	spec htstream.Spec
	kind testimg.Kind
}{
	{"no levels", htstream.Spec{Bounds: image.Rect(0, 0, 70, 45), Components: 1, Depth: 8, XCB: 4, YCB: 5}, testimg.Mixed},
	{"one level", htstream.Spec{Bounds: image.Rect(3, 5, 102, 78), Components: 1, Depth: 8, Levels: 1, XCB: 6, YCB: 6}, testimg.Lettering},
	{"refined", htstream.Spec{Bounds: image.Rect(0, 0, 90, 70), Components: 2, Depth: 8, Levels: 2, XCB: 5, YCB: 4, Refine: true}, testimg.Noise},
	{"placeholders", htstream.Spec{Bounds: image.Rect(0, 1, 91, 70), Components: 1, Depth: 12, Levels: 3, XCB: 4, YCB: 4,
		Refine: true, Placeholders: 2}, testimg.Mixed},
	{"tiles", htstream.Spec{Bounds: image.Rect(7, 2, 140, 99), Tile: image.Pt(50, 37), Components: 3, Depth: 8, Levels: 4, XCB: 3, YCB: 3}, testimg.Mixed},
	{"tile-components of either kind", htstream.Spec{Bounds: image.Rect(1, 0, 120, 90), Tile: image.Pt(64, 48), Components: 3, Depth: 8,
		Levels: 5, XCB: 5, YCB: 5, Refine: true, Kind: turns(htstream.Part1, htstream.HT)}, testimg.Mixed},
	{"both kinds", htstream.Spec{Bounds: image.Rect(0, 0, 150, 110), Components: 1, Depth: 8, Levels: 3, XCB: 3, YCB: 4,
		Kind: turns(htstream.Mixed)}, testimg.Mixed},
	{"both kinds, placeholders", htstream.Spec{Bounds: image.Rect(5, 6, 99, 103), Components: 2, Depth: 10, Levels: 2, XCB: 4, YCB: 3,
		Refine: true, Placeholders: 3, Kind: turns(htstream.Mixed)}, testimg.Noise},
	{"all kinds", htstream.Spec{Bounds: image.Rect(1, 0, 120, 90), Tile: image.Pt(64, 48), Components: 4, Depth: 8,
		Levels: 2, XCB: 4, YCB: 4, Placeholders: 1, Kind: turns(htstream.Part1, htstream.Mixed, htstream.HT)}, testimg.Mixed},
}

// highThroughputStream is one of highThroughputs with its samples.
func highThroughputStream(i int) (data []byte, blocks []htstream.Block, samples [][]int32) {
	h := highThroughputs[i]
	size := h.spec.Bounds.Size()
	for _, p := range testimg.Draw(testimg.Spec{Kind: h.kind, Width: size.X, Height: size.Y,
		Components: h.spec.Components, Depth: h.spec.Depth}).Planes {
		samples = append(samples, p.Samples)
	}
	data, blocks = htstream.Write(h.spec, samples)
	return data, blocks, samples
}

// High-Throughput blocks, alone or beside others, decode to what was coded, whole and in
// regions.
func TestHighThroughput(t *testing.T) {
	for i, h := range highThroughputs {
		t.Run(h.name, func(t *testing.T) {
			data, _, samples := highThroughputStream(i)
			f := open(t, data)
			for reduce := range h.spec.Levels + 1 {
				p, err := (&tile.Decoder{Strict: true}).Plan(f, tile.Request{Reduce: reduce})
				require.NoError(t, err)
				all := whole(t, p)
				if reduce == 0 {
					for c, want := range samples {
						same(t, all.Planes[c].Bounds, want, all.Planes[c].I32, "component %d", c)
					}
				}
				rnd := rand.New(rand.NewPCG(3, uint64(i)))
				for range 6 {
					b := f.Bounds()
					x, y := rnd.IntN(b.Dx()), rnd.IntN(b.Dy())
					region := image.Rect(x, y, min(x+1+rnd.IntN(60), b.Dx()), min(y+1+rnd.IntN(60), b.Dy()))
					p, err := (&tile.Decoder{Strict: true}).Plan(f, tile.Request{Region: region, Reduce: reduce})
					if err != nil {
						require.ErrorIs(t, err, tile.ErrRequest) // nothing is left of it
						continue
					}
					part := whole(t, p)
					for c, q := range part.Planes {
						same(t, q.Bounds, crop(all, c, q.Bounds), q.I32, "region %v reduce %d component %d", region, reduce, c)
					}
				}
			}
		})
	}
}

// Without the highest resolutions an image of one tile is the low-pass band of the
// transform.
func TestHighThroughputReduced(t *testing.T) {
	for i, h := range highThroughputs {
		if h.spec.Tile != (image.Point{}) {
			continue
		}
		data, _, samples := highThroughputStream(i)
		f := open(t, data)
		for reduce := 1; reduce <= h.spec.Levels; reduce++ {
			p, err := (&tile.Decoder{Strict: true}).Plan(f, tile.Request{Reduce: reduce})
			require.NoError(t, err)
			for c, q := range whole(t, p).Planes {
				want, bounds := htstream.Low(h.spec, h.spec.Bounds, samples[c], reduce)
				for i, v := range want {
					want[i] = min(max(v, 0), 1<<h.spec.Depth-1)
				}
				require.Equal(t, bounds.Size(), q.Bounds.Size())
				same(t, q.Bounds, want, q.I32, "%s, reduction %d, component %d", h.name, reduce, c)
			}
		}
	}
}

// A High-Throughput block that is damaged is left out and told of; a strict decoder
// fails, with the place of the block.
func TestHighThroughputDamage(t *testing.T) {
	for i, h := range highThroughputs {
		data, _, samples := highThroughputStream(i)
		f := open(t, data)
		var broken *codestream.Block
		tile0 := f.Header.TileBounds(0)
		s, err := f.Index().Select(t.Context(), codestream.Window{Area: tile0})
		require.NoError(t, err)
		for b := range s.Blocks() {
			if b.HT {
				broken = &b
			}
		}
		if broken == nil {
			require.Equal(t, htstream.Part1, h.spec.Kind(0, 0))
			continue
		}
		// Scup, the length of two of the streams, is in the last bytes of the cleanup
		// segment (7.1.1 of Part 15).
		at := broken.Spans[0].Off + int64(broken.Codewords[0].Length)
		data = bytes.Clone(data)
		data[at-1], data[at-2] = 0, data[at-2]&0xF0
		f = open(t, data)

		p, err := (&tile.Decoder{Strict: true}).Plan(f, tile.Request{})
		require.NoError(t, err)
		_, err = collect(t.Context(), p)
		var wrong *codestream.FormatError
		require.ErrorAs(t, err, &wrong, h.name)
		require.Equal(t, broken.Spans[0].Off, wrong.Offset)

		var told []string
		dec := &tile.Decoder{Budget: &tile.Budget{Workers: 1}, Hooks: &tile.Hooks{
			Damaged: func(tile int, err error) { told = append(told, fmt.Sprint(tile, err)) }}}
		p, err = dec.Plan(f, tile.Request{})
		require.NoError(t, err)
		all := whole(t, p)
		require.Len(t, told, 1, h.name)
		require.Contains(t, told[0], fmt.Sprintf("code-block %d,%d of band %d", broken.ID.X, broken.ID.Y, broken.ID.Band))
		differ := 0
		for c, want := range samples {
			for k, v := range want {
				if v != all.Planes[c].I32[k] {
					differ++
					require.Equal(t, int(broken.ID.Component), c)
				}
			}
		}
		require.Positive(t, differ, h.name)
	}
}
