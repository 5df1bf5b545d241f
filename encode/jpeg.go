package encode

import (
	"bytes"
	"context"
	"errors"
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

	// Progressive writes a picture that appears coarse and gets finer, in ten
	// scans; Optimize writes Huffman tables made for the picture, which saves
	// some percent. Both need all of it in memory, two to four times over, which
	// Memory counts. If the budget of the source can never hold as much, the
	// file is baseline as if they were not set; it decodes to the same pixels.
	// They are errors that match errors.ErrUnsupported in a build without cgo.
	// While libjpeg works on the whole it cannot be cancelled.
	Progressive, Optimize bool

	// Background is what shows through transparent pixels. Nil: white.
	Background color.Color

	// Workers is how many bands are encoded at a time. Zero: GOMAXPROCS.
	Workers int

	// Metadata is written in full: ICC in APP2, Exif and XMP in APP1, the
	// density in APP0, rounded to whole dots. XMP of more than 64 KiB becomes
	// extended XMP; as much Exif is an error that matches errors.ErrUnsupported.
	Metadata Metadata
}

// MediaType returns "image/jpeg".
func (j JPEG) MediaType() string { return "image/jpeg" }

// Accept implements [Accepter].
func (j JPEG) Accept(size image.Point, f tile.PixelFormat) (tile.PixelFormat, error) {
	if err := checkSize("JPEG", size, maxJPEG); err != nil {
		return 0, err
	}
	if j.whole() {
		if err := canEncodeWhole(); err != nil {
			return 0, err
		}
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
	if j.whole() {
		return j.wholeMemory(size, f)
	}
	return j.stitchedMemory(size, f)
}

// stitchedMemory is Memory for bands.
func (j JPEG) stitchedMemory(size image.Point, f tile.PixelFormat) int64 {
	g := j.banding(size, f, image.YCbCrSubsampleRatio420)
	raw := bandMemory(size.X, min(g.rows, size.Y), f)
	samples := raw * 8 / int64(f.Depth())
	out := samples
	if j.quality() > 90 {
		out = samples * 5 / 2
	}
	return bufferMemory + g.memory(raw+out, samples)
}

// wholeMemory is Memory for the picture in one piece: its pixels, the planes they
// become, the coefficients, 16 bits each, and the file.
func (j JPEG) wholeMemory(size image.Point, f tile.PixelFormat) int64 {
	raw := bandMemory(size.X, size.Y, f)
	planes := raw / int64(f.Channels()*f.Depth()/8)
	if f.Channels() > 1 {
		planes *= 3
	}
	return bufferMemory + raw + planes + 2*planes + planes
}

// whole reports whether the picture is to be encoded in one piece.
func (j JPEG) whole() bool { return j.Progressive || j.Optimize }

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
	rows := bandRows(int64(size.X), jpegBandPixels, 16)
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
	meta, err := j.check(src)
	if err != nil {
		return err
	}
	head, err := appendJFIF(nil, meta)
	if err != nil {
		return err
	}
	return j.encodeAfter(ctx, w, src, head, func(*buffer) error { return nil })
}

// check reports whether the settings make sense and src can be encoded with them,
// and what goes beside its pixels.
func (j JPEG) check(src Source) (Metadata, error) {
	size, f := src.Size(), src.PixelFormat()
	if _, err := j.Accept(size, f); err != nil {
		return Metadata{}, err
	}
	if q := j.quality(); q < 1 || q > 100 {
		return Metadata{}, badSetting("JPEG quality %d is not between 1 and 100", q)
	}
	return j.Metadata.For(src, f)
}

// encodeAfter writes head, which ends with the application segments, what
// follows those in a JPEG, and what tail does.
func (j JPEG) encodeAfter(ctx context.Context, w io.Writer, src Source, head []byte,
	tail func(*buffer) error) error {

	size, f := src.Size(), src.PixelFormat()
	if j.whole() {
		began := false
		err := run(ctx, w, src, j.wholeMemory(size, f)-bufferMemory,
			func(ctx context.Context, out *buffer, strips iter.Seq2[*tile.Strip, error]) error {
				if err := j.encode(ctx, out, size, f, head, noting(strips, &began)); err != nil {
					return err
				}
				return tail(out)
			})
		if began || !errors.Is(err, tile.ErrBudget) {
			return err
		}
		j.Progressive, j.Optimize = false, false
	}
	return run(ctx, w, src, j.stitchedMemory(size, f)-bufferMemory,
		func(ctx context.Context, out *buffer, strips iter.Seq2[*tile.Strip, error]) error {
			if err := j.encode(ctx, out, size, f, head, strips); err != nil {
				return err
			}
			return tail(out)
		})
}

// noting sets began when there is a first strip.
func noting(strips iter.Seq2[*tile.Strip, error], began *bool) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		for s, err := range strips {
			*began = *began || err == nil
			if !yield(s, err) {
				return
			}
		}
	}
}

// encode writes head and what follows the application segments in a JPEG, joined
// out of bands or in one piece.
func (j JPEG) encode(ctx context.Context, out *buffer, size image.Point,
	f tile.PixelFormat, head []byte, strips iter.Seq2[*tile.Strip, error]) error {

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
	bg := newBackdrop(j.Background)
	if j.whole() {
		g := banding{size: size, rows: size.Y, workers: 1}
		return g.each(ctx, strips, func() func(*band) error {
			return func(b *band) error {
				img := b.jpegImage(ratio, bg, new(jpegConverter))
				return encodeWholeJPEG(&b.out, img, j.quality(), j.Progressive)
			}
		}, func(b *band) error {
			rest, err := afterApp(b.out)
			if err != nil {
				return err
			}
			if _, err := out.Write(head); err != nil {
				return err
			}
			_, err = out.Write(rest)
			return err
		})
	}
	g := j.banding(size, f, ratio)
	mcu := mcuSize(f, ratio)
	s := stitcher{out: out, head: head, height: size.Y,
		interval: (size.X + mcu.X - 1) / mcu.X * (g.rows / mcu.Y)}
	return g.each(ctx, strips, func() func(*band) error {
		var c jpegConverter
		return func(b *band) error {
			return encodeJPEG(&b.out, b.jpegImage(ratio, bg, &c), j.quality())
		}
	}, s.emit)
}

// A stitcher makes one JPEG out of one JPEG for each band.
type stitcher struct {
	out      *buffer
	head     []byte // what comes before the tables
	height   int    // of the picture
	interval int    // MCUs in a band
	tables   []byte // of the first band, which all others must share
}

// emit writes the next band.
func (s *stitcher) emit(b *band) error {
	p, err := splitJPEG(b.out, s.height)
	if err != nil {
		return err
	}
	tables := append(p.frame, p.scan...)
	var head []byte
	switch {
	case b.index == 0:
		s.tables = tables
		head = append(s.head, p.frame...)
		if !b.last {
			head = appendDRI(head, s.interval)
		}
		head = append(head, p.scan...)
	case !bytes.Equal(tables, s.tables):
		return errorf("the bands of a JPEG have different tables (bug)")
	default:
		// F.1.1.5.2: RST0 to RST7 in turn.
		head = []byte{0xff, mRST0 + byte((b.index-1)%8)}
	}
	data := p.data
	if b.last {
		data = p.dataEOI
	}
	if _, err := s.out.Write(head); err != nil {
		return err
	}
	if _, err := s.out.Write(data); err != nil {
		return err
	}
	if b.index == 0 {
		s.out.flush()
	}
	return nil
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
