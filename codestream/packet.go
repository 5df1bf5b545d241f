// This file implements packet headers, read and written (B.9, B.10).

package codestream

import (
	"errors"
	"fmt"
	"math/bits"
)

const (
	// maxPasses is how many coding passes a packet header can announce for a
	// block (Table B.4), and more than any block can have.
	maxPasses = 164
	// maxZeroPlanes bounds missing most significant bit-planes: an exponent of
	// 31, 7 guard bits and a region of interest shift of 37 make 74.
	maxZeroPlanes = 75
	// firstLblock is Lblock before the first length of a block (B.10.7.1).
	firstLblock = 3
	// groupBlocks is how many blocks of a packet are stored together.
	groupBlocks = 32
	// maskBytes is the size of a mask of a group's blocks.
	maskBytes = groupBlocks / 8
)

var (
	errHeaderShort   = errors.New("ends within the header")
	errZeroPlanes    = errors.New("too many missing bit-planes")
	errPasses        = errors.New("too many coding passes")
	errSegmentLength = errors.New("codeword segment length of more than 32 bits")
	errBodyLength    = errors.New("packet body of more than 4 GiB")
	errTooManyBlocks = fmt.Errorf("far more code-blocks than its bytes can fill: %w", errors.ErrUnsupported)
	errPlaceholder   = errors.New("placeholder passes with data")
)

// segmentRoom is how many more passes fit in the codeword segment that a block's
// pass number t, from 0, belongs to (D.4, Table D.9).
func segmentRoom(style BlockStyle, t int) int {
	switch {
	case style&TermAll != 0:
		return 1
	case style&Bypass != 0 && t < 10:
		return 10 - t
	case style&Bypass != 0:
		// Two raw passes, then one that is arithmetically coded.
		if (t-10)%3 == 0 {
			return 2
		}
		return 1
	}
	return maxPasses
}

// A blockState is what the packets of a precinct so far say of a block.
type blockState struct {
	passes uint8 // 0: not included yet
	lblock uint8
	kind   blockKind // where the style is HT
}

// A blockKind tells blocks of a component with [HTMixed] apart.
type blockKind uint8

const (
	undecided blockKind = iota // there was no segment with bytes yet
	highThroughput
	part1
)

// blockStateSize is the size of a blockState in bytes.
const blockStateSize = 3

// A precinctState is what must be remembered from layer to layer to read the
// packet headers of one precinct.
type precinctState struct {
	band   [3]bandState
	bands  int
	style  BlockStyle
	used   bool         // a packet said something
	memory *stateMemory // bounds what this and others take
}

type bandState struct {
	w, h      int
	first     uint32 // ordinal of the first block
	inclusion tagTree
	zero      tagTree
	block     []blockState // empty until one is included
}

// reset begins a precinct. It keeps the memory of s.
func (s *precinctState) reset(p *precinct, style BlockStyle) {
	s.bands, s.style, s.used = p.bands, style, false
	for b := range p.bands {
		g, t := &p.grid[b], &s.band[b]
		t.w, t.h, t.first = int(g.w), int(g.h), uint32(g.first)
		t.inclusion.reset(t.w, t.h)
		t.zero.reset(t.w, t.h)
		t.inclusion.memory, t.zero.memory = s.memory, s.memory
		t.block = t.block[:0]
	}
}

// size is the memory that s has taken.
func (s *precinctState) size() int64 {
	n := 0
	for i := range s.band {
		t := &s.band[i]
		for k := range t.inclusion.level {
			n += 4 * cap(t.inclusion.level[k].node)
		}
		for k := range t.zero.level {
			n += 4 * cap(t.zero.level[k].node)
		}
		n += blockStateSize * cap(t.block)
	}
	return int64(n)
}

// blocks gives the states of the band's blocks, made when first needed. It is
// nil when there is no memory for them.
func (t *bandState) blocks(m *stateMemory) []blockState {
	n := t.w * t.h
	if cap(t.block) < n {
		if !m.take(blockStateSize * int64(n-cap(t.block))) {
			return nil
		}
		t.block = make([]blockState, n)
	} else {
		t.block = t.block[:n]
		clear(t.block)
	}
	return t.block
}

