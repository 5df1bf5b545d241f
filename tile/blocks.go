// This file implements the decoding of code-blocks into the rows of coefficients
// that the synthesis takes.

package tile

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/ht"
	"github.com/stria-j2k/stria/internal/synthesis"
	"github.com/stria-j2k/stria/internal/tier1"
)

// A worker is what one of a run's workers has of its own.
type worker struct {
	sink     sink
	part1    tier1.Decoder
	part15   ht.Decoder
	block    codeblock.Block
	segments []codeblock.Segment
	bytes    []byte
	coef     []int32
	planes   []Plane // of a piece, on the stream's grid
}

// taskSamples is how many coefficients one task decodes, where the blocks are
// smaller than that.
const taskSamples = 4096

// A blockTask is code-blocks that one worker decodes.
type blockTask struct {
	claim
	bytes  int64         // that have to be read
	cached []*cacheEntry // of each block; nil for those that are not, or where none is
	fetch  *batch        // has their bytes
}

// recall takes the task's blocks that are there out of the cache.
func (t *blockTask) recall(r *run) {
	if r.cache == nil {
		return
	}
	t.cached = make([]*cacheEntry, len(t.blocks))
	for i, n := range t.blocks {
		if e := r.cache.get(r.key(t.selection, int(n))); e != nil {
			t.cached[i] = e
			t.bytes -= t.selection.BlockBytes(int(n))
			r.stats.cached.Add(1)
		}
	}
}

// key is the name that a block has in the cache.
func (r *run) key(s *codestream.Selection, block int) blockKey {
	b := s.Block(block)
	return blockKey{image: r.image, block: b.ID, passes: b.Passes, strict: r.plan.dec.Strict}
}

// blockBytes bounds the bytes of a block: 4096 coefficients of 31 bits and a sign, and
// as much again for what coding may add to noise.
const blockBytes = 32 << 10

// refuse leaves out blocks with more bytes than their coefficients could need, which
// corrupt packet headers claim. They are damage.
func (c *claim) refuse(r *run) error {
	large := func(i uint32) bool { return c.selection.BlockBytes(int(i)) > blockBytes }
	if !slices.ContainsFunc(c.blocks, large) {
		return nil
	}
	var kept []uint32
	for _, i := range c.blocks {
		if !large(i) {
			kept = append(kept, i)
			continue
		}
		err := fmt.Errorf("%d bytes, more than its coefficients can need: %w", c.selection.BlockBytes(int(i)), codeblock.ErrCorrupt)
		if err := r.judge(c.part.piece.stream.tile, blockError(c.selection.Block(int(i)), err)); err != nil {
			return err
		}
	}
	c.blocks = kept
	return nil
}

// tasks cuts a claim into tasks.
func (c claim) tasks() []*blockTask {
	var tasks []*blockTask
	n := max(1, taskSamples/(c.band.block.X*c.band.block.Y))
	for rest := c.blocks; len(rest) > 0; {
		t := &blockTask{claim: c}
		n := min(n, len(rest))
		t.blocks, rest = rest[:n], rest[n:]
		for _, i := range t.blocks {
			t.bytes += c.selection.BlockBytes(int(i))
		}
		tasks = append(tasks, t)
	}
	return tasks
}

// decode decodes the task's blocks.
func (t *blockTask) decode(w *worker) error {
	began := time.Now()
	r := t.part.piece.run
	for i, n := range t.blocks {
		// Cancelling must not wait for a task of many blocks.
		if r.ctx.Err() != nil {
			return nil // the run has its error
		}
		var e *cacheEntry
		if t.cached != nil {
			e = t.cached[i]
		}
		var err error
		b := t.selection.Block(int(n))
		if e != nil {
			if err = e.err; err == nil {
				w.coef = e.coefs.into(w.coef)
			}
		} else {
			err = t.decodeBlock(w, b)
			r.stats.blocks.Add(1)
			if r.keeps && (err == nil || errors.Is(err, codestream.ErrFormat)) {
				r.keep(int(n), t, w.coef, err)
			}
		}
		if err == nil {
			t.put(w.coef, b.Bounds)
		} else if err = r.judge(t.part.piece.stream.tile, err); err != nil {
			return err
		}
	}
	t.fetch.done(1)
	t.part.piece.since(began)
	t.part.ready.signal()
	return nil
}

// keep puts a block into the cache. A damaged one is kept as that.
func (r *run) keep(block int, t *blockTask, coef []int32, err error) {
	e := &cacheEntry{key: r.key(t.selection, block), budget: r.plan.dec.budget(), err: err}
	if err == nil {
		e.coefs = newCoefficients(coef, t.band.narrow)
	}
	r.cache.put(e)
}

