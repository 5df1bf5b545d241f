package encode_test

import (
	"context"
	"image"
	"iter"

	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

// A reserving is a Source that notes what it is asked to reserve.
type reserving struct {
	*encodetest.Source
	extra int64
}

func (r *reserving) StripsReserving(ctx context.Context, extra int64) iter.Seq2[*tile.Strip, error] {
	r.extra = extra
	return r.Strips(ctx)
}

// A blank is a black picture of any size, of which only the first row comes.
type blank struct {
	size   image.Point
	format tile.PixelFormat
	stop   func() error // gives what comes then
}

func (b *blank) Size() image.Point             { return b.size }
func (b *blank) PixelFormat() tile.PixelFormat { return b.format }
func (b *blank) Strips(context.Context) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		stride := b.size.X * b.format.Channels() * b.format.Depth() / 8
		if yield(&tile.Strip{Bounds: image.Rect(0, 0, b.size.X, 1), Format: b.format,
			Pix: make([]byte, stride), Stride: stride}, nil) {
			yield(nil, b.stop())
		}
	}
}
