package codestream

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// memoryReader is a bit reader over data, with a source of at most step bytes a
// read.
func memoryReader(data []byte, step int) *bitReader {
	l := newLookahead(newTileStream(bytes.NewReader(data), []Span{{0, int64(len(data))}}))
	l.ctx = context.Background()
	l.block = step
	return &bitReader{src: l}
}

func TestBitsComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		// Mostly ones, so that bytes are stuffed often.
		var w bitWriter
		var values []uint32
		var sizes []uint
		for range 1 + rng.IntN(60) {
			n := uint(rng.IntN(33))
			v := uint32(1<<n - 1)
			if rng.IntN(3) == 0 {
				v &= rng.Uint32()
			}
			values, sizes = append(values, v), append(sizes, n)
			w.bits(v, n)
		}
		w.flush()
		for i, c := range w.dst {
			require.False(t, c == 0xFF && (i+1 == len(w.dst) || w.dst[i+1] > 0x7F))
		}
		b := memoryReader(append(w.dst, 0xA5), 1+rng.IntN(40))
		b.start()
		for i, n := range sizes {
			require.Equal(t, values[i], b.bits(n))
		}
		b.align()
		require.False(t, b.short)
		if len(w.dst) > 0 {
			require.EqualValues(t, len(w.dst), b.src.offset())
		}
	}
}

// slowTagTree is B.10.2 word for word: each node is told apart, by its place.
type slowTagTree struct {
	w, h  []int
	known map[[3]int]bool
	low   map[[3]int]uint32
}

func newSlowTagTree(w, h int) *slowTagTree {
	s := &slowTagTree{known: map[[3]int]bool{}, low: map[[3]int]uint32{}}
	for {
		s.w, s.h = append(s.w, w), append(s.h, h)
		if w <= 1 && h <= 1 {
			return s
		}
		w, h = (w+1)/2, (h+1)/2
	}
}

func (s *slowTagTree) below(b *bitReader, x, y int, threshold uint32) bool {
	for k := len(s.w) - 1; k >= 0; k-- {
		n := [3]int{k, x >> k, y >> k}
		if k < len(s.w)-1 {
			s.low[n] = max(s.low[n], s.low[[3]int{k + 1, x >> (k + 1), y >> (k + 1)}])
		}
		for !s.known[n] && s.low[n] < threshold {
			if b.bit() == 1 {
				s.known[n] = true
			} else {
				s.low[n]++
			}
		}
	}
	return s.known[[3]int{0, x, y}] && s.low[[3]int{0, x, y}] < threshold
}

func TestTagTreeAgreesWithSlowTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		w, h := 1+rng.IntN(9), 1+rng.IntN(9)
		most := 1 + rng.IntN(6)
		values := make([]uint32, w*h)
		var tw tagWriter
		tw.reset(w, h, never)
		for i := range values {
			values[i] = uint32(rng.IntN(most))
			tw.set(i%w, i/w, values[i])
		}
		var bw bitWriter
		for layer := range uint32(most) {
			for i := range values {
				tw.encode(&bw, i%w, i/w, layer+1)
			}
		}
		bw.flush()
		fast, slow := memoryReader(bw.dst, 7), memoryReader(bw.dst, 7)
		var tree tagTree
		tree.reset(w, h)
		twin := newSlowTagTree(w, h)
		for layer := range uint32(most) {
			for i, want := range values {
				v, _ := tree.decode(fast, i%w, i/w, layer+1)
				require.Equal(t, want <= layer, v <= layer)
				require.Equal(t, want <= layer, twin.below(slow, i%w, i/w, layer+1))
				if want <= layer {
					require.Equal(t, want, v)
				}
			}
		}
	}
}

// randomPackets makes all layers of a random precinct and their headers.
type randomPackets struct {
	p      precinct
	style  BlockStyle
	layers int
	blocks [][]packetBlock // by layer
	zero   map[[3]int]uint32
	heads  [][]byte
}

