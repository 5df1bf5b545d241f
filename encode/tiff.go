package encode

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/adler32"
	"image"
	"io"
	"iter"
	"math"
	"slices"

	"github.com/stria-j2k/stria/tile"
)

// Compression is how a TIFF is compressed.
type Compression uint8

// The compressions.
const (
	Uncompressed Compression = iota
	Deflate                  // Adobe's, with horizontal differencing
)

// TIFF writes TIFF 6.0 in strips, or BigTIFF if the file could get longer than
// 4 GiB: grey, RGB, RGB with unassociated alpha, and CMYK, 8 or 16 bits.
//
// Uncompressed, where everything is follows from the size: the directory comes
// first and rows are written as they come. Compressed, it has to come last, and
// the header of the file says where it is. A Writer that is also an
// [io.WriterAt] and an [io.Seeker], such as an [os.File], gets its header put
// right at the end; for any other Writer the compressed strips are held in
// memory until then, which Memory counts. The bytes are the same either way.
type TIFF struct {
	// Compression is how strips are compressed. Zero: not at all.
	Compression Compression

	// Level is how hard deflate looks for matches, as for [PNG]. Zero: 4.
	// Negative: not compressed.
	Level int

	// Workers is how many strips are compressed at a time. Zero: GOMAXPROCS.
	Workers int

	// Metadata is written but for Exif: ICC profile, XMP and resolution.
	Metadata Metadata
}

// tiffStripBytes is about how many bytes of samples a strip of the file has. It
// may not have more than maxTIFFStrips.
const (
	tiffStripBytes = 128 << 10
	maxTIFFStrips  = 1 << 16
)

// tiffLevel is the level of compression from which on more time gains little: 6
// takes a quarter more for files 1 or 2 % shorter.
const tiffLevel = 4

// MediaType returns "image/tiff".
func (f TIFF) MediaType() string { return "image/tiff" }

// Accept implements [Accepter].
func (f TIFF) Accept(size image.Point, pf tile.PixelFormat) (tile.PixelFormat, error) {
	if err := checkSize("TIFF", size, math.MaxInt32); err != nil {
		return 0, err
	}
	switch {
	case pf == tile.YCbCr8:
		return tile.RGB8, nil
	case pf.Channels() == 0:
		return 0, unsupported("TIFF from pixels in %v", pf)
	}
	return pf, nil
}

// Memory implements [Estimator]. It is for a Writer that cannot be put right.
func (f TIFF) Memory(size image.Point, pf tile.PixelFormat) int64 {
	if checkSize("TIFF", size, math.MaxInt32) != nil {
		return 0
	}
	l := f.layout(size, pf)
	if f.Compression == Deflate {
		return bufferMemory + l.deflateMemory() + l.bound()
	}
	return bufferMemory + l.memory()
}

// A tiffLayout is where things are in a file.
type tiffLayout struct {
	banding  // of the strips of the file
	format   tile.PixelFormat
	row      int64 // bytes of samples in a row
	big      bool  // BigTIFF
	compress Compression
}

func (f TIFF) layout(size image.Point, pf tile.PixelFormat) tiffLayout {
	l := tiffLayout{format: pf, row: int64(size.X) * int64(pixelBytes(pf)), compress: f.Compression}
	rows := bandRows(l.row, tiffStripBytes, 1)
	rows = min(max(rows, (size.Y+maxTIFFStrips-1)/maxTIFFStrips), size.Y)
	l.banding = banding{size: size, rows: rows, workers: f.Workers}
	l.big = l.bound() > math.MaxUint32-64<<20 // metadata comes on top
	return l
}

// bound is more than what the strips take in the file.
func (l tiffLayout) bound() int64 {
	n, strip := int64(l.count()), int64(l.rows)*l.row
	if l.compress == Deflate {
		strip = tiffStripBound(strip)
	}
	return n * min(strip, math.MaxInt64/2/n)
}

// tiffStripBound is more than a zlib stream (RFC 1950) of n bytes takes.
func tiffStripBound(n int64) int64 { return deflateBound(n) + 6 }

// memory is what the tables of strips and a row take.
func (l tiffLayout) memory() int64 { return 4*8*int64(l.count()) + l.row }

