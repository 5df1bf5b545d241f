// This file implements the MQ arithmetic decoder (C.3).

package tier1

import "math/bits"

// An mq is an arithmetic decoder on one codeword segment.
//
// Its registers A and C have fraction bits below those of the standard, so that
// many code bits can be taken in at one time. Both are kept less d, the distance to
// the nearer of the two events that need attention: A falling below 0x8000, and C
// falling below zero, which is the other symbol. A decision that brings neither
// costs one subtraction and one test.
type mq struct {
	a, c, d int64
	valid   int // code bits below those of the standard's C
	made    int // bytes of ones that were taken in past the end
	last    byte
	data    []byte // not taken in yet
}

const (
	fraction = 46
	half     = 0x8000 << fraction // the least A
)

// A context is the probability of its less probable symbol, shifted by fraction, with
// the number of its state and, as the lowest bit, the more probable symbol.
type context uint64

const stateMask = 1<<7 - 1

func (c context) qe() int64 { return int64(c &^ stateMask) }

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
	return context(table[state].qe<<fraction) | context(state)<<1 | context(mps)
}

// states is what follows a context, by its lowest bits: after the more, and after the
// less probable symbol.
var states = func() (t [stateMask + 1][2]context) {
	for i, s := range table {
		for mps := range uint8(2) {
			t[2*i+int(mps)] = [2]context{entry(s.nextMPS, mps), entry(s.nextLPS, mps^s.exchange)}
		}
	}
	return t
}()

// start is INITDEC (C.3.5).
func (q *mq) start(data []byte) {
	// Of the code bits of C the first 15 are above fraction.
	*q = mq{a: half, valid: -15, data: data}
	q.fill()
	q.c &= half - 1
	q.split()
}

// fill takes code bits in until there are enough. After a byte of ones the next has
// seven bits, and one that carries into the byte before (C.3.4). Past the end, and
// past a marker, there are only ones.
func (q *mq) fill() {
	if len(q.data) >= 4 && q.last != 0xFF {
		four := uint32(q.data[0])<<24 | uint32(q.data[1])<<16 | uint32(q.data[2])<<8 | uint32(q.data[3])
		// No byte may be 0xFF: none of the complement 0.
		if (^four-0x01010101)&four&0x80808080 == 0 {
			q.c += int64(uint64(four) << (fraction - 32 - q.valid))
			q.valid += 32
			q.last = 0
			q.data = q.data[4:]
			return
		}
	}
	for q.valid < 8 {
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
		q.c += int64(uint64(b) << (fraction - n - q.valid))
		q.valid += n
	}
}

// split takes out of A and C what d stands for from now on.
func (q *mq) split() {
	q.d = min(q.a-half, q.c)
	q.a -= q.d
	q.c -= q.d
}

// decide is DECODE: the next decision in a context.
func (q *mq) decide(cx *context) uint32 {
	now := *cx
	if q.d -= now.qe(); q.d >= 0 {
		return uint32(now & 1)
	}
	return q.attend(cx)
}

// attend is what follows a decision that brought one of the events (C.3.2).
func (q *mq) attend(cx *context) uint32 {
	now := *cx
	qe := now.qe()
	q.a += q.d
	q.c += q.d
	exchanged := q.a < qe
	if q.c < 0 {
		q.c += qe
		q.a = qe
		exchanged = !exchanged
	}
	symbol := uint32(now & 1)
	next := &states[now&stateMask]
	if exchanged {
		symbol ^= 1
		*cx = next[1]
	} else {
		*cx = next[0]
	}
	n := bits.LeadingZeros64(uint64(q.a)) - (63 - fraction - 15)
	q.a <<= n
	q.c <<= n
	if q.valid -= n; q.valid < 0 {
		q.fill()
	}
	q.split()
	return symbol
}

// A rawBits reads the bits of a segment that is not arithmetically coded (C.3, D.6).
type rawBits struct {
	bits int
	last byte
	data []byte
}

func (r *rawBits) bit() uint32 {
	if r.bits == 0 {
		r.bits = 8
		if len(r.data) == 0 || r.last == 0xFF && r.data[0] > 0x8F {
			r.last = 0xFF
		} else {
			if r.last == 0xFF {
				r.bits = 7
			}
			r.last, r.data = r.data[0], r.data[1:]
		}
	}
	r.bits--
	return uint32(r.last) >> r.bits & 1
}
