package jp2

import (
	"encoding/binary"
	"fmt"

	"github.com/stria-j2k/stria/codestream"
)

// Color is a colour specification (I.5.3.3, and M.11.7.3 of Part 2). Which of
// the fields below Approximation mean anything depends on Method.
type Color struct {
	Method        Method
	Precedence    int8  // PREC: higher is preferred
	Approximation uint8 // APPROX: 1 (accurate) to 4 (poor), 0 where unspecified
	Space         Space // Enumerated: EnumCS
	Lab           *Lab  // Enumerated: the parameters of CIELab and CIEJab; nil for the defaults
	ICC           []byte
	Vendor        UUID            // Vendor: who defined the method
	Data          []byte          // Vendor and methods that are not known: what follows
	Primaries     Primaries       // Parameterized
	Assumed       bool            // no box says so: see [File.Color]
	Box           codestream.Span // the box it is from; empty if Assumed
}

// Method is how a colour specification says what the colours are: METH.
type Method uint8

// The methods (Table I.9; Table M.22 of Part 2).
const (
	Enumerated    Method = 1 // by a number
	RestrictedICC Method = 2 // by an ICC profile of the monochrome or three-component matrix kind
	AnyICC        Method = 3 // by any ICC input profile
	Vendor        Method = 4 // by something a vendor defined
	Parameterized Method = 5 // by the code points of ISO/IEC 23091-2 (H.273)
)

func (m Method) String() string {
	switch m {
	case Enumerated:
		return "enumerated"
	case RestrictedICC:
		return "restricted ICC"
	case AnyICC:
		return "any ICC"
	case Vendor:
		return "vendor"
	case Parameterized:
		return "parameterized"
	}
	return fmt.Sprintf("method %d", uint8(m))
}

// Primaries is the contents of a parameterized colour specification: code
// points of ISO/IEC 23091-2.
type Primaries struct {
	Colors, Transfer, Matrix uint16 // COLPRIMS, TRANSFC, MATCOEFFS
	FullRange                bool   // VIDFRNG
}

// Lab is the parameters of CIELab and CIEJab (M.11.7.4.1 of Part 2): how the
// samples of the three colours relate to values. A value is (sample - Offset) *
// Range / (2^depth - 1).
type Lab struct {
	Range, Offset [3]uint32  // RL, OL, RA, OA, RB, OB
	Illuminant    Illuminant // IL; zero for CIEJab
}

// Illuminant is a CIE illuminant: its name in ASCII, or "CT" and a colour
// temperature in kelvins.
type Illuminant uint32

// The illuminants (Table M.29 of Part 2).
const (
	D50           Illuminant = 0x00443530
	D65           Illuminant = 0x00443635
	D75           Illuminant = 0x00443735
	IlluminantA   Illuminant = 0x00005341
	IlluminantC   Illuminant = 0x00005343
	IlluminantF2  Illuminant = 0x00004632
	IlluminantF7  Illuminant = 0x00004637
	IlluminantF11 Illuminant = 0x00463131
)

func (i Illuminant) String() string {
	if i>>16 == 0x4354 {
		return fmt.Sprintf("%d K", uint16(i))
	}
	var name []byte
	for shift := 24; shift >= 0; shift -= 8 {
		if b := byte(i >> shift); b > ' ' && b < 0x7F {
			name = append(name, b)
		}
	}
	if len(name) == 0 {
		return fmt.Sprintf("illuminant %#x", uint32(i))
	}
	return string(name)
}

const (
	colrHead = 3        // METH, PREC, APPROX
	maxColr  = 16 << 20 // most bytes of contents that are read, of all boxes of a file
	epLab    = 7 * 4
	epJab    = 6 * 4
)

