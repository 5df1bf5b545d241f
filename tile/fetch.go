// This file implements the fetch stage: reading the code-blocks of the walks
// ahead of the decoder, and the merging of ranges that lie close together.

package tile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stria-j2k/stria/codestream"
)

// longestRead is where a longer range is cut, so that its parts are read at the
// same time.
const longestRead = 4 << 20

// coalesce sorts spans and merges those that overlap or lie at most gap bytes
// apart. A gap of spareGap stands for the largest that wastes little.
func coalesce(spans []codestream.Span, gap int64) []codestream.Span {
	slices.SortFunc(spans, func(a, b codestream.Span) int { return cmp.Compare(a.Off, b.Off) })
	spans = merge(spans, 0)
	if gap != spareGap {
		return merge(spans, gap)
	}
	var gaps []int64
	spare := int64(spareBytes)
	for i, s := range spans {
		spare += s.Len / spareShare
		if i > 0 {
			gaps = append(gaps, s.Off-spans[i-1].End())
		}
	}
	slices.Sort(gaps)
	gap = 0
	for i, g := range gaps {
		if spare -= g; spare < 0 {
			break
		}
		if i+1 == len(gaps) || gaps[i+1] > g {
			gap = g // all of this length fit
		}
	}
	return merge(spans, gap)
}

// What merging may add to what is read: a part of it, and some more.
const (
	spareGap   = -1
	spareShare = 4
	spareBytes = 16 << 10
)

// merge merges sorted spans, in place.
func merge(spans []codestream.Span, gap int64) []codestream.Span {
	out := spans[:0]
	for _, s := range spans {
		if s.Len <= 0 {
			continue
		}
		if n := len(out); n > 0 && s.Off-out[n-1].End() <= gap {
			out[n-1].Len = max(out[n-1].Len, s.End()-out[n-1].Off)
			continue
		}
		out = append(out, s)
	}
	return out
}

// A buffer holds ranges of the source, at their offsets.
type buffer struct {
	spans []codestream.Span // ascending, apart
	data  [][]byte
}