// A packetRecord is a packet header in the form in which the index keeps it:
// the blocks that contribute, in groups of groupBlocks successive ones, leaving
// out groups without any.
//
// A group begins with a mask of its blocks, 32 bits, least significant first.
// For each there follows the number of passes in this packet (1 byte), at its
// first inclusion the missing bit-planes (1 byte), and the lengths of its
// codeword segments (as unsigned varints). Where the blocks are
// High-Throughput ones, before the lengths comes the number of segments (1
// byte) and before each its passes (1 byte). Where Part 1 blocks are among them,
// no segments mean that the block is one of these; one length follows.
//
// Where nothing was left out of a sub-band, all its blocks end at the same
// bit-plane: passes and three times the missing bit-planes add up to the same.
// If they do for a block that is included first and the one before it in the
// group that was, one byte says both: samePlane and the missing bit-planes.
type packetRecord struct {
	data   []byte
	groups []groupMark
	body   int64 // bytes of the packet's body
	sum    int   // of the group's last block that was included first, or -1
}

// samePlane is added to missing bit-planes that also tell the passes. It is more
// than any number of passes.
const samePlane = maxPasses + 1

// A groupMark is where a group of a packetRecord begins.
type groupMark struct {
	group uint32 // number of the group: of its first block by groupBlocks
	pos   uint32 // in the record's data
	off   uint32 // of its first block's bytes in the packet's body
}

func (r *packetRecord) reset() { r.data, r.groups, r.body = r.data[:0], r.groups[:0], 0 }

// include makes room for the block with an ordinal in its group's mask.
func (r *packetRecord) include(ordinal uint32) {
	g := ordinal / groupBlocks
	n := len(r.groups)
	if n == 0 || r.groups[n-1].group != g {
		r.groups = append(r.groups, groupMark{g, uint32(len(r.data)), uint32(r.body)})
		r.data = append(r.data, 0, 0, 0, 0)
		r.sum = -1
		n++
	}
	k := ordinal % groupBlocks
	r.data[r.groups[n-1].pos+k/8] |= 1 << (k % 8)
}

// passes adds a block's passes, and its missing bit-planes at its first
// inclusion; otherwise they are negative.
func (r *packetRecord) passes(n, zero int) {
	switch {
	case zero < 0:
		r.data = append(r.data, byte(n))
	case n+3*zero == r.sum:
		r.data = append(r.data, byte(samePlane+zero))
	default:
		r.data = append(r.data, byte(n), byte(zero))
		r.sum = n + 3*zero
	}
}

// length adds a codeword segment's length.
func (r *packetRecord) length(v uint32) {
	r.body += int64(v)
	for v >= 0x80 {
		r.data = append(r.data, byte(v)|0x80)
		v >>= 7
	}
	r.data = append(r.data, byte(v))
}

// readPacketHeader reads the packet header of a layer, from 0, and records what
// it says in out. After an error s is of no more use.
func readPacketHeader(b *bitReader, s *precinctState, layer uint32, out *packetRecord) error {
	out.reset()
	b.start()
	if b.bit() == 0 {
		// B.10.3: a packet of length zero.
		b.align()
		if b.short {
			return errHeaderShort
		}
		return nil
	}
	s.used = true
	for i := range s.bands {
		t := &s.band[i]
		for y := 0; y < t.h; y++ {
			for x := 0; x < t.w; x++ {
				var known *blockState
				if len(t.block) != 0 {
					known = &t.block[y*t.w+x]
				}
				zero := -1
				if known == nil || known.passes == 0 {
					v, k := t.inclusion.decode(b, x, y, layer+1)
					if v > layer {
						// Nothing below that node either: it has 2^k columns.
						x |= 1<<k - 1
						if k == t.inclusion.n-1 {
							y = t.h
						}
						continue
					}
					// B.10.5: missing bit-planes.
					v, _ = t.zero.decode(b, x, y, maxZeroPlanes)
					if v >= maxZeroPlanes {
						if s.memory != nil && s.memory.out {
							return errTooManyBlocks
						}
						return errZeroPlanes
					}
					zero = int(v)
					if known == nil {
						all := t.blocks(s.memory)
						if all == nil {
							return errTooManyBlocks
						}
						known = &all[y*t.w+x]
					}
					known.lblock = firstLblock
				} else if b.bit() == 0 {
					continue
				}
				n := readPasses(b)
				if int(known.passes)+n > maxPasses {
					return errPasses
				}
				for b.bit() != 0 {
					if known.lblock++; known.lblock > 32 {
						return errSegmentLength
					}
				}
				out.include(t.first + uint32(y*t.w+x))
				out.passes(n, zero)
				var err error
				if s.style&HT != 0 {
					err = readLengthsHT(b, known, n, s.style, out)
				} else {
					err = readLengths(b, known, n, s.style, out)
				}
				if err != nil {
					return err
				}
				known.passes += uint8(n)
			}
			if b.short {
				return errHeaderShort
			}
			if s.memory != nil && s.memory.out {
				return errTooManyBlocks
			}
			if out.body > 1<<32-1 {
				return errBodyLength
			}
		}
	}
	b.align()
	if b.short {
		return errHeaderShort
	}
	return nil
}

