package encode_test

import (
	"bytes"
	"context"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"iter"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/webp"
	"github.com/stria-j2k/stria/internal/corpus"
	"github.com/stria-j2k/stria/tile"
)

// BenchmarkEncode is every format beside the package that one would else use, on
// pictures as they are served: MB/s of samples in, and the size of the file. Both
// sides write to a buffer. A figure at the end of a name is the number of workers.
func BenchmarkEncode(b *testing.B) {
	real := func(name string) func(testing.TB) string {
		return func(tb testing.TB) string { return filepath.Join(corpus.Dir(tb), "real", name) }
	}
	for _, picture := range []struct {
		name string
		file func(testing.TB) string
	}{
		{"map", func(testing.TB) string { return "../examples/testdata/sample.jp2" }},
		{"print", real("balloon-kakadu61.jp2")},
		{"page", real("kb-MMATR01_001881004_00030_access.jp2")},
		{"newspaper", real("adresseavisen1759-1795-06-13-01-0006.jp2")}, // grey
	} {
		b.Run(picture.name, func(b *testing.B) {
			img := middle(b, picture.file(b), image.Pt(1536, 1024))
			benchmarkFormats(b, img)
		})
	}
}

// A still is a Source over an image in memory that costs next to nothing.
type still struct {
	img  image.Image // opaque
	rows int         // of a strip
}

func (s still) Size() image.Point { return s.img.Bounds().Size() }

func (s still) PixelFormat() tile.PixelFormat {
	if _, ok := s.img.(*image.Gray); ok {
		return tile.Gray8
	}
	return tile.RGB8
}

func (s still) Strips(context.Context) iter.Seq2[*tile.Strip, error] {
	strip := tile.Strip{Format: s.PixelFormat()}
	var pix []byte
	switch m := s.img.(type) {
	case *image.Gray:
		pix, strip.Stride = m.Pix, m.Stride
	case *image.NRGBA:
		pix, strip.Stride = m.Pix, m.Stride
	}
	return func(yield func(*tile.Strip, error) bool) {
		size := s.Size()
		for y := 0; y < size.Y; y += s.rows {
			strip.Bounds = image.Rect(0, y, size.X, min(y+s.rows, size.Y))
			strip.Pix = pix[y*strip.Stride : strip.Bounds.Max.Y*strip.Stride]
			if !yield(&strip, nil) {
				return
			}
		}
	}
}

func benchmarkFormats(b *testing.B, img image.Image) {
	samples, other := 1, img
	if m, ok := img.(*image.NRGBA); ok { // image/jpeg is slow with these
		rgba := image.NewRGBA(m.Rect)
		draw.Draw(rgba, m.Rect, m, image.Point{}, draw.Src)
		samples, other = 3, rgba
	}
	src := still{img, 64}
	run := func(name string, f func(w io.Writer) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(img.Bounds().Dx() * img.Bounds().Dy() * samples))
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				require.NoError(b, f(&out))
			}
			b.ReportMetric(float64(out.Len())/1000, "kB")
		})
	}
	ours := func(name string, f encode.Format) {
		run(name, func(w io.Writer) error { return f.Encode(b.Context(), w, src) })
	}

	ours("jpeg-1", encode.JPEG{Workers: 1})
	ours("jpeg-2", encode.JPEG{Workers: 2})
	run("image-jpeg", func(w io.Writer) error { return jpeg.Encode(w, other, &jpeg.Options{Quality: 85}) })

	ours("png-1", encode.PNG{Workers: 1})
	ours("png-2", encode.PNG{Workers: 2})
	ours("png-level6-1", encode.PNG{Level: 6, Workers: 1})
	run("image-png", func(w io.Writer) error { return png.Encode(w, other) })

	ours("tiff", encode.TIFF{})
	run("x-image-tiff", func(w io.Writer) error { return tiff.Encode(w, other, nil) })
	ours("tiff-deflate-1", encode.TIFF{Compression: encode.Deflate, Workers: 1})
	ours("tiff-deflate-2", encode.TIFF{Compression: encode.Deflate, Workers: 2})
	run("x-image-tiff-deflate", func(w io.Writer) error {
		return tiff.Encode(w, other, &tiff.Options{Compression: tiff.Deflate})
	})

	ours("gif", encode.GIF{})
	run("image-gif", func(w io.Writer) error { return gif.Encode(w, other, nil) })

	ours("pnm", encode.PNM{})
	ours("pdf-1", encode.PDF{JPEG: encode.JPEG{Workers: 1}})
	if samples == 3 { // WebP has no grey
		ours("webp", webp.WebP{})
		ours("webp-lossless", webp.WebP{Lossless: true})
	}
}
