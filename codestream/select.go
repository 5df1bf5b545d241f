// This file implements windows of a tile: which code-blocks one depends on, and
// where their bytes are.

package codestream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"math/bits"
	"slices"
)

// ErrWindow is what errors about a [Window] match that the tile cannot give: the
// caller asked for a tile, a reduction or components that are not there, or for
// no samples at all.
var ErrWindow = errors.New("window not in the image")

// A Window is what is wanted of one tile.
type Window struct {
	Tile   int
	Reduce int // resolutions to drop; at most the Levels of every component
	Layers int // quality layers to use; 0 is all
	// Area is on the reference grid; what lies outside of the tile is ignored.
	Area image.Rectangle
	// Components are the ones wanted; nil is all. Where the tile's components 0
	// to 2 are coded together (MCT), asking for one of them gives all three.
	// Those without samples in the area, for being sub-sampled, may be left out.
	Components []int
	// NoICT leaves components 0 to 2 as the irreversible component transform
	// made them, luma and chroma (G.3): of these only the ones wanted are taken,
	// and the assembled codestream does not say that they are coded together.
	// Where the tile does not have that transform it is as if all three were
	// wanted, and the selection's window says false.
	NoICT bool
}

// A Block is one code-block, and where its bytes are.
type Block struct {
	Component  int
	Resolution int
	Band       int             // 0 is LL, 1 HL, 2 LH, 3 HH
	Bounds     image.Rectangle // sub-band grid
	ZeroPlanes int             // missing most significant bit-planes
	Passes     int             // coding passes
	Codewords  []Codeword      // in order; their Passes add up to those of the block
	Spans      []Span          // its bytes in the source, in order
}

// A Codeword is a codeword segment of a block (D.4): so many passes, terminated
// together, and their bytes.
type Codeword struct{ Passes, Length int }

// A Selection is the code-blocks that a window depends on, and the assembled
// codestream that can be made of them. It is immutable and safe for concurrent
// use.
//
// The assembled codestream has one tile, the virtual tile: a part of the
// original tile, reduced, at its own place on the reduced reference grid. It
// covers the window and, around it, all that the wavelet transform brings into
// it, and it is as large as it has to be for no code-block to be cut. A decoder
// should be asked for DecodeArea of it only; outside there is nothing true.
type Selection struct {
	window     Window
	components []int
	coding     *TileCoding // of the assembled codestream
	bits       []componentBits
	box        rect // reduced reference grid: the virtual tile
	area       rect // reduced reference grid: the window
	decode     rect // reduced reference grid
	areas      []rect

	blocks    []selectedBlock
	codewords []codeword
	pieces    []Span // of the source
	spans     []Span // pieces, sorted and merged
	bytes     int64
	work      int64
	damage    error

	assembly
}

// componentBits is what a selection must know of a component's samples.
type componentBits struct {
	planes int // the largest Mb of its sub-bands, with RGN's shift
}

// A selectedBlock is a block with its codewords and pieces.
type selectedBlock struct {
	x, y       uint32 // column and row of the sub-band's blocks, from the origin
	precinct   uint32 // of the virtual tile, which cannot have more
	codeword   uint32 // the first of its codewords
	piece      uint32 // the first of its pieces
	pieces     uint16 // at most one a pass and one a tile-part
	component  uint16 // index in Selection.components
	codewords  uint8  // at most one a pass
	resolution uint8
	band       uint8 // 0 to bands-1
	zero       uint8
	passes     uint8
}

// codewordsOf gives the codewords of a block.
func (s *Selection) codewordsOf(b *selectedBlock) []codeword {
	return s.codewords[b.codeword:][:b.codewords]
}

// piecesOf gives where the bytes of a block are.
func (s *Selection) piecesOf(b *selectedBlock) []Span { return s.pieces[b.piece:][:b.pieces] }

// Window is the window that was selected, with Layers as they are used and
// Components as they are in the assembled codestream.
func (s *Selection) Window() Window {
	w := s.window
	w.Components = slices.Clone(s.components)
	return w
}

// Coding is the coding parameters of the assembled codestream, the resolutions
// dropped and Components as in Window. It must not be changed.
func (s *Selection) Coding() *TileCoding { return s.coding }

