package jp2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

func asFormat(err error, target **codestream.FormatError) bool { return errors.As(err, target) }

func newFile(b []byte) (*File, error) { return NewFile(bytes.NewReader(b), int64(len(b))) }

// mustOpen opens what has to be sound enough.
func mustOpen(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := newFile(b)
	require.NoError(t, err)
	return f
}

// A meter counts what is read of a source.
type meter struct {
	r     io.ReaderAt
	reads int
	bytes int64
}

func (m *meter) ReadAt(p []byte, off int64) (int, error) {
	m.reads++
	n, err := m.r.ReadAt(p, off)
	m.bytes += int64(n)
	return n, err
}

var rgb = testStream{size: image.Pt(20, 10), components: components(3), mct: true}

// taken checks that colours are taken for what the file does not say they are.
func taken(s Space, colors ...int) func(*testing.T, *File) {
	return func(t *testing.T, f *File) {
		require.Equal(t, Color{Method: Enumerated, Space: s, Assumed: true}, f.Color)
		require.Equal(t, colors, f.Layout.Colors)
		require.True(t, slices.ContainsFunc(f.Warnings, func(w Warning) bool { return w.Colors }))
	}
}

// shallow is a palette of which the values have more bits than it says.
func shallow() []byte {
	return box(typePclr, []byte{0, 2, 3, 3, 3, 3, 0xF0, 1, 2, 3, 0x1F, 9})
}

