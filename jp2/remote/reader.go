// This file implements the reading of a range by as many requests as it takes.

package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// A reader reads a range of an object from front to back. It asks for all of it
// at once, and where an answer breaks off, for the rest.
type reader struct {
	obj *Object
	of  *Version // nil before the first answer of an object
	off int64    // of what is to be read next
	end int64

	part   *Part              // what is being read; nil: nothing
	left   int64              // bytes of it
	cancel context.CancelFunc // of its request
	begun  int64              // where it began

	tries int // that have failed since anything was gained
}

// reader makes one for the bytes from off to end, which must exist.
func (o *Object) reader(off, end int64) *reader {
	return &reader{obj: o, of: &o.version, off: off, end: end}
}

// close gives up what is being read.
func (r *reader) close() {
	if r.part != nil {
		// What it says would be of no use: all that is wanted was read, or
		// there is an error.
		_ = r.part.Body.Close()
		r.cancel()
		r.part = nil
	}
}

// read reads the next len(p) bytes.
func (r *reader) read(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		if r.part == nil {
			if err := r.begin(ctx); err != nil {
				return err
			}
		}
		n, err := io.ReadFull(r.part.Body, p[:min(int64(len(p)), r.left)])
		p, r.off, r.left = p[n:], r.off+int64(n), r.left-int64(n)
		if err == nil && r.left > 0 {
			continue
		}
		r.close()
		if err == nil && (r.off == r.end || r.off-r.begun >= blockSize) {
			continue // as much as was promised; the rest is asked for
		}
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err := r.again(ctx, fmt.Errorf("remote: %w", err)); err != nil {
			return err
		}
	}
	return nil
}

// begin asks for what is missing until there is an answer. Before the first of
// an object it is not known what there is.
func (r *reader) begin(ctx context.Context) error {
	for {
		err := r.ask(ctx)
		if err == nil {
			return nil
		}
		if err := r.again(ctx, err); err != nil {
			return err
		}
	}
}

// ask asks for what is missing, once.
func (r *reader) ask(ctx context.Context) error {
	timeout := r.obj.options.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	cancel := func() {}
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	r.begun = r.off
	part, err := r.obj.getter.Get(ctx, r.off, r.end-r.off, r.of)
	if err != nil {
		cancel()
		return err
	}
	r.part, r.cancel = part, cancel
	if r.of == nil {
		if part.Version.Size < 0 {
			r.close()
			return fmt.Errorf("remote: an object of unknown size: %w", errors.ErrUnsupported)
		}
		r.of = &part.Version
		r.end = min(r.end, part.Version.Size)
	} else if !r.of.same(&part.Version) {
		r.close()
		return fmt.Errorf("remote: %w", ErrChanged)
	}
	r.left = min(max(part.Len, 0), r.end-r.off)
	return nil
}

// again waits until what failed with err can be tried again, or says why it
// cannot.
func (r *reader) again(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, ErrChanged) {
		r.obj.changed.Store(true)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errSlow // it was no deadline of the caller's
	}
	if r.off-r.begun >= blockSize {
		r.tries = 0
	}
	o := &r.obj.options
	if !passing(err) || r.tries >= o.retries() {
		return err
	}
	wait := o.backoff(r.tries)
	var status *StatusError
	if errors.As(err, &status) {
		if status.RetryAfter > longestWait {
			return err
		}
		wait = max(wait, status.RetryAfter)
	}
	r.tries++
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// longestWait is how long a server can want to be left alone, and how long it is
// of its own accord.
const longestWait = 30 * time.Second

func (o *Options) retries() int {
	if o.Retries == 0 {
		return defaultRetries
	}
	return max(o.Retries, 0)
}

// backoff is the time before another try after so many. Those who failed together
// do not come again together.
func (o *Options) backoff(tries int) time.Duration {
	d := o.Backoff
	if d <= 0 {
		d = defaultBackoff
	}
	d = min(min(d, longestWait)<<min(tries, 16), longestWait)
	return d/2 + rand.N(d)
}
