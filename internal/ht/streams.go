// This file implements the streams of bits (ISO/IEC 15444-15, 7.1).

package ht

import "math/bits"

// A forward stream is read from its first byte on, the lowest bit first. After a byte
// of ones the next has seven bits. Past the end there is fill, over and over.
type forward struct {
	bits uint64
	n    int // bits that are there
	last byte
	fill byte
	data []byte
}

// load has at least 32 bits there, and at most 63.
func (s *forward) load() {
	for s.n < 32 {
		if len(s.data) >= 4 && s.last != 0xFF {
			four := uint32(s.data[0]) | uint32(s.data[1])<<8 | uint32(s.data[2])<<16 | uint32(s.data[3])<<24
			if (^four-0x01010101)&four&0x80808080 == 0 { // no byte of ones
				s.bits |= uint64(four) << s.n
				s.n += 32
				s.last = 0
				s.data = s.data[4:]
				continue
			}
		}
		b := s.fill
		if len(s.data) > 0 {
			b, s.data = s.data[0], s.data[1:]
		}
		n := 8
		if s.last == 0xFF {
			n = 7
		}
		s.bits |= uint64(b&(1<<n-1)) << s.n
		s.n += n
		s.last = b
	}
}

// take takes n bits of those that are there.
func (s *forward) take(n int) uint32 {
	v := uint32(s.bits & (1<<n - 1))
	s.bits >>= n
	s.n -= n
	return v
}

// A backward stream is read from its last byte on, the lowest bit first. A byte that
// follows one above 0x8F, in that order, and whose lower bits are ones has seven bits.
// Past the end there are zeros.
type backward struct {
	bits uint64
	n    int
	last byte // above 0x8F if the next may be stuffed
	data []byte
}

// load has at least 32 bits there.
func (s *backward) load() {
	for s.n < 32 {
		var b byte
		if len(s.data) > 0 {
			b, s.data = s.data[len(s.data)-1], s.data[:len(s.data)-1]
		}
		n := 8
		if s.last > 0x8F && b&0x7F == 0x7F {
			n = 7
		}
		s.bits |= uint64(b&(1<<n-1)) << s.n
		s.n += n
		s.last = b
	}
}

func (s *backward) take(n int) uint32 {
	v := uint32(s.bits & (1<<n - 1))
	s.bits >>= n
	s.n -= n
	return v
}

// mel decodes the adaptive run-length code (7.3.3).
type mel struct {
	state int
	run   int  // zeros to come
	one   bool // and then a one
	bits  int
	last  byte
	data  []byte
}

// melExponents are the lengths of runs, as exponents, by state (Table 2).
var melExponents = [13]int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5}

// bit reads the next bit of the stream, the highest of a byte first.
func (m *mel) bit() int {
	if m.bits == 0 {
		m.bits = 8
		if m.last == 0xFF {
			m.bits = 7
		}
		m.last = 0xFF
		if len(m.data) > 0 {
			m.last, m.data = m.data[0], m.data[1:]
			if len(m.data) == 0 {
				m.last |= 0x0F // the lower half is of the other stream
			}
		}
	}
	m.bits--
	return int(m.last) >> m.bits & 1
}

// symbol decodes a symbol.
func (m *mel) symbol() int {
	if m.run == 0 && !m.one {
		e := melExponents[m.state]
		if m.bit() == 1 {
			m.run = 1 << e
			m.state = min(m.state+1, 12)
		} else {
			for range e {
				m.run = m.run<<1 | m.bit()
			}
			m.one = true
			m.state = max(m.state-1, 0)
		}
	}
	if m.run > 0 {
		m.run--
		return 0
	}
	m.one = false
	return 1
}

// exponent is the number of bits of v.
func exponent(v uint32) uint8 { return uint8(bits.Len32(v)) }
