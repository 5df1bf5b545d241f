// This file implements the way from planes to pixels: which channels there are,
// what their samples mean, and which pixel format shows them.

package tile

import (
	"errors"
	"fmt"
	"image"

	"github.com/stria-j2k/stria/internal/raster"
	"github.com/stria-j2k/stria/jp2"
)

// A conversion turns the planes of an image into pixels. It is immutable.
type conversion struct {
	format   PixelFormat
	channels []channel // one for each sample of a pixel; opacity last
	far      int       // how far upsampling looks: points of the reduced reference grid
	icc      []byte    // the profile that the pixels are in; nil for sRGB and its grey
}

// A channel is where one of a pixel's samples comes from.
type channel struct {
	component int
	sub       image.Point // pixels from one of its samples to the next
	palette   []int32     // its values, by the component's; nil without palette
	scale     *raster.Scale
}

// unsupported says that an image cannot be shown as it should be.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("tile: %s: %w", fmt.Sprintf(format, args...), errors.ErrUnsupported)
}

// newConversion works out how the pixels of f are made, in the format wanted.
func newConversion(f *jp2.File, want PixelFormat) (*conversion, error) {
	if want == Coded {
		return &conversion{format: Coded}, nil
	}
	l := f.Layout
	wide := false
	for _, ch := range l.Colors {
		wide = wide || f.ChannelDepth(ch).Bits > 8
	}
	var own PixelFormat
	switch n := len(l.Colors); {
	case n != 1 && n != 3:
		return nil, unsupported("an image of %d colours", n)
	case l.Alpha >= 0 && wide:
		own = NRGBA16
	case l.Alpha >= 0:
		own = NRGBA8
	case n == 3 && wide:
		own = RGB16
	case n == 3:
		own = RGB8
	case wide:
		own = Gray16
	default:
		own = Gray8
	}
	c := &conversion{format: own}
	if want != Auto && want != own {
		if !shows(want, own) {
			return nil, unsupported("%v pixels as %v", own, want)
		}
		c.format = want
	}

	step := newGrid(f.Header, 0).step
	use := func(ch int) error {
		m, depth := l.Channels[ch], f.ChannelDepth(ch)
		sub := f.Header.Components[m.Component].Sub
		if sub.X%step.X != 0 || sub.Y%step.Y != 0 {
			return unsupported("component %d subsampled %dx%d beside one of %dx%d",
				m.Component, sub.X, sub.Y, step.X, step.Y)
		}
		if depth.Bits > 32 {
			return unsupported("samples of %d bits", depth.Bits)
		}
		to := channel{component: m.Component, sub: image.Pt(sub.X/step.X, sub.Y/step.Y),
			scale: raster.NewScale(depth.Bits, depth.Signed)}
		if to.sub != image.Pt(1, 1) {
			c.far = max(c.far, sub.X, sub.Y)
		}
		if m.Column != jp2.Direct {
			if to.sub != image.Pt(1, 1) {
				return unsupported("a subsampled component with a palette")
			}
			to.palette = f.Palette.Columns[m.Column].Values
		}
		c.channels = append(c.channels, to)
		return nil
	}
	for _, ch := range l.Colors {
		if err := use(ch); err != nil {
			return nil, err
		}
	}
	if len(l.Colors) == 1 && c.format.Channels() == 4 {
		c.channels = append(c.channels, c.channels[0], c.channels[0])
	}
	if l.Alpha >= 0 {
		if err := use(l.Alpha); err != nil {
			return nil, err
		}
	}
	if l.Premultiplied {
		return nil, unsupported("premultiplied opacity")
	}
	return c, nil
}

// shows reports whether pixels of one format can become those of another.
func shows(want, own PixelFormat) bool {
	switch own {
	case Gray16:
		return want == Gray8 || want == RGB16 || want == RGB8
	case Gray8:
		return want == Gray16 || want == RGB8 || want == RGB16
	case RGB16, RGB8:
		return want == RGB8 || want == RGB16
	case NRGBA16, NRGBA8:
		return want == NRGBA8 || want == NRGBA16
	}
	return false
}

// pixelSize is the number of bytes of a pixel.
func (c *conversion) pixelSize() int { return c.format.Channels() * c.format.Depth() / 8 }

// reach is how far upsampling looks beyond a pixel, in points of the reduced
// reference grid.
func (c *conversion) reach() int { return c.far }

