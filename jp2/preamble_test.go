package jp2

import (
	"bytes"
	"errors"
	"image"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/internal/corpus"
)

// sameImage requires that two files mean the same by their samples.
func sameImage(t *testing.T, want, got *File) {
	t.Helper()
	noBox := func(c Color) Color { c.Box, c.Assumed = Color{}.Box, false; return c }
	require.Equal(t, noBox(want.Color), noBox(got.Color))
	require.Equal(t, want.Layout, got.Layout)
	require.Equal(t, want.Palette, got.Palette)
	require.Equal(t, want.Resolution, got.Resolution)
	require.Equal(t, want.Bounds(), got.Bounds())
}

// rewrap writes f's own codestream into a new file.
func rewrap(t *testing.T, f *File) *File {
	t.Helper()
	p, err := f.Preamble(f.Header.Bounds.Size(), nil, 0)
	require.NoError(t, err)
	span := f.Header.Span
	stream := make([]byte, span.Len)
	_, err = f.r.ReadAt(stream, span.Off)
	require.NoError(t, err)
	for _, length := range []int64{span.Len, UnknownLength} {
		b, err := p.Append([]byte("in front"), length)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(b, []byte("in front")))
		g := mustOpen(t, append(b[len("in front"):], stream...))
		require.Equal(t, span.Len, g.Header.Span.Len)
		sameImage(t, f, g)
		if length == UnknownLength {
			return g
		}
	}
	return nil
}

// What is written for a file's own codestream means what the file meant.
func TestPreambleKeepsMeaning(t *testing.T) {
	for _, test := range fileCases {
		if test.err == "" {
			t.Run(test.name, func(t *testing.T) {
				g := rewrap(t, mustOpen(t, test.data))
				require.Empty(t, g.Warnings)
			})
		}
	}
}

func TestPreambleCorpus(t *testing.T) {
	for _, row := range corpus.Manifest(t) {
		if !row.Codestream() {
			continue
		}
		if f, err := newFile(row.Read(t)); err == nil {
			t.Run(row.Path, func(t *testing.T) { rewrap(t, f) })
		}
	}
}

func TestPreambleComponents(t *testing.T) {
	rgba := mustOpen(t, wrap(testStream{size: image.Pt(4, 4), components: components(4)},
		enumerated(SRGB).append(nil),
		appendCdef(nil, []Channel{{0, Premultiplied, 0}, {1, 0, 3}, {2, 0, 2}, {3, 0, 1}})))
	indexed := mustOpen(t, wrap(testStream{size: image.Pt(4, 4), components: components(3)},
		enumerated(SRGB).append(nil), testPalette.append(nil),
		appendCmap(nil, []Mapping{{1, 0}, {1, 1}, {1, 2}, {2, Direct}}),
		appendCdef(nil, []Channel{{0, 0, 1}, {1, 0, 2}, {2, 0, 3}, {3, Opacity, 0}})))
	for _, test := range []struct {
		name       string
		f          *File
		components []int
		color      Space
		colors     []int
		alpha      int
		err        bool
	}{
		{"all", rgba, nil, SRGB, []int{3, 2, 1}, 0, false},
		{"without opacity", rgba, []int{3, 2, 1}, SRGB, []int{0, 1, 2}, -1, false},
		{"in another order", rgba, []int{3, 0, 2, 1}, SRGB, []int{0, 2, 3}, 1, false},
		{"one colour", rgba, []int{2}, Grey, []int{0}, -1, false},
		{"one colour and opacity", rgba, []int{0, 2}, Grey, []int{1}, 0, false},
		{"opacity", rgba, []int{0}, Grey, []int{0}, -1, false},
		{"two colours", rgba, []int{1, 2}, 0, nil, 0, true},
		{"palette", indexed, []int{1}, SRGB, []int{0, 1, 2}, -1, false},
		{"palette and opacity", indexed, []int{2, 1}, SRGB, []int{0, 1, 2}, 3, false},
		{"beside the palette", indexed, []int{2}, Grey, []int{0}, -1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := test.f.Preamble(image.Pt(4, 4), test.components, 0)
			if test.err {
				require.ErrorIs(t, err, errors.ErrUnsupported)
				return
			}
			require.NoError(t, err)
			s := testStream{size: image.Pt(4, 4), components: components(len(p.Depths))}.bytes()
			b, err := p.Append(nil, int64(len(s)))
			require.NoError(t, err)
			g := mustOpen(t, append(b, s...))
			require.Empty(t, g.Warnings)
			require.Equal(t, test.color, g.Color.Space)
			require.Equal(t, test.colors, g.Layout.Colors)
			require.Equal(t, test.alpha, g.Layout.Alpha)
			require.Equal(t, test.alpha >= 0 && test.f.Layout.Premultiplied, g.Layout.Premultiplied)
		})
	}
	_, err := rgba.Preamble(image.Pt(4, 4), []int{4}, 0)
	require.Error(t, err)
}