// fileCases are whole files and what is seen in them.
var fileCases = []struct {
	name   string
	data   []byte
	check  func(t *testing.T, f *File)
	err    string
	warned string // in a warning; empty for none at all
}{
	{name: "plain", data: wrap(rgb, enumerated(SRGB).append(nil)), check: func(t *testing.T, f *File) {
		require.Equal(t, "jp2 ", f.Brand)
		require.Equal(t, []string{"jp2 "}, f.Compatible)
		require.Equal(t, SRGB, f.Color.Space)
		require.Equal(t, "sRGB", f.Color.String())
		require.Equal(t, []int{0, 1, 2}, f.Layout.Colors)
		require.Equal(t, -1, f.Layout.Alpha)
		require.Equal(t, image.Rect(0, 0, 20, 10), f.Bounds())
		var types []string
		for _, b := range f.Boxes {
			types = append(types, b.Type)
		}
		require.Equal(t, []string{"ftyp", "jp2h", "jp2c"}, types)
		require.Equal(t, "ihdr", f.Boxes[1].Children[0].Type)
		require.Equal(t, f.Boxes[2].Payload, f.Header.Span)
	}},
	{name: "bare", data: rgb.bytes(), check: func(t *testing.T, f *File) {
		require.Nil(t, f.Boxes)
		require.Equal(t, "sRGB (assumed)", f.Color.String())
		require.Equal(t, Color{Method: Enumerated, Space: SRGB, Assumed: true}, f.Color)
	}},
	{name: "bare grey and alpha", data: testStream{size: image.Pt(3, 3), components: components(2)}.bytes(),
		check: func(t *testing.T, f *File) {
			require.Equal(t, Grey, f.Color.Space)
			require.Equal(t, []int{0}, f.Layout.Colors)
			require.Equal(t, 1, f.Layout.Alpha)
		}, warned: "component 1 is, it is taken for opacity"},
	{name: "bare with alpha", data: testStream{size: image.Pt(3, 3), components: components(4)}.bytes(),
		check: func(t *testing.T, f *File) {
			require.Equal(t, SRGB, f.Color.Space)
			require.Equal(t, 3, f.Layout.Alpha)
			require.True(t, f.Warnings[0].Colors)
			require.Equal(t, "SIZ", f.Warnings[0].Box)
		}, warned: "component 3 is, it is taken for opacity"},
	{name: "bare with five", data: testStream{size: image.Pt(3, 3), components: components(5)}.bytes(),
		check: func(t *testing.T, f *File) {
			require.Equal(t, []int{0, 1, 2}, f.Layout.Colors)
			require.Equal(t, -1, f.Layout.Alpha)
		}},
	{name: "bare 4:2:0", data: testStream{size: image.Pt(5, 5), origin: image.Pt(1, 1), components: []testComponent{
		{}, {sub: image.Pt(2, 2)}, {sub: image.Pt(2, 2)}}}.bytes(),
		check: func(t *testing.T, f *File) { require.Equal(t, SYCC, f.Color.Space) }},
	{name: "pixels are the finest samples", data: testStream{size: image.Pt(100, 100), origin: image.Pt(5, 7),
		components: []testComponent{{sub: image.Pt(4, 2)}, {sub: image.Pt(2, 6)}}}.bytes(),
		check: func(t *testing.T, f *File) {
			require.Equal(t, image.Rect(0, 0, 53-3, 54-4), f.Bounds())
		}, warned: "opacity"},
	{name: "sRGB in 4:2:0", data: wrap(testStream{size: image.Pt(4, 4), components: []testComponent{
		{}, {sub: image.Pt(2, 2)}, {sub: image.Pt(2, 2)}}}, enumerated(SRGB).append(nil)),
		check:  func(t *testing.T, f *File) { require.Equal(t, SYCC, f.Color.Space) },
		warned: "taken as sYCC"},
	{name: "Lab by default", data: wrap(testStream{size: image.Pt(4, 4), components: components(3)},
		enumerated(CIELab).append(nil)), check: func(t *testing.T, f *File) {
		require.Equal(t, &Lab{Range: [3]uint32{100, 170, 200}, Offset: [3]uint32{0, 128, 96}, Illuminant: D50}, f.Color.Lab)
		require.Nil(t, f.Colors[0].Lab)
	}},
	{name: "no colr", data: wrap(rgb), check: func(t *testing.T, f *File) {
		require.True(t, f.Color.Assumed)
		require.Empty(t, f.Colors)
		require.Len(t, f.Warnings, 1)
		require.True(t, f.Warnings[0].Colors)
	}, warned: "the file has none: the colours are taken for sRGB"},
	{name: "no colr for four", data: wrap(testStream{size: image.Pt(4, 4), components: components(4)}),
		check: func(t *testing.T, f *File) {
			require.Equal(t, []int{0, 1, 2}, f.Layout.Colors)
			require.Equal(t, -1, f.Layout.Alpha)
		}, warned: "taken for sRGB"},
	{name: "the first colr", data: wrap(rgb, enumerated(ESRGB).append(nil), enumerated(SRGB).append(nil)),
		check: func(t *testing.T, f *File) {
			require.Equal(t, ESRGB, f.Color.Space)
			require.Len(t, f.Colors, 2)
		}},
	{name: "the preferred colr", data: wrap(rgb, enumerated(SRGB).append(nil),
		Color{Method: Enumerated, Precedence: 1, Space: ESRGB}.append(nil)),
		check: func(t *testing.T, f *File) { require.Equal(t, ESRGB, f.Color.Space) }},
	{name: "the closer colr", data: wrap(rgb, Color{Method: Enumerated, Approximation: 3, Space: SRGB}.append(nil),
		Color{Method: Enumerated, Approximation: 1, Space: ROMM}.append(nil)),
		check: func(t *testing.T, f *File) { require.Equal(t, ROMM, f.Color.Space) }},
	{name: "the colr that is understood", data: wrap(rgb,
		Color{Method: Vendor, Precedence: 9, Vendor: XMP}.append(nil), Color{Method: 9, Precedence: 9}.append(nil),
		enumerated(99).append(nil), enumerated(SRGB).append(nil)),
		check: func(t *testing.T, f *File) { require.Equal(t, SRGB, f.Color.Space) }},
	{name: "a vendor's colr alone", data: wrap(rgb, Color{Method: Vendor, Vendor: XMP}.append(nil)),
		check: taken(SRGB, 0, 1, 2), warned: "colr at offset 62: vendor cannot be used for 3 channels: the colours are taken for sRGB"},
	{name: "METH that is not known", data: wrap(rgb, Color{Method: 0}.append(nil)), check: taken(SRGB, 0, 1, 2),
		warned: "are taken for sRGB"},
	{name: "METH that is not known, for four", data: wrap(testStream{size: image.Pt(4, 4), components: components(4)},
		Color{Method: 9}.append(nil)), check: taken(SRGB, 0, 1, 2), warned: "for 4 channels"},
	{name: "METH that is not known, for four with opacity", data: wrap(testStream{size: image.Pt(4, 4), components: components(4)},
		Color{Method: 9}.append(nil), appendCdef(nil, []Channel{{0, 0, 1}, {1, 0, 2}, {2, 0, 3}, {3, Opacity, 0}})),
		check: func(t *testing.T, f *File) {
			taken(SRGB, 0, 1, 2)(t, f)
			require.Equal(t, 3, f.Layout.Alpha)
			require.Len(t, f.Warnings, 1)
		}, warned: "for 3 channels"},
	{name: "EnumCS that is not known", data: wrap(rgb, enumerated(99).append(nil)), check: taken(SRGB, 0, 1, 2),
		warned: "are taken for sRGB"},
	{name: "EnumCS that is not known, for two", data: wrap(testStream{size: image.Pt(4, 4), components: components(2)},
		enumerated(99).append(nil)), check: taken(Grey, 0), warned: "are taken for grey"},
	{name: "EnumCS that is not known, in 4:2:0", data: wrap(testStream{size: image.Pt(4, 4), components: []testComponent{
		{}, {sub: image.Pt(2, 2)}, {sub: image.Pt(2, 2)}}}, enumerated(99).append(nil)),
		check: taken(SYCC, 0, 1, 2), warned: "are taken for sYCC"},
	{name: "a colr cut short", data: wrap(rgb, box(typeColr, []byte{1, 0, 0, 0})), check: taken(SRGB, 0, 1, 2), warned: "has none"},
	{name: "an empty ICC", data: wrap(rgb, Color{Method: RestrictedICC}.append(nil)), check: taken(SRGB, 0, 1, 2),
		warned: "are taken for sRGB"},
	{name: "a broken ICC of inks", data: wrap(testStream{size: image.Pt(4, 4), components: components(4)},
		Color{Method: AnyICC, ICC: testICC("CMYK", 4)[:130]}.append(nil)), check: taken(CMYK, 0, 1, 2, 3),
		warned: "are taken for CMYK"},
	{name: "a broken ICC of RGB for four", data: wrap(testStream{size: image.Pt(4, 4), components: components(4)},
		Color{Method: AnyICC, ICC: testICC("RGB ", 4)[:130]}.append(nil)), check: taken(SRGB, 0, 1, 2),
		warned: "are taken for sRGB"},
	{name: "a broken ICC of grey for three", data: wrap(rgb, Color{Method: AnyICC, ICC: testICC("GRAY", 4)[:130]}.append(nil)),
		check: taken(SRGB, 0, 1, 2), warned: "are taken for sRGB"},
	{name: "an ICC of grey for three", data: wrap(rgb, Color{Method: AnyICC, ICC: testICC("GRAY", 4)}.append(nil)),
		check: taken(SRGB, 0, 1, 2), warned: "are taken for sRGB"},
	{name: "an ICC of inks for three", data: wrap(rgb, Color{Method: AnyICC, ICC: testICC("CMYK", 4)}.append(nil)),
		check: taken(SRGB, 0, 1, 2), warned: "are taken for sRGB"},
	{name: "grey for four", data: wrap(testStream{size: image.Pt(4, 4), components: components(4)}, enumerated(Grey).append(nil)),
		check: func(t *testing.T, f *File) {
			require.Equal(t, []int{0}, f.Layout.Colors)
			require.False(t, f.Color.Assumed)
			require.Len(t, f.Warnings, 1)
			require.Equal(t, Warning{Offset: f.Color.Box.Off, Box: "colr", Colors: true,
				Text: "grey for 4 channels: 1 shown, the others are not"}, f.Warnings[0])
		}, warned: "grey for 4 channels"},
	{name: "grey and data that are no colour", data: wrap(testStream{size: image.Pt(4, 4), components: components(2)},
		enumerated(Grey).append(nil), appendCdef(nil, []Channel{{0, 0, 1}, {1, Unspecified, NoColor}})),
		check: func(t *testing.T, f *File) { require.Equal(t, []int{0}, f.Layout.Colors) }},
	{name: "palette of three tagged grey", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		enumerated(Grey).append(nil), testPalette.append(nil), appendCmap(nil, wholePalette(testPalette))),
		check: taken(SRGB, 0, 1, 2), warned: "grey with a palette of 3 columns"},
	{name: "palette of three of which one is grey", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		enumerated(Grey).append(nil), testPalette.append(nil), appendCmap(nil, wholePalette(testPalette)),
		appendCdef(nil, []Channel{{0, 0, 1}, {1, Unspecified, NoColor}, {2, Unspecified, NoColor}})),
		check: func(t *testing.T, f *File) { require.Equal(t, Grey, f.Color.Space) }},
	{name: "palette deeper than it says", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		enumerated(SRGB).append(nil), shallow(), appendCmap(nil, wholePalette(testPalette))),
		check: func(t *testing.T, f *File) {
			require.Equal(t, Depth{Bits: 8}, f.ChannelDepth(0))
			require.Equal(t, []int32{0xF0, 3}, f.Palette.Columns[0].Values)
		}, warned: "columns that are said to have 4 bits reach beyond, the columns are taken to have 8"},
	{name: "cdef that cannot be read", data: wrap(rgb, enumerated(SRGB).append(nil), box(typeCdef, []byte{0, 9, 0, 0})),
		check: func(t *testing.T, f *File) { require.Equal(t, []int{0, 1, 2}, f.Layout.Colors) }, warned: "passed over"},
	{name: "a colr that is too wide", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		enumerated(CMYK).append(nil)),
		check: func(t *testing.T, f *File) {
			require.Equal(t, Color{Method: Enumerated, Space: Grey, Assumed: true}, f.Color)
		}, warned: "CMYK cannot be used for 1 channel: the colours are taken for grey"},
	{name: "an ICC that lies", data: wrap(rgb, Color{Method: AnyICC, ICC: testICC("RGB ", 4)[:130]}.append(nil)),
		check:  func(t *testing.T, f *File) { require.True(t, f.Color.Assumed) },
		warned: "it says to be 132 bytes and is 130"},
	{name: "an ICC that lies beside inks", data: wrap(testStream{size: image.Pt(4, 4), components: components(4)},
		Color{Method: AnyICC, ICC: testICC("CMYK", 4)[:130]}.append(nil), enumerated(CMYK).append(nil)),
		check:  func(t *testing.T, f *File) { require.Equal(t, CMYK, f.Color.Space) },
		warned: "it says to be 132 bytes and is 130"},
	{name: "an ICC with tags beyond its end", data: wrap(rgb,
		Color{Method: AnyICC, ICC: append(testICC("RGB ", 4)[:iccHeader], "\x00\x00\x01\x00"...)}.append(nil)),
		check:  func(t *testing.T, f *File) { require.True(t, f.Color.Assumed) },
		warned: "left out"},
	{name: "an ICC", data: wrap(rgb, Color{Method: AnyICC, ICC: testICC("RGB ", 9000)}.append(nil)),
		check: func(t *testing.T, f *File) {
			require.Equal(t, testICC("RGB ", 9000), f.Color.ICC)
			require.Equal(t, "any ICC (RGB, 9128 bytes)", f.Color.String())
		}},
	{name: "palette", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)}, enumerated(SRGB).append(nil),
		testPalette.append(nil), appendCmap(nil, wholePalette(testPalette))),
		check: func(t *testing.T, f *File) {
			require.Equal(t, testPalette, f.Palette)
			require.Equal(t, 2, f.Palette.Entries())
			require.Equal(t, []Mapping{{0, 0}, {0, 1}, {0, 2}}, f.Layout.Channels)
			require.Equal(t, Depth{Bits: 12}, f.ChannelDepth(1))
			require.Equal(t, SRGB, f.Color.Space)
		}},
	{name: "palette and a component", data: wrap(testStream{size: image.Pt(4, 4), components: components(2)},
		enumerated(SRGB).append(nil), testPalette.append(nil),
		appendCmap(nil, append(wholePalette(testPalette), Mapping{1, Direct})),
		appendCdef(nil, []Channel{{0, 0, 1}, {1, 0, 2}, {2, 0, 3}, {3, Opacity, 0}})),
		check: func(t *testing.T, f *File) {
			require.Equal(t, 3, f.Layout.Alpha)
			require.Equal(t, Depth{Bits: 8}, f.ChannelDepth(3))
		}},
	{name: "palette without cmap", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		enumerated(SRGB).append(nil), testPalette.append(nil)),
		check:  func(t *testing.T, f *File) { require.Len(t, f.Layout.Channels, 3) },
		warned: "every column"},
	{name: "palette without cmap for two", data: wrap(testStream{size: image.Pt(4, 4), components: components(2)},
		enumerated(Grey).append(nil), testPalette.append(nil)),
		check:  func(t *testing.T, f *File) { require.Nil(t, f.Palette) },
		warned: "there is no cmap"},
	{name: "cmap with zeros", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		enumerated(SRGB).append(nil), testPalette.append(nil), appendCmap(nil, []Mapping{{0, 0}, {0, Direct}, {0, Direct}})),
		check:  func(t *testing.T, f *File) { require.Equal(t, wholePalette(testPalette), f.Layout.Channels) },
		warned: "left out of cmap"},
	{name: "cmap of no component", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		testPalette.append(nil), appendCmap(nil, []Mapping{{1, 0}})), err: "component 1 of 1"},
	{name: "cmap of no column", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		testPalette.append(nil), appendCmap(nil, []Mapping{{0, 3}})), err: "column 3 of 3"},
	{name: "cmap of no palette", data: wrap(rgb, appendCmap(nil, []Mapping{{0, 0}})), err: "column 0 of 0"},
	{name: "bgr", data: wrap(rgb, enumerated(SRGB).append(nil),
		appendCdef(nil, []Channel{{0, 0, 3}, {1, 0, 2}, {2, 0, 1}})),
		check: func(t *testing.T, f *File) { require.Equal(t, []int{2, 1, 0}, f.Layout.Colors) }},
	{name: "alpha first", data: wrap(testStream{size: image.Pt(4, 4), components: components(4)},
		enumerated(SRGB).append(nil),
		appendCdef(nil, []Channel{{0, Premultiplied, 0}, {1, 0, 1}, {2, 0, 2}, {3, 0, 3}})),
		check: func(t *testing.T, f *File) {
			require.Equal(t, []int{1, 2, 3}, f.Layout.Colors)
			require.Equal(t, 0, f.Layout.Alpha)
			require.True(t, f.Layout.Premultiplied)
		}},
	{name: "grey as the colour of the whole image", data: wrap(testStream{size: image.Pt(4, 4), components: components(2)},
		enumerated(Grey).append(nil), appendCdef(nil, []Channel{{0, 0, 0}, {1, Opacity, 0}})),
		check: func(t *testing.T, f *File) {
			require.Equal(t, []int{0}, f.Layout.Colors)
			require.Equal(t, 1, f.Layout.Alpha)
		}},
	{name: "colours left out of cdef", data: wrap(rgb, enumerated(SRGB).append(nil), appendCdef(nil, []Channel{{0, 0, 2}})),
		check:  func(t *testing.T, f *File) { require.Equal(t, []int{0, 1, 2}, f.Layout.Colors) },
		warned: "taken in order"},
	{name: "only opacity", data: wrap(testStream{size: image.Pt(4, 4), components: components(1)},
		enumerated(Grey).append(nil), appendCdef(nil, []Channel{{0, Opacity, 0}})),
		check: func(t *testing.T, f *File) {
			require.Equal(t, []int{0}, f.Layout.Colors)
			require.Equal(t, -1, f.Layout.Alpha)
		}, warned: "every channel is opacity"},
	{name: "opacity of every colour", data: wrap(testStream{size: image.Pt(4, 4), components: components(2)},
		enumerated(Grey).append(nil), appendCdef(nil, []Channel{{0, 0, 1}, {1, Opacity, 1}, {1, Opacity, 2}, {1, Opacity, 2}})),
		check:  func(t *testing.T, f *File) { require.Equal(t, 1, f.Layout.Alpha) },
		warned: "opacity of a single colour"},
	{name: "two of a colour", data: wrap(testStream{size: image.Pt(4, 4), components: components(2)},
		enumerated(Grey).append(nil), appendCdef(nil, []Channel{{0, 0, 1}, {1, 0, 1}})),
		check: func(t *testing.T, f *File) { require.Equal(t, []int{0}, f.Layout.Colors) }, warned: "two channels"},
	{name: "cdef of no channel", data: wrap(rgb, enumerated(SRGB).append(nil), appendCdef(nil, []Channel{{3, 0, 1}})),
		check: func(t *testing.T, f *File) {
			require.Equal(t, []int{0, 1, 2}, f.Layout.Colors)
			require.Nil(t, f.Channels)
		}, warned: "definition of channel 3 is passed over, there are 3"},
	{name: "cdef with a channel that is not there", data: wrap(rgb, enumerated(SRGB).append(nil),
		appendCdef(nil, []Channel{{0, 0, 3}, {1, 0, 2}, {2, 0, 1}, {3, Opacity, 0}})),
		check: func(t *testing.T, f *File) {
			require.Equal(t, []int{2, 1, 0}, f.Layout.Colors)
			require.Equal(t, -1, f.Layout.Alpha)
			require.Len(t, f.Warnings, 1)
		}, warned: "definition of channel 3 is passed over, there are 3"},
	{name: "cdef of no colour", data: wrap(rgb, enumerated(SRGB).append(nil), appendCdef(nil, []Channel{{0, 0, 4}})),
		check:  func(t *testing.T, f *File) { require.Equal(t, []int{0, 1, 2}, f.Layout.Colors) },
		warned: "as colour 4 is passed over"},
	{name: "resolution", data: wrap(rgb, enumerated(SRGB).append(nil), testResolution.append(nil)),
		check: func(t *testing.T, f *File) {
			require.Equal(t, testResolution, f.Resolution)
			require.InDelta(t, 11811.02, f.Resolution.Capture.X.Float(), 0.01)
		}},
	{name: "bad resolution", data: wrap(rgb, enumerated(SRGB).append(nil), box(typeRes, box(typeResc, make([]byte, 10)))),
		check:  func(t *testing.T, f *File) { require.False(t, f.Resolution.Capture.Known()) },
		warned: "resc"},
	{name: "resolution beyond its box", data: wrap(rgb, enumerated(SRGB).append(nil), box(typeRes, []byte("\x00\x00\x00\x20resc1234"))),
		check:  func(t *testing.T, f *File) { require.False(t, f.Resolution.Capture.Known()) },
		warned: "past the end of res"},
	{name: "bpcc", data: func() []byte {
		s := testStream{size: image.Pt(4, 4), components: []testComponent{{Depth: Depth{Bits: 8}}, {Depth: Depth{12, true}}}}
		h := s.ihdr()
		h.Depth = Depth{}
		return join([]byte(signature), testFtyp.append(nil), box(typeJP2H, h.append(nil),
			appendBpcc(nil, []Depth{{8, false}, {12, true}}), enumerated(Grey).append(nil)), box(typeJP2C, s.bytes()))
	}(), check: func(t *testing.T, f *File) { require.Equal(t, Depth{12, true}, f.ChannelDepth(1)) },
		warned: "grey for 2 channels"},
	{name: "depths that differ", data: wrap(testStream{size: image.Pt(4, 4), components: []testComponent{{Depth: Depth{Bits: 9}}}},
		enumerated(Grey).append(nil)),
		check:  func(t *testing.T, f *File) { require.Equal(t, Depth{Bits: 9}, f.ChannelDepth(0)) },
		warned: "not as deep"},
	{name: "components that differ", data: join([]byte(signature), testFtyp.append(nil), box(typeJP2H,
		testStream{size: rgb.size, components: components(2)}.ihdr().append(nil), enumerated(SRGB).append(nil)),
		box(typeJP2C, rgb.bytes())),
		check:  func(t *testing.T, f *File) { require.Len(t, f.Layout.Channels, 3) },
		warned: "2 components, the codestream has 3"},
	{name: "sizes that differ", data: join([]byte(signature), testFtyp.append(nil),
		box(typeJP2H, testStream{size: image.Pt(20, 11), components: components(3)}.ihdr().append(nil)),
		box(typeJP2C, rgb.bytes())), err: "the image is 20x11, in the codestream 20x10"},
	{name: "no ihdr", data: join([]byte(signature), testFtyp.append(nil), box(typeJP2H), box(typeJP2C, rgb.bytes())),
		err: "ihdr"},
	{name: "no jp2h", data: join([]byte(signature), testFtyp.append(nil), box(typeJP2C, rgb.bytes())), err: "ihdr"},
	{name: "no jp2c", data: join([]byte(signature), testFtyp.append(nil), box(typeJP2H, rgb.ihdr().append(nil))),
		err: "jp2c"},
	{name: "no ftyp", data: join([]byte(signature), box(typeJP2H, rgb.ihdr().append(nil), enumerated(SRGB).append(nil)),
		box(typeJP2C, rgb.bytes())),
		check: func(t *testing.T, f *File) { require.Empty(t, f.Brand) }, warned: "ftyp"},
	{name: "header after the codestream", data: join([]byte(signature), testFtyp.append(nil), box(typeJP2C, rgb.bytes()),
		box(typeJP2H, rgb.ihdr().append(nil), enumerated(SRGB).append(nil))),
		check: func(t *testing.T, f *File) { require.Equal(t, SRGB, f.Color.Space) }},
	{name: "codestream to the end", data: join([]byte(signature), testFtyp.append(nil),
		box(typeJP2H, rgb.ihdr().append(nil), enumerated(SRGB).append(nil)), appendBoxHeader(nil, typeJP2C, -1), rgb.bytes()),
		check: func(t *testing.T, f *File) { require.Equal(t, f.Size(), f.Header.Span.End()) }},
	{name: "64-bit lengths", data: join([]byte(signature), testFtyp.append(nil),
		long(typeJP2H, rgb.ihdr().append(nil), enumerated(SRGB).append(nil)), long(typeJP2C, rgb.bytes()), box(typeXML)),
		check: func(t *testing.T, f *File) {
			require.Equal(t, int64(len(rgb.bytes())), f.Header.Span.Len)
			require.Equal(t, "xml ", f.Boxes[3].Type)
		}},
	{name: "codestream past the end", data: join([]byte(signature), testFtyp.append(nil),
		box(typeJP2H, rgb.ihdr().append(nil), enumerated(SRGB).append(nil)), appendBoxHeader(nil, typeJP2C, 9999), rgb.bytes()),
		check:  func(t *testing.T, f *File) { require.Equal(t, f.Size(), f.Header.Span.End()) },
		warned: "past the end of the file"},
	{name: "header box past its end", data: join([]byte(signature), testFtyp.append(nil),
		box(typeJP2H, rgb.ihdr().append(nil), appendBoxHeader(nil, typeColr, 99), make([]byte, 7)), box(typeJP2C, rgb.bytes())),
		err: "runs 92 bytes past the end of jp2h"},
	{name: "boxes of length 7", data: join([]byte(signature), testFtyp.append(nil), []byte("\x00\x00\x00\x07jp2h")),
		err: "length 7"},
	{name: "rubbish at the end", data: join(wrap(rgb, enumerated(SRGB).append(nil)), []byte("rub")),
		check: func(t *testing.T, f *File) {}, warned: "3 bytes left"},
	{name: "colr beside jp2h", data: join(wrap(rgb), enumerated(ESRGB).append(nil)),
		check:  func(t *testing.T, f *File) { require.Equal(t, ESRGB, f.Color.Space) },
		warned: "outside jp2h"},
	{name: "a layer's own colour", data: join([]byte(signature), fileType{Brand: "jpx "}.append(nil),
		box(typeJP2H, enumerated(Grey).append(nil), testResolution.append(nil)),
		box(typeJpch, rgb.ihdr().append(nil)),
		box(typeJplh, box(typeCgrp, enumerated(ROMM).append(nil)), appendCdef(nil, []Channel{{0, 0, 3}, {1, 0, 2}, {2, 0, 1}})),
		box(typeJplh, box(typeCgrp, enumerated(SRGB).append(nil))),
		box(typeJP2C, rgb.bytes()), box(typeJP2C, rgb.bytes()), box(typeXML)),
		check: func(t *testing.T, f *File) {
			require.Equal(t, ROMM, f.Color.Space)
			require.Len(t, f.Colors, 3)
			require.Equal(t, []int{2, 1, 0}, f.Layout.Colors)
			require.Equal(t, testResolution, f.Resolution)
			require.Equal(t, typeJP2C, f.Boxes[len(f.Boxes)-1].Type)
		}, warned: "further codestreams"},
	{name: "fragments", data: join([]byte(signature), testFtyp.append(nil), box(typeJP2H, rgb.ihdr().append(nil)), box(typeFtbl)),
		err: "fragments"},
	{name: "associations", data: join(wrap(rgb, enumerated(SRGB).append(nil)),
		box(typeAsoc, box("lbl ", []byte("a")), box(typeAsoc, box(typeXML, []byte("<b/>"))))),
		check: func(t *testing.T, f *File) {
			a := f.Boxes[3]
			require.Equal(t, "lbl ", a.Children[0].Type)
			require.Equal(t, typeXML, a.Children[1].Children[0].Type)
			b, err := io.ReadAll(f.Data(a.Children[1].Children[0]))
			require.NoError(t, err)
			require.Equal(t, "<b/>", string(b))
		}},
	{name: "associations without end", data: join(wrap(rgb, enumerated(SRGB).append(nil)), nest(2*maxDepth)),
		check: func(t *testing.T, f *File) {}, warned: "too deep"},
	{name: "boxes without end", data: join([]byte(signature), bytes.Repeat(box("free"), maxBoxes+1)), err: "more than 4096 boxes"},
	{name: "not an image", data: []byte("\x89PNG\r\n\x1a\n and more"), err: "neither"},
	{name: "a signature cut short", data: []byte(signature[:9]), err: "neither"},
	{name: "empty", err: "neither"},
}

