package ht

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/codeblock"
)

// An encoder makes the cleanup pass of a block, straight from the standard: it is the
// twin that the decoder is held against.
type encoder struct {
	width, height int
	value         func(x, y int) int32 // magnitude and sign in units of the last bit-plane

	magnitudes bitWriter
	words      wordWriter
	runs       runWriter
}

// A bitWriter writes the lowest bit first; after a byte of ones the next has seven.
type bitWriter struct {
	out   []byte
	now   uint
	n     int
	limit int
}

func (w *bitWriter) bits(v uint64, n int) {
	for ; n > 0; n-- {
		if w.limit == 0 {
			w.limit = 8
		}
		w.now |= uint(v&1) << w.n
		v >>= 1
		if w.n++; w.n == w.limit {
			w.out = append(w.out, byte(w.now))
			w.limit = 8
			if w.now == 0xFF {
				w.limit = 7
			}
			w.now, w.n = 0, 0
		}
	}
}

func (w *bitWriter) end() []byte {
	if w.n > 0 {
		w.out = append(w.out, byte(w.now))
	}
	return w.out
}

// A wordWriter writes backwards, the lowest bit first: half a byte, then bytes, of which
// one of seven ones after one above 0x8F has seven bits.
type wordWriter struct {
	half  byte
	begun bool
	out   []byte // last byte first
	last  byte
	now   uint
	n     int
}

func (w *wordWriter) bits(v uint32, n int) {
	for ; n > 0; n-- {
		w.now |= uint(v&1) << w.n
		v >>= 1
		w.n++
		switch {
		case !w.begun && (w.n == 4 || w.n == 3 && w.now == 7):
			w.half, w.begun = byte(w.now), true
			w.last = w.half<<4 | 0x0F
			w.now, w.n = 0, 0
		case w.begun && (w.n == 8 || w.n == 7 && w.now == 0x7F && w.last > 0x8F):
			w.last = byte(w.now)
			w.out = append(w.out, w.last)
			w.now, w.n = 0, 0
		}
	}
}

func (w *wordWriter) end() {
	for !w.begun || w.n > 0 {
		w.bits(0, 1)
	}
}

// A runWriter is the adaptive run-length code.
type runWriter struct {
	state, run int
	out        []byte
	now        uint
	n          int
}

func (w *runWriter) bit(v uint) {
	limit := 8
	if len(w.out) > 0 && w.out[len(w.out)-1] == 0xFF {
		limit = 7
	}
	w.now = w.now<<1 | v
	if w.n++; w.n == limit {
		w.out = append(w.out, byte(w.now))
		w.now, w.n = 0, 0
	}
}

func (w *runWriter) symbol(one bool) {
	e := melExponents[w.state]
	if !one {
		if w.run++; w.run == 1<<e {
			w.bit(1)
			w.run, w.state = 0, min(w.state+1, 12)
		}
		return
	}
	w.bit(0)
	for i := e - 1; i >= 0; i-- {
		w.bit(uint(w.run) >> i & 1)
	}
	w.run, w.state = 0, max(w.state-1, 0)
}

func (w *runWriter) end() []byte {
	if w.run > 0 {
		w.bit(1)
	}
	for w.n > 0 {
		w.bit(1)
	}
	return w.out
}

// at is the magnitude of a sample and whether it is negative; 0 beside the block.
func (e *encoder) at(x, y int) (uint32, bool) {
	if x < 0 || y < 0 || x >= e.width || y >= e.height {
		return 0, false
	}
	v := e.value(x, y)
	return uint32(max(v, -v)), v < 0
}

// significantAt is 1 where a sample is significant.
func (e *encoder) significantAt(x, y int) int {
	m, _ := e.at(x, y)
	return min(int(m), 1)
}

// exponentAt is the exponent of a sample.
func (e *encoder) exponentAt(x, y int) int {
	if m, _ := e.at(x, y); m > 0 {
		return bits.Len32(2*m - 1)
	}
	return 0
}