func TestPreambleBoxes(t *testing.T) {
	f := mustOpen(t, wrap(rgb, enumerated(SRGB).append(nil), testResolution.append(nil)))
	p, err := f.Preamble(image.Pt(20, 10), nil, 3)
	require.NoError(t, err)
	p.Boxes = []RawBox{{Type: typeXML, Data: []byte("<a/>")}, NewUUID(XMP, []byte("<x/>"))}
	s := rgb.bytes()
	b, err := p.Append(nil, int64(len(s)))
	require.NoError(t, err)
	g := mustOpen(t, append(b, s...))
	require.InDelta(t, testResolution.Capture.X.Float()/8, g.Resolution.Capture.X.Float(), 1e-6)
	require.InDelta(t, testResolution.Display.Y.Float()/8, g.Resolution.Display.Y.Float(), 1e-6)
	r, err := g.Raw(g.Boxes[2], 4)
	require.NoError(t, err)
	require.Equal(t, p.Boxes[0], r)
	r, err = g.Raw(g.Boxes[3], 20)
	require.NoError(t, err)
	require.Equal(t, p.Boxes[1], r)
	_, err = g.Raw(g.Boxes[3], 19)
	require.Error(t, err)
}

// A codestream of more than 4 GiB needs the long form of its box's length.
func TestPreambleLongCodestream(t *testing.T) {
	p := mustOpen(t, wrap(rgb)).preamble(t)
	for _, test := range []struct {
		length int64
		head   int
	}{{1 << 20, 8}, {1<<32 - 9, 8}, {1<<32 - 8, 16}, {1 << 40, 16}} {
		b, err := p.Append(nil, test.length)
		require.NoError(t, err)
		head := b[len(b)-test.head:]
		box, over, err := parseBoxHeader(head, 0, math.MaxInt64)
		require.NoError(t, err)
		require.Zero(t, over)
		require.Equal(t, test.length, box.Payload.Len)
	}
}

func (f *File) preamble(t *testing.T) *Preamble {
	p, err := f.Preamble(f.Header.Bounds.Size(), nil, 0)
	require.NoError(t, err)
	return p
}

func TestPreambleRefuses(t *testing.T) {
	f := mustOpen(t, wrap(rgb, enumerated(SRGB).append(nil)))
	for name, spoil := range map[string]func(p *Preamble){
		"brand":      func(p *Preamble) { p.Brand = "jp2" },
		"size":       func(p *Preamble) { p.Size.X = 0 },
		"components": func(p *Preamble) { p.Depths = nil },
		"depth":      func(p *Preamble) { p.Depths[0].Bits = 39 },
		"colour":     func(p *Preamble) { p.Colors = nil },
		"ICC":        func(p *Preamble) { p.Colors = []Color{{Method: AnyICC}} },
		"vendor":     func(p *Preamble) { p.Colors = []Color{{Method: Vendor}} },
		"palette":    func(p *Preamble) { p.Palette = testPalette },
		"columns":    func(p *Preamble) { p.Palette, p.Mapping = new(Palette), []Mapping{{0, 0}} },
		"entries": func(p *Preamble) {
			c := slices.Clone(testPalette.Columns)
			c[1].Values = nil
			p.Palette, p.Mapping = &Palette{Columns: c}, wholePalette(testPalette)
		},
		"mapping":  func(p *Preamble) { p.Palette, p.Mapping = testPalette, []Mapping{{3, 0}} },
		"channels": func(p *Preamble) { p.Channels = []Channel{{3, 0, 1}} },
		"box":      func(p *Preamble) { p.Boxes = []RawBox{{Type: "xml"}} },
	} {
		p := f.preamble(t)
		spoil(p)
		b, err := p.Append([]byte{1}, 100)
		require.Error(t, err, name)
		require.Equal(t, []byte{1}, b)
	}
	_, err := f.preamble(t).Append(nil, -2)
	require.Error(t, err)
}

func TestRatio(t *testing.T) {
	for _, v := range []float64{11811, 11811.0236, math.Pi, 9.99999999, 3937.00787, 1, 0.5, 1e-9, 65535, 65536, 1e12, 72, 2834.6457} {
		require.InEpsilon(t, v, RatioOf(v).Float(), 1e-5, "%v", v)
	}
	for _, v := range []float64{300, 11811, 65535, 2e9, 0.25, 120e4} {
		require.InEpsilon(t, v, RatioOf(v).Float(), 1e-12, "%v", v)
	}
	for _, v := range []float64{0, -1, math.NaN(), math.Inf(1), 1e300, 1e-300} {
		require.Equal(t, Ratio{}, RatioOf(v), "%v", v)
	}
	require.Equal(t, Density{}, Density{}.Scaled(2, 2))
}
