// This file implements pieces: what one tile has of one slab, from the first of
// its code-blocks to its pixels.

package tile

import (
	"image"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/synthesis"
)

// A piece is a stream's part of a slab. Its blocks are decoded in any order, its
// components are synthesised once their blocks are there and those of the piece
// before are done, and it is painted when all of that is.
type piece struct {
	run    *run
	stream *stream
	slab   *slab
	area   image.Rectangle // reduced pixels
	last   bool            // nothing of its stream follows

	selection *codestream.Selection // that it is made of; nil where that failed

	wanted image.Rectangle // reference grid: what its pixels are made of
	parts  []*piecePart    // by the stream's components; nil for a walk
	paint  stage           // waits for the parts and for the piece before

	blocks int // claimed for it
	bytes  int64
	spent  atomic.Int64 // time at its blocks and components, in nanoseconds
}

// A piecePart is one component of a piece.
type piecePart struct {
	piece     *piece
	component *streamComponent
	rows      image.Rectangle // stream's grid: the samples that are made for it
	samples   synthesis.Samples
	claims    []claim
	tasks     []*blockTask
	ready     stage // waits for the blocks and for the part before
}

// A stage is a piece of work that waits for others: for so many signals, and for
// the same step of the piece before.
type stage struct {
	pending atomic.Int32
	do      func()

	mu   sync.Mutex
	done bool
	next *stage
}

// expect adds n signals to those that the step waits for.
func (s *stage) expect(n int) { s.pending.Add(int32(n)) }

// signal is one of the signals that the step waits for.
func (s *stage) signal() {
	if s.pending.Add(-1) == 0 {
		s.do()
	}
}

// follow makes the step wait for another.
func (s *stage) follow(before *stage) {
	before.mu.Lock()
	defer before.mu.Unlock()
	if !before.done {
		s.expect(1)
		before.next = s
	}
}

// finish tells the step that follows.
func (s *stage) finish() {
	s.mu.Lock()
	s.done = true
	next := s.next
	s.mu.Unlock()
	if next != nil {
		next.signal()
	}
}

// since adds the time since then to what the piece took.
func (p *piece) since(then time.Time) { p.spent.Add(int64(time.Since(then))) }

// synthesize makes the part's samples.
func (p *piecePart) synthesize(*worker) error {
	began := time.Now()
	c := p.component
	if n := p.rows.Dy(); n > 0 && c.synth != nil {
		p.samples = c.samples(n)
		if err := c.synth.Read(p.samples, n, c); err != nil {
			return err
		}
	}
	p.piece.since(began)
	p.ready.finish()
	p.piece.paint.signal()
	return nil
}

// finish makes the piece's pixels.
func (p *piece) finish(w *worker) error {
	began := time.Now()
	st, r := p.stream, p.run
	dst := w.sink.prepare(p)
	missing := st.err != nil // reported when it was found
	switch {
	case missing:
	case st.walk != nil:
		var err error
		if missing, err = r.walkOn(p, dst); err != nil {
			return err
		}
	default:
		p.pack(w, dst)
	}
	if missing {
		for i := range dst.Planes {
			dst.Planes[i].clear()
		}
	}
	w.sink.finish(p)
	p.paint.finish()
	p.since(began)
	if h := r.plan.dec.Hooks; h != nil && h.Decoded != nil {
		h.Decoded(JobInfo{Tile: st.tile, Area: p.wanted, Blocks: p.blocks, Bytes: p.bytes,
			Took: time.Duration(p.spent.Load()), Err: st.err})
	}
	if p.slab.pending.Add(-1) == 0 {
		close(p.slab.ready)
	}
	return nil
}