var (
	testPalette = &Palette{Columns: []Column{{Depth{Bits: 8}, []int32{1, 2}},
		{Depth{Bits: 12}, []int32{3, 4}}, {Depth{Bits: 8}, []int32{5, 6}}}}
	testResolution = Resolution{
		Capture: Density{X: Ratio{30000, 254, 2}, Y: Ratio{30000, 254, 2}},
		Display: Density{X: Ratio{2835, 1, 0}, Y: Ratio{2835, 1, 0}},
	}
)

// long is a box with a 64-bit length.
func long(t string, parts ...[]byte) []byte {
	body := join(parts...)
	b := append([]byte{0, 0, 0, 1}, t...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(body)+maxBoxHeader))
	return append(b, body...)
}

// nest is n boxes in each other.
func nest(n int) []byte {
	var b []byte
	for range n {
		b = box(typeAsoc, b)
	}
	return b
}

func TestNewFile(t *testing.T) {
	for _, test := range fileCases {
		t.Run(test.name, func(t *testing.T) {
			f, err := newFile(test.data)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				requireKind(t, err)
				return
			}
			require.NoError(t, err)
			test.check(t, f)
			if test.warned == "" {
				require.Empty(t, f.Warnings)
			} else {
				require.Contains(t, fmt.Sprint(f.Warnings), test.warned)
			}
		})
	}
}

