// This file implements the reversible transform (F.4).

package htstream

import "image"

// A plane is samples or coefficients on a grid of their own.
type plane struct {
	bounds  image.Rectangle
	samples []int32
}

func newPlane(bounds image.Rectangle) plane {
	return plane{bounds, make([]int32, bounds.Dx()*bounds.Dy())}
}

func (p plane) at(x, y int) *int32 {
	return &p.samples[(y-p.bounds.Min.Y)*p.bounds.Dx()+x-p.bounds.Min.X]
}

// A band is a sub-band: 0 to 3 are LL, HL, LH and HH.
type band struct {
	plane
	orient int
}

// analyse gives the sub-bands of so many levels: LL, then HL, LH and HH of each
// resolution. It destroys p.
func analyse(p plane, levels int) []band {
	var bands []band
	for range levels {
		for x := p.bounds.Min.X; x < p.bounds.Max.X; x++ {
			lift(p.bounds.Min.Y, p.bounds.Max.Y, func(y int) *int32 { return p.at(x, y) })
		}
		for y := p.bounds.Min.Y; y < p.bounds.Max.Y; y++ {
			lift(p.bounds.Min.X, p.bounds.Max.X, func(x int) *int32 { return p.at(x, y) })
		}
		var four [4]plane
		for i := range four {
			dx, dy := i&1, i>>1
			// Equation B-15.
			half := func(v, d int) int { return (v - d + 1) >> 1 }
			b := p.bounds
			four[i] = newPlane(image.Rect(half(b.Min.X, dx), half(b.Min.Y, dy), half(b.Max.X, dx), half(b.Max.Y, dy)))
			b = four[i].bounds
			for y := b.Min.Y; y < b.Max.Y; y++ {
				for x := b.Min.X; x < b.Max.X; x++ {
					*four[i].at(x, y) = *p.at(2*x+dx, 2*y+dy)
				}
			}
		}
		bands = append([]band{{four[1], 1}, {four[2], 2}, {four[3], 3}}, bands...)
		p = four[0]
	}
	return append([]band{{p, 0}}, bands...)
}

// lift is 1D_SD: the even places of at become low-pass ones, the odd ones high-pass
// ones.
func lift(first, end int, at func(int) *int32) {
	if end-first == 1 {
		if first%2 != 0 {
			*at(first) *= 2
		}
		return
	}
	near := func(i int) int32 {
		if i < first {
			i = 2*first - i
		}
		if i >= end {
			i = 2*(end-1) - i
		}
		return *at(i)
	}
	for i := first; i < end; i++ {
		if i%2 != 0 {
			*at(i) -= (near(i-1) + near(i+1)) >> 1
		}
	}
	for i := first; i < end; i++ {
		if i%2 == 0 {
			*at(i) += (near(i-1) + near(i+1) + 2) >> 2
		}
	}
}
