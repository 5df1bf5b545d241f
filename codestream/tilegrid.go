// This file implements the tile grid (B.3).

package codestream

import (
	"image"
	"iter"

	"github.com/stria-j2k/stria/internal/grid"
)

// grid is how many tiles lie across and down (Equation B-5).
func (h *Header) grid() (across, down int) {
	across = int(grid.CeilDiv(int64(h.Bounds.Max.X)-int64(h.FirstTile.Min.X), int64(h.FirstTile.Dx())))
	down = int(grid.CeilDiv(int64(h.Bounds.Max.Y)-int64(h.FirstTile.Min.Y), int64(h.FirstTile.Dy())))
	return across, down
}

// NumTiles is the number of tiles, 1 to 65535. Tiles are numbered from 0, row
// after row.
func (h *Header) NumTiles() int {
	across, down := h.grid()
	return across * down
}

// TilesAcross is the number of tiles in a row of them.
func (h *Header) TilesAcross() int {
	across, _ := h.grid()
	return across
}

// TileBounds is the area of a tile on the reference grid (Equations B-7 to
// B-10). It is empty when there is no such tile.
func (h *Header) TileBounds(tile int) image.Rectangle {
	across, down := h.grid()
	if tile < 0 || tile >= across*down {
		return image.Rectangle{}
	}
	p, q := int64(tile%across), int64(tile/across)
	w, ht := int64(h.FirstTile.Dx()), int64(h.FirstTile.Dy())
	x, y := int64(h.FirstTile.Min.X)+p*w, int64(h.FirstTile.Min.Y)+q*ht
	b := h.Bounds
	return image.Rectangle{
		Min: image.Pt(int(max(x, int64(b.Min.X))), int(max(y, int64(b.Min.Y)))),
		Max: image.Pt(int(min(x+w, int64(b.Max.X))), int(min(y+ht, int64(b.Max.Y)))),
	}
}

// TilesIn yields, in ascending order, the tiles that an area of the reference
// grid touches.
func (h *Header) TilesIn(area image.Rectangle) iter.Seq[int] {
	return func(yield func(int) bool) {
		area := area.Intersect(h.Bounds)
		if area.Empty() {
			return
		}
		across, _ := h.grid()
		t := h.FirstTile
		p0, p1 := (area.Min.X-t.Min.X)/t.Dx(), (area.Max.X-1-t.Min.X)/t.Dx()
		q0, q1 := (area.Min.Y-t.Min.Y)/t.Dy(), (area.Max.Y-1-t.Min.Y)/t.Dy()
		for q := q0; q <= q1; q++ {
			for p := p0; p <= p1; p++ {
				if !yield(q*across + p) {
					return
				}
			}
		}
	}
}

// hollow reports whether no component has a sample in the tile, which happens
// with subsampling. Such tiles need not have a tile-part.
func (h *Header) hollow(tile int) bool {
	b := h.TileBounds(tile)
	for i := range h.Components {
		dx, dy := int64(h.Components[i].Sub.X), int64(h.Components[i].Sub.Y)
		if grid.CeilDiv(int64(b.Min.X), dx) < grid.CeilDiv(int64(b.Max.X), dx) &&
			grid.CeilDiv(int64(b.Min.Y), dy) < grid.CeilDiv(int64(b.Max.Y), dy) {
			return false
		}
	}
	return true
}
