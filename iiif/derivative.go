package iiif

// This file turns what a request asks of an image into a picture that an
// encoder can take.

import (
	"image"
	"image/color"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// Resolve brings r and an image of the size full together: what to decode and
// how to scale and turn it. A turn by other than right angles is left out, and
// so is the quality; see [Handler]. The error matches [tile.ErrRequest] when r
// asks for what the image does not have, [ErrLimit] as well when it asks for
// more than the limits, and [errors.ErrUnsupported] as well when it would have to
// be scaled up and must not be.
func (r Request) Resolve(full image.Point, limits Limits) (tile.Request, error) {
	region, size, err := r.frame(full, limits)
	if err != nil {
		return tile.Request{}, err
	}
	return tile.Request{Region: region, Size: size, Orient: r.Rotation.orient()}, nil
}

// orient is the rotation if it is by right angles, and only its mirroring if
// it is not.
func (r Rotation) orient() tile.Orient {
	quarters, _ := r.Quarters()
	if r.mirror {
		return [...]tile.Orient{tile.Mirror0, tile.Mirror90, tile.Mirror180, tile.Mirror270}[quarters]
	}
	return [...]tile.Orient{tile.Rotate0, tile.Rotate90, tile.Rotate180, tile.Rotate270}[quarters]
}

// A derivative is a picture ready to be encoded.
type derivative struct {
	plan   *tile.Plan
	source encode.Source
	format encode.Format
}

// work is a measure of what making d takes, for estimates: samples decoded and
// pixels made.
func (d *derivative) work() int64 {
	region, size, reduce := d.plan.Region().Size(), d.source.Size(), d.plan.Reduce()
	n := int64(size.X) * int64(size.Y)
	// In every resolution code-blocks are decoded whole: they reach half of
	// one further on each side, about.
	for ; reduce <= d.plan.File().Header.Reduces(); reduce++ {
		n += (int64(region.X>>reduce) + usualBlock) * (int64(region.Y>>reduce) + usualBlock)
	}
	return n
}

// usualBlock is the side of most encoders' code-blocks.
const usualBlock = 64

// memory is how many bytes making d takes at most.
func (d *derivative) memory() int64 {
	n := d.plan.Memory() + encode.Memory(d.format, d.source.Size(), d.source.PixelFormat())
	if r, ok := d.source.(*rotated); ok {
		n += r.memory()
	}
	return n
}

// derive plans the picture that r asks for as a file of the given format. want
// is what r resolves to; the background is that of corners, nil for none.
func derive(dec *tile.Decoder, f *jp2.File, r Request, want tile.Request, format encode.Format,
	background color.Color) (*derivative, error) {
	want.Quality = [...]tile.Quality{Color: tile.InColor, Gray: tile.InGray, Bitonal: tile.Bitonal}[r.Quality]
	if _, right := r.Rotation.Quarters(); right {
		plan, err := encode.Plan(dec, f, want, format)
		if err != nil {
			return nil, err
		}
		return &derivative{plan: plan, source: plan, format: format}, nil
	}

	// The format is handed what turning makes of the pixels, not the plan's.
	// Between black and white pixels turning makes grey ones, so black and white
	// is made last (4.6).
	if want.Quality == tile.Bitonal {
		want.Quality = tile.InGray
	}
	if want.Quality == tile.InGray && background != nil {
		background = grayOf(background)
	}
	plan, err := dec.Plan(f, want)
	if err != nil {
		return nil, err
	}
	size := rotatedSize(plan.Size(), r.Rotation.Degrees())
	if _, err := encode.Accept(format, size, tile.NRGBA8); err != nil {
		return nil, err
	}
	if pixels := turnable(plan.PixelFormat()); pixels != plan.PixelFormat() {
		want.Format = pixels
		if plan, err = dec.Plan(f, want); err != nil {
			return nil, err
		}
	}
	turned := &rotated{of: plan, degrees: r.Rotation.Degrees(), size: size,
		background: background, bitonal: r.Quality == Bitonal}
	return &derivative{plan: plan, source: turned, format: format}, nil
}

// grayOf is the grey of c, as opaque as c is.
func grayOf(c color.Color) color.Color {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	y := color.GrayModel.Convert(color.NRGBA{n.R, n.G, n.B, 255}).(color.Gray).Y
	return color.NRGBA{y, y, y, n.A}
}

// turnable is f with 8 bits a sample, and inks as RGB: the formats that rotated
// takes.
func turnable(f tile.PixelFormat) tile.PixelFormat {
	switch f {
	case tile.Gray16:
		return tile.Gray8
	case tile.RGB16, tile.CMYK8:
		return tile.RGB8
	case tile.NRGBA16:
		return tile.NRGBA8
	}
	return f
}
