// This file implements the bits of packet headers, with their stuffing (B.10.1).

package codestream

import "math/bits"

// A bitReader reads the bits of packet headers: most significant first, and
// after a byte 0xFF only seven bits of the next.
//
// It takes several bytes ahead into acc; align gives back those not needed.
type bitReader struct {
	src *lookahead // where bytes come from; its buf and pos are the reader's own
	acc uint64     // the low n bits are the next ones
	n   uint
	ff  bool // the last byte taken into acc is 0xFF
	// short is set once bits beyond the end of the source were asked for; they
	// read as 0.
	short bool
}

// start begins a packet header at the position of the source.
func (b *bitReader) start() {
	b.acc, b.n, b.ff, b.short = 0, 0, false, false
}

// refill takes bytes until acc holds at least 48 bits.
func (b *bitReader) refill() {
	s := b.src
	for b.n <= 48 {
		if s.pos >= len(s.buf) && !s.more() {
			// Beyond the end: zeros, which a caller that checks short ignores.
			if b.n == 0 {
				b.short = true
				b.acc, b.n = 0, 32
			}
			return
		}
		c := s.buf[s.pos]
		s.pos++
		if b.ff {
			// B.10.1: the most significant bit is a stuffed 0.
			b.acc = b.acc<<7 | uint64(c&0x7F)
			b.n += 7
		} else {
			b.acc = b.acc<<8 | uint64(c)
			b.n += 8
		}
		b.ff = c == 0xFF
	}
}

// bit reads one bit.
func (b *bitReader) bit() uint32 {
	if b.n == 0 {
		b.refill()
	}
	b.n--
	return uint32(b.acc>>b.n) & 1
}

// zeros reads zeros up to and with the next one, but at most n bits. It returns
// how many zeros there were, and 1 if the one came.
func (b *bitReader) zeros(n uint32) (zeros, one uint32) {
	for zeros < n {
		if b.n == 0 {
			b.refill()
		}
		k := uint32(bits.LeadingZeros64(b.acc << (64 - b.n)))
		if k < min(uint32(b.n), n-zeros) {
			b.n -= uint(k) + 1
			return zeros + k, 1
		}
		k = min(uint32(b.n), n-zeros)
		b.n -= uint(k)
		zeros += k
	}
	return zeros, 0
}

// bits reads n bits, 0 to 32.
func (b *bitReader) bits(n uint) uint32 {
	if b.n < n {
		b.refill()
		if b.n < n {
			// Less than n left in the whole source.
			b.short = true
			b.acc <<= 32
			b.n += 32
		}
	}
	b.n -= n
	return uint32(b.acc>>b.n) & uint32(1<<n-1)
}

// align ends a packet header: it drops the bits up to the next byte boundary
// and the byte that follows a last 0xFF, and puts the source's position just
// past the header.
func (b *bitReader) align() {
	s := b.src
	if b.short {
		s.pos = len(s.buf)
		b.n = 0
		return
	}
	// Give back whole bytes, last one first. A byte after 0xFF has seven bits.
	for b.n > 0 {
		size := uint(8)
		if s.pos >= 2 && s.pos-2 >= s.mark && s.buf[s.pos-2] == 0xFF {
			size = 7
		}
		if b.n < size {
			break
		}
		b.n -= size
		s.pos--
	}
	b.n = 0
	if s.pos > s.mark && s.buf[s.pos-1] == 0xFF {
		if s.pos < len(s.buf) || s.more() {
			s.pos++
		} else {
			b.short = true
		}
	}
}

// A bitWriter writes the bits of packet headers.
type bitWriter struct {
	dst []byte
	acc uint64 // the low n bits are still to be written
	n   uint
}

// bits writes the low n bits of v, 0 to 32.
func (b *bitWriter) bits(v uint32, n uint) {
	b.acc = b.acc<<n | uint64(v)&(1<<n-1)
	b.n += n
	for {
		size := uint(8)
		if len(b.dst) > 0 && b.dst[len(b.dst)-1] == 0xFF {
			size = 7
		}
		if b.n < size {
			return
		}
		b.n -= size
		b.dst = append(b.dst, byte(b.acc>>b.n)&byte(1<<size-1))
	}
}

// flush pads with zeros to a byte, and writes the byte that must follow a last
// 0xFF (B.10.1). What came before the header in dst must not end in 0xFF, or
// must have been taken away.
func (b *bitWriter) flush() {
	size := uint(8)
	if len(b.dst) > 0 && b.dst[len(b.dst)-1] == 0xFF {
		size = 7
	}
	if b.n > 0 {
		b.dst = append(b.dst, byte(b.acc<<(size-b.n))&byte(1<<size-1))
		b.n = 0
	} else if size == 7 {
		b.dst = append(b.dst, 0)
	}
	b.acc = 0
	if len(b.dst) > 0 && b.dst[len(b.dst)-1] == 0xFF {
		b.dst = append(b.dst, 0)
	}
}