func newRandomPackets(rng *rand.Rand, style BlockStyle) *randomPackets {
	k := &randomPackets{style: style, layers: 1 + rng.IntN(4), zero: map[[3]int]uint32{}}
	k.p.bands = 1 + 2*rng.IntN(2)
	for b := range k.p.bands {
		g := &k.p.grid[b]
		g.w, g.h = int64(rng.IntN(7)), int64(rng.IntN(7))
		if g.w == 0 || g.h == 0 {
			g.w, g.h = 0, 0
		}
		g.first = k.p.blocks
		k.p.blocks += g.w * g.h
	}
	var w packetWriter
	w.reset(&k.p)
	k.blocks = make([][]packetBlock, k.layers)
	dense := rng.IntN(4)
	for b := range k.p.bands {
		g := &k.p.grid[b]
		for i := range int(g.w * g.h) {
			x, y := i%int(g.w), i/int(g.w)
			passes, first := 0, -1
			for layer := range k.layers {
				if rng.IntN(4) > dense {
					continue
				}
				n := 1 + rng.IntN([]int{1, 3, 7, 40}[rng.IntN(4)])
				if style&HT != 0 {
					if passes > 0 {
						continue
					}
					n = 1 + rng.IntN(3)
				}
				if passes+n > maxPasses {
					break
				}
				if first < 0 {
					first = layer
					zero := uint32(rng.IntN(20))
					k.zero[[3]int{b, x, y}] = zero
					w.include(b, x, y, uint32(layer), zero)
				}
				block := packetBlock{band: b, x: x, y: y}
				for n > 0 {
					m := min(n, segmentRoom(style, passes))
					if style&HT != 0 {
						m = min(n, 1+min(passes, 1))
					}
					length := rng.Uint32() >> (8 + rng.IntN(24))
					if style&HT != 0 && passes == 0 {
						length |= 2
					}
					block.codewords = append(block.codewords, Codeword{uint8(m), length})
					passes += m
					n -= m
				}
				k.blocks[layer] = append(k.blocks[layer], block)
			}
		}
	}
	for layer := range k.layers {
		k.heads = append(k.heads, w.write(nil, uint32(layer), k.blocks[layer]))
	}
	return k
}

// recordOf is the packetRecord that blocks of a packet should give.
func (k *randomPackets) recordOf(layer int) *packetRecord {
	var rec packetRecord
	for _, b := range k.blocks[layer] {
		first := true
		for _, earlier := range k.blocks[:layer] {
			for _, e := range earlier {
				first = first && (e.band != b.band || e.x != b.x || e.y != b.y)
			}
		}
		g := &k.p.grid[b.band]
		rec.include(uint32(g.first) + uint32(b.y*int(g.w)+b.x))
		passes := 0
		for _, c := range b.codewords {
			passes += int(c.Passes)
		}
		zero := -1
		if first {
			zero = int(k.zero[[3]int{b.band, b.x, b.y}])
		}
		rec.passes(passes, zero)
		if k.style&HT != 0 {
			rec.data = append(rec.data, byte(len(b.codewords)))
		}
		for _, c := range b.codewords {
			if k.style&HT != 0 {
				rec.data = append(rec.data, c.Passes)
			}
			rec.length(c.Length)
		}
	}
	return &rec
}

func TestPacketHeadersComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 1500 {
		style := []BlockStyle{0, TermAll, Bypass, Bypass | TermAll, HT, Reset | VSC}[rng.IntN(6)]
		k := newRandomPackets(rng, style)
		var state precinctState
		state.reset(&k.p, style)
		for layer, head := range k.heads {
			b := memoryReader(append(bytes.Clone(head), 0xEE), 1+rng.IntN(30))
			var rec packetRecord
			require.NoError(t, readPacketHeader(b, &state, uint32(layer), &rec))
			require.EqualValues(t, len(head), b.src.offset())
			want := k.recordOf(layer)
			require.Equal(t, want.body, rec.body)
			require.Equal(t, want.groups, rec.groups)
			require.True(t, bytes.Equal(want.data, rec.data))
			// A header that is cut short says so.
			if len(head) > 1 {
				cut := k.stateBefore(t, layer)
				b := memoryReader(head[:rng.IntN(len(head))], 8)
				require.Error(t, readPacketHeader(b, cut, uint32(layer), &rec))
			}
		}
	}
}

// stateBefore is the state after the layers below one.
func (k *randomPackets) stateBefore(t *testing.T, layer int) *precinctState {
	var state precinctState
	state.reset(&k.p, k.style)
	var rec packetRecord
	for i, head := range k.heads[:layer] {
		require.NoError(t, readPacketHeader(memoryReader(head, 8), &state, uint32(i), &rec))
	}
	return &state
}

func TestPassesOfTableB4(t *testing.T) {
	for n := 1; n <= maxPasses; n++ {
		var w bitWriter
		lblock := uint8(firstLblock)
		writeBlock(&w, &lblock, &packetBlock{codewords: []Codeword{{uint8(n), 0}}})
		w.flush()
		b := memoryReader(w.dst, 9)
		b.start()
		require.Equal(t, n, readPasses(b))
	}
}

