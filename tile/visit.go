// This file implements the direction in which a run visits the source, so that
// the rows of a result that is turned come top to bottom.

package tile

import "image"

// A visit is the direction in which the samples of a tile are made. Its streams
// have grids of their own, on which the visit always goes from top to bottom:
// sideways exchanges the two axes, and reverse negates the one along the visit.
// What is even stays even, so the sub-bands are where they were, but for HL and LH,
// which change places when the axes do.
type visit struct{ sideways, reverse bool }

// upright reports whether the stream's grids are the source's.
func (v visit) upright() bool { return v == visit{} }

// samples takes a rectangle of a component's or an LL sub-band's grid to the
// stream's.
func (v visit) samples(r image.Rectangle) image.Rectangle { return v.turn(r, 1) }

// offset is 1 where the element at coordinate y along the visit goes to -y, and 0
// where it goes to -1-y: that is the high-pass ones, which lie at 2y+1 of the grid
// above.
func (v visit) offset(band int) int {
	if v.sideways {
		return 1 - band&1
	}
	return 1 - band>>1
}

func (v visit) turn(r image.Rectangle, offset int) image.Rectangle {
	if v.sideways {
		r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
	}
	if v.reverse {
		r.Min.Y, r.Max.Y = offset-r.Max.Y, offset-r.Min.Y
	}
	return r
}

// source gives the coordinate along the visit, on the source's grid of a
// sub-band, of what is at y of the stream's.
func (v visit) source(y, offset int) int {
	if v.reverse {
		return offset - 1 - y
	}
	return y
}

// along is the length or coordinate of a point in the direction of the visit, and
// across at right angles to it.
func (v visit) along(p image.Point) int {
	if v.sideways {
		return p.X
	}
	return p.Y
}

func (v visit) across(p image.Point) int {
	if v.sideways {
		return p.Y
	}
	return p.X
}

// swap gives the number that a sub-band has on the stream's grids, or the other
// way round.
func (v visit) swap(band int) int {
	if v.sideways {
		return band>>1 | band&1<<1
	}
	return band
}
