// This file draws antialiased lines and polygons, and makes noise.

package testimg

import (
	"math"
	"slices"
)

// An ink is a colour; 1 is bright.
type ink struct{ r, g, b float64 }

func (a ink) mix(b ink, t float64) ink {
	return ink{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

func (a ink) times(k float64) ink { return ink{a.r * k, a.g * k, a.b * k} }

type point struct{ x, y float64 }

// A canvas is pixels in floating point.
type canvas struct {
	w, h int
	pix  []ink
}

func newCanvas(w, h int) canvas { return canvas{w, h, make([]ink, w*h)} }

// coverage is how much of a pixel is covered whose centre is so far from the
// middle of a line of half a width.
func coverage(away, half float64) float64 {
	return min(max(half+0.5-away, 0), 1) * min(2*half, 1)
}

// segment draws a line with round ends. When it continues another, what lies
// behind its start is left to that one.
func (c *canvas) segment(col ink, half, strength float64, where func(i int) bool, a, b point, continues bool) {
	reach := half + 1
	x0, x1 := int(min(a.x, b.x)-reach), int(max(a.x, b.x)+reach)+1
	y0, y1 := int(min(a.y, b.y)-reach), int(max(a.y, b.y)+reach)+1
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, c.w-1), min(y1, c.h-1)
	dx, dy := b.x-a.x, b.y-a.y
	length := dx*dx + dy*dy
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			px, py := float64(x)+0.5-a.x, float64(y)+0.5-a.y
			t := 0.0
			if length > 0 {
				t = (px*dx + py*dy) / length
			}
			if continues && t < 0 && half < 1 {
				continue
			}
			t = min(max(t, 0), 1)
			away := math.Hypot(px-t*dx, py-t*dy)
			if away > reach {
				continue
			}
			i := y*c.w + x
			if where == nil || where(i) {
				c.pix[i] = c.pix[i].mix(col, strength*coverage(away, half))
			}
		}
	}
}

// polygon fills a polygon, even-odd, with four samples a pixel each way.
func (c *canvas) polygon(col ink, corners []point) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range corners {
		x0, y0, x1, y1 = min(x0, p.x), min(y0, p.y), max(x1, p.x), max(y1, p.y)
	}
	inside := func(x, y float64) bool {
		in := false
		b := corners[len(corners)-1]
		for _, a := range corners {
			if (a.y > y) != (b.y > y) && x < (b.x-a.x)*(y-a.y)/(b.y-a.y)+a.x {
				in = !in
			}
			b = a
		}
		return in
	}
	for y := max(int(y0), 0); y <= min(int(y1), c.h-1); y++ {
		for x := max(int(x0), 0); x <= min(int(x1), c.w-1); x++ {
			hits := 0
			for k := range 16 {
				if inside(float64(x)+(float64(k%4)+0.5)/4, float64(y)+(float64(k/4)+0.5)/4) {
					hits++
				}
			}
			i := y*c.w + x
			c.pix[i] = c.pix[i].mix(col, float64(hits)/16)
		}
	}
}

// noise is smooth noise from -1 to 1 with a cell of 1: gradients at lattice
// points, blended.
func noise(x, y float64, seed uint32) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	u, v := x-fx, y-fy
	corner := func(i, j float64) float64 {
		h := hash(uint32(int32(fx+i)), uint32(int32(fy+j)), seed)
		sin, cos := math.Sincos(float64(h) * (2 * math.Pi / (1 << 32)))
		return cos*(u-i) + sin*(v-j)
	}
	fade := func(t float64) float64 { return t * t * t * (t*(t*6-15) + 10) }
	su, sv := fade(u), fade(v)
	top := corner(0, 0)*(1-su) + corner(1, 0)*su
	bottom := corner(0, 1)*(1-su) + corner(1, 1)*su
	return 1.4 * (top*(1-sv) + bottom*sv)
}

// fractal is octaves of noise, each half as large as the one before.
func fractal(x, y float64, octaves int, seed uint32) float64 {
	sum, size := 0.0, 0.5
	for n := range octaves {
		sum += size * noise(x, y, seed+uint32(n)*101)
		x, y = 2*x+17.3, 2*y-9.1
		size /= 2
	}
	return sum
}

// ridged is octaves of noise folded into ridges, from 0 to 1.
func ridged(x, y float64, octaves int, seed uint32) float64 {
	sum, size, weight := 0.0, 0.5, 1.0
	for n := range octaves {
		r := 1 - math.Abs(noise(x, y, seed+uint32(n)*131))
		r *= r
		sum += size * r * weight
		weight = min(1, 1.4*r)
		x, y, size = 2*x-5.7, 2*y+11.9, size/2
	}
	return sum
}

// A heap is cells to visit, lowest first.
type heap []heapItem

type heapItem struct {
	level float64
	cell  int
}

func (h *heap) push(level float64, cell int) {
	*h = append(*h, heapItem{level, cell})
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if s[up].level <= s[i].level {
			break
		}
		s[up], s[i] = s[i], s[up]
		i = up
	}
}

func (h *heap) pop() int {
	s := *h
	top := s[0].cell
	s[0] = s[len(s)-1]
	s = slices.Delete(s, len(s)-1, len(s))
	for i := 0; ; {
		low := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(s) && s[child].level < s[low].level {
				low = child
			}
		}
		if low == i {
			break
		}
		s[low], s[i] = s[i], s[low]
		i = low
	}
	*h = s
	return top
}
