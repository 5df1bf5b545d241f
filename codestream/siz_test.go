package codestream

import (
	"image"
	"testing"
)

var sizCodec = segmentCodec[Header]{
	marker: SIZ,
	parse: func(f *fields, _ int, _ uint16) (Header, error) {
		var h Header
		err := parseSIZ(f, &h)
		return h, err
	},
	append: func(dst []byte, _ int, h Header) []byte { return appendSIZ(dst, &h) },
}

var sizCases = []segmentCase[Header]{
	{
		name: "one grey tile",
		hex: `FF51 0029 0000 00000280 000001E0 00000000 00000000 00000280 000001E0
			00000000 00000000 0001 07 01 01`,
		want: Header{
			Bounds:     image.Rect(0, 0, 640, 480),
			FirstTile:  image.Rect(0, 0, 640, 480),
			Components: []Component{{Depth: 8, Sub: image.Pt(1, 1)}},
		},
	},
	{
		name: "offsets, subsampling, signed",
		hex: `FF51 002F 4000 00000064 00000065 0000000A 0000000B 00000020 00000021
			00000003 00000004 0003 8B 01 01 00 02 02 25 FF 01`,
		want: Header{
			Rsiz:      0x4000,
			Bounds:    image.Rect(10, 11, 100, 101),
			FirstTile: image.Rect(3, 4, 35, 37),
			Components: []Component{
				{Depth: 12, Signed: true, Sub: image.Pt(1, 1)},
				{Depth: 1, Sub: image.Pt(2, 2)},
				{Depth: 38, Sub: image.Pt(255, 1)},
			},
		},
	},
	{
		name: "a tile past all coordinates is cut",
		hex: `FF51 0029 0000 7FFFFFFF 00000001 00000000 00000000 FFFFFFFF FFFFFFFF
			00000000 00000000 0001 07 01 01`,
		want: Header{
			Bounds:     image.Rect(0, 0, 1<<31-1, 1),
			FirstTile:  image.Rect(0, 0, 1<<31-1, 1<<31-1),
			Components: []Component{{Depth: 8, Sub: image.Pt(1, 1)}},
		},
		oneWay: true,
	},
	{name: "too short", hex: "FF51 0004 0000", fails: "too small"},
	{
		name: "no width",
		hex: `FF51 0029 0000 00000280 000001E0 00000280 00000000 00000280 000001E0
			00000000 00000000 0001 07 01 01`,
		fails: "empty image",
	},
	{
		name: "no tile width",
		hex: `FF51 0029 0000 00000280 000001E0 00000000 00000000 00000000 000001E0
			00000000 00000000 0001 07 01 01`,
		fails: "empty tiles",
	},
	{
		name: "first tile beside the image",
		hex: `FF51 0029 0000 00000280 000001E0 00000010 00000000 00000010 000001E0
			00000000 00000000 0001 07 01 01`,
		fails: "does not hold the image's origin",
	},
	{
		name: "too many tiles",
		hex: `FF51 0029 0000 00010000 00000001 00000000 00000000 00000001 00000001
			00000000 00000000 0001 07 01 01`,
		fails: "more than 65535",
	},
	{
		name: "too far",
		hex: `FF51 0029 0000 80000000 00000001 00000000 00000000 80000000 00000001
			00000000 00000000 0001 07 01 01`,
		fails: "unsupported",
	},
	{
		name: "no components",
		hex: `FF51 0026 0000 00000280 000001E0 00000000 00000000 00000280 000001E0
			00000000 00000000 0000`,
		fails: "0 components",
	},
	{
		name: "more components than there is room for",
		hex: `FF51 0029 0000 00000280 000001E0 00000000 00000000 00000280 000001E0
			00000000 00000000 4000 07 01 01`,
		fails: "not that of 16384 components",
	},
	{
		name: "39 bits",
		hex: `FF51 0029 0000 00000280 000001E0 00000000 00000000 00000280 000001E0
			00000000 00000000 0001 26 01 01`,
		fails: "39 bits",
	},
	{
		name: "no subsampling",
		hex: `FF51 0029 0000 00000280 000001E0 00000000 00000000 00000280 000001E0
			00000000 00000000 0001 07 01 00`,
		fails: "subsampling of 1 by 0",
	},
}

func TestSIZ(t *testing.T) { sizCodec.test(t, sizCases) }

func FuzzSIZ(f *testing.F) { sizCodec.fuzz(f, sizCases) }
