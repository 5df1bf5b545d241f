package raster

import "encoding/binary"

// This file implements CIELab to sRGB.

// LabRange says what the samples of CIELab stand for: L*, a* and b* at the
// smallest sample and at the largest.
type LabRange struct {
	L, A, B [2]float64
	White   [3]float64 // XYZ of the white with Y = 1; zero is D50
}

// A Lab converts CIELab to sRGB. Colours outside of sRGB are clipped.
type Lab struct {
	zero, scale [3]float32 // L*, a*, b* = zero + scale*v for v in [0, 1]
	matrix      [3][3]float32
	encoder     curve
}

// NewLab makes the tables.
func NewLab(r LabRange) *Lab {
	if r.White == ([3]float64{}) {
		r.White = whiteD50
	}
	c := &Lab{encoder: newCurve(encodeCurveBits, LinearToSRGB)}
	for i, v := range [3][2]float64{r.L, r.A, r.B} {
		c.zero[i], c.scale[i] = float32(v[0]), float32(v[1]-v[0])
	}
	// XYZ comes relative to the white.
	white := Matrix3{{r.White[0]}, {0, r.White[1]}, {0, 0, r.White[2]}}
	for i, row := range SRGBFromXYZ(r.White).Mul(white) {
		for j, v := range row {
			c.matrix[i][j] = float32(v)
		}
	}
	return c
}

// rgb is sRGB in [0, 1] of samples in [0, 1].
func (c *Lab) rgb(l, a, b float32) (x, y, z float32) {
	fy := (c.zero[0] + c.scale[0]*l + 16) / 116
	fx := fy + (c.zero[1]+c.scale[1]*a)/500
	fz := fy - (c.zero[2]+c.scale[2]*b)/200
	x, y, z = labLight(fx), labLight(fy), labLight(fz)
	m := &c.matrix
	return c.encoder.at(m[0][0]*x + m[0][1]*y + m[0][2]*z),
		c.encoder.at(m[1][0]*x + m[1][1]*y + m[1][2]*z),
		c.encoder.at(m[2][0]*x + m[2][1]*y + m[2][2]*z)
}

// labLight is the inverse of CIELab's cube root with its straight beginning.
func labLight(f float32) float32 {
	if f > 6.0/29 {
		return f * f * f
	}
	return (f - 4.0/29) * (3 * 6 * 6 / 29.0 / 29)
}

// Pixels8 converts pixels of four bytes in place and leaves every fourth as it
// is.
func (c *Lab) Pixels8(pix []byte) {
	const unit = float32(1) / 255
	for ; len(pix) >= 4; pix = pix[4:] {
		p := (*[4]byte)(pix)
		r, g, b := c.rgb(float32(p[0])*unit, float32(p[1])*unit, float32(p[2])*unit)
		p[0] = uint8(round(r*255, 255))
		p[1] = uint8(round(g*255, 255))
		p[2] = uint8(round(b*255, 255))
	}
}

// Pixels16 converts pixels of four big-endian 16-bit channels in place and
// leaves every fourth channel as it is.
func (c *Lab) Pixels16(pix []byte) {
	const unit = float32(1) / 65535
	for ; len(pix) >= 8; pix = pix[8:] {
		p := binary.BigEndian.Uint64(pix)
		r, g, b := c.rgb(float32(p>>48)*unit, float32(p>>32&0xFFFF)*unit,
			float32(p>>16&0xFFFF)*unit)
		binary.BigEndian.PutUint64(pix, p&0xFFFF|uint64(round(r*65535, 65535))<<48|
			uint64(round(g*65535, 65535))<<32|uint64(round(b*65535, 65535))<<16)
	}
}
