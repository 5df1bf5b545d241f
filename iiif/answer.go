// This file implements what all answers of a Handler have in common: headers,
// statuses by whose fault it is, and time for slow clients.

package iiif

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/iiif/overload"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

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
	warnings  []jp2.Warning
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
