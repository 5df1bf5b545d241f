// This file implements a resolution of a tile-component and its precincts
// (B.5 to B.7).

package codestream

import "github.com/stria-j2k/stria/internal/grid"

// A resolution is one resolution of a tile-component.
type resolution struct {
	box        grid.Rect  // resolution grid: trx0, try0, trx1, try1
	band       [3]subband // LL; or HL, LH, HH
	bands      int        // 1 or 3
	wide, high int64      // precincts in each direction
	px0, py0   int64      // column and row of the first, counted from the origin
	ppx, ppy   uint8
	half       uint8 // 1 where sub-band coordinates are half of the resolution's
	xcb, ycb   uint8 // xcb', ycb': code-block exponents in effect (B.7)
	style      BlockStyle
}

// precincts is the number of precincts; it saturates.
func (r *resolution) precincts() int64 { return grid.MulSat(r.wide, r.high) }

// A precinct is the code-blocks of a precinct, by sub-band.
type precinct struct {
	grid   [3]blockGrid
	bands  int
	blocks int64 // in all
}

// precinct gives precinct p, counted in raster order from 0.
func (r *resolution) precinct(p int64) precinct {
	var out precinct
	r.place(&out, p)
	return out
}

// place makes out precinct p.
func (r *resolution) place(out *precinct, p int64) {
	row := p / r.wide
	px, py := r.px0+p-row*r.wide, r.py0+row
	sx, sy := int(r.ppx), int(r.ppy)
	if r.half != 0 {
		sx, sy = max(sx, 1)-1, max(sy, 1)-1
	}
	area := grid.New(px<<sx, py<<sy, (px+1)<<sx, (py+1)<<sy)
	out.bands, out.blocks = r.bands, 0
	for b := range r.bands {
		g := &out.grid[b]
		g.set(area.Intersect(r.band[b].box), r.xcb, r.ycb)
		g.first = out.blocks
		out.blocks += g.w * g.h
	}
}

// precinctOf gives the precinct that has the block in column bx, row by of
// the sub-bands' code-block grids, counted from the origin.
func (r *resolution) precinctOf(bx, by int64) int64 {
	x, y := r.precinctColumn(bx), r.precinctRow(by)
	return y*r.wide + x
}

// precinctColumn gives the column, from 0, of the precincts with block column bx.
func (r *resolution) precinctColumn(bx int64) int64 {
	return bx>>(max(r.ppx, r.half)-r.half-r.xcb) - r.px0
}

// precinctRow gives the row, from 0, of the precincts with block row by.
func (r *resolution) precinctRow(by int64) int64 {
	return by>>(max(r.ppy, r.half)-r.half-r.ycb) - r.py0
}
