// This file describes what the picture shows: a landscape with a house, a board
// with writing on it, and leaves on the ground. All lengths are relative to the
// picture's size, but textures are made of pixels, so that a larger picture shows
// more and not the same more coarsely.

package images

import (
	"image"
	"math"
	"slices"

	"github.com/stria-j2k/stria/internal/testimg"
)

// A colour is red, green and blue from 0, black, to 1.
type colour [3]float32

func (a colour) mix(b colour, t float32) colour {
	return colour{a[0] + (b[0]-a[0])*t, a[1] + (b[1]-a[1])*t, a[2] + (b[2]-a[2])*t}
}

func (a colour) times(k float32) colour { return colour{a[0] * k, a[1] * k, a[2] * k} }

// A scene is all that rows are drawn of. It does not change.
type scene struct {
	width, height int

	// The same textures serve at three scales: fine has one value a pixel, coarse
	// also waves as long as it is wide.
	fine   [2]field
	coarse [2]field
	grain  [3]field

	// Rows at which the hills begin, for each column, back to front.
	ridges [3][]float32
	house  house
	board  board
	leaves []leaf // by the row of their lower edge
}

func newScene(width, height int) *scene {
	s := &scene{width: width, height: height}
	s.fine[0], s.fine[1] = natural(10, 8, 1)
	s.coarse[0], s.coarse[1] = natural(9, 0.5, 2)
	for i := range s.grain {
		s.grain[i] = grain(9, uint32(10+i))
	}
	for i, r := range []struct{ base, rise, rough float32 }{
		{0.36, 0.14, 0.52}, {0.46, 0.06, 0.68}, {0.56, 0.03, 0.5},
	} {
		s.ridges[i] = s.ridge(r.base, r.rise, r.rough, uint32(20+i))
	}
	s.house = newHouse(s)
	s.board = newBoard(s)
	s.leaves = s.scatter()
	return s
}

// ridge is the outline of a hill, with so much of its rise left at half the scale.
func (s *scene) ridge(base, rise, rough float32, seed uint32) []float32 {
	rows := make([]float32, s.width)
	size, amplitude := float32(s.width)/2.3, rise
	for octave := uint32(0); size > 3; octave++ {
		for x := range rows {
			at := float32(x) / size
			i := int(at)
			a, b := unit(i, 0, seed+100*octave)-0.5, unit(i+1, 0, seed+100*octave)-0.5
			rows[x] += amplitude * (a + (b-a)*smooth(at-float32(i)))
		}
		size, amplitude = size/2.1, amplitude*rough
	}
	for x, v := range rows {
		rows[x] = (base + v) * float32(s.height)
	}
	return rows
}

// A house has a front of planks, three windows, a door and a roof.
type house struct {
	front    box
	roof     [4]float32 // left and right at the eaves, left and right at the top
	top      float32    // row of the roof's top
	plank    float32    // rows
	openings []box
}

// A box is a rectangle of pixels whose sides may lie between them.
type box struct{ x0, y0, x1, y1 float32 }

// inside is how far, in pixels, a point lies inside of the nearest side.
func (b box) inside(x, y float32) float32 { return min(x-b.x0, b.x1-x, y-b.y0, b.y1-y) }

func (b box) part(x0, y0, x1, y1 float32) box {
	w, h := b.x1-b.x0, b.y1-b.y0
	return box{b.x0 + x0*w, b.y0 + y0*h, b.x0 + x1*w, b.y0 + y1*h}
}

func newHouse(s *scene) house {
	f := box{0, 0, float32(s.width), float32(s.height)}.part(0.55, 0.42, 0.83, 0.66)
	w := f.x1 - f.x0
	return house{
		front: f,
		roof:  [4]float32{f.x0 - 0.06*w, f.x1 + 0.06*w, f.x0 + 0.12*w, f.x1 - 0.08*w},
		top:   f.y0 - 0.32*w,
		plank: max(w/42, 5),
		openings: []box{
			f.part(0.08, 0.2, 0.24, 0.62), f.part(0.34, 0.2, 0.5, 0.62),
			f.part(0.78, 0.2, 0.94, 0.62), f.part(0.58, 0.25, 0.7, 1),
		},
	}
}

// A board has writing, as how much of each pixel is painted.
type board struct {
	at    image.Rectangle // pixels of the picture
	paint []float32
}

// writing is what is on the board, line by line, each with its height in parts
// of the board's.
var writing = []struct {
	height float32
	text   string
}{
	{0.15, "VALLEY INN 1887"},
	{0.08, "ROOMS - MEALS - STABLES"},
	{0.05, "KEEP TO THE PATH BEYOND THE BRIDGE, IT IS 4 HOURS TO THE"},
	{0.05, "PASS AND 6 TO THE LAKE. THE UPPER HUT IS CLOSED FROM"},
	{0.05, "OCTOBER TO MAY: ASK HERE FOR THE KEY (2.50 A NIGHT)."},
	{0.03, "DRAWN UP BY THE PARISH COUNCIL OF THE VALLEY, AND TO BE READ BY ALL WHO PASS THROUGH IT WITH"},
	{0.03, "CATTLE, CARTS OR DOGS. GATES ARE TO BE SHUT BEHIND THE LAST ONE THROUGH. FIRES ARE NOT TO BE LIT"},
	{0.03, "WITHIN 200 PACES OF THE WOOD. WHO FINDS A BEAST THAT STRAYED MAY CLAIM 3 SHILLINGS AT THE INN."},
}