func (e *encoder) quad(x, y int) (u uint32, offset uint8) {
	at := func(n int) (int, int) { return x + n>>1, y + n&1 }
	var significant, most uint8
	for n := range 4 {
		significant |= uint8(e.significantAt(at(n))) << n
		most = max(most, uint8(e.exponentAt(at(n))))
	}
	var context int
	if y == 0 {
		s := func(x, y int) int { return e.significantAt(x, y) }
		context = s(x-2, 0) | s(x-2, 1) | s(x-1, 0)<<1 | s(x-1, 1)<<2
	} else {
		s := func(x, y int) int { return e.significantAt(x, y) }
		context = s(x-1, y-1) | s(x, y-1) | (s(x-1, y)|s(x-1, y+1))<<1 | (s(x+1, y-1)|s(x+2, y-1))<<2
	}
	bound := 1
	if y > 0 && bits.OnesCount8(significant) > 1 {
		above := max(e.exponentAt(x-1, y-1), e.exponentAt(x, y-1), e.exponentAt(x+1, y-1), e.exponentAt(x+2, y-1))
		bound = max(1, above-1)
	}
	u = uint32(max(int(most), bound) - bound)
	if context == 0 {
		e.runs.symbol(significant != 0)
		if significant == 0 {
			return 0, 0
		}
	}
	top := bound + int(u)
	var tops uint8
	for n := range 4 {
		if u > 0 && e.exponentAt(at(n)) == top {
			tops |= 1 << n
		}
	}
	// Of the codewords that are true, the one that says most.
	row := min(y, 1)
	var code quadCode
	var word, found = 0, -1
	for i := context << 7; i < (context+1)<<7; i++ {
		c := codes[row][i]
		if c.length == 0 || c.significant != significant || (c.offset == 1) != (u > 0) || tops&c.bound != c.top {
			continue
		}
		if n := bits.OnesCount8(c.bound); n > found {
			code, word, found = c, i&127, n
		}
	}
	if found < 0 {
		panic("no codeword")
	}
	e.words.bits(uint32(word), int(code.length))
	for n := range 4 {
		m, negative := e.at(at(n))
		if m == 0 {
			continue
		}
		v := uint64(m-1) << 1
		if negative {
			v |= 1
		}
		e.magnitudes.bits(v, top-int(code.bound>>n&1))
	}
	return u, code.offset
}

// offset writes the parts of an offset: its prefix, suffix and extension.
func (e *encoder) offsetParts(u uint32) (prefix, prefixBits, suffix, suffixBits, extension uint32) {
	switch {
	case u == 1:
		return 1, 1, 0, 0, 0
	case u == 2:
		return 2, 2, 0, 0, 0
	case u <= 4:
		return 4, 3, u - 3, 1, 0
	case u < 33:
		return 0, 3, u - 5, 5, 0
	}
	return 0, 3, 28 + (u-33)%4, 5, (u - 33) / 4
}

func (e *encoder) offsets(first bool, u [2]uint32) {
	w := &e.words
	if u[0] > 0 && u[1] > 0 && first {
		both := min(u[0], u[1]) > 2
		e.runs.symbol(both)
		if both {
			u[0] -= 2
			u[1] -= 2
		} else if u[0] > 2 {
			p, n, s, m, x := e.offsetParts(u[0])
			w.bits(p, int(n))
			w.bits(u[1]-1, 1)
			w.bits(s, int(m))
			if m == 5 && s >= 28 {
				w.bits(x, 4)
			}
			return
		}
	}
	type part struct{ v, n uint32 }
	var parts [3][]part
	for _, u := range u {
		if u == 0 {
			continue
		}
		p, n, s, m, x := e.offsetParts(u)
		parts[0], parts[1] = append(parts[0], part{p, n}), append(parts[1], part{s, m})
		if m == 5 && s >= 28 {
			parts[2] = append(parts[2], part{x, 4})
		}
	}
	for _, list := range parts {
		for _, p := range list {
			w.bits(p.v, int(p.n))
		}
	}
}

