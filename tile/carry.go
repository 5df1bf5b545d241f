// This file implements what a run has of the source's bytes: those that were read
// and may still be needed, so that none are read twice.

package tile

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/stria-j2k/stria/codestream"
)

// A carry keeps bytes of the source from when they were read until they are used. What
// the index reads to find the code-blocks often has the blocks themselves, and where a
// tile is wanted whole, reads go on beyond what was asked for: all of it will be
// needed. It is an [io.ReaderAt] for the index, and safe for concurrent use.
type carry struct {
	run   *run
	limit int64 // bytes held at one time
	long  int64 // how far a read goes on in what is wanted whole

	mu     sync.Mutex
	pieces []*carried // in the order of the source, apart
	whole  []codestream.Span
	held   int64
}

// A carried is bytes that were read at one time, or are being read.
type carried struct {
	span  codestream.Span
	ready chan struct{} // closed when data and err are set
	data  []byte
	err   error

	loaded bool
	long   bool  // longer than was asked for
	left   int64 // bytes that were not taken
}

// want says that all of some spans will be needed.
func (c *carry) want(spans []codestream.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = codestream.MergeSpans(append(c.whole, spans...), 0)
}

// forget takes back what want said.
func (c *carry) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = nil
}

// ReadAt reads with the context of the run.
func (c *carry) ReadAt(p []byte, off int64) (int, error) {
	return c.ReadAtContext(c.run.ctx, p, off)
}

// ReadAtContext copies what is there, and reads and keeps the rest.
func (c *carry) ReadAtContext(ctx context.Context, p []byte, off int64) (int, error) {
	if int64(len(p)) > c.limit {
		return c.run.readSome(ctx, p, off)
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		k, fresh := c.piece(at, off+int64(len(p)), true)
		if fresh {
			c.load(ctx, k)
		}
		select {
		case <-k.ready:
		case <-ctx.Done():
			return n, ctx.Err()
		case <-c.run.ctx.Done(): // whoever loads it may have given up
			return n, context.Cause(c.run.ctx)
		}
		if k.err != nil && !fresh {
			if err := ctx.Err(); err != nil {
				return n, err
			}
			continue // whoever read it may have been cancelled
		}
		if skip := at - k.span.Off; skip < int64(len(k.data)) {
			n += copy(p[n:], k.data[skip:])
		}
		if k.err != nil {
			return n, k.err
		}
	}
	return n, nil
}

// piece gives the one that has the byte at off. One that is not there is made, up to
// end or, if it may be longer, as far as a read should go; it must then be loaded.
func (c *carry) piece(off, end int64, longer bool) (k *carried, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.after(off)
	if i < len(c.pieces) && c.pieces[i].span.Off <= off {
		return c.pieces[i], false
	}
	asked := end
	if longer && c.long > 0 {
		if w := sort.Search(len(c.whole), func(w int) bool { return c.whole[w].End() > off }); w < len(c.whole) && c.whole[w].Off <= off {
			end = max(end, min(c.whole[w].End(), off+c.long))
		}
	}
	if i < len(c.pieces) {
		end = min(end, c.pieces[i].span.Off)
	}
	k = &carried{span: codestream.Span{Off: off, Len: end - off}, ready: make(chan struct{}), left: end - off, long: end > asked}
	c.pieces = slices.Insert(c.pieces, i, k)
	c.held += k.span.Len
	c.evict()
	return k, true
}

// after gives the first piece that ends after off. c.mu is held.
func (c *carry) after(off int64) int {
	return sort.Search(len(c.pieces), func(i int) bool { return c.pieces[i].span.End() > off })
}

// evict lets go of pieces until the rest is within the limit: those first of which
// little is left, then those that came first in the source. Where that happens to
// what was read beyond what was asked for, reads have been too long. c.mu is held.
func (c *carry) evict() {
	for _, share := range [...]int64{8, 1} {
		for i := 0; i < len(c.pieces) && c.held > c.limit; {
			k := c.pieces[i]
			if !k.loaded || k.left*share > k.span.Len {
				i++
				continue
			}
			if k.long && k.left > k.span.Len/2 {
				if c.long /= 2; c.long < leastLong {
					c.long = 0
				}
			}
			c.drop(i)
		}
	}
}

// reach is how far reads may go on.
func (c *carry) reach() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.long
}

