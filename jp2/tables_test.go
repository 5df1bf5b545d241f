package jp2

import (
	"encoding/hex"
	"image"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// A codec is how a structure is parsed from a box's contents and written as a
// box, for the tests that all structures have in common.
type codec struct {
	parse  func(p []byte) (any, error)
	append func(dst []byte, v any) []byte
}

// A boxCase is a structure and the contents of its box in hexadecimal. With an
// error there is no structure; with an inexact one it is not written the same.
type boxCase struct {
	name    string
	value   any
	wire    string
	err     string
	inexact bool
}

func (c boxCase) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(c.wire, " ", ""))
	require.NoError(t, err)
	return b
}

// caseOffset is where the tests say that the contents are in the file.
const caseOffset = 1000

// testBox holds c to the cases.
func testBox(t *testing.T, c codec, cases []boxCase) {
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			p := test.bytes(t)
			v, err := c.parse(p)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				requireKind(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.value, v)
			if test.inexact {
				return
			}
			b, over, err := parseBoxHeader(c.append(nil, v), 0, 1<<40)
			require.NoError(t, err)
			require.Zero(t, over)
			require.Equal(t, p, c.append(nil, v)[b.Payload.Off:])
		})
	}
}

// fuzzBox feeds c with the cases and what comes of them. What parses must be
// written and parsed to the same again.
func fuzzBox(f *testing.F, c codec, cases []boxCase) {
	for _, test := range cases {
		f.Add(test.bytes(f))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		v, err := c.parse(p)
		if err != nil {
			requireKind(t, err)
			return
		}
		again, err := c.parse(c.append(nil, v)[8:])
		require.NoError(t, err)
		require.True(t, reflect.DeepEqual(v, again), "%+v\n%+v", v, again)
	})
}

// requireKind holds an error about data to what callers are promised.
func requireKind(t testing.TB, err error) {
	t.Helper()
	require.True(t, imageFault(err), "%v", err)
	var format *codestream.FormatError
	if !asFormat(err, &format) {
		return
	}
	require.GreaterOrEqual(t, format.Offset, int64(0))
	require.NotEmpty(t, format.Where)
}

var (
	ftypCodec = codec{
		func(p []byte) (any, error) { return parseFtyp(p, caseOffset) },
		func(dst []byte, v any) []byte { return v.(fileType).append(dst) },
	}
	ftypCases = []boxCase{
		{name: "jp2", wire: "6a703220 00000000 6a703220",
			value: fileType{Brand: "jp2 ", Compatible: []string{"jp2 "}}},
		{name: "jpx", wire: "6a707820 00000001 6a703220 6a707820",
			value: fileType{Brand: "jpx ", Minor: 1, Compatible: []string{"jp2 ", "jpx "}}},
		{name: "no list", wire: "6a706820 00000000", value: fileType{Brand: "jph "}},
		{name: "half an entry", wire: "6a706820 00000000 6a70",
			value: fileType{Brand: "jph "}, inexact: true},
		{name: "short", wire: "6a7032", err: "3 bytes"},
	}
)

func TestFtyp(t *testing.T) { testBox(t, ftypCodec, ftypCases) }
func FuzzFtyp(f *testing.F) { fuzzBox(f, ftypCodec, ftypCases) }
func TestSignature(t *testing.T) {
	require.Equal(t, signature, string(box(typeSignature, []byte("\r\n\x87\n"))))
}

var (
	ihdrCodec = codec{
		func(p []byte) (any, error) { return parseIhdr(p, caseOffset) },
		func(dst []byte, v any) []byte { return v.(imageHeader).append(dst) },
	}
	ihdrCases = []boxCase{
		{name: "rgb", wire: "00000200 00000300 0003 07 07 00 00",
			value: imageHeader{Size: image.Pt(768, 512), Components: 3,
				Depth: Depth{Bits: 8}, Compression: 7}},
		{name: "signed", wire: "00000001 00000002 0001 8b 07 01 01",
			value: imageHeader{Size: image.Pt(2, 1), Components: 1,
				Depth: Depth{Bits: 12, Signed: true}, Compression: 7,
				UnknownColor: true, Rights: true}},
		{name: "depth varies", wire: "00000001 00000002 0004 ff 07 00 00",
			value: imageHeader{Size: image.Pt(2, 1), Components: 4, Compression: 7}},
		{name: "short", wire: "00000001 00000002 0004 ff 07 00", err: "13 bytes"},
		{name: "empty", wire: "", err: "0 bytes"},
	}
)