// encode makes the segment of the cleanup pass.
func (e *encoder) encode() []byte {
	for y := 0; y < e.height; y += 2 {
		for x := 0; x < e.width; x += 4 {
			var u [2]uint32
			u[0], _ = e.quad(x, y)
			if x+2 < e.width {
				u[1], _ = e.quad(x+2, y)
			}
			e.offsets(y == 0, u)
		}
	}
	e.words.end()
	out := e.magnitudes.end()
	runs := e.runs.end()
	back := len(runs) + len(e.words.out) + 2
	out = append(out, runs...)
	for i := range e.words.out {
		out = append(out, e.words.out[len(e.words.out)-1-i])
	}
	return append(out, e.words.half<<4|byte(back&15), byte(back>>4))
}

// What was encoded comes back, with the bit below the last bit-plane set.
func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for range 3000 {
		w, h := 1+rnd.IntN(40), 1+rnd.IntN(24)
		planes := 1 + rnd.IntN(27) // down to the last that is coded
		dense := rnd.IntN(8)
		values := make([]int32, w*h)
		for i := range values {
			if rnd.IntN(8) <= dense {
				v := rnd.Int32N(1 << (1 + rnd.IntN(planes)))
				values[i] = min(v, 1<<planes-1) * (1 - 2*rnd.Int32N(2))
			}
		}
		e := &encoder{width: w, height: h, value: func(x, y int) int32 { return values[y*w+x] }}
		data := e.encode()
		back := int(data[len(data)-1])<<4 | int(data[len(data)-2]&15)
		if back > 4079 {
			continue
		}
		rest := rnd.IntN(min(28-planes, 6))
		b := &codeblock.Block{Width: w, Height: h, Planes: planes + rest, ZeroPlanes: planes - 1, Data: data,
			Segments: []codeblock.Segment{{Passes: 1, Length: len(data)}}}
		want := make([]int32, w*h)
		for i, v := range values {
			m := max(v, -v)<<(rest+1) | 1<<rest
			if v < 0 {
				m = -m
			}
			if v != 0 {
				want[i] = m
			}
		}
		for _, k := range kernels {
			have := make([]int32, w*h)
			require.NoError(t, k.Decode(have, b))
			require.Equal(t, want, have, "%dx%d, %d planes, %s kernel", w, h, planes, k.name)
		}
	}
}

// refinementSegment makes the segment of the passes after the cleanup pass, of values
// with one bit-plane more than that has, and gives what is known of them afterwards.
func refinementSegment(values []int32, w, h, passes int, causal bool) (data []byte, known []int32) {
	known = make([]int32, len(values))
	significant := func(x, y, stripe int) bool {
		return x >= 0 && y >= 0 && x < w && y < h && (!causal || y < stripe+4) && known[y*w+x] != 0
	}
	for i, v := range values {
		if max(v, -v) > 1 {
			known[i] = v
		}
	}
	found := make([]bool, len(values))
	for i, v := range known {
		found[i] = v != 0
	}
	var propagation bitWriter
	for stripe := 0; stripe < h; stripe += 4 {
		for left := 0; left < w; left += 4 {
			var signs []uint64
			for x := left; x < min(left+4, w); x++ {
				for y := stripe; y < min(stripe+4, h); y++ {
					near := false
					for dy := -1; dy <= 1; dy++ {
						for dx := -1; dx <= 1; dx++ {
							near = near || (dx != 0 || dy != 0) && significant(x+dx, y+dy, stripe)
						}
					}
					v := values[y*w+x]
					if known[y*w+x] != 0 || !near {
						continue
					}
					propagation.bits(uint64(max(v, -v)), 1)
					if v != 0 {
						known[y*w+x] = v
						signs = append(signs, uint64(uint32(v)>>31))
					}
				}
			}
			for _, s := range signs {
				propagation.bits(s, 1)
			}
		}
	}
	data = propagation.end()
	if passes < 2 {
		return data, known
	}
	refinement := wordWriter{begun: true, last: 0xFF}
	for stripe := 0; stripe < h; stripe += 4 {
		for x := range w {
			for y := stripe; y < min(stripe+4, h); y++ {
				if found[y*w+x] {
					refinement.bits(uint32(max(values[y*w+x], -values[y*w+x])), 1)
				}
			}
		}
	}
	refinement.end()
	for i := range refinement.out {
		data = append(data, refinement.out[len(refinement.out)-1-i])
	}
	return data, known
}

