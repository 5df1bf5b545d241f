// This file draws the chart of an archipelago that does not exist: a picture
// to look at, with hairlines and lettering beside smooth shading, so that there
// is something to find at every zoom.

package testimg

import (
	"image"
	"image/color"
	"math"
	"runtime"
	"slices"
	"sync"
)

// chart is the drawing under way. Coordinates of the design are on a sheet 2048
// wide; scale turns them into pixels.
type chart struct {
	canvas
	scale  float64
	frame  image.Rectangle // pixels: inside of the border
	height []float64       // elevation of each pixel; 0 is the shore
	shore  []float64       // distance of each pixel of sea from the shore, in pixels
}

// Chart draws the chart at a width and height in pixels; it is designed for
// 2048x1536. The same size gives the same picture, but for the rounding of
// floating point that differs between processors.
func Chart(width, height int) *image.NRGBA {
	c := &chart{
		canvas: newCanvas(width, height),
		scale:  float64(width) / 2048,
	}
	margin := int(64 * c.scale)
	c.frame = image.Rect(margin, margin, width-margin, height-margin)
	c.raise()
	c.measureShore()
	c.paint()
	c.contours()
	c.rivers()
	c.rhumbs()
	c.graticule()
	c.woods()
	c.names()
	c.rose()
	c.cartouche()
	c.border()
	return c.image()
}

// islands are where land is: centre, radius and height on the sheet.
var islands = []struct{ x, y, r, h float64 }{
	{890, 640, 470, 1},
	{1180, 840, 330, 0.85},
	{660, 930, 260, 0.6},
	{1560, 460, 190, 0.6},
	{1660, 640, 110, 0.35},
	{430, 400, 130, 0.4},
	{1500, 1120, 120, 0.42},
	{1330, 1230, 70, 0.3},
	{330, 1080, 90, 0.32},
}

// raise makes the elevation: islands whose outline and relief are noise.
func (c *chart) raise() {
	c.height = make([]float64, c.w*c.h)
	c.eachRow(func(y int) {
		for x := range c.w {
			u, v := float64(x)/c.scale, float64(y)/c.scale
			wu := u + 130*fractal(u/260, v/260, 5, 1)
			wv := v + 130*fractal(u/260, v/260, 5, 2)
			land := 0.0
			for _, i := range islands {
				d := math.Hypot(wu-i.x, wv-i.y) / i.r
				land = max(land, i.h*(1-d*d))
			}
			relief := ridged(wu/230, wv/230, 7, 3)
			land += 0.16 * fractal(u/110, v/110, 7, 4)
			c.height[y*c.w+x] = land - 0.18 + 0.75*max(land, 0)*(relief-0.35)
		}
	})
}

// measureShore fills the distance of sea pixels from land by two sweeps of a
// chamfer, exact enough for lines that follow the shore.
func (c *chart) measureShore() {
	c.shore = make([]float64, c.w*c.h)
	for i, h := range c.height {
		if h < 0 {
			c.shore[i] = math.Inf(1)
		}
	}
	near := func(x, y, dx, dy int, d float64) {
		if x+dx >= 0 && x+dx < c.w && y+dy >= 0 && y+dy < c.h {
			i := y*c.w + x
			c.shore[i] = min(c.shore[i], c.shore[i+dy*c.w+dx]+d)
		}
	}
	diagonal, knight := math.Sqrt2, math.Sqrt(5)
	sweep := func(x, y, s int) {
		near(x, y, -s, 0, 1)
		near(x, y, 0, -s, 1)
		near(x, y, -s, -s, diagonal)
		near(x, y, s, -s, diagonal)
		near(x, y, -2*s, -s, knight)
		near(x, y, 2*s, -s, knight)
		near(x, y, -s, -2*s, knight)
		near(x, y, s, -2*s, knight)
	}
	for y := range c.h {
		for x := range c.w {
			sweep(x, y, 1)
		}
	}
	for y := c.h - 1; y >= 0; y-- {
		for x := c.w - 1; x >= 0; x-- {
			sweep(x, y, -1)
		}
	}
}

