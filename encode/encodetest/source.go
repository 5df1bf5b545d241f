package encodetest

import (
	"context"
	"fmt"
	"image"
	"iter"

	"github.com/stria-j2k/stria/tile"
)

// A Source is an [encode.Source] over an image in memory. It is as unkind as it
// may be: a strip is a copy that is overwritten when the next one is asked for.
type Source struct {
	img     image.Image
	format  tile.PixelFormat
	heights []int

	// Profile is what ICC returns.
	Profile []byte
	// DPI is what Density returns, for both directions.
	DPI float64

	// Before, if it is not nil, is called before each strip with its number from
	// 0 and its position; the error it returns is yielded in place of the strip.
	Before func(ctx context.Context, n int, bounds image.Rectangle) error

	running int // loops that have begun and not ended
}

// NewSource returns a Source over img, whose bounds must begin at (0,0) and whose
// type must be one that [tile.Strip.Image] returns. An opaque image.NRGBA or
// image.NRGBA64 comes as RGB8 or RGB16. The strips have those heights in turn, 16
// if there are none; for image.YCbCr they are rounded up to whole chroma rows.
func NewSource(img image.Image, heights ...int) *Source {
	s := &Source{img: img, heights: heights}
	if len(heights) == 0 {
		s.heights = []int{16}
	}
	switch m := img.(type) {
	case *image.Gray:
		s.format = tile.Gray8
	case *image.Gray16:
		s.format = tile.Gray16
	case *image.NRGBA:
		s.format = tile.NRGBA8
		if m.Opaque() {
			s.format = tile.RGB8
		}
	case *image.NRGBA64:
		s.format = tile.NRGBA16
		if m.Opaque() {
			s.format = tile.RGB16
		}
	case *image.CMYK:
		s.format = tile.CMYK8
	case *image.YCbCr:
		s.format = tile.YCbCr8
	default:
		panic(fmt.Sprintf("encodetest: no pixel format for %T", img))
	}
	return s
}

// Size implements encode.Source.
func (s *Source) Size() image.Point { return s.img.Bounds().Size() }

// PixelFormat implements encode.Source.
func (s *Source) PixelFormat() tile.PixelFormat { return s.format }

// ICC implements encode.Profiled.
func (s *Source) ICC() []byte { return s.Profile }

// Density implements encode.Dense.
func (s *Source) Density() (x, y float64) { return s.DPI, s.DPI }

// Strips implements encode.Source.
func (s *Source) Strips(ctx context.Context) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		s.running++
		defer func() { s.running-- }()
		b := s.img.Bounds()
		for n, y := 0, 0; y < b.Max.Y; n++ {
			h := s.heights[n%len(s.heights)]
			if m, ok := s.img.(*image.YCbCr); ok {
				c := m.Rect.Dy() / max(1, m.COffset(0, m.Rect.Dy()-1)/m.CStride+1)
				h = (h + c - 1) / c * c
			}
			r := image.Rect(0, y, b.Max.X, min(y+h, b.Max.Y))
			if s.Before != nil {
				if err := s.Before(ctx, n, r); err != nil {
					yield(nil, err)
					return
				}
			}
			strip := s.strip(r)
			more := yield(strip, nil)
			for _, plane := range [][]byte{strip.Pix, strip.Cb, strip.Cr} {
				for i := range plane {
					plane[i] = 0xa5
				}
			}
			if !more {
				return
			}
			y = r.Max.Y
		}
	}
}

// strip returns a copy of the rows r with odd strides.
func (s *Source) strip(r image.Rectangle) *tile.Strip {
	t := &tile.Strip{Bounds: r, Format: s.format}
	rows := func(pix []byte, stride, y0, y1, n int) ([]byte, int) {
		to := n + 5
		dst := make([]byte, (y1-y0)*to-5)
		for y := y0; y < y1; y++ {
			copy(dst[(y-y0)*to:], pix[y*stride:y*stride+n])
		}
		return dst, to
	}
	n := r.Dx() * s.format.Channels() * s.format.Depth() / 8
	switch m := s.img.(type) {
	case *image.Gray:
		t.Pix, t.Stride = rows(m.Pix, m.Stride, r.Min.Y, r.Max.Y, n)
	case *image.Gray16:
		t.Pix, t.Stride = rows(m.Pix, m.Stride, r.Min.Y, r.Max.Y, n)
	case *image.NRGBA:
		t.Pix, t.Stride = rows(m.Pix, m.Stride, r.Min.Y, r.Max.Y, n)
	case *image.NRGBA64:
		t.Pix, t.Stride = rows(m.Pix, m.Stride, r.Min.Y, r.Max.Y, n)
	case *image.CMYK:
		t.Pix, t.Stride = rows(m.Pix, m.Stride, r.Min.Y, r.Max.Y, n)
	case *image.YCbCr:
		t.Pix, t.Stride = rows(m.Y, m.YStride, r.Min.Y, r.Max.Y, r.Dx())
		c0 := m.COffset(0, r.Min.Y) / m.CStride
		c1 := m.COffset(0, r.Max.Y-1)/m.CStride + 1
		cn := m.COffset(r.Max.X-1, 0) + 1
		t.Cb, t.CStride = rows(m.Cb, m.CStride, c0, c1, cn)
		t.Cr, _ = rows(m.Cr, m.CStride, c0, c1, cn)
		t.Ratio = m.SubsampleRatio
	}
	return t
}
