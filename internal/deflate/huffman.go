package deflate

import (
	"cmp"
	"math/bits"
	"slices"
)

// A code is the bits of a symbol, the first to be written lowest.
type code struct {
	code   uint16
	length uint8
}

// A histogram counts the symbols of a block.
type histogram struct {
	lit  [286]uint32
	dist [30]uint32
}

// codes are the Huffman codes of a block, and how its header says what they are.
type codes struct {
	lit  [286]code
	dist [30]code

	runs  []run    // of code lengths (3.2.7)
	run   [19]code // codes of runs
	nLit  int      // HLIT + 257
	nDist int      // HDIST + 1
}

// A run is a symbol of the alphabet of code lengths, with extra bits.
type run struct {
	symbol uint8
	extra  uint8
}

// runBits are the extra bits of symbols 16, 17 and 18.
var runBits = [3]uint{2, 3, 7}

// runOrder is the order in which the lengths of codes of runs are written.
var runOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// make sets codes for h.
func (c *codes) make(h *histogram) {
	makeCodes(c.lit[:], h.lit[:], 15)
	makeCodes(c.dist[:], h.dist[:], 15)
	c.nLit, c.nDist = 286, 30
	for c.nLit > 257 && c.lit[c.nLit-1].length == 0 {
		c.nLit--
	}
	for c.nDist > 1 && c.dist[c.nDist-1].length == 0 {
		c.nDist--
	}
	var lengths []uint8
	for _, v := range c.lit[:c.nLit] {
		lengths = append(lengths, v.length)
	}
	for _, v := range c.dist[:c.nDist] {
		lengths = append(lengths, v.length)
	}
	c.runs = c.runs[:0]
	var count [19]uint32
	for i := 0; i < len(lengths); {
		v, n := lengths[i], 1
		for i+n < len(lengths) && lengths[i+n] == v {
			n++
		}
		i += n
		if v != 0 { // itself, then 16: again 3 to 6 times
			c.runs = append(c.runs, run{v, 0})
			n--
		}
		for n > 0 {
			var r run
			switch {
			case v == 0 && n >= 11:
				m := min(n, 138)
				r, n = run{18, uint8(m - 11)}, n-m
			case v == 0 && n >= 3:
				r, n = run{17, uint8(n - 3)}, 0
			case v != 0 && n >= 3:
				m := min(n, 6)
				r, n = run{16, uint8(m - 3)}, n-m
			default:
				r, n = run{v, 0}, n-1
			}
			c.runs = append(c.runs, r)
		}
	}
	for _, r := range c.runs {
		count[r.symbol]++
	}
	makeCodes(c.run[:], count[:], 7)
}

// nRun is HCLEN + 4.
func (c *codes) nRun() int {
	n := 19
	for n > 4 && c.run[runOrder[n-1]].length == 0 {
		n--
	}
	return n
}

// size returns how many bits a block with those symbols takes.
func (c *codes) size(h *histogram) int {
	n := 3 + 14 + 3*c.nRun()
	for _, r := range c.runs {
		n += int(c.run[r.symbol].length)
		if r.symbol >= 16 {
			n += int(runBits[r.symbol-16])
		}
	}
	for s, count := range h.lit {
		l := int(c.lit[s].length)
		if s > endOfBlock {
			l += int(lengthExtra[s-257])
		}
		n += l * int(count)
	}
	for s, count := range h.dist {
		n += (int(c.dist[s].length) + int(distExtra(s))) * int(count)
	}
	return n
}

// writeHeader begins a block with dynamic codes (3.2.7).
func (c *codes) writeHeader(w *bitWriter, final bool) {
	w.blockType(2, final)
	w.bits(uint64(c.nLit-257), 5)
	w.bits(uint64(c.nDist-1), 5)
	n := c.nRun()
	w.bits(uint64(n-4), 4)
	for _, s := range runOrder[:n] {
		w.bits(uint64(c.run[s].length), 3)
	}
	for _, r := range c.runs {
		w.bits(uint64(c.run[r.symbol].code), uint(c.run[r.symbol].length))
		if r.symbol >= 16 {
			w.bits(uint64(r.extra), runBits[r.symbol-16])
		}
	}
}

// writeMatch writes a length and a distance.
func (c *codes) writeMatch(w *bitWriter, length, dist int) {
	s := lengthSymbol(length)
	l := c.lit[s]
	w.bits(uint64(l.code)|uint64(length-int(lengthBase[s-257]))<<l.length, uint(l.length+lengthExtra[s-257]))
	s = distSymbol(dist)
	d := c.dist[s]
	w.bits(uint64(d.code)|uint64(dist-distBase(s))<<d.length, uint(d.length+distExtra(s)))
}

// makeCodes sets dst to a Huffman code for those counts with no length above
// limit. Symbols that are not counted get no code.
func makeCodes(dst []code, count []uint32, limit int) {
	clear(dst)
	var symbols []int
	for s, n := range count {
		if n > 0 {
			symbols = append(symbols, s)
		}
	}
	switch len(symbols) {
	case 0:
		return
	case 1: // 3.2.7: one bit, of which one value is not used
		dst[symbols[0]].length = 1
		return
	}
	slices.SortStableFunc(symbols, func(a, b int) int { return cmp.Compare(count[a], count[b]) })
	lengths := huffmanLengths(symbols, count)

	// How many codes have each length, those above the limit counted as at it.
	var n [64]int
	for _, l := range lengths {
		n[min(l, limit)]++
	}
	// Kraft's sum, in units of the longest: too much of it is made up for by
	// lengthening codes that have room.
	sum := 0
	for l := 1; l <= limit; l++ {
		sum += n[l] << (limit - l)
	}
	for ; sum > 1<<limit; sum-- {
		n[limit]--
		for l := limit - 1; l > 0; l-- {
			if n[l] > 0 {
				n[l]--
				n[l+1] += 2
				break
			}
		}
	}
	// The rarest get the longest.
	i := 0
	for l := limit; l > 0; l-- {
		for range n[l] {
			dst[symbols[i]].length = uint8(l)
			i++
		}
	}
	// 3.2.2: codes of a length are consecutive, in the order of the symbols.
	var next [17]uint16
	first := uint16(0)
	for l := 1; l <= limit; l++ {
		next[l] = first
		first = (first + uint16(n[l])) << 1
	}
	for s := range dst {
		if l := dst[s].length; l > 0 {
			dst[s].code = bits.Reverse16(next[l]) >> (16 - l)
			next[l]++
		}
	}
}

// huffmanLengths returns the lengths of Huffman codes of symbols, which are sorted
// by count.
func huffmanLengths(symbols []int, count []uint32) []int {
	// Two queues: leaves, and the nodes made of them, which come out sorted.
	type node struct {
		count uint64
		up    int
	}
	n := len(symbols)
	nodes := make([]node, 0, 2*n-1)
	for _, s := range symbols {
		nodes = append(nodes, node{count: uint64(count[s])})
	}
	leaf, inner := 0, n
	least := func() int {
		if leaf < n && (inner >= len(nodes) || nodes[leaf].count <= nodes[inner].count) {
			leaf++
			return leaf - 1
		}
		inner++
		return inner - 1
	}
	for len(nodes) < 2*n-1 {
		a := least()
		b := least()
		nodes = append(nodes, node{count: nodes[a].count + nodes[b].count})
		nodes[a].up, nodes[b].up = len(nodes)-1, len(nodes)-1
	}
	depth := make([]int, len(nodes))
	for i := len(nodes) - 2; i >= 0; i-- {
		depth[i] = depth[nodes[i].up] + 1
	}
	return depth[:n]
}
