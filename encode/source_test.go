package encode_test

import (
	"context"
	"errors"
	"image"
	"iter"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

// A plan is all that a Source can be.
var (
	_ encode.Reserver = (*tile.Plan)(nil)
	_ encode.Profiled = (*tile.Plan)(nil)
	_ encode.Dense    = (*tile.Plan)(nil)
)

// All formats say beforehand what they take and need.
var formats = []interface {
	encode.Accepter
	encode.Estimator
}{
	encode.JPEG{}, encode.PNG{}, encode.PNM{}, encode.TIFF{},
	encode.TIFF{Compression: encode.Deflate}, encode.GIF{}, encode.PDF{},
}

// Accept is about a picture, not about memory: what it gives is taken as it is,
// and sizes beyond all bounds give neither panics nor negative needs.
func TestFormatsSayBeforehand(t *testing.T) {
	for _, f := range formats {
		for pf := tile.Auto; pf <= tile.CMYK8+1; pf++ {
			got, err := f.Accept(image.Pt(10, 10), pf)
			if err != nil {
				require.ErrorIs(t, err, errors.ErrUnsupported, "%T %v", f, pf)
				continue
			}
			again, err := f.Accept(image.Pt(10, 10), got)
			require.NoError(t, err)
			require.Equal(t, got, again, "%T %v", f, pf)
			for _, side := range []int{1, 1000, 65500, 1 << 24, math.MaxInt32} {
				require.NotPanics(t, func() {
					require.GreaterOrEqual(t, f.Memory(image.Pt(side, side), got), int64(0))
				})
			}
		}
		_, err := f.Accept(image.Pt(0, 10), tile.Gray8)
		require.ErrorIs(t, err, tile.ErrRequest)
	}
}

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
