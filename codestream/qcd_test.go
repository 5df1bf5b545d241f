package codestream

import "testing"

// qccValue is QCC, or QCD where Component does not count.
type qccValue struct {
	Component int
	Quantization
}

var qcdCodec = segmentCodec[qccValue]{
	marker: QCD,
	parse: func(f *fields, _ int, _ uint16) (qccValue, error) {
		q, err := parseQCD(f)
		return qccValue{0, q}, err
	},
	append: func(dst []byte, _ int, v qccValue) []byte { return appendQCD(dst, v.Quantization) },
}

var qccCodec = segmentCodec[qccValue]{
	marker: QCC,
	parse: func(f *fields, components int, _ uint16) (qccValue, error) {
		i, q, err := parseQCC(f, components)
		return qccValue{i, q}, err
	},
	append: func(dst []byte, components int, v qccValue) []byte {
		return appendQCC(dst, components, v.Component, v.Quantization)
	},
}

var qcdCases = []segmentCase[qccValue]{
	{
		name: "none",
		hex:  "FF5C 0007 40 48 50 50 58",
		want: qccValue{0, Quantization{NoQuantization, 2, []Step{{9, 0}, {10, 0}, {10, 0}, {11, 0}}}},
	},
	{
		name: "derived",
		hex:  "FF5C 0005 21 7123",
		want: qccValue{0, Quantization{Derived, 1, []Step{{14, 0x123}}}},
	},
	{
		name: "expounded",
		hex:  "FF5C 000B E2 FFFF 0000 8001 7800",
		want: qccValue{0, Quantization{Expounded, 7, []Step{{31, 2047}, {0, 0}, {16, 1}, {15, 0}}}},
	},
	{name: "no style", hex: "FF5C 0002", fails: "too small"},
	{name: "no steps", hex: "FF5C 0003 42", fails: "not that of quantisation style 2"},
	{name: "half a step", hex: "FF5C 0006 42 0000 00", fails: "not that of quantisation style 2"},
	{name: "derived from two", hex: "FF5C 0007 41 0000 0000", fails: "not that of quantisation style 1"},
	{name: "style", hex: "FF5C 0004 43 00", fails: "quantisation style 3"},
}

var qccCases = []segmentCase[qccValue]{
	{
		name: "8-bit index",
		hex:  "FF5D 0005 01 40 48",
		want: qccValue{1, Quantization{NoQuantization, 2, []Step{{9, 0}}}},
	},
	{
		name:       "16-bit index",
		components: 257,
		hex:        "FF5D 0007 0100 21 7123",
		want:       qccValue{256, Quantization{Derived, 1, []Step{{14, 0x123}}}},
	},
	{name: "no such component", hex: "FF5D 0005 03 40 48", fails: "component 3 of 3"},
	{name: "nothing", hex: "FF5D 0002", fails: "too small"},
}

func TestQCD(t *testing.T) { qcdCodec.test(t, qcdCases) }

func FuzzQCD(f *testing.F) { qcdCodec.fuzz(f, qcdCases) }

func TestQCC(t *testing.T) { qccCodec.test(t, qccCases) }

func FuzzQCC(f *testing.F) { qccCodec.fuzz(f, qccCases) }
