// This file implements the fetch stage: reading the code-blocks of the walks
// ahead of the decoder, and the merging of ranges that lie close together.

package tile

import (
	"bytes"
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
	if gap != spareGap {
		return codestream.MergeSpans(spans, gap)
	}
	spans = codestream.MergeSpans(spans, 0)
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
	return codestream.MergeSpans(spans, gap)
}

// What merging may add to what is read: a part of it, and some more.
const (
	spareGap   = -1
	spareShare = 4
	spareBytes = 16 << 10
)

// A batch is ranges of the source that are read together, for some tasks or a
// walk. It implements [io.ReaderAt] at the offsets of the source.
type batch struct {
	spans   []codestream.Span // ascending, apart
	data    [][]byte
	memory  []byte        // of data
	fetched chan struct{} // closed when all are there
	users   atomic.Int32  // tasks that are not done
	release func()
	buffers *buffers // where memory is from
}

// done says that n of the users are done with the bytes.
func (b *batch) done(n int) {
	if b.users.Add(int32(-n)) == 0 {
		b.buffers.put(b.memory)
		b.data, b.memory = nil, nil
		b.release()
	}
}

// find gives the bytes of a span.
func (b *batch) find(s codestream.Span) ([]byte, error) {
	i := sort.Search(len(b.spans), func(i int) bool { return b.spans[i].End() > s.Off })
	if i == len(b.spans) || s.Off < b.spans[i].Off || s.End() > b.spans[i].End() {
		return nil, fmt.Errorf("tile: %d bytes at offset %d were not fetched (bug)", s.Len, s.Off)
	}
	at := s.Off - b.spans[i].Off
	return b.data[i][at : at+s.Len : at+s.Len], nil
}

// bytes gives the bytes of spans one after the other, in buf where they lie apart.
func (b *batch) bytes(buf *[]byte, spans []codestream.Span) ([]byte, error) {
	if len(spans) == 1 {
		return b.find(spans[0])
	}
	*buf = (*buf)[:0]
	for _, s := range spans {
		p, err := b.find(s)
		if err != nil {
			return nil, err
		}
		*buf = append(*buf, p...)
	}
	return *buf, nil
}

