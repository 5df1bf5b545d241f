package encode

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"image"
	"io"
	"iter"
	"math"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"

	"github.com/stria-j2k/stria/tile"
)

// pngBandBytes is about how many bytes of samples a band has. Each is compressed
// on its own, but may refer to the end of the one before.
const pngBandBytes = 512 << 10

// pngLevel is the level of compression of which files are about as long as those
// of image/png.
const pngLevel = 8

// PNG writes PNG (ISO/IEC 15948) with 8 or 16 bits a sample: grey from Gray8 and
// Gray16, truecolour from RGB8 and RGB16, with alpha from NRGBA8 and NRGBA16.
// Bands of rows are filtered and compressed by several cores. The bytes do not
// depend on the heights of the strips nor on the number of workers.
type PNG struct {
	// Level is how hard deflate looks for matches, 1 to 9, as in
	// github.com/klauspost/compress/flate; where a picture is so noisy that they
	// do not pay, they are not looked for at any. Zero: 8, which gives files about
	// as long as those of image/png; 6 takes less than half the time for files 3 %
	// longer. Negative: not compressed.
	Level int

	// Workers is how many bands are compressed at a time. Zero: GOMAXPROCS.
	Workers int

	// Metadata is written in full: iCCP, eXIf, iTXt for XMP and pHYs.
	Metadata Metadata
}

// MediaType returns "image/png".
func (p PNG) MediaType() string { return "image/png" }

// Accept implements [Accepter].
func (p PNG) Accept(size image.Point, f tile.PixelFormat) (tile.PixelFormat, error) {
	// 11.2.1: sides have 31 bits.
	if err := checkSize("PNG", size, math.MaxInt32); err != nil {
		return 0, err
	}
	switch f {
	case tile.Gray8, tile.Gray16, tile.RGB8, tile.RGB16, tile.NRGBA8, tile.NRGBA16:
		return f, nil
	case tile.YCbCr8:
		return tile.RGB8, nil
	}
	return 0, unsupported("PNG from pixels in %v", f)
}

// Memory implements [Estimator].
func (p PNG) Memory(size image.Point, f tile.PixelFormat) int64 {
	if checkSize("PNG", size, math.MaxInt32) != nil {
		return 0
	}
	g := p.banding(size, f)
	row := int64(size.X)*int64(pixelBytes(f)) + 1
	pixels := bandMemory(size.X, g.height(), f)
	filtered := int64(g.height()) * row
	compressed := deflateBound(int64(min(g.rows, size.Y)) * row)
	// A filter has five rows; this one and the one above it are there twice.
	return bufferMemory + g.memory(pixels+compressed, filtered+8*row+deflaterMemory)
}

func (p PNG) banding(size image.Point, f tile.PixelFormat) banding {
	row := int64(size.X) * int64(pixelBytes(f))
	g := banding{size: size, rows: bandRows(row, pngBandBytes, 1), workers: p.Workers}
	if p.Level >= 0 {
		// What matches may refer to, and the row that its filters look at.
		g.above = int(min(deflateWindow/row+2, int64(size.Y)))
	}
	return g
}

// Encode implements [Format].
func (p PNG) Encode(ctx context.Context, w io.Writer, src Source) error {
	size, f := src.Size(), src.PixelFormat()
	if err := checkFormat(p, size, f); err != nil {
		return err
	}
	level, err := deflateLevel(p.Level, pngLevel)
	if err != nil {
		return err
	}
	meta, err := p.Metadata.For(src, f)
	if err != nil {
		return err
	}
	head, err := appendPNGHead(nil, size, f, meta)
	if err != nil {
		return err
	}
	g := p.banding(size, f)
	newWorker := func() func(*band) error { return newPNGCompressor(g, f, level).compress }
	// zlib (RFC 1950): two bytes, the deflate stream, the checksum of it all.
	sum := uint32(1)
	emit := func(out *buffer, b *band) error {
		n := (b.Bounds.Dy() - b.above) * (1 + size.X*pixelBytes(f))
		sum = adlerCombine(sum, binary.BigEndian.Uint32(b.out), n)
		data := b.out[4:]
		chunk := head
		head = nil
		chunk = binary.BigEndian.AppendUint32(chunk, 0)
		at := len(chunk)
		chunk = append(chunk, "IDAT"...)
		if b.index == 0 {
			chunk = append(chunk, 0x78, 0x9c)
		}
		var tail []byte
		if b.last {
			tail = binary.BigEndian.AppendUint32(nil, sum)
		}
		binary.BigEndian.PutUint32(chunk[at-4:], uint32(len(chunk)-at-4+len(data)+len(tail)))
		crc := crc32.ChecksumIEEE(chunk[at:])
		crc = crc32.Update(crc, crc32.IEEETable, data)
		crc = crc32.Update(crc, crc32.IEEETable, tail)
		tail = binary.BigEndian.AppendUint32(tail, crc)
		if b.last {
			tail = appendPNGChunk(tail, "IEND", nil)
		}
		for _, part := range [][]byte{chunk, data, tail} {
			if _, err := out.Write(part); err != nil {
				return err
			}
		}
		if b.index == 0 {
			out.flush()
		}
		return nil
	}
	return run(ctx, w, src, p.Memory(size, f)-bufferMemory,
		func(ctx context.Context, out *buffer, strips iter.Seq2[*tile.Strip, error]) error {
			return g.each(ctx, strips, newWorker, func(b *band) error { return emit(out, b) })
		})
}

