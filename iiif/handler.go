package iiif

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"io"
	"io/fs"
	"maps"
	"mime"
	"net"
	"net/http"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/klauspost/compress/gzhttp"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/iiif/overload"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// A Handler serves images by the Image API. Its path is what follows the prefix:
//
//	{identifier}                                      redirects to
//	{identifier}/info.json                            and this
//	{identifier}/{region}/{size}/{rotation}/{quality}.{format}
//
// so that it is used with [http.StripPrefix]. Only Source must be set. Fields
// must not change after the first request, and a Handler must not be copied.
//
// Identical requests that come while one of them is served share its work,
// which stops when all who asked have left. Nothing is sent before the first
// strip of the result exists, so failures until then have a status; a failure
// after that breaks the connection, so that nobody takes half a picture for one.
type Handler struct {
	Version Version
	Source  Source

	// Files keeps images open; nil: files of the handler's own. Handlers of
	// both versions share one. Its Source comes before the handler's.
	Files *Files

	// Decoder decodes; nil: one of the handler's own.
	Decoder *tile.Decoder

	// Formats are what is served, by extension; nil: jpg and png with their
	// defaults. Level 2 of the API demands these two; without png it is said
	// to be level 1.
	Formats map[string]encode.Format

	Limits Limits

	// Background is the colour of the corners of pictures that are turned by
	// other than right angles; nil: they are transparent, or what the format
	// has for transparent pixels.
	Background color.Color

	// Cache keeps finished derivatives; nil: none are kept. A cache that fails,
	// or finds nothing in a quarter of Timeout, is done without.
	Cache Cache

	// Keep is the size in bytes up to which a derivative is put into the cache
	// and can be joined by latecomers while it is made; zero: 8 MiB. What is
	// larger is made as fast as the slowest of its readers takes it, and has its
	// memory and its place in the Gate for as long.
	Keep int

	// Salt goes into the names of derivatives: change it when what they look
	// like changes for a reason that the handler cannot know.
	Salt string

	// Gate decides who is served under load; nil: one of the handler's own.
	// Its first lane is for tiles, results of at most a megapixel, and its
	// last for all else.
	Gate *overload.Gate

	// Client says whose a request is, for the Gate; nil: the address that it
	// comes from, or the first that a trusted proxy names.
	Client func(r *http.Request) string

	// Authorize decides what a client may have of an image; nil: everything.
	// To refuse it returns an error that matches ErrUnauthorized (401),
	// fs.ErrPermission (403) or fs.ErrNotExist (404), whose text is not sent.
	// Image information documents are not refused with the image when the
	// Access names Services; see [Access].
	Authorize func(r *http.Request, id string) (Access, error)

	// Describe completes an image information document, by rights and links
	// for instance; nil: it stays as it is.
	Describe func(r *http.Request, id string, info *Info)

	// BaseURL is the URL before the identifiers. Empty: it follows from the
	// request, with what proxies say of it if they are trusted.
	BaseURL string

	// TrustProxy says whether the Forwarded, X-Forwarded-* and X-Request-Id
	// headers of a request may be believed, by the address that it comes from
	// for instance; nil: never. All of them are: a proxy has to overwrite or
	// drop what its clients send in them.
	TrustProxy func(r *http.Request) bool

	// CacheControl is the header of that name; empty: "public, max-age=3600".
	CacheControl string

	// BrokenStatus answers requests for images that are not valid; zero: 500.
	BrokenStatus int

	// Timeout bounds the time until the first byte of an answer: opening the
	// image, waiting for a place and for memory, decoding; zero: 30 s;
	// negative: none.
	Timeout time.Duration

	// WriteTimeout bounds the time that a client may take for each 64 KiB of an
	// answer; zero: 30 s; negative: none. A client that is slower gives up its
	// place, and what it has got breaks off.
	WriteTimeout time.Duration

	// Report is told of every answer; nil: nobody is. It is called from many
	// goroutines.
	Report func(Report)

	setUp      sync.Once
	files      *Files
	decoder    *tile.Decoder
	formats    map[string]encode.Format
	extensions []string // of the formats
	gate       *overload.Gate
	info       http.Handler // compresses what writeInfo writes
	flights    flights
	pace       overload.Estimator
}

