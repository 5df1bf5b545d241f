//go:build cgo

package encode_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	stdjpeg "image/jpeg"
	"io"
	"iter"
	"testing"

	"github.com/pixiv/go-libjpeg/jpeg"
	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

const noCgo = false

// The governing property: a stitched JPEG decodes, in libjpeg and in image/jpeg,
// to exactly what the whole picture encoded at once decodes to, and is less than
// 1 % longer.
func TestJPEGStitchedEqualsWhole(t *testing.T) {
	sizes := []image.Point{{1000, 777}, {1024, 768}, {3001, 133}, {64, 5000}, {333, 1217}}
	if testing.Short() {
		sizes = sizes[len(sizes)-1:]
	}
	for _, size := range sizes {
		img := encodetest.Picture(size, tile.RGB8, 40)
		rgba := image.NewRGBA(img.Bounds())
		draw.Draw(rgba, rgba.Rect, img, image.Point{}, draw.Src)
		gray := encodetest.Picture(size, tile.Gray8, 40)
		padded := jpeg.NewGrayAligned(gray.Bounds())
		w, h := size.X, size.Y
		for y := range (h + 7) &^ 7 {
			for x := range padded.Stride {
				padded.Pix[y*padded.Stride+x] = gray.(*image.Gray).GrayAt(min(x, w-1), min(y, h-1)).Y
			}
		}
		for name, c := range map[string]struct{ src, whole image.Image }{
			"RGB": {img, rgba}, "grey": {gray, padded},
		} {
			var whole bytes.Buffer
			require.NoError(t, jpeg.Encode(&whole, c.whole, &jpeg.EncoderOptions{Quality: 85}))
			stitched := encodeTo(t, encode.JPEG{}, encodetest.NewSource(c.src, 50))
			require.NotEqual(t, whole.Len(), len(stitched), "not stitched")
			require.Less(t, float64(len(stitched)), 1.01*float64(whole.Len()), "%s %v", name, size)
			t.Logf("%s %v: %d bytes stitched, %d whole: %+.3f %%", name, size, len(stitched), whole.Len(),
				100*float64(len(stitched)-whole.Len())/float64(whole.Len()))

			for _, decode := range []func([]byte) (image.Image, error){
				func(p []byte) (image.Image, error) { return stdjpeg.Decode(bytes.NewReader(p)) },
				func(p []byte) (image.Image, error) {
					return jpeg.Decode(bytes.NewReader(p), &jpeg.DecoderOptions{})
				},
			} {
				want, err := decode(whole.Bytes())
				require.NoError(t, err)
				got, err := decode(stitched)
				require.NoError(t, err)
				most, at, err := encodetest.Difference(got, want)
				require.NoError(t, err)
				require.Zero(t, most, "%s %v at %v", name, size, at)
			}
			require.Equal(t, djpeg(t, whole.Bytes()), djpeg(t, stitched))
		}
	}
}

func TestJPEGProgressive(t *testing.T) {
	encodetest.Run(t, encode.JPEG{Quality: 95, Progressive: true}, encodetest.Options{
		Decode:    stdjpeg.Decode,
		Want:      flattened(color.White),
		Tolerance: 14,
	})
}

// Progressive and optimized files are smaller and decode to the same pixels.
func TestJPEGWhole(t *testing.T) {
	for _, pf := range []tile.PixelFormat{tile.Gray16, tile.RGB8, tile.NRGBA16, tile.YCbCr8} {
		for _, chroma := range []encode.Chroma{encode.Chroma420, encode.Chroma422, encode.Chroma444} {
			if testing.Short() && chroma != encode.Chroma420 {
				continue
			}
			img := encodetest.Picture(image.Pt(403, 611), pf, 20)
			base := encodeTo(t, encode.JPEG{Chroma: chroma}, encodetest.NewSource(img))
			want := djpeg(t, base)
			for _, j := range []encode.JPEG{{Progressive: true}, {Optimize: true}} {
				j.Chroma = chroma
				got := encodeTo(t, j, encodetest.NewSource(img, 100, 7))
				require.Less(t, len(got), len(base))
				require.Equal(t, j.Progressive, bytes.Contains(got, []byte{0xff, 0xc2, 0}))
				require.Equal(t, want, djpeg(t, got))
			}
		}
	}
}

// A budget that cannot hold the whole picture gives a baseline file.
func TestJPEGProgressiveWithinBudget(t *testing.T) {
	img := encodetest.Picture(image.Pt(403, 611), tile.RGB8, 20)
	j := encode.JPEG{Progressive: true}
	need := encode.Memory(j, img.Bounds().Size(), tile.RGB8)
	base := encodeTo(t, encode.JPEG{}, encodetest.NewSource(img))
	require.NotEqual(t, base, encodeTo(t, j, &limited{encodetest.NewSource(img), need}))
	require.Equal(t, base, encodeTo(t, j, &limited{encodetest.NewSource(img), need - 1}))
	err := j.Encode(t.Context(), io.Discard, &limited{encodetest.NewSource(img), 1000})
	require.ErrorIs(t, err, tile.ErrBudget)
}

// A limited is a Source with a budget for the encoder.
type limited struct {
	*encodetest.Source
	limit int64
}

func (l *limited) StripsReserving(ctx context.Context, extra int64) iter.Seq2[*tile.Strip, error] {
	if extra > l.limit {
		return func(yield func(*tile.Strip, error) bool) {
			yield(nil, fmt.Errorf("%d bytes: %w", extra, tile.ErrBudget))
		}
	}
	return l.Strips(ctx)
}

func BenchmarkJPEGWhole(b *testing.B) {
	img := encodetest.Picture(image.Pt(2048, 1024), tile.RGB8, 20)
	rgba := image.NewRGBA(img.Bounds())
	draw.Draw(rgba, rgba.Rect, img, image.Point{}, draw.Src)
	b.SetBytes(2048 * 1024 * 3)
	for b.Loop() {
		var out bytes.Buffer
		require.NoError(b, jpeg.Encode(&out, rgba, &jpeg.EncoderOptions{Quality: 85}))
	}
}
