package iiif

import (
	"context"
	"errors"
	"image"
	"image/color"
	"iter"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// A painted is a picture of a function, in strips of odd heights.
type painted struct {
	size   image.Point
	format tile.PixelFormat
	at     func(x, y int) color.NRGBA
	err    error // after the first strip

	reserved *int64
}

func (p painted) Size() image.Point             { return p.size }
func (p painted) PixelFormat() tile.PixelFormat { return p.format }

func (p painted) Strips(ctx context.Context) iter.Seq2[*tile.Strip, error] {
	return p.StripsReserving(ctx, 0)
}

func (p painted) StripsReserving(_ context.Context, extra int64) iter.Seq2[*tile.Strip, error] {
	if p.reserved != nil {
		*p.reserved = extra
	}
	return func(yield func(*tile.Strip, error) bool) {
		for y := 0; y < p.size.Y; y += 7 {
			b := image.Rect(0, y, p.size.X, min(y+7, p.size.Y))
			s := &tile.Strip{Bounds: b, Format: p.format, Stride: b.Dx() * p.format.Channels()}
			for y := b.Min.Y; y < b.Max.Y; y++ {
				for x := range b.Max.X {
					c := p.at(x, y)
					if p.format == tile.Gray8 {
						s.Pix = append(s.Pix, c.R)
					} else {
						s.Pix = append(s.Pix, c.R, c.G, c.B, c.A)
					}
				}
			}
			if !yield(s, nil) {
				return
			}
			if p.err != nil {
				yield(nil, p.err)
				return
			}
		}
	}
}

func TestRotatedSize(t *testing.T) {
	for _, test := range []struct {
		size    image.Point
		degrees float64
		want    image.Point
	}{
		{image.Pt(300, 200), 0, image.Pt(300, 200)},
		{image.Pt(300, 200), 90, image.Pt(200, 300)},
		{image.Pt(300, 200), 180, image.Pt(300, 200)},
		{image.Pt(100, 100), 45, image.Pt(142, 142)},
		{image.Pt(300, 200), 22.5, image.Pt(354, 300)},
		{image.Pt(300, 200), 337.5, image.Pt(354, 300)},
		{image.Pt(1, 1), 45, image.Pt(2, 2)},
	} {
		require.Equal(t, test.want, rotatedSize(test.size, test.degrees), test)
	}
}

func TestRotated(t *testing.T) {
	size := image.Pt(90, 61)
	colours := func(x, y int) color.NRGBA {
		// Smooth, so that what lies between pixels is known.
		return color.NRGBA{uint8(2 * x), uint8(3 * y), uint8(255 - x - y), 255}
	}
	for _, format := range []tile.PixelFormat{tile.Gray8, tile.RGB8, tile.NRGBA8} {
		for _, degrees := range []float64{0.5, 10, 45, 100, 200, 359.9} {
			var reserved int64
			src := painted{size: size, format: format, at: colours, reserved: &reserved}
			r := &rotated{of: src, degrees: degrees, size: rotatedSize(size, degrees)}
			got := image.NewNRGBA(image.Rectangle{Max: r.Size()})
			next := 0
			for s, err := range r.StripsReserving(t.Context(), 1000) {
				require.NoError(t, err)
				require.Equal(t, image.Rect(0, next, r.Size().X, s.Bounds.Max.Y), s.Bounds)
				next = s.Bounds.Max.Y
				copy(got.Pix[s.Bounds.Min.Y*got.Stride:], s.Pix)
			}
			require.Equal(t, r.Size().Y, next)
			require.Equal(t, 1000+r.memory(), reserved)

			sin, cos := math.Sincos(degrees * math.Pi / 180)
			opaque := 0
			for y := range r.Size().Y {
				for x := range r.Size().X {
					// Back to where the pixel's centre came from.
					dx, dy := float64(x)+0.5-float64(r.Size().X)/2, float64(y)+0.5-float64(r.Size().Y)/2
					sx := dx*cos + dy*sin + float64(size.X)/2
					sy := -dx*sin + dy*cos + float64(size.Y)/2
					c := got.NRGBAAt(x, y)
					if sx < -1 || sy < -1 || sx > float64(size.X)+1 || sy > float64(size.Y)+1 {
						require.Equal(t, color.NRGBA{}, c, "outside")
						continue
					}
					if sx < 1 || sy < 1 || sx > float64(size.X)-1 || sy > float64(size.Y)-1 {
						continue
					}
					opaque++
					want := [3]float64{2 * (sx - 0.5), 3 * (sy - 0.5), 256 - sx - sy}
					if format == tile.Gray8 {
						want[1], want[2] = want[0], want[0]
					}
					require.Equal(t, uint8(255), c.A)
					require.InDelta(t, want[0], float64(c.R), 1.5, "%v at %d,%d", degrees, x, y)
					require.InDelta(t, want[1], float64(c.G), 1.5)
					require.InDelta(t, want[2], float64(c.B), 1.5)
				}
			}
			require.Greater(t, opaque, 85*55)
		}
	}
}

func TestRotatedBackground(t *testing.T) {
	half := color.NRGBA{200, 100, 50, 128}
	src := painted{size: image.Pt(40, 40), format: tile.NRGBA8, at: func(int, int) color.NRGBA { return half }}
	r := &rotated{of: src, degrees: 45, size: rotatedSize(src.size, 45), background: color.NRGBA{0, 0, 255, 255}}
	for s, err := range r.Strips(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, []byte{0, 0, 255, 255}, s.Pix[:4])
		middle := s.Pix[28*s.Stride+4*28:][:4]
		for i, want := range []float64{100, 50, 152, 255} {
			require.InDelta(t, want, float64(middle[i]), 2)
		}
		break
	}
}

func TestRotatedFails(t *testing.T) {
	failure := errors.New("failure")
	src := painted{size: image.Pt(50, 50), format: tile.RGB8, at: func(int, int) color.NRGBA { return color.NRGBA{} }, err: failure}
	r := &rotated{of: src, degrees: 10, size: rotatedSize(src.size, 10)}
	var errs []error
	for _, err := range r.Strips(t.Context()) {
		errs = append(errs, err)
	}
	require.Equal(t, []error{failure}, errs)

	src.err = nil
	r.of = src
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(failure)
	errs = nil
	for _, err := range r.Strips(ctx) {
		errs = append(errs, err)
	}
	require.Equal(t, []error{failure}, errs)
	for range r.Strips(t.Context()) {
		break
	}
}

// Black and white stay so when they are turned, and so do the corners.
func TestRotatedBitonal(t *testing.T) {
	f, err := jp2.Open("../examples/testdata/sample.jp2")
	require.NoError(t, err)
	defer f.Close()
	for _, background := range []color.Color{nil, color.NRGBA{255, 0, 0, 255}} {
		r, err := Parse(V3, "a/0,0,400,300/100,/30/bitonal.png")
		require.NoError(t, err)
		want, err := r.Resolve(f.Bounds().Size(), Limits{})
		require.NoError(t, err)
		d, err := derive(new(tile.Decoder), f, r, want, encode.PNG{}, background)
		require.NoError(t, err)
		count := make(map[[3]byte]int)
		for s, err := range d.source.Strips(t.Context()) {
			require.NoError(t, err)
			for i := 0; i < len(s.Pix); i += 4 {
				count[[3]byte(s.Pix[i:])]++
			}
		}
		require.Len(t, count, 2)
		require.Positive(t, count[[3]byte{}])
		require.Positive(t, count[[3]byte{255, 255, 255}])
	}
}
