// Package grid is the arithmetic of Annex B of ISO/IEC 15444-1: where the samples of an
// image lie.
//
// There are several grids, each with its origin at (0,0). The reference grid is that of
// the image as a whole. The grid of a component has one sample for every XRsiz by YRsiz
// points of it (B.2, Equation B-12 for tiles). A resolution has one for every 2^n
// samples of the component in each direction (B.5, Equation B-14); and the three
// sub-bands that lead to it from the one below have each one for every two of its own
// (Equation B-15). Coordinates are always divided rounding up, so a rectangle on one
// grid tells where it lies on any other.
//
// All of it is in 64 bits: coordinates of the standard have up to 32, and products of
// them with sub-sampling and decomposition levels more, also where int has 32.
package grid

import "image"

// A Rect is a half-open rectangle on some grid. Unlike [image.Rectangle] its
// coordinates have 64 bits everywhere.
type Rect struct{ X0, Y0, X1, Y1 int64 }

// New gives the Rect with these corners.
func New(x0, y0, x1, y1 int64) Rect { return Rect{x0, y0, x1, y1} }

// RectOf gives r as a Rect on the same grid.
func RectOf(r image.Rectangle) Rect {
	return Rect{int64(r.Min.X), int64(r.Min.Y), int64(r.Max.X), int64(r.Max.Y)}
}

// Rectangle gives r as an image.Rectangle on the same grid.
func (r Rect) Rectangle() image.Rectangle {
	return image.Rectangle{Min: image.Pt(int(r.X0), int(r.Y0)), Max: image.Pt(int(r.X1), int(r.Y1))}
}

// Empty reports whether there is no point in r.
func (r Rect) Empty() bool { return r.X0 >= r.X1 || r.Y0 >= r.Y1 }

// Intersect gives the part of r in s; it is the zero Rect if there is none.
func (r Rect) Intersect(s Rect) Rect {
	r = Rect{max(r.X0, s.X0), max(r.Y0, s.Y0), min(r.X1, s.X1), min(r.Y1, s.Y1)}
	if r.Empty() {
		return Rect{}
	}
	return r
}

// CeilDiv divides each coordinate by dx and dy, rounding up: Equation B-12.
func (r Rect) CeilDiv(dx, dy int64) Rect {
	return Rect{CeilDiv(r.X0, dx), CeilDiv(r.Y0, dy), CeilDiv(r.X1, dx), CeilDiv(r.Y1, dy)}
}

// CeilShift divides each coordinate by 2^n, rounding up: Equation B-14.
func (r Rect) CeilShift(n int) Rect {
	return Rect{CeilShift(r.X0, n), CeilShift(r.Y0, n), CeilShift(r.X1, n), CeilShift(r.Y1, n)}
}

// Band gives what of sub-band 0 to 3 (LL, HL, LH, HH) of decomposition level n a
// rectangle on the component's grid falls on (Equation B-15). With n 0 it is the
// rectangle itself. The two bits of the sub-band's number say whether it is high-pass
// across and down (Table B.1).
func (r Rect) Band(band, n int) Rect {
	if n == 0 {
		return r
	}
	x, y := int64(band&1)<<(n-1), int64(band>>1)<<(n-1)
	return Rect{r.X0 - x, r.Y0 - y, r.X1 - x, r.Y1 - y}.CeilShift(n)
}

// Grow extends r by dx and dy on all sides, within box. Coordinates are not negative.
func (r Rect) Grow(dx, dy int64, box Rect) Rect {
	return Rect{
		max(r.X0-min(dx, r.X0), box.X0), max(r.Y0-min(dy, r.Y0), box.Y0),
		min(AddSat(r.X1, dx), box.X1), min(AddSat(r.Y1, dy), box.Y1),
	}
}

// CeilDiv is the quotient of a number that is not negative, rounded up.
func CeilDiv(a, b int64) int64 { return (a + b - 1) / b }

// CeilShift is the ceiling of a/2^n, for any a and 0 <= n < 62.
func CeilShift(a int64, n int) int64 { return -(-a >> n) }

// FloorDiv is the quotient of any number and a positive one, rounded down.
func FloorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// MulSat multiplies numbers that are not negative, and saturates.
func MulSat(a, b int64) int64 {
	const most = int64(^uint64(0) >> 1)
	if a != 0 && b > most/a {
		return most
	}
	return a * b
}

// AddSat adds numbers that are not negative, and saturates.
func AddSat(a, b int64) int64 {
	const most = int64(^uint64(0) >> 1)
	if a > most-b {
		return most
	}
	return a + b
}

// Common is the least common multiple; it saturates.
func Common(a, b int64) int64 {
	g, r := a, b
	for r != 0 {
		g, r = r, g%r
	}
	return MulSat(a, b/g)
}
