// This file implements the order of packets (B.12): the five progressions and
// their changes, step by step and without ever looking at a position where no
// precinct begins.

package codestream

import "cmp"

// A packetID names a packet of a tile.
type packetID struct {
	component  int
	resolution int
	precinct   int64
	layer      int
}

// A progressionOrder is the order of a tile's packets. It is immutable.
type progressionOrder struct {
	g      *tileGeometry
	layers int
	steps  []ProgressionChange // clipped to what exists; at least one
}

// maxProgressionWork bounds steps x components x resolutions, which is what
// going through the steps costs when they have no packets.
const maxProgressionWork = 1 << 26

// newProgressionOrder is the order of the packets of a tile. It reports false
// if there are more progression changes than can be gone through.
func newProgressionOrder(g *tileGeometry, c *TileCoding) (*progressionOrder, bool) {
	o := &progressionOrder{g: g, layers: c.Layers}
	if len(c.Progressions) == 0 {
		o.steps = []ProgressionChange{{
			Progression:   c.Progression,
			ResolutionEnd: g.maxLevels + 1,
			ComponentEnd:  len(g.components),
			LayerEnd:      c.Layers,
		}}
		return o, true
	}
	work := int64(len(c.Progressions)) * int64(len(g.components)) * int64(g.maxLevels+1)
	if work > maxProgressionWork {
		return nil, false
	}
	for _, p := range c.Progressions {
		p.ResolutionEnd = min(p.ResolutionEnd, g.maxLevels+1)
		p.ComponentEnd = min(p.ComponentEnd, len(g.components))
		p.LayerEnd = min(p.LayerEnd, c.Layers)
		o.steps = append(o.steps, p)
	}
	return o, true
}

// covers reports whether step p has packets of a layer of resolution r of
// component c, unless they came before.
func (p *ProgressionChange) covers(c, r, layer int) bool {
	return c >= p.ComponentStart && c < p.ComponentEnd &&
		r >= p.ResolutionStart && r < p.ResolutionEnd && layer < p.LayerEnd
}

// stepOf gives the step in which a packet comes: the first that covers it. It
// is len(steps) if none does.
func (o *progressionOrder) stepOf(id packetID) int {
	for i := range o.steps {
		if o.steps[i].covers(id.component, id.resolution, id.layer) {
			return i
		}
	}
	return len(o.steps)
}

// compare says which of two packets comes first: negative if a does. All
// packets that no step covers are equal and last.
func (o *progressionOrder) compare(a, b packetID) int {
	i, k := o.stepOf(a), o.stepOf(b)
	if i != k || i == len(o.steps) {
		return cmp.Compare(i, k)
	}
	position := func() int {
		ax, ay := o.position(a)
		bx, by := o.position(b)
		return cmp.Or(cmp.Compare(ay, by), cmp.Compare(ax, bx))
	}
	component := cmp.Compare(a.component, b.component)
	resolution := cmp.Compare(a.resolution, b.resolution)
	precinct := cmp.Compare(a.precinct, b.precinct)
	layer := cmp.Compare(a.layer, b.layer)
	switch o.steps[i].Progression {
	case LRCP:
		return cmp.Or(layer, resolution, component, precinct)
	case RLCP:
		return cmp.Or(resolution, layer, component, precinct)
	case RPCL:
		return cmp.Or(resolution, position(), component, precinct, layer)
	case PCRL:
		return cmp.Or(position(), component, resolution, precinct, layer)
	default: // CPRL
		return cmp.Or(component, position(), resolution, precinct, layer)
	}
}

// position is where on the reference grid a packet's precinct comes up in the
// progressions by position (B.12.1.3 to B.12.1.5): its corner, or the tile's
// edge if the corner is before that.
func (o *progressionOrder) position(id packetID) (x, y int64) {
	p := newPrecinctWalk(o.g, id.component, id.resolution)
	p.column, p.row = id.precinct%p.wide, id.precinct/p.wide
	p.place(o.g)
	return p.x, p.y
}

// A precinctWalk goes through the precincts of one resolution.
type precinctWalk struct {
	component  int32
	resolution int32
	firstLayer int32 // layers that came in earlier steps
	dx, dy     uint8 // log2 of a precinct's size on the component grid
	wide, high int64
	px0, py0   int64
	column     int64 // of the precinct that comes next
	row        int64
	x, y       int64 // and where it comes up, on the reference grid
}

func newPrecinctWalk(g *tileGeometry, component, r int) precinctWalk {
	c := &g.components[component]
	p := precinctWalk{component: int32(component), resolution: int32(r)}
	p.wide, p.high = c.precincts(r)
	d := c.levels - r
	size := c.precinctSize(r)
	box := c.box.CeilShift(d)
	p.px0, p.py0 = box.X0>>size.PPx, box.Y0>>size.PPy
	p.dx, p.dy = size.PPx+uint8(d), size.PPy+uint8(d)
	return p
}

// place computes x and y. For a precinct that exists the products are within
// the tile.
func (p *precinctWalk) place(g *tileGeometry) {
	c := &g.components[p.component]
	p.x = max(g.box.X0, (p.px0+p.column)<<p.dx*c.sx)
	p.y = max(g.box.Y0, (p.py0+p.row)<<p.dy*c.sy)
}

// precinct is the number of the precinct that comes next.
func (p *precinctWalk) precinct() int64 { return p.row*p.wide + p.column }

// step goes to the next precinct and reports whether there is one.
func (p *precinctWalk) step(g *tileGeometry) bool {
	if p.column++; p.column == p.wide {
		p.column = 0
		if p.row++; p.row == p.high {
			return false
		}
	}
	p.place(g)
	return true
}

