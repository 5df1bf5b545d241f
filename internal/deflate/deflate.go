// Package deflate compresses the rows of an image, after filtering, to deflate
// blocks (RFC 1951).
//
// General encoders look for the longest match. In the residuals of a photograph
// nearly everything matches something a few bytes long, far away, and such a match
// often takes more bits than the literals it stands for. This one asks what
// each choice costs, with the code lengths of the block before, and takes the
// cheapest way through a block (as libdeflate and zopfli do), looking at few
// candidates only.
package deflate

import (
	"encoding/binary"
	"math/bits"
)

const (
	window   = 32 << 10
	minMatch = 4 // 3 is legal but hardly ever pays
	maxMatch = 258
	hashBits = 15

	// blockSize is how many bytes of input share code lengths.
	blockSize = 48 << 10

	// nice is the length from which a match is taken without looking further.
	nice = 96
)

// An Encoder compresses one piece of data after the other. It is not safe for
// concurrent use. Its zero value is not usable; see New.
type Encoder struct {
	depth int // candidates to look at

	head [1 << hashBits]int32 // the last position with that hash, plus 1
	prev [window]int32        // the one before a position, modulo window, plus 1

	// The cheapest way to each position of a block: its cost, and the last step.
	cost []uint32
	step []step

	price  prices
	tokens []step
	out    bitWriter
}

// A step is a match, or a literal if its distance is 0.
type step struct {
	length uint16
	dist   uint16 // 32,768 fits
}

// New returns an Encoder that looks at depth candidates for each match: 1 is fast,
// beyond 32 there is little to gain. With 0 data is stored as it is.
func New(depth int) *Encoder {
	return &Encoder{depth: depth, cost: make([]uint32, blockSize+1), step: make([]step, blockSize+1)}
}

// Memory is what an Encoder holds, in bytes.
const Memory = 4<<hashBits + 4*window + 12*blockSize + 8<<10

// Append appends data to dst as deflate blocks that refer to nothing before them.
// They end at a byte boundary. The last is marked as the last of the stream if
// final is set.
func (e *Encoder) Append(dst, data []byte, final bool) []byte {
	e.out = bitWriter{dst: dst}
	clear(e.head[:])
	e.price.start(data[:min(len(data), blockSize)])
	for at := 0; at < len(data) || at == 0; at += blockSize {
		end := min(at+blockSize, len(data))
		e.block(data, at, end, final && end == len(data))
		if end == len(data) {
			break
		}
	}
	if !final {
		// 3.2.4: an empty stored block, as a flush is.
		e.out.bits(0, 3)
		e.out.align()
		e.out.dst = append(e.out.dst, 0, 0, 0xff, 0xff)
	}
	e.out.align()
	return e.out.dst
}

// block appends data[at:end] as one block.
func (e *Encoder) block(data []byte, at, end int, final bool) {
	if e.depth == 0 {
		e.out.stored(data[at:end], final)
		return
	}
	h := e.tokenize(data, at, end)
	var c codes
	c.make(&h)
	if at == 0 {
		// The first prices were a guess. Those of the codes it led to are not.
		e.price.learn(&c)
		clear(e.head[:])
		h = e.tokenize(data, at, end)
		c.make(&h)
	}
	bitsNeeded := c.size(&h)
	if stored := 8 * (end - at + 5*(1+(end-at)/65535)); stored < bitsNeeded {
		e.out.stored(data[at:end], final)
		return
	}
	c.writeHeader(&e.out, final)
	i := at
	for k := len(e.tokens) - 1; k >= 0; k-- {
		s := e.tokens[k]
		if s.dist == 0 {
			e.out.bits(uint64(c.lit[data[i]].code), uint(c.lit[data[i]].length))
		} else {
			c.writeMatch(&e.out, int(s.length), int(s.dist))
		}
		i += int(s.length)
	}
	e.out.bits(uint64(c.lit[endOfBlock].code), uint(c.lit[endOfBlock].length))
	e.price.learn(&c)
}

// tokenize sets tokens to the cheapest steps from at to end, last first, and counts
// their symbols.
func (e *Encoder) tokenize(data []byte, at, end int) (h histogram) {
	e.search(data, at, end)
	e.tokens = e.tokens[:0]
	for i := end; i > at; {
		s := e.step[i-at]
		e.tokens = append(e.tokens, s)
		i -= int(s.length)
		if s.dist == 0 {
			h.lit[data[i]]++
		} else {
			h.lit[lengthSymbol(int(s.length))]++
			h.dist[distSymbol(int(s.dist))]++
		}
	}
	h.lit[endOfBlock]++
	return h
}

// search finds the cheapest way from at to end.
func (e *Encoder) search(data []byte, at, end int) {
	n := end - at
	cost, steps := e.cost[:n+1], e.step[:n+1]
	for i := range cost {
		cost[i] = 1<<32 - 1
	}
	cost[0] = 0
	for i := 0; i < n; i++ {
		here := cost[i]
		if c := here + uint32(e.price.lit[data[at+i]]); c < cost[i+1] {
			cost[i+1], steps[i+1] = c, step{1, 0}
		}
		pos := at + i
		if pos+minMatch > len(data) {
			continue
		}
		limit := min(maxMatch, n-i)
		word := binary.LittleEndian.Uint32(data[pos:])
		h := word * 0x9e3779b1 >> (32 - hashBits)
		cand := e.head[h]
		e.head[h] = int32(pos + 1)
		e.prev[pos%window] = cand
		best := minMatch - 1
		for tries := e.depth; tries > 0 && cand > 0; tries-- {
			c := int(cand - 1)
			dist := pos - c
			if dist > window {
				break
			}
			cand = e.prev[c%window]
			if best >= limit {
				break
			}
			if data[c+best] != data[pos+best] || binary.LittleEndian.Uint32(data[c:]) != word {
				continue
			}
			length := matchLength(data[c:], data[pos:], limit)
			if length <= best {
				continue
			}
			base := here + uint32(e.price.dist[distSymbol(dist)])
			if length >= nice {
				// Long enough to be right: go on behind it.
				if c := base + uint32(e.price.length[length]); c < cost[i+length] {
					cost[i+length], steps[i+length] = c, step{uint16(length), uint16(dist)}
				}
				best = length
				break
			}
			for l := best + 1; l <= length; l++ {
				if c := base + uint32(e.price.length[l]); c < cost[i+l] {
					cost[i+l], steps[i+l] = c, step{uint16(l), uint16(dist)}
				}
			}
			best = length
		}
		if best >= nice {
			// Positions within are not begun from, but found later.
			for j := 1; j < best && pos+j+minMatch <= len(data); j++ {
				h := binary.LittleEndian.Uint32(data[pos+j:]) * 0x9e3779b1 >> (32 - hashBits)
				e.prev[(pos+j)%window] = e.head[h]
				e.head[h] = int32(pos + j + 1)
			}
			i += best - 1
		}
	}
}

// matchLength returns how many bytes of a and b are the same, at most limit.
func matchLength(a, b []byte, limit int) int {
	n := 0
	for n+8 <= limit {
		x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:])
		if x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < limit && a[n] == b[n] {
		n++
	}
	return n
}
