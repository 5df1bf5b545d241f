package iiif

// This file turns what a request asks of an image into a picture that an
// encoder can take.

import (
	"context"
	"fmt"
	"image"
	"iter"

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
	region, size := d.plan.Region().Size(), d.source.Size()
	reduce := 2 * d.plan.Reduce()
	return int64(region.X)*int64(region.Y)>>reduce + int64(size.X)*int64(size.Y)
}

// derive plans the picture that r asks for as a file of the given format. want
// is what r resolves to.
func derive(dec *tile.Decoder, f *jp2.File, r Request, want tile.Request, format encode.Format) (*derivative, error) {
	plan, err := dec.Plan(f, want)
	if err != nil {
		return nil, err
	}
	pixels := plan.PixelFormat()
	if r.Quality == Gray || r.Quality == Bitonal {
		if pixels = tile.Gray8; plan.PixelFormat().Depth() == 16 && r.Quality == Gray {
			pixels = tile.Gray16
		}
	}
	_, right := r.Rotation.Quarters()
	size := plan.Size()
	if !right {
		size = rotatedSize(size, r.Rotation.Degrees())
		if pixels, err = encode.Accept(format, size, tile.NRGBA8); err != nil {
			return nil, err
		}
		pixels = tile.RGB8 // decoded as; the corners are transparent only later
		if plan.PixelFormat() == tile.NRGBA8 || plan.PixelFormat() == tile.NRGBA16 {
			pixels = tile.NRGBA8
		}
		if r.Quality == Gray || r.Quality == Bitonal {
			pixels = tile.Gray8
		}
	} else if pixels, err = encode.Accept(format, size, pixels); err != nil {
		return nil, err
	}
	if pixels != plan.PixelFormat() {
		want.Format = pixels
		if plan, err = dec.Plan(f, want); err != nil {
			return nil, err
		}
	}
	d := &derivative{plan: plan, source: plan, format: format}
	if r.Quality == Bitonal {
		d.source = bitonal{plan}
	}
	if !right {
		d.source = &rotated{of: d.source.(encode.Reserver), degrees: r.Rotation.Degrees(), size: size}
	}
	return d, nil
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
					threshold(s.Pix[y*s.Stride:][:s.Bounds.Dx()])
				}
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

// threshold makes each pixel black or white, whichever is nearer.
func threshold(row []byte) {
	for i, v := range row {
		row[i] = byte(int8(v) >> 7)
	}
}