// ReadAt reads from the ranges; outside of them there is nothing but an error.
func (b *buffer) ReadAt(p []byte, off int64) (int, error) {
	i := sort.Search(len(b.spans), func(i int) bool { return b.spans[i].End() > off })
	if i == len(b.spans) || off < b.spans[i].Off {
		return 0, fmt.Errorf("tile: offset %d was not fetched (bug)", off)
	}
	n := copy(p, b.data[i][off-b.spans[i].Off:])
	if n < len(p) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

// A fetchedChunk is a chunk whose walks have been selected and are being read.
type fetchedChunk struct {
	walks []*walk
	slabs []image.Rectangle // reduced pixels
}

// A record is what the index read of the source while it selected a walk's
// code-blocks. Without PLT the packets of a tile are found by reading all of
// it, and the blocks need not be read again.
type record struct {
	limit int64 // bytes; a record of more is dropped
	total int64
	parts []recorded
}

type recorded struct {
	span codestream.Span
	data []byte
}

func (c *record) add(off int64, p []byte) {
	if c.total += int64(len(p)); c.total > c.limit {
		c.parts = nil
		return
	}
	c.parts = append(c.parts, recorded{codestream.Span{Off: off, Len: int64(len(p))}, bytes.Clone(p)})
}

// recall copies what is recorded of the beginning and of the end of a range to
// p, and returns the part between that must be read.
func recall(p []byte, s codestream.Span, parts []recorded) codestream.Span {
	for more := true; more && s.Len > 0; {
		more = false
		for _, r := range parts {
			if d := s.Off - r.span.Off; d >= 0 && d < r.span.Len {
				n := copy(p[:s.Len], r.data[d:])
				p, s = p[n:], codestream.Span{Off: s.Off + int64(n), Len: s.Len - int64(n)}
				more = true
			} else if d := r.span.End() - s.End(); d >= 0 && d < r.span.Len && s.Len > 0 {
				n := min(s.Len, r.span.Len-d)
				copy(p[s.Len-n:s.Len], r.data[r.span.Len-d-n:])
				s.Len -= n
				more = true
			}
		}
	}
	return s
}

// fetch selects and reads the walks' code-blocks in order, as far ahead of the
// decoder as the layout allows.
func (r *run) fetch(chunks chan<- fetchedChunk) {
	defer close(chunks)
	var reads sync.WaitGroup
	defer reads.Wait()
	slots := make(chan struct{}, r.plan.dec.reads())
	for c := range r.plan.chunks() {
		if err := r.fetchChunk(c, chunks, slots, &reads); err != nil {
			r.fail(err)
			return
		}
	}
}

// fetchChunk starts the reads of one chunk, or of its halves if it has more
// bytes than the plan allows for a walk.
func (r *run) fetchChunk(c chunk, chunks chan<- fetchedChunk, slots chan struct{}, reads *sync.WaitGroup) error {
	f := fetchedChunk{slabs: c.slabs, walks: make([]*walk, len(c.walks))}
	for i, win := range c.walks {
		f.walks[i] = &walk{window: win, fetched: make(chan struct{})}
	}
	known := 0 // walks whose headers are being read, or were
	for i := range f.walks {
		if len(c.slabs) == 1 {
			break // nothing to decide; selected when its turn to be read comes
		}
		known = r.headers(f.walks, i, known, reads)
		if err := r.sel(f.walks[i]); err != nil {
			return err
		}
		if s := f.walks[i].selection; s != nil && s.Bytes() > r.plan.layout.walk {
			for _, half := range c.halves() {
				if err := r.fetchChunk(half, chunks, slots, reads); err != nil {
					return err
				}
			}
			return nil
		}
	}
	select {
	case chunks <- f:
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
	// The columns of one tile lie between each other in the source: they are
	// read together.
	for rest := f.walks; len(rest) > 0; {
		known = r.headers(f.walks, len(f.walks)-len(rest), known, reads)
		n := 1
		for n < len(rest) && rest[n].tile == rest[0].tile {
			n++
		}
		if err := r.fetchWalks(rest[:n], slots, reads); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// headers has the index read the headers of the tiles of walks that come soon
// after one, several at the same time: selected one after the other, each would
// wait for its own. Those before known are being read already; it returns how far
// that is true now. What fails is left to the selection.
func (r *run) headers(walks []*walk, at, known int, reads *sync.WaitGroup) int {
	ctx := codestream.WithTrace(r.ctx, &codestream.Trace{
		Read: func(off int64, p []byte, took time.Duration, err error) {
			r.account(codestream.Span{Off: off, Len: int64(len(p))}, took, err)
		},
	})
	for known = max(known, at+1); known < min(at+r.plan.dec.reads(), len(walks)); known++ {
		w := walks[known]
		if last := walks[known-1]; w.tile == last.tile {
			w.headers = last.headers
			continue
		}
		if r.plan.hollow(r.plan.codestreamWindow(w.window)) {
			continue // it will not be selected
		}
		headers := make(chan struct{})
		w.headers = headers
		reads.Go(func() {
			defer close(headers)
			_ = r.plan.file.Index().Prepare(ctx, w.tile)
		})
	}
	return known
}

// sel selects a walk's code-blocks. Its error ends the run; what is wrong with
// the image alone stays with the walk.
func (r *run) sel(w *walk) error {
	window := r.plan.codestreamWindow(w.window)
	if r.plan.hollow(window) {
		w.err = errHollow
		return nil
	}
	if w.headers != nil {
		<-w.headers // its reads end with the run
	}
	w.record = &record{limit: r.plan.layout.record}
	ctx := codestream.WithTrace(r.ctx, &codestream.Trace{
		Read: func(off int64, p []byte, took time.Duration, err error) {
			r.account(codestream.Span{Off: off, Len: int64(len(p))}, took, err)
			w.record.add(off, p)
		},
	})
	w.selection, w.err = r.plan.file.Index().Select(ctx, window)
	return r.judge(w.tile, w.err)
}

// errHollow is the error of a walk that has nothing to decode.
var errHollow = errors.New("tile: no samples")

// bounded holds a selection against what the plan's memory is for. The plan
// knows the main header; a tile's own header may ask for more code-blocks, and
// corrupt packet headers for more bytes than the samples could ever need.
func (r *run) bounded(w *walk) error {
	s, most := w.selection, r.plan.layout.most
	for _, c := range s.Coding().Components {
		if c.Style&codestream.HT != 0 && !most.HighThroughput {
			return &codestream.FormatError{Offset: r.plan.file.Header.Span.Off, Where: "COD",
				Err: fmt.Errorf("tile %d has High-Throughput blocks, of which the main header says nothing", w.tile)}
		}
	}
	if s.VirtualBlocks() > most.Blocks || s.VirtualPrecincts() > most.Precincts {
		return fmt.Errorf("tile: tile %d is cut into smaller code-blocks or precincts than the main header says: %w",
			w.tile, ErrBudget)
	}
	if s.AssembledSize() > most.Bytes {
		return &codestream.FormatError{Offset: s.Spans()[0].Off, Where: "code-blocks",
			Err: fmt.Errorf("%d bytes for a window of tile %d, more than its samples can need", s.Bytes(), w.tile)}
	}
	return nil
}

// ready selects a walk's code-blocks if that has not been done, and reports
// whether there is something to fetch. Its error ends the run.
func (r *run) ready(w *walk) (bool, error) {
	if w.selection == nil && w.err == nil {
		if err := r.sel(w); err != nil {
			return false, err
		}
	}
	if w.err != nil {
		return false, nil
	}
	if err := r.judge(w.tile, w.selection.Damage()); err != nil {
		return false, err
	}
	w.err = r.bounded(w)
	return w.err == nil, r.judge(w.tile, w.err)
}

// fetchWalks starts the reads of the walks of one tile.
func (r *run) fetchWalks(walks []*walk, slots chan struct{}, reads *sync.WaitGroup) error {
	p := r.plan
	var spans []codestream.Span
	var found []recorded
	users := new(atomic.Int32)
	for _, w := range walks {
		ok, err := r.ready(w)
		if err != nil {
			return err
		}
		if ok {
			spans = append(spans, w.selection.Spans()...)
			users.Add(1)
		}
		if w.record != nil {
			found = append(found, w.record.parts...)
			w.record = nil
		}
	}
	b := &buffer{spans: coalesce(spans, p.dec.gap())}
	var total int64
	for _, s := range b.spans {
		total += s.Len
	}
	// Walks larger than all that may be ahead go alone.
	release, err := r.ahead.Acquire(r.ctx, min(total, p.layout.ahead))
	if err != nil {
		return err
	}
	for _, w := range walks {
		if w.err == nil {
			w.data = b
			w.release = func() {
				if users.Add(-1) == 0 {
					release()
				}
			}
		}
	}
	b.data = make([][]byte, len(b.spans))
	var parts sync.WaitGroup
	for i, whole := range b.spans {
		b.data[i] = make([]byte, whole.Len)
		s := recall(b.data[i], whole, found)
		data := b.data[i][s.Off-whole.Off:][:s.Len]
		for off := int64(0); off < s.Len; off += longestRead {
			part := data[off:min(off+longestRead, s.Len)]
			at := s.Off + off
			select {
			case slots <- struct{}{}:
			case <-r.ctx.Done():
				parts.Wait()
				return context.Cause(r.ctx)
			}
			parts.Add(1)
			reads.Go(func() {
				defer parts.Done()
				defer func() { <-slots }()
				if err := r.read(part, at); err != nil {
					r.fail(err)
				}
			})
		}
	}
	reads.Go(func() {
		parts.Wait()
		for _, w := range walks {
			close(w.fetched)
		}
	})
	return nil
}

// read reads one range of the source, with the run's context if it can.
func (r *run) read(p []byte, off int64) error {
	began := time.Now()
	var n int
	var err error
	if c, ok := r.source.(codestream.ContextReaderAt); ok {
		n, err = c.ReadAtContext(r.ctx, p, off)
	} else {
		n, err = r.source.ReadAt(p, off)
	}
	switch {
	case n == len(p):
		err = nil
	case err == nil || err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	r.account(codestream.Span{Off: off, Len: int64(n)}, time.Since(began), err)
	if err != nil {
		return fmt.Errorf("tile: reading %d bytes at offset %d: %w", len(p), off, err)
	}
	return nil
}

// account counts a read and tells the hook of it.
func (r *run) account(s codestream.Span, took time.Duration, err error) {
	r.stats.reads.Add(1)
	r.stats.bytes.Add(s.Len)
	if h := r.plan.dec.Hooks; h != nil && h.Read != nil {
		h.Read(ReadInfo{Span: s, Took: took, Err: err})
	}
}