// tints are the colours of the land by elevation.
var tints = []struct {
	at float64
	ink
}{
	{0.00, ink{0.80, 0.80, 0.58}},
	{0.08, ink{0.72, 0.78, 0.53}},
	{0.25, ink{0.84, 0.82, 0.58}},
	{0.45, ink{0.87, 0.73, 0.50}},
	{0.70, ink{0.76, 0.58, 0.43}},
	{0.95, ink{0.88, 0.84, 0.80}},
	{1.20, ink{0.98, 0.98, 0.98}},
}

func tint(h float64) ink {
	for i := 1; i < len(tints); i++ {
		if h < tints[i].at {
			a, b := tints[i-1], tints[i]
			return a.mix(b.ink, (h-a.at)/(b.at-a.at))
		}
	}
	return tints[len(tints)-1].ink
}

// paint lays the ground: shaded land, and a sea that deepens from the shore
// with lines that echo it.
func (c *chart) paint() {
	shallow, deep := ink{0.78, 0.87, 0.84}, ink{0.50, 0.68, 0.74}
	c.eachRow(func(y int) {
		for x := range c.w {
			i := y*c.w + x
			h := c.height[i]
			if h >= 0 {
				dx, dy := c.slope(x, y)
				light := 1 / math.Sqrt(1+dx*dx+dy*dy)
				shade := light * (0.80 - 0.52*dx - 0.62*dy)
				c.pix[i] = tint(h).times(0.42 + 0.62*min(max(shade, 0), 1.35))
				continue
			}
			d := c.shore[i] / c.scale
			col := shallow.mix(deep, 1-math.Exp(-d/170))
			// Lines at growing distances, fading out to sea.
			rank := 1.45 * math.Sqrt(d)
			if n := math.Round(rank); n >= 2 && n <= 15 {
				away := math.Abs(d-math.Pow(n/1.45, 2)) * c.scale
				col = col.mix(ink{0.16, 0.33, 0.42}, 0.62*coverage(away, 0.55)*(1-n/17))
			}
			c.pix[i] = col
		}
	})
}

// slope is the gradient of the elevation in sheet units, exaggerated for
// shading.
func (c *chart) slope(x, y int) (dx, dy float64) {
	x0, x1 := max(x-1, 0), min(x+1, c.w-1)
	y0, y1 := max(y-1, 0), min(y+1, c.h-1)
	k := 75 * c.scale
	dx = (c.height[y*c.w+x1] - c.height[y*c.w+x0]) * k / float64(x1-x0)
	dy = (c.height[y1*c.w+x] - c.height[y0*c.w+x]) * k / float64(y1-y0)
	return dx, dy
}

// contours draws the shore, and lines of equal elevation, every fifth heavier.
func (c *chart) contours() {
	brown := ink{0.36, 0.22, 0.12}
	c.eachRow(func(y int) {
		for x := range c.w {
			i := y*c.w + x
			h := c.height[i]
			if h < -0.05 {
				continue
			}
			dx, dy := c.slope(x, y)
			rise := math.Hypot(dx, dy) / (75 * c.scale) // a pixel
			if rise == 0 {
				continue
			}
			if away := math.Abs(h) / rise; away < 3 {
				c.pix[i] = c.pix[i].mix(ink{0.13, 0.15, 0.16}, coverage(away, 1.1*c.scale))
			}
			const step = 0.035
			n := math.Round(h / step)
			if h < step/2 || rise > step/2.5 {
				continue
			}
			width, strength := 0.35, 0.42
			if math.Mod(n, 5) == 0 {
				width, strength = 0.7, 0.66
			}
			c.pix[i] = c.pix[i].mix(brown, strength*coverage(math.Abs(h-n*step)/rise, width*c.scale))
		}
	})
}

