// Package wavelet makes samples of wavelet coefficients: the inverse transforms
// of Annex F, 5/3 of integers and 9/7 of floating-point numbers, on a window of
// a resolution at a time.
//
// Rectangles are on the grid of a resolution or of a sub-band, as they lie in
// their tile-component: whether a row or column is of low-pass or high-pass
// coefficients is decided by its coordinate there.
package wavelet

import "image"

// A Number is what coefficients and samples are: int32 with the 5/3 transform,
// float32 with 9/7.
type Number interface{ int32 | float32 }

// A Plane is samples or coefficients of a rectangle, row after row.
type Plane[T Number] struct {
	Bounds image.Rectangle
	Pix    []T // Bounds.Dx() a row
}

// Reshape gives the plane other bounds. Its memory is used again where it is
// large enough; what is in it then is undefined.
func (p *Plane[T]) Reshape(bounds image.Rectangle) {
	p.Bounds = bounds
	n := bounds.Dx() * bounds.Dy()
	if cap(p.Pix) < n {
		p.Pix = make([]T, n)
	}
	p.Pix = p.Pix[:n]
}

// Move gives the plane other bounds. What lies in both stays, the rest is zero.
// Going up or down it takes no other memory, if what it has is enough.
func (p *Plane[T]) Move(bounds image.Rectangle) {
	old, kept, wide := *p, p.Bounds.Intersect(bounds), bounds.Dx()
	n := wide * bounds.Dy()
	if old.Bounds.Min.X != bounds.Min.X || old.Bounds.Max.X != bounds.Max.X || n > cap(p.Pix) {
		p.Bounds, p.Pix = bounds, make([]T, n)
		for y := kept.Min.Y; y < kept.Max.Y; y++ {
			copy(p.Row(y, kept.Min.X, kept.Max.X), old.Row(y, kept.Min.X, kept.Max.X))
		}
		return
	}
	p.Bounds, p.Pix = bounds, p.Pix[:n]
	first, end := 0, 0
	if !kept.Empty() {
		first, end = (kept.Min.Y-bounds.Min.Y)*wide, (kept.Max.Y-bounds.Min.Y)*wide
		copy(p.Pix[first:end], old.Pix[(kept.Min.Y-old.Bounds.Min.Y)*wide:])
	}
	clear(p.Pix[:first])
	clear(p.Pix[end:])
}

// Row is the numbers of row y from column x0 to x1.
func (p *Plane[T]) Row(y, x0, x1 int) []T {
	at := (y-p.Bounds.Min.Y)*p.Bounds.Dx() - p.Bounds.Min.X
	return p.Pix[at+x0 : at+x1]
}

// Resolution is what a tile-component, whose bounds are given, is at the
// resolution n levels below its own (Equation B-14).
func Resolution(component image.Rectangle, n int) image.Rectangle {
	return low(component, n, image.Point{})
}

// Band is what of a sub-band of decomposition level n, from 1 on, a rectangle on
// the grid of the tile-component falls on (Equation B-15). The band's number is
// that of HL, LH or HH: 1 to 3; or 0 for LL.
func Band(r image.Rectangle, band, n int) image.Rectangle {
	return low(r, n, image.Pt(band&1<<n>>1, band>>1<<n>>1))
}

// low divides the coordinates, less by, by 2^n, rounding up.
func low(r image.Rectangle, n int, by image.Point) image.Rectangle {
	up := func(v int) int { return -(-v >> n) }
	r = r.Sub(by)
	return image.Rect(up(r.Min.X), up(r.Min.Y), up(r.Max.X), up(r.Max.Y))
}

// Reach is how many samples around a window the transform of one level takes
// into account.
func Reach(reversible bool) int {
	if reversible {
		return 2
	}
	return 4
}

// Need is the area of a resolution that a window of it is made of.
func Need(window, resolution image.Rectangle, reversible bool) image.Rectangle {
	return window.Inset(-Reach(reversible)).Intersect(resolution)
}