func (b *batch) ReadAt(p []byte, off int64) (int, error) {
	q, err := b.find(codestream.Span{Off: off, Len: int64(len(p))})
	return copy(p, q), err
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

// A fetcher is the fetch stage of a run.
type fetcher struct {
	*run
	jobs  chan<- job
	slots chan struct{} // one element for each read that is being made
	reads sync.WaitGroup

	streams []*stream // of the chunk
	found   [][]recorded
	waiting []*slabJob // whose blocks are not being read yet
	bytes   int64      // that those have
}

// fetch selects the code-blocks of the slabs in order, and reads them as far ahead
// of the decoder as the layout allows.
func (r *run) fetch(jobs chan<- job) {
	f := &fetcher{run: r, jobs: jobs, slots: make(chan struct{}, r.plan.dec.reads())}
	defer close(jobs)
	defer f.reads.Wait()
	for c := range r.plan.chunks() {
		if err := f.chunk(c); err != nil {
			r.fail(err)
			return
		}
	}
}

// chunk selects the blocks of a chunk and hands out its slabs.
func (f *fetcher) chunk(c chunk) error {
	if err := f.selectStreams(c); err != nil {
		return err
	}
	for i, area := range c.slabs {
		j, err := f.slabJob(c, area, i == len(c.slabs)-1)
		if err != nil {
			return err
		}
		f.waiting = append(f.waiting, j)
		if f.bytes >= f.plan.layout.ahead/2 {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
	if err := f.flush(); err != nil {
		return err
	}
	f.found = nil
	return nil
}

// selectStreams makes the streams of a chunk, or has those of the chunk before go
// on with it.
func (f *fetcher) selectStreams(c chunk) error {
	p := f.plan
	if !c.follows {
		f.streams = make([]*stream, len(c.windows))
	}
	f.found = make([][]recorded, len(c.windows))
	pending := make([]<-chan struct{}, len(c.windows))
	known := 0 // windows whose headers are being read, or were
	for i, w := range c.windows {
		if st := f.streams[i]; st != nil && st.err != nil {
			continue
		}
		known = f.headers(c.windows, pending, i, known)
		if pending[i] != nil {
			<-pending[i] // its reads end with the run
		}
		s, err := f.selectWindow(w, i)
		if err == nil {
			if err = f.judge(w.tile, s.Damage()); err != nil {
				return err
			}
			err = p.bounded(s)
		}
		if err == errHollow {
			f.streams[i] = &stream{tile: w.tile, err: err}
			continue
		}
		if err := f.judge(w.tile, err); err != nil {
			return err
		}
		st := f.streams[i]
		switch {
		case err != nil && st == nil:
			f.streams[i] = &stream{tile: w.tile, err: err}
			continue
		case err != nil:
			continue
		case p.dec.Engine.windows != nil:
			f.streams[i] = &stream{tile: w.tile, walk: &walk{selection: s}}
			continue
		case st == nil:
			area := p.codestreamWindow(window{w.tile, p.inTile(w.tile)}).Area
			st = newStream(p.visit(), s, func(i int) image.Rectangle {
				return p.grid.component(area, p.file.Header.Components[i].Sub)
			})
			f.streams[i] = st
		}
		st.extend(s)
	}
	return nil
}

// headers has the index read the headers of the tiles of windows that come soon
// after one, several at the same time: selected one after the other, each would
// wait for its own. Those before known are being read already; it returns how far
// that is true now. What fails is left to the selection.
func (f *fetcher) headers(windows []window, pending []<-chan struct{}, at, known int) int {
	ctx := codestream.WithTrace(f.ctx, &codestream.Trace{
		Read: func(off int64, p []byte, took time.Duration, err error) {
			f.account(codestream.Span{Off: off, Len: int64(len(p))}, took, err)
		},
	})
	for known = max(known, at+1); known < min(at+f.plan.dec.reads(), len(windows)); known++ {
		w := windows[known]
		if f.plan.hollow(f.plan.codestreamWindow(w)) {
			continue // it will not be selected
		}
		done := make(chan struct{})
		pending[known] = done
		f.reads.Go(func() {
			defer close(done)
			_ = f.plan.file.Index().Prepare(ctx, w.tile)
		})
	}
	return known
}

// selectWindow selects the blocks of a window. What the index reads for that is
// kept for the i-th stream as far as the layout allows.
func (f *fetcher) selectWindow(w window, i int) (*codestream.Selection, error) {
	win := f.plan.codestreamWindow(w)
	if f.plan.hollow(win) {
		return nil, errHollow
	}
	if e := f.plan.dec.Engine.windows; e != nil {
		win = e.Selects(win, f.plan.file.Header)
	}
	rec := &record{limit: f.plan.layout.record}
	ctx := codestream.WithTrace(f.ctx, &codestream.Trace{
		Read: func(off int64, p []byte, took time.Duration, err error) {
			f.account(codestream.Span{Off: off, Len: int64(len(p))}, took, err)
			rec.add(off, p)
		},
	})
	s, err := f.plan.file.Index().Select(ctx, win)
	f.found[i] = rec.parts
	return s, err
}

// errHollow is the error of a stream that has nothing to decode.
var errHollow = errors.New("tile: no samples")

// slabJob makes the pieces of a slab, and claims the blocks that they need.
func (f *fetcher) slabJob(c chunk, area image.Rectangle, last bool) (*slabJob, error) {
	j := &slabJob{area: area}
	for i, st := range f.streams {
		pc := &piece{run: f.run, stream: st, area: c.windows[i].area.Intersect(area), last: last && c.last}
		pc.wanted = f.target.wanted(st.tile, pc.area, area)
		j.pieces = append(j.pieces, pc)
		switch {
		case st.err != nil:
		case st.walk != nil:
			pc.selection = st.walk.selection
			if len(f.waiting) == 0 || f.waiting[0].pieces[i].stream != st {
				pc.blocks, pc.bytes = pc.selection.NumBlocks(), pc.selection.Bytes()
			}
			pc.last = last
		default:
			pc.selection = st.selection
			if err := f.claim(pc); err != nil {
				return nil, err
			}
		}
	}
	return j, nil
}

// claim claims the blocks that a piece needs.
func (f *fetcher) claim(pc *piece) error {
	st := pc.stream
	// Components that are transformed together have the same rows.
	for _, c := range st.components {
		h := f.plan.file.Header.Components[c.index]
		rows := st.visit.samples(f.plan.grid.component(pc.wanted, h.Sub)).Intersect(c.config.Window)
		rows = image.Rect(c.config.Window.Min.X, c.made, c.config.Window.Max.X, max(c.made, rows.Max.Y))
		if pc.last {
			rows.Max.Y = max(c.made, c.config.Window.Max.Y)
		}
		part := &piecePart{piece: pc, component: c, rows: rows}
		pc.parts = append(pc.parts, part)
		if c.made = rows.Max.Y; rows.Dy() == 0 {
			continue
		}
		part.claims = st.claim(part, c.made)
		for i := range part.claims {
			k := &part.claims[i]
			if err := k.refuse(f.run); err != nil {
				return err
			}
			part.tasks = append(part.tasks, k.tasks()...)
			pc.blocks += len(k.blocks)
		}
		for _, t := range part.tasks {
			t.recall(f.run)
			pc.bytes += t.bytes
		}
	}
	f.bytes += pc.bytes
	return nil
}

// flush starts to read what the waiting slabs need, and hands them out.
func (f *fetcher) flush() error {
	slabs := f.waiting
	f.waiting, f.bytes = nil, 0
	if len(slabs) == 0 {
		return nil
	}
	batches, total := f.batches(slabs)
	if total <= f.plan.layout.ahead/2 {
		// All at once, so that the ranges are as long as they can be.
		for _, b := range batches {
			if err := f.beginBatch(b); err != nil {
				return err
			}
		}
	}
	for _, s := range slabs {
		if err := f.send(job{slab: s}); err != nil {
			return err
		}
		for i, pc := range s.pieces {
			if err := f.hand(pc, batches[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// batches makes a batch for each stream of what its pieces in the slabs need, and
// says how many bytes all of them are.
func (f *fetcher) batches(slabs []*slabJob) (batches []*batch, total int64) {
	for i := range f.streams {
		var spans []codestream.Span
		users := 0
		for _, s := range slabs {
			pc := s.pieces[i]
			if w := pc.stream.walk; w != nil && !w.handed {
				spans = append(spans, w.selection.Spans()...)
				users = 1
			}
			for _, part := range pc.parts {
				for _, t := range part.tasks {
					spans = t.appendSpans(spans)
				}
				users += len(part.tasks)
			}
		}
		b := f.newBatch(spans, users)
		batches = append(batches, b)
		total += b.size()
	}
	return batches, total
}

func (f *fetcher) newBatch(spans []codestream.Span, users int) *batch {
	b := &batch{spans: coalesce(spans, f.plan.dec.gap()), fetched: make(chan struct{}), buffers: &f.buffers}
	b.users.Store(int32(users))
	return b
}

// size is the number of bytes that a batch reads.
func (b *batch) size() int64 {
	var n int64
	for _, s := range b.spans {
		n += s.Len
	}
	return n
}

// hand sends the tasks of a piece, or its walk, with their batch. Where that has
// not begun, for being a part of more than may be fetched at one time, the tasks
// get batches of their own.
func (f *fetcher) hand(pc *piece, all *batch) error {
	if w := pc.stream.walk; w != nil {
		if w.handed {
			return nil
		}
		w.handed = true
		if all.release == nil {
			if err := f.beginBatch(all); err != nil {
				return err
			}
		}
		return f.send(job{walk: pc.stream, fetch: all})
	}
	var tasks []*blockTask
	for _, part := range pc.parts {
		tasks = append(tasks, part.tasks...)
	}
	if all.release != nil {
		return f.send(job{tasks: tasks, fetch: all})
	}
	for len(tasks) > 0 {
		n, bytes := 0, int64(0)
		var spans []codestream.Span
		for n < len(tasks) && (n == 0 || bytes+tasks[n].bytes <= f.plan.layout.ahead/2) {
			spans = tasks[n].appendSpans(spans)
			bytes += tasks[n].bytes
			n++
		}
		b := f.newBatch(spans, n)
		if err := f.beginBatch(b); err != nil {
			return err
		}
		if err := f.send(job{tasks: tasks[:n], fetch: b}); err != nil {
			return err
		}
		tasks = tasks[n:]
	}
	return nil
}

func (f *fetcher) send(j job) error {
	if j.slab == nil && j.walk == nil && len(j.tasks) == 0 {
		return nil
	}
	select {
	case f.jobs <- j:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// appendSpans appends where the bytes of the task's blocks are.
func (t *blockTask) appendSpans(spans []codestream.Span) []codestream.Span {
	for i, n := range t.blocks {
		if t.cached == nil || t.cached[i] == nil {
			spans = append(spans, t.selection.Block(int(n)).Spans...)
		}
	}
	return spans
}

// beginBatch waits for room for a batch and starts its reads.
func (f *fetcher) beginBatch(b *batch) error {
	release, err := f.ahead.Acquire(f.ctx, min(b.size(), f.plan.layout.ahead))
	if err != nil {
		return err
	}
	b.release = release
	if b.users.Load() == 0 {
		release()
	}
	b.data = make([][]byte, len(b.spans))
	b.memory = f.buffers.take(b.size())
	rest := b.memory
	var parts sync.WaitGroup
	for i, whole := range b.spans {
		b.data[i], rest = rest[:whole.Len:whole.Len], rest[whole.Len:]
		s := f.recall(b.data[i], whole)
		data := b.data[i][s.Off-whole.Off:][:s.Len]
		for off := int64(0); off < s.Len; off += longestRead {
			part := data[off:min(off+longestRead, s.Len)]
			at := s.Off + off
			select {
			case f.slots <- struct{}{}:
			case <-f.ctx.Done():
				parts.Wait()
				return context.Cause(f.ctx)
			}
			parts.Add(1)
			f.reads.Go(func() {
				defer parts.Done()
				defer func() { <-f.slots }()
				if err := f.read(part, at); err != nil {
					f.fail(err)
				}
			})
		}
	}
	f.reads.Go(func() {
		parts.Wait()
		close(b.fetched)
	})
	return nil
}

// recall is the function of that name over all that the index read.
func (f *fetcher) recall(p []byte, s codestream.Span) codestream.Span {
	for _, parts := range f.found {
		n := s
		s = recall(p, s, parts)
		p = p[s.Off-n.Off:][:s.Len]
	}
	return s
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
