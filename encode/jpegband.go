package encode

// This file implements what happens to the pixels of a band before it is handed
// to a JPEG encoder.

import (
	"image"

	"github.com/stria-j2k/stria/tile"
)

// jpegImage returns the pixels of b as what encodeJPEG takes: 8 bits, opaque,
// subsampled by ratio if there is colour. It works in place as far as it can;
// else in planes, which it allocates or reuses.
func (b *band) jpegImage(ratio image.YCbCrSubsampleRatio, bg backdrop, c *jpegConverter) image.Image {
	w, h, planes := b.Bounds.Dx(), b.Bounds.Dy(), &c.planes
	rect := image.Rect(0, 0, w, h)
	pw, ph := pad16(w), pad16(h)
	switch b.Format {
	case tile.Gray16:
		for y := range h {
			narrow(b.Pix[y*pw:y*pw+w], b.row(y))
		}
		fallthrough
	case tile.Gray8:
		padPlane(b.Pix, pw, w, h, pw, ph)
		return &image.Gray{Pix: b.Pix, Stride: pw, Rect: rect}

	case tile.YCbCr8:
		in := &image.YCbCr{Y: b.Pix, Cb: b.Cb, Cr: b.Cr, YStride: b.Stride,
			CStride: b.CStride, SubsampleRatio: b.Ratio, Rect: rect}
		rx, ry := ratioX(b.Ratio), ratioY(b.Ratio)
		cw, ch := (w+rx-1)/rx, (h+ry-1)/ry
		padPlane(in.Y, in.YStride, w, h, pw, ph)
		padPlane(in.Cb, in.CStride, cw, ch, pw/rx, ph/ry)
		padPlane(in.Cr, in.CStride, cw, ch, pw/rx, ph/ry)
		if b.Ratio == ratio {
			return in
		}
		c.makePlanes(pw, b.height, ratio)
		fx, fy := ratioX(ratio)/rx, ratioY(ratio)/ry
		shrinkPlane(planes.Cb, planes.CStride, in.Cb, in.CStride, pw/ratioX(ratio), ph/ratioY(ratio), fx, fy)
		shrinkPlane(planes.Cr, planes.CStride, in.Cr, in.CStride, pw/ratioX(ratio), ph/ratioY(ratio), fx, fy)
		in.Cb, in.Cr, in.CStride, in.SubsampleRatio = planes.Cb, planes.Cr, planes.CStride, ratio
		return in
	}

	// Packed colour becomes opaque pixels of 4 bytes each.
	for y := range h {
		row := b.row(y)
		dst := b.Pix[y*4*pw : y*4*pw+4*w]
		switch b.Format {
		case tile.RGB16:
			narrow(dst, row)
		case tile.NRGBA16:
			bg.flatten16(row)
			narrow(dst, row)
		case tile.NRGBA8:
			bg.flatten8(row)
		}
	}
	if ratio == image.YCbCrSubsampleRatio420 {
		// libjpeg pads, converts and subsamples such itself, and fast.
		return &image.RGBA{Pix: b.Pix, Stride: 4 * pw, Rect: rect}
	}
	c.makePlanes(pw, b.height, ratio)
	for y := range h {
		rgba := b.Pix[y*4*pw : y*4*pw+4*w]
		o, co := y*planes.YStride, y*planes.CStride
		if ratio == image.YCbCrSubsampleRatio444 {
			c.table.to444(planes.Y[o:], planes.Cb[co:], planes.Cr[co:], rgba)
		} else {
			c.table.to422(planes.Y[o:], planes.Cb[co:], planes.Cr[co:], rgba)
		}
	}
	rx := ratioX(ratio)
	padPlane(planes.Y, planes.YStride, w, h, pw, ph)
	padPlane(planes.Cb, planes.CStride, (w+rx-1)/rx, h, pw/rx, ph)
	padPlane(planes.Cr, planes.CStride, (w+rx-1)/rx, h, pw/rx, ph)
	planes.Rect = rect
	return planes
}

// A jpegConverter is what a worker has to convert bands with. Its zero value is
// ready.
type jpegConverter struct {
	planes image.YCbCr
	table  *ycbcrTable
}

// makePlanes makes planes of w x h pixels, multiples of 16, unless they have been
// made before, and the table.
func (c *jpegConverter) makePlanes(w, h int, ratio image.YCbCrSubsampleRatio) {
	if c.table == nil {
		c.table = newYCbCrTable()
	}
	if c.planes.YStride != w || len(c.planes.Y) < w*h {
		c.planes = *image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
	}
}
