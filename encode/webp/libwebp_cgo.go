//go:build cgo

package webp

import (
	"image"

	"github.com/chai2010/webp"
)

// available reports whether there is libwebp.
const available = true

// libwebp encodes img. What libwebp takes has straight alpha, as img has, although
// the binding calls it image.RGBA.
func libwebp(img *image.NRGBA, quality int, lossless bool) ([]byte, error) {
	straight := &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
	if lossless {
		return webp.EncodeExactLosslessRGBA(straight)
	}
	return webp.EncodeRGBA(straight, float32(quality))
}
