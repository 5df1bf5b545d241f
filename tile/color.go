// This file implements the way from planes to pixels: the channels of a pixel,
// the steps that take their samples to what is shown, and the loop over rows.
// What an image's colours mean, and which steps follow, is in colorspace.go.

package tile

import (
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/stria-j2k/stria/internal/raster"
)

// A conversion turns the planes of an image into pixels. It is immutable.
//
// Each row goes through a row of work: channels of 8 or 16 bits, one for grey
// and four for everything else, in which the steps work in place. It is the
// result's own row where that has the same layout.
type conversion struct {
	format   PixelFormat
	icc      []byte // the profile that the pixels are in; nil for sRGB and its grey
	bitonal  bool   // pixels are black or white
	fringes  bool   // colours are beside opacity, but not multiplied with it
	palettes bool   // samples are numbers of colours, which cannot be averaged

	channels []channel // one for each channel of work; opacity last
	four     bool      // work has four channels; else one
	wide     bool      // work has 16 bits; else 8
	steps    []step
	luma     bool // the luma of work is the result
	planar   bool // the channels are the result's planes, without work

	blackless bool // the fourth channel is black ink, of which there is none

	step image.Point // reference grid points from a pixel to the next
	far  int         // how far upsampling looks: points of the reduced reference grid

	// What is needed of the codestream: nil for all components.
	components []int

	// coded is for tiles with the irreversible component transform (G.3), whose
	// samples then come as luma and chroma; nil where that is of no use. cheap
	// says that YCbCr8 can be made like that or of an image that is YCbCr.
	coded *conversion
	cheap bool
}

// A channel is where one of a pixel's samples comes from.
type channel struct {
	component int
	sub       image.Point   // reference grid points from one of its samples to the next
	scale     *raster.Scale // of the samples, or of the palette's values
	palette   []int32       // its values, by the component's; nil without palette
	to8       []uint8       // the palette's values scaled
	to16      []uint16
}

// A step converts pixels of a row of work in place.
type step interface {
	Pixels8(pix []byte)
	Pixels16(pix []byte)
}

// unsupported says that an image cannot be shown as it should be.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("tile: %s: %w", fmt.Sprintf(format, args...), errors.ErrUnsupported)
}

// pixelSize is the number of bytes of a pixel.
func (c *conversion) pixelSize() int { return c.format.Channels() * c.format.Depth() / 8 }

// planes is how many planes the pixels lie in.
func (c *conversion) planes() int {
	if c.format == YCbCr8 {
		return 3
	}
	return 1
}

// workSize is the number of bytes of a pixel in a row of work.
func (c *conversion) workSize() int {
	n := 1
	if c.four {
		n = 4
	}
	if c.wide {
		n *= 2
	}
	return n
}

// reach is how far upsampling looks beyond a pixel, in points of the reduced
// reference grid.
func (c *conversion) reach() int { return c.far }

// scratch bounds the memory that a painter holds for rows of so many pixels of
// an image of so many components: the row of work and, for each channel, samples
// before and after upsampling.
func (c *conversion) scratch(width, components int) int64 {
	const plane = 256 // a Plane without its samples
	return int64(width)*int64(c.workSize()+8+4*(3*4)) + int64(components)*plane
}

// tables bounds the memory of the conversion itself, in bytes: of its channels'
// scales, of its steps, which make theirs when the first pixels come, and of its
// palettes. The tables of sRGB's curve are the program's.
func (c *conversion) tables() int64 {
	const entry = 8 // of a palette
	n := int64(len(c.steps)) * raster.StepMemory
	for i := range c.channels {
		n += raster.ScaleMemory + entry*int64(len(c.channels[i].palette))
	}
	return n
}

// needs reports whether a selection can have a component: one that is wanted or,
// for tiles that transform them together, one of the first three.
func (c *conversion) needs(component int) bool {
	if c.components == nil || slices.Contains(c.components, component) {
		return true
	}
	return component < 3 && slices.ContainsFunc(c.components, func(i int) bool { return i < 3 })
}

// A painter converts pieces, one at a time. The slices are its scratch memory.
type painter struct {
	*conversion
	work  []byte
	u8    [4][]uint8
	u16   [4][]uint16
	i32   [4][]int32
	mix8  []uint8
	mix16 []uint16
	mix32 []int32
	look  [2][]int32
}

