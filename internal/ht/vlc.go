// This file implements what the variable-length codewords say of quads (7.3.4 to
// 7.3.6).

package ht

import "github.com/stria-j2k/stria/internal/ht/codewords"

// A quadCode is what a codeword says of a quad.
type quadCode struct {
	length      uint8
	significant uint8 // the samples, bit by bit: upper left, lower left, upper right, lower right
	offset      uint8 // 1 where the bound of the exponents has an offset
	bound       uint8 // e_k: the samples whose exponents are the bound
	top         uint8 // e_1: those of them whose top bit is a one
}

// codes are the codewords by context and by the next seven bits of the stream, for the
// first row of quads and for the others.
var codes = func() (t [2][8 << 7]quadCode) {
	for row, list := range [2][]uint32{codewords.First[:], codewords.Other[:]} {
		for _, w := range list {
			c := quadCode{length: uint8(w & 7), significant: uint8(w >> 19 & 15), offset: uint8(w >> 18 & 1),
				bound: uint8(w >> 14 & 15), top: uint8(w >> 10 & 15)}
			context, word := w>>23, w>>3&127
			for rest := uint32(0); rest < 1<<(7-c.length); rest++ {
				t[row][context<<7|rest<<c.length|word] = c
			}
		}
	}
	return t
}()

// A quad is what is known of one before its magnitudes.
type quad struct {
	quadCode
	u uint8 // offset of the bound of its exponents
}

// prefix reads the prefix of an offset (Table 3).
func prefix(v *backward) uint32 {
	switch {
	case v.take(1) == 1:
		return 1
	case v.take(1) == 1:
		return 2
	case v.take(1) == 1:
		return 3
	}
	return 5
}

// suffix and extension read what follows a prefix, and a suffix.
func suffix(v *backward, prefix uint32) uint32 {
	switch prefix {
	case 3:
		return v.take(1)
	case 5:
		return v.take(5)
	}
	return 0
}

func extension(v *backward, suffix uint32) uint32 {
	if suffix < 28 {
		return 0
	}
	return v.take(4)
}

// offsets reads the offsets of a pair of quads, at most 2 times 12 bits.
func offsets(v *backward, m *mel, a, b *quad, first bool) {
	a.u, b.u = 0, 0
	switch {
	case a.offset+b.offset == 0:
	case a.offset == 0 || b.offset == 0:
		one := a
		if a.offset == 0 {
			one = b
		}
		p := prefix(v)
		s := suffix(v, p)
		one.u = uint8(p + s + 4*extension(v, s))
	default:
		more := uint32(0)
		if first {
			more = 2 * uint32(m.symbol())
		}
		pa := prefix(v)
		if first && more == 0 && pa > 2 {
			b.u = uint8(v.take(1) + 1)
			s := suffix(v, pa)
			a.u = uint8(pa + s + 4*extension(v, s))
			return
		}
		pb := prefix(v)
		sa := suffix(v, pa)
		sb := suffix(v, pb)
		a.u = uint8(pa + sa + 4*extension(v, sa) + more)
		b.u = uint8(pb + sb + 4*extension(v, sb) + more)
	}
}
