package encode

import (
	"context"
	"image"
	"io"
	"iter"

	"github.com/stria-j2k/stria/tile"
)

// Whole is an Encode for formats that need the whole picture at once: it collects
// the strips of src into an image, has encode write that, and keeps the promises
// of [Format]. memory is what the format's Memory says, the image included.
//
// The image has the type that [tile.Strip.Image] returns and belongs to encode.
// What encode writes goes through the double buffer; once ctx has ended writing
// fails, and that is how encode is cancelled.
func Whole(ctx context.Context, w io.Writer, src Source, memory int64,
	encode func(w io.Writer, img image.Image) error) error {

	size := src.Size()
	if size.X <= 0 || size.Y <= 0 {
		return badSetting("a picture of %d x %d pixels is empty", size.X, size.Y)
	}
	return run(ctx, w, src, memory-bufferMemory,
		func(ctx context.Context, out *buffer, strips iter.Seq2[*tile.Strip, error]) error {
			var all tile.Strip
			for s, err := range strips {
				if err != nil {
					return err
				}
				if all.Pix == nil {
					all = wholeStrip(size, s)
				}
				copyRows(&all, s, s.Bounds.Min.Y, s.Bounds.Max.Y)
			}
			if err := encode(out, all.Image()); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return nil
		})
}

// wholeStrip returns a strip like s that has room for a picture of that size.
func wholeStrip(size image.Point, s *tile.Strip) tile.Strip {
	all := tile.Strip{Bounds: image.Rectangle{Max: size}, Format: s.Format, Ratio: s.Ratio}
	all.Stride = size.X * s.Format.Channels() * s.Format.Depth() / 8
	if s.Format == tile.YCbCr8 {
		rx, ry := ratioX(s.Ratio), ratioY(s.Ratio)
		all.Stride = size.X
		all.CStride = (size.X + rx - 1) / rx
		n := all.CStride * ((size.Y + ry - 1) / ry)
		all.Cb, all.Cr = make([]byte, n), make([]byte, n)
	}
	all.Pix = make([]byte, all.Stride*size.Y)
	return all
}
