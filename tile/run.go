// This file implements a run: the stages that work at the same time between
// the source and whoever takes the slabs.
//
//	fetch    reads the code-blocks of the walks, in order, ahead of the decoder
//	feed     hands the pieces of each slab to the workers, a few slabs ahead
//	workers  decode a piece and convert it into its place in the slab
//	next     waits for the slabs, in order
//
// Every stage is bounded: fetched bytes by the layout's ahead, slabs by their
// number. So a slow consumer stops the workers, and they the reads.

package tile

import (
	"context"
	"errors"
	"image"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stria-j2k/stria/codestream"
)

// slabsAhead is how many slabs exist at one time: one with the consumer, the
// others being decoded.
const slabsAhead = 3

// A run is one execution of a plan. It is used by one consumer and must be
// closed.
type run struct {
	plan   *Plan
	ctx    context.Context
	cancel context.CancelCauseFunc
	source io.ReaderAt
	target target

	pieces chan piece
	slabs  chan *slab
	free   chan *slab // returned by the consumer

	ahead   *Budget       // bytes fetched and not yet with the engine
	walking chan struct{} // one element for each walk that may have an engine
	stages  sync.WaitGroup
	release func()
	began   time.Time
	stats   stats

	mu   sync.Mutex
	open map[*walk]struct{} // walks with an engine at work
}

type stats struct {
	reads, bytes, blocks atomic.Int64
	first                time.Duration
}

// A slab is a band of the source on its way down the pipeline. Its buffers are
// used again by later slabs.
type slab struct {
	area    image.Rectangle // reduced pixels
	pending atomic.Int32    // pieces not done
	ready   chan struct{}   // closed when there are none
	pix     []byte          // pixels, turned, when the run makes pixels
	stride  int
	planes  Planes // when the run makes planes
}

// A walk is a window on its way: first fetched, then decoded piece by piece.
type walk struct {
	window
	selection *codestream.Selection
	headers   <-chan struct{} // closed when its tile's were read; nil: nobody does
	record    *record         // until it is fetched
	fetched   chan struct{}   // closed when data or err is there
	data      *buffer
	err       error // of fetching or decoding; the rest of the window is missing
	engine    Walk
	release   func() // gives data back
	counted   bool   // has a place in run.walking
}

// A piece is a walk's part of a slab: what one engine call decodes.
type piece struct {
	walk  *walk
	slab  *slab
	area  image.Rectangle // reduced pixels
	after <-chan struct{} // closed when the walk's piece before is done
	done  chan struct{}
	last  bool // nothing of its walk follows
}

// A target is what a run makes of the samples.
type target interface {
	// begin makes a slab's buffers ready for its area.
	begin(s *slab)
	// sink returns a new sink for one worker.
	sink() sink
}

// A sink takes the samples of the pieces. Each worker has its own.
type sink interface {
	// prepare returns where the engine puts the samples of a piece, and the
	// area, on the reference grid, that it has to decode for that.
	prepare(p *piece) (area image.Rectangle, dst *Planes)
	// finish puts the samples into the slab.
	finish(p *piece)
}

// start reserves the plan's memory and extra bytes for the consumer, and sets
// the stages to work.
func (p *Plan) start(ctx context.Context, extra int64, newTarget func(*run) target) (*run, error) {
	began := time.Now()
	limit := p.dec.budget().limit()
	if extra > limit-p.memory {
		// The layout was chosen as if all of the budget were there.
		q := *p
		if err := q.cut(limit - extra); err != nil {
			return nil, &BudgetError{Need: q.memory + extra, Limit: limit}
		}
		p = &q
	}
	release, err := p.Reserve(ctx, p.memory+extra)
	if err != nil {
		return nil, err
	}
	r := &run{
		plan:    p,
		source:  p.file.Source(),
		release: release,
		began:   began,
		pieces:  make(chan piece),
		slabs:   make(chan *slab, slabsAhead),
		free:    make(chan *slab, slabsAhead),
		ahead:   &Budget{Bytes: p.layout.ahead},
		walking: make(chan struct{}, p.layout.walks),
		open:    make(map[*walk]struct{}),
	}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	r.target = newTarget(r)
	for range slabsAhead {
		r.free <- new(slab)
	}
	chunks := make(chan fetchedChunk, chunksAhead)
	r.stages.Go(func() { r.fetch(chunks) })
	r.stages.Go(func() { r.feed(chunks) })
	for range p.layout.workers {
		r.stages.Go(r.work)
	}
	return r, nil
}

// chunksAhead is how many chunks may be fetched before the first is decoded.
// The bytes are the bound that matters; this one is on the bookkeeping.
const chunksAhead = 4

// close stops the stages, waits for them and frees everything. err is what the
// consumer ends with.
func (r *run) close(err error) {
	r.cancel(errors.New("tile: run closed"))
	r.stages.Wait()
	for w := range r.open {
		w.engine.Close()
	}
	r.release()
	if h := r.plan.dec.Hooks; h != nil && h.Finished != nil {
		h.Finished(FinishInfo{First: r.stats.first, Took: time.Since(r.began),
			Reads: int(r.stats.reads.Load()), Bytes: r.stats.bytes.Load(),
			Blocks: int(r.stats.blocks.Load()), Err: err})
	}
}

// fail ends the run with err.
func (r *run) fail(err error) { r.cancel(err) }

