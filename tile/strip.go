package tile

import "image"

// A PixelFormat is how the pixels of a result lie in memory. All are layouts of
// package image; 16-bit samples are big-endian.
type PixelFormat uint8

// The pixel formats. RGB8 and RGB16 have the layout of NRGBA8 and NRGBA16 with
// every alpha at its maximum, so that an encoder knows that nothing is
// transparent without looking.
const (
	Auto    PixelFormat = iota // in a Request: the smallest that loses nothing
	Gray8                      // image.Gray
	Gray16                     // image.Gray16
	RGB8                       // image.NRGBA, opaque
	RGB16                      // image.NRGBA64, opaque
	NRGBA8                     // image.NRGBA
	NRGBA16                    // image.NRGBA64
	YCbCr8                     // image.YCbCr, the full-range YCbCr of JFIF
	CMYK8                      // image.CMYK
	Coded                      // no pixels, only [Plan.Planes]: for images in any colours
)

// Channels is the number of samples a pixel has in memory.
func (f PixelFormat) Channels() int {
	switch f {
	case Gray8, Gray16:
		return 1
	case YCbCr8:
		return 3
	case RGB8, RGB16, NRGBA8, NRGBA16, CMYK8:
		return 4
	}
	return 0
}

// Depth is the number of bits a sample has in memory: 8 or 16.
func (f PixelFormat) Depth() int {
	switch f {
	case Gray16, RGB16, NRGBA16:
		return 16
	case Gray8, RGB8, NRGBA8, YCbCr8, CMYK8:
		return 8
	}
	return 0
}

func (f PixelFormat) String() string {
	switch f {
	case Auto:
		return "auto"
	case Gray8:
		return "gray8"
	case Gray16:
		return "gray16"
	case RGB8:
		return "rgb8"
	case RGB16:
		return "rgb16"
	case NRGBA8:
		return "nrgba8"
	case NRGBA16:
		return "nrgba16"
	case YCbCr8:
		return "ycbcr8"
	case CMYK8:
		return "cmyk8"
	case Coded:
		return "coded"
	}
	return "unknown"
}

// A Strip is a horizontal band of a result, as wide as the result. Strips come
// top to bottom without gaps; their heights vary. The strip and its pixels
// belong to whoever made it and are valid until the next one is asked for.
type Strip struct {
	Bounds image.Rectangle // on the result's grid, where Min of the whole is (0,0)
	Format PixelFormat
	Pix    []byte // row by row; for YCbCr8 the Y plane
	Stride int    // bytes from a row to the one below

	// Only for YCbCr8: the chroma planes, subsampled by Ratio. Bounds.Min.Y is
	// then a multiple of the vertical subsampling.
	Cb, Cr  []byte
	CStride int
	Ratio   image.YCbCrSubsampleRatio
}

// Image returns the strip as an image with the strip's bounds. It shares the
// strip's pixels and is valid as long as they are.
func (s *Strip) Image() image.Image {
	switch s.Format {
	case Gray8:
		return &image.Gray{Pix: s.Pix, Stride: s.Stride, Rect: s.Bounds}
	case Gray16:
		return &image.Gray16{Pix: s.Pix, Stride: s.Stride, Rect: s.Bounds}
	case RGB8, NRGBA8:
		return &image.NRGBA{Pix: s.Pix, Stride: s.Stride, Rect: s.Bounds}
	case RGB16, NRGBA16:
		return &image.NRGBA64{Pix: s.Pix, Stride: s.Stride, Rect: s.Bounds}
	case CMYK8:
		return &image.CMYK{Pix: s.Pix, Stride: s.Stride, Rect: s.Bounds}
	case YCbCr8:
		return &image.YCbCr{Y: s.Pix, Cb: s.Cb, Cr: s.Cr, YStride: s.Stride,
			CStride: s.CStride, SubsampleRatio: s.Ratio, Rect: s.Bounds}
	}
	panic("tile: strip without a pixel format (bug)")
}
