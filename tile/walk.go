// This file implements streams that an engine of others decodes: see package
// internal/engine.

package tile

import (
	"context"
	"runtime"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/engine"
)

// An Engine is a choice of what decodes code-blocks. The zero value is [Native].
type Engine struct{ windows engine.Engine }

// Native is the engine of this module: Go, and where cgo is there C of its own.
func Native() Engine { return Engine{} }

// NewEngine makes an Engine of one that other packages of this module implement,
// such as tile/openjpeg.
func NewEngine(e engine.Engine) Engine { return Engine{e} }

// A walk is a stream's state where an engine decodes its window.
type walk struct {
	selection *codestream.Selection
	handed    bool // its bytes were asked for
	counted   bool // has a place in run.walking
	fetched   stage
	data      *batch // until the engine has begun
	engine    engine.Walk
	err       error // of decoding; the rest of the window is missing
}

// walkOn decodes a piece. missing says that the image is at fault and the samples
// are not there, which has been reported.
func (r *run) walkOn(pc *piece, dst *Planes) (missing bool, err error) {
	w := pc.stream.walk
	if w.err == nil {
		w.err = r.walkArea(pc, dst)
		if err := r.judge(pc.stream.tile, w.err); err != nil {
			return true, err
		}
	}
	if pc.last || w.err != nil {
		r.endWalk(pc.stream)
	}
	return w.err != nil, nil
}

// walkArea decodes the area of a piece with its stream's engine, which it begins if
// this is the first.
func (r *run) walkArea(pc *piece, dst *Planes) (err error) {
	w := pc.stream.walk
	if w.engine == nil {
		// Processors that nobody else wants speed up walks that would leave them
		// idle. Such walks are of one piece, so that they are soon given back.
		spare, done := r.plan.dec.budget().spare(r.plan.layout.threads - 1)
		defer done()
		w.engine, err = r.plan.dec.Engine.windows.Begin(r.ctx, &engine.Job{
			Selection: w.selection, Data: w.data, Threads: 1 + spare, Once: pc.last})
		w.data.done(1)
		w.data = nil
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.walks[pc.stream] = struct{}{}
		r.mu.Unlock()
		r.stats.blocks.Add(int64(w.selection.NumBlocks()))
	}
	if err := context.Cause(r.ctx); err != nil {
		return err
	}
	var planes []engine.Plane
	for _, c := range w.selection.Window().Components {
		planes = append(planes, engine.Plane(dst.Planes[c]))
	}
	return w.engine.Decode(r.ctx, pc.wanted, planes)
}

// endWalk frees a stream's engine, if it has one.
func (r *run) endWalk(st *stream) {
	w := st.walk
	r.mu.Lock()
	_, ok := r.walks[st]
	delete(r.walks, st)
	r.mu.Unlock()
	if ok {
		w.engine.Close()
	}
	if w.counted {
		w.counted = false
		<-r.walking
	}
}

// keepThread keeps a worker on its thread while the run has an engine in C, whose
// allocator keeps freed memory by thread: it is used again by the next window only
// on the same one.
func (r *run) keepThread() (release func()) {
	if r.plan.dec.Engine.windows == nil {
		return func() {}
	}
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}