// Opening must not depend on how the source answers, as long as it answers
// right.
func TestNewFileAnySource(t *testing.T) {
	for _, test := range fileCases {
		if test.err != "" {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			f, err := NewFile(readerFunc(func(p []byte, off int64) (int, error) {
				n, err := bytes.NewReader(test.data).ReadAt(p, off)
				if off+int64(n) == int64(len(test.data)) {
					err = io.EOF // allowed with a full read
				}
				return n, err
			}), int64(len(test.data)))
			require.NoError(t, err)
			test.check(t, f)
		})
	}
}

type readerFunc func(p []byte, off int64) (int, error)

func (f readerFunc) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }

func TestTruncated(t *testing.T) {
	for _, test := range fileCases {
		if test.err != "" || len(test.data) > 2000 {
			continue
		}
		for n := range test.data {
			short := test.data[:n]
			if _, err := NewFile(bytes.NewReader(short), int64(n)); err != nil {
				requireKind(t, err)
			}
			// A source that is shorter than it says is not a damaged image.
			if _, err := NewFile(bytes.NewReader(short), int64(len(test.data))); err != nil {
				require.NotErrorIs(t, err, codestream.ErrFormat)
				require.ErrorAs(t, err, new(*codestream.SourceError))
			}
		}
	}
}

