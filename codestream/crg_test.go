package codestream

import "testing"

var crgCodec = segmentCodec[[]Registration]{
	marker: CRG,
	parse: func(f *fields, components int, _ uint16) ([]Registration, error) {
		return parseCRG(f, components)
	},
}

var crgCases = []segmentCase[[]Registration]{
	{
		name: "three",
		hex:  "FF63 000E 0000 0000 8000 8000 FFFF 0001",
		want: []Registration{{0, 0}, {0x8000, 0x8000}, {0xFFFF, 1}},
	},
	{name: "too few", hex: "FF63 000A 0000 0000 8000 8000", fails: "not that of 3"},
	{name: "too many", hex: "FF63 000F 0000 0000 8000 8000 FFFF 0001 00", fails: "not that of 3"},
}

func TestCRG(t *testing.T) { crgCodec.test(t, crgCases) }

func FuzzCRG(f *testing.F) { crgCodec.fuzz(f, crgCases) }