// rivers run from many springs down the steepest way to the sea on a coarse
// grid whose hollows are filled, and widen as they join.
func (c *chart) rivers() {
	const step = 4 // sheet units
	gw, gh := int(float64(c.w)/c.scale)/step, int(float64(c.h)/c.scale)/step
	height := make([]float64, gw*gh)
	for y := range gh {
		for x := range gw {
			px := min(int(float64(x*step)*c.scale), c.w-1)
			py := min(int(float64(y*step)*c.scale), c.h-1)
			height[y*gw+x] = c.height[py*c.w+px]
		}
	}
	down, order := drain(height, gw, gh)
	flow := make([]float64, gw*gh)
	for _, i := range slices.Backward(order) {
		flow[i]++
		if down[i] >= 0 {
			flow[down[i]] += flow[i]
		}
	}
	// Nodes are moved off the grid a little, so that no river runs straight.
	node := func(i int) point {
		x, y := i%gw, i/gw
		jx := float64(hash(uint32(x), uint32(y), 7)%1000)/1000 - 0.5
		jy := float64(hash(uint32(x), uint32(y), 8)%1000)/1000 - 0.5
		return point{(float64(x) + 0.7*jx) * step, (float64(y) + 0.7*jy) * step}
	}
	blue := ink{0.20, 0.40, 0.52}
	for _, i := range order {
		if flow[i] < 90 || height[i] < 0 || down[i] < 0 {
			continue
		}
		width := min(0.45+0.035*math.Sqrt(flow[i]), 2.4)
		c.line(blue, width, 0.95, node(i), node(down[i]))
	}
}

// drain returns for each cell of a grid the neighbour it drains to, -1 at the
// rim, and the cells from the sea upwards: the flood of Barnes, Lehman and
// Mulla with a heap by elevation.
func drain(height []float64, w, h int) (down, order []int) {
	down = make([]int, w*h)
	seen := make([]bool, w*h)
	level := slices.Clone(height)
	var queue heap
	for i := range height {
		down[i] = -1
		x, y := i%w, i/w
		if height[i] < 0 || x == 0 || y == 0 || x == w-1 || y == h-1 {
			seen[i] = true
			queue.push(level[i], i)
		}
	}
	for len(queue) > 0 {
		i := queue.pop()
		order = append(order, i)
		x, y := i%w, i/w
		for n := range 9 {
			nx, ny := x+n%3-1, y+n/3-1
			if nx < 0 || ny < 0 || nx >= w || ny >= h || seen[ny*w+nx] {
				continue
			}
			j := ny*w + nx
			seen[j] = true
			down[j] = i
			level[j] = max(level[j], level[i]+1e-9)
			queue.push(level[j], j)
		}
	}
	return down, order
}

// rhumbs draws the lines that run out from the compass rose over the sea.
func (c *chart) rhumbs() {
	centre := c.roseCentre()
	for n := range 32 {
		sin, cos := math.Sincos(float64(n) * math.Pi / 16)
		width, strength := 0.45, 0.35
		if n%4 == 0 {
			width, strength = 0.6, 0.5
		}
		c.strokeIf(ink{0.45, 0.20, 0.14}, width, strength, func(i int) bool { return c.height[i] < 0 },
			centre, point{centre.x + 2600*cos, centre.y + 2600*sin})
	}
}

func (c *chart) roseCentre() point { return point{1776, 0.715 * float64(c.h) / c.scale} }

// graticule draws meridians and parallels, slightly curved.
func (c *chart) graticule() {
	black := ink{0.2, 0.2, 0.22}
	h := float64(c.h) / c.scale
	for n := range 9 {
		var line []point
		for k := range 41 {
			v := float64(k) / 40
			line = append(line, point{float64(n)*256 + (float64(n)-4)*22*(v-0.5)*(v-0.5), v * h})
		}
		c.line(black, 0.4, 0.45, line...)
	}
	for n := range 8 {
		var line []point
		for k := range 41 {
			u := float64(k) / 40
			line = append(line, point{u * 2048, float64(n)*256 + 26*(u-0.5)*(u-0.5)*4 - 13})
		}
		c.line(black, 0.4, 0.45, line...)
	}
}