// parseColr parses the contents of the box at off. The second result is a
// warning when something in the box had to be put right or left out.
func parseColr(p []byte, off int64) (Color, string, error) {
	if len(p) < colrHead {
		return Color{}, "", formatError(off, typeColr, "%d bytes, needs %d", len(p), colrHead)
	}
	c := Color{Method: Method(p[0]), Precedence: int8(p[1]), Approximation: p[2]}
	p = p[colrHead:]
	short := func(n int) (Color, string, error) {
		return Color{}, "", formatError(off, typeColr,
			"%d bytes for the method %v, needs %d", len(p), c.Method, n)
	}
	warning := ""
	switch c.Method {
	case Enumerated:
		if len(p) < 4 {
			return short(4)
		}
		c.Space = Space(binary.BigEndian.Uint32(p))
		p = p[4:]
		if n := c.Space.params(); n > 0 && len(p) >= n {
			c.Lab = parseLab(p[:n])
		} else if n > 0 && len(p) > 0 {
			warning = fmt.Sprintf("%d bytes of parameters for %v, needs %d", len(p), c.Space, n)
		}
	case RestrictedICC, AnyICC:
		// The box lives in a read window; a profile is kept for good.
		icc, note := soundICC(p)
		c.ICC, warning = append([]byte(nil), icc...), note
	case Vendor:
		if len(p) < uuidLen {
			return short(uuidLen)
		}
		c.Vendor, c.Data = UUID(p[:uuidLen]), append([]byte(nil), p[uuidLen:]...)
	case Parameterized:
		if len(p) < 7 {
			return short(7)
		}
		c.Primaries = Primaries{
			Colors:    binary.BigEndian.Uint16(p),
			Transfer:  binary.BigEndian.Uint16(p[2:]),
			Matrix:    binary.BigEndian.Uint16(p[4:]),
			FullRange: p[6]&0x80 != 0,
		}
	default:
		c.Data = append([]byte(nil), p...)
	}
	return c, warning, nil
}

// parseLab parses the parameters of CIELab, or those of CIEJab, which are the
// same without the illuminant.
func parseLab(p []byte) *Lab {
	l := new(Lab)
	for i := range l.Range {
		l.Range[i] = binary.BigEndian.Uint32(p[8*i:])
		l.Offset[i] = binary.BigEndian.Uint32(p[8*i+4:])
	}
	if len(p) == epLab {
		l.Illuminant = Illuminant(binary.BigEndian.Uint32(p[epJab:]))
	}
	return l
}

// defaultLab is what a box without parameters means (M.11.7.4.1 and
// M.11.7.4.2 of Part 2), for colours of these depths.
func defaultLab(s Space, depths []Depth) *Lab {
	power := func(i, down int) uint32 {
		bits := 8
		if i < len(depths) {
			bits = depths[i].Bits
		}
		if bits < down || bits-down > 31 {
			return 0
		}
		return 1 << (bits - down)
	}
	if s == CIEJab {
		return &Lab{
			Range:  [3]uint32{100, 255, 255},
			Offset: [3]uint32{0, power(1, 1), power(2, 1)},
		}
	}
	return &Lab{
		Range:      [3]uint32{100, 170, 200},
		Offset:     [3]uint32{0, power(1, 1), power(2, 2) + power(2, 3)},
		Illuminant: D50,
	}
}

// append appends c as a box.
func (c Color) append(dst []byte) []byte {
	return appendBox(dst, typeColr, func(dst []byte) []byte {
		dst = append(dst, byte(c.Method), byte(c.Precedence), c.Approximation)
		switch c.Method {
		case Enumerated:
			dst = binary.BigEndian.AppendUint32(dst, uint32(c.Space))
			if c.Lab == nil || c.Space.params() == 0 {
				break
			}
			for i := range c.Lab.Range {
				dst = binary.BigEndian.AppendUint32(dst, c.Lab.Range[i])
				dst = binary.BigEndian.AppendUint32(dst, c.Lab.Offset[i])
			}
			if c.Space == CIELab {
				dst = binary.BigEndian.AppendUint32(dst, uint32(c.Lab.Illuminant))
			}
		case RestrictedICC, AnyICC:
			dst = append(dst, c.ICC...)
		case Vendor:
			dst = append(dst, c.Vendor...)
			dst = append(dst, c.Data...)
		case Parameterized:
			dst = binary.BigEndian.AppendUint16(dst, c.Primaries.Colors)
			dst = binary.BigEndian.AppendUint16(dst, c.Primaries.Transfer)
			dst = binary.BigEndian.AppendUint16(dst, c.Primaries.Matrix)
			dst = append(dst, flag(c.Primaries.FullRange)<<7)
		default:
			dst = append(dst, c.Data...)
		}
		return dst
	})
}
