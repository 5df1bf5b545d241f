package codestream

import "testing"

var capCodec = segmentCodec[*CAP]{
	marker: CAPMarker,
	parse:  func(f *fields, _ int, _ uint16) (*CAP, error) { return parseCAP(f) },
	append: func(dst []byte, _ int, c *CAP) []byte { return appendCAP(dst, c) },
}

var capCases = []segmentCase[*CAP]{
	{name: "Part 15", hex: "FF50 0008 00020000 0022", want: &CAP{0x20000, []uint16{0x22}}},
	{name: "two", hex: "FF50 000A 80020000 0001 0022", want: &CAP{0x80020000, []uint16{1, 0x22}}},
	{name: "none", hex: "FF50 0006 00000000", want: &CAP{}},
	{name: "too short", hex: "FF50 0005 000000", fails: "not that of"},
	{name: "missing", hex: "FF50 0006 00020000", fails: "not that of 1"},
	{name: "surplus", hex: "FF50 0009 00020000 0022 00", fails: "not that of 1"},
}

func TestCAP(t *testing.T) { capCodec.test(t, capCases) }

func FuzzCAP(f *testing.F) { capCodec.fuzz(f, capCases) }

var cpfCodec = segmentCodec[[]uint16]{
	marker: CPF,
	parse:  func(f *fields, _ int, _ uint16) ([]uint16, error) { return parseCPF(f) },
}

var cpfCases = []segmentCase[[]uint16]{
	{name: "one", hex: "FF59 0004 1234", want: []uint16{0x1234}},
	{name: "two", hex: "FF59 0006 1234 0001", want: []uint16{0x1234, 1}},
	{name: "none", hex: "FF59 0002", fails: "length 2"},
	{name: "half", hex: "FF59 0005 123400", fails: "length 5"},
}

func TestCPF(t *testing.T) { cpfCodec.test(t, cpfCases) }

func FuzzCPF(f *testing.F) { cpfCodec.fuzz(f, cpfCases) }