// woods plants trees on gentle slopes of middle elevation where a noise says.
func (c *chart) woods() {
	green, dark := ink{0.42, 0.52, 0.29}, ink{0.20, 0.29, 0.14}
	const step = 9
	for v := 80.0; v < float64(c.h)/c.scale-80; v += step {
		for u := 80.0; u < 2048-80; u += step {
			iu, iv := uint32(u), uint32(v)
			x := u + float64(hash(iu, iv, 11)%100)/14
			y := v + float64(hash(iu, iv, 12)%100)/14
			px, py := int(x*c.scale), int(y*c.scale)
			h := c.height[py*c.w+px]
			dx, dy := c.slope(px, py)
			if h < 0.05 || h > 0.42 || math.Hypot(dx, dy) > 0.75 || fractal(x/90, y/90, 4, 13) < 0.13 {
				continue
			}
			r := 2.2 + float64(hash(iu, iv, 14)%100)/100
			c.disc(dark, 0.25, point{x + 0.9, y + 0.9}, r)
			c.disc(green, 0.95, point{x, y}, r)
			c.line(dark, 0.35, 0.9, arc(point{x, y}, r, -0.6, 2.4)...)
			c.line(dark, 0.4, 0.9, point{x, y + r}, point{x, y + r + 1.6})
		}
	}
}

// names writes what the places are called. The author of each name was a
// standard.
func (c *chart) names() {
	sea := ink{0.10, 0.26, 0.36}
	land := ink{0.15, 0.11, 0.08}
	c.text(sea, 26, 1.3, 19, "THE SEA OF TIERS", curve(180, 270, 760, 150, -25)...)
	c.text(sea, 17, 0.9, 16, "MALLAT DEEP", curve(1080, 1290, 1300, 1370, 15)...)
	c.text(sea, 15, 0.9, 9, "STRAIT OF TAUBMAN", curve(1345, 330, 1490, 690, -8)...)
	c.text(sea, 15, 0.9, 8, "PACKET BAY", curve(180, 720, 390, 760, 14)...)
	c.text(sea, 13, 0.8, 7, "TAG TREE SOUND", curve(700, 1190, 930, 1160, 18)...)
	c.label(land, 24, 1.7, 44, "STRIA", curve(700, 690, 1110, 720, -46)...)
	c.label(land, 13, 0.9, 8, "MOUNTS OF DAUBECHIES", curve(760, 480, 1060, 560, -28)...)
	c.label(land, 13, 0.9, 9, "PRECINCTS", curve(1060, 880, 1270, 930, 18)...)
	c.label(land, 12, 0.9, 6, "WOOD OF CODEBLOCKS", curve(590, 880, 790, 960, 20)...)
	for _, p := range []struct {
		x, y float64
		name string
	}{
		{1560, 440, "NEW HAAR"},
		{1640, 610, "LE GALL"},
		{430, 390, "CAPE COD"},
		{1490, 1105, "LOSSLESS"},
		{330, 1075, "ISLE OF SIZ"},
		{452, 803, "PORT PLT"},
		{1020, 730, "ST. TLM"},
		{1452, 742, "QCD-ON-SEA"},
		{650, 1000, "EBCOT"},
		{960, 560, "HIGH BAND"},
		{1100, 1000, "LOW BAND"},
		{640, 560, "MARCELLIN"},
	} {
		at := point{p.x, p.y}
		c.disc(land, 1, at, 3.2)
		c.disc(ink{0.95, 0.9, 0.8}, 1, at, 1.9)
		c.disc(land, 1, at, 0.8)
		c.label(land, 9, 0.85, 2.6, p.name, point{p.x + 7, p.y + 3}, point{p.x + 300, p.y + 3})
	}
	// Soundings: depths in fathoms, from the distance to the shore.
	for v := 110.0; v < float64(c.h)/c.scale-110; v += 46 {
		for u := 110.0; u < 2048-110; u += 58 {
			x := u + float64(hash(uint32(u), uint32(v), 21)%40)
			y := v + float64(hash(uint32(u), uint32(v), 22)%30)
			d := c.shore[int(y*c.scale)*c.w+int(x*c.scale)] / c.scale
			if d < 26 || hash(uint32(u), uint32(v), 23)%5 == 0 {
				continue
			}
			depth := int(d*0.6) + int(hash(uint32(u), uint32(v), 24)%9)
			c.text(sea.mix(ink{1, 1, 1}, 0.15), 5.5, 0.5, 1.6, decimal(depth), point{x, y}, point{x + 60, y})
		}
	}
}

