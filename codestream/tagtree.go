// This file implements tag trees, read and written (B.10.2).

package codestream

// A tagTree codes a rectangle of numbers, lowest bounds first: a node has the
// smallest of its up to four children. Level 0 is the leaves.
//
// A node is its value, or what is known of it as a lower bound, times two, plus
// one if it is final.
type tagTree struct {
	level  []tagLevel // with memory of former use beyond the first n
	n      int        // levels; 0 when there are no leaves
	memory *stateMemory
}

type tagLevel struct {
	w, h int
	node []uint32 // nil until a node of the level is needed
}

// reset makes t a tree of w by h leaves about which nothing is known. It keeps
// t's memory.
func (t *tagTree) reset(w, h int) {
	t.n = 0
	if w == 0 || h == 0 {
		return
	}
	for {
		if t.n == len(t.level) {
			t.level = append(t.level, tagLevel{})
		}
		l := &t.level[t.n]
		l.w, l.h = w, h
		l.node = l.node[:0]
		t.n++
		if w == 1 && h == 1 {
			return
		}
		w, h = (w+1)/2, (h+1)/2
	}
}

// nodes gives level l's nodes, made when first asked for: the lower levels of a
// tree that says "nothing here" at its root cost nothing. It is nil when there
// is no memory for them.
func (t *tagTree) nodes(l *tagLevel) []uint32 {
	n := l.w * l.h
	if cap(l.node) < n {
		if !t.memory.take(4 * int64(n-cap(l.node))) {
			return nil
		}
		l.node = make([]uint32, n)
	} else {
		l.node = l.node[:n]
		clear(l.node)
	}
	return l.node
}

// A stateMemory bounds what reading packet headers may allocate, which is by
// the size of a precinct and not of a file. A nil one has no bound.
type stateMemory struct {
	left int64
	out  bool // something was refused
}

func (m *stateMemory) take(n int64) bool {
	if m == nil {
		return true
	}
	if n > m.left {
		m.out = true
		return false
	}
	m.left -= n
	return true
}

// decode reads what is needed to know whether leaf (x, y) is below threshold.
// It returns the leaf's value if it is, and otherwise threshold; level is then
// the highest level whose node settled that, so all leaves below that node are
// at least threshold too.
func (t *tagTree) decode(b *bitReader, x, y int, threshold uint32) (value uint32, level int) {
	low := uint32(0)
	for k := t.n - 1; k >= 0; k-- {
		l := &t.level[k]
		node := l.node
		if len(node) == 0 {
			if node = t.nodes(l); node == nil {
				return threshold, k
			}
		}
		p := &node[(y>>k)*l.w+x>>k]
		v := *p
		if v&1 == 0 {
			v = max(v>>1, low)
			zeros, final := b.zeros(max(threshold, v) - v)
			v += zeros
			*p = v<<1 | final
		} else {
			v >>= 1
		}
		if v >= threshold {
			return threshold, k
		}
		low = v
	}
	return low, 0
}

// A tagWriter writes a tag tree whose leaves are all known beforehand.
type tagWriter struct {
	level []tagWriterLevel
	n     int
}

type tagWriterLevel struct {
	w, h int
	node []tagWriterNode
}

type tagWriterNode struct {
	value, low uint32
	final      bool
}

// reset makes t a tree of w by h leaves that all have the value.
func (t *tagWriter) reset(w, h int, value uint32) {
	t.n = 0
	if w == 0 || h == 0 {
		return
	}
	for {
		if t.n == len(t.level) {
			t.level = append(t.level, tagWriterLevel{})
		}
		l := &t.level[t.n]
		l.w, l.h = w, h
		if cap(l.node) < w*h {
			l.node = make([]tagWriterNode, w*h)
		}
		l.node = l.node[:w*h]
		for i := range l.node {
			l.node[i] = tagWriterNode{value: value}
		}
		t.n++
		if w == 1 && h == 1 {
			return
		}
		w, h = (w+1)/2, (h+1)/2
	}
}

// set lowers leaf (x, y), and the nodes above it, to value.
func (t *tagWriter) set(x, y int, value uint32) {
	for k := range t.n {
		l := &t.level[k]
		p := &l.node[(y>>k)*l.w+x>>k]
		if p.value <= value {
			return
		}
		p.value = value
	}
}

// encode writes what is needed to know whether leaf (x, y) is below threshold,
// and returns the highest level whose node says that it is not, or 0.
func (t *tagWriter) encode(b *bitWriter, x, y int, threshold uint32) (level int) {
	low := uint32(0)
	for k := t.n - 1; k >= 0; k-- {
		l := &t.level[k]
		p := &l.node[(y>>k)*l.w+x>>k]
		p.low = max(p.low, low)
		for p.low < threshold && !p.final {
			if p.low >= p.value {
				b.bits(1, 1)
				p.final = true
				break
			}
			b.bits(0, 1)
			p.low++
		}
		if p.value >= threshold {
			return k
		}
		low = p.low
	}
	return 0
}