// paint turns the samples of area, in reduced pixels, into pixels.
func (p *painter) paint(dst []byte, stride int, src *Planes, area image.Rectangle) {
	n := area.Dx() * p.pixelSize()
	for y := area.Min.Y; y < area.Max.Y; y++ {
		p.row(dst[(y-area.Min.Y)*stride:][:n], src, y, area)
	}
}

// paintPlanes does the same for YCbCr8: three planes.
func (p *painter) paintPlanes(dst [3][]byte, stride int, src *Planes, area image.Rectangle) {
	width := area.Dx()
	for y := area.Min.Y; y < area.Max.Y; y++ {
		var row [3][]byte
		for i := range row {
			row[i] = dst[i][(y-area.Min.Y)*stride:][:width]
		}
		if p.planar {
			for i := range row {
				p.place(row[i], 1, i, src, y, area)
			}
			continue
		}
		w := p.workRow(src, y, area)
		if p.wide {
			raster.Narrow(w[:4*width], w)
		}
		raster.ToYCC8(row[0], row[1], row[2], w[:4*width])
	}
}

// row makes one row of pixels.
func (p *painter) row(dst []byte, src *Planes, y int, area image.Rectangle) {
	deep := p.format.Depth() == 16
	if p.workSize() == p.pixelSize() && p.wide == deep {
		p.fill(dst, src, y, area)
		return
	}
	w := p.workRow(src, y, area)
	four := p.four
	if p.luma {
		n := len(w) / 4
		if p.wide {
			raster.Luma16(w[:n], w)
		} else {
			raster.Luma8(w[:n], w)
		}
		w, four = w[:n], false
	}
	if p.wide && !deep {
		raster.Narrow(w[:len(w)/2], w)
		w = w[:len(w)/2]
	}
	switch {
	case four == (p.format.Channels() == 4):
		copy(dst, w)
	case deep:
		raster.Spread16(dst, w)
	default:
		raster.Spread8(dst, w)
	}
}

// workRow is a row of work in the painter's own memory.
func (p *painter) workRow(src *Planes, y int, area image.Rectangle) []byte {
	p.work = resize(p.work, area.Dx()*p.workSize())
	p.fill(p.work, src, y, area)
	return p.work
}

// fill makes a row of work.
func (p *painter) fill(row []byte, src *Planes, y int, area image.Rectangle) {
	if !p.packs(row, src, y, area) {
		n := p.workSize()
		size := 1
		if p.wide {
			size = 2
		}
		for i := range p.channels {
			p.place(row[i*size:], n, i, src, y, area)
		}
		if p.four && len(p.channels) == 3 {
			fourth := byte(0xFF)
			if p.blackless {
				fourth = 0
			}
			for i := range size {
				raster.Fill(row[3*size+i:], n, area.Dx(), fourth)
			}
		}
	}
	for _, s := range p.steps {
		if p.wide {
			s.Pixels16(row)
		} else {
			s.Pixels8(row)
		}
	}
}

// packs is the short way for the commonest images: three or four components of
// 8 bits.
func (p *painter) packs(row []byte, src *Planes, y int, area image.Rectangle) bool {
	if !p.four || p.wide || p.blackless {
		return false
	}
	var rows [4][]uint8
	for i := range p.channels {
		ch := &p.channels[i]
		plane := &src.Planes[ch.component]
		if plane.U8 == nil || !ch.scale.Bytes() || ch.sub != p.step || ch.palette != nil {
			return false
		}
		at := (y-plane.Bounds.Min.Y)*plane.Stride + area.Min.X - plane.Bounds.Min.X
		rows[i] = plane.U8[at : at+area.Dx()]
	}
	if len(p.channels) == 3 {
		raster.PackRGBX(row, rows[0], rows[1], rows[2])
	} else {
		raster.PackNRGBA(row, rows[0], rows[1], rows[2], rows[3])
	}
	return true
}

