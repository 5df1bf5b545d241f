// This file implements the way of code-blocks from the index into a selection:
// the contributions of all layers joined, and held against what the style of the
// blocks allows.

package codestream

import (
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/stria-j2k/stria/internal/grid"
)

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
	part1     bool // of a component with HTMixed
	codewords []Codeword
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
	var want [3]grid.Rect
	wanted := int64(0)
	for b := range pr.bands {
		g := &pr.grid[b]
		want[b] = c.n.band[b].Intersect(grid.New(g.X0, g.Y0, g.X0+g.w, g.Y0+g.h))
		wanted += (want[b].X1 - want[b].X0) * (want[b].Y1 - want[b].Y0)
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
			for y := want[b].Y0; y < want[b].Y1; y++ {
				row := g.first + (y-g.Y0)*g.w - g.X0
				first, last := uint32((row+want[b].X0)/groupBlocks), uint32((row+want[b].X1-1)/groupBlocks)
				for k := first; k <= last && want[b].X0 < want[b].X1; k++ {
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
func (c *collector) group(pr *precinct, want *[3]grid.Rect, group uint32) error {
	var wanted [groupBlocks]bool
	var place [groupBlocks]struct {
		band int
		x, y int64
	}
	any := false
	for i := range c.block {
		k := &c.block[i]
		k.passes, k.data, k.part1 = 0, false, false
		k.codewords, k.pieces = k.codewords[:0], k.pieces[:0]
		o := int64(group)*groupBlocks + int64(i)
		b := pr.bands - 1
		for b > 0 && o < pr.grid[b].first {
			b--
		}
		g := &pr.grid[b]
		if o -= g.first; o >= g.w*g.h {
			continue
		}
		x, y := g.X0+o%g.w, g.Y0+o/g.w
		w := &want[b]
		wanted[i] = x >= w.X0 && x < w.X1 && y >= w.Y0 && y < w.Y1
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
		segments := int(r.byte())
		if segments == 0 {
			// A Part 1 block, which is a single codeword segment. Before it is known to be
			// one it has no bytes.
			v := r.uvarint()
			if v > 1<<32-1 {
				return off, errStoreWrong
			}
			off += int64(v)
			k.passes += n
			if wanted {
				word := Codeword{uint8(k.passes), uint32(v)}
				if k.part1 {
					word.Length += k.codewords[0].Length
				}
				k.codewords = append(k.codewords[:0], word)
			}
			k.part1 = true
		} else if k.part1 {
			return off, errStoreWrong
		}
		for range segments {
			m := int(r.byte())
			v := r.uvarint()
			if v > 1<<32-1 {
				return off, errStoreWrong
			}
			off += int64(v)
			if wanted {
				// The second refinement pass continues the segment of the first.
				if last := len(k.codewords) - 1; k.data && k.passes%3 == 2 && last >= 0 {
					k.codewords[last].Passes += uint8(m)
					k.codewords[last].Length += uint32(v)
				} else {
					k.codewords = append(k.codewords, Codeword{uint8(m), uint32(v)})
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
					k.codewords[last].Passes += uint8(m)
					k.codewords[last].Length += uint32(v)
				} else {
					k.codewords = append(k.codewords, Codeword{uint8(m), uint32(v)})
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
	ht := c.style&HT != 0 && !k.part1
	if ht {
		var first int
		if first, zero = lastSet(words, zero); first < 0 {
			return
		}
		for i := range first {
			skip += int64(words[i].Length)
		}
		words = words[first:min(first+2, len(words))]
		words[0].Passes = 1
		if len(words) == 2 && (words[1].Length == 0 || words[1].Passes > 2) {
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
		band: uint8(band), zero: uint8(zero), ht: ht,
	}
	b.codeword = uint32(len(s.codewords))
	passes, length := 0, int64(0)
	for _, w := range words {
		if passes+int(w.Passes) > most {
			// Decoders stop there: OpenJPEG writes such passes where a sub-band
			// is one row or column.
			w.Passes = uint8(most - passes)
			if w.Passes == 0 || ht {
				break
			}
		}
		if avail >= 0 && length+int64(w.Length) > avail {
			// Cut off. The arithmetic decoder does with less, but nothing else
			// does: not raw bits, not High-Throughput.
			c.damaged(band, x, y, io.ErrUnexpectedEOF)
			if ht || c.style&(TermAll|Bypass) != 0 || avail <= length {
				break
			}
			w.Length = uint32(avail - length)
		}
		s.codewords = append(s.codewords, w)
		passes += int(w.Passes)
		length += int64(w.Length)
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
	s.work += int64(passes) * (area.X1 - area.X0) * (area.Y1 - area.Y0)
	s.blocks = append(s.blocks, b)
}

// lastSet finds the last set of High-Throughput passes that has a clean-up pass
// with data: each stands for the block as a whole, down to its bit-plane. It
// returns the index of its clean-up segment, negative if there is none, and the
// missing bit-planes with those that placeholders and earlier sets stand for.
func lastSet(words []Codeword, zero int) (first, planes int) {
	first = -1
	passes := 0
	for i, w := range words {
		if w.Length != 0 && (first < 0 || passes%3 == 0) {
			first = i
			planes = zero + (passes+int(w.Passes)-1)/3
		}
		passes += int(w.Passes)
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
