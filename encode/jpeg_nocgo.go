//go:build !cgo

package encode

import (
	"image"
	"image/jpeg"
)

// canEncode reports whether encodeJPEG can write chroma subsampled by r:
// image/jpeg writes 4:2:0 only.
func canEncode(r image.YCbCrSubsampleRatio) error {
	if r != image.YCbCrSubsampleRatio420 {
		return unsupported("JPEG with chroma subsampled like %v, in a build without cgo", r)
	}
	return nil
}

// encodeJPEG appends img to dst as one baseline JPEG with the tables of Annex K,
// which are the same for every image of that quality. It ignores the alpha of an
// image.RGBA.
func encodeJPEG(dst *sink, img image.Image, quality int) error {
	return jpeg.Encode(dst, img, &jpeg.Options{Quality: quality})
}

// canEncodeWhole reports whether there is encodeWholeJPEG: image/jpeg writes
// neither progressive files nor Huffman tables of their own.
func canEncodeWhole() error {
	return unsupported("progressive or optimized JPEG, in a build without cgo")
}

// encodeWholeJPEG is not reached.
func encodeWholeJPEG(*sink, image.Image, int, bool) error { return canEncodeWhole() }
