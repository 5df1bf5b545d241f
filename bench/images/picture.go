// This file draws the picture: a photograph of a landscape on film, scanned, so
// that an encoder spends its bits where it does on scans. There are large even
// areas and texture at all scales, edges in and out of focus, small writing, and
// above all grain, most of it in the middle tones. Any row is drawn by itself.

package images

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
)

// A painter draws rows of one picture. It is not safe for concurrent use.
type painter struct {
	*scene
	row []colour
}

// paint draws row y, without grain.
func (p *painter) paint(y int) {
	fy := float32(y)
	for x := range p.row {
		p.row[x] = p.ground(x, y)
	}
	p.paintHouse(y)
	p.paintBoard(y)
	for i := range p.leaves {
		if l := &p.leaves[i]; fy > l.y-l.reach && fy < l.y+l.reach {
			p.paintLeaf(l, y)
		}
	}
}

// ground is the sky and the hills: what is behind everything else.
func (p *painter) ground(x, y int) colour {
	fx, fy := float32(x), float32(y)
	h := float32(p.height)
	fine := p.fine[0].pixel(x, y)
	// Longer waves, and those of the whole picture.
	mid := p.fine[1].at(fx/12+300, fy/12)
	wide := p.coarse[0].at(fx*160/float32(p.width), fy*160/float32(p.width))

	// Where two of them meet there is a little of both: out of focus far away.
	far := ramp(fy-p.ridges[0][x], -0.0008*h-1, 0.0008*h+1)
	wood := ramp(fy-p.ridges[1][x], -1.5, 1.5)
	meadow := ramp(fy-p.ridges[2][x]+2*fine, -1.5, 1.5)

	var c colour
	if far < 1 {
		height := fy / (0.42 * h)
		c = colour{0.30, 0.45, 0.70}.mix(colour{0.78, 0.83, 0.87}, height)
		cloud := ramp(0.9*wide+0.45*mid+0.05*fine+0.9*height-0.6, 0, 1.6)
		c = c.mix(colour{0.93, 0.92, 0.90}.times(1-0.08*max(mid, 0)), cloud)
	}
	if far > 0 && wood < 1 {
		rock := colour{0.42, 0.48, 0.57}.times(1 + 0.11*wide + 0.10*mid + 0.05*fine)
		snow := ramp(0.4*h-fy+0.04*h*mid, 0, 0.06*h)
		c = c.mix(rock.mix(colour{0.80, 0.83, 0.88}, 0.7*snow), far)
	}
	if wood > 0 && meadow < 1 {
		deep := fy - p.ridges[1][x]
		kind := ramp(wide+0.5*mid, -1, 1)
		tree := colour{0.17, 0.23, 0.15}.mix(colour{0.30, 0.33, 0.17}, kind)
		crown := 1 + 0.30*fine + 0.25*mid + 0.15*ramp(-deep, -0.02*h, 0)
		c = c.mix(tree.times(max(crown, 0.15)), wood)
	}
	if meadow > 0 {
		// Blades of grass are higher than wide, more so nearby.
		near := ramp(fy, 0.55*h, h)
		blade := p.fine[1].at(fx*(1-0.4*near), fy*(0.6-0.35*near))
		dry := ramp(wide+0.6*mid, -1.2, 1.4)
		grass := colour{0.40, 0.43, 0.19}.mix(colour{0.56, 0.47, 0.27}, dry)
		c = c.mix(grass.times(max(1+0.20*blade+0.10*fine+0.12*mid, 0.1)), meadow)
	}
	return c
}

// paintHouse draws the house's part of row y.
func (p *painter) paintHouse(y int) {
	h, fy := &p.house, float32(y)
	if fy < h.top-2 || fy > h.front.y1+2 {
		return
	}
	for x := max(int(h.roof[0])-2, 0); x < min(int(h.roof[1])+2, p.width); x++ {
		fx := float32(x)
		fine, mid := p.fine[0].pixel(x, y+511), p.fine[1].at(fx/9, fy/9)
		if in := h.front.inside(fx, fy); in > -1 {
			row := (fy - h.front.y0) / h.plank
			n := int(row)
			gap := ramp(min(row-float32(n), float32(n+1)-row)*h.plank, 0, 1.8)
			wood := colour{0.50, 0.33, 0.20}.times(0.75 + 0.4*unit(n, 0, 50))
			streak := p.fine[1].at(fx/7+float32(97*n), fy*0.8)
			wood = wood.times((1 + 0.13*streak + 0.05*fine + 0.08*mid) * (0.35 + 0.65*gap))
			// The eaves throw a shadow.
			below := (fy - h.front.y0) / (h.front.y1 - h.front.y0)
			wood = wood.times(0.5 + 0.5*ramp(below, 0.08, 0.11))
			for i, o := range h.openings {
				p.paintOpening(&wood, o, i, fx, fy, fine)
			}
			p.row[x] = p.row[x].mix(wood, ramp(in, -0.8, 0.8))
		}
		// The roof's sides lean.
		down := (fy - h.top) / (h.front.y0 + 4 - h.top)
		left := h.roof[2] + (h.roof[0]-h.roof[2])*down
		right := h.roof[3] + (h.roof[1]-h.roof[3])*down
		in := min(fx-left, right-fx, fy-h.top, h.front.y0+4-fy)
		if in > -1 {
			course := 0.8 * h.plank
			n := int((fy - h.top) / course)
			t := (fx-left)/course + 0.5*float32(n&1)
			shingle := int(t)
			edge := min(fy-h.top-float32(n)*course, (t-float32(shingle))*course)
			tile := colour{0.40, 0.24, 0.19}.times(0.7 + 0.5*unit(shingle, n, 51))
			tile = tile.times((1 + 0.14*fine + 0.16*mid) * (0.45 + 0.55*ramp(edge, -0.3, 2.2)))
			p.row[x] = p.row[x].mix(tile, ramp(in, -0.8, 0.8))
		}
	}
}

