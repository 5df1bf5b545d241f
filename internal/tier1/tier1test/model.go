// This file implements the bit modelling of Annex D as it is written, sample by
// sample and with a look at each neighbour. It serves the encoder and the
// decoder, which differ only in what they do with a decision.

package tier1test

import "github.com/stria-j2k/stria/internal/codeblock"

// A coder codes one decision or raw bit. An encoder writes the bit and returns it; a
// decoder takes no notice of it and returns what it reads.
type coder interface {
	decision(cx *slowContext, bit int) int
	rawBit(bit int) int
}

// A model is a code-block and what has been coded of it.
type model struct {
	coder
	width, height, orient int
	causal                bool
	source                func(x, y int) (magnitude uint32, negative bool)

	contexts [19]slowContext // in the order of Table D.7: zero, sign, refinement, run, uniform
	samples  []sample
}

type sample struct {
	significant, negative bool
	coded                 bool // in this bit-plane
	refined               bool
	magnitude             uint32
	plane                 int // of the last bit that was coded
}

func newModel(b *codeblock.Block) *model {
	m := &model{width: b.Width, height: b.Height, orient: b.Orient,
		causal: b.Style&codeblock.VSC != 0, samples: make([]sample, b.Width*b.Height),
		source: func(int, int) (uint32, bool) { return 0, false }}
	m.reset()
	return m
}

// reset gives the contexts the states of Table D.7.
func (m *model) reset() {
	m.contexts = [19]slowContext{}
	m.contexts[0].state = 4
	m.contexts[17].state = 3
	m.contexts[18].state = 46
}

func (m *model) at(x, y int) *sample { return &m.samples[y*m.width+x] }

// neighbour is the sample by dx and dy from x and y, or nil when it counts as
// insignificant: outside of the block, or in the next stripe where contexts are
// vertically causal (D.7).
func (m *model) neighbour(x, y, dx, dy int) *sample {
	u, v := x+dx, y+dy
	if u < 0 || v < 0 || u >= m.width || v >= m.height || m.causal && v/4 > y/4 {
		return nil
	}
	return m.at(u, v)
}

// sum counts the significant ones of two neighbours, or of four.
func (m *model) sum(x, y int, offsets ...[2]int) (n int) {
	for _, o := range offsets {
		if s := m.neighbour(x, y, o[0], o[1]); s != nil && s.significant {
			n++
		}
	}
	return n
}

func (m *model) sums(x, y int) (h, v, d int) {
	return m.sum(x, y, [2]int{-1, 0}, [2]int{1, 0}),
		m.sum(x, y, [2]int{0, -1}, [2]int{0, 1}),
		m.sum(x, y, [2]int{-1, -1}, [2]int{1, -1}, [2]int{-1, 1}, [2]int{1, 1})
}

// zeroContext is Table D.1, from the top row down.
func (m *model) zeroContext(x, y int) *slowContext {
	type row struct {
		h, v, d int // exactly, or at least when 10 more, or any when -1
		cx      int
	}
	low := []row{ // LL and LH
		{2, -1, -1, 8}, {1, 11, -1, 7}, {1, 0, 11, 6}, {1, 0, 0, 5}, {0, 2, -1, 4},
		{0, 1, -1, 3}, {0, 0, 12, 2}, {0, 0, 1, 1}, {0, 0, 0, 0}}
	diagonal := []row{ // HH, h is the sum of h and v
		{-1, -1, 13, 8}, {11, -1, 2, 7}, {0, -1, 2, 6}, {12, -1, 1, 5}, {1, -1, 1, 4},
		{0, -1, 1, 3}, {12, -1, 0, 2}, {1, -1, 0, 1}, {0, -1, 0, 0}}
	h, v, d := m.sums(x, y)
	table := low
	switch m.orient & 3 {
	case 1: // HL
		h, v = v, h
	case 3:
		h, table = h+v, diagonal
	}
	is := func(n, want int) bool {
		return want < 0 || n == want || want >= 10 && n >= want-10
	}
	for _, r := range table {
		if is(h, r.h) && is(v, r.v) && is(d, r.d) {
			return &m.contexts[r.cx]
		}
	}
	panic("no row of Table D.1")
}

// codeSign is D.3.2 with Tables D.2 and D.3.
func (m *model) codeSign(x, y int) {
	one := func(dx, dy int) int {
		s := m.neighbour(x, y, dx, dy)
		switch {
		case s == nil || !s.significant:
			return 0
		case s.negative:
			return -1
		}
		return 1
	}
	clamp := func(n int) int { return min(max(n, -1), 1) }
	h := clamp(one(-1, 0) + one(1, 0))
	v := clamp(one(0, -1) + one(0, 1))
	row := [3][3][2]int{ // context and XOR bit, by h and v
		{{13, 1}, {12, 1}, {11, 1}},
		{{10, 1}, {9, 0}, {10, 0}},
		{{11, 0}, {12, 0}, {13, 0}},
	}[h+1][v+1]
	_, negative := m.source(x, y)
	bit := 0
	if negative {
		bit = 1
	}
	bit = m.decision(&m.contexts[row[0]], bit^row[1]) ^ row[1]
	m.at(x, y).negative = bit == 1
}