func TestIhdr(t *testing.T) { testBox(t, ihdrCodec, ihdrCases) }
func FuzzIhdr(f *testing.F) { fuzzBox(f, ihdrCodec, ihdrCases) }

var (
	bpccCodec = codec{
		func(p []byte) (any, error) { return parseBpcc(p, caseOffset) },
		func(dst []byte, v any) []byte { return appendBpcc(dst, v.([]Depth)) },
	}
	bpccCases = []boxCase{
		{name: "float in parts", wire: "80 07 16",
			value: []Depth{{1, true}, {8, false}, {23, false}}},
		{name: "one", wire: "25", value: []Depth{{38, false}}},
		{name: "none", wire: "", err: "0 components"},
		{name: "too many", wire: strings.Repeat("07", maxComponents+1), err: "16385 components"},
	}
)

func TestBpcc(t *testing.T) { testBox(t, bpccCodec, bpccCases) }
func FuzzBpcc(f *testing.F) { fuzzBox(f, bpccCodec, bpccCases) }

var (
	pclrCodec = codec{
		func(p []byte) (any, error) { pal, _, err := parsePclr(p, caseOffset); return pal, err },
		func(dst []byte, v any) []byte { return v.(*Palette).append(dst) },
	}
	pclrCases = []boxCase{
		{name: "rgb", wire: "0002 03 07 07 07 000000 ff8040", value: &Palette{Columns: []Column{
			{Depth{Bits: 8}, []int32{0, 255}}, {Depth{Bits: 8}, []int32{0, 128}},
			{Depth{Bits: 8}, []int32{0, 64}}}}},
		{name: "mixed", wire: "0002 02 0b 8f 0abc fffe 0001 7fff", value: &Palette{Columns: []Column{
			{Depth{Bits: 12}, []int32{0xABC, 1}}, {Depth{16, true}, []int32{-2, 32767}}}}},
		{name: "signed of 5 bits", wire: "0001 01 84 1f", value: &Palette{Columns: []Column{
			{Depth{5, true}, []int32{-1}}}}},
		{name: "values beyond their depth", wire: "0002 04 03 03 0a 04 f505000704 010500071f", inexact: true,
			value: &Palette{Columns: []Column{{Depth{Bits: 8}, []int32{0xF5, 1}}, {Depth{Bits: 8}, []int32{5, 5}},
				{Depth{Bits: 11}, []int32{7, 7}}, {Depth{Bits: 5}, []int32{4, 31}}}}},
		{name: "two bytes beyond their depth", wire: "0001 01 0a 0801", inexact: true,
			value: &Palette{Columns: []Column{{Depth{Bits: 16}, []int32{0x801}}}}},
		{name: "beyond 31 bits", wire: "0001 01 1e 80000001", inexact: true,
			value: &Palette{Columns: []Column{{Depth{31, false}, []int32{1}}}}},
		{name: "signed and beyond its depth", wire: "0001 01 84 60", inexact: true,
			value: &Palette{Columns: []Column{{Depth{8, true}, []int32{0x60}}}}},
		{name: "padded with the sign", wire: "0001 01 84 ff", inexact: true,
			value: &Palette{Columns: []Column{{Depth{5, true}, []int32{-1}}}}},
		{name: "31 bits", wire: "0001 01 1e 7fffffff", value: &Palette{Columns: []Column{
			{Depth{Bits: 31}, []int32{1<<31 - 1}}}}},
		{name: "bytes after it", wire: "0001 01 07 2a 00", inexact: true,
			value: &Palette{Columns: []Column{{Depth{Bits: 8}, []int32{42}}}}},
		{name: "no entries", wire: "0000 01 07", err: "0 entries of 1 columns"},
		{name: "no columns", wire: "0001 00", err: "1 entries of 0 columns"},
		{name: "too many entries", wire: "0401 01 07 00", err: "1025 entries"},
		{name: "38 bits", wire: "0001 01 25 0000000000", err: "38 bits"},
		{name: "39 bits", wire: "0001 01 26 0000000000", err: "39 bits"},
		{name: "no room for columns", wire: "0001 ff 07", err: "has 255 columns"},
		{name: "no room for values", wire: "0400 01 07 00", err: "1 bytes of values, needs 1024"},
		{name: "short", wire: "0001", err: "2 bytes"},
	}
)

