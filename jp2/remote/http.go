// This file implements ranges by HTTP (RFC 9110, 13 and 14).

package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// OpenURL opens what is at an http or https URL; nil for c is
// [http.DefaultClient]. The context is for opening only. The server must answer
// ranges, unless what it has is no longer than what opening reads; otherwise the
// error matches [errors.ErrUnsupported].
//
// Redirects are followed by every request anew, as their targets may be valid for
// a while only.
func OpenURL(ctx context.Context, c *http.Client, address string, o Options) (*Object, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("remote: the address is not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("remote: %q is not the scheme of an address by HTTP: %w", u.Scheme, errors.ErrUnsupported)
	}
	if c == nil {
		c = http.DefaultClient
	}
	return Open(ctx, &resource{client: c, address: address, host: u.Host}, o)
}

// A resource is a [Getter] by HTTP.
type resource struct {
	client  *http.Client
	address string
	host    string // for errors
}

// Get implements [Getter].
func (r *resource) Get(ctx context.Context, off, n int64, of *Version) (*Part, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.address, nil)
	if err != nil {
		return nil, r.failure(err)
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	// A range of what was compressed on the way is of no use.
	request.Header.Set("Accept-Encoding", "identity")
	// That a server refuses when it has another version is not relied on.
	switch {
	case of == nil:
	case strings.HasPrefix(of.ETag, `"`):
		request.Header.Set("If-Match", of.ETag)
	case !of.ModTime.IsZero():
		request.Header.Set("If-Unmodified-Since", of.ModTime.UTC().Format(http.TimeFormat))
	}
	answer, err := r.client.Do(request)
	if err != nil {
		if answer != nil {
			// The client does not want to follow a redirect.
			return nil, fmt.Errorf("%w: %w", r.failure(err), errors.ErrUnsupported)
		}
		return nil, r.failure(err)
	}
	part, err := r.part(answer, off, n, of)
	if err != nil {
		answer.Body.Close()
		return nil, err
	}
	return part, nil
}

// failure is an error of the client without the address, whose query may be a
// credential.
func (r *resource) failure(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("remote: asking %s: %w", r.host, err)
}

// part makes a part of an answer, whose body stays open if there is no error.
func (r *resource) part(answer *http.Response, off, n int64, of *Version) (*Part, error) {
	span, ok := parseContentRange(answer.Header.Get("Content-Range"))
	v := Version{Size: -1, ETag: answer.Header.Get("ETag")}
	if t, err := http.ParseTime(answer.Header.Get("Last-Modified")); err == nil {
		v.ModTime = t
	}
	part := &Part{Body: answer.Body}
	switch code := answer.StatusCode; {
	case code == http.StatusPartialContent && (!ok || span.off != off || span.n == 0):
		return nil, errors.New("remote: the answer is another range")
	case code == http.StatusPartialContent:
		v.Size, part.Len = span.size, min(span.n, n)
	case code == http.StatusOK:
		v.Size, part.Len = answer.ContentLength, answer.ContentLength
	case code == http.StatusPreconditionFailed && of != nil,
		code == http.StatusRequestedRangeNotSatisfiable && of != nil:
		return nil, fmt.Errorf("remote: %w", ErrChanged)
	case code == http.StatusRequestedRangeNotSatisfiable && ok && span.size == 0:
		v.Size = 0
	default:
		return nil, &StatusError{Code: code,
			RetryAfter: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	}
	if e := answer.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, fmt.Errorf("remote: the answer is compressed: %w", errors.ErrUnsupported)
	}
	if v.Size < 0 && of != nil {
		v.Size = of.Size // it does not say
	}
	switch {
	case of != nil && !of.same(&v):
		return nil, fmt.Errorf("remote: %w", ErrChanged)
	case answer.StatusCode == http.StatusOK && (off > 0 || part.Len < 0 || part.Len > n):
		if of != nil {
			// It has answered ranges before.
			return nil, errors.New("remote: the answer is not a range")
		}
		return nil, fmt.Errorf("remote: the server does not answer ranges: %w", errors.ErrUnsupported)
	}
	part.Version = v
	return part, nil
}

// retryAfter reads a Retry-After header field (RFC 9110, 10.2.3).
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