// appendPNGHead appends the signature and the chunks before the first IDAT.
func appendPNGHead(dst []byte, size image.Point, f tile.PixelFormat, m Metadata) ([]byte, error) {
	dst = append(dst, "\x89PNG\r\n\x1a\n"...)

	// 11.2.1: colour types 0 grey, 2 truecolour, 6 truecolour with alpha.
	color := byte(0)
	switch f {
	case tile.RGB8, tile.RGB16:
		color = 2
	case tile.NRGBA8, tile.NRGBA16:
		color = 6
	}
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(size.X))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(size.Y))
	ihdr = append(ihdr, byte(f.Depth()), color, 0, 0, 0)
	dst = appendPNGChunk(dst, "IHDR", ihdr)

	if len(m.ICC) > 0 { // 11.3.2.3
		z := bytes.NewBufferString("ICC profile\x00\x00")
		zw := zlib.NewWriter(z)
		zw.Write(m.ICC) // into memory: cannot fail
		zw.Close()
		dst = appendPNGChunk(dst, "iCCP", z.Bytes())
	}
	if d := m.Density; d.known() { // 11.3.4.3
		x, y := d.perMetre()
		phys := binary.BigEndian.AppendUint32(nil, x)
		phys = binary.BigEndian.AppendUint32(phys, y)
		dst = appendPNGChunk(dst, "pHYs", append(phys, 1))
	}
	if len(m.Exif) > 0 { // PNG third edition, 11.3.4.5
		dst = appendPNGChunk(dst, "eXIf", m.Exif)
	}
	if len(m.XMP) > 0 { // 11.3.3.4, XMP part 3, 1.1.5
		dst = appendPNGChunk(dst, "iTXt", append([]byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"), m.XMP...))
	}
	if len(m.ICC) > math.MaxInt32-1<<20 || len(m.Exif) > math.MaxInt32 || len(m.XMP) > math.MaxInt32-64 {
		return nil, unsupported("metadata beyond 2 GiB in a PNG")
	}
	return dst, nil
}

// appendPNGChunk appends a chunk (5.3).
func appendPNGChunk(dst []byte, name string, data []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(data)))
	at := len(dst)
	dst = append(append(dst, name...), data...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at:]))
}

// adlerCombine returns the Adler-32 checksum of two pieces of data, of which the
// second has n bytes, out of theirs.
func adlerCombine(a, b uint32, n int) uint32 {
	// RFC 1950, 8.2: the low half is 1 plus the sum of the bytes, the high half
	// the sum of all the low halves on the way.
	const mod = 65521
	a1, a2 := uint64(a&0xffff), uint64(a>>16)
	b1, b2 := uint64(b&0xffff), uint64(b>>16)
	s1 := (a1 + b1 + mod - 1) % mod
	s2 := (a2 + b2 + uint64(n%mod)*(a1+mod-1)) % mod
	return uint32(s2<<16 | s1)
}

// A pngCompressor turns bands into pieces of a deflate stream. It belongs to one
// worker.
type pngCompressor struct {
	filter    *pngFilter
	deflate   *deflater
	cur, prev []byte // rows
	data      []byte // filtered
}

func newPNGCompressor(g banding, f tile.PixelFormat, level int) *pngCompressor {
	row := g.size.X * pixelBytes(f)
	c := &pngCompressor{
		filter:  newPNGFilter(row, pixelBytes(f)),
		deflate: newDeflater(level),
		data:    make([]byte, 0, g.height()*(1+row)),
	}
	c.filter.none = level == flate.NoCompression
	return c
}

// compress puts the Adler-32 checksum of the filtered rows of b into b.out, then
// the rows themselves as deflate blocks that end at a byte boundary, the last of
// the picture being marked as such.
func (c *pngCompressor) compress(b *band) error {
	c.data = c.data[:0]
	for y := range b.Bounds.Dy() {
		c.cur, c.prev = c.prev, c.cur
		c.cur = appendPixels(c.cur[:0], &b.Strip, y)
		above := c.prev
		if y == 0 {
			above = nil
		}
		c.data = append(c.data, c.filter.apply(c.cur, above)...)
	}
	// Matches may refer to the rows above. How the first of them was filtered is
	// not known, unless it is that of the picture.
	row := len(c.filter.out[0])
	dict, data := c.data[:b.above*row], c.data[b.above*row:]
	if b.above > 0 && b.Bounds.Min.Y > 0 {
		dict = dict[row:]
	}
	b.out = binary.BigEndian.AppendUint32(b.out, adler32.Checksum(data))
	c.deflate.append(&b.out, dict, data, b.last)
	return nil
}