// rose draws the compass rose.
func (c *chart) rose() {
	o := c.roseCentre()
	paper, red, dark, gold := ink{0.96, 0.92, 0.82}, ink{0.66, 0.18, 0.13}, ink{0.12, 0.20, 0.27}, ink{0.80, 0.62, 0.26}
	at := func(r float64, turn float64) point { // turn in 32nds from north
		sin, cos := math.Sincos(turn * math.Pi / 16)
		return point{o.x + r*sin, o.y - r*cos}
	}
	c.disc(paper, 0.9, o, 142)
	for _, r := range []float64{142, 138, 118, 115, 60, 58} {
		c.line(dark, 0.7, 1, arc(o, r, 0, 2*math.Pi)...)
	}
	for n := range 360 {
		r, t := 124.0, float64(n)*32/360
		switch {
		case n%10 == 0:
			r = 118
		case n%5 == 0:
			r = 121
		}
		c.line(dark, 0.45, 1, at(r, t), at(127, t))
		if n%30 == 0 {
			label := decimal(n)
			s := at(129.5, t-0.3*float64(len(label)))
			e := at(129.5, t+4)
			c.text(dark, 6, 0.55, 1.8, label, s, e)
		}
	}
	spike := func(turn, length, waist float64, left, right ink) {
		tip := at(length, turn)
		c.fill(left, tip, at(waist, turn-2), o)
		c.fill(right, tip, at(waist, turn+2), o)
		c.line(dark, 0.5, 1, at(waist, turn-2), tip, at(waist, turn+2))
		c.line(dark, 0.4, 1, o, tip)
	}
	for n := range 8 {
		spike(4*float64(n)+2, 78, 14, paper, gold)
	}
	for n := range 4 {
		spike(8*float64(n)+4, 96, 20, paper, dark)
	}
	for n := range 4 {
		spike(8*float64(n), 114, 26, paper, red)
	}
	c.disc(gold, 1, o, 9)
	c.line(dark, 0.6, 1, arc(o, 9, 0, 2*math.Pi)...)
	// A lily for north.
	top := at(150, 0)
	c.fill(red, point{top.x, top.y - 26}, point{top.x - 7, top.y - 8}, point{top.x, top.y + 2}, point{top.x + 7, top.y - 8})
	for _, s := range []float64{-1, 1} {
		c.line(red, 1.6, 1, point{top.x, top.y}, point{top.x + 8*s, top.y - 9}, point{top.x + 13*s, top.y - 12},
			point{top.x + 15*s, top.y - 8}, point{top.x + 12*s, top.y - 5})
	}
}

// cartouche writes the title and a scale into a frame in the lower left.
func (c *chart) cartouche() {
	h := float64(c.h) / c.scale
	x, y, w, d := 118.0, h-300, 470.0, 182.0
	paper, dark, red := ink{0.97, 0.93, 0.83}, ink{0.14, 0.12, 0.10}, ink{0.60, 0.17, 0.12}
	box := func(inset, width float64) {
		c.line(dark, width, 1, point{x + inset, y + inset}, point{x + w - inset, y + inset},
			point{x + w - inset, y + d - inset}, point{x + inset, y + d - inset}, point{x + inset, y + inset})
	}
	c.fill(ink{0.3, 0.35, 0.36}, point{x + 6, y + 6}, point{x + w + 6, y + 6}, point{x + w + 6, y + d + 6}, point{x + 6, y + d + 6})
	c.fill(paper, point{x, y}, point{x + w, y}, point{x + w, y + d}, point{x, y + d})
	box(0, 2.2)
	box(6, 0.8)
	box(9, 0.4)
	// A knotted band: guilloche of two sines.
	for k := range 2 {
		var line []point
		for i := range 400 {
			t := float64(i) / 399
			line = append(line, point{x + 20 + t*(w-40), y + 80 + 4*math.Sin(t*44*math.Pi+float64(k)*math.Pi)})
		}
		c.line(red, 0.5, 0.9, line...)
	}
	c.text(red, 38, 2.6, 20, "STRIA", point{x + 128, y + 62}, point{x + w, y + 62})
	c.text(dark, 11, 0.8, 4, "AND THE ISLANDS OF THE TIERS", point{x + 78, y + 104}, point{x + w, y + 104})
	c.text(dark, 7, 0.6, 2.5, "SURVEYED IN TILES, DRAWN BY CODE, ENGRAVED IN WAVELETS", point{x + 58, y + 120}, point{x + w, y + 120})
	c.text(dark, 5, 0.5, 1.7, "A TILE COSTS WHAT A TILE COSTS, NOT WHAT THE CHART DOES",
		point{x + 96, y + 132}, point{x + w, y + 132})
	sx, sy := x+85, y+142
	for n := range 6 {
		a, b := sx+50*float64(n), sx+50*float64(n+1)
		colour := paper
		if n%2 == 0 {
			colour = dark
		}
		c.fill(colour, point{a, sy}, point{b, sy}, point{b, sy + 6}, point{a, sy + 6})
		c.text(dark, 6, 0.5, 2, decimal(n*10), point{a - 3, sy + 17}, point{a + 90, sy + 17})
	}
	c.line(dark, 0.7, 1, point{sx, sy}, point{sx + 300, sy}, point{sx + 300, sy + 6}, point{sx, sy + 6}, point{sx, sy})
	c.text(dark, 6, 0.5, 2, "60 LEAGUES", point{sx + 295, sy + 17}, point{sx + 400, sy + 17})
}

