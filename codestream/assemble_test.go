package codestream_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/corpus"
	"github.com/stria-j2k/stria/internal/openjpeg"
	"github.com/stria-j2k/stria/internal/testimg"
)

// openIndex reads the header of a codestream that is all of data from at.
func openIndex(data []byte, at codestream.Span) (*codestream.Index, error) {
	r := bytes.NewReader(data)
	h, err := codestream.ReadHeader(r, at)
	if err != nil {
		return nil, err
	}
	return codestream.NewIndex(r, h), nil
}

// needsDecoder skips a test in a build without cgo.
func needsDecoder(t *testing.T) {
	if major, _, _ := openjpeg.Version(); major == 0 {
		t.Skip("OpenJPEG needs cgo")
	}
}

// errHighThroughput is about blocks that OpenJPEG must not be given untested.
var errHighThroughput = fmt.Errorf("High-Throughput blocks: %w", errors.ErrUnsupported)

// decodeSelection assembles a selection, decodes it and returns the samples of
// its components' bounds.
func decodeSelection(s *codestream.Selection, x *codestream.Index, data []byte) ([]openjpeg.Plane, error) {
	for _, c := range s.Coding().Components {
		if c.Style&codestream.HT != 0 {
			return nil, errHighThroughput
		}
	}
	a, err := s.Assemble()
	if err != nil {
		return nil, err
	}
	stream, err := a.AppendTo(nil, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if int64(len(stream)) != a.Size() {
		return nil, fmt.Errorf("%d bytes assembled of %d", len(stream), a.Size())
	}
	d, err := openjpeg.Open(stream, 1)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	planes := newPlanes(s, x)
	return planes, d.DecodeAll(planes)
}

// newPlanes makes room for the samples of a selection.
func newPlanes(s *codestream.Selection, x *codestream.Index) []openjpeg.Plane {
	w := s.Window()
	planes := make([]openjpeg.Plane, len(w.Components))
	for i, c := range w.Components {
		k := x.Header().Components[c]
		b := s.ComponentBounds(i)
		p := openjpeg.Plane{Bounds: b, Depth: k.Depth, Signed: k.Signed, Stride: b.Dx()}
		switch n := b.Dx() * b.Dy(); {
		case k.Signed || k.Depth > 16:
			p.I32 = make([]int32, n)
		case k.Depth > 8:
			p.U16 = make([]uint16, n)
		default:
			p.U8 = make([]uint8, n)
		}
		planes[i] = p
	}
	return planes
}

// decodeOutside is decodeSelection by OpenJPEG's program, which decodes
// High-Throughput blocks where they are not wanted in this process.
func decodeOutside(t *testing.T, s *codestream.Selection, x *codestream.Index, data []byte) ([]openjpeg.Plane, error) {
	a, err := s.Assemble()
	require.NoError(t, err)
	stream, err := a.AppendTo(nil, bytes.NewReader(data))
	require.NoError(t, err)
	planes := newPlanes(s, x)
	whole := opjDecompress(t, stream, len(planes), 0, 0)
	if whole == nil {
		return nil, errors.New("opj_decompress failed")
	}
	for i := range planes {
		p := &planes[i]
		b := componentRect(a.Bounds(), x.Header().Components[s.Window().Components[i]].Sub, 0)
		for y := p.Bounds.Min.Y; y < p.Bounds.Max.Y; y++ {
			for u := p.Bounds.Min.X; u < p.Bounds.Max.X; u++ {
				v := whole[i].Samples[(y-b.Min.Y)*whole[i].Width+u-b.Min.X]
				k := (y-p.Bounds.Min.Y)*p.Stride + u - p.Bounds.Min.X
				switch {
				case p.U8 != nil:
					p.U8[k] = uint8(v)
				case p.U16 != nil:
					p.U16[k] = uint16(v)
				default:
					p.I32[k] = v
				}
			}
		}
	}
	return planes, nil
}

// at gives the sample of a plane at a place of its grid.
func at(p *openjpeg.Plane, x, y int) int32 {
	i := (y-p.Bounds.Min.Y)*p.Stride + x - p.Bounds.Min.X
	switch {
	case p.U8 != nil:
		return int32(p.U8[i])
	case p.U16 != nil:
		return int32(p.U16[i])
	}
	return p.I32[i]
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// componentRect is what an area of the reference grid is on a component's grid
// at a reduction.
func componentRect(r image.Rectangle, sub image.Point, reduce int) image.Rectangle {
	f := func(v, s int) int { return ceilDiv(ceilDiv(v, 1<<reduce), s) }
	return image.Rect(f(r.Min.X, sub.X), f(r.Min.Y, sub.Y), f(r.Max.X, sub.X), f(r.Max.Y, sub.Y))
}

// decodeAll decodes an image tile by tile through assembled codestreams.
func decodeAll(t *testing.T, x *codestream.Index, data []byte, reduce, layers int) ([]corpus.Plane, error) {
	h := x.Header()
	out := make([]corpus.Plane, len(h.Components))
	bounds := make([]image.Rectangle, len(out))
	for i, c := range h.Components {
		b := componentRect(h.Bounds, c.Sub, reduce)
		bounds[i] = b
		out[i] = corpus.Plane{Width: b.Dx(), Height: b.Dy(), Depth: c.Depth, Signed: c.Signed,
			Samples: make([]int32, b.Dx()*b.Dy())}
	}
	var first error
	for tile := range h.NumTiles() {
		s, err := x.Select(t.Context(), codestream.Window{
			Tile: tile, Area: h.Bounds, Reduce: reduce, Layers: layers,
		})
		if err != nil {
			if !errors.Is(err, codestream.ErrWindow) && first == nil {
				first = fmt.Errorf("tile %d: %w", tile, err)
			}
			continue
		}
		if err := s.Damage(); err != nil && first == nil {
			first = fmt.Errorf("tile %d damaged: %w", tile, err)
		}
		var planes []openjpeg.Plane
		if outside(h) {
			planes, err = decodeOutside(t, s, x, data)
		} else {
			planes, err = decodeSelection(s, x, data)
		}
		if err != nil {
			if first == nil {
				first = fmt.Errorf("tile %d: %w", tile, err)
			}
			continue
		}
		for i := range planes {
			p := &planes[i]
			for y := p.Bounds.Min.Y; y < p.Bounds.Max.Y; y++ {
				for xx := p.Bounds.Min.X; xx < p.Bounds.Max.X; xx++ {
					out[i].Samples[(y-bounds[i].Min.Y)*out[i].Width+xx-bounds[i].Min.X] = at(p, xx, y)
				}
			}
		}
	}
	return out, first
}

// outside reports whether an image is decoded by OpenJPEG's program.
func outside(h *codestream.Header) bool { return h.CAP != nil }

// converted reports whether opj_decompress takes an image for YCbCr and converts
// it, so that its samples are others.
func converted(row corpus.Row) bool {
	return strings.Contains(row.Subsampling, "2x") && row.Components == 3
}

// manyTiles is for how many tiles a program is run each.
const manyTiles = 16

// checkSomeTiles holds tiles from all over an image against OpenJPEG's decode of
// the whole.
func checkSomeTiles(t *testing.T, x *codestream.Index, f codestream.CorpusStream) {
	h := x.Header()
	ref := opjDecompress(t, f.Data[f.At.Off:f.At.End()], len(h.Components), 0, 0)
	require.NotNil(t, ref)
	for tile := 0; tile < h.NumTiles(); tile += h.NumTiles() / manyTiles {
		s, err := x.Select(t.Context(), codestream.Window{Tile: tile, Area: h.Bounds})
		require.NoError(t, err)
		require.NoError(t, s.Damage())
		planes, err := decodeOutside(t, s, x, f.Data)
		require.NoError(t, err)
		if converted(f.Row) {
			continue
		}
		for i := range planes {
			p := &planes[i]
			b := componentRect(h.Bounds, h.Components[i].Sub, 0)
			for y := p.Bounds.Min.Y; y < p.Bounds.Max.Y; y++ {
				for u := p.Bounds.Min.X; u < p.Bounds.Max.X; u++ {
					want := ref[i].Samples[(y-b.Min.Y)*ref[i].Width+u-b.Min.X]
					if got := at(p, u, y); got != want {
						require.Equal(t, want, got, "tile %d component %d at %d,%d", tile, i, u, y)
					}
				}
			}
		}
	}
}

// opjDecompress decodes a codestream with OpenJPEG's program.
func opjDecompress(t testing.TB, stream []byte, components, reduce, layers int) []corpus.Plane {
	t.Helper()
	return decompress(t, "opj_decompress", stream, components, reduce, layers)
}

// decompress decodes a codestream with a program that takes OpenJPEG's options.
func decompress(t testing.TB, program string, stream []byte, components, reduce, layers int) []corpus.Plane {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.j2k")
	require.NoError(t, os.WriteFile(in, stream, 0o600))
	args := []string{"-i", in, "-o", filepath.Join(dir, "out.pgx"), "-r", strconv.Itoa(reduce)}
	if layers > 0 {
		args = append(args, "-l", strconv.Itoa(layers))
	}
	msg, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Logf("%s: %v\n%s", program, err, msg)
		return nil
	}
	var planes []corpus.Plane
	for i := range components {
		name := filepath.Join(dir, fmt.Sprintf("out_%d.pgx", i))
		if components == 1 {
			name = filepath.Join(dir, "out.pgx")
			if _, err := os.Stat(name); err != nil {
				name = filepath.Join(dir, "out_0.pgx")
			}
		}
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		p, err := corpus.ParsePGX(b)
		require.NoError(t, err)
		planes = append(planes, p)
	}
	return planes
}

func TestCorpusDecodesThroughAssembly(t *testing.T) {
	needsDecoder(t)
	for _, f := range codestream.CorpusStreams(t) {
		t.Run(f.Path, func(t *testing.T) {
			t.Parallel()
			x, err := openIndex(f.Data, f.At)
			if err != nil {
				require.NotEqual(t, corpus.Decodes, f.Expected, err)
				return
			}
			if f.Expected != corpus.Decodes {
				return
			}
			if outside(x.Header()) && x.Header().NumTiles() > manyTiles {
				checkSomeTiles(t, x, f)
				return
			}
			planes, err := decodeAll(t, x, f.Data, 0, 0)
			if errors.Is(err, errors.ErrUnsupported) && strings.Contains(f.Path, "htj2k") {
				t.Skip(err)
			}
			require.NoError(t, err)
			if corpus.Digest(planes...) == f.Pixels {
				return
			}
			if converted(f.Row) {
				t.Skip("opj_decompress converts it to RGB")
			}
			// Palettes and colours: compare with what is coded.
			ref := opjDecompress(t, f.Data[f.At.Off:f.At.End()], len(planes), 0, 0)
			require.NotNil(t, ref)
			for i := range ref {
				peak, _, err := corpus.Compare(ref[i], planes[i])
				require.NoError(t, err)
				require.LessOrEqual(t, peak, 0, "component %d", i)
			}
		})
	}
}

// generated are options of opj_compress that make streams of many kinds.
var generated = []string{
	"",
	"-p RLCP -b 32,32",
	"-p RPCL -c [64,64],[32,32] -b 16,16",
	"-p PCRL -c [128,128] -SOP -EPH",
	"-p CPRL -b 8,8 -n 3 -c [32,64]",
	"-M 1 -r 20,10,1", "-M 2", "-M 4 -r 20,10,1", "-M 8", "-M 16", "-M 32", "-M 63 -r 30,10,1",
	"-M 5 -b 16,16", "-M 5 -r 20,10,1 -SOP", "-M 1 -b 4,4",
	"-t 100,90", "-t 100,90 -T 3,5 -d 17,11 -p RPCL", "-d 33,7 -b 16,16",
	"-I -r 20,10,5", "-I -r 8 -b 8,8", "-I -t 128,128 -d 5,3 -r 6",
	"-s 2,2 -d 3,3", "-s 3,2 -I -r 4",
	"-TP R -p RLCP -r 10,1", "-TP L -r 10,1", "-TP C -t 100,100",
	"-PLT", "-PLT -TLM -t 64,64 -p PCRL", "-PLT -r 20,10,1 -p RPCL -c [64,64]",
	"-POC T1=0,0,1,6,3,LRCP/T1=0,0,2,6,3,RPCL -r 10,1",
	"-ROI c=0,U=7", "-n 1", "-n 1 -b 4,4 -c [8,8]", "-n 3 -c [16,16],[8,8],[1,1]",
	"-r 50,40,30,20,15,10,8,6,4,2,1 -b 8,8 -p RLCP",
	"-b 4,4 -I -r 5", "-b 1024,4", "-b 4,1024 -n 3", "-mct 0",
}

// kinds is generated; in a short run, a few of them.
func kinds() []string {
	if !testing.Short() {
		return generated
	}
	var some []string
	for i := 0; i < len(generated); i += 6 {
		some = append(some, generated[i])
	}
	return some
}

// testImage is a picture with smooth parts, edges and noise, as PPM.
func testImage(w, h int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := fmt.Appendf(nil, "P6\n%d %d\n255\n", w, h)
	for y := range h {
		for x := range w {
			for c := range 3 {
				v := (x*(c+1) + y*2) / 3
				if (x/23+y/17)%3 == 0 {
					v += 90
				}
				if x > w/2 && y > h/3 {
					v += rng.IntN(40)
				}
				b = append(b, byte(v))
			}
		}
	}
	return b
}

// compressed makes the codestream of testImage with options of opj_compress.
func compressed(t testing.TB, w, h int, options string) []byte {
	t.Helper()
	program := testimg.Program(t, "opj_compress")
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.ppm"), filepath.Join(dir, "out.j2k")
	require.NoError(t, os.WriteFile(in, testImage(w, h, 1), 0o600))
	args := append([]string{"-i", in, "-o", out}, strings.Fields(options)...)
	msg, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	require.NoError(t, err, "%s", msg)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	return b
}

// TestWindows holds random windows of generated images against OpenJPEG's own
// decode of the whole.
func TestWindows(t *testing.T) {
	needsDecoder(t)
	const w, h = 301, 217
	for _, options := range kinds() {
		t.Run(strings.ReplaceAll(options, "/", ";"), func(t *testing.T) {
			t.Parallel()
			data := compressed(t, w, h, options)
			x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
			require.NoError(t, err)
			head := x.Header()
			rng := rand.New(rand.NewPCG(7, uint64(len(data))))
			for reduce := range min(head.Reduces(), 3) + 1 {
				layers := 0
				if reduce == 1 {
					layers = 1 + rng.IntN(head.Coding.Layers)
				}
				ref := opjDecompress(t, data, 3, reduce, layers)
				require.NotNil(t, ref)
				for range 6 {
					checkWindow(t, x, data, ref, reduce, layers, rng)
				}
			}
		})
	}
}

// checkWindow decodes a random window of all tiles it touches, and of some
// components, and compares it with the whole.
func checkWindow(t *testing.T, x *codestream.Index, data []byte, ref []corpus.Plane, reduce, layers int, rng *rand.Rand) {
	t.Helper()
	h := x.Header()
	b := h.Bounds
	x0, y0 := b.Min.X+rng.IntN(b.Dx()), b.Min.Y+rng.IntN(b.Dy())
	area := image.Rect(x0, y0, x0+1+rng.IntN(b.Max.X-x0), y0+1+rng.IntN(b.Max.Y-y0))
	if rng.IntN(3) == 0 {
		area = image.Rect(x0, y0, x0+1+rng.IntN(20), y0+1+rng.IntN(20))
	}
	var components []int
	if rng.IntN(3) == 0 {
		components = []int{rng.IntN(len(h.Components))}
	}
	for tile := range h.TilesIn(area) {
		w := codestream.Window{Tile: tile, Area: area, Reduce: reduce, Layers: layers, Components: components}
		s, err := x.Select(t.Context(), w)
		if errors.Is(err, codestream.ErrWindow) {
			continue
		}
		require.NoError(t, err, "%+v", w)
		require.NoError(t, s.Damage())
		planes, err := decodeSelection(s, x, data)
		require.NoError(t, err, "%+v", w)
		for i, c := range s.Window().Components {
			all := componentRect(b, h.Components[c].Sub, reduce)
			p := &planes[i]
			require.Equal(t, componentRect(area.Intersect(h.TileBounds(tile)), h.Components[c].Sub, reduce), p.Bounds)
			for y := p.Bounds.Min.Y; y < p.Bounds.Max.Y; y++ {
				for u := p.Bounds.Min.X; u < p.Bounds.Max.X; u++ {
					want := ref[c].Samples[(y-all.Min.Y)*ref[c].Width+u-all.Min.X]
					if got := at(p, u, y); got != want {
						require.Equal(t, want, got, "%+v component %d at %d,%d", w, c, u, y)
					}
				}
			}
		}
	}
}

// TestBlocksAddUp holds what a selection says of its blocks against its sums.
func TestBlocksAddUp(t *testing.T) {
	data := compressed(t, 150, 120, "-M 5 -r 20,5,1 -b 16,16 -t 100,100")
	x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	w := codestream.Window{Area: image.Rect(20, 10, 90, 60), Reduce: 1, Layers: 2}
	s, err := x.Select(t.Context(), w)
	require.NoError(t, err)
	blocks, length := 0, int64(0)
	for b, err := range x.Blocks(t.Context(), w) {
		require.NoError(t, err)
		require.False(t, b.Bounds.Empty())
		passes, bytes := 0, int64(0)
		for _, c := range b.Codewords {
			passes += int(c.Passes)
			bytes += int64(c.Length)
		}
		require.Equal(t, b.Passes, passes)
		for _, p := range b.Spans {
			bytes -= p.Len
			require.True(t, slices.ContainsFunc(s.Spans(), func(q codestream.Span) bool {
				return q.Off <= p.Off && p.End() <= q.End()
			}))
		}
		require.Zero(t, bytes)
		blocks++
		for _, p := range b.Spans {
			length += p.Len
		}
	}
	require.Equal(t, s.NumBlocks(), blocks)
	require.Equal(t, s.Bytes(), length)
}