// A Report describes an answer.
type Report struct {
	Request *http.Request
	ID      string // of the request, as in its X-Request-Id header
	Status  int
	Bytes   int64         // of the body
	Took    time.Duration // until the last byte
	Cached  bool          // the derivative was in the cache
	Err     error         // why it failed, or the client left; nil when it did not
}

const (
	defaultKeep         = 8 << 20
	defaultTimeout      = 30 * time.Second
	defaultWriteTimeout = 30 * time.Second
	defaultCacheControl = "public, max-age=3600"

	// writePiece is how much a client gets in one WriteTimeout.
	writePiece = 64 << 10

	// largestPath is more than any request needs.
	largestPath = 8 << 10

	// tileArea is the largest result that goes by the tiles' lane, in pixels,
	// and tileWork the most work (see derivative.work).
	tileArea = 1 << 20
	tileWork = 1 << 23
)

// errSlow is the cause of a run that has nothing to show in time.
var errSlow = errors.New("iiif: nothing to show in time")

// prepare fills in what was not set, on first use.
func (h *Handler) prepare() {
	h.setUp.Do(func() {
		if h.files = h.Files; h.files == nil {
			h.files = &Files{Source: h.Source}
		}
		if h.decoder = h.Decoder; h.decoder == nil {
			h.decoder = &tile.Decoder{Budget: new(tile.Budget)}
		}
		if h.formats = h.Formats; h.formats == nil {
			h.formats = map[string]encode.Format{"jpg": encode.JPEG{}, "png": encode.PNG{}}
		}
		h.extensions = slices.Sorted(maps.Keys(h.formats))
		if h.gate = h.Gate; h.gate == nil {
			// Tiles wait in numbers: a viewer asks for dozens at once and has
			// no use for a refusal, and those of viewers who leave are gone
			// from the queue at once.
			procs := runtime.GOMAXPROCS(0)
			h.gate = &overload.Gate{Lanes: []overload.Lane{{Slots: 2 * procs, Queue: 512 * procs}, {Slots: procs}}}
		}
		compress, err := gzhttp.NewWrapper(gzhttp.MinSize(512))
		if err != nil {
			panic("iiif: " + err.Error() + " (bug)")
		}
		h.info = compress(http.HandlerFunc(h.writeInfo))
	})
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.prepare()
	a := &answer{ResponseWriter: w, start: time.Now(), id: h.requestID(r),
		timeout: cmp.Or(h.WriteTimeout, defaultWriteTimeout), head: r.Method == http.MethodHead}
	header := w.Header()
	header.Set("X-Request-Id", a.id)
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "Link, Retry-After, WWW-Authenticate, X-Request-Id")
	header.Set("X-Content-Type-Options", "nosniff")
	if h.Report != nil {
		// Deferred, for a broken answer ends in a panic.
		defer func() {
			h.Report(Report{Request: r, ID: a.id, Status: a.status, Bytes: a.bytes,
				Took: time.Since(a.start), Cached: a.cached, Err: a.err})
		}()
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.serve(a, r)
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		header.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type")
		header.Set("Access-Control-Max-Age", "86400")
		a.WriteHeader(http.StatusNoContent)
	default:
		header.Set("Allow", "GET, HEAD, OPTIONS")
		h.fail(a, http.StatusMethodNotAllowed, errors.New("iiif: method not allowed"))
	}
}

// serve tells the three kinds of requests apart by the number of segments.
func (h *Handler) serve(a *answer, r *http.Request) {
	own := ownPath(r.URL)
	if len(own) > largestPath {
		h.fail(a, http.StatusRequestURITooLong, errors.New("iiif: path too long"))
		return
	}
	id, rest, _ := strings.Cut(own, "/")
	switch {
	case id != "" && rest == "":
		h.redirect(a, r, id)
	case rest == "info.json":
		h.serveInfo(a, r, id)
	case strings.Count(rest, "/") == 3:
		h.serveImage(a, r, own)
	default:
		// 2: neither the base URI nor one of the syntaxes.
		h.fail(a, http.StatusNotFound, errors.New("iiif: no such resource"))
	}
}

