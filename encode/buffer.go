package encode

import (
	"context"
	"fmt"
	"io"
)

// bufferSize is the size of each of the two buffers: enough for a Write to be
// worth its cost, little enough for a server to have hundreds of them.
const bufferSize = 128 << 10

// bufferMemory is what a buffer holds, in bytes.
const bufferMemory = 2 * bufferSize

// A buffer is the double buffer between an encoder and the caller's Writer. The
// encoder fills one half while a goroutine writes the other, so a Writer that is
// slow makes the encoder wait and never makes anything pile up.
//
// One goroutine at a time uses its methods. finish or abort must be called.
type buffer struct {
	ctx  context.Context // of the one Encode that the buffer lives for
	fill []byte          // the half being filled; nil when both are with the goroutine
	free chan []byte     // halves to fill
	full chan piece      // halves to write

	stop  context.CancelCauseFunc // ends ctx
	ended chan struct{}           // closed when the goroutine has ended
	shut  bool                    // full is closed
	count int64                   // bytes taken by Write

	// Written by the goroutine; read after ended or after ctx has ended by stop.
	err      error
	panicked any
}

// A piece is what the goroutine is handed.
type piece struct {
	data  []byte // nil: nothing
	flush bool   // flush the Writer afterwards
}

// newBuffer starts a buffer before w. stop is called with the error when w
// fails; it must end ctx.
func newBuffer(ctx context.Context, stop context.CancelCauseFunc, w io.Writer) *buffer {
	b := &buffer{
		ctx:   ctx,
		free:  make(chan []byte, 2),
		full:  make(chan piece, 2), // so that a half always has room
		stop:  stop,
		ended: make(chan struct{}),
	}
	b.free <- nil // allocated when first filled
	b.free <- nil
	go b.drain(w)
	return b
}

// drain writes what comes until there is no more, or until w fails.
func (b *buffer) drain(w io.Writer) {
	defer close(b.ended)
	defer func() {
		// A panic of the Writer belongs to the goroutine that called Encode.
		if b.panicked = recover(); b.panicked != nil {
			b.err = fmt.Errorf("encode: the Writer panicked: %v", b.panicked)
			b.stop(b.err)
		}
	}()
	for p := range b.full {
		if b.ctx.Err() != nil {
			return
		}
		var err error
		if p.data != nil {
			var n int
			if n, err = w.Write(p.data); err == nil && n != len(p.data) {
				err = io.ErrShortWrite
			}
		}
		if err == nil && p.flush {
			err = flush(w)
		}
		if err != nil {
			b.err = fmt.Errorf("encode: writing: %w", err)
			b.stop(b.err)
			return
		}
		if p.data != nil {
			b.free <- p.data[:0]
		}
	}
}

// flush flushes w if it is something that can be: http.Flusher, bufio.Writer,
// or, preferred because it can fail, what http.ResponseController looks for.
func flush(w io.Writer) error {
	switch f := w.(type) {
	case interface{ FlushError() error }:
		return f.FlushError()
	case interface{ Flush() error }:
		return f.Flush()
	case interface{ Flush() }:
		f.Flush()
	}
	return nil
}

// Write copies p. It waits while both halves are full, and fails when ctx ends,
// be it that w has failed; the error is then the cause.
func (b *buffer) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if b.ctx.Err() != nil {
			return n, context.Cause(b.ctx)
		}
		if b.fill == nil {
			select {
			case b.fill = <-b.free:
			case <-b.ctx.Done():
				return n, context.Cause(b.ctx)
			}
			if b.fill == nil {
				b.fill = make([]byte, 0, bufferSize)
			}
		}
		m := copy(b.fill[len(b.fill):cap(b.fill)], p[n:])
		b.fill = b.fill[:len(b.fill)+m]
		n += m
		b.count += int64(m)
		if len(b.fill) == cap(b.fill) {
			b.hand(false)
		}
	}
	return n, nil
}

// flush has what was written so far reach the Writer and be flushed there,
// without waiting for it.
func (b *buffer) flush() { b.hand(true) }

// hand gives the half being filled to the goroutine.
func (b *buffer) hand(flush bool) {
	p := piece{b.fill, flush}
	b.fill = nil
	select {
	case b.full <- p:
	case <-b.ctx.Done():
	}
}

// finish writes what is left, waits until all is written, flushed, and reports
// the first error.
func (b *buffer) finish() error {
	b.flush()
	if err := b.end(); err != nil {
		return err
	}
	if b.ctx.Err() != nil { // the goroutine may have left something out
		return context.Cause(b.ctx)
	}
	return nil
}

// abort writes nothing more, waits for a Write under way and reports the error
// of the Writer, if it has failed. It may be called again, and after finish.
func (b *buffer) abort() error {
	b.stop(nil)
	return b.end()
}

// end lets the goroutine end and waits for it.
func (b *buffer) end() error {
	if !b.shut {
		b.shut = true
		close(b.full)
	}
	<-b.ended
	if p := b.panicked; p != nil {
		b.panicked = nil
		panic(p)
	}
	return b.err
}