// decodeBlock decodes one block into w.coef.
func (t *blockTask) decodeBlock(w *worker, b codestream.Block) error {
	k := &w.block
	*k = codeblock.Block{Width: b.Bounds.Dx(), Height: b.Bounds.Dy(), Orient: t.band.band,
		Planes: t.band.planes, ZeroPlanes: b.ZeroPlanes, Style: t.style(),
		Strict: t.part.piece.run.plan.dec.Strict && t.selection.Complete()}
	w.segments = w.segments[:0]
	for _, s := range b.Codewords {
		w.segments = append(w.segments, codeblock.Segment{Passes: int(s.Passes), Length: int(s.Length)})
	}
	k.Segments = w.segments
	var err error
	if k.Data, err = t.fetch.bytes(&w.bytes, b.Spans); err != nil {
		return err
	}
	w.coef = resize(w.coef, k.Width*k.Height)
	if b.HT {
		err = w.part15.Decode(w.coef, k)
	} else {
		err = w.part1.Decode(w.coef, k)
	}
	if err != nil {
		return blockError(b, err)
	}
	if shift := t.part.component.coding.ROIShift; shift > 0 {
		unshift(w.coef, shift, codeblock.Fraction(k.Planes))
	}
	return nil
}

// blockError says which block an error is about.
func blockError(b codestream.Block, err error) error {
	id := b.ID
	err = fmt.Errorf("code-block %d,%d of band %d, resolution %d, component %d of tile %d: %w",
		id.X, id.Y, id.Band, id.Resolution, id.Component, id.Tile, err)
	if errors.Is(err, codeblock.ErrCorrupt) {
		return &codestream.FormatError{Offset: b.Spans[0].Off, Where: "code-blocks", Err: err}
	}
	return fmt.Errorf("tile: %w", err)
}

// style is the block style without what says whether blocks are High-Throughput.
func (t *blockTask) style() codeblock.Style {
	return codeblock.Style(t.part.component.coding.Style & 63)
}

// unshift takes the coefficients of a region of interest, which are larger than
// any other, down again (H.1).
func unshift(coef []int32, shift, fraction int) {
	least := int64(1) << (shift + fraction)
	for i, v := range coef {
		if int64(v) >= least {
			coef[i] = v >> shift
		} else if -int64(v) >= least {
			coef[i] = -(-v >> shift)
		}
	}
}

// put puts the coefficients of a block with these bounds, on the codestream's
// grid, into the row.
func (t *blockTask) put(coef []int32, bounds image.Rectangle) {
	v := t.part.piece.stream.visit
	whole := v.turn(bounds, t.band.offset)
	for i := range t.row.lines {
		l := &t.row.lines[i]
		if part := whole.Intersect(l.bounds); !part.Empty() {
			t.putLines(l, part, coef, bounds)
		}
	}
}

// putLines puts the part of a block that lies in some lines.
func (t *blockTask) putLines(l *lines, part image.Rectangle, coef []int32, bounds image.Rectangle) {
	v := t.part.piece.stream.visit
	wide := bounds.Dx()
	// The block's columns lie along the row, or its rows do.
	first, step := part.Min.X-bounds.Min.X, 1
	if v.sideways {
		first, step = (part.Min.X-bounds.Min.Y)*wide, wide
	}
	stride := l.bounds.Dx()
	at := (part.Min.Y-l.bounds.Min.Y)*stride + part.Min.X - l.bounds.Min.X
	if v.upright() && t.band.narrow {
		from := (part.Min.Y-bounds.Min.Y)*wide + part.Min.X - bounds.Min.X
		synthesis.Store(l.i16[at:], stride, coef[from:], wide, part.Dx(), part.Dy())
		return
	}
	for y := part.Min.Y; y < part.Max.Y; y++ {
		along := v.source(y, t.band.offset)
		from := first
		if v.sideways {
			from += along - bounds.Min.X
		} else {
			from += (along - bounds.Min.Y) * wide
		}
		if t.band.narrow {
			store(l.i16[at:at+part.Dx()], coef[from:], step)
		} else {
			store(l.i32[at:at+part.Dx()], coef[from:], step)
		}
		at += stride
	}
}

// store puts every step-th coefficient into a row.
func store[T int16 | int32](dst []T, coef []int32, step int) {
	if step == 1 {
		coef = coef[:len(dst)]
		for i, v := range coef {
			dst[i] = T(v)
		}
		return
	}
	for i := range dst {
		dst[i] = T(coef[i*step])
	}
}
