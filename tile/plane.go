// This file implements planes: samples as they are coded.

package tile

import "image"

// Planes are the samples of an area as they are coded: before palette, colour
// transform and upsampling, but after the inverse multiple component transform
// unless the selection's window leaves that out.
type Planes struct {
	Bounds image.Rectangle // reference grid
	Planes []Plane         // one for each component of the image, in order
}

// A Plane is the samples of one component. Exactly one of U8, U16 and I32 is
// used: U8 for unsigned samples of at most 8 bits, U16 for unsigned ones of at
// most 16, I32 for all others.
type Plane struct {
	Bounds image.Rectangle // component grid, at the reduction
	Depth  int             // bits a sample
	Signed bool
	Stride int // samples from a row to the one below
	U8     []uint8
	U16    []uint16
	I32    []int32
}

// sampleSize is how many bytes a sample takes in a Plane.
func sampleSize(depth int, signed bool) int {
	switch {
	case signed || depth > 16:
		return 4
	case depth > 8:
		return 2
	}
	return 1
}

// reshape gives p other bounds, its memory reused where it is large enough. The
// samples are undefined.
func (p *Plane) reshape(bounds image.Rectangle) {
	p.Bounds, p.Stride = bounds, bounds.Dx()
	n := bounds.Dx() * bounds.Dy()
	switch sampleSize(p.Depth, p.Signed) {
	case 1:
		p.U8 = resize(p.U8, n)
	case 2:
		p.U16 = resize(p.U16, n)
	default:
		p.I32 = resize(p.I32, n)
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// sub returns the part of p inside bounds, sharing its samples.
func (p *Plane) sub(bounds image.Rectangle) Plane {
	q := *p
	q.Bounds = bounds.Intersect(p.Bounds)
	if q.Bounds.Empty() {
		q.U8, q.U16, q.I32 = p.U8[:0], p.U16[:0], p.I32[:0]
		return q
	}
	first := (q.Bounds.Min.Y-p.Bounds.Min.Y)*p.Stride + q.Bounds.Min.X - p.Bounds.Min.X
	end := first + (q.Bounds.Dy()-1)*p.Stride + q.Bounds.Dx()
	switch {
	case p.U8 != nil:
		q.U8 = p.U8[first:end]
	case p.U16 != nil:
		q.U16 = p.U16[first:end]
	default:
		q.I32 = p.I32[first:end]
	}
	return q
}

// clear sets every sample to the middle of its range, the value of a
// tile-component without any data.
func (p *Plane) clear() {
	mid := int32(0)
	if !p.Signed {
		mid = 1 << (p.Depth - 1)
	}
	for y := range p.Bounds.Dy() {
		row := y * p.Stride
		switch {
		case p.U8 != nil:
			fill(p.U8[row:row+p.Bounds.Dx()], uint8(mid))
		case p.U16 != nil:
			fill(p.U16[row:row+p.Bounds.Dx()], uint16(mid))
		case p.I32 != nil:
			fill(p.I32[row:row+p.Bounds.Dx()], mid)
		}
	}
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}
