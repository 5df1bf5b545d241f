package jp2

import "fmt"

// Space is an enumerated colour space: EnumCS (Table I.10; Table M.25 of Part
// 2).
type Space uint32

// The enumerated colour spaces.
const (
	Bilevel   Space = 0 // 1 is black
	YCbCr1    Space = 1 // video of BT.709's primaries, with BT.601's luma and range
	YCbCr2    Space = 3 // BT.601's luma, full range, as in JFIF
	YCbCr3    Space = 4 // video of BT.601
	PhotoYCC  Space = 9
	CMY       Space = 11 // 0 is no ink
	CMYK      Space = 12 // 0 is no ink
	YCCK      Space = 13 // CMYK with its CMY as YCbCr2
	CIELab    Space = 14
	Bilevel2  Space = 15 // 1 is white
	SRGB      Space = 16 // IEC 61966-2-1
	Grey      Space = 17 // the tone curve of sRGB
	SYCC      Space = 18 // sRGB as YCbCr, full range
	CIEJab    Space = 19
	ESRGB     Space = 20 // e-sRGB, PIMA 7667
	ROMM      Space = 21 // ROMM RGB, ISO 22028-2
	YPbPr1125 Space = 22 // video of BT.709, with its own luma
	YPbPr1250 Space = 23 // video of BT.709, with BT.601's luma
	ESYCC     Space = 24 // e-sYCC, PIMA 7667 annex B: sYCC with twice the reach of chroma
)

var spaceNames = map[Space]string{
	Bilevel: "bilevel", YCbCr1: "YCbCr(1)", YCbCr2: "YCbCr(2)",
	YCbCr3: "YCbCr(3)", PhotoYCC: "PhotoYCC", CMY: "CMY", CMYK: "CMYK",
	YCCK: "YCCK", CIELab: "CIELab", Bilevel2: "bilevel(2)", SRGB: "sRGB",
	Grey: "grey", SYCC: "sYCC", CIEJab: "CIEJab", ESRGB: "e-sRGB",
	ROMM: "ROMM-RGB", YPbPr1125: "YPbPr(1125/60)",
	YPbPr1250: "YPbPr(1250/50)", ESYCC: "e-sYCC",
}

func (s Space) String() string {
	if n, ok := spaceNames[s]; ok {
		return n
	}
	return fmt.Sprintf("colour space %d", uint32(s))
}

// Channels is how many colours the space has; 0 for a space that is not known.
func (s Space) Channels() int {
	switch s {
	case Bilevel, Bilevel2, Grey:
		return 1
	case CMYK, YCCK:
		return 4
	}
	if _, ok := spaceNames[s]; ok {
		return 3
	}
	return 0
}

// params is the length of the parameters that can follow EnumCS.
func (s Space) params() int {
	switch s {
	case CIELab:
		return epLab
	case CIEJab:
		return epJab
	}
	return 0
}
