package encode_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/internal/corpus"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// openImage opens an image in memory.
func openImage(t testing.TB, data []byte) *jp2.File {
	t.Helper()
	f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return f
}

// decodePAM gives the pixels of a request, as PAM.
func decodePAM(t testing.TB, f *jp2.File, req tile.Request) []byte {
	t.Helper()
	p, err := new(tile.Decoder).Plan(f, req)
	require.NoError(t, err)
	return encodeTo(t, encode.PNM{PAM: true}, p)
}

// requireSamePixels writes a request as JPEG 2000 and requires of what is exact
// in it the pixels of the original. It returns the new file.
func requireSamePixels(t testing.TB, f *jp2.File, format encode.JP2, req tile.Request) []byte {
	t.Helper()
	p, err := new(tile.Decoder).Plan(f, req)
	require.NoError(t, err)
	e, err := format.Extract(t.Context(), p)
	require.NoError(t, err)
	data := encodeTo(t, format, p)
	g := openImage(t, data)
	require.Equal(t, e.Bounds(), g.Header.Bounds)
	if !format.Codestream {
		require.Empty(t, g.Warnings)
		require.Equal(t, f.Color.Method, g.Color.Method)
		require.Equal(t, f.Color.ICC, g.Color.ICC)
		require.Equal(t, f.Layout, g.Layout)
	}

	step := image.Pt(255, 255)
	for _, c := range f.Header.Components {
		step = image.Pt(min(step.X, c.Sub.X), min(step.Y, c.Sub.Y))
	}
	if step != image.Pt(1, 1) {
		return data // areas are not pixels
	}
	exact := e.Exact()
	if len(f.Header.Components) > 1 && e.Bounds() != exact {
		exact = exact.Inset(2) // where chroma is upsampled, it looks beyond
	}
	if exact.Empty() {
		return data
	}
	scaled := image.Rect(exact.Min.X<<req.Reduce, exact.Min.Y<<req.Reduce,
		exact.Max.X<<req.Reduce, exact.Max.Y<<req.Reduce)
	want := decodePAM(t, f, tile.Request{Region: scaled.Sub(f.Header.Bounds.Min), Reduce: req.Reduce})
	got := decodePAM(t, g, tile.Request{Region: exact.Sub(e.Bounds().Min)})
	require.True(t, bytes.Equal(want, got), "%+v of %+v", format, req)
	return data
}

func TestJP2(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	spec := testimg.Spec{Width: 700, Height: 500, Components: 3}
	kinds := [][]string{
		{}, {"-I", "-r", "10"}, {"-b", "16,16", "-n", "3"}, {"-t", "128,64", "-b", "16,16", "-p", "RPCL", "-PLT"},
		{"-t", "200,136", "-d", "31,17", "-I", "-r", "8,4"},
	}
	if testing.Short() {
		kinds = kinds[len(kinds)-1:]
	}
	for _, args := range kinds {
		f := openImage(t, testimg.Compress(t, spec, "jp2", args...))
		for _, extent := range []encode.Extent{encode.WholeTiles, encode.WholeBlocks} {
			for reduce := range 3 {
				x, y := rng.IntN(600), rng.IntN(400)
				req := tile.Request{Reduce: reduce, Region: image.Rect(x, y, x+8+rng.IntN(200), y+8+rng.IntN(200))}
				data := requireSamePixels(t, f, encode.JP2{Extent: extent}, req)
				bare := requireSamePixels(t, f, encode.JP2{Extent: extent, Codestream: true}, req)
				require.True(t, bytes.HasSuffix(data, bare))
			}
		}
		requireSamePixels(t, f, encode.JP2{}, tile.Request{Reduce: 1})
	}
}

// Whatever the corpus has keeps its pixels, reduced and not.
func TestJP2Corpus(t *testing.T) {
	for _, row := range corpus.Manifest(t) {
		if !row.Codestream() || row.Expected != corpus.Decodes || row.Bytes > 256<<10 {
			continue
		}
		if testing.Short() && row.Bytes > 8<<10 {
			continue
		}
		t.Run(row.Path, func(t *testing.T) {
			t.Parallel()
			f := openImage(t, row.Read(t))
			if p, err := new(tile.Decoder).Plan(f, tile.Request{}); err != nil {
				t.Skip(err)
			} else if err := (encode.PNM{PAM: true}).Encode(t.Context(), io.Discard, p); err != nil {
				t.Skip(err)
			}
			for reduce := range min(f.Header.Reduces(), 1) + 1 {
				req := tile.Request{Reduce: reduce}
				p, err := new(tile.Decoder).Plan(f, req)
				require.NoError(t, err)
				if _, err := (encode.JP2{}).Extract(t.Context(), p); reduce > 0 && errors.Is(err, errors.ErrUnsupported) {
					t.Skip(err)
				}
				requireSamePixels(t, f, encode.JP2{}, req)
			}
		})
	}
}