// drop lets go of a piece. c.mu is held.
func (c *carry) drop(i int) {
	c.held -= c.pieces[i].span.Len
	c.pieces = slices.Delete(c.pieces, i, i+1)
}

// load reads a piece. What could not be read is not kept.
func (c *carry) load(ctx context.Context, k *carried) {
	data := make([]byte, k.span.Len)
	n, err := c.run.readSome(ctx, data, k.span.Off)
	c.mu.Lock()
	defer c.mu.Unlock()
	k.data, k.err, k.loaded = data[:n], err, true
	if err != nil {
		if i := c.after(k.span.Off); i < len(c.pieces) && c.pieces[i] == k {
			c.drop(i)
		}
	}
	close(k.ready)
}

// has gives what of spans, sorted and apart, is there or is being read.
func (c *carry) has(spans []codestream.Span) []codestream.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var has []codestream.Span
	for _, s := range spans {
		for i := c.after(s.Off); i < len(c.pieces) && c.pieces[i].span.Off < s.End(); i++ {
			off := max(s.Off, c.pieces[i].span.Off)
			has = append(has, codestream.Span{Off: off, Len: min(s.End(), c.pieces[i].span.End()) - off})
		}
	}
	return has
}

// pin gives all pieces of the ranges, and which of them are new and must be loaded.
func (c *carry) pin(ranges []codestream.Span) (all, fresh []*carried) {
	for _, s := range ranges {
		for off := s.Off; off < s.End(); {
			k, isNew := c.piece(off, min(s.End(), off+longestRead), false)
			all = append(all, k)
			if isNew {
				fresh = append(fresh, k)
			}
			off = k.span.End()
		}
	}
	return all, fresh
}

// take copies a span out of loaded pieces, which are in the order of the source.
func (c *carry) take(dst []byte, s codestream.Span, from []*carried) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := sort.Search(len(from), func(i int) bool { return from[i].span.End() > s.Off })
	for ; s.Len > 0; i++ {
		if i == len(from) || from[i].span.Off > s.Off {
			return notFetched(s)
		}
		k := from[i]
		if k.err != nil {
			return k.err
		}
		n := copy(dst[:s.Len], k.data[s.Off-k.span.Off:])
		dst, s = dst[n:], codestream.Span{Off: s.Off + int64(n), Len: s.Len - int64(n)}
		if k.left -= int64(n); k.left <= 0 {
			if at := c.after(k.span.Off); at < len(c.pieces) && c.pieces[at] == k {
				c.drop(at)
			}
		}
	}
	return nil
}

func notFetched(s codestream.Span) error {
	return fmt.Errorf("tile: %d bytes at offset %d were not fetched (bug)", s.Len, s.Off)
}

// readSome reads from the source and counts that.
func (r *run) readSome(ctx context.Context, p []byte, off int64) (int, error) {
	began := time.Now()
	n, err := r.source.ReadAtContext(ctx, p, off)
	r.account(codestream.Span{Off: off, Len: int64(n)}, time.Since(began), err)
	return n, err
}

// read fills p from off.
func (r *run) read(ctx context.Context, p []byte, off int64) error {
	_, err := r.readSome(ctx, p, off)
	return readFailed(codestream.Span{Off: off, Len: int64(len(p))}, err)
}

// readFailed says what could not be read.
func readFailed(s codestream.Span, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("tile: reading %d bytes at offset %d: %w", s.Len, s.Off, err)
}

// account counts a read and tells the hook of it.
func (r *run) account(s codestream.Span, took time.Duration, err error) {
	r.stats.reads.Add(1)
	r.stats.bytes.Add(s.Len)
	if h := r.plan.dec.Hooks; h != nil && h.Read != nil {
		h.Read(ReadInfo{Span: s, Took: took, Err: err})
	}
}

// subtract gives what of spans is not in others; both are sorted and apart.
func subtract(spans, others []codestream.Span) []codestream.Span {
	var rest []codestream.Span
	i := 0
	for _, s := range spans {
		for i < len(others) && others[i].End() <= s.Off {
			i++
		}
		for k := i; k < len(others) && others[k].Off < s.End(); k++ {
			if n := others[k].Off - s.Off; n > 0 {
				rest = append(rest, codestream.Span{Off: s.Off, Len: n})
			}
			end := s.End()
			s.Off = min(max(others[k].End(), s.Off), end)
			s.Len = end - s.Off
		}
		if s.Len > 0 {
			rest = append(rest, s)
		}
	}
	return rest
}
