// This file implements the geometry of a tile: its components and, computed
// when asked for, their resolutions (B.3, B.5).

package codestream

import (
	"image"

	"github.com/stria-j2k/stria/internal/grid"
)

// A tileGeometry is where everything of one tile lies. It is immutable and holds
// nothing per resolution, precinct or code-block.
type tileGeometry struct {
	box        grid.Rect // reference grid: tx0, ty0, tx1, ty1
	components []componentGeometry
	maxLevels  int // the largest NL of the components
}

// A componentGeometry is one tile-component.
type componentGeometry struct {
	box      grid.Rect // component grid: tcx0, tcy0, tcx1, tcy1 (Equation B-12)
	sx, sy   int64
	levels   int
	xcb, ycb uint8
	style    BlockStyle
	precinct []Precinct
}

// newTileGeometry places a tile whose box on the reference grid is given, with
// components sub-sampled by sub and coded as coding says; both have the same
// length.
func newTileGeometry(box grid.Rect, sub []image.Point, coding []ComponentCoding) *tileGeometry {
	g := &tileGeometry{box: box, components: make([]componentGeometry, len(coding))}
	for i := range coding {
		k := &coding[i]
		c := &g.components[i]
		c.sx, c.sy = int64(sub[i].X), int64(sub[i].Y)
		c.box = box.CeilDiv(c.sx, c.sy)
		c.levels = k.Levels
		c.xcb, c.ycb = uint8(k.XCB), uint8(k.YCB)
		c.style = k.Style
		c.precinct = k.Precincts
		g.maxLevels = max(g.maxLevels, k.Levels)
	}
	return g
}

// precinctSize gives the exponents of resolution r's precincts.
func (c *componentGeometry) precinctSize(r int) Precinct {
	if r < len(c.precinct) {
		return c.precinct[r]
	}
	return Precinct{15, 15}
}

// precincts gives the number of precincts of resolution r in each direction
// (Equation B-16), which is the cheap part of resolution.
func (c *componentGeometry) precincts(r int) (wide, high int64) {
	box := c.box.CeilShift(c.levels - r)
	if box.Empty() {
		return 0, 0
	}
	p := c.precinctSize(r)
	return grid.CeilShift(box.X1, int(p.PPx)) - box.X0>>p.PPx,
		grid.CeilShift(box.Y1, int(p.PPy)) - box.Y0>>p.PPy
}

// resolution gives resolution r, 0 to levels.
func (c *componentGeometry) resolution(r int) resolution {
	d := c.levels - r
	p := c.precinctSize(r)
	res := resolution{
		box: c.box.CeilShift(d),
		ppx: p.PPx, ppy: p.PPy,
		xcb: c.xcb, ycb: c.ycb,
		style: c.style,
	}
	res.wide, res.high = c.precincts(r)
	res.px0, res.py0 = res.box.X0>>p.PPx, res.box.Y0>>p.PPy
	if r == 0 {
		res.bands = 1
		res.xcb, res.ycb = min(c.xcb, p.PPx), min(c.ycb, p.PPy)
		res.band[0] = subband{box: res.box}
		return res
	}
	// A precinct of a resolution above 0 is half as large on the sub-bands. Its
	// exponent is at least 1 there (A.6.1), or the precinct would be empty.
	res.bands = 3
	res.half = 1
	res.xcb, res.ycb = min(c.xcb, max(p.PPx, 1)-1), min(c.ycb, max(p.PPy, 1)-1)
	for b := range res.band {
		res.band[b] = newSubband(c.box, b+1, d+1)
	}
	return res
}