// redirect sends from the base URI to the image information document (2).
func (h *Handler) redirect(a *answer, r *http.Request, id string) {
	plain, err := ParseID(id)
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	a.Header().Set("Location", h.base(r, ownPath(r.URL))+EscapeID(plain)+"/info.json")
	a.WriteHeader(http.StatusSeeOther)
}

// admit asks for the client's access to the image and opens it. release must be
// called when the image is no longer used. A refusal by Authorize comes with the
// access.
func (h *Handler) admit(a *answer, r *http.Request, id string) (Access, *keptFile, func(), error) {
	var access Access
	if h.Authorize != nil {
		var err error
		access, err = h.Authorize(r, id)
		a.challenge = access.Challenge
		if err != nil {
			return access, nil, nil, &deniedError{err}
		}
	}
	k, release, err := h.open(a, r, id)
	return access, k, release, err
}

// open opens the image in time.
func (h *Handler) open(a *answer, r *http.Request, id string) (*keptFile, func(), error) {
	ctx := r.Context()
	if deadline, ok := h.deadline(a); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadlineCause(ctx, deadline, errSlow)
		defer stop()
	}
	return h.files.open(ctx, id)
}

// deadline is when an answer must have begun; ok is false when it need not.
func (h *Handler) deadline(a *answer) (t time.Time, ok bool) {
	timeout := cmp.Or(h.Timeout, defaultTimeout)
	return a.start.Add(timeout), timeout > 0
}

// A deniedError is a refusal by Authorize.
type deniedError struct{ err error }

func (e *deniedError) Error() string { return e.err.Error() }
func (e *deniedError) Unwrap() error { return e.err }

// refuses reports whether there is an image, but not for this client.
func (e *deniedError) refuses() bool {
	status := denial(e.err)
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

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

// serveInfo answers a request for the image information document.
func (h *Handler) serveInfo(a *answer, r *http.Request, segment string) {
	id, err := ParseID(segment)
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	access, k, release, err := h.admit(a, r, id)
	status := http.StatusOK
	var denied *deniedError
	if errors.As(err, &denied) && denied.refuses() && len(access.Services) > 0 {
		// Clients find in the document where to log in.
		status = cmp.Or(access.InfoStatus, status)
		access.Private = true
		k, release, err = h.open(a, r, id)
	}
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	defer release()
	info := NewInfo(k.image.File, h.Version, h.base(r, ownPath(r.URL))+EscapeID(id), access.within(k.facts.limits(h, k.image.File)))
	info.Formats = slices.Clone(h.extensions)
	info.Services = append(info.Services, access.Services...)
	info.Contexts = append(info.Contexts, access.Contexts...)
	if h.Describe != nil {
		h.Describe(r, id, info)
	}
	body, err := json.Marshal(info)
	if err != nil {
		h.fail(a, http.StatusInternalServerError, fmt.Errorf("iiif: info.json: %w", err))
		return
	}
	header := a.Header()
	header.Set("Content-Type", infoType(h.Version, r.Header.Values("Accept")))
	header.Add("Vary", "Accept")
	header.Set("ETag", `W/"`+NewKey("info", string(body)).String()[:32]+`"`)
	h.validity(header, k.image.Stamp, access)
	link := "<" + h.Version.profile(level(h.extensions)) + `>;rel="profile"`
	if h.Version == V2 && strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		// 2.1, 5.1, by way of JSON-LD 1.0, 6.8.
		link = "<" + V2.context() + `>;rel="http://www.w3.org/ns/json-ld#context";type="application/ld+json", ` + link
	}
	header.Set("Link", link)
	if status != http.StatusOK {
		a.err = denied
		h.refuse(a, status)
	} else if unchanged(r, header) {
		// RFC 9110, 15.4.5: as if it was sent.
		header.Add("Vary", "Accept-Encoding")
		header.Del("Content-Type")
		a.WriteHeader(http.StatusNotModified)
		return
	}
	// HEAD is answered as GET is, up to what is not sent: the headers depend on
	// what compression makes of the body.
	r = r.WithContext(context.WithValue(r.Context(), infoBody{}, &infoAnswer{status, body}))
	r.Method = http.MethodGet
	h.info.ServeHTTP(a, r)
}

