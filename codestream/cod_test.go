package codestream

import "testing"

// codValue is COD, or COC where Component counts and Coding does not.
type codValue struct {
	Component int
	Coding
	ComponentCoding
}

func newCodValue(i int, c Coding, b blockCoding) codValue {
	v := codValue{Component: i, Coding: c}
	b.over(&v.ComponentCoding)
	return v
}

var codCodec = segmentCodec[codValue]{
	marker: COD,
	parse: func(f *fields, _ int, rsiz uint16) (codValue, error) {
		c, b, err := parseCOD(f, rsiz)
		return newCodValue(0, c, b), err
	},
	append: func(dst []byte, _ int, v codValue) []byte {
		return appendCOD(dst, v.Coding, v.ComponentCoding)
	},
}

var cocCodec = segmentCodec[codValue]{
	marker: COC,
	parse: func(f *fields, components int, rsiz uint16) (codValue, error) {
		i, b, err := parseCOC(f, components, rsiz)
		return newCodValue(i, Coding{}, b), err
	},
	append: func(dst []byte, components int, v codValue) []byte {
		return appendCOC(dst, components, v.Component, v.ComponentCoding)
	},
}

var wholePrecincts = []Precinct{{15, 15}, {15, 15}, {15, 15}}

var codCases = []segmentCase[codValue]{
	{
		name: "plain",
		hex:  "FF52 000C 00 00 0001 01 02 04 04 00 01",
		want: codValue{
			Coding: Coding{Progression: LRCP, Layers: 1, MCT: true},
			ComponentCoding: ComponentCoding{
				Levels: 2, XCB: 6, YCB: 6, Reversible: true, Precincts: wholePrecincts,
			},
		},
	},
	{
		name: "everything",
		hex:  "FF52 000E 07 04 FFFF 00 01 08 00 3F 00 70 87",
		want: codValue{
			Coding: Coding{Progression: CPRL, Layers: 65535, SOP: true, EPH: true},
			ComponentCoding: ComponentCoding{
				Levels: 1, XCB: 10, YCB: 2, Precincts: []Precinct{{0, 7}, {7, 8}},
				Style: Bypass | Reset | TermAll | VSC | PTerm | SegSym,
			},
		},
	},
	{
		name: "high throughput",
		hex:  "FF52 000C 00 02 0001 00 00 04 04 C0 00",
		want: codValue{
			Coding: Coding{Progression: RPCL, Layers: 1},
			ComponentCoding: ComponentCoding{
				XCB: 6, YCB: 6, Style: HT | HTMixed, Precincts: wholePrecincts[:1],
			},
		},
	},
	{
		name:   "default precincts, spelt out",
		hex:    "FF52 000D 01 00 0001 00 00 04 04 00 01 FF",
		oneWay: true,
		want: codValue{
			Coding: Coding{Layers: 1},
			ComponentCoding: ComponentCoding{
				XCB: 6, YCB: 6, Reversible: true, Precincts: wholePrecincts[:1],
			},
		},
	},
	{name: "too short", hex: "FF52 000B 00 00 0001 01 02 04 04 00", fails: "too small"},
	{name: "precincts missing", hex: "FF52 000E 01 00 0001 00 02 04 04 00 01 77 77", fails: "too small"},
	{name: "too long", hex: "FF52 000D 00 00 0001 01 02 04 04 00 01 00", fails: "1 too large"},
	{name: "Scod", hex: "FF52 000C 08 00 0001 01 02 04 04 00 01", fails: "Scod is 0x08"},
	{name: "Scod of Part 2", rsiz: extended, hex: "FF52 000C 08 00 0001 01 02 04 04 00 01", fails: "unsupported"},
	{name: "progression", hex: "FF52 000C 00 05 0001 01 02 04 04 00 01", fails: "progression order 5"},
	{name: "layers", hex: "FF52 000C 00 00 0000 01 02 04 04 00 01", fails: "no layers"},
	{name: "transformation of components", hex: "FF52 000C 00 00 0001 02 02 04 04 00 01", fails: "transformation 2"},
	{name: "33 levels", hex: "FF52 000C 00 00 0001 00 21 04 04 00 01", fails: "33 decomposition levels"},
	{name: "wide block", hex: "FF52 000C 00 00 0001 00 02 09 00 00 01", fails: "2^11 by 2^2"},
	{name: "large block", hex: "FF52 000C 00 00 0001 00 02 05 04 00 01", fails: "2^7 by 2^6"},
	{name: "mixed without HT", hex: "FF52 000C 00 00 0001 00 02 04 04 80 01", fails: "style 0x80"},
	{name: "transformation", hex: "FF52 000C 00 00 0001 00 02 04 04 00 02", fails: "transformation 2"},
	{name: "tiny precinct", hex: "FF52 000E 01 00 0001 00 01 04 04 00 01 00 70", fails: "at resolution 1"},
}

var cocCases = []segmentCase[codValue]{
	{
		name: "8-bit index",
		hex:  "FF53 0009 02 00 02 04 04 00 01",
		want: codValue{Component: 2, ComponentCoding: ComponentCoding{
			Levels: 2, XCB: 6, YCB: 6, Reversible: true, Precincts: wholePrecincts,
		}},
	},
	{
		name:       "16-bit index",
		components: 300,
		hex:        "FF53 000C 012B 01 01 03 02 08 00 45 56",
		want: codValue{Component: 299, ComponentCoding: ComponentCoding{
			Levels: 1, XCB: 5, YCB: 4, Style: VSC, Precincts: []Precinct{{5, 4}, {6, 5}},
		}},
	},
	{name: "no such component", hex: "FF53 0009 03 00 02 04 04 00 01", fails: "component 3 of 3"},
	{name: "Scoc", hex: "FF53 0009 02 02 02 04 04 00 01", fails: "Scoc is 0x02"},
	{name: "too short", hex: "FF53 0003 00", fails: "too small"},
}

func TestCOD(t *testing.T) { codCodec.test(t, codCases) }

func FuzzCOD(f *testing.F) { codCodec.fuzz(f, codCases) }

func TestCOC(t *testing.T) { cocCodec.test(t, cocCases) }

func FuzzCOC(f *testing.F) { cocCodec.fuzz(f, cocCases) }
