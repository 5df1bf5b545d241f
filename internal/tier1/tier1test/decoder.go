// This file implements the decoder of Annex C as its flow charts have it, under the
// model of Annex D.

package tier1test

import "github.com/stria-j2k/stria/internal/codeblock"

// A slowContext is a context's index into Table C.2 and its more probable symbol.
type slowContext struct{ state, mps int }

// A slowState is a row of Table C.2.
type slowState struct {
	qe         uint32
	nmps, nlps int
	toggle     bool // SWITCH
}

// slowStates is Table C.2, written down a second time.
var slowStates = [47]slowState{
	0: {0x5601, 1, 1, true}, 1: {0x3401, 2, 6, false}, 2: {0x1801, 3, 9, false},
	3: {0x0AC1, 4, 12, false}, 4: {0x0521, 5, 29, false}, 5: {0x0221, 38, 33, false},
	6: {0x5601, 7, 6, true}, 7: {0x5401, 8, 14, false}, 8: {0x4801, 9, 14, false},
	9: {0x3801, 10, 14, false}, 10: {0x3001, 11, 17, false}, 11: {0x2401, 12, 18, false},
	12: {0x1C01, 13, 20, false}, 13: {0x1601, 29, 21, false}, 14: {0x5601, 15, 14, true},
	15: {0x5401, 16, 14, false}, 16: {0x5101, 17, 15, false}, 17: {0x4801, 18, 16, false},
	18: {0x3801, 19, 17, false}, 19: {0x3401, 20, 18, false}, 20: {0x3001, 21, 19, false},
	21: {0x2801, 22, 19, false}, 22: {0x2401, 23, 20, false}, 23: {0x2201, 24, 21, false},
	24: {0x1C01, 25, 22, false}, 25: {0x1801, 26, 23, false}, 26: {0x1601, 27, 24, false},
	27: {0x1401, 28, 25, false}, 28: {0x1201, 29, 26, false}, 29: {0x1101, 30, 27, false},
	30: {0x0AC1, 31, 28, false}, 31: {0x09C1, 32, 29, false}, 32: {0x08A1, 33, 30, false},
	33: {0x0521, 34, 31, false}, 34: {0x0441, 35, 32, false}, 35: {0x02A1, 36, 33, false},
	36: {0x0221, 37, 34, false}, 37: {0x0141, 38, 35, false}, 38: {0x0111, 39, 36, false},
	39: {0x0085, 40, 37, false}, 40: {0x0049, 41, 38, false}, 41: {0x0025, 42, 39, false},
	42: {0x0015, 43, 40, false}, 43: {0x0009, 44, 41, false}, 44: {0x0005, 45, 42, false},
	45: {0x0001, 45, 43, false}, 46: {0x5601, 46, 46, false},
}

// A slowDecoder decodes the decisions or raw bits of one segment.
type slowDecoder struct {
	data []byte

	a, c   uint32 // C.3.1
	ct, bp int

	bits, last int // of raw bits: those left of the last byte
}

// byteAt is a byte of the segment, past its end 0xFF.
func (d *slowDecoder) byteAt(i int) uint32 {
	if i < len(d.data) {
		return uint32(d.data[i])
	}
	return 0xFF
}

// newSlowDecoder is INITDEC (Figure C.20).
func newSlowDecoder(data []byte) *slowDecoder {
	d := &slowDecoder{data: data}
	d.c = d.byteAt(0) << 16
	d.bytein()
	d.c <<= 7
	d.ct -= 7
	d.a = 0x8000
	return d
}

// bytein is BYTEIN (Figure C.19).
func (d *slowDecoder) bytein() {
	switch {
	case d.byteAt(d.bp) != 0xFF:
		d.bp++
		d.c += d.byteAt(d.bp) << 8
		d.ct = 8
	case d.byteAt(d.bp+1) > 0x8F:
		d.c += 0xFF00
		d.ct = 8
	default:
		d.bp++
		d.c += d.byteAt(d.bp) << 9
		d.ct = 7
	}
}

// decision is DECODE (Figure C.15), with both exchanges (Figures C.16 and C.17) and
// RENORMD (Figure C.18).
func (d *slowDecoder) decision(cx *slowContext, _ int) int {
	s := slowStates[cx.state]
	bit := cx.mps
	less := func() {
		bit = 1 - cx.mps
		if s.toggle {
			cx.mps = 1 - cx.mps
		}
		cx.state = s.nlps
	}
	more := func() { cx.state = s.nmps }
	d.a -= s.qe
	if d.c>>16 < s.qe {
		if d.a < s.qe {
			more()
		} else {
			less()
		}
		d.a = s.qe
	} else {
		d.c -= s.qe << 16
		if d.a&0x8000 != 0 {
			return bit
		}
		if d.a < s.qe {
			less()
		} else {
			more()
		}
	}
	for {
		if d.ct == 0 {
			d.bytein()
		}
		d.a <<= 1
		d.c <<= 1
		d.ct--
		if d.a&0x8000 != 0 {
			return bit
		}
	}
}

// rawBit reads a bit of a raw segment: after a byte of 0xFF the next has seven. Past
// the end, and from a marker on, there are ones.
func (d *slowDecoder) rawBit(int) int {
	if d.bits == 0 {
		next := int(d.byteAt(d.bp))
		switch {
		case d.last != 0xFF:
			d.bits, d.last = 8, next
			d.bp++
		case next > 0x8F:
			d.bits = 8
		default:
			d.bits, d.last = 7, next
			d.bp++
		}
	}
	d.bits--
	return d.last >> d.bits & 1
}

// Decode decodes a block. It reports whether all segmentation symbols were right.
func Decode(b *codeblock.Block) ([]int32, bool) {
	m := newModel(b)
	planes := b.Planes - b.ZeroPlanes
	n, data, right := 0, b.Data, true
	for _, s := range b.Segments {
		if n >= 3*planes-2 {
			break
		}
		length := min(max(s.Length, 0), len(data))
		m.coder = newSlowDecoder(data[:length])
		if isRaw(n, b.Style) {
			m.coder = &slowDecoder{data: data[:length]}
		}
		data = data[length:]
		raw := isRaw(n, b.Style)
		for range s.Passes {
			if n >= 3*planes-2 || isRaw(n, b.Style) != raw {
				break
			}
			right = m.pass(n, planes, b.Style) == 0b1010 && right
			n++
		}
	}
	return m.coefficients(b), right
}
