// This file implements the bit stream of a tile: the bodies of its tile-parts,
// one after the other, read ahead in large blocks.

package codestream

import (
	"context"
	"io"
	"sort"
)

// A tileStream is bytes that lie in several places of the source as if they
// followed each other. A packet does not span tile-parts in a sound codestream,
// but nothing here depends on that. It is immutable.
type tileStream struct {
	r     io.ReaderAt
	spans []Span  // none is empty
	start []int64 // where each begins in the stream
	size  int64
}

func newTileStream(r io.ReaderAt, spans []Span) *tileStream {
	s := &tileStream{r: r}
	for _, p := range spans {
		if p.Len > 0 {
			s.spans = append(s.spans, p)
			s.start = append(s.start, s.size)
			s.size += p.Len
		}
	}
	return s
}

// find gives the span that has the stream's byte off, which must be below size.
func (s *tileStream) find(off int64) int {
	return sort.Search(len(s.start), func(i int) bool { return s.start[i] > off }) - 1
}

// offset gives where the stream's byte off is in the source. At and beyond the
// end it is where the stream would go on.
func (s *tileStream) offset(off int64) int64 {
	if len(s.spans) == 0 {
		return 0
	}
	if off >= s.size {
		return s.spans[len(s.spans)-1].End() + off - s.size
	}
	i := s.find(off)
	return s.spans[i].Off + off - s.start[i]
}

// appendSpans appends where n bytes from off are in the source. Bytes beyond
// the end of the stream are left out.
func (s *tileStream) appendSpans(dst []Span, off, n int64) []Span {
	n = min(n, s.size-off)
	if n <= 0 || off < 0 {
		return dst
	}
	for i := s.find(off); n > 0; i++ {
		within := off - s.start[i]
		k := min(n, s.spans[i].Len-within)
		dst = append(dst, Span{s.spans[i].Off + within, k})
		off += k
		n -= k
	}
	return dst
}

// readAt fills p with the stream's bytes from off, which must all exist.
func (s *tileStream) readAt(ctx context.Context, p []byte, off int64) error {
	var room [4]Span
	for _, span := range s.appendSpans(room[:0], off, int64(len(p))) {
		if err := readAt(ctx, s.r, p[:span.Len], span.Off); err != nil {
			return readError(span.Off, "packets", err)
		}
		p = p[span.Len:]
	}
	return nil
}

const (
	// minAhead is how many bytes a packet header usually fits in: as many are
	// made available before one is begun, so that reads in the midst of a
	// header, which cannot be cancelled without losing work, are rare.
	minAhead = 4 << 10
	// firstBlock and lastBlock bound how much is read at once: it doubles from
	// one to the other as a scan goes on.
	firstBlock = 64 << 10
	lastBlock  = 1 << 20
)

// A lookahead reads a stream from front to back in blocks. buf and pos are used
// directly by a bitReader.
type lookahead struct {
	src   *tileStream
	ctx   context.Context // of the current call only
	buf   []byte
	pos   int   // next byte in buf
	mark  int   // where the packet header begins in buf; 0 once that was dropped
	off   int64 // where buf[0] is in the stream
	block int   // how much to read next
	limit int64 // nothing from here on is read; the stream's size unless less
	err   error // of a read; sticky
}

func newLookahead(src *tileStream) *lookahead {
	l := &lookahead{}
	l.reset(src)
	return l
}

// reset begins at the front of a stream. It keeps the memory of l.
func (l *lookahead) reset(src *tileStream) {
	*l = lookahead{src: src, buf: l.buf[:0], block: firstBlock, limit: src.size}
}

// offset is the position in the stream.
func (l *lookahead) offset() int64 { return l.off + int64(l.pos) }

// seek moves to off. What is there already is kept.
func (l *lookahead) seek(off int64) {
	if n := off - l.off; n >= 0 && n <= int64(len(l.buf)) {
		l.pos = int(n)
		return
	}
	l.buf, l.pos, l.mark, l.off = l.buf[:0], 0, 0, off
	l.block = firstBlock
}

// drop lets go of what was read ahead. It must not be used within a packet
// header.
func (l *lookahead) drop() {
	l.off, l.buf, l.pos, l.mark, l.block = l.offset(), nil, 0, 0, firstBlock
}

// need makes n bytes available from the position on, or as many as there are,
// and reports how many. It must not be used within a packet header.
func (l *lookahead) need(n int) int {
	if len(l.buf)-l.pos < n && l.err == nil {
		l.fill(n, l.pos)
	}
	return len(l.buf) - l.pos
}

// more makes at least one more byte available, keeping the last few before the
// position. It reports whether it could. Within a packet header a cancelled
// context must not lose what has been read of it.
func (l *lookahead) more() bool {
	ctx := l.ctx
	l.ctx = context.WithoutCancel(ctx)
	ok := l.err == nil && l.fill(1, max(l.pos-16, 0))
	l.ctx = ctx
	return ok
}

// fill drops what comes before index keep and reads until there are n bytes from
// the position on, or the stream ends. It reports whether there are.
func (l *lookahead) fill(n, keep int) bool {
	end := max(l.offset(), l.off+int64(len(l.buf)))
	want := int(min(int64(max(n, l.block)), l.limit-end))
	if want <= 0 {
		return len(l.buf)-l.pos >= n
	}
	kept := len(l.buf) - keep
	if kept+want > cap(l.buf) {
		next := make([]byte, kept, kept+want)
		copy(next, l.buf[keep:])
		l.buf = next
	} else {
		copy(l.buf[:kept], l.buf[keep:])
		l.buf = l.buf[:kept]
	}
	l.off += int64(keep)
	l.pos -= keep
	l.mark = max(l.mark-keep, 0)
	l.block = min(l.block*2, lastBlock)
	if l.err = l.src.readAt(l.ctx, l.buf[kept:kept+want], end); l.err != nil {
		return false
	}
	l.buf = l.buf[:kept+want]
	return len(l.buf)-l.pos >= n
}
