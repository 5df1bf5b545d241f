// This file implements the cutting of a plan's source area: into chunks, whose
// code-blocks are selected together, and these into slabs, the unit that goes down
// the pipeline.

package tile

import (
	"image"
	"iter"

	"github.com/stria-j2k/stria/internal/raster"
)

// A chunk is a band of the source, inside one row of tiles, whose code-blocks are
// selected together. It is cut into slabs; every window has a piece of every slab.
type chunk struct {
	windows []window
	slabs   []image.Rectangle // reduced pixels, in the order of the visit
	follows bool              // there was another of the same tiles before
	last    bool              // there is none of them after
}

// A window is a part of one tile.
type window struct {
	tile int
	area image.Rectangle // reduced pixels
}

// chunks yields the plan's source area in the order of the visit.
func (p *Plan) chunks() iter.Seq[chunk] {
	across := interval{p.src.Min.X, p.src.Max.X, 0}
	if p.sideways() {
		across = interval{p.src.Min.Y, p.src.Max.Y, 0}
	}
	return func(yield func(chunk) bool) {
		for row := range p.cuts(p.sideways()) {
			n := 0
			for part := range split(row, p.layout.chunk, p.reverse()) {
				c := chunk{follows: n > 0}
				n += part.hi - part.lo
				c.last = n == row.hi-row.lo
				for col := range p.cuts(!p.sideways()) {
					c.windows = append(c.windows, window{row.tile + col.tile, p.rect(part, col)})
				}
				for slab := range split(part, p.layout.slab, p.reverse()) {
					c.slabs = append(c.slabs, p.rect(slab, across))
				}
				if !yield(c) {
					return
				}
			}
		}
	}
}

// visit is the direction of the visit.
func (p *Plan) visit() visit { return visit{p.sideways(), p.reverse()} }

// inTile is what of the source lies in a tile.
func (p *Plan) inTile(tile int) image.Rectangle {
	return p.grid.reduced(p.file.Header.TileBounds(tile)).Intersect(p.src)
}

// sideways reports whether rows become columns, so that the visit goes across
// the source.
func (p *Plan) sideways() bool { return p.turn&raster.Transpose != 0 }

// reverse reports whether the visit goes up, or from right to left.
func (p *Plan) reverse() bool { return p.turn&raster.FlipY != 0 }

// rect is the rectangle that an interval along and one across make.
func (p *Plan) rect(along, across interval) image.Rectangle {
	if p.sideways() {
		return image.Rect(along.lo, across.lo, along.hi, across.hi)
	}
	return image.Rect(across.lo, along.lo, across.hi, along.hi)
}

// An interval is lo <= v < hi in one direction, inside one row or column of
// tiles. tile is that row or column's share of the tile index: the two shares
// of a tile add up to its index.
type interval struct{ lo, hi, tile int }

// cuts yields the source in the x direction (horizontal) or the y direction,
// cut where tiles end, in the order of the visit.
func (p *Plan) cuts(horizontal bool) iter.Seq[interval] {
	h := p.file.Header
	across := h.TilesAcross()
	first, last, step := 0, across-1, 1
	if !horizontal {
		first, last, step = 0, h.NumTiles()/across-1, across
	}
	// Only the direction along is ever visited backwards.
	reverse := p.reverse() && horizontal == p.sideways()
	return func(yield func(interval) bool) {
		for i := first; i <= last; i++ {
			n := i
			if reverse {
				n = last - i
			}
			b := p.grid.reduced(h.TileBounds(n * step))
			iv := interval{max(b.Min.Y, p.src.Min.Y), min(b.Max.Y, p.src.Max.Y), n * step}
			if horizontal {
				iv.lo, iv.hi = max(b.Min.X, p.src.Min.X), min(b.Max.X, p.src.Max.X)
			}
			if iv.lo < iv.hi && !yield(iv) {
				return
			}
		}
	}
}

// split yields iv in parts of at most size, the last one first if reverse. The
// parts' bounds are multiples of size wherever they are not iv's own: so they
// tend to fall where code-blocks end. What is no longer than size stays whole
// wherever it lies: Plan.bound counts on tiles that are no longer than a slab to
// have one piece.
func split(iv interval, size int, reverse bool) iter.Seq[interval] {
	return func(yield func(interval) bool) {
		if iv.hi-iv.lo <= size {
			yield(iv)
			return
		}
		first, last := iv.lo/size, (iv.hi-1)/size
		for i := first; i <= last; i++ {
			n := i
			if reverse {
				n = first + last - i
			}
			part := interval{lo: max(iv.lo, n*size), hi: min(iv.hi, (n+1)*size), tile: iv.tile}
			if !yield(part) {
				return
			}
		}
	}
}
