package encode

// This file implements reducing colours to a palette, by median cut (Heckbert,
// SIGGRAPH 1982) on a histogram of 5 bits a sample.

import (
	"image/color"
	"slices"
)

// A histogram counts colours, with 5 bits each of red, green and blue.
type histogram [1 << 15]uint32

// bin is the place of a colour.
func bin(r, g, b uint8) int { return int(r>>3)<<10 | int(g>>3)<<5 | int(b>>3) }

// add counts the pixels of rgba that are opaque enough to be seen.
func (h *histogram) add(rgba []byte) {
	for i := 0; i+4 <= len(rgba); i += 4 {
		if rgba[i+3] >= 128 {
			h[bin(rgba[i], rgba[i+1], rgba[i+2])]++
		}
	}
}

// A colourBox is a part of the colour cube.
type colourBox struct {
	bins   []int // that have been counted
	count  int   // pixels in them
	axis   uint  // shift of the sample that varies most
	spread int   // by how much
}

// measure sets the fields beside bins.
func (c *colourBox) measure(h *histogram) {
	c.count, c.spread = 0, -1
	for _, b := range c.bins {
		c.count += int(h[b])
	}
	for _, axis := range []uint{5, 10, 0} { // green first, as the eye does
		lo, hi := 31, 0
		for _, b := range c.bins {
			v := b >> axis & 31
			lo, hi = min(lo, v), max(hi, v)
		}
		if hi-lo > c.spread {
			c.axis, c.spread = axis, hi-lo
		}
	}
}

// palette returns at most n colours that serve the counted pixels well.
func (h *histogram) palette(n int) color.Palette {
	var all colourBox
	for b, count := range h {
		if count > 0 {
			all.bins = append(all.bins, b)
		}
	}
	if len(all.bins) == 0 {
		return color.Palette{color.NRGBA{A: 255}}
	}
	all.measure(h)
	boxes := []colourBox{all}
	for len(boxes) < n {
		// Cut the box that costs most: many pixels, far apart.
		worst, most := -1, 0
		for i, c := range boxes {
			if cost := c.count * c.spread; cost > most {
				worst, most = i, cost
			}
		}
		if worst < 0 {
			break
		}
		c := boxes[worst]
		slices.SortFunc(c.bins, func(a, b int) int {
			if d := a>>c.axis&31 - b>>c.axis&31; d != 0 {
				return d
			}
			return a - b
		})
		at, sum := 1, int(h[c.bins[0]])
		for at < len(c.bins)-1 && sum < c.count/2 {
			sum += int(h[c.bins[at]])
			at++
		}
		halves := [2]colourBox{{bins: c.bins[:at]}, {bins: c.bins[at:]}}
		halves[0].measure(h)
		halves[1].measure(h)
		boxes[worst] = halves[0]
		boxes = append(boxes, halves[1])
	}
	p := make(color.Palette, len(boxes))
	for i, c := range boxes {
		var sum [3]int
		for _, b := range c.bins {
			for s, axis := range []uint{10, 5, 0} {
				v := b >> axis & 31
				sum[s] += (v<<3 | v>>2) * int(h[b])
			}
		}
		p[i] = color.NRGBA{uint8(sum[0] / c.count), uint8(sum[1] / c.count), uint8(sum[2] / c.count), 255}
	}
	return p
}

// A quantizer maps pixels to a palette, spreading the error over neighbours
// (Floyd and Steinberg).
type quantizer struct {
	colours [][3]int32
	clear   int            // index of the transparent colour, or -1
	near    [1 << 15]int16 // nearest colour of a bin, plus 1; 0: not looked up yet
	err     [2][][3]int32  // of this row and the next, in 1/16
}

// newQuantizer returns a quantizer for rows of width pixels. A last colour that
// is transparent is that of pixels with little opacity.
func newQuantizer(p color.Palette, width int) *quantizer {
	q := &quantizer{clear: -1}
	for i, c := range p {
		n := c.(color.NRGBA)
		if n.A == 0 {
			q.clear = i
			break
		}
		q.colours = append(q.colours, [3]int32{int32(n.R), int32(n.G), int32(n.B)})
	}
	q.err[0], q.err[1] = make([][3]int32, width+2), make([][3]int32, width+2)
	return q
}

// row maps the next row.
func (q *quantizer) row(dst, rgba []byte) {
	cur, next := q.err[0], q.err[1]
	clear(next)
	for x := range dst {
		p := rgba[4*x : 4*x+4]
		if q.clear >= 0 && p[3] < 128 {
			dst[x] = uint8(q.clear)
			continue
		}
		var want [3]int32
		for c := range want {
			want[c] = min(max(int32(p[c])+(cur[x+1][c]+8)>>4, 0), 255)
		}
		b := bin(uint8(want[0]), uint8(want[1]), uint8(want[2]))
		if q.near[b] == 0 {
			q.near[b] = int16(q.nearest(b)) + 1
		}
		i := q.near[b] - 1
		dst[x] = uint8(i)
		for c := range want {
			e := want[c] - q.colours[i][c]
			cur[x+2][c] += 7 * e
			next[x][c] += 3 * e
			next[x+1][c] += 5 * e
			next[x+2][c] += e
		}
	}
	q.err[0], q.err[1] = next, cur
}

// nearest returns the colour that is nearest to the middle of a bin.
func (q *quantizer) nearest(b int) int {
	best, least := 0, int32(1<<30)
	v := [3]int32{int32(b>>10&31)<<3 + 4, int32(b>>5&31)<<3 + 4, int32(b&31)<<3 + 4}
	for i, c := range q.colours {
		r, g, b := c[0]-v[0], c[1]-v[1], c[2]-v[2]
		if d := 2*r*r + 4*g*g + b*b; d < least {
			best, least = i, d
		}
	}
	return best
}