// Bounds is the virtual tile on the reduced reference grid.
func (s *Selection) Bounds() image.Rectangle { return s.box.rectangle() }

// Area is the window on the reduced reference grid.
func (s *Selection) Area() image.Rectangle { return s.area.rectangle() }

// DecodeArea is what to ask a decoder for so that Area comes out right, on the
// reduced reference grid. With the 9/7 transform it is somewhat larger than
// Area, since OpenJPEG takes too few coefficients at the edges of an area.
func (s *Selection) DecodeArea() image.Rectangle { return s.decode.rectangle() }

// ComponentBounds is the window on the grid, reduced, of the i-th component of
// Window().Components. It can be empty where components are sub-sampled.
func (s *Selection) ComponentBounds(i int) image.Rectangle { return s.areas[i].rectangle() }

// NumBlocks is the number of code-blocks that have data.
func (s *Selection) NumBlocks() int { return len(s.blocks) }

// Spans are the bytes of the source that the blocks take: sorted, and merged
// where they touch. The slice is the caller's.
func (s *Selection) Spans() []Span { return slices.Clone(s.spans) }

// Bytes is the sum of the lengths of the blocks.
func (s *Selection) Bytes() int64 { return s.bytes }

// Work is the coding passes of each block times its samples, added up: a measure
// of the time that entropy decoding may take.
func (s *Selection) Work() int64 { return s.work }

// Planes is the largest number of magnitude bit-planes, Mb of Equation E-2 with
// the shift of a region of interest, of any sub-band of the i-th component.
func (s *Selection) Planes(i int) int { return s.bits[i].planes }

// Damage says what of the window is missing or was left out because the data is
// truncated or corrupt; nil if nothing is.
func (s *Selection) Damage() error { return s.damage }

// Select finds the code-blocks that a window depends on. It reads packet headers
// as far as they are not known, but no byte of a block.
//
// Where the data is damaged the selection has what is left and its Damage says
// what is wrong. Errors are about the tile as a whole or match [ErrWindow],
// [errors.ErrUnsupported], or are those of the source or the context.
func (x *Index) Select(ctx context.Context, w Window) (*Selection, error) {
	if w.Tile < 0 || w.Tile >= x.h.NumTiles() {
		return nil, fmt.Errorf("codestream: tile %d of %d: %w", w.Tile, x.h.NumTiles(), ErrWindow)
	}
	t, err := x.packets(ctx, w.Tile)
	if err != nil {
		return nil, err
	}
	v, err := t.view(x.h, w)
	if err != nil {
		return nil, err
	}
	if err := t.find(ctx, x, v); err != nil {
		return nil, err
	}
	if err := v.s.assemble(x.h, v); err != nil {
		return nil, err
	}
	return v.s, nil
}

// find puts the blocks that a view needs into its selection.
func (t *tilePackets) find(ctx context.Context, x *Index, v *view) error {
	for done := false; !done; {
		err := t.load(ctx, x, v)
		if err != nil {
			return err
		}
		if done, err = t.collect(v); err != nil {
			return err
		}
	}
	x.compact(t)
	v.sort()
	v.s.coding = &v.coding
	return nil
}

