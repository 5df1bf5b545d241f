package encode_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

func TestGIFGray(t *testing.T) {
	encodetest.Run(t, encode.GIF{}, encodetest.Options{
		Decode: gif.Decode, Formats: []tile.PixelFormat{tile.Gray8},
	})
}

func TestGIFColour(t *testing.T) {
	encodetest.Run(t, encode.GIF{}, encodetest.Options{
		Decode: gif.Decode, Formats: []tile.PixelFormat{tile.RGB8},
		Tolerance: 90, // a dithered pixel is far off; see TestGIFMean
	})
}

// Dithering keeps the mean of small areas.
func TestGIFMean(t *testing.T) {
	img := encodetest.Picture(image.Pt(320, 240), tile.RGB8, 0).(*image.NRGBA)
	got, err := gif.Decode(bytes.NewReader(encodeTo(t, encode.GIF{}, encodetest.NewSource(img))))
	require.NoError(t, err)
	require.Greater(t, len(got.(*image.Paletted).Palette), 200)
	var all [3]int
	for y := 0; y < 240; y += 16 {
		for x := 0; x < 320; x += 16 {
			var sum [3]int
			for v := range 16 {
				for u := range 16 {
					p, q := img.NRGBAAt(x+u, y+v), color.NRGBAModel.Convert(got.At(x+u, y+v)).(color.NRGBA)
					sum[0] += int(p.R) - int(q.R)
					sum[1] += int(p.G) - int(q.G)
					sum[2] += int(p.B) - int(q.B)
				}
			}
			// Colours outside of all in the palette cannot be mixed from them.
			for c, s := range sum {
				all[c] += s
				require.InDelta(t, 0, float64(s)/256, 30, "at %d,%d", x, y)
			}
		}
	}
	for _, s := range all {
		require.InDelta(t, 0, float64(s)/(320*240), 1)
	}
}

// Few colours are kept, and what is transparent stays so.
func TestGIFTransparent(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	for i := range 400 {
		img.SetNRGBA(i%20, i/20, [...]color.NRGBA{
			{255, 255, 255, 255}, {0, 0, 0, 255}, {255, 0, 0, 200}, {9, 9, 9, 100}, {0, 0, 0, 0},
		}[i%5])
	}
	got, err := gif.Decode(bytes.NewReader(encodeTo(t, encode.GIF{}, encodetest.NewSource(img))))
	require.NoError(t, err)
	for i := range 400 {
		want := [...]color.NRGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {255, 0, 0, 255}, {}, {}}[i%5]
		c := color.NRGBAModel.Convert(got.At(i%20, i/20)).(color.NRGBA)
		require.Equal(t, want, c, "pixel %d", i)
	}

	// Nothing to see at all.
	empty := image.NewNRGBA(image.Rect(0, 0, 3, 3))
	_, err = gif.Decode(bytes.NewReader(encodeTo(t, encode.GIF{}, encodetest.NewSource(empty))))
	require.NoError(t, err)
}
