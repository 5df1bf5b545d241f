package iiif

import (
	"cmp"
	"context"
	"errors"
	"image/color"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"

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

	// Warnings is what the image does not say rightly of its colours; see
	// [tile.Plan.Warnings]. Empty when Cached. It must not be changed.
	Warnings []jp2.Warning
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
				Took: time.Since(a.start), Cached: a.cached, Err: a.err, Warnings: a.warnings})
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
