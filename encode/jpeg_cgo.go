//go:build cgo

package encode

import (
	"image"

	"github.com/pixiv/go-libjpeg/jpeg"
)

// canEncode reports whether encodeJPEG can write chroma subsampled by r.
func canEncode(image.YCbCrSubsampleRatio) error { return nil }

// encodeJPEG appends img to dst as one baseline JPEG with the tables of Annex K,
// which are the same for every image of that quality. img is an image.Gray or
// image.YCbCr whose planes are padded to whole MCUs, as libjpeg reads so many,
// or an image.RGBA, whose alpha is ignored.
func encodeJPEG(dst *sink, img image.Image, quality int) error {
	err := jpeg.Encode(dst, img, &jpeg.EncoderOptions{Quality: quality})
	if err != nil {
		return errorf("libjpeg: %w", err)
	}
	return nil
}

// canEncodeWhole reports whether there is encodeWholeJPEG.
func canEncodeWhole() error { return nil }

// encodeWholeJPEG appends img, which is as for encodeJPEG, to dst as one JPEG
// with Huffman tables of its own, progressive if asked for.
func encodeWholeJPEG(dst *sink, img image.Image, quality int, progressive bool) error {
	err := jpeg.Encode(dst, img, &jpeg.EncoderOptions{
		Quality: quality, OptimizeCoding: true, ProgressiveMode: progressive,
	})
	if err != nil {
		return errorf("libjpeg: %w", err)
	}
	return nil
}