// Other programs read what is written.
func TestJP2Elsewhere(t *testing.T) {
	f := openImage(t, testimg.Compress(t, testimg.Spec{Width: 300, Height: 200, Components: 3}, "jp2", "-t", "128,128"))
	req := tile.Request{Region: image.Rect(128, 0, 300, 200), Reduce: 1}
	data := requireSamePixels(t, f, encode.JP2{}, req)
	p, err := new(tile.Decoder).Plan(f, req)
	require.NoError(t, err)
	want := encodeTo(t, encode.PNM{}, p)
	for _, program := range []string{"opj_decompress", "grk_decompress"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Logf("there is no %s", program)
			continue
		}
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in.jp2"), filepath.Join(dir, "out.ppm")
		require.NoError(t, os.WriteFile(in, data, 0o600))
		message, err := exec.Command(path, "-i", in, "-o", out).CombinedOutput()
		require.NoError(t, err, "%s: %s", program, message)
		got, err := os.ReadFile(out)
		require.NoError(t, err)
		a, err := corpus.ParsePNM(want)
		require.NoError(t, err)
		b, err := corpus.ParsePNM(got)
		require.NoError(t, err)
		require.Equal(t, a, b, program)
	}
}

// boxedImage is an image of 300 x 200 pixels in four tiles with an ICC profile
// or not, a resolution and metadata boxes.
func boxedImage(t testing.TB) *jp2.File {
	t.Helper()
	f := openImage(t, testimg.Compress(t, testimg.Spec{Width: 300, Height: 200, Components: 3}, "jp2", "-t", "150,100"))
	p, err := f.Preamble(image.Pt(300, 200), nil, 0)
	require.NoError(t, err)
	p.Resolution.Capture = jp2.Density{X: jp2.RatioOf(11811), Y: jp2.RatioOf(11811)}
	p.Boxes = []jp2.RawBox{{Type: "xml ", Data: []byte("<a/>")}, jp2.NewUUID(jp2.XMP, []byte("<x/>")), {Type: "free", Data: []byte{1}}}
	span := f.Header.Span
	data, err := p.Append(nil, span.Len)
	require.NoError(t, err)
	stream := make([]byte, span.Len)
	_, err = f.Source().ReadAt(stream, span.Off)
	require.NoError(t, err)
	return openImage(t, append(data, stream...))
}

func TestJP2Boxes(t *testing.T) {
	f := boxedImage(t)
	p, err := new(tile.Decoder).Plan(f, tile.Request{Reduce: 1})
	require.NoError(t, err)
	types := func(boxes []string) (list []string, g *jp2.File) {
		g = openImage(t, encodeTo(t, encode.JP2{Boxes: boxes}, p))
		for _, b := range g.Boxes {
			list = append(list, b.Type)
		}
		return list, g
	}
	list, g := types(nil)
	require.Equal(t, []string{"ftyp", "jp2h", "jp2c"}, list)
	require.InEpsilon(t, 11811.0/2, g.Resolution.Capture.X.Float(), 1e-5)
	list, _ = types([]string{"xml"})
	require.Equal(t, []string{"ftyp", "jp2h", "xml ", "jp2c"}, list)
	list, g = types([]string{"uuid", "xml "})
	require.Equal(t, []string{"ftyp", "jp2h", "xml ", "uuid", "jp2c"}, list)
	xmp, err := g.FindUUID(jp2.XMP)
	require.NoError(t, err)
	text, err := io.ReadAll(xmp)
	require.NoError(t, err)
	require.Equal(t, "<x/>", string(text))
	require.ErrorIs(t, encode.JP2{Boxes: []string{"jp2h"}}.Encode(t.Context(), io.Discard, p), tile.ErrRequest)
}