// readPasses reads a number of coding passes, 1 to 164 (Table B.4).
func readPasses(b *bitReader) int {
	if b.bit() == 0 {
		return 1
	}
	if b.bit() == 0 {
		return 2
	}
	if v := b.bits(2); v < 3 {
		return 3 + int(v)
	}
	if v := b.bits(5); v < 31 {
		return 6 + int(v)
	}
	return 37 + int(b.bits(7))
}

// readLengths reads the lengths of the codeword segments that n more passes of a
// block touch (B.10.7).
func readLengths(b *bitReader, known *blockState, n int, style BlockStyle, out *packetRecord) error {
	for t := int(known.passes); n > 0; {
		m := min(n, segmentRoom(style, t))
		size := uint(known.lblock) + uint(bits.Len(uint(m))) - 1
		if size > 32 {
			return errSegmentLength
		}
		out.length(b.bits(size))
		t += m
		n -= m
	}
	return nil
}

// readLengthsHT reads the lengths of High-Throughput codeword segments (Part 15,
// B.3): a clean-up pass, then up to two refinement passes, and so on. Before the
// first clean-up pass there may be placeholder passes, in threes and without
// bytes, which share the length of that pass.
//
// Where a component has blocks of both kinds, only the first length of a block that
// is not 0 tells of which kind it is (Part 15, A.4). That of a High-Throughput block
// begins with a bit 0, and Lblock is more than at first. The standard does not keep
// a Part 1 block from having such a length, but its encoder would have to spend that
// bit for nothing; OpenHTJ2K and FFmpeg decide in the same way. The length of a
// cleanup pass is the beginning of the longer one that a Part 1 block has for all
// passes, so that the reading can go on either way.
func readLengthsHT(b *bitReader, known *blockState, n int, style BlockStyle, out *packetRecord) error {
	at := len(out.data)
	out.data = append(out.data, 0)
	segment := func(m int, v uint32) {
		out.data[at]++
		out.data = append(out.data, byte(m))
		out.length(v)
	}
	size := func(m int) int { return int(known.lblock) + bits.Len(uint(m)) - 1 }
	if size(n) > 32 {
		return errSegmentLength
	}
	t := int(known.passes)
	if known.kind != highThroughput {
		// The first clean-up pass, if it is among them, is the last one of those
		// whose number is a multiple of three.
		m := n - (t+n-1)%3
		cleanup := known.kind == undecided && m > 0
		if !cleanup {
			m = n
		}
		v := b.bits(uint(size(m)))
		if !cleanup || v == 0 || style&HTMixed != 0 &&
			(known.lblock == firstLblock || v == 1 || v>>(size(m)-1) != 0) {
			rest := size(n) - size(m)
			v = v<<rest | b.bits(uint(rest))
			switch {
			case known.kind == undecided && v == 0:
				segment(n, 0)
			case style&HTMixed == 0:
				return errPlaceholder
			default:
				known.kind = part1
				out.length(v)
			}
			return nil
		}
		known.kind = highThroughput
		segment(m, v)
		t += m
		n -= m
	}
	for n > 0 {
		m := 1
		if t%3 != 0 {
			m = min(3-t%3, n)
		}
		segment(m, b.bits(uint(size(m))))
		t += m
		n -= m
	}
	return nil
}