// Blocks yields the code-blocks that a window depends on and that have data, as
// [Selection.Blocks] does. An error ends it.
func (x *Index) Blocks(ctx context.Context, w Window) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		s, err := x.Select(ctx, w)
		if err != nil {
			yield(Block{}, err)
			return
		}
		for b := range s.Blocks() {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// Blocks yields the code-blocks by resolution, component, precinct, sub-band, row
// and column. The slices of a Block are the caller's.
func (s *Selection) Blocks() iter.Seq[Block] {
	return func(yield func(Block) bool) {
		for i := range s.blocks {
			if !yield(s.block(i)) {
				return
			}
		}
	}
}

// block gives block i as callers see it.
func (s *Selection) block(i int) Block {
	k := &s.blocks[i]
	c := &s.virtual.components[k.component]
	res := c.resolution(int(k.resolution))
	band := &res.band[k.band]
	g := newBlockGrid(band.box, res.xcb, res.ycb)
	b := Block{
		Component:  s.components[k.component],
		Resolution: int(k.resolution),
		Band:       band.orient,
		Bounds:     g.block(int64(k.x), int64(k.y)).rectangle(),
		ZeroPlanes: int(k.zero),
		Passes:     int(k.passes),
		Spans:      slices.Clone(s.piecesOf(k)),
	}
	for _, w := range s.codewordsOf(k) {
		b.Codewords = append(b.Codewords, Codeword{int(w.passes), int(w.length)})
	}
	return b
}

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
	index      int     // of the component in the selection
	component  int     // in the codestream
	resolution int     // both original and reduced
	band       [3]rect // blocks, by column and row from the origin; may be empty
	precincts  rect    // by column and row from 0
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

	box := t.geometry.box.ceilShift(w.Reduce)
	s.area = rectOf(w.Area).intersect(t.geometry.box).ceilShift(w.Reduce)
	if box.empty() || s.area.empty() {
		return nil, bad("no samples of %v at reduction %d", w.Area, w.Reduce)
	}
	v.reduced = newTileGeometry(box, v.sub, v.coding.Components)
	levels := v.reduced.maxLevels
	lx, ly, irreversible := v.steps()
	s.decode = s.area
	if irreversible {
		s.decode = grow(s.area, mulSat(lx, 1<<levels), mulSat(ly, 1<<levels), box)
	}
	v.place(box, lx, ly)
	if v.dropEmpty(); len(s.components) == 0 {
		return nil, bad("no samples of %v at reduction %d", w.Area, w.Reduce)
	}
	for i := range s.components {
		c := &v.reduced.components[i]
		s.areas = append(s.areas, s.area.ceilDiv(c.sx, c.sy))
		s.bits = append(s.bits, componentBits{v.coding.Components[i].planes()})
		v.need(t, i, s.decode.ceilDiv(c.sx, c.sy))
	}
	return v, nil
}

// steps gives the steps of the reference grid at which all components have
// samples, and whether any of them is coded with the 9/7 transform.
func (v *view) steps() (lx, ly int64, irreversible bool) {
	lx, ly = 1, 1
	for i := range v.sub {
		lx, ly = lcm(lx, int64(v.sub[i].X)), lcm(ly, int64(v.sub[i].Y))
		irreversible = irreversible || !v.coding.Components[i].Reversible
	}
	return lx, ly, irreversible
}

