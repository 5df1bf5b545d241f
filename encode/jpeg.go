package encode

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"io"
	"iter"

	"github.com/stria-j2k/stria/tile"
)

// Chroma is how much of the colour a JPEG keeps.
type Chroma uint8

// The chroma subsamplings. Pixels that come as YCbCr8 with less colour than
// asked for keep what they have.
const (
	Chroma420 Chroma = iota // halved in both directions
	Chroma422               // halved in width
	Chroma444               // whole
)

// maxJPEG is the longest side that libjpeg takes (JPEG_MAX_DIMENSION); the
// format itself ends at 65,535.
const maxJPEG = 65500

// jpegBandPixels is about how many pixels a band has: a millisecond or so of
// work, which lets the first byte out early and keeps cores busy, while the two
// bytes of a restart marker and the DC values that begin anew are lost in it.
const jpegBandPixels = 128 << 10

// JPEG writes baseline JPEG (ITU-T T.81) in a JFIF frame.
//
// Bands of the picture are encoded independently by several cores and joined by
// restart markers under one header, so the picture is never in memory as a
// whole and the file is what any decoder reads. The bytes do not depend on the
// heights of the strips nor on the number of workers.
//
// It takes Gray8, RGB8, NRGBA8 and YCbCr8, and the 16-bit formats, which it
// rounds to 8 bits. CMYK8 is refused: neither library below can write the
// four-component JPEG with Adobe's marker that it would take.
//
// Without cgo, image/jpeg does the work, and there is 4:2:0 only; other
// subsamplings are errors that match errors.ErrUnsupported.
type JPEG struct {
	// Quality is that of libjpeg, 1 to 100. Zero: 85.
	Quality int

	// Chroma is the subsampling of colour pictures. Zero: 4:2:0.
	Chroma Chroma

	// Background is what shows through transparent pixels. Nil: white.
	Background color.Color

	// Workers is how many bands are encoded at a time. Zero: GOMAXPROCS.
	Workers int

	// Metadata is written in full: ICC in APP2, Exif and XMP in APP1, the
	// density in APP0, rounded to whole dots.
	Metadata Metadata
}

// MediaType returns "image/jpeg".
func (j JPEG) MediaType() string { return "image/jpeg" }

// Accept implements [Accepter].
func (j JPEG) Accept(size image.Point, f tile.PixelFormat) (tile.PixelFormat, error) {
	if err := checkSize("JPEG", size, maxJPEG); err != nil {
		return 0, err
	}
	switch f {
	case tile.Gray8, tile.Gray16:
		return tile.Gray8, nil
	case tile.RGB8, tile.RGB16, tile.NRGBA8, tile.NRGBA16:
		if err := canEncode(j.ratio()); err != nil {
			return 0, err
		}
		if f == tile.RGB8 || f == tile.RGB16 {
			return tile.RGB8, nil
		}
		return tile.NRGBA8, nil
	case tile.YCbCr8:
		return f, canEncode(j.ratio())
	}
	return 0, unsupported("JPEG from pixels in %v", f)
}

// Memory implements [Estimator]. The compressed bands count as much as their
// samples, and two and a half times that above quality 90, which noise needs.
func (j JPEG) Memory(size image.Point, f tile.PixelFormat) int64 {
	if checkSize("JPEG", size, maxJPEG) != nil {
		return 0
	}
	g := j.banding(size, f, image.YCbCrSubsampleRatio420)
	raw := bandMemory(size.X, min(g.rows, size.Y), f)
	samples := raw * 8 / int64(f.Depth())
	out := samples
	if j.quality() > 90 {
		out = samples * 5 / 2
	}
	return bufferMemory + g.memory(raw+out, samples)
}

func (j JPEG) quality() int {
	if j.Quality == 0 {
		return 85
	}
	return j.Quality
}

// ratio is what Chroma asks for.
func (j JPEG) ratio() image.YCbCrSubsampleRatio {
	switch j.Chroma {
	case Chroma444:
		return image.YCbCrSubsampleRatio444
	case Chroma422:
		return image.YCbCrSubsampleRatio422
	}
	return image.YCbCrSubsampleRatio420
}

// ratioFor is the subsampling of the file for strips of YCbCr8 with ratio in:
// in each direction the coarser of what is asked for and what there is.
func (j JPEG) ratioFor(in image.YCbCrSubsampleRatio) (image.YCbCrSubsampleRatio, error) {
	x := max(ratioX(in), ratioX(j.ratio()))
	y := max(ratioY(in), ratioY(j.ratio()))
	switch [2]int{x, y} {
	case [2]int{1, 1}:
		return image.YCbCrSubsampleRatio444, nil
	case [2]int{2, 1}:
		return image.YCbCrSubsampleRatio422, nil
	case [2]int{1, 2}:
		return image.YCbCrSubsampleRatio440, nil
	case [2]int{2, 2}:
		return image.YCbCrSubsampleRatio420, nil
	}
	return 0, unsupported("JPEG with chroma subsampled like %v", in)
}