func newBoard(s *scene) board {
	w, h := float32(s.width), float32(s.height)
	b := board{at: image.Rect(int(0.09*w), int(0.47*h), int(0.4*w), int(0.71*h))}
	size := b.at.Size()
	b.paint = make([]float32, size.X*size.Y)
	y := 0.09 * float32(size.Y)
	for _, line := range writing {
		// A character is 4 units wide and 6 high; the next begins after 6.
		scale := line.height * float32(size.Y) / 6
		scale = min(scale, 0.92*float32(size.X)/float32(6*len(line.text)))
		x := 0.04 * float32(size.X)
		for _, ch := range []byte(line.text) {
			for _, points := range testimg.Polylines(ch) {
				for i := range points[1:] {
					b.stroke(x, y, scale, points[i], points[i+1])
				}
			}
			x += 6 * scale
		}
		y += line.height*float32(size.Y) + max(3*scale, 0.03*float32(size.Y))
	}
	return b
}

// stroke paints a line of a character, with round ends.
func (b *board) stroke(x, y, scale float32, from, to image.Point) {
	size := b.at.Size()
	ax, ay := x+scale*float32(from.X), y+scale*float32(from.Y)
	dx, dy := scale*float32(to.X-from.X), scale*float32(to.Y-from.Y)
	half := 0.42 * scale
	reach := half + 1
	x0, x1 := max(int(min(ax, ax+dx)-reach), 0), min(int(max(ax, ax+dx)+reach), size.X-1)
	y0, y1 := max(int(min(ay, ay+dy)-reach), 0), min(int(max(ay, ay+dy)+reach), size.Y-1)
	for py := y0; py <= y1; py++ {
		for px := x0; px <= x1; px++ {
			vx, vy := float32(px)-ax, float32(py)-ay
			t := min(max((vx*dx+vy*dy)/max(dx*dx+dy*dy, 1e-6), 0), 1)
			vx, vy = vx-t*dx, vy-t*dy
			away := float32(math.Sqrt(float64(vx*vx + vy*vy)))
			p := &b.paint[py*size.X+px]
			*p = max(*p, ramp(half-away, -0.9, 0.9))
		}
	}
}

// painted is how much of a pixel is painted, for a pixel on the board.
func (b *board) painted(x, y int) float32 {
	return b.paint[(y-b.at.Min.Y)*b.at.Dx()+x-b.at.Min.X]
}

// A leaf is an ellipse that hides what is behind it.
type leaf struct {
	x, y     float32
	cos, sin float32
	a, b     float32 // half its axes
	soft     float32 // pixels over which its edge is spread
	reach    float32 // rows above and below y
	skin     colour
	seed     int
}

// scatter lays leaves on the ground, larger ones nearer, and hangs some into the
// upper left corner. Many are small and few are large, as things in pictures are.
func (s *scene) scatter() []leaf {
	w, h := float32(s.width), float32(s.height)
	skins := []colour{
		{0.52, 0.30, 0.12}, {0.62, 0.45, 0.16}, {0.38, 0.22, 0.12}, {0.42, 0.42, 0.16},
		{0.55, 0.53, 0.50}, {0.68, 0.50, 0.28}, {0.30, 0.29, 0.27}, {0.47, 0.20, 0.12},
	}
	for i, c := range skins {
		grey := (c[0] + c[1] + c[2]) / 3
		skins[i] = c.mix(colour{grey, grey, grey}, 0.3)
	}
	var leaves []leaf
	add := func(i int, x, y, r float32, skin colour, blur float32) {
		turn := float64(unit(i, 3, 40)) * 2 * math.Pi
		l := leaf{
			x: x, y: y, a: r, b: r * (0.35 + 0.5*unit(i, 4, 40)),
			cos: float32(math.Cos(turn)), sin: float32(math.Sin(turn)),
			soft: blur, skin: skin.times(0.6 + 0.8*unit(i, 5, 40)), seed: i,
		}
		l.reach = l.a*1.15 + 3
		leaves = append(leaves, l)
	}
	const ground = 9000
	for i := range ground {
		near := unit(i, 1, 40) // 0 far, 1 at the lower edge
		size := 0.0022 * float32(math.Pow(float64(1-0.985*unit(i, 2, 40)), -0.62))
		r := w * size * (0.35 + 1.3*near)
		y := h * (0.69 + 0.34*near*near + 0.02*(unit(i, 6, 40)-0.5))
		add(i, w*unit(i, 0, 40), y, r, skins[hash(i, 7, 40)%8], 1.4+3*near*near)
	}
	slices.SortStableFunc(leaves, func(a, b leaf) int { return int(a.y+a.b) - int(b.y+b.b) })
	const hanging = 2500
	for i := ground; i < ground+hanging; i++ {
		// Around the twigs of a branch.
		twig := int(hash(i, 8, 40) % 40)
		cx := 0.34 * unit(twig, 0, 41) * unit(twig, 1, 41)
		cy := 0.30 * unit(twig, 2, 41) * unit(twig, 3, 41)
		x, y := w*(cx+0.03*normal(i, 0, 42)), h*(cy+0.03*normal(i, 1, 42))
		green := colour{0.16, 0.24, 0.08}.mix(colour{0.42, 0.46, 0.14}, unit(i, 9, 40))
		add(i, x, y, w*(0.0025+0.004*unit(i, 2, 40)), green, 1.4)
	}
	return leaves
}
