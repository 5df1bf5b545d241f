package codestream

import "testing"

var sotCodec = segmentCodec[sot]{
	marker: SOT,
	parse:  func(f *fields, _ int, _ uint16) (sot, error) { return parseSOT(f) },
	append: func(dst []byte, _ int, s sot) []byte { return appendSOT(dst, s) },
}

var sotCases = []segmentCase[sot]{
	{name: "plain", hex: "FF90 000A 0000 0000000E 00 01", want: sot{0, 14, 0, 1}},
	{name: "largest", hex: "FF90 000A FFFE FFFFFFFF FE FF", want: sot{65534, 1<<32 - 1, 254, 255}},
	{name: "to the end", hex: "FF90 000A 0001 00000000 01 00", want: sot{1, 0, 1, 0}},
	{name: "SOT alone", hex: "FF90 000A 0001 0000000C 01 00", want: sot{1, 12, 1, 0}},
	{name: "no room for SOD", hex: "FF90 000A 0000 0000000D 00 01", fails: "Psot is 13"},
	{name: "no room for SOT", hex: "FF90 000A 0000 00000001 00 01", fails: "Psot is 1"},
	{name: "256 tile-parts", hex: "FF90 000A 0000 0000000E FF 00", fails: "TPsot is 255"},
	{name: "too short", hex: "FF90 0009 0000 0000000E 00", fails: "too small"},
	{name: "too long", hex: "FF90 000B 0000 0000000E 00 01 00", fails: "too large"},
}

func TestSOT(t *testing.T) { sotCodec.test(t, sotCases) }

func FuzzSOT(f *testing.F) { sotCodec.fuzz(f, sotCases) }