func TestPlaceholderPasses(t *testing.T) {
	// Six placeholders, the clean-up pass of 5 bytes and two refinement passes
	// of 3, as a packet of one block.
	var w bitWriter
	w.bits(1, 1) // not empty
	w.bits(1, 1) // included
	w.bits(1, 1) // no missing bit-planes
	w.bits(0xF<<5|uint32(9-6), 9)
	w.bits(0, 1) // Lblock stays 3
	w.bits(5, 3+uint(bits.Len(7))-1)
	w.bits(3, 3+1)
	w.flush()
	p := precinct{bands: 1, blocks: 1}
	p.grid[0].w, p.grid[0].h = 1, 1
	var state precinctState
	state.reset(&p, HT)
	var rec packetRecord
	require.NoError(t, readPacketHeader(memoryReader(w.dst, 9), &state, 0, &rec))
	require.Equal(t, []byte{1, 0, 0, 0, 9, 0, 2, 7, 5, 2, 3}, rec.data)
	first, zero := lastSet([]Codeword{{7, 5}, {2, 3}}, 0)
	require.Equal(t, 0, first)
	require.Equal(t, 2, zero)
}

// Where a component has blocks of both kinds, the lengths of each tell which it is of,
// however its passes are spread over layers.
func TestBlocksOfBothKinds(t *testing.T) {
	const style = HT | HTMixed
	rng := rand.New(rand.NewPCG(21, 22))
	length := func() uint32 { return 2 + rng.Uint32()>>(8+rng.IntN(24)) }
	for range 3000 {
		high := rng.IntN(2) == 0
		var layers [][]Codeword
		var want []Codeword // of a High-Throughput block, its placeholders in the first one
		if high {
			rest := 3 * rng.IntN(4)
			want = []Codeword{{uint8(rest + 1), length()}, {2, length()}, {1, length()}}[:1+rng.IntN(3)]
			for rest > 0 && rng.IntN(2) == 0 {
				n := 1 + rng.IntN(rest)
				layers = append(layers, []Codeword{{uint8(n), 0}})
				rest -= n
			}
			layers = append(layers, []Codeword{{uint8(rest + 1), want[0].Length}})
			for i, c := range want[1:] {
				// The first packet with bytes has no clean-up pass after the first one.
				if i == 1 || rng.IntN(2) == 0 {
					layers = append(layers, nil)
				}
				last := &layers[len(layers)-1]
				*last = append(*last, c)
			}
		} else {
			want = []Codeword{{}}
			for range 1 + rng.IntN(3) {
				c := Codeword{uint8(1 + rng.IntN(40)), length() - 1}
				if want[0].Length == 0 && rng.IntN(3) == 0 {
					c.Length = 0 // it could still be placeholders
				}
				want[0].Passes += c.Passes
				want[0].Length += c.Length
				layers = append(layers, []Codeword{c})
			}
		}

		p := precinct{bands: 1, blocks: 1}
		p.grid[0].w, p.grid[0].h = 1, 1
		var w packetWriter
		w.reset(&p)
		w.include(0, 0, 0, 0, 4)
		var state precinctState
		state.reset(&p, style)
		var block collectedBlock
		sum, body := -1, int64(0)
		for i, codewords := range layers {
			head := w.write(nil, uint32(i), []packetBlock{{codewords: codewords, mixed: high}})
			var rec packetRecord
			b := memoryReader(append(head, 0xEE), 9)
			require.NoError(t, readPacketHeader(b, &state, uint32(i), &rec))
			require.EqualValues(t, len(head), b.src.offset())
			r := fieldReader{b: rec.data[maskBytes:]}
			end, err := block.add(&r, style, body, &sum, true)
			require.NoError(t, err)
			require.Empty(t, r.b)
			body += rec.body
			require.Equal(t, body, end)
		}
		if body == 0 {
			continue // nobody knows of which kind it is
		}
		have := block.codewords
		for high && len(have) > 1 && have[0].Length == 0 {
			have[1].Passes += have[0].Passes
			have = have[1:]
		}
		require.Equal(t, want, have, "%v", layers)
		require.Equal(t, high, !block.part1, "%v", layers)
	}
}