func TestBitFlips(t *testing.T) {
	for _, test := range fileCases {
		if test.err != "" || len(test.data) > 400 {
			continue
		}
		b := bytes.Clone(test.data)
		for i := range b {
			for _, flip := range []byte{0x01, 0x80, 0xFF} {
				b[i] ^= flip
				if f, err := newFile(b); err != nil {
					requireKind(t, err)
				} else {
					checkFile(t, f)
				}
				b[i] ^= flip
			}
		}
	}
}

// checkFile holds a file that could be opened to what its users rely on.
func checkFile(t testing.TB, f *File) {
	t.Helper()
	require.False(t, f.Bounds().Empty())
	require.Equal(t, image.Point{}, f.Bounds().Min)
	require.NotNil(t, f.Index())
	l := f.Layout
	require.NotEmpty(t, l.Channels)
	for i, m := range l.Channels {
		require.Less(t, m.Component, len(f.Header.Components))
		if m.Column != Direct {
			require.Less(t, m.Column, len(f.Palette.Columns))
		}
		require.Positive(t, f.ChannelDepth(i).Bits)
	}
	require.NotEmpty(t, l.Colors)
	for _, c := range append(l.Colors, max(l.Alpha, 0)) {
		require.Less(t, c, len(l.Channels))
		require.GreaterOrEqual(t, c, 0)
	}
	require.LessOrEqual(t, len(l.Colors), len(l.Channels))
	if n := f.Color.Channels(); n > 0 && !f.Color.Assumed {
		require.LessOrEqual(t, len(l.Colors), n)
	}
	require.LessOrEqual(t, len(f.Warnings), maxWarnings+8)
	checkBoxes(t, f.Boxes, codestream.Span{Len: f.Size()})
}