// A packetBlock is what a packet has of one code-block, for writing.
type packetBlock struct {
	band, x, y int // sub-band of the resolution; place in the precinct's grid
	codewords  []Codeword
	mixed      bool // High-Throughput where Part 1 blocks are too
}

// A packetWriter writes the packet headers of one precinct, layer after layer.
type packetWriter struct {
	band  [3]bandWriter
	bands int
}

type bandWriter struct {
	w, h      int
	inclusion tagWriter // first layer of a block
	zero      tagWriter // missing bit-planes
	lblock    []uint8   // 0 until a block is included
}

// never is the layer of a block that is in none.
const never = 1 << 16

// reset begins a precinct whose blocks are all in no layer. It keeps the memory
// of w. Then include must be called for each block before the first write.
func (w *packetWriter) reset(p *precinct) {
	w.bands = p.bands
	for b := range p.bands {
		t := &w.band[b]
		t.w, t.h = int(p.grid[b].w), int(p.grid[b].h)
		t.inclusion.reset(t.w, t.h, never)
		t.zero.reset(t.w, t.h, never)
		if n := t.w * t.h; cap(t.lblock) < n {
			t.lblock = make([]uint8, n)
		} else {
			t.lblock = t.lblock[:n]
			clear(t.lblock)
		}
	}
}

// include says in which layer a block comes first and its missing bit-planes.
func (w *packetWriter) include(band, x, y int, layer, zero uint32) {
	w.band[band].inclusion.set(x, y, layer)
	w.band[band].zero.set(x, y, zero)
}

// write appends the packet header of a layer to which the blocks contribute, by
// band, then row, then column. The header must not follow a byte 0xFF in dst
// that belongs to one before it; no header ends in one.
func (w *packetWriter) write(dst []byte, layer uint32, blocks []packetBlock) []byte {
	if len(blocks) == 0 {
		return append(dst, 0)
	}
	b := bitWriter{}
	b.bits(1, 1)
	for i := range w.bands {
		t := &w.band[i]
		for y := 0; y < t.h; y++ {
			for x := 0; x < t.w; x++ {
				here := len(blocks) > 0 && blocks[0].band == i && blocks[0].x == x && blocks[0].y == y
				lblock := &t.lblock[y*t.w+x]
				if *lblock == 0 {
					k := t.inclusion.encode(&b, x, y, layer+1)
					if !here {
						x |= 1<<k - 1
						if k == t.inclusion.n-1 {
							y = t.h
						}
						continue
					}
					t.zero.encode(&b, x, y, never)
					*lblock = firstLblock
				} else if !here {
					b.bits(0, 1)
					continue
				} else {
					b.bits(1, 1)
				}
				writeBlock(&b, lblock, &blocks[0])
				blocks = blocks[1:]
			}
		}
	}
	b.flush()
	return append(dst, b.dst...)
}

// writeBlock writes the passes and lengths of a block's part of a packet.
func writeBlock(b *bitWriter, lblock *uint8, k *packetBlock) {
	passes, most := 0, firstLblock
	for _, c := range k.codewords {
		passes += int(c.Passes)
		most = max(most, bits.Len32(c.Length)-bits.Len8(c.Passes)+1)
	}
	if k.mixed {
		// See readLengthsHT.
		most = max(most, firstLblock+1, bits.Len32(k.codewords[0].Length)-bits.Len8(k.codewords[0].Passes)+2)
	}
	switch {
	case passes == 1:
		b.bits(0, 1)
	case passes == 2:
		b.bits(2, 2)
	case passes < 6:
		b.bits(3<<2|uint32(passes-3), 4)
	case passes < 37:
		b.bits(0xF<<5|uint32(passes-6), 9)
	default:
		b.bits(0x1FF<<7|uint32(passes-37), 16)
	}
	for int(*lblock) < most {
		b.bits(1, 1)
		*lblock++
	}
	b.bits(0, 1)
	for _, c := range k.codewords {
		b.bits(c.Length, uint(*lblock)+uint(bits.Len8(c.Passes))-1)
	}
}
