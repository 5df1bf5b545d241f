// This file implements the geometry of a window: which code-blocks of each
// resolution it depends on, and the virtual tile around them.

package codestream

import (
	"fmt"
	"image"
	"slices"

	"github.com/stria-j2k/stria/internal/grid"
)

// A view is a window on its way to a selection.
type view struct {
	s       *Selection
	coding  TileCoding // reduced, of the components that are wanted
	sub     []image.Point
	layers  int
	reduced *tileGeometry // the whole tile, reduced
	needs   []need
	last    packetID // the last packet that is needed in order of progression
	any     bool     // there is one
}

// A need is the blocks that are needed of one resolution.
type need struct {
	index      int          // of the component in the selection
	component  int          // in the codestream
	resolution int          // both original and reduced
	band       [3]grid.Rect // blocks, by column and row from the origin; may be empty
	precincts  grid.Rect    // by column and row from 0
}

// reach of the synthesis filters, in samples, of low-pass and high-pass
// coefficients (Annex F).
const (
	lowReach53, highReach53 = 1, 2
	lowReach97, highReach97 = 3, 4
)

// boxMargin is how far the virtual tile extends beyond what is decoded, in
// coefficients of the lowest level: beyond the reach of all levels together.
const boxMargin = 5

// view works out what a window needs.
func (t *tilePackets) view(h *Header, w Window) (*view, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("codestream: tile %d: %s: %w", w.Tile, fmt.Sprintf(format, args...), ErrWindow)
	}
	if w.Reduce < 0 || w.Layers < 0 {
		return nil, bad("reduction %d, %d layers", w.Reduce, w.Layers)
	}
	v := &view{s: &Selection{window: w}, coding: *t.coding}
	s := v.s
	v.layers = t.coding.Layers
	if w.Layers > 0 {
		v.layers = min(v.layers, w.Layers)
	}
	s.window.Layers = v.layers
	var err error
	if s.components, v.coding.MCT, s.window.NoICT, err = t.wanted(h, w); err != nil {
		return nil, err
	}
	v.coding.Components = make([]ComponentCoding, len(s.components))
	for i, c := range s.components {
		k := t.coding.Components[c]
		if w.Reduce > k.Levels {
			return nil, bad("reduction %d of component %d with %d levels", w.Reduce, c, k.Levels)
		}
		v.coding.Components[i] = k.reduce(w.Reduce)
		v.sub = append(v.sub, h.Components[c].Sub)
	}

	box := t.geometry.box.CeilShift(w.Reduce)
	s.area = grid.RectOf(w.Area).Intersect(t.geometry.box).CeilShift(w.Reduce)
	if box.Empty() || s.area.Empty() {
		return nil, bad("no samples of %v at reduction %d", w.Area, w.Reduce)
	}
	v.reduced = newTileGeometry(box, v.sub, v.coding.Components)
	lx, ly := v.steps()
	v.place(box, lx, ly)
	if v.dropEmpty(); len(s.components) == 0 {
		return nil, bad("no samples of %v at reduction %d", w.Area, w.Reduce)
	}
	for i := range s.components {
		c := &v.reduced.components[i]
		s.areas = append(s.areas, s.area.CeilDiv(c.sx, c.sy))
		v.need(t, i, s.areas[i])
	}
	return v, nil
}

// steps gives the steps of the reference grid at which all components have
// samples.
func (v *view) steps() (lx, ly int64) {
	lx, ly = 1, 1
	for i := range v.sub {
		lx, ly = grid.Common(lx, int64(v.sub[i].X)), grid.Common(ly, int64(v.sub[i].Y))
	}
	return lx, ly
}

// dropEmpty leaves out components that have no samples in the virtual tile, which
// decoders refuse.
func (v *view) dropEmpty() {
	s, n := v.s, 0
	for i := range s.components {
		c := &v.reduced.components[i]
		if s.box.CeilDiv(c.sx, c.sy).Empty() {
			continue
		}
		s.components[n], v.sub[n] = s.components[i], v.sub[i]
		v.coding.Components[n], v.reduced.components[n] = v.coding.Components[i], *c
		n++
	}
	if n == len(s.components) {
		return
	}
	// Components 0 to 2 are the same size where they are coded together.
	v.coding.MCT = v.coding.MCT && n >= 3 && s.components[2] == 2
	s.components, v.sub = s.components[:n], v.sub[:n]
	v.coding.Components = v.coding.Components[:n]
	v.reduced.components = v.reduced.components[:n]
}