// A length that a High-Throughput block cannot have first is one of a Part 1 block, and
// wrong where there are none.
func TestFirstLengths(t *testing.T) {
	for _, c := range []struct {
		lblock, passes int
		head           uint32 // the number of passes, as Table B.4 has it
		headBits       uint
		length         uint32 // as of one segment
		part1          bool
	}{
		{3, 1, 0, 1, 3, true},            // Lblock is as at first
		{4, 1, 0, 1, 7, false},           // begins with 0
		{4, 1, 0, 1, 8, true},            // begins with 1
		{4, 1, 0, 1, 1, true},            // no cleanup pass is that short
		{4, 2, 2, 2, 3, true},            // 00011, of which 0001 would be the cleanup pass
		{4, 2, 2, 2, 1, true},            // 00001, of which 0000 would be placeholders
		{5, 4, 0xD, 4, 0x3F, false},      // 0111111
		{5, 4, 0xD, 4, 0x40, true},       // 1000000
		{4, 164, 0xFFFF, 16, 1024, true}, // 10000000000
	} {
		var w bitWriter
		w.bits(0x7, 3) // not empty, included, no missing bit-planes
		w.bits(c.head, c.headBits)
		for range c.lblock - firstLblock {
			w.bits(1, 1)
		}
		w.bits(0, 1)
		w.bits(c.length, uint(c.lblock)+uint(bits.Len(uint(c.passes)))-1)
		w.bits(0, 24) // for what another reading would take
		w.flush()
		p := precinct{bands: 1, blocks: 1}
		p.grid[0].w, p.grid[0].h = 1, 1
		var state precinctState
		var rec packetRecord
		state.reset(&p, HT|HTMixed)
		require.NoError(t, readPacketHeader(memoryReader(w.dst, 9), &state, 0, &rec))
		require.Equal(t, c.part1, state.band[0].block[0].kind == part1, "%+v", c)
	}
}

func TestHugeEmptyPrecinctIsCheap(t *testing.T) {
	// 8192 x 8192 blocks of which the root of the tree says that none is there.
	p := precinct{bands: 1, blocks: 1 << 26}
	p.grid[0].w, p.grid[0].h = 1<<13, 1<<13
	memory := stateMemory{left: 1 << 10}
	state := precinctState{memory: &memory}
	state.reset(&p, 0)
	var rec packetRecord
	require.NoError(t, readPacketHeader(memoryReader([]byte{0x80}, 9), &state, 0, &rec))
	require.Empty(t, rec.groups)
	// And one that goes down to a leaf: more memory than there may be.
	state.reset(&p, 0)
	require.ErrorIs(t, readPacketHeader(memoryReader(bytes.Repeat([]byte{0xFF, 0x7F}, 9), 9), &state, 0, &rec), errTooManyBlocks)
}

func FuzzPacketHeader(f *testing.F) {
	rng := rand.New(rand.NewPCG(8, 9))
	for range 20 {
		k := newRandomPackets(rng, 0)
		f.Add(uint8(HT|HTMixed), uint32(0x03040506), bytes.Join(k.heads, nil))
		f.Add(uint8(0), uint32(0x03040506), bytes.Join(k.heads, nil))
	}
	f.Fuzz(func(t *testing.T, style uint8, shape uint32, data []byte) {
		p := precinct{bands: 1 + int(shape>>30&2)}
		for b := range p.bands {
			g := &p.grid[b]
			g.w, g.h = int64(shape>>(b*8)&15), int64(shape>>(b*8+4)&15)
			if g.w == 0 || g.h == 0 {
				g.w, g.h = 0, 0
			}
			g.first = p.blocks
			p.blocks += g.w * g.h
		}
		var state precinctState
		state.reset(&p, BlockStyle(style))
		b := memoryReader(data, 5)
		var rec packetRecord
		for layer := range uint32(8) {
			if readPacketHeader(b, &state, layer, &rec) != nil {
				return
			}
			total := int64(0)
			for i, m := range rec.groups {
				require.Less(t, int64(m.group)*groupBlocks, p.blocks)
				require.True(t, i == 0 || rec.groups[i-1].group < m.group)
				mask := binary.LittleEndian.Uint32(rec.data[m.pos:])
				require.NotZero(t, mask)
				total += int64(bits.OnesCount32(mask))
			}
			require.LessOrEqual(t, total, p.blocks)
			require.LessOrEqual(t, b.src.offset(), int64(len(data)))
		}
	})
}

func FuzzTagTree(f *testing.F) {
	f.Add(uint8(3), uint8(5), []byte{0x5A, 0xFF, 0x7F, 0x13})
	f.Fuzz(func(t *testing.T, w, h uint8, data []byte) {
		w, h = w%20+1, h%20+1
		fast, slow := memoryReader(data, 3), memoryReader(data, 3)
		var tree tagTree
		tree.reset(int(w), int(h))
		twin := newSlowTagTree(int(w), int(h))
		for threshold := uint32(1); threshold < 4; threshold++ {
			for y := range int(h) {
				for x := range int(w) {
					v, _ := tree.decode(fast, x, y, threshold)
					require.Equal(t, twin.below(slow, x, y, threshold), v < threshold)
					if fast.short || slow.short {
						return
					}
				}
			}
		}
	})
}