// banding cuts a picture into bands of whole MCU rows, few enough MCUs for a
// restart interval.
func (j JPEG) banding(size image.Point, f tile.PixelFormat, r image.YCbCrSubsampleRatio) banding {
	mcu := mcuSize(f, r)
	rows := bandRows(size.X, jpegBandPixels, 16)
	// B.2.4.4: Ri has 16 bits.
	perRow := (size.X + mcu.X - 1) / mcu.X
	rows = min(rows, 65535/perRow*mcu.Y&^15)
	return banding{size: size, rows: max(rows, 16), workers: j.Workers}
}

// mcuSize is the size of a minimum coded unit in pixels (A.2.4).
func mcuSize(f tile.PixelFormat, r image.YCbCrSubsampleRatio) image.Point {
	if f == tile.Gray8 || f == tile.Gray16 {
		return image.Pt(8, 8)
	}
	return image.Pt(8*ratioX(r), 8*ratioY(r))
}

// Encode implements [Format].
func (j JPEG) Encode(ctx context.Context, w io.Writer, src Source) error {
	size, f := src.Size(), src.PixelFormat()
	if _, err := j.Accept(size, f); err != nil {
		return err
	}
	if q := j.quality(); q < 1 || q > 100 {
		return errorf("JPEG quality %d is not between 1 and 100", q)
	}
	meta, err := j.Metadata.of(src, f)
	if err != nil {
		return err
	}
	app, err := appendJFIF(nil, meta)
	if err != nil {
		return err
	}
	return run(ctx, w, src, j.Memory(size, f)-bufferMemory,
		func(ctx context.Context, out *buffer, strips iter.Seq2[*tile.Strip, error]) error {
			return j.stitch(ctx, out, size, f, app, strips)
		})
}

// stitch writes one JPEG out of one JPEG for each band.
func (j JPEG) stitch(ctx context.Context, out *buffer, size image.Point,
	f tile.PixelFormat, app []byte, strips iter.Seq2[*tile.Strip, error]) error {

	// Only the first strip says how its chroma is subsampled.
	first, strips, stop, err := peek(strips)
	if err != nil {
		return err
	}
	defer stop()
	ratio := j.ratio()
	if f == tile.YCbCr8 {
		if ratio, err = j.ratioFor(first.Ratio); err != nil {
			return err
		}
		if err := canEncode(ratio); err != nil {
			return err
		}
	}
	g := j.banding(size, f, ratio)
	mcu := mcuSize(f, ratio)
	interval := (size.X + mcu.X - 1) / mcu.X * (g.rows / mcu.Y)

	newWorker := func() func(*band) error {
		// Planes that a band is converted to, if its own do not do.
		var planes image.YCbCr
		background := newBackdrop(j.Background)
		return func(b *band) error {
			img := b.jpegImage(ratio, background, &planes)
			return encodeJPEG(&b.out, img, j.quality())
		}
	}
	var tables []byte // of the first band, which all others must share
	emit := func(b *band) error {
		p, err := splitJPEG(b.out, size.Y)
		if err != nil {
			return err
		}
		var head []byte
		if b.index == 0 {
			tables = append(p.frame, p.scan...)
			head = append(head, app...)
			head = append(head, p.frame...)
			if !b.last {
				head = appendDRI(head, interval)
			}
			head = append(head, p.scan...)
		} else {
			if !bytes.Equal(append(p.frame, p.scan...), tables) {
				return errorf("the bands of a JPEG have different tables (bug)")
			}
			// F.1.1.5.2: RST0 to RST7 in turn.
			head = []byte{0xff, mRST0 + byte((b.index-1)%8)}
		}
		data := p.data
		if b.last {
			data = p.dataEOI
		}
		if _, err := out.Write(head); err != nil {
			return err
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
		if b.index == 0 {
			out.flush()
		}
		return nil
	}
	return g.each(ctx, strips, newWorker, emit)
}

// peek takes the first strip out of strips and returns a sequence that begins
// with it. stop ends strips; it must be called.
func peek(strips iter.Seq2[*tile.Strip, error]) (first *tile.Strip,
	all iter.Seq2[*tile.Strip, error], stop func(), err error) {

	next, stop := iter.Pull2(strips)
	first, err, ok := next()
	if err == nil && !ok {
		err = errorf("the source has no strips: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		stop()
		return nil, nil, nil, err
	}
	all = func(yield func(*tile.Strip, error) bool) {
		for s, err := first, error(nil); ok; s, err, ok = next() {
			if !yield(s, err) {
				return
			}
		}
	}
	return first, all, stop, nil
}
