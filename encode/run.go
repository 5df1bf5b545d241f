package encode

import (
	"context"
	"io"
	"iter"

	"github.com/stria-j2k/stria/tile"
)

// run is what every Encode is inside: it puts the double buffer before w and a
// check behind src, has body turn the one into the other, and settles the end.
// memory is what body holds beyond the strips and the buffer.
//
// body gets a context that ends, with the Writer's error as the cause, when w
// fails, so that a source which is busy or waiting learns of it.
func run(ctx context.Context, w io.Writer, src Source, memory int64,
	body func(context.Context, *buffer, iter.Seq2[*tile.Strip, error]) error) error {

	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	out := newBuffer(ctx, cancel, w)
	defer out.abort() // does nothing after finish
	if err := body(ctx, out, strips(ctx, src, memory+bufferMemory)); err != nil {
		// What the Writer said first is what went wrong; err may be no more
		// than the source's or an encoder's way of passing it on.
		if failure := out.abort(); failure != nil {
			return failure
		}
		return err
	}
	return out.finish()
}

// strips yields the strips of src and holds src to its promises: a source that
// breaks them gives an error here instead of a wrong file. It ends with the
// cause when ctx does.
func strips(ctx context.Context, src Source, memory int64) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		seq := src.Strips
		if r, ok := src.(Reserver); ok {
			seq = func(ctx context.Context) iter.Seq2[*tile.Strip, error] {
				return r.StripsReserving(ctx, memory)
			}
		}
		size, format, y := src.Size(), src.PixelFormat(), 0
		for s, err := range seq(ctx) {
			if err == nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			b := s.Bounds
			if b.Min.X != 0 || b.Dx() != size.X || b.Min.Y != y || b.Dy() <= 0 ||
				b.Max.Y > size.Y || s.Format != format {
				yield(nil, errorf("the source of %d x %d %v gave a strip %v of %v at row %d",
					size.X, size.Y, format, b, s.Format, y))
				return
			}
			y = b.Max.Y
			if !yield(s, nil) {
				return
			}
		}
		if ctx.Err() != nil {
			yield(nil, context.Cause(ctx))
		} else if y != size.Y {
			yield(nil, errorf("the source ended at row %d of %d: %w", y, size.Y,
				io.ErrUnexpectedEOF))
		}
	}
}
