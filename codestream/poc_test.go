package codestream

import "testing"

var pocCodec = segmentCodec[[]ProgressionChange]{
	marker: POC,
	parse: func(f *fields, components int, _ uint16) ([]ProgressionChange, error) {
		return parsePOC(f, components)
	},
}

var pocCases = []segmentCase[[]ProgressionChange]{
	{
		name: "two changes",
		hex:  "FF5F 0010 00 00 0001 03 03 02 01 00 0005 21 02 04",
		want: []ProgressionChange{
			{RPCL, 0, 3, 0, 3, 1},
			{CPRL, 1, 33, 0, 2, 5},
		},
	},
	{
		name: "0 and surplus mean all components",
		hex:  "FF5F 0010 00 00 0001 03 00 00 00 01 FFFF 03 FF 00",
		want: []ProgressionChange{
			{LRCP, 0, 3, 0, 3, 1},
			{LRCP, 0, 3, 1, 3, 65535},
		},
	},
	{
		name:       "16-bit components",
		components: 300,
		hex:        "FF5F 000B 00 0100 0001 03 0101 01",
		want:       []ProgressionChange{{RLCP, 0, 3, 256, 257, 1}},
	},
	{name: "nothing", hex: "FF5F 0002", fails: "whole changes"},
	{name: "half", hex: "FF5F 0008 00 00 0001 03 03", fails: "whole changes"},
	{name: "order", hex: "FF5F 0009 00 00 0001 03 03 05", fails: "progression order 5"},
	{name: "no layers", hex: "FF5F 0009 00 00 0000 03 03 00", fails: "layers to 0"},
	{name: "no resolutions", hex: "FF5F 0009 03 00 0001 03 03 00", fails: "resolutions 3 to 3"},
	{name: "too many resolutions", hex: "FF5F 0009 03 00 0001 22 03 00", fails: "resolutions 3 to 34"},
	{name: "no components", hex: "FF5F 0009 00 03 0001 03 04 00", fails: "components 3 to 3"},
}

func TestPOC(t *testing.T) { pocCodec.test(t, pocCases) }

func FuzzPOC(f *testing.F) { pocCodec.fuzz(f, pocCases) }