// The passes after the cleanup pass bring one bit-plane more.
func TestRefinement(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for range 2000 {
		w, h := 1+rnd.IntN(30), 1+rnd.IntN(20)
		passes, causal := 1+rnd.IntN(2), rnd.IntN(2) == 0
		values := make([]int32, w*h) // with the bit-plane that is added
		for i := range values {
			if rnd.IntN(3) == 0 {
				values[i] = rnd.Int32N(1<<(1+rnd.IntN(8))) * (1 - 2*rnd.Int32N(2))
			}
		}
		e := &encoder{width: w, height: h, value: func(x, y int) int32 { return values[y*w+x] / 2 }}
		data := e.encode()
		more, known := refinementSegment(values, w, h, passes, causal)
		b := &codeblock.Block{Width: w, Height: h, Planes: 9, ZeroPlanes: 7, Data: append(data, more...),
			Segments: []codeblock.Segment{{Passes: 1, Length: len(data)}, {Passes: passes, Length: len(more)}}}
		if causal {
			b.Style = codeblock.VSC
		}
		for _, k := range kernels {
			have := make([]int32, w*h)
			require.NoError(t, k.Decode(have, b))
			for i, v := range known {
				m := max(v, -v)
				want := 2*m + 1 // the bit below the last one
				switch {
				case v == 0:
					want = 0
				case passes < 2 && m > 1:
					want = 4*(m/2) + 2
				}
				if v < 0 {
					want = -want
				}
				require.Equal(t, want, have[i], "%d of %dx%d, %d passes, %s kernel", i, w, h, passes, k.name)
			}
		}
	}
}

// Blocks of the longest rows and of the most of them, with as many bits in each sample as
// there can be and streams that end early, are the same from all kernels.
func TestEnds(t *testing.T) {
	for _, shape := range []struct{ w, h int }{{1024, 4}, {1023, 3}, {1, 1024}, {5, 819}, {64, 64}, {62, 66}} {
		for _, planes := range []int{9, 22, 23, 24, 29} {
			most := int32(1)<<planes - 1
			e := &encoder{width: shape.w, height: shape.h, value: func(x, y int) int32 { return most - 2*most*int32((x^y)&1) }}
			whole := e.encode()
			back := int(whole[len(whole)-1])<<4 | int(whole[len(whole)-2]&15)
			require.Less(t, back, 4080)
			for _, n := range []int{len(whole), len(whole) - 100, back + 100, back + 9, back} {
				data := append(append([]byte{}, whole[:n-back]...), whole[len(whole)-back:]...)
				b := &codeblock.Block{Width: shape.w, Height: shape.h, Planes: planes, ZeroPlanes: planes - 1, Data: data,
					Segments: []codeblock.Segment{{Passes: 1, Length: n}}}
				want := make([]int32, shape.w*shape.h)
				d := Decoder{inGo: true}
				require.NoError(t, d.Decode(want, b))
				for _, k := range kernels {
					have := make([]int32, len(want))
					require.NoError(t, k.Decode(have, b))
					require.Equal(t, want, have, "%v, %d planes, %d bytes, %s kernel", shape, planes, n, k.name)
				}
			}
		}
	}
}
