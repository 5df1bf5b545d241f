package raster

import (
	"encoding/binary"
	"sync"
)

// This file implements CIELab to sRGB.

// LabRange says what the samples of CIELab stand for: L*, a* and b* at the
// smallest sample and at the largest.
type LabRange struct {
	L, A, B [2]float64
	White   [3]float64 // XYZ of the white with Y = 1; zero is D50
}

// A Lab converts CIELab to sRGB. Colours outside of sRGB are clipped.
type Lab struct {
	// (L*+16)/116, a*/500 and -b*/200 of a sample v in [0, 1] are zero + scale*v.
	zero, scale [3]float64
	matrix      Matrix3 // from XYZ relative to the white to linear sRGB
	narrow      func() *lab8
}

// NewLab is for samples of a range. Tables are made when the first pixels of 8
// bits come.
func NewLab(r LabRange) *Lab {
	if r.White == ([3]float64{}) {
		r.White = whiteD50
	}
	white := Matrix3{{r.White[0]}, {0, r.White[1]}, {0, 0, r.White[2]}}
	c := &Lab{
		zero:   [3]float64{(r.L[0] + 16) / 116, r.A[0] / 500, -r.B[0] / 200},
		scale:  [3]float64{(r.L[1] - r.L[0]) / 116, (r.A[1] - r.A[0]) / 500, -(r.B[1] - r.B[0]) / 200},
		matrix: SRGBFromXYZ(r.White).Mul(white),
	}
	c.narrow = sync.OnceValue(c.newLab8)
	return c
}

// LabLight is the inverse of CIELab's cube root with its straight beginning: the
// light of (L*+16)/116.
func LabLight[F float32 | float64](f F) F {
	if f > 6.0/29 {
		return f * f * f
	}
	return (f - 4.0/29) * (3 * 6 * 6 / 29.0 / 29)
}

// A lab8 has what each value of 8 bits stands for.
type lab8 struct {
	l    [256]struct{ f, red, green, blue float32 } // and what Y adds to these
	a, b [256]float32
}

func (c *Lab) newLab8() *lab8 {
	t := new(lab8)
	for i := range t.l {
		v := float64(i) / 255
		f := c.zero[0] + c.scale[0]*v
		y := LabLight(f)
		l := &t.l[i]
		l.f = float32(f)
		l.red, l.green, l.blue = float32(c.matrix[0][1]*y), float32(c.matrix[1][1]*y), float32(c.matrix[2][1]*y)
		t.a[i], t.b[i] = float32(c.zero[1]+c.scale[1]*v), float32(c.zero[2]+c.scale[2]*v)
	}
	return t
}

// Pixels8 converts pixels of four bytes in place and leaves every fourth as it
// is.
func (c *Lab) Pixels8(pix []byte) {
	t, m, encode := c.narrow(), c.matrix.single(), srgb8()
	for ; len(pix) >= 4; pix = pix[4:] {
		p := (*[4]byte)(pix)
		l := &t.l[p[0]]
		x, z := LabLight(l.f+t.a[p[1]]), LabLight(l.f+t.b[p[2]])
		p[0] = encode.of(l.red + m[0][0]*x + m[0][2]*z)
		p[1] = encode.of(l.green + m[1][0]*x + m[1][2]*z)
		p[2] = encode.of(l.blue + m[2][0]*x + m[2][2]*z)
	}
}

// Pixels16 converts pixels of four big-endian 16-bit channels in place and
// leaves every fourth channel as it is.
func (c *Lab) Pixels16(pix []byte) {
	m, encode := c.matrix.single(), srgb16()
	var zero, scale [3]float32
	for i := range zero {
		zero[i], scale[i] = float32(c.zero[i]), float32(c.scale[i]/65535)
	}
	for ; len(pix) >= 8; pix = pix[8:] {
		p := binary.BigEndian.Uint64(pix)
		fy := zero[0] + scale[0]*float32(int32(p>>48))
		fx := fy + zero[1] + scale[1]*float32(int32(p>>32&0xFFFF))
		fz := fy + zero[2] + scale[2]*float32(int32(p>>16&0xFFFF))
		x, y, z := LabLight(fx), LabLight(fy), LabLight(fz)
		binary.BigEndian.PutUint64(pix, p&0xFFFF|
			encode.of(m[0][0]*x+m[0][1]*y+m[0][2]*z)<<48|
			encode.of(m[1][0]*x+m[1][1]*y+m[1][2]*z)<<32|
			encode.of(m[2][0]*x+m[2][1]*y+m[2][2]*z)<<16)
	}
}
