package iiif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// This file implements what lets identical requests share one run: the run
// writes into a flight, and everyone reads from it. A run that nobody reads from
// any more is stopped.

// errAbandoned is the cause of a run that is stopped because everyone has left.
var errAbandoned = errors.New("iiif: everyone who asked has left")

// flights are the runs under way, by what they make.
type flights struct {
	mu    sync.Mutex
	byKey map[Key]*flight
	held  atomic.Int64 // bytes, of all flights that anyone can read
}

// heldAtMost bounds what all flights together hold, in bytes, but for one piece
// each: slow readers of many results must not fill the memory.
const heldAtMost = 32 << 20

// A flight is a run under way and what it has written so far. As long as that is
// no more than keep bytes, all of it is there for latecomers, and afterwards
// the cache can have it. Beyond, or when all flights together hold too much, what
// everyone has read is dropped, and the run waits for its slowest reader.
type flight struct {
	owner  *flights
	key    Key
	keep   int
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	pieces  [][]byte      // what was written; those dropped are nil
	first   int           // the first that is not dropped
	held    int           // bytes of those
	written int           // bytes in all
	readers map[*flightReader]struct{}
	closed  bool // to latecomers
	done    bool
	err     error // of the run, when done
}

// A flightReader reads a flight from its beginning. It belongs to one goroutine.
type flightReader struct {
	flight *flight
	next   int // the piece to read next
}

// join returns a reader of the flight of that key. When there is none, it starts
// one: run writes what it makes to w, and returns when ctx ends. Values of ctx,
// but not its end, are those of the request that came first.
//
// When run has succeeded and all of it is still there, finished gets it, if it is
// not nil; both run on a goroutine of their own. started reports whether run is
// that of this call.
func (f *flights) join(ctx context.Context, key Key, keep int,
	run func(ctx context.Context, w io.Writer) error, finished func(ctx context.Context, data []byte)) (r *flightReader, started bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.byKey[key]; fl != nil {
		if r := fl.reader(); r != nil {
			return r, false
		}
	}
	if f.byKey == nil {
		f.byKey = make(map[Key]*flight)
	}
	own := context.WithoutCancel(ctx)
	running, cancel := context.WithCancelCause(own)
	fl := &flight{owner: f, key: key, keep: keep, cancel: cancel,
		changed: make(chan struct{}), readers: make(map[*flightReader]struct{})}
	f.byKey[key] = fl
	r = fl.reader()
	go func() {
		defer cancel(nil)
		err := caught(func() error { return run(running, flightWriter{running, fl}) })
		if data := fl.finish(err); data != nil && finished != nil {
			// It has been made, whatever becomes of it.
			_ = caught(func() error { finished(own, data); return nil })
		}
		// Only now: until the cache has it, latecomers still find it here.
		f.remove(fl)
	}()
	return r, true
}

// caught runs f and makes an error of a panic. What runs on a goroutine of its
// own would otherwise take the server down with it, and everyone's requests,
// where net/http ends no more than the one.
func caught(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("iiif: panic: %v (bug)\n%s", v, debug.Stack())
		}
	}()
	return f()
}

// remove makes fl unknown to those who come.
func (f *flights) remove(fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byKey[fl.key] == fl {
		delete(f.byKey, fl.key)
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	fl.closed = true
	fl.trim()
}

// reader adds a reader, or returns nil when the beginning is gone, or nobody was
// left, or the run has failed.
func (fl *flight) reader() *flightReader {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.first > 0 || fl.err != nil {
		return nil
	}
	r := &flightReader{flight: fl}
	fl.readers[r] = struct{}{}
	return r
}

// signal wakes all who wait for a change. fl.mu is held.
func (fl *flight) signal() {
	close(fl.changed)
	fl.changed = make(chan struct{})
}

// trim drops what everyone has read. fl.mu is held.
func (fl *flight) trim() {
	slowest := len(fl.pieces)
	for r := range fl.readers {
		slowest = min(slowest, r.next)
	}
	for ; fl.first < slowest; fl.first++ {
		fl.hold(-len(fl.pieces[fl.first]))
		fl.pieces[fl.first] = nil
	}
}

// hold counts n more bytes as held, or less. fl.mu is held.
func (fl *flight) hold(n int) {
	fl.held += n
	fl.owner.held.Add(int64(n))
}

// full reports whether n more bytes are too much. fl.mu is held.
func (fl *flight) full(n int) bool {
	return fl.held+n > fl.keep || fl.held > 0 && fl.owner.held.Load()+int64(n) > heldAtMost
}

// A flightWriter is what a run writes to.
type flightWriter struct {
	ctx context.Context
	*flight
}

// Write adds a copy of p for everyone to read. It waits while too much is
// unread, and fails when the run is to end.
func (w flightWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	piece := append([]byte(nil), p...)
	fl := w.flight
	fl.mu.Lock()
	for fl.full(len(p)) {
		if fl.trim(); fl.held == 0 || !fl.full(len(p)) {
			break
		}
		changed := fl.changed
		fl.mu.Unlock()
		select {
		case <-changed:
		case <-w.ctx.Done():
			return 0, context.Cause(w.ctx)
		}
		fl.mu.Lock()
	}
	defer fl.mu.Unlock()
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	fl.pieces = append(fl.pieces, piece)
	fl.hold(len(piece))
	fl.written += len(piece)
	fl.signal()
	return len(p), nil
}

// finish ends the flight with the error of its run. Without one it returns all
// that was written, if it is all still there.
func (fl *flight) finish(err error) []byte {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	fl.done, fl.err = true, err
	fl.signal()
	if err != nil || fl.first > 0 {
		return nil
	}
	data := make([]byte, 0, fl.held)
	for _, p := range fl.pieces {
		data = append(data, p...)
	}
	return data
}

// Next returns the bytes that follow; they must not be changed. At the end the
// error is io.EOF, and when the run failed, the run's. When ctx ends first, it
// is its cause.
func (r *flightReader) Next(ctx context.Context) ([]byte, error) {
	fl := r.flight
	fl.mu.Lock()
	for {
		if r.next < len(fl.pieces) {
			piece := fl.pieces[r.next]
			r.next++
			if fl.closed {
				fl.trim()
			}
			if !fl.done {
				fl.signal() // the run may be waiting for this
			}
			fl.mu.Unlock()
			return piece, nil
		}
		if fl.done {
			err := fl.err
			fl.mu.Unlock()
			if err == nil {
				err = io.EOF
			}
			return nil, err
		}
		changed := fl.changed
		fl.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		fl.mu.Lock()
	}
}

// Size is how many bytes there are in all; ok is false while that is not known.
func (r *flightReader) Size() (n int, ok bool) {
	fl := r.flight
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.written, fl.done && fl.err == nil
}

// Close ends the reading. When it was the last reader of a run under way, the
// run is stopped, and whoever comes now starts another.
func (r *flightReader) Close() {
	fl := r.flight
	// The flights' lock keeps newcomers out until it is clear whether this was
	// the last reader.
	fl.owner.mu.Lock()
	defer fl.owner.mu.Unlock()
	fl.mu.Lock()
	defer fl.mu.Unlock()
	delete(fl.readers, r)
	fl.signal()
	if len(fl.readers) == 0 && !fl.done {
		fl.cancel(errAbandoned)
		if fl.owner.byKey[fl.key] == fl {
			delete(fl.owner.byKey, fl.key)
		}
		fl.closed = true
	}
	if fl.closed {
		fl.trim()
	}
}
