package raster

// This file implements the little colorimetry that conversions are computed
// from: matrices, white points and the primaries of sRGB.

// A Matrix3 maps three numbers to three: row by row.
type Matrix3 [3][3]float64

// Mul is m after n: applying the product is applying n, then m.
func (m Matrix3) Mul(n Matrix3) (p Matrix3) {
	for i := range p {
		for j := range p {
			for k := range p {
				p[i][j] += m[i][k] * n[k][j]
			}
		}
	}
	return p
}

// Apply is m times v.
func (m Matrix3) Apply(v [3]float64) (w [3]float64) {
	for i := range w {
		w[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return w
}

// single is m in single precision.
func (m Matrix3) single() (s [3][3]float32) {
	for i, row := range m {
		for j, v := range row {
			s[i][j] = float32(v)
		}
	}
	return s
}

// Inverse is the matrix that undoes m, and false when there is none.
func (m Matrix3) Inverse() (inv Matrix3, ok bool) {
	for i := range 3 {
		for j := range 3 {
			a, b, c, d := (j+1)%3, (j+2)%3, (i+1)%3, (i+2)%3
			inv[i][j] = m[a][c]*m[b][d] - m[a][d]*m[b][c]
		}
	}
	det := m[0][0]*inv[0][0] + m[0][1]*inv[1][0] + m[0][2]*inv[2][0]
	if det == 0 {
		return Matrix3{}, false
	}
	for i := range inv {
		for j := range inv {
			inv[i][j] /= det
		}
	}
	return inv, true
}

// White points, as XYZ with Y = 1. D50 is as ICC profiles have it.
var (
	whiteD50 = [3]float64{0.9642, 1, 0.8249}
	whiteD65 = [3]float64{0.3127 / 0.3290, 1, 0.3583 / 0.3290}
)

// D50 is the white of ICC's profile connection space and the default of CIELab.
func D50() [3]float64 { return whiteD50 }

// D65 is the white of sRGB.
func D65() [3]float64 { return whiteD65 }

// bradford is the matrix to the cone responses in which whites are adapted.
var bradford = [3][3]float64{
	{0.8951, 0.2664, -0.1614},
	{-0.7502, 1.7135, 0.0367},
	{0.0389, -0.0685, 1.0296},
}

// Adapt takes XYZ seen under one white to XYZ seen under another.
func Adapt(from, to [3]float64) Matrix3 {
	cones := Matrix3(bradford)
	back, _ := cones.Inverse()
	f, t := cones.Apply(from), cones.Apply(to)
	scale := Matrix3{{t[0] / f[0]}, {0, t[1] / f[1]}, {0, 0, t[2] / f[2]}}
	return back.Mul(scale).Mul(cones)
}

// Primaries is the matrix from linear RGB to XYZ under its own white, for
// primaries given by x and y and a white given by XYZ.
func Primaries(rx, ry, gx, gy, bx, by float64, white [3]float64) Matrix3 {
	m := Matrix3{
		{rx / ry, gx / gy, bx / by},
		{1, 1, 1},
		{(1 - rx - ry) / ry, (1 - gx - gy) / gy, (1 - bx - by) / by},
	}
	inv, _ := m.Inverse()
	s := inv.Apply(white)
	return m.Mul(Matrix3{{s[0]}, {0, s[1]}, {0, 0, s[2]}})
}

// SRGBFromXYZ is the matrix from XYZ under a white to linear sRGB.
func SRGBFromXYZ(white [3]float64) Matrix3 {
	inv, _ := Primaries(0.64, 0.33, 0.30, 0.60, 0.15, 0.06, whiteD65).Inverse()
	return inv.Mul(Adapt(white, whiteD65))
}