// Profiles are kept as long as the file is open, and a file may have any number.
func TestManyProfiles(t *testing.T) {
	profile := Color{Method: AnyICC, ICC: testICC("RGB ", 1<<20)}.append(nil)
	var boxes [][]byte
	for range 40 {
		boxes = append(boxes, profile)
	}
	f := mustOpen(t, wrap(testStream{size: image.Pt(4, 4), components: components(3)}, boxes...))
	kept := 0
	for _, c := range f.Colors {
		kept += len(c.ICC)
	}
	require.LessOrEqual(t, kept, maxColr)
	require.NotEmpty(t, f.Color.ICC)
	require.Contains(t, f.Warnings[len(f.Warnings)-1].Text, "left out")
}

func checkBoxes(t testing.TB, boxes []Box, in codestream.Span) {
	t.Helper()
	for _, b := range boxes {
		require.GreaterOrEqual(t, b.Span.Off, in.Off)
		require.LessOrEqual(t, b.Span.End(), in.End())
		require.Equal(t, b.Span.End(), b.Payload.End())
		checkBoxes(t, b.Children, b.Payload)
	}
}

// A failing source is not the image's fault, wherever it fails.
func TestReadErrors(t *testing.T) {
	data := join(wrap(rgb, Color{Method: AnyICC, ICC: testICC("RGB ", 20000)}.append(nil)),
		box(typeXML, make([]byte, 20000)), box(typeUUID, make([]byte, 20)))
	m := &meter{r: bytes.NewReader(data)}
	_, err := NewFile(m, int64(len(data)))
	require.NoError(t, err)
	for fail := range m.reads {
		n := 0
		_, err := NewFile(readerFunc(func(p []byte, off int64) (int, error) {
			if n++; n > fail {
				return 0, iotest.ErrTimeout
			}
			return bytes.NewReader(data).ReadAt(p, off)
		}), int64(len(data)))
		require.ErrorIs(t, err, iotest.ErrTimeout, "read %d", fail)
		require.NotErrorIs(t, err, codestream.ErrFormat)
	}
}

