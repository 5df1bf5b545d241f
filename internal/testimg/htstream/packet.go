// This file implements packets (B.9, B.10; Part 15, B.3).

package htstream

import (
	"image"
	"math/bits"

	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/ht/httest"
	"github.com/stria-j2k/stria/internal/tier1/tier1test"
)

// packet writes the packet of a resolution.
func (w *writer) packet(tile, component, resolution int, bands []band) {
	var head bitWriter
	var body []byte
	head.bits(1, 1)
	for _, b := range bands {
		if b.bounds.Empty() {
			continue
		}
		first := image.Pt(b.bounds.Min.X>>w.XCB, b.bounds.Min.Y>>w.YCB)
		end := image.Pt((b.bounds.Max.X-1)>>w.XCB+1, (b.bounds.Max.Y-1)>>w.YCB+1)
		size := end.Sub(first)
		blocks := make([]Block, size.X*size.Y)
		out, zero := make([]int, len(blocks)), make([]int, len(blocks))
		for i := range blocks {
			k := &blocks[i]
			at := first.Add(image.Pt(i%size.X, i/size.X))
			*k = Block{Tile: tile, Component: component, Resolution: resolution, Band: b.orient,
				Bounds: image.Rect(at.X<<w.XCB, at.Y<<w.YCB, (at.X+1)<<w.XCB, (at.Y+1)<<w.YCB).Intersect(b.bounds)}
			switch w.kind(tile, component) {
			case HT:
				k.HT = true
			case Mixed:
				k.HT = (at.X+at.Y)%2 == 0
			}
			w.encode(k, b)
			if out[i] = 1; k.Passes > 0 {
				out[i] = 0
			}
			zero[i] = k.ZeroPlanes
		}
		inclusion, planes := newTagTree(size, out), newTagTree(size, zero)
		for i := range blocks {
			k := &blocks[i]
			x, y := i%size.X, i/size.X
			inclusion.write(&head, x, y, 1)
			if k.Passes == 0 {
				continue
			}
			planes.write(&head, x, y, k.ZeroPlanes+1)
			head.passes(k.Passes)
			head.lengths(k, w.kind(tile, component) == Mixed)
			body = append(body, k.Data...)
			w.blocks = append(w.blocks, *k)
		}
	}
	w.out = append(w.out, head.end()...)
	w.out = append(w.out, body...)
}

// encode codes a block. Of one of zeros there are no passes.
func (w *writer) encode(k *Block, b band) {
	wide, high := k.Bounds.Dx(), k.Bounds.Dy()
	values := make([]int32, 0, wide*high)
	most := int32(0)
	for y := k.Bounds.Min.Y; y < k.Bounds.Max.Y; y++ {
		for x := k.Bounds.Min.X; x < k.Bounds.Max.X; x++ {
			v := *b.at(x, y)
			values = append(values, v)
			most = max(most, v, -v)
		}
	}
	if most == 0 {
		return
	}
	planes := w.planes(b.orient)
	if !k.HT {
		k.ZeroPlanes = planes - bits.Len32(uint32(most))
		coded := codeblock.Block{Width: wide, Height: high, Orient: b.orient, Planes: planes, ZeroPlanes: k.ZeroPlanes}
		magnitudes, negative := make([]uint32, len(values)), make([]bool, len(values))
		for i, v := range values {
			magnitudes[i], negative[i] = uint32(max(v, -v)), v < 0
		}
		k.Passes = 3*(planes-k.ZeroPlanes) - 2
		tier1test.Encode(&coded, magnitudes, negative, k.Passes)
		k.Data, k.Lengths = coded.Data, []int{len(coded.Data)}
		return
	}
	sets := min(w.Placeholders, planes-2)
	k.ZeroPlanes, k.Passes = planes-1-sets, 3*sets+1
	if w.Refine {
		more, known := httest.Refinement(values, wide, high, 2, false)
		complete := true
		for i := range values {
			complete = complete && known[i] == values[i]
		}
		if complete {
			k.ZeroPlanes--
			k.Passes += 2
			k.Data = httest.Cleanup(wide, high, func(x, y int) int32 { return values[y*wide+x] / 2 })
			k.Lengths = []int{len(k.Data), len(more)}
			k.Data = append(k.Data, more...)
			return
		}
	}
	k.Data = httest.Cleanup(wide, high, func(x, y int) int32 { return values[y*wide+x] })
	k.Lengths = []int{len(k.Data)}
}

