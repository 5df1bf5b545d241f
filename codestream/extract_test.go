package codestream_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/corpus"
)

// extract makes the codestream of a region and opens it.
func extract(t testing.TB, x *codestream.Index, r codestream.Region) (*codestream.Extract, []byte, *codestream.Index) {
	t.Helper()
	e, err := x.Extract(t.Context(), r)
	require.NoError(t, err, "%+v", r)
	var out bytes.Buffer
	require.NoError(t, e.Write(t.Context(), &out), "%+v", r)
	require.EqualValues(t, e.Size(), out.Len())
	y, err := openIndex(out.Bytes(), codestream.Span{Len: e.Size()})
	require.NoError(t, err)
	require.Equal(t, e.Bounds(), y.Header().Bounds)
	require.Equal(t, e.Tiles(), y.Header().NumTiles())
	require.True(t, e.Exact().In(e.Bounds()))
	return e, out.Bytes(), y
}

// requireCrop compares the decoded extract with the reduced image, on what is
// exact of it.
func requireCrop(t testing.TB, h *codestream.Header, reduce int, e *codestream.Extract, ref, got []corpus.Plane) {
	t.Helper()
	require.Len(t, got, len(e.Components()))
	for i, c := range e.Components() {
		sub := h.Components[c].Sub
		all := componentRect(h.Bounds, sub, reduce)
		box, exact := componentRect(e.Bounds(), sub, 0), componentRect(e.Exact(), sub, 0)
		p := &got[i]
		require.Equal(t, box.Size(), image.Pt(p.Width, p.Height))
		for y := exact.Min.Y; y < exact.Max.Y; y++ {
			for u := exact.Min.X; u < exact.Max.X; u++ {
				want := ref[c].Samples[(y-all.Min.Y)*ref[c].Width+u-all.Min.X]
				if v := p.Samples[(y-box.Min.Y)*p.Width+u-box.Min.X]; v != want {
					require.Equal(t, want, v, "component %d at %d,%d of %v exact in %v", c, u, y, exact, box)
				}
			}
		}
	}
}

func randomArea(rng *rand.Rand, b image.Rectangle) image.Rectangle {
	x0, y0 := b.Min.X+rng.IntN(b.Dx()), b.Min.Y+rng.IntN(b.Dy())
	return image.Rect(x0, y0, x0+1+rng.IntN(b.Max.X-x0), y0+1+rng.IntN(b.Max.Y-y0))
}

// TestExtract holds extracts of random regions, decoded by OpenJPEG, by Grok and
// through the index, against OpenJPEG's decode of the whole.
func TestExtract(t *testing.T) {
	needsDecoder(t)
	const w, h = 301, 217
	_, noGrok := exec.LookPath("grk_decompress")
	var refused, cut atomic.Int64
	t.Run("streams", func(t *testing.T) {
		for _, options := range kinds() {
			t.Run(strings.ReplaceAll(options, "/", ";"), func(t *testing.T) {
				t.Parallel()
				data := compressed(t, w, h, options)
				x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
				require.NoError(t, err)
				head := x.Header()
				rng := rand.New(rand.NewPCG(11, uint64(len(data))))
				for reduce := range min(head.Reduces(), 3) + 1 {
					ref := opjDecompress(t, data, 3, reduce, 0)
					for n := range 2 {
						r := codestream.Region{Reduce: reduce, Area: randomArea(rng, head.Bounds), Blocks: n > 0}
						if n == 0 && rng.IntN(2) == 0 {
							r.Area = head.Bounds
						}
						e, err := x.Extract(t.Context(), r)
						if errors.Is(err, errors.ErrUnsupported) {
							require.NotZero(t, reduce)
							require.Greater(t, head.NumTiles(), 2)
							refused.Add(1)
							continue
						}
						if errors.Is(err, codestream.ErrWindow) {
							continue // reduced to nothing
						}
						require.NoError(t, err)
						require.Empty(t, damages(e))
						require.True(t, reducedBy(r.Area, reduce).In(e.Exact()), "%v in %v", r.Area, e.Exact())
						if r.Blocks && e.Exact() != e.Bounds() {
							cut.Add(1)
						}
						e, stream, y := extract(t, x, r)
						requireCrop(t, head, reduce, e, ref, opjDecompress(t, stream, len(e.Components()), 0, 0))
						own, err := decodeAll(t, y, stream, 0, 0)
						require.NoError(t, err)
						requireCrop(t, head, reduce, e, ref, own)
						if noGrok == nil && n == 1 && reduce == 1 {
							grok := decompress(t, "grk_decompress", stream, len(e.Components()), 0, 0)
							require.NotNil(t, grok)
							if head.Components[0].Reversible {
								requireCrop(t, head, reduce, e, ref, grok)
							}
						}
					}
				}
			})
		}
	})
	if !testing.Short() { // which leaves most streams out
		require.NotZero(t, refused.Load())
		require.NotZero(t, cut.Load())
	}
}