// border draws paper around the chart, and a frame of degrees on it.
func (c *chart) border() {
	paper, dark := ink{0.95, 0.91, 0.81}, ink{0.13, 0.12, 0.11}
	w, h := 2048.0, float64(c.h)/c.scale
	c.eachRow(func(y int) {
		for x := range c.w {
			if !(image.Point{X: x, Y: y}).In(c.frame) {
				u, v := float64(x)/c.scale, float64(y)/c.scale
				edge := min(u, v, w-u, h-v)
				stain := 0.05 * fractal(u/300, v/300, 3, 31)
				c.pix[y*c.w+x] = paper.times(1 + stain - 0.22*math.Exp(-edge/14))
			}
		}
	})
	box := func(inset, width float64) {
		c.line(dark, width, 1, point{inset, inset}, point{w - inset, inset},
			point{w - inset, h - inset}, point{inset, h - inset}, point{inset, inset})
	}
	box(64, 1.2)
	box(56, 0.6)
	box(48, 0.6)
	box(42, 2.4)
	side := func(length float64, at func(t, depth float64) point) {
		const step = 16
		for n := 0; ; n++ {
			a := 64 + step*float64(n)
			if a >= length-64 {
				break
			}
			b := min(a+step, length-64)
			if n%2 == 0 {
				c.fill(dark, at(a, 49.5), at(b, 49.5), at(b, 54.5), at(a, 54.5))
			}
			for k := range 4 {
				c.line(dark, 0.35, 1, at(min(a+4*float64(k), b), 56), at(min(a+4*float64(k), b), 60))
			}
			if n%8 == 0 && n > 0 {
				p := at(a, 30)
				c.text(dark, 9, 0.7, 2.6, decimal(n), point{p.x - 5, p.y + 5}, point{p.x + 60, p.y + 5})
			}
		}
	}
	side(w, func(t, d float64) point { return point{t, d} })
	side(w, func(t, d float64) point { return point{t, h - d} })
	side(h, func(t, d float64) point { return point{d, t} })
	side(h, func(t, d float64) point { return point{w - d, t} })
}

// text writes along a polyline: letters size high with lines of a width, apart
// by a gap, their feet on the line.
func (c *chart) text(col ink, size, width, gap float64, s string, path ...point) {
	c.write(col, size, width, 1, gap, s, path)
}

// glow is text in light so thin that it takes several to show.
func (c *chart) glow(size, width, gap float64, s string, path ...point) {
	c.write(ink{1, 0.96, 0.84}, size, width, 0.13, gap, s, path)
}

func (c *chart) write(col ink, size, width, strength, gap float64, s string, path []point) {
	at := 0.0
	unit := size / 6
	for i := range len(s) {
		advance := 4*unit + gap
		p, dir := along(path, at+2*unit)
		for _, strokes := range Polylines(s[i]) {
			line := make([]point, len(strokes))
			for k, q := range strokes {
				u, v := (float64(q.X)-2)*unit, (float64(q.Y)-6)*unit
				line[k] = point{p.x + u*dir.x - v*dir.y, p.y + u*dir.y + v*dir.x}
			}
			c.line(col, width, strength, soften(soften(line))...)
		}
		if s[i] == ' ' {
			advance *= 0.8
		}
		at += advance
	}
}

