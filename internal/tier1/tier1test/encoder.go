// This file implements the encoder: the coder of Annex C.2 and raw bits (D.6), under
// the model of Annex D.

package tier1test

import "github.com/stria-j2k/stria/internal/codeblock"

// An encoder codes decisions (C.2). Its first byte stands before the segment.
type encoder struct {
	a, c uint32
	ct   int
	out  []byte
}

func newEncoder() *encoder { return &encoder{a: 0x8000, ct: 12, out: []byte{0}} }

// decision is ENCODE, with CODEMPS and CODELPS (Figures C.6 and C.7).
func (e *encoder) decision(cx *slowContext, bit int) int {
	s := slowStates[cx.state]
	e.a -= s.qe
	if bit == cx.mps {
		if e.a&0x8000 != 0 {
			e.c += s.qe
			return bit
		}
		if e.a < s.qe {
			e.a = s.qe
		} else {
			e.c += s.qe
		}
		cx.state = s.nmps
	} else {
		if e.a < s.qe {
			e.c += s.qe
		} else {
			e.a = s.qe
		}
		if s.toggle {
			cx.mps = 1 - cx.mps
		}
		cx.state = s.nlps
	}
	for { // RENORME
		e.a <<= 1
		e.c <<= 1
		if e.ct--; e.ct == 0 {
			e.byteout()
		}
		if e.a&0x8000 != 0 {
			return bit
		}
	}
}

func (e *encoder) rawBit(int) int { panic("raw bits among decisions") }

// byteout is BYTEOUT (Figure C.9).
func (e *encoder) byteout() {
	last := &e.out[len(e.out)-1]
	if *last != 0xFF && e.c >= 0x8000000 {
		*last++
		e.c &= 0x7FFFFFF
	}
	if *last == 0xFF {
		e.out = append(e.out, byte(e.c>>20))
		e.c &= 0xFFFFF
		e.ct = 7
	} else {
		e.out = append(e.out, byte(e.c>>19))
		e.c &= 0x7FFFF
		e.ct = 8
	}
}

// flush is FLUSH (Figure C.11), or the termination of D.4.2.
func (e *encoder) flush(predictable bool) []byte {
	if predictable {
		for k := 11 - e.ct + 1; k > 0; k -= e.ct {
			e.c <<= e.ct
			e.byteout()
		}
	} else {
		top := e.c + e.a
		e.c |= 0xFFFF
		if e.c >= top {
			e.c -= 0x8000
		}
		e.c <<= e.ct
		e.byteout()
		e.c <<= e.ct
		e.byteout()
	}
	if n := len(e.out); e.out[n-1] == 0xFF {
		e.out = e.out[:n-1]
	}
	return e.out[1:]
}

// A rawEncoder writes the bits of a raw segment.
type rawEncoder struct {
	out  []byte
	left int // bits that the last byte has room for
}

func (r *rawEncoder) decision(*slowContext, int) int { panic("a decision among raw bits") }

func (r *rawEncoder) rawBit(bit int) int {
	if r.left == 0 {
		r.left = 8
		if n := len(r.out); n > 0 && r.out[n-1] == 0xFF {
			r.left = 7
		}
		r.out = append(r.out, 0)
	}
	r.left--
	r.out[len(r.out)-1] |= byte(bit << r.left)
	return bit
}

// flush fills the last byte up with zeros and ones (D.4.2), and leaves out one of
// 0xFF.
func (r *rawEncoder) flush() []byte {
	for bit := 0; r.left > 0; bit = 1 - bit {
		r.rawBit(bit)
	}
	if n := len(r.out); n > 0 && r.out[n-1] == 0xFF {
		r.out = r.out[:n-1]
	}
	return r.out
}

// Encode codes so many passes of a block, whose fields up to Style are given, into its
// segments and data. Coefficients are sign and magnitude. It panics where a magnitude
// does not fit.
func Encode(b *codeblock.Block, magnitudes []uint32, negative []bool, passes int) {
	planes := b.Planes - b.ZeroPlanes
	passes = min(passes, max(3*planes-2, 0))
	m := newModel(b)
	m.source = func(x, y int) (uint32, bool) {
		i := y*b.Width + x
		if magnitudes[i]>>planes != 0 {
			panic("a magnitude has too many bits")
		}
		return magnitudes[i], negative[i]
	}
	b.Segments, b.Data = nil, nil
	first := 0
	for n := range passes {
		if first == n {
			m.coder = newEncoder()
			if isRaw(n, b.Style) {
				m.coder = &rawEncoder{}
			}
		}
		m.pass(n, planes, b.Style)
		if n+1 < passes && !terminated(n, b.Style) {
			continue
		}
		var segment []byte
		switch c := m.coder.(type) {
		case *encoder:
			segment = c.flush(b.Style&codeblock.PTerm != 0)
		case *rawEncoder:
			segment = c.flush()
		}
		b.Segments = append(b.Segments, codeblock.Segment{Passes: n + 1 - first, Length: len(segment)})
		b.Data = append(b.Data, segment...)
		first = n + 1
	}
}

// terminated reports whether the style ends a segment with a pass (Tables D.8 and
// D.9).
func terminated(n int, style codeblock.Style) bool {
	return style&codeblock.TermAll != 0 || isRaw(n+1, style) != isRaw(n, style)
}