// paintOpening draws a point of a window, or of the last opening, the door.
func (p *painter) paintOpening(c *colour, o box, i int, fx, fy, fine float32) {
	in := o.inside(fx, fy)
	if in < -1 {
		return
	}
	w := o.x1 - o.x0
	frame := colour{0.82, 0.80, 0.74}.times(1 + 0.03*fine)
	inner := colour{0.23, 0.30, 0.24}.times(1 + 0.06*fine)
	if i < len(p.house.openings)-1 {
		// Panes mirror the sky, with a curtain behind.
		sky := ramp(fy-0.8*(fx-o.x0), o.y0, o.y1)
		inner = colour{0.55, 0.62, 0.70}.mix(colour{0.08, 0.08, 0.09}, sky)
		folds := float32(math.Sin(float64((fx - o.x0) / w * 60)))
		curtain := ramp(max(o.x0+0.3*w-fx, fx-o.x1+0.3*w), 0, 3)
		inner = inner.mix(colour{0.6, 0.57, 0.5}.times(0.6+0.12*folds), 0.6*curtain)
		cross := 0.03*w - min(abs(fx-(o.x0+o.x1)/2), abs(fy-(o.y0*0.6+o.y1*0.4)))
		inner = inner.mix(frame, ramp(cross, -0.7, 0.7))
	}
	inner = frame.mix(inner, ramp(in-0.08*w, -0.7, 0.7))
	*c = c.mix(inner, ramp(in, -0.7, 0.7))
}

// paintBoard draws the board's part of row y, and its posts.
func (p *painter) paintBoard(y int) {
	b, fy := &p.board, float32(y)
	size := b.at.Size()
	foot := b.at.Max.Y + size.Y/3
	if y < b.at.Min.Y-size.Y/20 || y >= foot {
		return
	}
	for _, at := range []int{b.at.Min.X + size.X/12, b.at.Max.X - size.X/12} {
		half := float32(size.X) / 50
		for x := max(at-int(half)-2, 0); x < min(at+int(half)+2, p.width); x++ {
			round := (float32(x-at) / half)
			fine := p.fine[1].at(float32(x), fy/8)
			post := colour{0.36, 0.28, 0.20}.times((1 + 0.16*fine) * (0.95 - 0.4*round*round + 0.25*round))
			p.row[x] = p.row[x].mix(post, ramp(half-abs(float32(x-at)), -0.8, 0.8))
		}
	}
	if y < b.at.Min.Y || y >= b.at.Max.Y {
		return
	}
	for x := b.at.Min.X; x < b.at.Max.X; x++ {
		in := float32(min(x-b.at.Min.X, b.at.Max.X-1-x, y-b.at.Min.Y, b.at.Max.Y-1-y))
		fine, mid := p.fine[0].pixel(x+77, y), p.fine[1].at(float32(x)/20+50, fy/3)
		c := colour{0.86, 0.82, 0.70}.times(1 + 0.02*fine + 0.045*mid)
		// Paint that has worn off here and there.
		ink := b.painted(x, y) * ramp(mid+0.5*fine, -2.6, -1.4)
		c = c.mix(colour{0.13, 0.11, 0.12}, 0.93*ink)
		rim := 0.011 * float32(size.X)
		c = c.mix(colour{0.24, 0.14, 0.10}.times(1+0.1*fine), 1-ramp(in, rim, rim+2))
		p.row[x] = c.times(1 - 0.2*ramp(-in, -3, 0))
	}
}

