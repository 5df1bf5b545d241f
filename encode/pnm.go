package encode

import (
	"context"
	"fmt"
	"image"
	"io"
	"iter"
	"math"

	"github.com/stria-j2k/stria/tile"
)

// PNM writes the formats of Netpbm: PGM (P5) for Gray8 and Gray16, PPM (P6) for
// RGB8 and RGB16, and PAM (P7) for NRGBA8 and NRGBA16, since only that has
// transparency. Rows are written as they come. There is no place for Metadata;
// [Plan] therefore converts colours that are those of a profile to sRGB.
type PNM struct {
	// PAM writes everything as PAM, CMYK8 too (tuple type CMYK, as Ghostscript
	// and GraphicsMagick have it).
	PAM bool
}

// MediaType returns "image/x-portable-anymap", which covers all of them.
func (p PNM) MediaType() string { return "image/x-portable-anymap" }

// EmbedsICC implements [Embedder].
func (p PNM) EmbedsICC() bool { return false }

// Accept implements [Accepter].
func (p PNM) Accept(size image.Point, f tile.PixelFormat) (tile.PixelFormat, error) {
	if err := checkSize("PNM", size, math.MaxInt32); err != nil {
		return 0, err
	}
	switch {
	case f == tile.YCbCr8:
		return tile.RGB8, nil
	case f.Channels() == 0 || f == tile.CMYK8 && !p.PAM:
		return 0, unsupported("PNM from pixels in %v", f)
	}
	return f, nil
}

// Memory implements [Estimator].
func (p PNM) Memory(size image.Point, f tile.PixelFormat) int64 {
	return bufferMemory + int64(size.X)*int64(f.Channels()*f.Depth()/8)
}

// header returns what comes before the samples.
func (p PNM) header(size image.Point, f tile.PixelFormat) []byte {
	maxval := 1<<f.Depth() - 1
	if tuple, depth := pamTuple(f); p.PAM || depth == 4 {
		return fmt.Appendf(nil,
			"P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n",
			size.X, size.Y, depth, maxval, tuple)
	}
	magic := "P6"
	if f.Channels() == 1 {
		magic = "P5"
	}
	return fmt.Appendf(nil, "%s\n%d %d\n%d\n", magic, size.X, size.Y, maxval)
}

// pamTuple returns the tuple type of f and its samples per pixel in the file.
func pamTuple(f tile.PixelFormat) (tuple string, depth int) {
	switch f {
	case tile.Gray8, tile.Gray16:
		return "GRAYSCALE", 1
	case tile.RGB8, tile.RGB16:
		return "RGB", 3
	case tile.CMYK8:
		return "CMYK", 4
	}
	return "RGB_ALPHA", 4
}

// Encode implements [Format].
func (p PNM) Encode(ctx context.Context, w io.Writer, src Source) error {
	size, f := src.Size(), src.PixelFormat()
	if err := checkFormat(p, size, f); err != nil {
		return err
	}
	return run(ctx, w, src, p.Memory(size, f)-bufferMemory,
		func(ctx context.Context, out *buffer, strips iter.Seq2[*tile.Strip, error]) error {
			var row []byte
			for s, err := range strips {
				if err != nil {
					return err
				}
				if s.Bounds.Min.Y == 0 {
					if _, err := out.Write(p.header(size, f)); err != nil {
						return err
					}
				}
				for y := range s.Bounds.Dy() {
					row = appendPixels(row[:0], s, y)
					if _, err := out.Write(row); err != nil {
						return err
					}
				}
				if s.Bounds.Min.Y == 0 {
					out.flush()
				}
			}
			return nil
		})
}

// appendPixels appends row y of s, counted from its top, without the alpha that
// RGB8 and RGB16 have in memory only. It is not for YCbCr8.
func appendPixels(dst []byte, s *tile.Strip, y int) []byte {
	n := s.Bounds.Dx() * s.Format.Channels() * s.Format.Depth() / 8
	row := s.Pix[y*s.Stride : y*s.Stride+n]
	switch s.Format {
	case tile.RGB8:
		at := len(dst)
		dst = extend(dst, n/4*3)
		d := dst[at:]
		for len(d) >= 3 && len(row) >= 4 {
			d[0], d[1], d[2] = row[0], row[1], row[2]
			d, row = d[3:], row[4:]
		}
		return dst
	case tile.RGB16:
		at := len(dst)
		dst = extend(dst, n/8*6)
		d := dst[at:]
		for len(d) >= 6 && len(row) >= 8 {
			copy(d[:6], row[:6])
			d, row = d[6:], row[8:]
		}
		return dst
	}
	return append(dst, row...)
}

// pixelBytes is what a pixel takes in a file that appendPixels fills, in bytes.
func pixelBytes(f tile.PixelFormat) int {
	_, depth := pamTuple(f)
	return depth * f.Depth() / 8
}

// extend makes dst n bytes longer, whatever those are.
func extend(dst []byte, n int) []byte {
	if need := len(dst) + n; need <= cap(dst) {
		return dst[:need]
	}
	return append(dst, make([]byte, n)...)
}