func TestPclr(t *testing.T) { testBox(t, pclrCodec, pclrCases) }
func FuzzPclr(f *testing.F) { fuzzBox(f, pclrCodec, pclrCases) }

var (
	cmapCodec = codec{
		func(p []byte) (any, error) { return parseCmap(p, caseOffset) },
		func(dst []byte, v any) []byte { return appendCmap(dst, v.([]Mapping)) },
	}
	cmapCases = []boxCase{
		{name: "palette", wire: "00000100 00000101 00000102", value: []Mapping{{0, 0}, {0, 1}, {0, 2}}},
		{name: "with a component", wire: "00000100 00010000", value: []Mapping{{0, 0}, {1, Direct}}},
		{name: "direct with a column", wire: "00000007", inexact: true, value: []Mapping{{0, Direct}}},
		{name: "unknown type", wire: "00000200", err: "mapping type 2"},
		{name: "odd length", wire: "0000010000", err: "5 bytes"},
		{name: "empty", wire: "", err: "0 bytes"},
		{name: "too many", wire: strings.Repeat("00000000", maxChannels+1), err: "262144 bytes"},
	}
)

func TestCmap(t *testing.T) { testBox(t, cmapCodec, cmapCases) }
func FuzzCmap(f *testing.F) { fuzzBox(f, cmapCodec, cmapCases) }

var (
	cdefCodec = codec{
		func(p []byte) (any, error) { return parseCdef(p, caseOffset) },
		func(dst []byte, v any) []byte { return appendCdef(dst, v.([]Channel)) },
	}
	cdefCases = []boxCase{
		{name: "bgra", wire: "0004 000000000003 000100000002 000200000001 000300010000", value: []Channel{
			{0, ColorChannel, 3}, {1, ColorChannel, 2}, {2, ColorChannel, 1}, {3, Opacity, WholeImage}}},
		{name: "nothing", wire: "0001 0000ffffffff", value: []Channel{{0, Unspecified, NoColor}}},
		{name: "bytes after it", wire: "0001 000000000001 00", inexact: true,
			value: []Channel{{0, ColorChannel, 1}}},
		{name: "none", wire: "0000", err: "0 channels"},
		{name: "no room", wire: "0002 000000000001", err: "2 channels in 6 bytes"},
		{name: "short", wire: "00", err: "1 bytes"},
	}
)

func TestCdef(t *testing.T) { testBox(t, cdefCodec, cdefCases) }
func FuzzCdef(f *testing.F) { fuzzBox(f, cdefCodec, cdefCases) }

var (
	resCodec = codec{
		func(p []byte) (any, error) { return parseDensity(p, typeResc, caseOffset) },
		func(dst []byte, v any) []byte { return v.(Density).append(dst, typeResc) },
	}
	resCases = []boxCase{
		{name: "300 dpi", wire: "2e23 0001 2e24 0001 00 00",
			value: Density{X: Ratio{11812, 1, 0}, Y: Ratio{11811, 1, 0}}},
		{name: "exponents", wire: "7530 00fe 7530 00fe 02 fe",
			value: Density{X: Ratio{30000, 254, -2}, Y: Ratio{30000, 254, 2}}},
		{name: "nothing across", wire: "0001 0001 0000 0001 00 00", err: "0/1 by 1/1"},
		{name: "by zero", wire: "0001 0000 0001 0001 00 00", err: "1/1 by 1/0"},
		{name: "short", wire: "0001 0000 0001 0001 00", err: "9 bytes"},
	}
)

func TestDensity(t *testing.T) { testBox(t, resCodec, resCases) }
func FuzzDensity(f *testing.F) { fuzzBox(f, resCodec, resCases) }

