// This file implements how a Handler answers requests for images.

package iiif

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/iiif/overload"
	"github.com/stria-j2k/stria/tile"
)

// errSlow is the cause of a run that has nothing to show in time.
var errSlow = errors.New("iiif: nothing to show in time")

// serveImage answers an image request.
func (h *Handler) serveImage(a *answer, r *http.Request, own string) {
	request, err := Parse(h.Version, own)
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	format, ok := h.formats[request.Format.String()]
	if !ok {
		h.fail(a, http.StatusUnsupportedMediaType, requestErrorf(errors.ErrUnsupported,
			"no format %q here", request.Format))
		return
	}
	access, k, release, err := h.admit(a, r, request.ID)
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	defer release()
	file := k.image.File
	full := file.Bounds().Size()
	if request.Quality == Gray && gray(file) {
		request.Quality = Default
	}
	limits := k.facts.limits(h, k.image.File)
	if access.limited() {
		if _, _, err := request.frame(full, limits); err == nil {
			within := access.within(limits)
			if _, _, err := request.frame(full, within); errors.Is(err, ErrLimit) {
				h.fail(a, cmp.Or(access.Status, http.StatusUnauthorized), err)
				return
			}
			limits = within
		}
	}
	want, err := request.Resolve(full, limits)
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	canonical, err := request.Canonical(full, limits)
	if err != nil {
		h.fail(a, 0, err)
		return
	}

	key := h.key(k.image.Stamp, canonical, want, format)
	header := a.Header()
	header.Set("ETag", `"`+key.String()[:32]+`"`)
	h.validity(header, k.image.Stamp, access)
	header.Set("Link", "<"+h.base(r, own)+canonical.String()+`>;rel="canonical", <`+
		h.Version.profile(level(h.extensions))+`>;rel="profile"`)
	header.Set("Content-Type", format.MediaType())
	disposition(header, r, canonical)
	if unchanged(r, header) {
		// RFC 9110, 15.4.5: nothing that describes a body.
		header.Del("Content-Type")
		a.WriteHeader(http.StatusNotModified)
		return
	}
	if data, ok := h.cachedDerivative(r.Context(), key); ok {
		a.cached = true
		http.ServeContent(a, r, "", time.Time{}, bytes.NewReader(data))
		return
	}
	d, err := derive(h.decoder, file, canonical, want, format, h.Background)
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	a.warnings = d.plan.Warnings()
	if r.Method == http.MethodHead {
		a.WriteHeader(http.StatusOK)
		return
	}
	h.stream(a, r, key, d, k)
}

// key names the derivative of an image: it is a hash of all that the bytes depend
// on. Limits are not among it, for what they allow is in want.
func (h *Handler) key(stamp Stamp, canonical Request, want tile.Request, format encode.Format) Key {
	return NewKey("stria 3", h.Salt, canonical.ID, stamp.Version,
		fmt.Sprint(want.Region, want.Size), canonical.Rotation.String(), canonical.Quality.String(),
		canonical.Format.String(), fmt.Sprintf("%T%+v %v", format, format, h.Background))
}

// stream makes the derivative, or joins those for whom it is being made, and
// sends it as it comes.
func (h *Handler) stream(a *answer, r *http.Request, key Key, d *derivative, k *keptFile) {
	if r.Context().Err() != nil {
		h.fail(a, 0, context.Cause(r.Context()))
		return
	}
	keep := h.Keep
	if keep <= 0 {
		keep = defaultKeep
	}
	job := &job{derivative: d, client: h.client(r), keep: keep}
	job.deadline, job.hurried = h.deadline(a)
	// The run may outlive this request if others join it, and needs the image.
	release := h.files.retain(k)
	reader, started := h.flights.join(r.Context(), key, keep, func(ctx context.Context, w io.Writer) error {
		defer release()
		return h.run(ctx, w, job)
	}, h.keepDerivative(key))
	defer reader.Close()
	if !started {
		release()
	}

	piece, err := reader.Next(r.Context())
	if err != nil && err != io.EOF {
		h.fail(a, 0, err)
		return
	}
	if n, ok := reader.Size(); ok {
		a.Header().Set("Content-Length", strconv.Itoa(n))
	}
	a.WriteHeader(http.StatusOK)
	control := http.NewResponseController(a.ResponseWriter)
	for first := true; err == nil; first = false {
		if _, err := a.Write(piece); err != nil {
			return // the client has left
		}
		if _, whole := reader.Size(); first && !whole {
			_ = control.Flush() // it is only sent later where that is not possible
		}
		piece, err = reader.Next(r.Context())
	}
	if err != io.EOF {
		a.err = err
		abort(a)
	}
}

