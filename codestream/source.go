// This file implements reading from the source.

package codestream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"
)

// A ContextReaderAt is an [io.ReaderAt] whose reads can be cancelled. A source
// that has the method is read through it.
type ContextReaderAt interface {
	// ReadAtContext is ReadAt, given up when ctx is done.
	ReadAtContext(ctx context.Context, p []byte, off int64) (int, error)
}

// A SourceError says that a source failed, or gave fewer bytes than it was said to
// have. It matches what the source's error matches, except for [io.EOF] and
// [io.ErrUnexpectedEOF]: those would say that the image is at fault, which is damaged
// for good, while a source may recover.
type SourceError struct {
	Offset int64 // of what was read, in bytes
	Len    int   // bytes that were to be read
	Err    error // what the source said
}

func (e *SourceError) Error() string {
	return fmt.Sprintf("source: reading %d bytes at offset %d: %v", e.Len, e.Offset, e.Err)
}

// Is is for [errors.Is].
func (e *SourceError) Is(target error) bool {
	return target != io.EOF && target != io.ErrUnexpectedEOF && errors.Is(e.Err, target)
}

// As is for [errors.As].
func (e *SourceError) As(target any) bool { return errors.As(e.Err, target) }

// A Source is an [io.ReaderAt] of a known size that is held to its contract: whatever
// keeps a read from giving all of its bytes before the end is a [SourceError], panics
// and impossible numbers of bytes included.
type Source struct {
	r    io.ReaderAt
	size int64
}

// NewSource makes a Source of the first size bytes of r. A Source of that size is
// returned as it is.
func NewSource(r io.ReaderAt, size int64) *Source {
	if s, ok := r.(*Source); ok && s.size == size {
		return s
	}
	return &Source{r, size}
}

// sourceOf is r as a Source, which has a codestream at the given span.
func sourceOf(r io.ReaderAt, at Span) io.ReaderAt {
	if _, ok := r.(*Source); ok {
		return r
	}
	return NewSource(r, at.End())
}

// ReadAt implements [io.ReaderAt].
func (s *Source) ReadAt(p []byte, off int64) (int, error) {
	return s.ReadAtContext(context.Background(), p, off)
}

// ReadAtContext implements [ContextReaderAt], with the context if the reader takes
// one.
func (s *Source) ReadAtContext(ctx context.Context, p []byte, off int64) (int, error) {
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), s.size-off)]
	n, err := s.read(ctx, want, off)
	switch {
	case n < 0 || n > len(want):
		n, err = 0, fmt.Errorf("the reader says that it read %d bytes of %d", n, len(want))
	case n == len(want):
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	case err == nil:
		err = io.ErrNoProgress
	}
	// What came before the failure is not to be relied on.
	return 0, &SourceError{Offset: off, Len: len(want), Err: err}
}

// read reads, and makes an error of a panic.
func (s *Source) read(ctx context.Context, p []byte, off int64) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			n, err = 0, fmt.Errorf("the reader panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return readContext(ctx, s.r, p, off)
}

// readContext reads with the context if the reader takes one.
func readContext(ctx context.Context, r io.ReaderAt, p []byte, off int64) (int, error) {
	if c, ok := r.(ContextReaderAt); ok {
		return c.ReadAtContext(ctx, p, off)
	}
	return r.ReadAt(p, off)
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
	began := time.Now()
	n, err := readContext(ctx, r, p, off)
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
