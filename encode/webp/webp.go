// Package webp writes WebP. It is a package of its own because libwebp, which does
// the work, takes a while to compile: only who imports it pays.
package webp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/tile"
)

// maxSide is the longest side of a picture (14 bits).
const maxSide = 16383

// WebP writes WebP through libwebp: VP8, or VP8L if Lossless. It takes RGB8 and
// NRGBA8, which keeps its alpha, and is an [encode.Format].
//
// libwebp needs the whole picture, so it is collected first, which Memory counts,
// and it cannot be cancelled while it works. A build without cgo refuses
// everything with an error that matches errors.ErrUnsupported.
type WebP struct {
	// Quality is 1 to 100. Zero: 80.
	Quality int

	// Lossless keeps every sample; Quality does not matter then.
	Lossless bool

	// Metadata is written as ICCP, EXIF and XMP. There is no place for the
	// density.
	Metadata encode.Metadata
}

// MediaType returns "image/webp".
func (f WebP) MediaType() string { return "image/webp" }

// Accept implements [encode.Accepter].
func (f WebP) Accept(size image.Point, pf tile.PixelFormat) (tile.PixelFormat, error) {
	if !available {
		return 0, fmt.Errorf("encode/webp: a build without cgo: %w", errors.ErrUnsupported)
	}
	if size.X <= 0 || size.Y <= 0 {
		return 0, fmt.Errorf("encode/webp: a picture of %d x %d pixels is empty: %w",
			size.X, size.Y, tile.ErrRequest)
	}
	if size.X > maxSide || size.Y > maxSide {
		return 0, fmt.Errorf("encode/webp: WebP holds at most %d x %d pixels, not %d x %d: %w",
			maxSide, maxSide, size.X, size.Y, errors.ErrUnsupported)
	}
	switch pf {
	case tile.NRGBA8, tile.NRGBA16:
		return tile.NRGBA8, nil
	case tile.Gray8, tile.Gray16, tile.RGB8, tile.RGB16, tile.YCbCr8:
		return tile.RGB8, nil
	}
	return 0, fmt.Errorf("encode/webp: pixels in %v: %w", pf, errors.ErrUnsupported)
}

// Memory implements [encode.Estimator]. Bytes for each pixel, found by measuring:
// 4 of the picture, what libwebp takes, and the file twice.
func (f WebP) Memory(size image.Point, pf tile.PixelFormat) int64 {
	if _, err := f.Accept(size, pf); err != nil {
		return 0
	}
	perPixel := int64(24)
	if f.Lossless {
		perPixel = 48
	}
	return 2<<20 + perPixel*int64(size.X)*int64(size.Y)
}

// Encode implements [encode.Format].
func (f WebP) Encode(ctx context.Context, w io.Writer, src encode.Source) error {
	size, pf := src.Size(), src.PixelFormat()
	if want, err := f.Accept(size, pf); err != nil {
		return err
	} else if want != pf {
		return fmt.Errorf("encode/webp: pixels in %v, other than as %v: %w",
			pf, want, errors.ErrUnsupported)
	}
	quality := f.Quality
	if quality == 0 {
		quality = 80
	}
	if quality < 1 || quality > 100 {
		return fmt.Errorf("encode/webp: quality %d is not between 1 and 100: %w",
			quality, tile.ErrRequest)
	}
	meta, err := f.Metadata.For(src, pf)
	if err != nil {
		return err
	}
	return encode.Whole(ctx, w, src, f.Memory(size, pf), func(w io.Writer, img image.Image) error {
		data, err := libwebp(img.(*image.NRGBA), quality, f.Lossless)
		if err != nil {
			return fmt.Errorf("encode/webp: %w", err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		head, data, tail := extend(data, size, pf == tile.NRGBA8, meta)
		for _, part := range [][]byte{head, data, tail} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// extend returns the parts of a file that holds meta beside the image in data, a
// simple file of libwebp (RFC 9649, 2.7). It returns data in the middle if there
// is nothing to add.
func extend(data []byte, size image.Point, alpha bool, meta encode.Metadata) (head, body, tail []byte) {
	const riff = 12 // "RIFF", length, "WEBP"
	if len(meta.ICC)+len(meta.Exif)+len(meta.XMP) == 0 || len(data) < riff+8 {
		return nil, data, nil
	}
	body = data[riff:]
	if string(body[:4]) == "VP8X" { // libwebp has begun: its header is replaced
		body = body[8+10:]
	}
	flags := byte(0)
	if len(meta.ICC) > 0 {
		flags |= 0x20
		head = appendChunk(head, "ICCP", meta.ICC)
	}
	if alpha {
		flags |= 0x10
	}
	if len(meta.Exif) > 0 {
		flags |= 0x08
		tail = appendChunk(tail, "EXIF", meta.Exif)
	}
	if len(meta.XMP) > 0 {
		flags |= 0x04
		tail = appendChunk(tail, "XMP ", meta.XMP)
	}
	x, y := uint32(size.X-1), uint32(size.Y-1)
	vp8x := appendChunk(nil, "VP8X", []byte{flags, 0, 0, 0,
		byte(x), byte(x >> 8), byte(x >> 16), byte(y), byte(y >> 8), byte(y >> 16)})
	first := binary.LittleEndian.AppendUint32([]byte("RIFF"),
		uint32(4+len(vp8x)+len(head)+len(body)+len(tail)))
	first = append(append(first, "WEBP"...), vp8x...)
	return append(first, head...), body, tail
}

// appendChunk appends a chunk, padded to an even length.
func appendChunk(dst []byte, name string, data []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, name...), uint32(len(data)))
	dst = append(dst, data...)
	if len(data)&1 == 1 {
		dst = append(dst, 0)
	}
	return dst
}