func TestJP2Refuses(t *testing.T) {
	f := boxedImage(t)
	var out bytes.Buffer
	for _, tt := range []struct {
		name   string
		req    tile.Request
		format encode.JP2
		want   error
	}{
		{"scaled", tile.Request{Size: image.Pt(100, 0)}, encode.JP2{}, errors.ErrUnsupported},
		{"halved", tile.Request{Size: image.Pt(150, 0)}, encode.JP2{}, nil},
		{"turned", tile.Request{Orient: tile.Rotate180}, encode.JP2{}, errors.ErrUnsupported},
		{"other pixels", tile.Request{Format: tile.RGB16}, encode.JP2{}, errors.ErrUnsupported},
		{"as it is", tile.Request{Format: tile.RGB8}, encode.JP2{}, nil},
		{"planes", tile.Request{Format: tile.Coded}, encode.JP2{}, nil},
		{"a part of a tile", tile.Request{Region: image.Rect(10, 0, 150, 100)}, encode.JP2{}, errors.ErrUnsupported},
		{"a tile", tile.Request{Region: image.Rect(150, 0, 300, 100)}, encode.JP2{}, nil},
		{"grown", tile.Request{Region: image.Rect(10, 0, 150, 100)}, encode.JP2{Extent: encode.WholeTiles}, nil},
		{"two tiles, reduced to 37.5", tile.Request{Reduce: 2}, encode.JP2{}, nil},
		{"no extent", tile.Request{}, encode.JP2{Extent: 9}, tile.ErrRequest},
	} {
		p, err := new(tile.Decoder).Plan(f, tt.req)
		require.NoError(t, err, tt.name)
		out.Reset()
		err = tt.format.Encode(t.Context(), &out, p)
		if tt.want == nil {
			require.NoError(t, err, tt.name)
			continue
		}
		require.ErrorIs(t, err, tt.want, tt.name)
		require.Zero(t, out.Len(), tt.name)
	}
	p, err := new(tile.Decoder).Plan(f, tile.Request{Region: image.Rect(10, 0, 149, 99)})
	require.NoError(t, err)
	require.ErrorContains(t, encode.JP2{}.Encode(t.Context(), io.Discard, p), "0,0,150,100")

	pixels := encodetest.NewSource(image.NewGray(image.Rect(0, 0, 9, 9)))
	require.ErrorIs(t, encode.JP2{}.Encode(t.Context(), io.Discard, pixels), errors.ErrUnsupported)
}

// JP2 keeps the promises of Format, so far as the conformance kit needs pixels.
func TestJP2Promises(t *testing.T) {
	f := boxedImage(t)
	budget := &tile.Budget{}
	dec := &tile.Decoder{Budget: budget}
	p, err := dec.Plan(f, tile.Request{})
	require.NoError(t, err)
	whole := encodeTo(t, encode.JP2{}, p)
	require.Zero(t, budget.Used())
	require.Positive(t, budget.Peak())

	broken := errors.New("broken")
	for _, n := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
		err := encode.JP2{}.Encode(t.Context(), &failsAfter{left: n, err: broken}, p)
		require.ErrorIs(t, err, broken)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	require.ErrorIs(t, encode.JP2{}.Encode(ctx, io.Discard, p), broken)
	require.Zero(t, budget.Used())

	small, err := (&tile.Decoder{Budget: &tile.Budget{Bytes: 8 << 20}}).Plan(f, tile.Request{})
	require.NoError(t, err)
	require.ErrorIs(t, encode.JP2{}.Encode(t.Context(), io.Discard, small), tile.ErrBudget)
}

// failsAfter is a Writer that fails after so many bytes.
type failsAfter struct {
	left int
	err  error
}

func (w *failsAfter) Write(p []byte) (int, error) {
	if len(p) <= w.left {
		w.left -= len(p)
		return len(p), nil
	}
	n := w.left
	w.left = 0
	return n, w.err
}

// Damage is an error for a strict decoder, and told to the hooks of others.
func TestJP2Damaged(t *testing.T) {
	data := testimg.Compress(t, testimg.Spec{Width: 300, Height: 200}, "j2k")
	f := openImage(t, data[:len(data)*3/4])
	told := 0
	dec := &tile.Decoder{Hooks: &tile.Hooks{Damaged: func(int, error) { told++ }}}
	p, err := dec.Plan(f, tile.Request{})
	require.NoError(t, err)
	encodeTo(t, encode.JP2{}, p)
	require.Equal(t, 1, told)

	p, err = (&tile.Decoder{Strict: true}).Plan(f, tile.Request{})
	require.NoError(t, err)
	var out bytes.Buffer
	require.ErrorIs(t, encode.JP2{}.Encode(t.Context(), &out, p), codestream.ErrFormat)
	require.Zero(t, out.Len())
}
