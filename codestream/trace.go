// This file implements the watching of an index's reads.

package codestream

import (
	"context"
	"sync"
	"time"
)

// A Trace is told of the reads that an [Index] makes on behalf of one caller,
// who puts it into the context with [WithTrace].
type Trace struct {
	// Read is called after each read, with what was read from offset off of the
	// source, which it must not keep, and how long that took. A read that other
	// callers wait for too is told to one of them. Reads may be at the same
	// time, but are told of one after the other.
	Read func(off int64, p []byte, took time.Duration, err error)

	mu sync.Mutex
}

// read tells of a read.
func (t *Trace) read(off int64, p []byte, took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Read(off, p, took, err)
}

type traceKey struct{}

// WithTrace returns a context that carries t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}