// less orders walks by what comes up first at a position: the order within is
// by component, then by resolution, which serves all three progressions.
func (p *precinctWalk) less(q *precinctWalk) bool {
	switch {
	case p.y != q.y:
		return p.y < q.y
	case p.x != q.x:
		return p.x < q.x
	case p.component != q.component:
		return p.component < q.component
	}
	return p.resolution < q.resolution
}

// A progression goes through the packets of a tile in order. The cost of a step
// does not depend on how far apart precincts lie.
type progression struct {
	o     *progressionOrder
	step  int
	order Progression
	end   int        // LayerEnd of the step
	sent  [][]uint16 // layers that came in earlier steps, by component and resolution

	// The walks of the current group: all of a step (LRCP, PCRL), those of one
	// resolution (RLCP, RPCL) or of one component (CPRL). For the progressions by
	// position they form a heap.
	group    int // resolution or component, of the next group
	groupEnd int
	walks    []precinctWalk
	layer    int // next layer
	walk     int // LRCP, RLCP: the walk that is next
}

func (o *progressionOrder) packets() *progression {
	p := &progression{o: o, step: -1}
	if len(o.steps) > 1 {
		p.sent = make([][]uint16, len(o.g.components))
	}
	return p
}

// next gives the next packet, and false when there are no more.
func (p *progression) next() (packetID, bool) {
	for {
		if len(p.walks) == 0 {
			if !p.nextGroup() {
				return packetID{}, false
			}
			continue
		}
		if p.order == LRCP || p.order == RLCP {
			if id, ok := p.nextByLayer(); ok {
				return id, true
			}
			continue
		}
		w := &p.walks[0]
		if p.layer < p.end {
			id := packetID{int(w.component), int(w.resolution), w.precinct(), p.layer}
			p.layer++
			return id, true
		}
		if !w.step(p.o.g) {
			n := len(p.walks) - 1
			p.walks[0] = p.walks[n]
			p.walks = p.walks[:n]
		}
		if len(p.walks) > 0 {
			p.sift(0)
			p.layer = int(p.walks[0].firstLayer)
		}
	}
}

// nextByLayer is next in a group that goes by layer, then walk, then precinct.
func (p *progression) nextByLayer() (packetID, bool) {
	for ; p.layer < p.end; p.layer++ {
		for ; p.walk < len(p.walks); p.walk++ {
			w := &p.walks[p.walk]
			if p.layer < int(w.firstLayer) {
				continue
			}
			if w.row < w.high {
				id := packetID{int(w.component), int(w.resolution), w.precinct(), p.layer}
				if w.column++; w.column == w.wide {
					w.column = 0
					w.row++
				}
				return id, true
			}
			w.column, w.row = 0, 0
		}
		p.walk = 0
	}
	p.walks = p.walks[:0]
	return packetID{}, false
}

// nextGroup sets up the walks of the next group. It reports false when there is
// none; the group may be empty.
func (p *progression) nextGroup() bool {
	for p.step < 0 || p.group >= p.groupEnd {
		if !p.nextStep() {
			return false
		}
	}
	s := &p.o.steps[p.step]
	c0, c1, r0, r1 := s.ComponentStart, s.ComponentEnd, s.ResolutionStart, s.ResolutionEnd
	switch p.order {
	case RLCP, RPCL:
		r0, r1 = p.group, p.group+1
	case CPRL:
		c0, c1 = p.group, p.group+1
	}
	p.group++
	p.walks, p.walk, p.layer = p.walks[:0], 0, p.end
	for r := r0; r < r1; r++ {
		for c := c0; c < c1; c++ {
			p.add(c, r)
		}
	}
	if p.order != LRCP && p.order != RLCP {
		for i := len(p.walks)/2 - 1; i >= 0; i-- {
			p.sift(i)
		}
		if len(p.walks) > 0 {
			p.layer = int(p.walks[0].firstLayer)
		}
	}
	return true
}

// add adds a resolution to the group if it has packets in this step.
func (p *progression) add(c, r int) {
	k := &p.o.g.components[c]
	if r > k.levels {
		return
	}
	first := 0
	if p.sent != nil {
		if p.sent[c] == nil {
			p.sent[c] = make([]uint16, k.levels+1)
		}
		first = int(p.sent[c][r])
		if first < p.end {
			// Nothing looks at this again within the step.
			p.sent[c][r] = uint16(p.end)
		}
	}
	if first >= p.end {
		return
	}
	w := newPrecinctWalk(p.o.g, c, r)
	if w.wide == 0 || w.high == 0 {
		return
	}
	w.firstLayer = int32(first)
	w.place(p.o.g)
	p.walks = append(p.walks, w)
	p.layer = min(p.layer, first)
}

// nextStep goes to the next progression change.
func (p *progression) nextStep() bool {
	if p.step+1 >= len(p.o.steps) {
		p.step = len(p.o.steps)
		p.group, p.groupEnd = 0, 0
		return false
	}
	p.step++
	s := &p.o.steps[p.step]
	p.order, p.end = s.Progression, s.LayerEnd
	switch p.order {
	case RLCP, RPCL:
		p.group, p.groupEnd = s.ResolutionStart, s.ResolutionEnd
	case CPRL:
		p.group, p.groupEnd = s.ComponentStart, s.ComponentEnd
	default:
		p.group, p.groupEnd = 0, 1
	}
	return true
}

// sift restores the heap below walk i.
func (p *progression) sift(i int) {
	h := p.walks
	for {
		k := 2*i + 1
		if k >= len(h) {
			return
		}
		if k+1 < len(h) && h[k+1].less(&h[k]) {
			k++
		}
		if !h[k].less(&h[i]) {
			return
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
}