// paintLeaf draws a leaf's part of row y, and its shadow.
func (p *painter) paintLeaf(l *leaf, y int) {
	fy := float32(y)
	for x := max(int(l.x-l.reach), 0); x < min(int(l.x+l.reach)+1, p.width); x++ {
		dx, dy := float32(x)-l.x, fy-l.y
		// Its shadow lies a little to the lower right.
		d := l.distance(dx-0.12*l.a, dy-0.15*l.a)
		p.row[x] = p.row[x].times(1 - 0.45*ramp(d, -0.12*l.a, 0.12*l.a))
		if d = l.distance(dx, dy); d < -l.soft {
			continue
		}
		u, v := (dx*l.cos+dy*l.sin)/l.a, (dy*l.cos-dx*l.sin)/l.b
		fine := p.fine[l.seed&1].pixel(x+l.seed*37, y+l.seed*91)
		light := 1 + 0.22*(u*l.cos-v*l.sin) - 0.18*(u*l.sin+v*l.cos) + 0.10*fine
		vein := ramp(abs(v)*l.b, 0.2, 1.5+0.02*l.a)
		p.row[x] = p.row[x].mix(l.skin.times(light*(0.8+0.2*vein)), ramp(d, -l.soft, l.soft))
	}
}

// distance is about how far a point lies inside of the leaf's edge.
func (l *leaf) distance(dx, dy float32) float32 {
	u, v := (dx*l.cos+dy*l.sin)/l.a, (dy*l.cos-dx*l.sin)/l.b
	return (1 - float32(math.Sqrt(float64(u*u+v*v)))) * l.b
}

// film is row y as it comes out of the scanner: samples from 0 to 1.
func (p *painter) film(dst []float32, y, components int) {
	p.paint(y)
	cx, cy := float32(p.width)/2, float32(p.height)/2
	dy := (float32(y) - cy) / cy
	for x, c := range p.row {
		dx := (float32(x) - cx) / cx
		// Lenses are darker in the corners.
		c = c.times(1 - 0.13*(dx*dx+dy*dy))
		luma := 0.299*c[0] + 0.587*c[1] + 0.114*c[2]
		// Noise is copied with other offsets each 512 pixels.
		at := hash(x>>9, y>>9, 60)
		gx, gy := x+int(at&511), y+int(at>>9&511)
		size := grainSize(luma)
		// What the three layers of film have in common, and what each has alone.
		all := p.grain[0].pixel(gx, gy)
		if components == 1 {
			dst[x] = 0.02 + 0.95*luma + size*all
			continue
		}
		a, b := p.grain[1].pixel(gx, gy), p.grain[2].pixel(gx, gy)
		own := [3]float32{a, -0.6*a - 0.5*b, 1.2 * b}
		for i := range c {
			dst[3*x+i] = 0.02 + 0.95*c[i] + size*(0.9*all+0.6*own[i])
		}
	}
}

// grainSize is the standard deviation of the grain for a tone: least in the
// shadows and in the highlights, where most of the film is clear or all of it dark.
func grainSize(luma float32) float32 {
	luma = min(max(luma, 0), 1)
	return (1.3 + 10*luma*(1-luma)) / 255
}

func abs(v float32) float32 { return max(v, -v) }

// WritePNM writes the picture of that size as PGM or PPM, of 1 or 3 components of
// 8 or 16 bits, in bands of rows that are drawn in parallel.
func WritePNM(w io.Writer, width, height, components, depth int) error {
	kind := map[int]string{1: "P5", 3: "P6"}[components]
	if kind == "" || depth != 8 && depth != 16 {
		return fmt.Errorf("images: no PNM of %d components of %d bits", components, depth)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n%d %d\n%d\n", kind, width, height, 1<<depth-1)

	const band = 16
	s := newScene(width, height)
	stride := width * components * depth / 8
	painters := make([]*painter, runtime.GOMAXPROCS(0))
	rows := make([][]byte, len(painters))
	for i := range painters {
		painters[i] = &painter{s, make([]colour, width)}
		rows[i] = make([]byte, band*stride)
	}
	for y := 0; y < height; y += band * len(painters) {
		var wait sync.WaitGroup
		for i, p := range painters {
			first, end := min(y+i*band, height), min(y+(i+1)*band, height)
			rows[i] = rows[i][:(end-first)*stride]
			wait.Go(func() {
				samples := make([]float32, width*components)
				for r := first; r < end; r++ {
					p.film(samples, r, components)
					scan(rows[i][(r-first)*stride:][:stride], samples, depth)
				}
			})
		}
		wait.Wait()
		for _, b := range rows {
			if _, err := out.Write(b); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// scan rounds samples from 0 to 1 to 8 bits, or to 16 with the most significant
// byte first.
func scan(dst []byte, samples []float32, depth int) {
	if depth == 8 {
		for i, v := range samples {
			dst[i] = byte(min(max(v*255+0.5, 0), 255))
		}
		return
	}
	for i, v := range samples {
		n := uint16(min(max(v*65535+0.5, 0), 65535))
		dst[2*i], dst[2*i+1] = byte(n>>8), byte(n)
	}
}