// bit is that of the source in a bit-plane.
func (m *model) bit(x, y, plane int) int {
	magnitude, _ := m.source(x, y)
	return int(magnitude >> plane & 1)
}

// become makes a sample significant, whose sign has been coded.
func (m *model) become(x, y, plane int) {
	s := m.at(x, y)
	s.significant, s.magnitude, s.plane = true, 1<<plane, plane
}

// scan goes through the block as D.1 has it.
func (m *model) scan(visit func(x, y int)) {
	for top := 0; top < m.height; top += 4 {
		for x := range m.width {
			for y := top; y < min(top+4, m.height); y++ {
				visit(x, y)
			}
		}
	}
}

// significancePropagation is D.3.1.
func (m *model) significancePropagation(plane int, raw bool) {
	m.scan(func(x, y int) {
		h, v, d := m.sums(x, y)
		s := m.at(x, y)
		if s.significant || h+v+d == 0 {
			return
		}
		s.coded = true
		if !raw {
			if m.decision(m.zeroContext(x, y), m.bit(x, y, plane)) == 1 {
				m.codeSign(x, y)
				m.become(x, y, plane)
			}
			return
		}
		if m.rawBit(m.bit(x, y, plane)) == 1 {
			_, negative := m.source(x, y)
			bit := 0
			if negative {
				bit = 1
			}
			s.negative = m.rawBit(bit) == 1
			m.become(x, y, plane)
		}
	})
}

// magnitudeRefinement is D.3.3 with Table D.4.
func (m *model) magnitudeRefinement(plane int, raw bool) {
	m.scan(func(x, y int) {
		s := m.at(x, y)
		if !s.significant || s.coded || s.plane == plane {
			return
		}
		bit := m.bit(x, y, plane)
		if raw {
			bit = m.rawBit(bit)
		} else {
			h, v, d := m.sums(x, y)
			cx := 14
			if s.refined {
				cx = 16
			} else if h+v+d > 0 {
				cx = 15
			}
			bit = m.decision(&m.contexts[cx], bit)
		}
		s.refined = true
		s.magnitude |= uint32(bit) << plane
		s.plane = plane
	})
}

// cleanup is D.3.4 with Table D.5.
func (m *model) cleanup(plane int) {
	for top := 0; top < m.height; top += 4 {
		for x := range m.width {
			m.cleanupColumn(x, top, plane)
		}
	}
	for i := range m.samples {
		m.samples[i].coded = false
	}
}

func (m *model) cleanupColumn(x, top, plane int) {
	bottom := min(top+4, m.height)
	run := bottom-top == 4
	first := 4 // the row of the first 1
	for y := top; y < bottom; y++ {
		h, v, d := m.sums(x, y)
		s := m.at(x, y)
		run = run && !s.significant && !s.coded && h+v+d == 0
		if first == 4 && m.bit(x, y, plane) == 1 {
			first = y - top
		}
	}
	y := top
	if run {
		any := 1
		if first == 4 {
			any = 0
		}
		if m.decision(&m.contexts[17], any) == 0 {
			return
		}
		row := m.decision(&m.contexts[18], first>>1)
		row = row<<1 | m.decision(&m.contexts[18], first&1)
		y += row
		m.codeSign(x, y)
		m.become(x, y, plane)
		y++
	}
	for ; y < bottom; y++ {
		s := m.at(x, y)
		if s.significant || s.coded {
			continue
		}
		if m.decision(m.zeroContext(x, y), m.bit(x, y, plane)) == 1 {
			m.codeSign(x, y)
			m.become(x, y, plane)
		}
	}
}

// segmentationSymbol is D.5.
func (m *model) segmentationSymbol() (v int) {
	for i := range 4 {
		v = v<<1 | m.decision(&m.contexts[18], 0b1010>>(3-i)&1)
	}
	return v
}

// pass codes the pass of a number, counted from 0, of a block with so many coded
// bit-planes. It returns the segmentation symbol, 0b1010 where there is none.
func (m *model) pass(n, planes int, style codeblock.Style) int {
	plane := planes - 1 - (n+2)/3
	symbol := 0b1010
	switch n % 3 {
	case 1:
		m.significancePropagation(plane, isRaw(n, style))
	case 2:
		m.magnitudeRefinement(plane, isRaw(n, style))
	default:
		m.cleanup(plane)
		if style&codeblock.SegSym != 0 {
			symbol = m.segmentationSymbol()
		}
	}
	if style&codeblock.Reset != 0 {
		m.reset()
	}
	return symbol
}

// isRaw reports whether a pass is one of raw bits (Table D.9).
func isRaw(n int, style codeblock.Style) bool {
	return style&codeblock.Bypass != 0 && n >= 10 && n%3 != 0
}

// coefficients are the samples as package codeblock has them.
func (m *model) coefficients(b *codeblock.Block) []int32 {
	out := make([]int32, len(m.samples))
	for i, s := range m.samples {
		if !s.significant {
			continue
		}
		v := (int64(s.magnitude)<<1 | 1<<s.plane) >> (1 - codeblock.Fraction(b.Planes))
		if s.negative {
			v = -v
		}
		out[i] = int32(v)
	}
	return out
}
