package encode

import (
	"context"
	"image"
	"image/color"
	"image/gif"
	"io"

	"github.com/stria-j2k/stria/tile"
)

// GIF writes GIF89a with the 256 colours that serve the picture best, dithered,
// or all 256 greys. Pixels less than half opaque are transparent. The palette
// comes before the pixels and depends on all of them, so the whole picture is in
// memory, which Memory counts. There is no place for Metadata; [Plan] therefore
// converts colours that are those of a profile to sRGB.
type GIF struct{}

// MediaType returns "image/gif".
func (f GIF) MediaType() string { return "image/gif" }

// EmbedsICC implements [Embedder].
func (f GIF) EmbedsICC() bool { return false }

// Accept implements [Accepter].
func (f GIF) Accept(size image.Point, pf tile.PixelFormat) (tile.PixelFormat, error) {
	if err := checkSize("GIF", size, 65535); err != nil {
		return 0, err
	}
	switch pf {
	case tile.Gray8, tile.Gray16:
		return tile.Gray8, nil
	case tile.RGB8, tile.RGB16, tile.YCbCr8:
		return tile.RGB8, nil
	case tile.NRGBA8, tile.NRGBA16:
		return tile.NRGBA8, nil
	}
	return 0, unsupported("GIF from pixels in %v", pf)
}

// Memory implements [Estimator].
func (f GIF) Memory(size image.Point, pf tile.PixelFormat) int64 {
	if checkSize("GIF", size, 65535) != nil {
		return 0
	}
	n := int64(size.X) * int64(size.Y)
	if pf.Channels() == 1 {
		return bufferMemory + n + 1<<20
	}
	return bufferMemory + 5*n + 1<<20 // what the histogram, tables and LZW take
}

// Encode implements [Format].
func (f GIF) Encode(ctx context.Context, w io.Writer, src Source) error {
	size, pf := src.Size(), src.PixelFormat()
	if err := checkFormat(f, size, pf); err != nil {
		return err
	}
	return Whole(ctx, w, src, f.Memory(size, pf), func(w io.Writer, img image.Image) error {
		p := &image.Paletted{Rect: image.Rectangle{Max: size}, Stride: size.X}
		if gray, ok := img.(*image.Gray); ok {
			p.Pix = gray.Pix
			for i := range 256 {
				p.Palette = append(p.Palette, color.NRGBA{uint8(i), uint8(i), uint8(i), 255})
			}
		} else if err := quantize(ctx, p, img.(*image.NRGBA), pf == tile.NRGBA8); err != nil {
			return err
		}
		return gif.Encode(w, p, &gif.Options{NumColors: len(p.Palette)})
	})
}

// quantize sets the palette and the pixels of p to those of img.
func quantize(ctx context.Context, p *image.Paletted, img *image.NRGBA, alpha bool) error {
	var counts histogram
	counts.add(img.Pix)
	n := 256
	if alpha {
		n--
	}
	p.Palette = counts.palette(n)
	if alpha {
		p.Palette = append(p.Palette, color.NRGBA{})
	}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	p.Pix = make([]byte, w*h)
	q := newQuantizer(p.Palette, w)
	for y := range h {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		q.row(p.Pix[y*w:][:w], img.Pix[y*img.Stride:][:4*w])
	}
	return nil
}