// label writes text with light around it, so that it reads on any ground.
func (c *chart) label(col ink, size, width, gap float64, s string, path ...point) {
	for n := 5; n > 0; n-- {
		c.glow(size, width+1.6*float64(n), gap, s, path...)
	}
	c.text(col, size, width, gap, s, path...)
}

// along returns the point at a distance from the start of a polyline, and the
// direction there.
func along(path []point, at float64) (p, direction point) {
	for i := 1; ; i++ {
		a, b := path[i-1], path[i]
		length := math.Hypot(b.x-a.x, b.y-a.y)
		if at <= length || i == len(path)-1 {
			d := point{(b.x - a.x) / length, (b.y - a.y) / length}
			return point{a.x + d.x*at, a.y + d.y*at}, d
		}
		at -= length
	}
}

// soften cuts the corners of a polyline that turn by an eighth or less.
func soften(line []point) []point {
	if len(line) < 3 {
		return line
	}
	out := []point{line[0]}
	for i := 1; i < len(line)-1; i++ {
		a, b, d := line[i-1], line[i], line[i+1]
		ux, uy, vx, vy := b.x-a.x, b.y-a.y, d.x-b.x, d.y-b.y
		cos := (ux*vx + uy*vy) / (math.Hypot(ux, uy) * math.Hypot(vx, vy))
		if cos < 0.6 {
			out = append(out, b)
			continue
		}
		out = append(out, point{b.x - ux/4, b.y - uy/4}, point{b.x + vx/4, b.y + vy/4})
	}
	return append(out, line[len(line)-1])
}

// curve is a path from one point to another that sags by so much in its middle.
func curve(x0, y0, x1, y1, sag float64) []point {
	var path []point
	for i := range 33 {
		t := float64(i) / 32
		path = append(path, point{x0 + t*(x1-x0), y0 + t*(y1-y0) + sag*4*t*(1-t)})
	}
	return path
}

// arc is a part of a circle.
func arc(o point, r, from, to float64) []point {
	var path []point
	n := max(int(r), 12)
	for i := range n + 1 {
		sin, cos := math.Sincos(from + (to-from)*float64(i)/float64(n))
		path = append(path, point{o.x + r*cos, o.y + r*sin})
	}
	return path
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

// line draws a polyline of the sheet.
func (c *chart) line(col ink, width, strength float64, path ...point) {
	c.strokeIf(col, width, strength, nil, path...)
}

// strokeIf draws a polyline of the sheet where a condition holds of a pixel.
func (c *chart) strokeIf(col ink, width, strength float64, where func(i int) bool, path ...point) {
	for i := 1; i < len(path); i++ {
		c.segment(col, width*c.scale/2, strength, where,
			point{path[i-1].x * c.scale, path[i-1].y * c.scale}, point{path[i].x * c.scale, path[i].y * c.scale},
			i > 1)
	}
}

// disc fills a circle of the sheet.
func (c *chart) disc(col ink, strength float64, o point, r float64) {
	c.segment(col, r*c.scale, strength, nil, point{o.x * c.scale, o.y * c.scale}, point{o.x * c.scale, o.y * c.scale}, false)
}

// fill fills a polygon of the sheet.
func (c *chart) fill(col ink, corners ...point) {
	scaled := make([]point, len(corners))
	for i, p := range corners {
		scaled[i] = point{p.x * c.scale, p.y * c.scale}
	}
	c.polygon(col, scaled)
}

// image returns the drawing with 8 bits a sample.
func (c *chart) image() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, c.w, c.h))
	to8 := func(v float64) uint8 { return uint8(min(max(v, 0), 1)*255 + 0.5) }
	c.eachRow(func(y int) {
		for x := range c.w {
			p := c.pix[y*c.w+x]
			m.SetNRGBA(x, y, color.NRGBA{to8(p.r), to8(p.g), to8(p.b), 255})
		}
	})
	return m
}

// eachRow calls f for every row, several at once.
func (c *canvas) eachRow(f func(y int)) {
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for n := range workers {
		wait.Go(func() {
			for y := n; y < c.h; y += workers {
				f(y)
			}
		})
	}
	wait.Wait()
}
