// This file implements the cleanup pass.

package httest

import (
	"math/bits"

	"github.com/stria-j2k/stria/internal/ht/codewords"
)

// Cleanup makes the segment of the cleanup pass of a block. The values are in units of
// the last bit-plane.
func Cleanup(width, height int, value func(x, y int) int32) []byte {
	e := encoder{width: width, height: height, value: value}
	return e.encode()
}

// An encoder makes the cleanup pass of a block.
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

// runExponents are the lengths of runs, as exponents, by state (Table 2).
var runExponents = [13]int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5}

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
	e := runExponents[w.state]
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

// A quadCode is what a codeword says of a quad.
type quadCode struct {
	length, word        uint8
	context             int
	significant, offset uint8
	bound, top          uint8 // e_k and e_1
}

// codes are the codewords of the first row of quads and of the others.
var codes = func() (t [2][]quadCode) {
	for row, list := range [2][]uint32{codewords.First[:], codewords.Other[:]} {
		for _, w := range list {
			t[row] = append(t[row], quadCode{context: int(w >> 23), significant: uint8(w >> 19 & 15),
				offset: uint8(w >> 18 & 1), bound: uint8(w >> 14 & 15), top: uint8(w >> 10 & 15),
				word: uint8(w >> 3 & 127), length: uint8(w & 7)})
		}
	}
	return t
}()

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
	found := -1
	for _, c := range codes[row] {
		if c.context != context || c.significant != significant || (c.offset == 1) != (u > 0) || tops&c.bound != c.top {
			continue
		}
		if n := bits.OnesCount8(c.bound); n > found {
			code, found = c, n
		}
	}
	if found < 0 {
		panic("no codeword")
	}
	e.words.bits(uint32(code.word), int(code.length))
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