// A painter converts pieces, one at a time. The slices are its scratch memory.
type painter struct {
	*conversion
	u8    [4][]uint8
	u16   [4][]uint16
	i32   [4][]int32
	mix8  []uint8
	mix16 []uint16
	mix32 []int32
}

// paint turns the samples of area, in reduced pixels, into pixels.
func (p *painter) paint(dst []byte, stride int, src *Planes, area image.Rectangle) {
	n, width := p.format.Channels(), area.Dx()
	size := p.format.Depth() / 8
	for y := area.Min.Y; y < area.Max.Y; y++ {
		row := dst[(y-area.Min.Y)*stride:][:width*n*size]
		if p.packs(row, src, y, area) {
			continue
		}
		for i := range p.channels {
			p.place(row[i*size:], n*size, i, src, y, area)
		}
		if n == 4 && len(p.channels) == 3 {
			raster.Fill(row[3*size:], n*size, width, 0xFF)
			if size == 2 {
				raster.Fill(row[3*size+1:], n*size, width, 0xFF)
			}
		}
	}
}

// packs is the short way for the commonest images: three components of 8 bits.
func (p *painter) packs(row []byte, src *Planes, y int, area image.Rectangle) bool {
	if p.format != RGB8 || len(p.channels) != 3 {
		return false
	}
	var rows [3][]uint8
	for i, ch := range p.channels {
		plane := &src.Planes[ch.component]
		if plane.U8 == nil || plane.Depth != 8 || ch.sub != image.Pt(1, 1) || ch.palette != nil {
			return false
		}
		at := (y-plane.Bounds.Min.Y)*plane.Stride + area.Min.X - plane.Bounds.Min.X
		rows[i] = plane.U8[at : at+area.Dx()]
	}
	raster.PackRGBX(row, rows[0], rows[1], rows[2])
	return true
}

// place writes one channel of a row of pixels, step bytes apart.
func (p *painter) place(dst []byte, step, i int, src *Planes, y int, area image.Rectangle) {
	ch := &p.channels[i]
	plane := &src.Planes[ch.component]
	switch {
	case ch.palette != nil:
		p.i32[i] = resize(p.i32[i], area.Dx())
		for x := range p.i32[i] {
			v := plane.at((y-plane.Bounds.Min.Y)*plane.Stride + area.Min.X - plane.Bounds.Min.X + x)
			p.i32[i][x] = ch.palette[min(max(int(v), 0), len(ch.palette)-1)]
		}
		scale(p.format, dst, step, p.i32[i], ch.scale)
	case plane.U8 != nil:
		scale(p.format, dst, step, line(plane.U8, &p.u8[i], &p.mix8, plane, ch.sub, y, area), ch.scale)
	case plane.U16 != nil:
		scale(p.format, dst, step, line(plane.U16, &p.u16[i], &p.mix16, plane, ch.sub, y, area), ch.scale)
	default:
		scale(p.format, dst, step, line(plane.I32, &p.i32[i], &p.mix32, plane, ch.sub, y, area), ch.scale)
	}
}

// line is row y of a plane for every pixel of area's width: the samples
// themselves, or what lies between them (B.2: samples lie at the multiples of
// the subsampling).
func line[S raster.Sample](samples []S, full, mixed *[]S, plane *Plane, sub image.Point, y int, area image.Rectangle) []S {
	b := plane.Bounds
	if sub == image.Pt(1, 1) {
		at := (y-b.Min.Y)*plane.Stride + area.Min.X - b.Min.X
		return samples[at : at+area.Dx()]
	}
	upper, lower, phase := raster.UpsampleRows(y, b.Min.Y*sub.Y, sub.Y, b.Dy())
	row := samples[upper*plane.Stride:][:b.Dx()]
	if phase != 0 {
		*mixed = resize(*mixed, b.Dx())
		raster.MixRows(*mixed, row, samples[lower*plane.Stride:][:b.Dx()], phase, sub.Y)
		row = *mixed
	}
	*full = resize(*full, area.Dx())
	raster.UpsampleRow(*full, row, area.Min.X, b.Min.X*sub.X, sub.X)
	return *full
}

func scale[S raster.Sample](f PixelFormat, dst []byte, step int, src []S, s *raster.Scale) {
	if f.Depth() == 16 {
		raster.Scale16(dst, step, src, s)
		return
	}
	raster.Scale8(dst, step, src, s)
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
