// This file writes the parts of packet headers (B.10).

package blocks

// A bitWriter writes the bits of a packet header, most significant first. After a
// byte 0xFF the next begins with a zero bit (B.10.1).
type bitWriter struct {
	out  []byte
	free int // bits of the last byte
}

// put writes the n low bits of v.
func (w *bitWriter) put(v, n int) {
	for n--; n >= 0; n-- {
		if w.free == 0 {
			w.free = 8
			if k := len(w.out); k > 0 && w.out[k-1] == 0xFF {
				w.free = 7
			}
			w.out = append(w.out, 0)
		}
		w.free--
		w.out[len(w.out)-1] |= byte(v >> n & 1 << w.free)
	}
}

// end ends the header. Its last byte cannot be 0xFF.
func (w *bitWriter) end() []byte {
	if k := len(w.out); k > 0 && w.out[k-1] == 0xFF {
		w.out = append(w.out, 0)
	}
	return w.out
}

// A tree is a tag tree (B.10.2). Its levels go from the leaves to the root; each
// node is the least of the up to four below.
type tree struct{ levels []treeLevel }

type treeLevel struct {
	across int
	value  []int
	known  []bool // the node is in the header
}

func newTree(leaves []int, across, down int) *tree {
	t := new(tree)
	for {
		t.levels = append(t.levels, treeLevel{across, leaves, make([]bool, len(leaves))})
		if len(leaves) == 1 {
			return t
		}
		a, d := (across+1)/2, (down+1)/2
		above := make([]int, a*d)
		for i := range above {
			above[i] = -1
		}
		for i, v := range leaves {
			k := i/across/2*a + i%across/2
			if above[k] < 0 || v < above[k] {
				above[k] = v
			}
		}
		leaves, across, down = above, a, d
	}
}

// code writes all that says the value of a leaf and was not written before.
func (t *tree) code(w *bitWriter, x, y int) {
	low := 0 // what the node above says
	for n := len(t.levels) - 1; n >= 0; n-- {
		l := &t.levels[n]
		i := y>>n*l.across + x>>n
		if !l.known[i] {
			for range l.value[i] - low {
				w.put(0, 1)
			}
			w.put(1, 1)
			l.known[i] = true
		}
		low = l.value[i]
	}
}
