// Package testimg draws the pictures that tests, benchmarks and the demo use,
// and compresses them with OpenJPEG's own encoder.
//
// The pictures of [Draw] are made of integers alone, so that they are the same
// on every machine, at any size, depth and number of components. [Chart] is a
// picture to look at. [Compress] skips a test where opj_compress is not
// installed.
package testimg

import (
	"fmt"
	"image"
	"image/color"
	"io"
)

// A Kind is what a test picture shows.
type Kind uint8

// The kinds of pictures.
const (
	Mixed     Kind = iota // a quarter of each of the others
	Gradient              // smooth ramps, another direction for each component
	Noise                 // every sample at random
	Checkers              // squares of 8 samples, darkest and brightest
	Lettering             // dark letters on a bright ground
	Squares               // 10 by 10 squares in colours of their own
)

var kindNames = [...]string{"mixed", "gradient", "noise", "checkers", "lettering", "squares"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Spec says what picture to draw.
type Spec struct {
	Kind          Kind
	Width, Height int // reference grid points
	Components    int // zero: 1
	Depth         int // bits a sample, at most 31; zero: 8
	Signed        bool

	// Sub is the subsampling of each component; nil is 1x1 for all. Sides of the
	// picture must be multiples.
	Sub []image.Point
}

// A Picture is the samples that a Spec asks for.
type Picture struct {
	Spec
	Planes []Plane // one for each component
}

// A Plane is the samples of a component, row by row without gaps.
type Plane struct {
	Width, Height int
	Samples       []int32
}

// Draw draws the picture that s asks for. It panics when s makes no sense.
func Draw(s Spec) *Picture {
	if s.Components == 0 {
		s.Components = 1
	}
	if s.Depth == 0 {
		s.Depth = 8
	}
	if s.Width < 1 || s.Height < 1 || s.Depth < 1 || s.Depth > 31 || s.Sub != nil && len(s.Sub) != s.Components {
		panic(fmt.Sprintf("testimg: cannot draw %+v", s))
	}
	p := &Picture{Spec: s}
	for c := range s.Components {
		sub := image.Pt(1, 1)
		if s.Sub != nil {
			sub = s.Sub[c]
		}
		if s.Width%sub.X != 0 || s.Height%sub.Y != 0 {
			panic(fmt.Sprintf("testimg: %dx%d is no multiple of %v", s.Width, s.Height, sub))
		}
		plane := Plane{Width: s.Width / sub.X, Height: s.Height / sub.Y}
		plane.Samples = make([]int32, plane.Width*plane.Height)
		for y := range plane.Height {
			for x := range plane.Width {
				plane.Samples[y*plane.Width+x] = s.sample(c, x*sub.X, y*sub.Y)
			}
		}
		p.Planes = append(p.Planes, plane)
	}
	return p
}

// Min and Max are the smallest and the largest value of a sample.
func (s Spec) Min() int32 {
	if s.Signed {
		return -1 << (s.Depth - 1)
	}
	return 0
}

// Max is the largest value of a sample.
func (s Spec) Max() int32 { return int32(int64(1)<<s.Depth-1) + s.Min() }

// sample is component c at (x, y) of the reference grid.
func (s Spec) sample(c, x, y int) int32 {
	top := int64(1)<<s.Depth - 1
	return int32(s.level(s.Kind, c, x, y)*top/levelTop) + s.Min()
}

// levelTop is the brightest level; levels are samples before they get a depth.
const levelTop = 1 << 16

func (s Spec) level(kind Kind, c, x, y int) int64 {
	switch kind {
	case Gradient:
		return s.gradient(c, x, y)
	case Noise:
		return int64(hash(uint32(x), uint32(y), uint32(c)) % (levelTop + 1))
	case Checkers:
		return int64((x/8+y/8+c)%2) * levelTop
	case Lettering:
		return lettering(c, x, y)
	case Squares:
		return squareColor(10*x/s.Width, 10*y/s.Height, c)
	}
	// Mixed: quarters, whose borders are on no power of two.
	right, lower := x*2 >= s.Width, y*2 >= s.Height
	switch {
	case right && lower:
		return (s.level(Noise, c, x, y) + 3*s.level(Gradient, c, x, y)) / 4
	case right:
		return s.level(Lettering, c, x, y)
	case lower:
		return s.level(Checkers, c, x, y)
	}
	return s.level(Gradient, c, x, y)
}

// gradient ramps right, down, and diagonally, by component, with a slow wave
// of triangles on top.
func (s Spec) gradient(c, x, y int) int64 {
	w, h := int64(max(s.Width-1, 1)), int64(max(s.Height-1, 1))
	across := int64(x) * levelTop / w
	down := int64(y) * levelTop / h
	wave := int64((x+2*y)%128) * levelTop / 128
	wave = min(wave, levelTop-wave)
	var ramp int64
	switch c % 4 {
	case 0:
		ramp = across
	case 1:
		ramp = down
	case 2:
		ramp = (across + levelTop - down) / 2
	case 3:
		ramp = (2*levelTop - across - down) / 2
	}
	return (7*ramp + 2*wave) / 8
}

// lettering writes a line of text every 12 samples, each shifted.
func lettering(c, x, y int) int64 {
	const text = "STRIA READS A TILE OF A HUNDRED GIGABYTES AS IF IT WERE SMALL. "
	line, row := y/12, y%12-2
	column := x + 17*line + 3*c
	letter := text[column/7%len(text)]
	if row >= 0 && glyphAt(letter, column%7, row) {
		return int64(c) * levelTop / 8
	}
	return levelTop - int64(c)*levelTop/16
}

// squareColor gives each of 10 by 10 squares a colour that differs from every
// other by at least 24 of 255 in some component.
func squareColor(i, j, c int) int64 {
	n := i + 10*j
	level := [3]int{n % 5, n / 5 % 5, n / 25 % 4}
	v := [3]int{20 + 50*level[0], 20 + 50*level[1], 30 + 60*level[2]}[c%3]
	return (int64(v)*levelTop + 254) / 255
}

// hash mixes coordinates to a number that looks random.
func hash(x, y, c uint32) uint32 {
	h := x*0x9E3779B1 ^ y*0x85EBCA77 ^ c*0xC2B2AE3D
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	h *= 0x297A2D39
	h ^= h >> 15
	return h
}

// Image returns an unsigned picture of one or three components at full size as
// Gray, Gray16, NRGBA or NRGBA64, scaled up to 8 or 16 bits.
func (p *Picture) Image() image.Image {
	if p.Signed || p.Sub != nil || p.Components != 1 && p.Components != 3 || p.Depth > 16 {
		panic("testimg: no such image")
	}
	r := image.Rect(0, 0, p.Width, p.Height)
	top := int64(p.Max())
	at := func(c, i int, full int64) uint16 { return uint16(int64(p.Planes[c].Samples[i]) * full / top) }
	var set func(x, y, i int)
	var img image.Image
	switch {
	case p.Components == 1 && p.Depth <= 8:
		m := image.NewGray(r)
		img, set = m, func(x, y, i int) { m.SetGray(x, y, color.Gray{Y: uint8(at(0, i, 255))}) }
	case p.Components == 1:
		m := image.NewGray16(r)
		img, set = m, func(x, y, i int) { m.SetGray16(x, y, color.Gray16{Y: at(0, i, 65535)}) }
	case p.Depth <= 8:
		m := image.NewNRGBA(r)
		img, set = m, func(x, y, i int) {
			m.SetNRGBA(x, y, color.NRGBA{uint8(at(0, i, 255)), uint8(at(1, i, 255)), uint8(at(2, i, 255)), 255})
		}
	default:
		m := image.NewNRGBA64(r)
		img, set = m, func(x, y, i int) {
			m.SetNRGBA64(x, y, color.NRGBA64{R: at(0, i, 65535), G: at(1, i, 65535), B: at(2, i, 65535), A: 65535})
		}
	}
	for y := range p.Height {
		for x := range p.Width {
			set(x, y, y*p.Width+x)
		}
	}
	return img
}

// WriteRaw writes the planes one after the other, samples of one byte up to
// depth 8 and else two, little-endian: the ".rawl" of opj_compress.
func (p *Picture) WriteRaw(w io.Writer) error {
	for _, plane := range p.Planes {
		buf := make([]byte, 0, 2*len(plane.Samples))
		for _, v := range plane.Samples {
			buf = append(buf, byte(v))
			if p.Depth > 8 {
				buf = append(buf, byte(v>>8))
			}
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
