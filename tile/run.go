// This file implements a run: the stages that work at the same time between
// the source and whoever takes the slabs.
//
//	fetch    selects the code-blocks of the slabs, in order, and reads them
//	feed     hands slabs and blocks to the workers, a few slabs ahead
//	workers  decode blocks, synthesise their samples, paint pieces of slabs
//	next     waits for the slabs, in order
//
// Every stage is bounded: fetched bytes by the layout's ahead, slabs by their
// number. So a slow consumer stops the workers, and they the reads.

package tile

import (
	"context"
	"errors"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stria-j2k/stria/codestream"
)

// A run is one execution of a plan. It is used by one consumer and must be
// closed.
type run struct {
	plan   *Plan
	ctx    context.Context
	cancel context.CancelCauseFunc
	source *codestream.Source
	target target

	pool  *pool
	slabs chan *slab
	free  chan *slab // returned by the consumer

	cache *Cache // of the decoder; nil: none
	keeps bool   // blocks are put into it
	image any    // names the image in it

	ahead   *Budget // bytes fetched and not yet decoded
	buffers buffers // for these
	walking chan struct{}
	stages  sync.WaitGroup
	release func()
	began   time.Time
	stats   stats

	mu    sync.Mutex
	walks map[*stream]struct{} // those with an engine at work
}

type stats struct {
	reads, bytes, blocks, cached atomic.Int64
	first                        time.Duration
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

// A target is what a run makes of the samples.
type target interface {
	// begin makes a slab's buffers ready for its area.
	begin(s *slab)
	// wanted is the area, on the reference grid, whose samples the pixels of a
	// piece of a slab are made of; both are in reduced pixels.
	wanted(tile int, piece, slab image.Rectangle) image.Rectangle
	// sink returns a new sink for one worker.
	sink() sink
}

// A sink takes the samples of the pieces. Each worker has its own.
type sink interface {
	// prepare returns where the samples of a piece are put.
	prepare(p *piece) *Planes
	// finish puts them into the slab.
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
		pool:    newPool(),
		slabs:   make(chan *slab, p.layout.slabs),
		free:    make(chan *slab, p.layout.slabs),
		ahead:   &Budget{Bytes: p.layout.ahead},
		walking: make(chan struct{}, p.layout.walks),
		walks:   make(map[*stream]struct{}),
		cache:   p.dec.Cache,
		image:   imageOf(p.file),
	}
	r.keeps = r.cache != nil && p.coefficientBytes() <= r.cache.limit()/2
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	r.target = newTarget(r)
	for range p.layout.slabs {
		r.free <- new(slab)
	}
	jobs := make(chan job, jobsAhead)
	r.stages.Go(func() { r.fetch(jobs) })
	r.stages.Go(func() { r.feed(jobs) })
	for range p.layout.workers {
		r.stages.Go(r.work)
	}
	r.stages.Go(func() {
		<-r.ctx.Done()
		r.pool.close()
	})
	return r, nil
}

// jobsAhead is how many jobs may wait to be fed. Their bytes are the bound that
// matters; this one is on the bookkeeping.
const jobsAhead = 16

// close stops the stages, waits for them and frees everything. err is what the
// consumer ends with.
func (r *run) close(err error) {
	r.cancel(errors.New("tile: run closed"))
	r.stages.Wait()
	for st := range r.walks {
		st.walk.engine.Close()
	}
	r.release()
	if h := r.plan.dec.Hooks; h != nil && h.Finished != nil {
		h.Finished(FinishInfo{First: r.stats.first, Took: time.Since(r.began),
			Reads: int(r.stats.reads.Load()), Bytes: r.stats.bytes.Load(),
			Blocks: int(r.stats.blocks.Load()), Cached: int(r.stats.cached.Load()), Err: err,
			Warnings: r.plan.Warnings()})
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

// A job is something to be fed to the workers: a slab, or code-blocks of the
// slab before, or the bytes of a walk of the slab before.
type job struct {
	slab  *slabJob
	tasks []*blockTask
	walk  *stream
	fetch *batch // has the bytes of tasks or walk
}

// A slabJob is a slab that is not begun.
type slabJob struct {
	area   image.Rectangle // reduced pixels
	pieces []*piece
}

// feed hands out the jobs.
func (r *run) feed(jobs <-chan job) {
	defer close(r.slabs)
	for j := range jobs {
		if j.slab != nil {
			if !r.beginSlab(j.slab) {
				return
			}
			continue
		}
		select {
		case <-j.fetch.fetched:
		case <-r.ctx.Done():
			return
		}
		if j.walk != nil {
			j.walk.walk.data = j.fetch
			j.walk.walk.fetched.signal()
		}
		for _, t := range j.tasks {
			t.fetch = j.fetch
			r.pool.add(blockWork, t.decode)
		}
	}
}

// beginSlab begins a slab and registers its pieces; false if the run ends first.
func (r *run) beginSlab(j *slabJob) bool {
	var s *slab
	select {
	case s = <-r.free:
	case <-r.ctx.Done():
		return false
	}
	s.area, s.ready = j.area, make(chan struct{})
	s.pending.Store(int32(len(j.pieces)))
	r.target.begin(s)
	for _, pc := range j.pieces {
		pc.slab = s
		if !r.register(pc) {
			return false
		}
	}
	r.slabs <- s // has room for every slab there is
	return true
}

// register makes a piece wait for what it is made of.
func (r *run) register(pc *piece) bool {
	st := pc.stream
	pc.paint.do = func() { r.pool.add(paintWork, pc.finish) }
	pc.paint.expect(1 + len(pc.parts))
	if before := st.last; before != nil {
		pc.paint.follow(&before.paint)
	}
	for i, part := range pc.parts {
		part.ready.do = func() { r.pool.add(synthesisWork, part.synthesize) }
		part.ready.expect(1 + len(part.tasks))
		if before := st.last; before != nil {
			part.ready.follow(&before.parts[i].ready)
		}
		for _, c := range part.claims {
			c.band.hold(c.row, len(c.blocks) == 0)
		}
		part.ready.signal()
	}
	if w := st.walk; w != nil && st.last == nil {
		// A walk of several pieces keeps its engine between them. Places are given
		// in the order of the chunks, and there are enough for all of one.
		if !pc.last {
			select {
			case r.walking <- struct{}{}:
				w.counted = true
			case <-r.ctx.Done():
				return false
			}
		}
		w.fetched.do = pc.paint.signal
		pc.paint.expect(1)
		w.fetched.expect(1)
	}
	st.last = pc
	pc.paint.signal()
	return true
}

// work does what the pool has until the run ends.
func (r *run) work() {
	defer r.keepThread()()
	w := &worker{sink: r.target.sink()}
	if err := r.pool.work(r.ctx, r.plan.dec.budget(), w); err != nil {
		r.fail(err)
	}
}

// judge returns err if it ends the run: all errors do, except the image's own
// faults when the decoder is not strict. Those are reported.
func (r *run) judge(tile int, err error) error {
	return r.plan.Damaged(tile, err)
}