// What opening costs must not grow with what it does not look at.
func TestFrugal(t *testing.T) {
	xml := box(typeXML, make([]byte, 1<<20))
	for _, test := range []struct {
		name  string
		data  []byte
		reads int
		bytes int64
	}{
		{"small", wrap(rgb, enumerated(SRGB).append(nil)), 1, 1 << 13},
		{"bare", join(rgb.bytes(), make([]byte, 1<<20)), 1, firstRead},
		{"profile", wrap(rgb, Color{Method: AnyICC, ICC: testICC("RGB ", 20000)}.append(nil)), 2, firstRead + 20000 + readAhead},
		{"boxes before", join([]byte(signature), testFtyp.append(nil), xml, xml,
			box(typeJP2H, rgb.ihdr().append(nil)), box(typeJP2C, rgb.bytes())), 3, firstRead + 2*(readAhead+maxBoxHeader)},
		{"boxes after", join(wrap(rgb), xml, xml), 2, firstRead + readAhead + maxBoxHeader},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &meter{r: bytes.NewReader(test.data)}
			_, err := NewFile(m, int64(len(test.data)))
			require.NoError(t, err)
			require.LessOrEqual(t, m.reads, test.reads)
			require.LessOrEqual(t, m.bytes, test.bytes)
		})
	}
}

