package iiif

// This file turns what a request asks of an image into a picture that an
// encoder can take.

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"iter"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/internal/raster"
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
	region, size := d.plan.Region().Size(), d.source.Size()
	reduce := 2 * d.plan.Reduce()
	return int64(region.X)*int64(region.Y)>>reduce + int64(size.X)*int64(size.Y)
}

// derive plans the picture that r asks for as a file of the given format. want
// is what r resolves to; the background is that of corners, nil for none.
func derive(dec *tile.Decoder, f *jp2.File, r Request, want tile.Request, format encode.Format,
	background color.Color) (*derivative, error) {
	plan, err := dec.Plan(f, want)
	if err != nil {
		return nil, err
	}
	own := plan.PixelFormat()
	colorless := r.Quality == Gray || r.Quality == Bitonal
	// What the format is handed, and what the plan gives.
	pixels, planned := own, own
	if colorless {
		pixels, planned = tile.Gray8, narrow(own)
		if own == tile.Gray16 && r.Quality == Gray {
			pixels, planned = own, own
		}
	}
	size := plan.Size()
	_, right := r.Rotation.Quarters()
	if !right {
		size = rotatedSize(size, r.Rotation.Degrees())
		pixels, planned = tile.NRGBA8, narrow(own)
	}
	accepted, err := encode.Accept(format, size, pixels)
	if err != nil {
		return nil, err
	}
	if right && accepted != pixels && (!colorless || own == tile.Gray16) {
		planned = accepted
	}
	if planned != own {
		want.Format = planned
		if plan, err = dec.Plan(f, want); err != nil {
			return nil, err
		}
	}
	var source encode.Reserver = plan
	if colorless && planned.Channels() > 1 {
		source = grayed{source}
	}
	if r.Quality == Bitonal {
		source = bitonal{source}
	}
	if !right {
		source = &rotated{of: source, degrees: r.Rotation.Degrees(), size: size, background: background}
	}
	return &derivative{plan: plan, source: source, format: format}, nil
}

// narrow is f with 8 bits a sample.
func narrow(f tile.PixelFormat) tile.PixelFormat {
	switch f {
	case tile.Gray16:
		return tile.Gray8
	case tile.RGB16, tile.YCbCr8:
		return tile.RGB8
	case tile.NRGBA16:
		return tile.NRGBA8
	}
	return f
}

// bitonal is a picture in grey made black and white (4.4).
type bitonal struct{ encode.Reserver }

// Strips implements [encode.Source].
func (b bitonal) Strips(ctx context.Context) iter.Seq2[*tile.Strip, error] {
	return b.StripsReserving(ctx, 0)
}

// StripsReserving implements [encode.Reserver]. The strips are the plan's own,
// changed: they are this loop's until the next one is asked for.
func (b bitonal) StripsReserving(ctx context.Context, extra int64) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		for s, err := range b.Reserver.StripsReserving(ctx, extra) {
			if err == nil {
				if s.Format != tile.Gray8 {
					panic(fmt.Sprintf("iiif: bitonal from %v (bug)", s.Format))
				}
				for y := range s.Bounds.Dy() {
					raster.Threshold(s.Pix[y*s.Stride:][:s.Bounds.Dx()])
				}
			}
			if !yield(s, err) {
				return
			}
		}
	}
}