// dropEmpty leaves out components that have no samples in the virtual tile, which
// decoders refuse.
func (v *view) dropEmpty() {
	s, n := v.s, 0
	for i := range s.components {
		c := &v.reduced.components[i]
		if s.box.ceilDiv(c.sx, c.sy).empty() {
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

// grow extends a by dx and dy on all sides, within box.
func grow(a rect, dx, dy int64, box rect) rect {
	return rect{
		max(a.x0-min(dx, a.x0), box.x0), max(a.y0-min(dy, a.y0), box.y0),
		min(addSat(a.x1, dx), box.x1), min(addSat(a.y1, dy), box.y1),
	}
}

// lcm is the least common multiple; it saturates.
func lcm(a, b int64) int64 {
	g, r := a, b
	for r != 0 {
		g, r = r, g%r
	}
	return mulSat(a, b/g)
}

// place finds the virtual tile: what is decoded and a margin, extended to where
// the edges of code-blocks of all resolutions meet, so that none is cut. Those
// are the multiples of a block of the lowest resolution, since all grids begin
// at the origin. A tile's own edge is one too.
func (v *view) place(box rect, lx, ly int64) {
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
	g := grow(v.s.decode, mulSat(lx, boxMargin<<levels), mulSat(ly, boxMargin<<levels), box)
	snap := func(lo, hi, step, first, last int64) (int64, int64) {
		if step > last {
			return first, last
		}
		return max(lo/step*step, first), min(ceilDiv(hi, step)*step, last)
	}
	g.x0, g.x1 = snap(g.x0, g.x1, mulSat(lx, 1<<ax), box.x0, box.x1)
	g.y0, g.y1 = snap(g.y0, g.y1, mulSat(ly, 1<<ay), box.y0, box.y1)
	v.s.box = g
}

// need adds what component i needs for an area of its grid.
func (v *view) need(t *tilePackets, i int, area rect) {
	c := &v.reduced.components[i]
	area = area.intersect(c.box)
	if area.empty() {
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
				{ceilShift(area.x0-low, 1), (area.x1-1+low)>>1 + 1},
				{ceilShift(area.x0-1-high, 1), (area.x1-2+high)>>1 + 1},
			}
			y := [2][2]int64{
				{ceilShift(area.y0-low, 1), (area.y1-1+low)>>1 + 1},
				{ceilShift(area.y0-1-high, 1), (area.y1-2+high)>>1 + 1},
			}
			for b := range res.bands {
				h, w := x[res.band[b].orient&1], y[res.band[b].orient>>1]
				n.add(&res, b, rect{h[0], w[0], h[1], w[1]})
			}
			below := c.box.ceilShift(c.levels - r + 1)
			area = rect{x[0][0], y[0][0], x[0][1], y[0][1]}.intersect(below)
		}
		v.keep(t, n, &res)
	}
}

// keep takes a need on, if there is anything to it.
func (v *view) keep(t *tilePackets, n need, res *resolution) {
	if n.precincts.empty() {
		return
	}
	v.needs = append(v.needs, n)
	id := packetID{n.component, n.resolution, (n.precincts.y1-1)*res.wide + n.precincts.x1 - 1, v.layers - 1}
	if !v.any || t.order.compare(v.last, id) < 0 {
		v.last, v.any = id, true
	}
}

// add adds an area of a sub-band.
func (n *need) add(res *resolution, b int, area rect) {
	area = area.intersect(res.band[b].box)
	if area.empty() {
		return
	}
	g := newBlockGrid(area, res.xcb, res.ycb)
	n.band[b] = rect{g.x0, g.y0, g.x0 + g.w, g.y0 + g.h}
	p := rect{
		res.precinctColumn(g.x0), res.precinctRow(g.y0),
		res.precinctColumn(g.x0+g.w-1) + 1, res.precinctRow(g.y0+g.h-1) + 1,
	}
	if !n.precincts.empty() {
		q := n.precincts
		p = rect{min(p.x0, q.x0), min(p.y0, q.y0), max(p.x1, q.x1), max(p.y1, q.y1)}
	}
	n.precincts = p
}

// collect takes the blocks that are needed out of the index. It reports false if
// the index has lost them again: when lengths of packets prove to be wrong, or a
// read fails, it starts over.
func (t *tilePackets) collect(v *view) (bool, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.knows(v) {
		return false, nil
	}
	if v.any && t.damage != nil && t.jumps == nil && (!t.begun || t.order.compare(v.last, t.frontier) > 0) {
		v.s.damage = t.damage
	}
	c := collector{t: t, v: v}
	for i := range v.needs {
		n := &v.needs[i]
		c.begin(n)
		if err := c.resolution(n); err != nil {
			return false, err
		}
	}
	return true, nil
}

// A collector takes blocks out of the index into a selection.
type collector struct {
	t       *tilePackets
	v       *view
	n       *need
	res     resolution
	style   BlockStyle
	planes  [3]int // by band: Mb and the shift of RGN
	packets []storedPacket
	groups  []uint32
	block   [groupBlocks]collectedBlock
}

// A collectedBlock is a block that packets contribute to, layer after layer.
type collectedBlock struct {
	passes    int
	zero      uint8
	data      bool
	codewords []codeword
	pieces    []streamPiece
}

// A streamPiece is bytes of the tile's stream.
type streamPiece struct{ off, len int64 }

func (c *collector) begin(n *need) {
	c.n = n
	k := &c.t.coding.Components[n.component]
	c.res = c.t.geometry.components[n.component].resolution(n.resolution)
	c.style = k.Style
	for b := range c.res.bands {
		c.planes[b] = k.bandPlanes(n.resolution, c.res.band[b].orient)
	}
}

// resolution collects from the precincts of a need that have anything.
func (c *collector) resolution(n *need) error {
	if bad := c.t.bad.of(n.component, n.resolution); c.v.s.damage == nil {
		_ = bad.each(c.res.wide, n.precincts, func(p int64, v uint32) error {
			if int(v) <= c.v.layers {
				c.v.s.damage = c.t.wrong
			}
			return nil
		})
	}
	return c.t.store.dir.of(n.component, n.resolution).each(c.res.wide, n.precincts, c.precinct)
}

// precinct collects from one precinct, whose last record is at pos.
func (c *collector) precinct(p int64, pos uint32) error {
	var err error
	c.packets, err = c.t.store.packets(c.packets[:0], pos, c.v.layers)
	if err != nil {
		return fmt.Errorf("codestream: %w", err)
	}
	if len(c.packets) == 0 {
		return nil
	}
	for i := range c.packets {
		if b := c.packets[i].body; b < 0 || b > c.t.stream.size {
			return fmt.Errorf("codestream: %w", errStoreWrong)
		}
	}
	pr := c.res.precinct(p)
	// The part of each sub-band's grid that is needed.
	var want [3]rect
	wanted := int64(0)
	for b := range pr.bands {
		g := &pr.grid[b]
		want[b] = c.n.band[b].intersect(rect{g.x0, g.y0, g.x0 + g.w, g.y0 + g.h})
		wanted += (want[b].x1 - want[b].x0) * (want[b].y1 - want[b].y0)
	}
	if wanted == 0 {
		return nil
	}
	stored := 0
	for i := range c.packets {
		stored += 1 + len(c.packets[i].table)
	}
	c.groups = c.groups[:0]
	if wanted/2 > int64(stored) {
		// Cheaper to look at all that there is.
		for i := range c.packets {
			if c.packets[i].table == nil {
				c.groups = append(c.groups, 0)
			}
			for _, m := range c.packets[i].table {
				c.groups = append(c.groups, m.group)
			}
		}
		slices.Sort(c.groups)
		c.groups = slices.Compact(c.groups)
	} else {
		for b := range pr.bands {
			g := &pr.grid[b]
			for y := want[b].y0; y < want[b].y1; y++ {
				row := g.first + (y-g.y0)*g.w - g.x0
				first, last := uint32((row+want[b].x0)/groupBlocks), uint32((row+want[b].x1-1)/groupBlocks)
				for k := first; k <= last && want[b].x0 < want[b].x1; k++ {
					if n := len(c.groups); n == 0 || c.groups[n-1] != k {
						c.groups = append(c.groups, k)
					}
				}
			}
		}
	}
	for _, g := range c.groups {
		if err := c.group(&pr, &want, g); err != nil {
			return fmt.Errorf("codestream: %w", err)
		}
	}
	return nil
}

// group collects the blocks of a group that are wanted.
func (c *collector) group(pr *precinct, want *[3]rect, group uint32) error {
	var wanted [groupBlocks]bool
	var place [groupBlocks]struct {
		band int
		x, y int64
	}
	any := false
	for i := range c.block {
		k := &c.block[i]
		k.passes, k.data, k.codewords, k.pieces = 0, false, k.codewords[:0], k.pieces[:0]
		o := int64(group)*groupBlocks + int64(i)
		b := pr.bands - 1
		for b > 0 && o < pr.grid[b].first {
			b--
		}
		g := &pr.grid[b]
		if o -= g.first; o >= g.w*g.h {
			continue
		}
		x, y := g.x0+o%g.w, g.y0+o/g.w
		w := &want[b]
		wanted[i] = x >= w.x0 && x < w.x1 && y >= w.y0 && y < w.y1
		any = any || wanted[i]
		place[i].band, place[i].x, place[i].y = b, x, y
	}
	if !any {
		return nil
	}
	for i := range c.packets {
		mask, data, off, err := c.t.store.group(&c.packets[i], group, pr.blocks)
		if err != nil {
			return err
		}
		r := fieldReader{b: data}
		sum := -1
		for ; mask != 0; mask &= mask - 1 {
			k := bits.TrailingZeros32(mask)
			if off, err = c.block[k].add(&r, c.style, off, &sum, wanted[k]); err != nil {
				return err
			}
		}
	}
	for i := range c.block {
		if wanted[i] && c.block[i].passes > 0 {
			c.emit(&c.block[i], place[i].band, place[i].x, place[i].y)
		}
	}
	return nil
}

// add reads what a packet has of the block: its bytes begin at off of the tile's
// stream. It returns where they end. The sum is that of a packetRecord.
func (k *collectedBlock) add(r *fieldReader, style BlockStyle, off int64, sum *int, wanted bool) (int64, error) {
	n := int(r.byte())
	switch {
	case k.passes > 0:
	case n >= samePlane:
		k.zero = uint8(n - samePlane)
		n = max(*sum-3*int(k.zero), 0)
	default:
		k.zero = r.byte()
		*sum = n + 3*int(k.zero)
	}
	begin := off
	if n == 0 || k.passes+n > maxPasses {
		return off, errStoreWrong
	}
	if style&HT != 0 {
		for range r.byte() {
			m := int(r.byte())
			v := r.uvarint()
			if v > 1<<32-1 {
				return off, errStoreWrong
			}
			off += int64(v)
			if wanted {
				// The second refinement pass continues the segment of the first.
				if last := len(k.codewords) - 1; k.data && k.passes%3 == 2 && last >= 0 {
					k.codewords[last].passes += uint8(m)
					k.codewords[last].length += uint32(v)
				} else {
					k.codewords = append(k.codewords, codeword{uint8(m), uint32(v)})
				}
			}
			k.data = k.data || v != 0
			k.passes += m
		}
	} else {
		for n > 0 {
			m := min(n, segmentRoom(style, k.passes))
			v := r.uvarint()
			if v > 1<<32-1 {
				return off, errStoreWrong
			}
			off += int64(v)
			if wanted {
				if last := len(k.codewords) - 1; last >= 0 && !segmentBegins(style, k.passes) {
					k.codewords[last].passes += uint8(m)
					k.codewords[last].length += uint32(v)
				} else {
					k.codewords = append(k.codewords, codeword{uint8(m), uint32(v)})
				}
			}
			k.passes += m
			n -= m
		}
	}
	if r.bad || k.passes > maxPasses {
		return off, errStoreWrong
	}
	if wanted && off > begin {
		if last := len(k.pieces) - 1; last >= 0 && k.pieces[last].off+k.pieces[last].len == begin {
			k.pieces[last].len += off - begin
		} else {
			k.pieces = append(k.pieces, streamPiece{begin, off - begin})
		}
	}
	return off, nil
}

// segmentBegins reports whether a codeword segment begins with pass t.
func segmentBegins(style BlockStyle, t int) bool {
	switch {
	case t == 0 || style&TermAll != 0:
		return true
	case style&Bypass != 0 && t >= 10:
		return (t-10)%3 != 1
	}
	return false
}

// emit puts a block into the selection, without what cannot be right about it.
func (c *collector) emit(k *collectedBlock, band int, x, y int64) {
	s := c.v.s
	words, skip := k.codewords, int64(0)
	zero := int(k.zero)
	if c.style&HT != 0 {
		var first int
		if first, zero = lastSet(words, zero); first < 0 {
			return
		}
		for i := range first {
			skip += int64(words[i].length)
		}
		words = words[first:min(first+2, len(words))]
		words[0].passes = 1
		if len(words) == 2 && (words[1].length == 0 || words[1].passes > 2) {
			words = words[:1]
		}
	}
	// Equation E-2: so many bit-planes, and but one pass in the first of them.
	most := 3*(c.planes[band]-zero) - 2
	if most < 1 {
		// With all bit-planes missing some encoders write a pass all the same.
		if zero > c.planes[band] {
			c.damaged(band, x, y, errZeroPlanes)
		}
		return
	}
	avail := int64(-1)
	for _, p := range k.pieces {
		if p.off+p.len > c.t.stream.size {
			avail = 0
			for _, p := range k.pieces {
				avail += max(0, min(p.len, c.t.stream.size-p.off))
			}
			avail -= skip
			break
		}
	}
	b := selectedBlock{
		x: uint32(x), y: uint32(y), component: uint16(c.n.index), resolution: uint8(c.n.resolution),
		band: uint8(band), zero: uint8(zero),
	}
	b.codeword = uint32(len(s.codewords))
	passes, length := 0, int64(0)
	for _, w := range words {
		if passes+int(w.passes) > most {
			// Decoders stop there: OpenJPEG writes such passes where a sub-band
			// is one row or column.
			w.passes = uint8(most - passes)
			if w.passes == 0 || c.style&HT != 0 {
				break
			}
		}
		if avail >= 0 && length+int64(w.length) > avail {
			// Cut off. The arithmetic decoder does with less, but nothing else
			// does: not raw bits, not High-Throughput.
			c.damaged(band, x, y, io.ErrUnexpectedEOF)
			if c.style&(HT|TermAll|Bypass) != 0 || avail <= length {
				break
			}
			w.length = uint32(avail - length)
		}
		s.codewords = append(s.codewords, w)
		passes += int(w.passes)
		length += int64(w.length)
		if passes == most {
			break
		}
	}
	b.passes = uint8(passes)
	b.codewords = uint8(len(s.codewords) - int(b.codeword))
	if passes == 0 {
		return
	}
	b.piece = uint32(len(s.pieces))
	left := length
	for _, p := range k.pieces {
		if skip >= p.len {
			skip -= p.len
			continue
		}
		p.off, p.len, skip = p.off+skip, p.len-skip, 0
		p.len = min(p.len, left)
		left -= p.len
		s.pieces = c.t.stream.appendSpans(s.pieces, p.off, p.len)
	}
	b.pieces = uint16(len(s.pieces) - int(b.piece))
	s.bytes += length
	g := newBlockGrid(c.res.band[band].box, c.res.xcb, c.res.ycb)
	area := g.block(x, y)
	s.work += int64(passes) * (area.x1 - area.x0) * (area.y1 - area.y0)
	s.blocks = append(s.blocks, b)
}

// lastSet finds the last set of High-Throughput passes that has a clean-up pass
// with data: each stands for the block as a whole, down to its bit-plane. It
// returns the index of its clean-up segment, negative if there is none, and the
// missing bit-planes with those that placeholders and earlier sets stand for.
func lastSet(words []codeword, zero int) (first, planes int) {
	first = -1
	passes := 0
	for i, w := range words {
		if w.length != 0 && (first < 0 || passes%3 == 0) {
			first = i
			planes = zero + (passes+int(w.passes)-1)/3
		}
		passes += int(w.passes)
	}
	return first, planes
}

// damaged remembers what is wrong with a block, if it is the first.
func (c *collector) damaged(band int, x, y int64, err error) {
	if c.v.s.damage == nil {
		c.v.s.damage = formatError(c.t.stream.offset(0), "packets",
			"code-block %d,%d of band %d, resolution %d, component %d: %w",
			x, y, band, c.n.resolution, c.n.component, err)
	}
}

// sort puts the blocks in the order of the assembled codestream.
func (v *view) sort() {
	s := v.s
	v.virtual()
	index, level := -1, -1
	var res resolution
	for i := range s.blocks {
		b := &s.blocks[i]
		if int(b.component) != index || int(b.resolution) != level {
			index, level = int(b.component), int(b.resolution)
			res = s.virtual.components[index].resolution(level)
		}
		b.precinct = uint32(res.precinctOf(int64(b.x), int64(b.y)))
	}
	slices.SortFunc(s.blocks, func(a, b selectedBlock) int {
		switch {
		case a.resolution != b.resolution:
			return cmp.Compare(a.resolution, b.resolution)
		case a.component != b.component:
			return cmp.Compare(a.component, b.component)
		case a.precinct != b.precinct:
			return cmp.Compare(a.precinct, b.precinct)
		case a.band != b.band:
			return cmp.Compare(a.band, b.band)
		case a.y != b.y:
			return cmp.Compare(a.y, b.y)
		}
		return cmp.Compare(a.x, b.x)
	})
	s.spans = slices.Clone(s.pieces)
	slices.SortFunc(s.spans, func(a, b Span) int { return cmp.Compare(a.Off, b.Off) })
	n := 0
	for _, p := range s.spans {
		if n > 0 && p.Off <= s.spans[n-1].End() {
			s.spans[n-1].Len = max(s.spans[n-1].End(), p.End()) - s.spans[n-1].Off
			continue
		}
		s.spans[n] = p
		n++
	}
	s.spans = tight(s.spans[:n])
	s.blocks, s.codewords, s.pieces = tight(s.blocks), tight(s.codewords), tight(s.pieces)
}

// tight gives a list without much memory kept for growing.
func tight[T any](list []T) []T {
	if cap(list)-len(list) > len(list)/8 {
		return slices.Clone(list)
	}
	return list
}
