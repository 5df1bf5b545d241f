// This file implements what PPM and PLM have in common: one piece of data for
// each tile-part, in codestream order, laid over several segments.

package codestream

import (
	"context"
	"encoding/binary"
	"io"
)

// A partStream is the payloads of a main header's PPM or PLM segments joined to
// one: for each tile-part a length (Nppm, 32 bits; Nplm, 8 bits) and that many
// bytes. Lengths and bytes may go on in the next segment. It is not safe for
// concurrent use.
type partStream struct {
	r      io.ReaderAt
	marker Marker
	spans  []Span
	prefix int64 // size of a length

	pieces []Span // found so far; Off is in the joined data
	next   int64  // in the joined data, of the next length
}

// piece returns the bytes of the k-th tile-part, and false when the segments end
// before it.
func (s *partStream) piece(ctx context.Context, k int) ([]byte, bool, error) {
	total := int64(0)
	for _, p := range s.spans {
		total += p.Len
	}
	var win window
	for len(s.pieces) <= k {
		if total-s.next < s.prefix {
			return nil, false, nil
		}
		b, err := s.at(ctx, &win, s.next, s.prefix, total)
		if err != nil {
			return nil, false, err
		}
		n := int64(b[0])
		if s.prefix == 4 {
			n = int64(binary.BigEndian.Uint32(b))
		}
		p := Span{s.next + s.prefix, n}
		if p.End() > total {
			return nil, false, nil
		}
		s.pieces = append(s.pieces, p)
		s.next = p.End()
	}
	p := s.pieces[k]
	b, err := s.at(ctx, &win, p.Off, p.Len, p.End())
	return b, err == nil, err
}

// A window is a stretch of the joined data that was read.
type window struct {
	off  int64
	data []byte
}

// at returns n bytes of the joined data. It reads somewhat more, up to limit,
// when it has to read at all.
func (s *partStream) at(ctx context.Context, w *window, off, n, limit int64) ([]byte, error) {
	if i := off - w.off; i >= 0 && i+n <= int64(len(w.data)) {
		return w.data[i:][:n:n], nil
	}
	// A fresh slice each time: a piece is the caller's to keep.
	*w = window{off, make([]byte, max(n, min(walkChunk, limit-off)))}
	at, rest := int64(0), w.data
	for _, p := range s.spans {
		if i := off - at; i < p.Len && len(rest) > 0 {
			part := rest[:min(int64(len(rest)), p.Len-i)]
			if err := readAt(ctx, s.r, part, p.Off+i); err != nil {
				*w = window{}
				return nil, readError(p.Off+i, s.marker.String(), err)
			}
			rest = rest[len(part):]
			off += int64(len(part))
		}
		at += p.Len
	}
	return w.data[:n:n], nil
}
