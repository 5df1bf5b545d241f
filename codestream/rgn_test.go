package codestream

import "testing"

type rgnValue struct{ Component, Shift int }

var rgnCodec = segmentCodec[rgnValue]{
	marker: RGN,
	parse: func(f *fields, components int, rsiz uint16) (rgnValue, error) {
		i, shift, err := parseRGN(f, components, rsiz)
		return rgnValue{i, shift}, err
	},
	append: func(dst []byte, components int, v rgnValue) []byte {
		return appendRGN(dst, components, v.Component, v.Shift)
	},
}

var rgnCases = []segmentCase[rgnValue]{
	{name: "8-bit index", hex: "FF5E 0005 02 00 0A", want: rgnValue{2, 10}},
	{name: "16-bit index", components: 257, hex: "FF5E 0006 0100 00 FF", want: rgnValue{256, 255}},
	{name: "no such component", hex: "FF5E 0005 03 00 0A", fails: "component 3 of 3"},
	{name: "style", hex: "FF5E 0005 02 01 0A", fails: "style 1"},
	{name: "style of Part 2", rsiz: extended, hex: "FF5E 0005 02 01 0A", fails: "unsupported"},
	{name: "too short", hex: "FF5E 0004 02 00", fails: "too small"},
	{name: "too long", hex: "FF5E 0006 02 00 0A 00", fails: "1 too large"},
}

func TestRGN(t *testing.T) { rgnCodec.test(t, rgnCases) }

func FuzzRGN(f *testing.F) { rgnCodec.fuzz(f, rgnCases) }
