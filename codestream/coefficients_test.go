package codestream_test

import (
	"bytes"
	"errors"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/corpus"
)

// checkCoefficients takes parts of all sub-bands out of a selection and looks for
// the same blocks, with the same bytes, in what is assembled of them.
func checkCoefficients(t *testing.T, s *codestream.Selection, data []byte) {
	t.Helper()
	rng := rand.New(rand.NewPCG(81, uint64(len(data))))
	bytesOf := func(b codestream.Block, data []byte) (all []byte) {
		for _, p := range b.Spans {
			all = append(all, data[p.Off:p.End()]...)
		}
		return all
	}
	bands := make(map[[3]int][]codestream.Block)
	index := make(map[int]int)
	for i, c := range s.Window().Components {
		index[c] = i
	}
	for b := range s.Blocks() {
		key := [3]int{index[b.Component], b.Resolution, b.Band}
		bands[key] = append(bands[key], b)
	}
	for key, blocks := range bands {
		coding := &s.Coding().Components[key[0]]
		size := coding.BlockSize(key[1])
		box := blocks[0].Bounds
		for _, b := range blocks {
			box = box.Union(b.Bounds)
			require.LessOrEqual(t, b.Bounds.Dx(), size.X)
			require.LessOrEqual(t, b.Bounds.Dy(), size.Y)
			require.Equal(t, b.Bounds.Min.X/size.X, (b.Bounds.Max.X-1)/size.X)
			require.Equal(t, b.Bounds.Min.Y/size.Y, (b.Bounds.Max.Y-1)/size.Y)
		}
		for round := range 3 {
			area := box
			if round > 0 {
				x, y := box.Min.X+rng.IntN(box.Dx()), box.Min.Y+rng.IntN(box.Dy())
				area = image.Rect(x, y, x+1+rng.IntN(box.Dx()), y+1+rng.IntN(box.Dy()))
			}
			want := make(map[image.Rectangle]codestream.Block)
			for _, b := range blocks {
				if b.Bounds.Overlaps(area) {
					want[b.Bounds] = b
				}
			}
			part, err := s.Coefficients(key[0], key[1], key[2], area)
			require.NoError(t, err)
			if len(want) == 0 {
				require.Nil(t, part)
				continue
			}
			stream, err := part.AppendTo(nil, bytes.NewReader(data))
			require.NoError(t, err)
			require.Len(t, stream, int(part.AssembledSize()))
			x, err := openIndex(stream, codestream.Span{Len: int64(len(stream))})
			require.NoError(t, err)
			h := x.Header()
			require.Equal(t, part.Bounds(), h.Bounds)
			require.True(t, area.Intersect(box).In(h.Bounds))
			require.Len(t, h.Components, 1)
			require.Equal(t, 31, h.Components[0].Depth)
			require.True(t, h.Components[0].Signed)
			require.Zero(t, h.Components[0].Levels)
			require.Equal(t, codestream.CoefficientPlanes, h.Components[0].BandPlanes(0, 0))
			all, err := x.Select(t.Context(), codestream.Window{Area: h.Bounds})
			require.NoError(t, err)
			require.NoError(t, all.Damage())
			found := 0
			for b := range all.Blocks() {
				k, ok := want[b.Bounds]
				require.True(t, ok, "%v of %v", b.Bounds, area)
				require.Equal(t, k.ZeroPlanes, b.ZeroPlanes)
				require.Equal(t, k.Codewords, b.Codewords)
				require.True(t, bytes.Equal(bytesOf(k, data), bytesOf(b, stream)))
				found++
			}
			require.Equal(t, len(want), found)
		}
	}
}

func TestCoefficients(t *testing.T) {
	for _, options := range kinds() {
		t.Run(options, func(t *testing.T) {
			data := compressed(t, 150, 120, options)
			x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
			require.NoError(t, err)
			h := x.Header()
			for reduce := range min(h.Reduces(), 1) + 1 {
				for _, area := range []image.Rectangle{h.Bounds, image.Rect(30, 20, 70, 50)} {
					s, err := x.Select(t.Context(), codestream.Window{Tile: h.NumTiles() / 2, Area: area, Reduce: reduce})
					if err != nil {
						require.ErrorIs(t, err, codestream.ErrWindow)
						continue
					}
					checkCoefficients(t, s, data)
				}
			}
		})
	}
}

func TestCoefficientsCorpus(t *testing.T) {
	for _, f := range codestream.CorpusStreams(t) {
		if f.Expected != corpus.Decodes || f.Bytes > 64<<10 {
			continue
		}
		t.Run(f.Path, func(t *testing.T) {
			x, err := openIndex(f.Data, f.At)
			require.NoError(t, err)
			s, err := x.Select(t.Context(), codestream.Window{Area: x.Header().Bounds})
			if errors.Is(err, codestream.ErrWindow) {
				t.Skip(err) // the first tile has no samples
			}
			require.NoError(t, err)
			checkCoefficients(t, s, f.Data)
		})
	}
}

// Steps are those of Equations E-3 to E-5 with the gains of Table E.1.
func TestBandStep(t *testing.T) {
	c := codestream.ComponentCoding{Levels: 2, Quant: codestream.Quantization{Style: codestream.Expounded, Guard: 2,
		Steps: []codestream.Step{{8, 0}, {9, 1024}, {9, 0}, {10, 512}, {8, 0}, {8, 0}, {7, 0}}}}
	for _, want := range []struct {
		r, band int
		step    float64
	}{{0, 0, 1}, {1, 1, 1.5}, {1, 2, 1}, {1, 3, 1.25}, {2, 1, 2}, {2, 3, 8}} {
		require.Equal(t, want.step, c.BandStep(want.r, want.band, 8), "%+v", want)
	}
	c.Quant = codestream.Quantization{Style: codestream.Derived, Guard: 2, Steps: []codestream.Step{{8, 1024}}}
	require.Equal(t, 1.5, c.BandStep(0, 0, 8))
	require.Equal(t, 3.0, c.BandStep(1, 1, 8))
	require.Equal(t, 6.0, c.BandStep(2, 1, 8))
	require.Equal(t, 12.0, c.BandStep(2, 3, 8))
	c.Reversible = true
	require.Equal(t, 1.0, c.BandStep(2, 3, 8))
}