// place writes one channel of a row of work, step bytes apart.
func (p *painter) place(dst []byte, step, i int, src *Planes, y int, area image.Rectangle) {
	ch := &p.channels[i]
	plane := &src.Planes[ch.component]
	switch {
	case plane.Bounds.Empty():
		// A tile so small that the component has no sample in it.
		p.i32[i] = resize(p.i32[i], area.Dx())
		fill(p.i32[i], plane.middle())
		p.scaled(dst, step, p.i32[i], ch.scale)
	case ch.palette != nil && ch.sub == p.step:
		at := (y-plane.Bounds.Min.Y)*plane.Stride + area.Min.X - plane.Bounds.Min.X
		switch n := area.Dx(); {
		case plane.U8 != nil:
			lookup(p.wide, dst, step, plane.U8[at:at+n], ch)
		case plane.U16 != nil:
			lookup(p.wide, dst, step, plane.U16[at:at+n], ch)
		default:
			lookup(p.wide, dst, step, plane.I32[at:at+n], ch)
		}
	case ch.palette != nil:
		row := func(y int) []int32 {
			p.look[y&1] = resize(p.look[y&1], plane.Bounds.Dx())
			for x := range p.look[y&1] {
				v := int(plane.at(y*plane.Stride + x))
				p.look[y&1][x] = ch.palette[min(max(v, 0), len(ch.palette)-1)]
			}
			return p.look[y&1]
		}
		p.scaled(dst, step, line(row, &p.i32[i], &p.mix32, plane.Bounds, ch.sub, p.step, y, area), ch.scale)
	case plane.U8 != nil:
		s := line(rows(plane.U8, plane), &p.u8[i], &p.mix8, plane.Bounds, ch.sub, p.step, y, area)
		if p.wide {
			raster.Scale16(dst, step, s, ch.scale)
		} else {
			raster.Scale8(dst, step, s, ch.scale)
		}
	case plane.U16 != nil:
		s := line(rows(plane.U16, plane), &p.u16[i], &p.mix16, plane.Bounds, ch.sub, p.step, y, area)
		if p.wide {
			raster.Scale16(dst, step, s, ch.scale)
		} else {
			raster.Scale8(dst, step, s, ch.scale)
		}
	default:
		p.scaled(dst, step, line(rows(plane.I32, plane), &p.i32[i], &p.mix32, plane.Bounds, ch.sub, p.step, y, area), ch.scale)
	}
}

func (p *painter) scaled(dst []byte, step int, src []int32, s *raster.Scale) {
	if p.wide {
		raster.Scale16(dst, step, src, s)
	} else {
		raster.Scale8(dst, step, src, s)
	}
}

func lookup[S raster.Sample](wide bool, dst []byte, step int, src []S, ch *channel) {
	if wide {
		raster.Lookup16(dst, step, src, ch.to16)
	} else {
		raster.Lookup8(dst, step, src, ch.to8)
	}
}

// rows gives the rows of a plane by their number.
func rows[S raster.Sample](samples []S, plane *Plane) func(y int) []S {
	return func(y int) []S { return samples[y*plane.Stride:][:plane.Bounds.Dx()] }
}

// line is row y of a plane for every pixel of area's width: the samples
// themselves, or what lies between them. Samples lie at the multiples of their
// subsampling on the reference grid (B.2), and so do the pixels at the multiples
// of step; beyond the outermost sample it is repeated.
func line[S raster.Sample](row func(y int) []S, full, mixed *[]S, b image.Rectangle, sub, step image.Point, y int, area image.Rectangle) []S {
	if sub == step {
		return row(y - b.Min.Y)[area.Min.X-b.Min.X:][:area.Dx()]
	}
	step.X, sub.X = lowest(step.X, sub.X)
	step.Y, sub.Y = lowest(step.Y, sub.Y)
	upper, lower, phase := raster.UpsampleRows(y*step.Y, b.Min.Y*sub.Y, sub.Y, b.Dy())
	s := row(upper)
	if phase != 0 {
		*mixed = resize(*mixed, b.Dx())
		raster.MixRows(*mixed, s, row(lower), phase, sub.Y)
		s = *mixed
	}
	*full = resize(*full, area.Dx())
	raster.UpsampleRowBy(*full, s, area.Min.X*step.X, b.Min.X*sub.X, step.X, sub.X)
	return *full
}

// lowest takes a ratio to its lowest terms.
func lowest(a, b int) (int, int) {
	g, r := a, b
	for r != 0 {
		g, r = r, g%r
	}
	return a / g, b / g
}

// at is the sample at index i.
func (p *Plane) at(i int) int32 {
	switch {
	case p.U8 != nil:
		return int32(p.U8[i])
	case p.U16 != nil:
		return int32(p.U16[i])
	}
	return p.I32[i]
}

// middle is the middle of the samples' range: what a tile-component without any
// data decodes to.
func (p *Plane) middle() int32 {
	if p.Signed {
		return 0
	}
	return int32(1) << (p.Depth - 1)
}