// Headers that promise much must not take memory before it exists.
func TestLyingLengths(t *testing.T) {
	head := join([]byte(signature), testFtyp.append(nil))
	for _, data := range [][]byte{
		join(head, appendBoxHeader(nil, typeJP2H, 1<<40), appendBoxHeader(nil, typeColr, 15<<20), make([]byte, 100)),
		join(head, appendBoxHeader(nil, typeJP2H, 1<<40), appendBoxHeader(nil, typeColr, 1<<39), make([]byte, 100)),
		join(head, appendBoxHeader(nil, typeJP2H, 1<<40), appendBoxHeader(nil, typePclr, 1<<39), []byte("\x04\x00\xff")),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := NewFile(bytes.NewReader(data), int64(len(data)))
		runtime.ReadMemStats(&after)
		requireKind(t, err)
		_, err = NewFile(bytes.NewReader(data), 1<<41)
		require.Error(t, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(5<<18))
	}
}

func TestOpen(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.jp2")
	require.NoError(t, os.WriteFile(name, wrap(rgb), 0o600))
	f, err := Open(name)
	require.NoError(t, err)
	checkFile(t, f)
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	_, err = f.Source().ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, os.ErrClosed)

	_, err = Open(name + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(filepath.Dir(name))
	require.ErrorContains(t, err, "not a regular file")
	require.NoError(t, os.WriteFile(name, []byte("nothing"), 0o600))
	_, err = Open(name)
	require.ErrorIs(t, err, codestream.ErrFormat)
	require.ErrorContains(t, err, name)
	require.NoError(t, mustOpen(t, wrap(rgb)).Close())
}

func TestSetIndex(t *testing.T) {
	f, g := mustOpen(t, wrap(rgb)), mustOpen(t, wrap(rgb))
	require.NoError(t, f.SetIndex(g.Index()))
	require.Same(t, g.Index(), f.Index())
	require.Error(t, f.SetIndex(mustOpen(t, rgb.bytes()).Index()))
	require.Error(t, f.SetIndex(nil))
	require.Same(t, g.Index(), f.Index())
}

func TestUUIDBoxes(t *testing.T) {
	info := UUIDInfo{UUIDs: []UUID{XMP, GeoJP2}, URL: "http://example.org/"}
	f := mustOpen(t, join(wrap(rgb), NewUUID(XMP, []byte("<x/>")).append(nil), info.append(nil), box(typeUUID)))
	id, r, err := f.UUID(f.Boxes[3])
	require.NoError(t, err)
	require.Equal(t, XMP, id)
	require.Equal(t, "be7acfcb-97a9-42e8-9c71-999491e3afac", id.String())
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "<x/>", string(b))

	r, err = f.FindUUID(XMP)
	require.NoError(t, err)
	require.Equal(t, int64(4), r.Size())
	r, err = f.FindUUID(EXIF)
	require.NoError(t, err)
	require.Nil(t, r)

	got, err := f.UUIDInfo(f.Boxes[4])
	require.NoError(t, err)
	require.Equal(t, info, got)

	_, _, err = f.UUID(f.Boxes[5])
	require.ErrorIs(t, err, codestream.ErrFormat)
	_, _, err = f.UUID(f.Boxes[4])
	require.ErrorIs(t, err, codestream.ErrFormat)
	_, err = f.UUIDInfo(f.Boxes[3])
	require.ErrorIs(t, err, codestream.ErrFormat)
}

func FuzzNewFile(f *testing.F) {
	for _, test := range fileCases {
		if len(test.data) < 4096 {
			f.Add(test.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := newFile(data)
		if err != nil {
			requireKind(t, err)
			return
		}
		checkFile(t, file)
	})
}