// deflateMemory is what compressing takes, without what comes of it.
func (l tiffLayout) deflateMemory() int64 {
	strip := int64(l.rows) * l.row
	pixels := bandMemory(l.size.X, l.rows, l.format)
	return l.memory() + l.banding.memory(pixels+tiffStripBound(strip), strip+deflaterMemory)
}

// Encode implements [Format].
func (f TIFF) Encode(ctx context.Context, w io.Writer, src Source) error {
	size, pf := src.Size(), src.PixelFormat()
	if err := checkFormat(f, size, pf); err != nil {
		return err
	}
	meta, err := f.Metadata.For(src, pf)
	if err != nil {
		return err
	}
	if len(meta.ICC)+len(meta.XMP) > 32<<20 {
		return unsupported("%d bytes of metadata in a TIFF", len(meta.ICC)+len(meta.XMP))
	}
	level, err := deflateLevel(f.Level, tiffLevel)
	if err != nil {
		return err
	}
	l := f.layout(size, pf)
	switch f.Compression {
	case Uncompressed:
		return l.encodePlain(ctx, w, src, meta)
	case Deflate:
		return l.encodeDeflate(ctx, w, src, meta, level)
	}
	return badSetting("TIFF compression %d is none", f.Compression)
}

// encodePlain writes header, directory and rows.
func (l tiffLayout) encodePlain(ctx context.Context, w io.Writer, src Source, meta Metadata) error {
	return run(ctx, w, src, l.memory(),
		func(ctx context.Context, out *buffer, strips iter.Seq2[*tile.Strip, error]) error {
			var row []byte
			for s, err := range strips {
				if err != nil {
					return err
				}
				if s.Bounds.Min.Y == 0 {
					if _, err := out.Write(l.plainHead(meta)); err != nil {
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

// plainHead returns all that is before the samples. Its length is the same
// wherever those are, so it is made twice.
func (l tiffLayout) plainHead(meta Metadata) []byte {
	offsets, counts := make([]uint64, l.count()), make([]uint64, l.count())
	head := l.appendHeader(nil, true)
	n := len(l.appendDirectory(head, 0, meta, offsets, counts))
	for i := range offsets {
		at := int64(i) * int64(l.rows) * l.row
		offsets[i] = uint64(int64(n) + at)
		counts[i] = uint64(min(int64(l.rows)*l.row, l.row*int64(l.size.Y)-at))
	}
	return l.appendDirectory(head, 0, meta, offsets, counts)
}

// A patcher is a Writer of which what was written can be put right.
type patcher interface {
	io.Writer
	io.WriterAt
	io.Seeker
}

// patchable returns w as a patcher and where it stands, if it is one that works:
// an os.File may as well be a pipe, or only be appended to.
func patchable(w io.Writer) (patcher, int64, bool) {
	p, ok := w.(patcher)
	if !ok {
		return nil, 0, false
	}
	at, err := p.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = p.WriteAt(nil, at)
	}
	return p, at, err == nil
}

// encodeDeflate writes a header that leads nowhere, strips, the directory, and
// then where the directory is.
func (l tiffLayout) encodeDeflate(ctx context.Context, w io.Writer, src Source,
	meta Metadata, level int) error {

	p, base, patch := patchable(w)
	memory := l.deflateMemory()
	if !patch {
		memory += l.bound()
	}
	at := uint64(len(l.appendHeader(nil, false)))
	var offsets, counts []uint64
	var held [][]byte // strips that cannot be written yet
	err := run(ctx, w, src, memory,
		func(ctx context.Context, out *buffer, strips iter.Seq2[*tile.Strip, error]) error {
			emit := func(b *band) error {
				offsets = append(offsets, at)
				counts = append(counts, uint64(len(b.out)))
				at += uint64(len(b.out))
				if !patch {
					held = append(held, bytes.Clone(b.out))
					return nil
				}
				if b.index == 0 {
					if _, err := out.Write(l.appendHeader(nil, false)); err != nil {
						return err
					}
				}
				if _, err := out.Write(b.out); err != nil {
					return err
				}
				if b.index == 0 {
					out.flush()
				}
				return nil
			}
			newWorker := func() func(*band) error { return newTIFFCompressor(l, level).compress }
			if err := l.each(ctx, strips, newWorker, emit); err != nil {
				return err
			}
			if !patch {
				held = slices.Insert(held, 0, l.headerTo(at))
			}
			for _, part := range held {
				if _, err := out.Write(part); err != nil {
					return err
				}
			}
			_, err := out.Write(l.appendDirectory(nil, at, meta, offsets, counts))
			return err
		})
	if err != nil || !patch {
		return err
	}
	if _, err := p.WriteAt(l.headerTo(at), base); err != nil {
		return errorf("writing: %w", err)
	}
	return nil
}

// appendHeader appends the header of the file (TIFF 6.0, section 2), big-endian
// as the samples are. The directory follows it, or is not there yet.
func (l tiffLayout) appendHeader(dst []byte, directory bool) []byte {
	if l.big { // BigTIFF: 43, 8-byte offsets
		dst = append(dst, "MM\x00\x2b\x00\x08\x00\x00"...)
		at := uint64(0)
		if directory {
			at = 16
		}
		return binary.BigEndian.AppendUint64(dst, at)
	}
	at := uint32(0)
	if directory {
		at = 8
	}
	return binary.BigEndian.AppendUint32(append(dst, "MM\x00\x2a"...), at)
}

// headerTo returns a header that leads to a directory at that offset, rounded up
// to a word.
func (l tiffLayout) headerTo(at uint64) []byte {
	h := l.appendHeader(nil, false)
	at += at & 1
	if l.big {
		binary.BigEndian.PutUint64(h[8:], at)
	} else {
		binary.BigEndian.PutUint32(h[4:], uint32(at))
	}
	return h
}

// Types of fields (section 2).
const (
	tiffBytes     = 1
	tiffShort     = 3
	tiffLong      = 4
	tiffRational  = 5
	tiffUndefined = 7
	tiffLong8     = 16
)

// A tiffField is an entry of the directory.
type tiffField struct {
	tag, kind uint16
	count     uint64
	value     []byte
}

// appendDirectory appends the image file directory and what it refers to. dst
// begins base bytes into the file.
func (l tiffLayout) appendDirectory(dst []byte, base uint64, meta Metadata, offsets, counts []uint64) []byte {
	if (base+uint64(len(dst)))&1 == 1 {
		dst = append(dst, 0) // a directory begins at a word
	}
	at := base + uint64(len(dst))
	fields := l.fields(meta, offsets, counts)

	// Entries have 12 or 20 bytes; a value that does not fit comes after them.
	inline, end := 4, at+2+12*uint64(len(fields))+4
	if l.big {
		inline, end = 8, at+8+20*uint64(len(fields))+8
	}
	number := func(dst []byte, v uint64) []byte {
		if l.big {
			return binary.BigEndian.AppendUint64(dst, v)
		}
		return binary.BigEndian.AppendUint32(dst, uint32(v))
	}
	if l.big {
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(fields)))
	} else {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(fields)))
	}
	var values []byte
	for _, f := range fields {
		dst = binary.BigEndian.AppendUint16(dst, f.tag)
		dst = binary.BigEndian.AppendUint16(dst, f.kind)
		dst = number(dst, f.count)
		if len(f.value) <= inline {
			dst = append(dst, f.value...)
			dst = append(dst, make([]byte, inline-len(f.value))...)
			continue
		}
		dst = number(dst, end+uint64(len(values)))
		values = append(values, f.value...)
		if len(values)&1 == 1 {
			values = append(values, 0)
		}
	}
	dst = number(dst, 0) // no other directory
	return append(dst, values...)
}

// fields returns the entries of the directory, sorted as it must be.
func (l tiffLayout) fields(meta Metadata, offsets, counts []uint64) []tiffField {
	var fields []tiffField
	shorts := func(tag uint16, v ...uint16) {
		f := tiffField{tag, tiffShort, uint64(len(v)), nil}
		for _, v := range v {
			f.value = binary.BigEndian.AppendUint16(f.value, v)
		}
		fields = append(fields, f)
	}
	long := func(tag uint16, v uint32) {
		fields = append(fields, tiffField{tag, tiffLong, 1, binary.BigEndian.AppendUint32(nil, v)})
	}
	// places is for values that are as long as offsets into the file.
	places := func(tag uint16, v []uint64) {
		f := tiffField{tag, tiffLong, uint64(len(v)), make([]byte, 0, 8*len(v))}
		for _, v := range v {
			if l.big {
				f.kind = tiffLong8
				f.value = binary.BigEndian.AppendUint64(f.value, v)
			} else {
				f.value = binary.BigEndian.AppendUint32(f.value, uint32(v))
			}
		}
		fields = append(fields, f)
	}
	rational := func(tag uint16, v float64) {
		v = min(max(v, 1e-3), 1e6)
		p := binary.BigEndian.AppendUint32(nil, uint32(math.Round(v*1000)))
		fields = append(fields, tiffField{tag, tiffRational, 1, binary.BigEndian.AppendUint32(p, 1000)})
	}

	_, samples := pamTuple(l.format)
	long(256, uint32(l.size.X)) // ImageWidth
	long(257, uint32(l.size.Y)) // ImageLength
	bits := make([]uint16, samples)
	for i := range bits {
		bits[i] = uint16(l.format.Depth())
	}
	shorts(258, bits...) // BitsPerSample
	if l.compress == Deflate {
		shorts(259, 8) // Compression: Adobe deflate (technical note 2002)
	} else {
		shorts(259, 1)
	}
	switch l.format { // PhotometricInterpretation
	case tile.Gray8, tile.Gray16:
		shorts(262, 1)
	case tile.CMYK8:
		shorts(262, 5)
	default:
		shorts(262, 2)
	}
	places(273, offsets)         // StripOffsets
	shorts(277, uint16(samples)) // SamplesPerPixel
	long(278, uint32(l.rows))    // RowsPerStrip
	places(279, counts)          // StripByteCounts
	if meta.Density.known() {    // XResolution, YResolution
		rational(282, meta.Density.X)
		rational(283, meta.Density.Y)
	}
	shorts(284, 1) // PlanarConfiguration: chunky
	if meta.Density.known() {
		shorts(296, 2) // ResolutionUnit: inch
	}
	if l.compress == Deflate {
		shorts(317, 2) // Predictor: horizontal differencing
	}
	switch l.format {
	case tile.CMYK8:
		shorts(332, 1) // InkSet: CMYK
	case tile.NRGBA8, tile.NRGBA16:
		shorts(338, 2) // ExtraSamples: unassociated alpha
	}
	if len(meta.XMP) > 0 {
		fields = append(fields, tiffField{700, tiffBytes, uint64(len(meta.XMP)), meta.XMP})
	}
	if len(meta.ICC) > 0 {
		fields = append(fields, tiffField{34675, tiffUndefined, uint64(len(meta.ICC)), meta.ICC})
	}
	return fields
}

// A tiffCompressor turns bands into zlib streams. It belongs to one worker.
type tiffCompressor struct {
	samples int
	wide    bool // 16 bits
	deflate *deflater
	data    []byte // differences
}

func newTIFFCompressor(l tiffLayout, level int) *tiffCompressor {
	_, samples := pamTuple(l.format)
	return &tiffCompressor{
		samples: samples,
		wide:    l.format.Depth() == 16,
		deflate: newDeflater(level),
		data:    make([]byte, 0, int64(l.rows)*l.row),
	}
}

// compress puts the rows of b into b.out (RFC 1950).
func (c *tiffCompressor) compress(b *band) error {
	c.data = c.data[:0]
	for y := range b.Bounds.Dy() {
		at := len(c.data)
		c.data = appendPixels(c.data, &b.Strip, y)
		if c.wide {
			difference16(c.data[at:], c.samples)
		} else {
			difference8(c.data[at:], c.samples)
		}
	}
	b.out = append(b.out, 0x78, 0x9c)
	c.deflate.append(&b.out, nil, c.data, true)
	b.out = binary.BigEndian.AppendUint32(b.out, adler32.Checksum(c.data))
	return nil
}

// difference8 subtracts from each sample that of the pixel to the left (TIFF 6.0,
// section 14).
func difference8(row []byte, samples int) {
	for i := len(row) - 1; i >= samples; i-- {
		row[i] -= row[i-samples]
	}
}

// difference16 is difference8 for big-endian samples of 16 bits.
func difference16(row []byte, samples int) {
	for i := len(row) - 2; i >= 2*samples; i -= 2 {
		v := binary.BigEndian.Uint16(row[i:]) - binary.BigEndian.Uint16(row[i-2*samples:])
		binary.BigEndian.PutUint16(row[i:], v)
	}
}