// A bitWriter writes a packet header (B.10.1).
type bitWriter struct {
	out  []byte
	now  byte
	left int // bits that now has room for, once it has begun
}

func (w *bitWriter) bits(v, n int) {
	for n--; n >= 0; n-- {
		if w.left == 0 {
			w.left = 8
			if len(w.out) > 0 && w.out[len(w.out)-1] == 0xFF {
				w.left = 7
			}
		}
		w.left--
		if w.now |= byte(v>>n&1) << w.left; w.left == 0 {
			w.out = append(w.out, w.now)
			w.now = 0
		}
	}
}

func (w *bitWriter) end() []byte {
	for w.left > 0 || len(w.out) > 0 && w.out[len(w.out)-1] == 0xFF {
		w.bits(0, 1)
	}
	return w.out
}

// passes writes a number of passes (Table B.4).
func (w *bitWriter) passes(n int) {
	switch {
	case n == 1:
		w.bits(0, 1)
	case n == 2:
		w.bits(2, 2)
	case n < 6:
		w.bits(3<<2|(n-3), 4)
	case n < 37:
		w.bits(0xF<<5|(n-6), 9)
	default:
		w.bits(0x1FF<<7|(n-37), 16)
	}
}

// lengths writes Lblock and the lengths of a block's codeword segments (B.10.7), with
// the smallest Lblock there can be. Among Part 1 blocks the first length of a
// High-Throughput one has a bit more than it needs, and Lblock is at least 4 (Part 15,
// A.4).
func (w *bitWriter) lengths(k *Block, mixed bool) {
	passes := []int{k.Passes}
	if len(k.Lengths) == 2 {
		passes = []int{k.Passes - 2, 2}
	}
	size := func(i int) int { return bits.Len(uint(passes[i])) - 1 }
	lblock := 3
	for i, n := range k.Lengths {
		lblock = max(lblock, bits.Len(uint(n))-size(i))
	}
	if mixed && k.HT {
		lblock = max(lblock, 4, bits.Len(uint(k.Lengths[0]))-size(0)+1)
	}
	for range lblock - 3 {
		w.bits(1, 1)
	}
	w.bits(0, 1)
	for i, n := range k.Lengths {
		w.bits(n, lblock+size(i))
	}
}

// A tagTree is numbers and, level by level, the least of four (B.10.2).
type tagTree []tagLevel

type tagLevel struct {
	size  image.Point
	value []int
	told  []int // below which the number is known not to be, or what it is
	known []bool
}

func newTagTree(size image.Point, leaves []int) (t tagTree) {
	for {
		t = append(t, tagLevel{size, leaves, make([]int, len(leaves)), make([]bool, len(leaves))})
		if len(leaves) == 1 {
			return t
		}
		up := image.Pt((size.X+1)/2, (size.Y+1)/2)
		above := make([]int, up.X*up.Y)
		for i := range above {
			above[i] = 1 << 30
		}
		for i, v := range leaves {
			n := i/size.X/2*up.X + i%size.X/2
			above[n] = min(above[n], v)
		}
		size, leaves = up, above
	}
}

// write says of a leaf whether its number is less than a threshold, and what it is
// then.
func (t tagTree) write(w *bitWriter, x, y, threshold int) {
	low := 0
	for k := len(t) - 1; k >= 0; k-- {
		l := &t[k]
		i := (y>>k)*l.size.X + x>>k
		for low = max(low, l.told[i]); low < threshold && !l.known[i]; {
			if l.known[i] = l.value[i] == low; l.known[i] {
				w.bits(1, 1)
			} else {
				w.bits(0, 1)
				low++
			}
		}
		l.told[i] = low
	}
}
