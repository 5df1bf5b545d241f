// This file implements the MQ arithmetic decoder (C.3).

package tier1

import (
	"encoding/binary"
	"math/bits"
)

// An mq is an arithmetic decoder on one codeword segment.
//
// Its registers A and C have fraction bits below those of the standard, so that many
// code bits can be taken in at one time, and A is normalised when the highest bit of
// all is set. A pass keeps a, c and valid in variables of its own while it lasts.
type mq struct {
	a, c  uint64
	valid int // code bits below those of the standard's C
	made  int // bytes of ones that were taken in past the end
	last  byte
	data  []byte // not taken in yet
}

const fraction = 48

// A context is the probability of its less probable symbol, shifted by fraction, with
// the number of its state and the more probable symbol in bits 7 to 1.
type context uint64

const stateMask = 1<<8 - 1

// The states of Table C.2: Qe, the next state after the more and after the less
// probable symbol, and whether the latter exchanges them.
var table = [47]struct {
	qe               uint64
	nextMPS, nextLPS uint8
	exchange         uint8
}{
	{0x5601, 1, 1, 1}, {0x3401, 2, 6, 0}, {0x1801, 3, 9, 0}, {0x0AC1, 4, 12, 0},
	{0x0521, 5, 29, 0}, {0x0221, 38, 33, 0}, {0x5601, 7, 6, 1}, {0x5401, 8, 14, 0},
	{0x4801, 9, 14, 0}, {0x3801, 10, 14, 0}, {0x3001, 11, 17, 0}, {0x2401, 12, 18, 0},
	{0x1C01, 13, 20, 0}, {0x1601, 29, 21, 0}, {0x5601, 15, 14, 1}, {0x5401, 16, 14, 0},
	{0x5101, 17, 15, 0}, {0x4801, 18, 16, 0}, {0x3801, 19, 17, 0}, {0x3401, 20, 18, 0},
	{0x3001, 21, 19, 0}, {0x2801, 22, 19, 0}, {0x2401, 23, 20, 0}, {0x2201, 24, 21, 0},
	{0x1C01, 25, 22, 0}, {0x1801, 26, 23, 0}, {0x1601, 27, 24, 0}, {0x1401, 28, 25, 0},
	{0x1201, 29, 26, 0}, {0x1101, 30, 27, 0}, {0x0AC1, 31, 28, 0}, {0x09C1, 32, 29, 0},
	{0x08A1, 33, 30, 0}, {0x0521, 34, 31, 0}, {0x0441, 35, 32, 0}, {0x02A1, 36, 33, 0},
	{0x0221, 37, 34, 0}, {0x0141, 38, 35, 0}, {0x0111, 39, 36, 0}, {0x0085, 40, 37, 0},
	{0x0049, 41, 38, 0}, {0x0025, 42, 39, 0}, {0x0015, 43, 40, 0}, {0x0009, 44, 41, 0},
	{0x0005, 45, 42, 0}, {0x0001, 45, 43, 0}, {0x5601, 46, 46, 0},
}

// entry is the context of a state.
func entry(state, mps uint8) context {
	return context(table[state].qe<<fraction) | context(state)<<2 | context(mps)<<1
}

// states is what follows a context, by its lowest byte: after the more probable symbol,
// and in the entry behind it after the less probable one.
var states = func() (t [stateMask + 1]context) {
	for i, s := range table {
		for mps := range uint8(2) {
			at := 4*i + 2*int(mps)
			t[at] = entry(s.nextMPS, mps)
			t[at+1] = entry(s.nextLPS, mps^s.exchange)
		}
	}
	return t
}()

// start is INITDEC (C.3.5).
func (q *mq) start(data []byte) {
	// Of the code bits of C the first 15 are above fraction.
	*q = mq{a: 1 << 63, data: data}
	q.c, q.valid = q.fill(0, -15)
	q.c &= 1<<63 - 1
}

// fill takes code bits in until there are enough. After a byte of ones the next has
// seven bits, and one that carries into the byte before (C.3.4). Past the end, and
// past a marker, there are only ones.
func (q *mq) fill(c uint64, valid int) (uint64, int) {
	if len(q.data) >= 4 && q.last != 0xFF {
		four := binary.BigEndian.Uint32(q.data)
		// No byte may be 0xFF: none of the complement 0.
		if (^four-0x01010101)&four&0x80808080 == 0 {
			q.last = 0
			q.data = q.data[4:]
			return c + uint64(four)<<(fraction-32-valid), valid + 32
		}
	}
	for valid < 8 {
		n, b := 8, byte(0xFF)
		if len(q.data) > 0 && !(q.last == 0xFF && q.data[0] > 0x8F) {
			if q.last == 0xFF {
				n = 7
			}
			b = q.data[0]
			q.data = q.data[1:]
			q.last = b
		} else {
			q.made++
		}
		c += uint64(b) << (fraction - n - valid)
		valid += n
	}
	return c, valid
}

// choose is the first half of DECODE (C.3.2): A and C after a decision in a context,
// before they are normalised, and 1 where it is the less probable symbol.
//
// In scans with grain a decision is worth most of a bit: nearly each shifts the
// registers, and which of the two symbols it is cannot be predicted. So there is no
// branch on either: both outcomes are worked out, and one is selected by masks.
func choose(a, c uint64, cx context) (uint64, uint64, uint64) {
	qe := uint64(cx &^ stateMask)
	a -= qe
	c, lower := bits.Sub64(c, qe, 0) // whether C lies in the lower sub-interval
	_, less := bits.Sub64(a, qe, 0)
	c += qe & -lower
	a ^= (a ^ qe) & -lower
	return a, c, less ^ lower
}

// normalise is the second half, RENORMD: A and C shifted, what the context becomes, and
// the code bits that are left. Where they are negative, fill must follow.
func normalise(a, c uint64, cx context, less uint64, valid int) (uint64, uint64, context, int) {
	n := bits.LeadingZeros64(a)
	if next := states[uint8(cx)|uint8(less)]; n != 0 {
		cx = next
	}
	return a << (n & 63), c << (n & 63), cx, valid - n
}

// symbol is what was decided in a context.
func symbol(cx context, less uint64) uint32 { return uint32(cx)>>1&1 ^ uint32(less) }

// decide is DECODE, for where decisions are few.
func (q *mq) decide(cx *context) uint32 {
	now := *cx
	a, c, less := choose(q.a, q.c, now)
	q.a, q.c, *cx, q.valid = normalise(a, c, now, less, q.valid)
	if q.valid < 0 {
		q.c, q.valid = q.fill(q.c, q.valid)
	}
	return symbol(now, less)
}
