// This file implements sub-bands and their code-blocks (B.5, B.7).

package codestream

import "github.com/stria-j2k/stria/internal/grid"

// The orientations of sub-bands: the two bits are horizontally and vertically
// high-pass (Table B.1).
const (
	bandLL = iota
	bandHL
	bandLH
	bandHH
)

// A subband is one sub-band of a tile-component.
type subband struct {
	box    grid.Rect // sub-band grid: tbx0, tby0, tbx1, tby1
	orient int
}

// newSubband gives the sub-band of decomposition level nb, 1 or more, of a
// tile-component (Equation B-15).
func newSubband(component grid.Rect, orient, nb int) subband {
	return subband{box: component.Band(orient, nb), orient: orient}
}

// bandIndex is the place of a sub-band in QCD: LL, then HL, LH, HH of each
// resolution from 1 (A.6.4).
func bandIndex(resolution, orient int) int {
	if resolution == 0 {
		return 0
	}
	return 3*(resolution-1) + orient
}

// A blockGrid is the code-blocks of one sub-band in a precinct, or in any other
// rectangle.
type blockGrid struct {
	area   grid.Rect // sub-band grid: what the blocks cover
	X0, Y0 int64     // column and row of the first block, counted from the origin
	w, h   int64     // blocks in each direction; both 0 where the area is empty
	first  int64     // blocks of the precinct before this sub-band's
	xcb    uint8
	ycb    uint8
}

// newBlockGrid gives the code-blocks that area touches.
func newBlockGrid(area grid.Rect, xcb, ycb uint8) blockGrid {
	var g blockGrid
	g.set(area, xcb, ycb)
	return g
}

// set is newBlockGrid in place.
func (g *blockGrid) set(area grid.Rect, xcb, ycb uint8) {
	g.area, g.xcb, g.ycb, g.first = area, xcb, ycb, 0
	if area.Empty() {
		g.X0, g.Y0, g.w, g.h = 0, 0, 0, 0
		return
	}
	g.X0, g.Y0 = area.X0>>xcb, area.Y0>>ycb
	g.w = grid.CeilShift(area.X1, int(xcb)) - g.X0
	g.h = grid.CeilShift(area.Y1, int(ycb)) - g.Y0
}

// block gives the part of the area in the block at column bx, row by, counted
// from the origin.
func (g *blockGrid) block(bx, by int64) grid.Rect {
	return g.area.Intersect(grid.New(bx<<g.xcb, by<<g.ycb, (bx+1)<<g.xcb, (by+1)<<g.ycb))
}