// next returns the next slab, nil after the last. The slab must be recycled.
// Once the run has failed or was cancelled it gives no more of them, not even
// those that are ready.
func (r *run) next() (*slab, error) {
	var s *slab
	select {
	case s = <-r.slabs:
	case <-r.ctx.Done():
	}
	if s != nil {
		select {
		case <-s.ready:
		case <-r.ctx.Done():
		}
	}
	if err := context.Cause(r.ctx); err != nil {
		return nil, err
	}
	if r.stats.first == 0 {
		r.stats.first = time.Since(r.began)
	}
	return s, nil
}

func (r *run) recycle(s *slab) { r.free <- s }

// feed hands out the pieces, slab by slab.
func (r *run) feed(chunks <-chan fetchedChunk) {
	defer close(r.pieces)
	defer close(r.slabs)
	for c := range chunks {
		walks := c.walks
		before := make([]chan struct{}, len(walks))
		for i, area := range c.slabs {
			var s *slab
			select {
			case s = <-r.free:
			case <-r.ctx.Done():
				return
			}
			s.area, s.ready = area, make(chan struct{})
			s.pending.Store(int32(len(walks)))
			r.target.begin(s)
			r.slabs <- s // has room for every slab there is
			for j, w := range walks {
				pc := piece{walk: w, slab: s, area: w.area.Intersect(area),
					after: before[j], done: make(chan struct{}), last: i == len(c.slabs)-1}
				if i == 0 {
					pc.after = w.fetched
					if !r.begin(w) {
						return
					}
				}
				before[j] = pc.done
				select {
				case r.pieces <- pc:
				case <-r.ctx.Done():
					return
				}
			}
		}
	}
}

// begin waits for a place for a walk, false if the run ends first. Places are
// given in the order of the pieces: those that are taken are with walks that have
// all their pieces out, of the chunks before, or with ones of the same chunk, for
// which there are enough if they have several pieces. If workers took them, those
// of a later chunk could have all of them, and then wait for slabs that an earlier
// walk without a place has to finish.
func (r *run) begin(w *walk) bool {
	select {
	case r.walking <- struct{}{}:
		w.counted = true
		return true
	case <-r.ctx.Done():
		return false
	}
}

// work decodes pieces until there are no more.
func (r *run) work() {
	// C allocators keep freed memory by thread: it is used again by the next
	// window only on the same one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out := r.target.sink()
	for pc := range r.pieces {
		select {
		case <-pc.after:
		case <-r.ctx.Done():
			return
		}
		if err := r.decode(&pc, out); err != nil {
			r.fail(err)
			return
		}
		close(pc.done)
		if pc.slab.pending.Add(-1) == 0 {
			close(pc.slab.ready)
		}
	}
}

// decode decodes one piece into its slab. Damage is reported and left grey
// unless the decoder is strict.
func (r *run) decode(pc *piece, out sink) error {
	done, err := r.plan.dec.budget().work(r.ctx)
	if err != nil {
		return err
	}
	defer done()
	area, dst := out.prepare(pc)
	w := pc.walk
	if w.err == nil {
		w.err = r.decodeArea(w, area, dst, pc.last)
		if err := r.judge(w.tile, w.err); err != nil {
			return err
		}
	}
	if w.err != nil {
		for i := range dst.Planes {
			dst.Planes[i].clear()
		}
	}
	if pc.last || w.err != nil {
		r.end(w)
	}
	out.finish(pc)
	return nil
}

// judge returns err if it ends the run: all errors do, except the image's own
// faults when the decoder is not strict. Those are reported.
func (r *run) judge(tile int, err error) error {
	return r.plan.Damaged(tile, err)
}

// decodeArea decodes an area of a walk, which it begins if this is the first. last
// says that there is none after it.
func (r *run) decodeArea(w *walk, area image.Rectangle, dst *Planes, last bool) (err error) {
	began := time.Now()
	first := w.engine == nil
	if first {
		// Processors that nobody else wants speed up walks that would leave them
		// idle. Such walks are of one piece, so that they are soon given back.
		spare, done := r.plan.dec.budget().spare(r.plan.layout.threads - 1)
		defer done()
		w.engine, err = r.plan.dec.engine().Begin(r.ctx, &Job{
			Selection: w.selection, Data: w.data, Threads: 1 + spare, Once: last,
			Damaged: func(err error) error { return r.judge(w.tile, err) }})
		w.data = nil
		w.release()
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.open[w] = struct{}{}
		r.mu.Unlock()
		r.stats.blocks.Add(int64(w.selection.NumBlocks()))
	}
	err = w.engine.Decode(r.ctx, area, dst)
	if h := r.plan.dec.Hooks; h != nil && h.Decoded != nil {
		info := JobInfo{Tile: w.tile, Area: area, Took: time.Since(began), Err: err}
		if first {
			info.Blocks, info.Bytes = w.selection.NumBlocks(), w.selection.Bytes()
		}
		h.Decoded(info)
	}
	return err
}

// end frees the walk's engine, if it has one.
func (r *run) end(w *walk) {
	r.mu.Lock()
	_, ok := r.open[w]
	delete(r.open, w)
	r.mu.Unlock()
	if ok {
		w.engine.Close()
	}
	if w.counted {
		w.counted = false
		<-r.walking
	}
}