func reducedBy(r image.Rectangle, n int) image.Rectangle {
	return componentRect(r, image.Pt(1, 1), n)
}

func damages(e *codestream.Extract) (tiles []int) {
	for tile := range e.Damage() {
		tiles = append(tiles, tile)
	}
	return tiles
}

// An extract of all of an image of the corpus has the samples of the image.
func TestExtractCorpus(t *testing.T) {
	needsDecoder(t)
	for _, f := range codestream.CorpusStreams(t) {
		if f.Expected != corpus.Decodes || f.Bytes > 256<<10 {
			continue
		}
		t.Run(f.Path, func(t *testing.T) {
			t.Parallel()
			x, err := openIndex(f.Data, f.At)
			require.NoError(t, err)
			h := x.Header()
			for reduce := range min(h.Reduces(), 2) + 1 {
				want, err := decodeAll(t, x, f.Data, reduce, 0)
				require.NoError(t, err)
				for n := range 3 {
					r := codestream.Region{Area: h.Bounds, Reduce: reduce, Blocks: n == 2}
					if n > 0 {
						r.Area = randomArea(rand.New(rand.NewPCG(3, uint64(f.Bytes))), h.Bounds)
					}
					_, err := x.Extract(t.Context(), r)
					if reduce > 0 && errors.Is(err, errors.ErrUnsupported) || errors.Is(err, codestream.ErrWindow) {
						continue
					}
					require.NoError(t, err, "%+v", r)
					e, stream, y := extract(t, x, r)
					got, err := decodeAll(t, y, stream, 0, 0)
					require.NoError(t, err)
					requireCrop(t, h, reduce, e, want, got)
				}
			}
		})
	}
}

// Assembled windows decode in Grok to what they do in OpenJPEG.
func TestAssembleInGrok(t *testing.T) {
	if _, err := exec.LookPath("grk_decompress"); err != nil {
		t.Skip("there is no grk_decompress")
	}
	const w, h = 301, 217
	for _, options := range kinds() {
		t.Run(strings.ReplaceAll(options, "/", ";"), func(t *testing.T) {
			t.Parallel()
			data := compressed(t, w, h, options)
			x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
			require.NoError(t, err)
			head := x.Header()
			rng := rand.New(rand.NewPCG(13, uint64(len(data))))
			reduce := rng.IntN(min(head.Reduces(), 3) + 1)
			ref := opjDecompress(t, data, 3, reduce, 0)
			area := randomArea(rng, head.Bounds)
			for tile := range head.TilesIn(area) {
				win := codestream.Window{Tile: tile, Area: area, Reduce: reduce}
				s, err := x.Select(t.Context(), win)
				if errors.Is(err, codestream.ErrWindow) {
					continue
				}
				require.NoError(t, err)
				var stream bytes.Buffer
				require.NoError(t, codestream.Assemble(t.Context(), &stream, x, win))
				a, err := s.Assemble()
				require.NoError(t, err)
				same, err := a.AppendTo(nil, bytes.NewReader(data))
				require.NoError(t, err)
				require.True(t, bytes.Equal(same, stream.Bytes()))
				got := decompress(t, "grk_decompress", stream.Bytes(), len(s.Window().Components), 0, 0)
				require.NotNil(t, got)
				for i, c := range s.Window().Components {
					sub := head.Components[c].Sub
					box, all, b := componentRect(a.Bounds(), sub, 0), componentRect(head.Bounds, sub, reduce), s.ComponentBounds(i)
					peak := int32(0)
					for y := b.Min.Y; y < b.Max.Y; y++ {
						for u := b.Min.X; u < b.Max.X; u++ {
							d := got[i].Samples[(y-box.Min.Y)*got[i].Width+u-box.Min.X] -
								ref[c].Samples[(y-all.Min.Y)*ref[c].Width+u-all.Min.X]
							peak = max(peak, d, -d)
						}
					}
					if head.Components[c].Reversible {
						require.Zero(t, peak, "%+v component %d", win, c)
					} else {
						require.LessOrEqual(t, peak, int32(1), "%+v component %d", win, c)
					}
				}
				break // one tile tells enough
			}
		})
	}
}