// wanted gives the components of a window in ascending order, and whether the
// multiple component transform applies to the first three of them, or has been
// left out.
func (t *tilePackets) wanted(h *Header, w Window) (list []int, mct, noICT bool, err error) {
	n := len(t.coding.Components)
	list = w.Components
	mct = t.coding.MCT && n >= 3
	for i := 1; mct && i < 3; i++ {
		if h.Components[i].Sub != h.Components[0].Sub {
			mct = false // other decoders do without it as well
			break
		}
		if t.coding.Components[i].Reversible != t.coding.Components[0].Reversible {
			return nil, false, false, formatError(h.Span.Off, "COD",
				"components with different transforms are coded together")
		}
	}
	together := mct || w.NoICT && n >= 3
	if w.NoICT && mct && !t.coding.Components[0].Reversible {
		together, mct, noICT = false, false, true
	}
	if list == nil {
		list = make([]int, n)
		for i := range list {
			list[i] = i
		}
		return list, mct, noICT, nil
	}
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) == 0 || list[0] < 0 || list[len(list)-1] >= n {
		return nil, false, false, fmt.Errorf("codestream: components %v of %d: %w", list, n, ErrWindow)
	}
	if mct = mct && list[0] < 3; together && list[0] < 3 {
		list = append([]int{0, 1, 2}, slices.DeleteFunc(list, func(c int) bool { return c < 3 })...)
	}
	return list, mct, noICT, nil
}

// place finds the virtual tile: the window and a margin, extended to where
// the edges of code-blocks of all resolutions meet, so that none is cut. Those
// are the multiples of a block of the lowest resolution, since all grids begin
// at the origin. A tile's own edge is one too.
func (v *view) place(box grid.Rect, lx, ly int64) {
	levels := v.reduced.maxLevels
	ax, ay := 0, 0
	for i := range v.reduced.components {
		c := &v.reduced.components[i]
		for r := range c.levels + 1 {
			d := c.levels - r
			if r > 0 {
				d++
			}
			p := c.precinctSize(r)
			half := min(r, 1)
			ax = max(ax, d+min(int(c.xcb), max(int(p.PPx)-half, 0)))
			ay = max(ay, d+min(int(c.ycb), max(int(p.PPy)-half, 0)))
		}
	}
	g := v.s.area.Grow(grid.MulSat(lx, boxMargin<<levels), grid.MulSat(ly, boxMargin<<levels), box)
	snap := func(lo, hi, step, first, last int64) (int64, int64) {
		if step > last {
			return first, last
		}
		return max(lo/step*step, first), min(grid.CeilDiv(hi, step)*step, last)
	}
	g.X0, g.X1 = snap(g.X0, g.X1, grid.MulSat(lx, 1<<ax), box.X0, box.X1)
	g.Y0, g.Y1 = snap(g.Y0, g.Y1, grid.MulSat(ly, 1<<ay), box.Y0, box.Y1)
	v.s.box = g
}

// need adds what component i needs for an area of its grid.
func (v *view) need(t *tilePackets, i int, area grid.Rect) {
	c := &v.reduced.components[i]
	area = area.Intersect(c.box)
	if area.Empty() {
		return
	}
	low, high := int64(lowReach53), int64(highReach53)
	if !v.coding.Components[i].Reversible {
		low, high = lowReach97, highReach97
	}
	for r := c.levels; r >= 0; r-- {
		res := c.resolution(r)
		n := need{index: i, component: v.s.components[i], resolution: r}
		if r == 0 {
			n.add(&res, 0, area)
		} else {
			// Sample u takes coefficient n of low pass if |u - 2n| is in reach, of
			// high pass if |u - (2n+1)| is.
			x := [2][2]int64{
				{grid.CeilShift(area.X0-low, 1), (area.X1-1+low)>>1 + 1},
				{grid.CeilShift(area.X0-1-high, 1), (area.X1-2+high)>>1 + 1},
			}
			y := [2][2]int64{
				{grid.CeilShift(area.Y0-low, 1), (area.Y1-1+low)>>1 + 1},
				{grid.CeilShift(area.Y0-1-high, 1), (area.Y1-2+high)>>1 + 1},
			}
			for b := range res.bands {
				h, w := x[res.band[b].orient&1], y[res.band[b].orient>>1]
				n.add(&res, b, grid.New(h[0], w[0], h[1], w[1]))
			}
			below := c.box.CeilShift(c.levels - r + 1)
			area = grid.New(x[0][0], y[0][0], x[0][1], y[0][1]).Intersect(below)
		}
		v.keep(t, n, &res)
	}
}

// keep takes a need on, if there is anything to it.
func (v *view) keep(t *tilePackets, n need, res *resolution) {
	if n.precincts.Empty() {
		return
	}
	v.needs = append(v.needs, n)
	id := packetID{n.component, n.resolution, (n.precincts.Y1-1)*res.wide + n.precincts.X1 - 1, v.layers - 1}
	if !v.any || t.order.compare(v.last, id) < 0 {
		v.last, v.any = id, true
	}
}

// add adds an area of a sub-band.
func (n *need) add(res *resolution, b int, area grid.Rect) {
	area = area.Intersect(res.band[b].box)
	if area.Empty() {
		return
	}
	g := newBlockGrid(area, res.xcb, res.ycb)
	n.band[b] = grid.New(g.X0, g.Y0, g.X0+g.w, g.Y0+g.h)
	p := grid.New(
		res.precinctColumn(g.X0), res.precinctRow(g.Y0),
		res.precinctColumn(g.X0+g.w-1)+1, res.precinctRow(g.Y0+g.h-1)+1,
	)
	if !n.precincts.Empty() {
		q := n.precincts
		p = grid.New(min(p.X0, q.X0), min(p.Y0, q.Y0), max(p.X1, q.X1), max(p.Y1, q.Y1))
	}
	n.precincts = p
}
