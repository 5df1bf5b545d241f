// This file implements the integer arithmetic of Annex B. Rectangles of the
// standard have coordinates up to 2^32-1 and products of them with sub-sampling
// and decomposition levels, so all of it is in 64 bits, also where int has 32.

package codestream

import "image"

// A rect is a half-open rectangle on some grid. Unlike [image.Rectangle] its
// coordinates have 64 bits everywhere.
type rect struct{ x0, y0, x1, y1 int64 }

func rectOf(r image.Rectangle) rect {
	return rect{int64(r.Min.X), int64(r.Min.Y), int64(r.Max.X), int64(r.Max.Y)}
}

// rectangle gives r as an image.Rectangle on the same grid.
func (r rect) rectangle() image.Rectangle {
	return image.Rect(int(r.x0), int(r.y0), int(r.x1), int(r.y1))
}

func (r rect) empty() bool { return r.x0 >= r.x1 || r.y0 >= r.y1 }

// intersect gives the part of r in s; it is the zero rect if there is none.
func (r rect) intersect(s rect) rect {
	r = rect{max(r.x0, s.x0), max(r.y0, s.y0), min(r.x1, s.x1), min(r.y1, s.y1)}
	if r.empty() {
		return rect{}
	}
	return r
}

// ceilDiv divides each coordinate by dx and dy, rounding up: Equation B-12.
func (r rect) ceilDiv(dx, dy int64) rect {
	return rect{ceilDiv(r.x0, dx), ceilDiv(r.y0, dy), ceilDiv(r.x1, dx), ceilDiv(r.y1, dy)}
}

// ceilShift divides each coordinate by 2^n, rounding up: Equation B-14.
func (r rect) ceilShift(n int) rect {
	return rect{ceilShift(r.x0, n), ceilShift(r.y0, n), ceilShift(r.x1, n), ceilShift(r.y1, n)}
}

// ceilShift is the ceiling of a/2^n, for any a and 0 <= n < 62.
func ceilShift(a int64, n int) int64 { return -(-a >> n) }

// mulSat multiplies non-negative numbers and saturates.
func mulSat(a, b int64) int64 {
	const most = int64(^uint64(0) >> 1)
	if a != 0 && b > most/a {
		return most
	}
	return a * b
}

// addSat adds non-negative numbers and saturates.
func addSat(a, b int64) int64 {
	const most = int64(^uint64(0) >> 1)
	if a > most-b {
		return most
	}
	return a + b
}