// infoBody is the key of the context's *infoAnswer: the compressing wrapper is
// made once, and what it is to write comes with the request.
type infoBody struct{}

type infoAnswer struct {
	status int
	body   []byte
}

func (h *Handler) writeInfo(w http.ResponseWriter, r *http.Request) {
	answer := r.Context().Value(infoBody{}).(*infoAnswer)
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // the client may have left
}

// NewInfo is the image information document of f, whose base URI is uri, under
// the limits. What the file does not say is left to the caller.
func NewInfo(f *jp2.File, v Version, uri string, limits Limits) *Info {
	info := &Info{Version: v, URI: uri, Limits: limits, Gray: gray(f)}
	info.describe(f.Header)
	return info
}

// gray reports whether f has no colour.
func gray(f *jp2.File) bool { return len(f.Layout.Colors) == 1 }

// infoType is the media type of the document for a client that accepts what the
// given headers say (5.1; 2.1, 5.1).
func infoType(v Version, accept []string) string {
	const linked, plain = "application/ld+json", "application/json"
	wantLinked, named := accepted(accept, linked)
	wantPlain, _ := accepted(accept, plain)
	if v == V2 {
		// Only a client that names it gets it.
		if named && wantLinked > 0 && wantLinked >= wantPlain {
			return linked
		}
		return plain
	}
	// A browser names neither, and shows the one where it would save the other.
	_, browser := accepted(accept, "text/html")
	if wantPlain > wantLinked || browser && wantPlain == wantLinked {
		return plain
	}
	return linked + `;profile="` + v.context() + `"`
}

// validity says how long the answer holds and how to ask whether it still does.
func (h *Handler) validity(header http.Header, stamp Stamp, access Access) {
	if access.private() {
		// The same image at the same time looks different to another client,
		// and to this one when it has logged in: only the ETag tells.
		header.Set("Cache-Control", "private, no-cache")
		return
	}
	header.Set("Cache-Control", cmp.Or(h.CacheControl, defaultCacheControl))
	if !stamp.ModTime.IsZero() {
		header.Set("Last-Modified", stamp.ModTime.UTC().Format(http.TimeFormat))
	}
}

// requestID is the identifier of the request: the proxy's, or a new one.
func (h *Handler) requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 128 && h.trusted(r) && only(id, "-._~:/+=@") {
		return id
	}
	return rand.Text()
}

// disposition has the browser save the file instead of showing it, if the query
// says "download", under a name made of the request or the query's own.
func disposition(header http.Header, r *http.Request, canonical Request) {
	query := r.URL.Query()
	if !query.Has("download") {
		return
	}
	// Whoever makes the link chooses the name, but not what kind of file a
	// desktop takes it for.
	extension := "." + canonical.Format.String()
	name := fileName(strings.TrimSuffix(path.Base(query.Get("download")), extension))
	if name == "" {
		name = fileName(canonical.ID) + " " + fileName(strings.TrimSuffix(canonical.parameters(), extension))
	}
	value := mime.FormatMediaType("attachment", map[string]string{"filename": name + extension})
	header.Set("Content-Disposition", value)
}

// fileName is s without what has a meaning in file names anywhere, and not long.
func fileName(s string) string {
	const longest = 120 // characters
	s = strings.Map(func(c rune) rune {
		switch {
		case c == '/':
			return ' '
		case !unicode.IsPrint(c), strings.ContainsRune(`\:*?"<>|%`, c):
			return '_'
		}
		return c
	}, strings.ToValidUTF8(s, "_"))
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest])
	}
	return strings.Trim(s, ". ")
}

