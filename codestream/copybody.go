// This file implements the copying of code-blocks from the source: in the order
// of an assembled tile, but read as they lie in the source.

package codestream

import (
	"cmp"
	"context"
	"io"
	"slices"
)

const (
	// copyBuffer is how much of an assembled tile is put together before it is
	// written.
	copyBuffer = 4 << 20
	// copyGap is how many bytes between two pieces are read to save a read.
	copyGap = 4 << 10
)

// A blockCopy puts an assembled tile together, a buffer at a time.
type blockCopy struct {
	ctx     context.Context
	dst     io.Writer
	src     io.ReaderAt
	buf     []byte
	pieces  []copyPiece
	between []byte // what is read with pieces that lie apart in the buffer
}

// A copyPiece is a range of the source and where it goes in the buffer.
type copyPiece struct {
	span Span
	at   int
}

// copyBody writes the packets of the assembled tile: their headers, and the
// blocks' bytes from src. It goes through a buffer of at most so many bytes.
func (a *Assembly) copyBody(ctx context.Context, dst io.Writer, src io.ReaderAt, buffer int64) error {
	c := blockCopy{ctx: ctx, dst: dst, src: src}
	c.buf = make([]byte, 0, min(buffer, a.length()))
	head, block := uint32(0), uint32(0)
	for _, part := range a.layout {
		if err := c.header(a.heads[head:part.heads]); err != nil {
			return err
		}
		head = part.heads
		for ; block < part.blocks; block++ {
			for _, p := range a.s.piecesOf(a.block(block)) {
				if err := c.block(p); err != nil {
					return err
				}
			}
		}
	}
	return c.flush()
}

// header adds bytes that are there.
func (c *blockCopy) header(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), cap(c.buf)-len(c.buf))
		c.buf = append(c.buf, p[:n]...)
		if p = p[n:]; len(p) > 0 {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// block adds bytes of the source.
func (c *blockCopy) block(p Span) error {
	for p.Len > 0 {
		if len(c.buf) == cap(c.buf) {
			if err := c.flush(); err != nil {
				return err
			}
		}
		n := min(p.Len, int64(cap(c.buf)-len(c.buf)))
		at := len(c.buf)
		c.buf = c.buf[:at+int(n)]
		if last := len(c.pieces) - 1; last >= 0 && c.pieces[last].span.End() == p.Off &&
			c.pieces[last].at+int(c.pieces[last].span.Len) == at {
			c.pieces[last].span.Len += n
		} else {
			c.pieces = append(c.pieces, copyPiece{Span{p.Off, n}, at})
		}
		p.Off, p.Len = p.Off+n, p.Len-n
	}
	return nil
}

// flush reads the pieces of the buffer and writes it.
func (c *blockCopy) flush() error {
	slices.SortFunc(c.pieces, func(a, b copyPiece) int { return cmp.Compare(a.span.Off, b.span.Off) })
	for list := c.pieces; len(list) > 0; {
		n, end := 1, list[0].span.End()
		for n < len(list) && list[n].span.Off-end <= copyGap &&
			list[n].span.End()-list[0].span.Off <= copyBuffer {
			end = max(end, list[n].span.End())
			n++
		}
		if err := c.read(list[:n], Span{list[0].span.Off, end - list[0].span.Off}); err != nil {
			return err
		}
		list = list[n:]
	}
	_, err := c.dst.Write(c.buf)
	c.buf, c.pieces = c.buf[:0], c.pieces[:0]
	return err
}

// read reads a range and puts its pieces in their places.
func (c *blockCopy) read(list []copyPiece, span Span) error {
	p := c.buf[list[0].at:][:list[0].span.Len]
	if len(list) > 1 {
		c.between = slices.Grow(c.between[:0], int(span.Len))[:span.Len]
		p = c.between
	}
	if err := readAt(c.ctx, c.src, p, span.Off); err != nil {
		return readError(span.Off, "code-blocks", err)
	}
	if len(list) > 1 {
		for _, k := range list {
			from := k.span.Off - span.Off
			copy(c.buf[k.at:], p[from:from+k.span.Len])
		}
	}
	return nil
}
