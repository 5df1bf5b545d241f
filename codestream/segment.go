// This file implements the walk over the marker segments of a header and the
// reading of their fields (A.1, A.2).

package codestream

import (
	"cmp"
	"context"
	"encoding/binary"
	"io"
	"slices"
)

// The sizes of the reads that a headerReader makes: the first, and how far they
// grow while a header goes on.
const (
	mainChunk = 4 << 10
	partChunk = 256
	maxChunk  = 16 << 10
)

// maxSegments is how many marker segments a header may have. It is far above
// what a COC, a QCC and an RGN for each of 16384 components take, and keeps what
// is remembered of them small beside any file that reaches it.
const maxSegments = 1 << 16

// The names of the headers, for errors.
const (
	mainHeader = "main header"
	partHeader = "tile-part header"
)

// A headerReader walks the marker segments of one header, main or tile-part. It
// reads ahead in small pieces and does not read payloads that nobody asks for.
type headerReader struct {
	ctx   context.Context
	r     io.ReaderAt
	where string // the header's name, for errors
	pos   int64  // of the next marker
	end   int64  // where data ends: of the codestream or the tile-part
	chunk int    // size of the next read
	count int    // segments passed

	buf []byte // what was read last
	off int64  // of buf in the source
}

// at returns the n bytes at off, valid until the next call.
func (d *headerReader) at(off int64, n int) ([]byte, error) {
	if i := off - d.off; i >= 0 && i+int64(n) <= int64(len(d.buf)) {
		return d.buf[i:][:n], nil
	}
	if off+int64(n) > d.end {
		return nil, readError(max(d.pos, d.end), d.where, io.ErrUnexpectedEOF)
	}
	size := int(min(max(int64(n), int64(d.chunk)), d.end-off))
	d.chunk = min(2*d.chunk, maxChunk)
	if cap(d.buf) < size {
		d.buf = make([]byte, size)
	}
	d.buf, d.off = d.buf[:size], off
	got, err := readUpTo(d.ctx, d.r, d.buf, off)
	d.buf = d.buf[:got]
	if err != nil && got < n {
		return nil, readError(off, d.where, err)
	}
	if got < n {
		return nil, readError(off+int64(got), d.where, io.ErrUnexpectedEOF)
	}
	return d.buf[:n], nil
}

// extent names what end is the end of.
func (d *headerReader) extent() string {
	if d.where == partHeader {
		return "tile-part"
	}
	return "codestream"
}

// next passes the next marker segment, or the bare marker, without reading its
// payload.
func (d *headerReader) next() (Segment, error) {
	b, err := d.at(d.pos, 2)
	if err != nil {
		return Segment{}, err
	}
	s := Segment{Marker(binary.BigEndian.Uint16(b)), Span{d.pos, 2}}
	if s.Marker <= 0xFF00 || s.Marker == 0xFFFF {
		return s, formatError(d.pos, d.where, "%04X is not a marker", uint16(s.Marker))
	}
	if d.count++; d.count > maxSegments {
		return s, unsupported(d.pos, d.where, "more than %d marker segments", maxSegments)
	}
	if !s.Marker.bare() {
		b, err := d.at(d.pos, 4)
		if err != nil {
			return s, err
		}
		n := int64(binary.BigEndian.Uint16(b[2:]))
		if n < 2 {
			return s, formatError(d.pos, s.Marker.String(), "length %d", n)
		}
		if s.Span.Len += n; s.Span.End() > d.end {
			return s, formatError(d.pos, s.Marker.String(),
				"length %d, %d bytes past the end of the %s: %w",
				n, s.Span.End()-d.end, d.extent(), io.ErrUnexpectedEOF)
		}
	}
	d.pos = s.Span.End()
	return s, nil
}

// fields reads the payload of a segment that next returned.
func (d *headerReader) fields(s Segment) (*fields, error) {
	b, err := d.at(s.Span.Off+4, int(s.Span.Len-4))
	if err != nil {
		return nil, err
	}
	return &fields{marker: s.Marker, off: s.Span.Off + 4, data: b}, nil
}

// number reads the first byte of a segment's payload (Ztlm, Zplm, Zplt, Zppm,
// Zppt) and returns it with where the rest is.
func (d *headerReader) number(s Segment) (numbered, error) {
	if s.Span.Len < 5 {
		return numbered{}, formatError(s.Span.Off, s.Marker.String(), "no room for its number")
	}
	b, err := d.at(s.Span.Off+4, 1)
	if err != nil {
		return numbered{}, err
	}
	return numbered{b[0], Span{s.Span.Off + 5, s.Span.Len - 5}}, nil
}

// A numbered is the payload of one of several segments that make a whole in the
// order of their numbers: z is the number, span what follows it.
type numbered struct {
	z    uint8
	span Span
}

// inOrder returns the payloads in the order of their numbers, and whether no
// number came twice.
func inOrder(list []numbered) ([]Span, bool) {
	if len(list) == 0 {
		return nil, true
	}
	slices.SortStableFunc(list, func(a, b numbered) int { return cmp.Compare(a.z, b.z) })
	spans, once := make([]Span, len(list)), true
	for i, n := range list {
		spans[i] = n.span
		once = once && (i == 0 || list[i-1].z != n.z)
	}
	return spans, once
}

// A fields reads the payload of one marker segment, field after field. Reading
// past its end gives zeros and makes the first failing finish report it.
type fields struct {
	marker Marker
	off    int64 // of data in the source
	data   []byte
	i      int // of the next field
	short  bool
}

func (f *fields) left() int { return len(f.data) - f.i }

func (f *fields) take(n int) []byte {
	if f.left() < n {
		f.short, f.i = true, len(f.data)
		return make([]byte, n)
	}
	f.i += n
	return f.data[f.i-n : f.i]
}

func (f *fields) u8() int  { return int(f.take(1)[0]) }
func (f *fields) u16() int { return int(binary.BigEndian.Uint16(f.take(2))) }

func (f *fields) u32() uint32 { return binary.BigEndian.Uint32(f.take(4)) }

// component reads a component index (or an end of a range of them), whose size
// depends on how many components there are (A.6.2): 16 bits from 257 on.
func (f *fields) component(components int) int {
	if components < 257 {
		return f.u8()
	}
	return f.u16()
}

// errorf is a format error at the start of the segment.
func (f *fields) errorf(format string, args ...any) error {
	return formatError(f.off-4, f.marker.String(), format, args...)
}

// finish reports fields that did not fit and bytes that no field takes.
func (f *fields) finish() error {
	if f.short {
		return f.errorf("its length of %d bytes is too small", len(f.data)+2)
	}
	if n := f.left(); n > 0 {
		return f.errorf("its length of %d bytes is %d too large", len(f.data)+2, n)
	}
	return nil
}

func appendComponent(dst []byte, components, c int) []byte {
	if components < 257 {
		return append(dst, byte(c))
	}
	return append(dst, byte(c>>8), byte(c))
}

// appendSegment appends a marker segment whose payload fill appends.
func appendSegment(dst []byte, m Marker, fill func([]byte) []byte) []byte {
	dst = append(dst, byte(m>>8), byte(m), 0, 0)
	n := len(dst) - 2
	dst = fill(dst)
	binary.BigEndian.PutUint16(dst[n:], uint16(len(dst)-n))
	return dst
}