// unchanged reports whether the client has already what the headers describe (RFC
// 9110, 13.2.2).
func unchanged(r *http.Request, header http.Header) bool {
	if lines := r.Header.Values("If-None-Match"); len(lines) > 0 {
		etag := strings.TrimPrefix(header.Get("ETag"), "W/")
		for tag := range strings.SplitSeq(strings.Join(lines, ","), ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
		return false
	}
	modified, err := http.ParseTime(header.Get("Last-Modified"))
	if err != nil {
		return false
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !modified.After(since)
}

// fail answers with the error. A status of 0 follows from the error by whose
// fault it is.
func (h *Handler) fail(a *answer, status int, err error) {
	a.err = err
	if status == 0 {
		status = h.status(err)
	}
	header := a.Header()
	for _, name := range []string{"ETag", "Last-Modified", "Link", "Content-Disposition"} {
		header.Del(name)
	}
	if status == http.StatusServiceUnavailable {
		full := &overload.Error{RetryAfter: time.Second}
		_ = errors.As(err, &full) // or it is closing down
		header.Set("Retry-After", strconv.Itoa(int(full.RetryAfter.Seconds()+0.5)))
	}
	// What is wrong with a request its client may know; anything else may tell
	// about the server.
	message := http.StatusText(status)
	if errors.Is(err, tile.ErrRequest) {
		message = err.Error()
	}
	h.refuse(a, status)
	header.Set("Content-Type", "text/plain; charset=utf-8")
	a.WriteHeader(status)
	_, _ = io.WriteString(a, message+"\n") // the client may have left
}

// refuse sets what every answer with the given status has, which is an error's.
func (h *Handler) refuse(a *answer, status int) {
	a.Header().Set("Cache-Control", "no-store")
	a.Header().Del("Last-Modified")
	if status == http.StatusUnauthorized {
		a.Header().Set("WWW-Authenticate", cmp.Or(a.challenge, defaultChallenge))
	}
}

// status is the status of an answer that reports err.
func (h *Handler) status(err error) int {
	var denied *deniedError
	switch {
	case errors.As(err, &denied):
		return denial(err)
	case errors.Is(err, ErrSyntax):
		return http.StatusBadRequest
	case errors.Is(err, ErrLimit), errors.Is(err, tile.ErrBudget):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, overload.ErrOverloaded), errors.Is(err, errClosed):
		return http.StatusServiceUnavailable
	case errors.Is(err, errSlow), errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, errors.ErrUnsupported):
		return http.StatusNotImplemented
	case errors.Is(err, tile.ErrRequest):
		return http.StatusBadRequest
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	case errors.Is(err, codestream.ErrFormat):
		return cmp.Or(h.BrokenStatus, http.StatusInternalServerError)
	case errors.Is(err, context.Canceled), errors.Is(err, errAbandoned):
		return statusClientClosed
	}
	return http.StatusInternalServerError
}

// statusClientClosed is for reports only: the client has left and sees nothing.
const statusClientClosed = 499

// An answer is a ResponseWriter that remembers what was answered.
type answer struct {
	http.ResponseWriter
	id        string
	start     time.Time
	timeout   time.Duration // for each piece; negative: none
	head      bool          // nothing is sent of what is written
	challenge string        // of a 401; empty: the default
	status    int
	bytes     int64
	cached    bool
	err       error
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter]. Each piece of p has a time of its own to
// get through to the client.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	written := 0
	for piece := range slices.Chunk(p, writePiece) {
		if a.timeout > 0 {
			// Not every ResponseWriter has deadlines.
			_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Now().Add(a.timeout))
		}
		n, err := a.ResponseWriter.Write(piece)
		written += n
		if !a.head {
			a.bytes += int64(n)
		}
		if err != nil {
			a.err = err
			return written, err
		}
	}
	return written, nil
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
