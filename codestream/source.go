// This file implements reading from the source.

package codestream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// A ContextReaderAt is an [io.ReaderAt] whose reads can be cancelled. A source
// that has the method is read through it.
type ContextReaderAt interface {
	// ReadAtContext is ReadAt, given up when ctx is done.
	ReadAtContext(ctx context.Context, p []byte, off int64) (int, error)
}

type sourceKey struct{}

// WithSource returns a context with which an [Index] reads through r instead of its
// source. r must give the same bytes; it may keep them for others.
func WithSource(ctx context.Context, r io.ReaderAt) context.Context {
	return context.WithValue(ctx, sourceKey{}, r)
}

// memory is bytes that need no source.
type memory struct{ *bytes.Reader }

// readAt fills p from off in r. An error is as the source gave it: io.EOF or
// io.ErrUnexpectedEOF when the data ends before p is full.
func readAt(ctx context.Context, r io.ReaderAt, p []byte, off int64) error {
	n, err := readUpTo(ctx, r, p, off)
	if err == nil && n < len(p) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// readUpTo fills as much of p as there is and is silent about the end of the
// data: fewer than len(p) bytes without an error mean just that.
func readUpTo(ctx context.Context, r io.ReaderAt, p []byte, off int64) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if m, ok := r.(memory); ok {
		n, _ := m.ReadAt(p, off)
		return n, nil
	}
	if s, ok := ctx.Value(sourceKey{}).(io.ReaderAt); ok {
		r = s
	}
	var n int
	var err error
	began := time.Now()
	if c, ok := r.(ContextReaderAt); ok {
		n, err = c.ReadAtContext(ctx, p, off)
	} else {
		n, err = r.ReadAt(p, off)
	}
	if t, ok := ctx.Value(traceKey{}).(*Trace); ok && t.Read != nil {
		t.read(off, p[:n], time.Since(began), err)
	}
	switch {
	case n == len(p), errors.Is(err, io.EOF):
		return n, nil
	case err == nil: // against the contract of io.ReaderAt
		return n, io.ErrNoProgress
	}
	return n, err
}