func TestExtractRefuses(t *testing.T) {
	data := compressed(t, 301, 217, "-t 50,60 -n 4")
	x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	for _, tt := range []struct {
		r    codestream.Region
		want error
	}{
		{codestream.Region{Area: image.Rect(0, 0, 301, 217), Reduce: 1}, nil}, // 25 by 30
		{codestream.Region{Area: image.Rect(0, 0, 301, 217), Reduce: 2}, errors.ErrUnsupported},
		{codestream.Region{Area: image.Rect(60, 0, 140, 217), Reduce: 2}, nil}, // two tiles across, 15 high
		{codestream.Region{Area: image.Rect(0, 0, 40, 50), Reduce: 3}, nil},
		{codestream.Region{Area: image.Rect(0, 0, 301, 217), Reduce: 4}, codestream.ErrWindow},
		{codestream.Region{Area: image.Rect(301, 0, 400, 10)}, codestream.ErrWindow},
		{codestream.Region{Area: image.Rect(1, 1, 3, 3), Reduce: 1}, nil},
		{codestream.Region{Area: image.Rect(3, 1, 4, 2), Reduce: 2}, codestream.ErrWindow},
		{codestream.Region{Area: image.Rect(0, 0, 9, 9), Reduce: -1}, codestream.ErrWindow},
		{codestream.Region{Area: image.Rect(0, 0, 9, 9), Layers: -1}, codestream.ErrWindow},
		{codestream.Region{}, codestream.ErrWindow},
	} {
		_, err := x.Extract(t.Context(), tt.r)
		if tt.want == nil {
			require.NoError(t, err, "%+v", tt.r)
		} else {
			require.ErrorIs(t, err, tt.want, "%+v", tt.r)
		}
	}
}

// Damage is told, and an extract of what is left decodes.
func TestExtractDamaged(t *testing.T) {
	whole := compressed(t, 301, 217, "-t 100,90")
	data := whole[:len(whole)-len(whole)/9]
	x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	e, err := x.Extract(t.Context(), codestream.Region{Area: image.Rect(0, 0, 90, 60)})
	require.NoError(t, err)
	require.Empty(t, damages(e))
	last := x.Header().NumTiles() - 1
	found := false
	for tile := last; tile >= 0 && !found; tile-- {
		r := codestream.Region{Area: x.Header().TileBounds(tile)}
		e, err := x.Extract(t.Context(), r)
		if err != nil {
			require.ErrorIs(t, err, codestream.ErrFormat) // nothing of it is there
			continue
		}
		require.Equal(t, []int{tile}, damages(e))
		for _, err := range e.Damage() {
			require.ErrorIs(t, err, codestream.ErrFormat)
		}
		_, stream, _ := extract(t, x, r)
		require.NotNil(t, opjDecompress(t, stream, 3, 0, 0))
		found = true
	}
	require.True(t, found)
}

// Errors of the source, of the Writer and of the context come through.
func TestExtractFails(t *testing.T) {
	data := compressed(t, 301, 217, "-t 100,90")
	head, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	broken := errors.New("broken")
	src := &failingReader{r: bytes.NewReader(data), err: broken}
	x := codestream.NewIndex(src, head.Header())
	r := codestream.Region{Area: head.Header().Bounds}
	for n := 0; ; n++ {
		src.left = n
		_, err := x.Extract(t.Context(), r)
		if err == nil {
			break
		}
		require.ErrorIs(t, err, broken)
	}
	src.left = 1 << 30
	e, err := x.Extract(t.Context(), r)
	require.NoError(t, err)
	for n := range 4 {
		src.left = n
		require.ErrorIs(t, e.Write(t.Context(), io.Discard), broken)
	}
	src.left = 1 << 30
	var out bytes.Buffer
	require.NoError(t, e.Write(t.Context(), &out))
	for _, n := range []int64{0, 1, 100, 5000, e.Size() - 1} {
		w := &limitedWriter{left: n, err: broken}
		require.ErrorIs(t, e.Write(t.Context(), w), broken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, e.Write(ctx, io.Discard), ctx.Err())
}

// A failingReader fails after so many reads.
type failingReader struct {
	r    io.ReaderAt
	left int
	err  error
}

func (f *failingReader) ReadAt(p []byte, off int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, f.err
	}
	return f.r.ReadAt(p, off)
}

// A limitedWriter fails after so many bytes.
type limitedWriter struct {
	left int64
	err  error
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if n := int64(len(p)); n <= w.left {
		w.left -= n
		return len(p), nil
	}
	n := w.left
	w.left = 0
	return int(n), w.err
}