var (
	colrCodec = codec{
		func(p []byte) (any, error) { c, _, err := parseColr(p, caseOffset); return c, err },
		func(dst []byte, v any) []byte { return v.(Color).append(dst) },
	}
	colrCases = []boxCase{
		{name: "sRGB", wire: "01 00 00 00000010", value: Color{Method: Enumerated, Space: SRGB}},
		{name: "precedence", wire: "01 ff 02 00000011",
			value: Color{Method: Enumerated, Precedence: -1, Approximation: 2, Space: Grey}},
		{name: "Lab", wire: "01 02 01 0000000e 00000064 00000000 000000ff 00008000 000000fe 00008001 00443635",
			value: Color{Method: Enumerated, Precedence: 2, Approximation: 1, Space: CIELab, Lab: &Lab{
				Range: [3]uint32{100, 255, 254}, Offset: [3]uint32{0, 0x8000, 0x8001}, Illuminant: D65}}},
		{name: "Lab by default", wire: "01 00 00 0000000e", value: Color{Method: Enumerated, Space: CIELab}},
		{name: "Lab cut short", wire: "01 00 00 0000000e 00000064", inexact: true,
			value: Color{Method: Enumerated, Space: CIELab}},
		{name: "Jab", wire: "01 00 00 00000013 00000064 00000000 000000ff 00000080 000000ff 00000080",
			value: Color{Method: Enumerated, Space: CIEJab, Lab: &Lab{
				Range: [3]uint32{100, 255, 255}, Offset: [3]uint32{0, 128, 128}}}},
		{name: "restricted ICC", wire: "02 00 00" + hex.EncodeToString(testICC("RGB ", 2)),
			value: Color{Method: RestrictedICC, ICC: testICC("RGB ", 2)}},
		{name: "any ICC", wire: "03 00 00" + hex.EncodeToString(testICC("CMYK", 0)),
			value: Color{Method: AnyICC, ICC: testICC("CMYK", 0)}},
		{name: "bytes after the ICC", wire: "02 00 00" + hex.EncodeToString(testICC("GRAY", 0)) + "00",
			value: Color{Method: RestrictedICC, ICC: testICC("GRAY", 0)}, inexact: true},
		{name: "ICC cut short", wire: "02 00 00" + hex.EncodeToString(testICC("GRAY", 8)[:130]),
			value: Color{Method: RestrictedICC}, inexact: true},
		{name: "ICC of nothing known", wire: "02 00 00" + hex.EncodeToString(testICC("what", 0)),
			value: Color{Method: RestrictedICC}, inexact: true},
		{name: "no ICC", wire: "02 00 00", value: Color{Method: RestrictedICC}},
		{name: "vendor", wire: "04 00 00 000102030405060708090a0b0c0d0e0f 2a",
			value: Color{Method: Vendor, Vendor: "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", Data: []byte{42}}},
		{name: "parameterized", wire: "05 00 00 0001 000d 0000 80", value: Color{Method: Parameterized,
			Primaries: Primaries{Colors: 1, Transfer: 13, FullRange: true}}},
		{name: "unknown", wire: "f5 00 00 2a", value: Color{Method: 245, Data: []byte{42}}},
		{name: "short", wire: "01 00", err: "2 bytes"},
		{name: "no number", wire: "01 00 00 0000", err: "2 bytes for the method enumerated, needs 4"},
		{name: "no vendor", wire: "04 00 00 0000", err: "needs 16"},
		{name: "no parameters", wire: "05 00 00 0000", err: "needs 7"},
	}
)

func TestColr(t *testing.T) { testBox(t, colrCodec, colrCases) }
func FuzzColr(f *testing.F) { fuzzBox(f, colrCodec, colrCases) }

var (
	ulstCodec = codec{
		func(p []byte) (any, error) { return parseUlst(p, caseOffset) },
		func(dst []byte, v any) []byte {
			b := UUIDInfo{UUIDs: v.([]UUID)}.append(nil)[8:]
			n := int(b[3]) | int(b[2])<<8 | int(b[1])<<16
			return append(dst, b[:n]...)
		},
	}
	ulstCases = []boxCase{
		{name: "one", wire: "0001" + hex.EncodeToString([]byte(XMP)), value: []UUID{XMP}},
		{name: "none", wire: "0000", value: []UUID{}},
		{name: "no room", wire: "0002" + hex.EncodeToString([]byte(XMP)), err: "2 UUIDs in 16 bytes"},
		{name: "short", wire: "00", err: "1 bytes"},
	}
)

func TestUlst(t *testing.T) { testBox(t, ulstCodec, ulstCases) }
func FuzzUlst(f *testing.F) { fuzzBox(f, ulstCodec, ulstCases) }

func TestParseURL(t *testing.T) {
	s, err := parseURL([]byte("\x00\x00\x00\x00http://example.org/\x00rest"), caseOffset)
	require.NoError(t, err)
	require.Equal(t, "http://example.org/", s)
	_, err = parseURL([]byte("\x00"), caseOffset)
	require.ErrorIs(t, err, codestream.ErrFormat)
}
