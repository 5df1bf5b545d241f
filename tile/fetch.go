// This file implements the fetch stage: reading the code-blocks of the walks
// ahead of the decoder, and the merging of ranges that lie close together.

package tile

import (
	"cmp"
	"context"
	"errors"
	"image"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

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

// firstFlush is how many bytes are read for the first slabs at least; for those to
// come it doubles.
const firstFlush = 256 << 10

// What merging may add to what is read: a part of it, and some more.
const (
	spareGap   = -1
	spareShare = 4
	spareBytes = 16 << 10
)

// A batch is ranges of the source that are read together, for some tasks or a
// walk. It implements [io.ReaderAt] at the offsets of the source.
type batch struct {
	needed  []codestream.Span // in the order of the source, apart
	size    int64             // of what it will hold
	fetched chan struct{}     // closed when all are there
	entries []entry           // in the order of the source, apart
	memory  []byte            // of the entries
	buffers *buffers          // where that is from
	users   atomic.Int32      // tasks that are not done
	release func()
}

// An entry is bytes of the source.
type entry struct {
	span codestream.Span
	data []byte
}

// done says that n of the users are done with the bytes.
func (b *batch) done(n int) {
	if b.users.Add(int32(-n)) == 0 {
		b.buffers.put(b.memory)
		b.entries, b.memory = nil, nil
		b.release()
	}
}

// find gives the bytes of a span. Where they lie in several entries they are copied.
func (b *batch) find(s codestream.Span) ([]byte, error) {
	i := sort.Search(len(b.entries), func(i int) bool { return b.entries[i].span.End() > s.Off })
	if i < len(b.entries) && b.entries[i].span.Off <= s.Off && s.End() <= b.entries[i].span.End() {
		at := s.Off - b.entries[i].span.Off
		return b.entries[i].data[at : at+s.Len : at+s.Len], nil
	}
	var joined []byte
	for off := s.Off; off < s.End(); i++ {
		if i == len(b.entries) || b.entries[i].span.Off > off {
			return nil, notFetched(s)
		}
		e := &b.entries[i]
		joined = append(joined, e.data[off-e.span.Off:min(s.End(), e.span.End())-e.span.Off]...)
		off = e.span.End()
	}
	return joined, nil
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

// A fetcher is the fetch stage of a run.
type fetcher struct {
	*run
	jobs  chan<- job
	slots chan struct{} // one element for each read that is being made
	reads sync.WaitGroup

	carry   *carry
	streams []*stream  // of the chunk
	waiting []*slabJob // whose blocks are not being read yet
	bytes   int64      // that those have
	enough  int64      // bytes that are not left waiting
}

// fetch selects the code-blocks of the slabs in order, and reads them as far ahead
// of the decoder as the layout allows.
func (r *run) fetch(jobs chan<- job) {
	l := &r.plan.layout
	f := &fetcher{run: r, jobs: jobs, slots: make(chan struct{}, r.plan.dec.reads()), enough: firstFlush,
		carry: &carry{run: r, limit: l.carry, long: l.long}}
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
		if f.bytes >= f.enough {
			f.enough = min(2*f.enough, f.plan.layout.ahead/2)
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
	return f.flush()
}

// selectStreams makes the streams of a chunk, or has those of the chunk before go
// on with it.
func (f *fetcher) selectStreams(c chunk) error {
	p := f.plan
	if !c.follows {
		f.streams = make([]*stream, len(c.windows))
		f.carry.forget()
	}
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
		s, err := f.selectWindow(w, c.follows)
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
	ctx := codestream.WithSource(f.ctx, f.carry)
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

// selectWindow selects the blocks of a window, which may be of the same tile as one
// before.
func (f *fetcher) selectWindow(w window, follows bool) (*codestream.Selection, error) {
	win := f.plan.codestreamWindow(w)
	if f.plan.hollow(win) {
		return nil, errHollow
	}
	if e := f.plan.dec.Engine.windows; e != nil {
		win = e.Selects(win, f.plan.file.Header)
	}
	ctx := codestream.WithSource(f.ctx, f.carry)
	if !follows && f.plan.layout.long > 0 {
		// An error is the selection's too.
		parts, _ := f.plan.file.Index().TileParts(ctx, w.tile)
		bodies := make([]codestream.Span, len(parts))
		for i := range parts {
			bodies[i] = parts[i].Body
		}
		f.carry.want(bodies)
	}
	return f.plan.file.Index().Select(ctx, win)
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
		total += b.size
	}
	return batches, total
}

func (f *fetcher) newBatch(spans []codestream.Span, users int) *batch {
	b := &batch{needed: codestream.MergeSpans(spans, 0), fetched: make(chan struct{}), buffers: &f.buffers}
	for _, s := range coalesce(slices.Clone(b.needed), f.plan.dec.gap()) {
		b.size += s.Len
	}
	b.users.Store(int32(users))
	return b
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
	release, err := f.ahead.Acquire(f.ctx, min(b.size, f.plan.layout.ahead))
	if err != nil {
		return err
	}
	b.release = release
	if b.users.Load() == 0 {
		release()
	}
	missing := subtract(b.needed, f.carry.has(b.needed))
	var reads []func() error
	direct, carried := []codestream.Span(nil), b.needed
	if long := f.carry.reach(); long > 0 {
		// What lies between will be needed too.
		missing = codestream.MergeSpans(missing, long)
	} else {
		direct, missing = coalesce(missing, f.plan.dec.gap()), nil
		carried = subtract(b.needed, direct)
	}
	b.room(direct, carried)
	for _, e := range b.entries[:len(direct)] {
		for off := int64(0); off < e.span.Len; off += longestRead {
			part := e.data[off:min(off+longestRead, e.span.Len)]
			reads = append(reads, func() error { return f.read(f.ctx, part, e.span.Off+off) })
		}
	}
	pinned, fresh := f.carry.pin(codestream.MergeSpans(append(missing, carried...), 0))
	for _, k := range fresh {
		reads = append(reads, func() error {
			f.carry.load(f.ctx, k)
			return readFailed(k.span, k.err)
		})
	}
	return f.together(reads, func() error {
		if err := f.fill(b, len(direct), pinned); err != nil {
			return err
		}
		close(b.fetched)
		return nil
	})
}

// together makes reads at the same time, as many as there may be, and then does what
// waits for them. It returns when all have begun; the run ends with their errors.
func (f *fetcher) together(reads []func() error, then func() error) error {
	var pending sync.WaitGroup
	for _, read := range reads {
		select {
		case f.slots <- struct{}{}:
		case <-f.ctx.Done():
			pending.Wait()
			return context.Cause(f.ctx)
		}
		pending.Add(1)
		f.reads.Go(func() {
			defer pending.Done()
			defer func() { <-f.slots }()
			if err := read(); err != nil {
				f.fail(err)
			}
		})
	}
	f.reads.Go(func() {
		pending.Wait()
		if err := then(); err != nil {
			f.fail(err)
		}
	})
	return nil
}

// room makes room for what a batch is to hold, in the order given.
func (b *batch) room(lists ...[]codestream.Span) {
	var n int64
	for _, spans := range lists {
		for _, s := range spans {
			n += s.Len
		}
	}
	b.memory = b.buffers.take(n)
	rest := b.memory
	for _, spans := range lists {
		for _, s := range spans {
			b.entries = append(b.entries, entry{s, rest[:s.Len:s.Len]})
			rest = rest[s.Len:]
		}
	}
}

// fill copies what is carried into a batch, whose first entries are there.
func (f *fetcher) fill(b *batch, first int, pinned []*carried) error {
	for _, k := range pinned {
		select {
		case <-k.ready:
		case <-f.ctx.Done():
			return context.Cause(f.ctx)
		}
	}
	for _, e := range b.entries[first:] {
		if err := f.carry.take(e.data, e.span, pinned); err != nil {
			return readFailed(e.span, err)
		}
	}
	slices.SortFunc(b.entries, func(a, b entry) int { return cmp.Compare(a.span.Off, b.span.Off) })
	return nil
}