// abort breaks the connection, so that nobody takes what has been sent for the
// whole picture. With HTTP/1.0, which proxies still speak to servers, a closed
// connection is the end of an answer like any other; a reset one is not.
func abort(a *answer) {
	if conn, _, err := http.NewResponseController(a.ResponseWriter).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

// cachedDerivative looks into the cache, but not for long.
func (h *Handler) cachedDerivative(ctx context.Context, key Key) (data []byte, ok bool) {
	if h.Cache == nil {
		return nil, false
	}
	if timeout := cmp.Or(h.Timeout, defaultTimeout); timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, timeout/4)
		defer stop()
	}
	data, err := h.Cache.Get(ctx, key)
	return data, err == nil
}

// keepDerivative returns what puts a finished derivative into the cache.
func (h *Handler) keepDerivative(key Key) func(ctx context.Context, data []byte) {
	if h.Cache == nil {
		return nil
	}
	return func(ctx context.Context, data []byte) {
		if timeout := cmp.Or(h.Timeout, defaultTimeout); timeout > 0 {
			var stop context.CancelFunc
			ctx, stop = context.WithTimeout(ctx, timeout)
			defer stop()
		}
		// It has been served; that it is not kept is no failure.
		_ = h.Cache.Put(ctx, key, data)
	}
}

// A job is what a run has to do.
type job struct {
	*derivative
	client   string    // who asked first
	keep     int       // bytes; see Handler.Keep
	deadline time.Time // of the first byte
	hurried  bool      // there is a deadline
}

// run makes the derivative: it waits to be let in, decodes and encodes.
func (h *Handler) run(ctx context.Context, w io.Writer, j *job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	leave, err := h.enter(ctx, j)
	if err != nil {
		return err
	}
	defer leave()
	out := &output{w: w}
	if j.hurried {
		timer := time.AfterFunc(time.Until(j.deadline), func() { cancel(h.late()) })
		out.first = func() { timer.Stop() }
		defer timer.Stop()
	}
	start := time.Now()
	if err := j.format.Encode(ctx, out, j.source); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	if out.n <= j.keep {
		// No reader has held it up.
		h.pace.Observe(j.work(), time.Since(start))
	}
	return nil
}

// enter waits at the gate, which refuses at once what cannot be done in time.
func (h *Handler) enter(ctx context.Context, j *job) (leave func(), err error) {
	work := j.work()
	ticket := overload.Ticket{Client: j.client, Memory: j.memory(), Time: h.pace.Estimate(work)}
	if size := j.source.Size(); size.X*size.Y > tileArea || work > tileWork {
		ticket.Lane = max(len(h.gate.Lanes)-1, 0)
	}
	if j.hurried {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadlineCause(ctx, j.deadline,
			&overload.Error{Reason: "no place in time", RetryAfter: time.Second})
		defer stop()
	}
	return h.gate.Enter(ctx, ticket)
}

// late is why a run has nothing to show yet: it may be waiting for memory.
func (h *Handler) late() error {
	if b := h.decoder.Budget; b != nil && b.Waiting() > 0 {
		return &overload.Error{Reason: "no memory in time", RetryAfter: time.Second}
	}
	return errSlow
}

// An output counts what is written, and calls first before the first of it.
type output struct {
	w     io.Writer
	first func() // may be nil
	n     int
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	if o.n == 0 && o.first != nil {
		o.first()
	}
	n, err := o.w.Write(p)
	o.n += n
	return n, err
}
