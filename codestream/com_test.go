package codestream

import "testing"

var comCodec = segmentCodec[Comment]{
	marker: COM,
	parse:  func(f *fields, _ int, _ uint16) (Comment, error) { return parseCOM(f) },
}

var comCases = []segmentCase[Comment]{
	{name: "text", hex: "FF64 0006 0001 6869", want: Comment{Data: []byte("hi")}},
	{name: "binary", hex: "FF64 0005 0000 FF", want: Comment{Binary: true, Data: []byte{0xFF}}},
	{name: "empty", hex: "FF64 0004 0001", want: Comment{Data: []byte{}}},
	{name: "too short", hex: "FF64 0003 00", fails: "too small"},
}

func TestCOM(t *testing.T) { comCodec.test(t, comCases) }

func FuzzCOM(f *testing.F) { comCodec.fuzz(f, comCases) }
