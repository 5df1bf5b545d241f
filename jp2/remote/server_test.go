package remote

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An origin is a server of one resource, at any path, that can go wrong.
type origin struct {
	*httptest.Server
	client *http.Client

	mu       sync.Mutex
	data     []byte
	etag     string
	modified time.Time
	asked    []string // the Range of each request
	sent     int64    // bytes of bodies
	open     int      // requests under way

	// wrong answers the i-th request, from 0, or does nothing and leaves that
	// to what is right. It may be nil.
	wrong func(i int, w http.ResponseWriter, r *http.Request) (answered bool)
}

// serve starts an origin of n bytes of noise.
func serve(t testing.TB, n int) *origin {
	o := &origin{data: noise(n), etag: `"one"`, modified: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)}
	o.Server = httptest.NewServer(o)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32
	o.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		o.Server.Close()
	})
	return o
}

func noise(n int) []byte {
	data := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = rng.Read(data) // it never fails
	return data
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	i := len(o.asked)
	o.asked = append(o.asked, strings.TrimPrefix(r.Header.Get("Range"), "bytes="))
	data, etag, modified, wrong := o.data, o.etag, o.modified, o.wrong
	o.open++
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.open--
	}()
	w = &counted{w, o}
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	if wrong != nil && wrong(i, w, r) {
		return
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(data))
}

type counted struct {
	http.ResponseWriter
	of *origin
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.sent += int64(n)
	return n, err
}

func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// requests is how many there were.
func (o *origin) requests() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

// idle waits until all requests have ended.
func (o *origin) idle(t *testing.T) {
	waitFor(t, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.open == 0
	})
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 10*time.Second, time.Millisecond)
}

// set changes the origin.
func (o *origin) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// object opens the resource, and closes it when the test ends.
func (o *origin) object(t testing.TB, options Options) *Object {
	if options.Backoff == 0 {
		options.Backoff = time.Millisecond
	}
	obj, err := OpenURL(t.Context(), o.client, o.URL, options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, obj.Close()) })
	return obj
}

// requested is the range that a request asks for.
func requested(r *http.Request) (off, n int64) {
	var last int64
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &off, &last); err != nil {
		panic(err)
	}
	return off, last + 1 - off
}

// hangUp breaks the connection.
func hangUp() { panic(http.ErrAbortHandler) }

// flush sends what was written.
func flush(w http.ResponseWriter) {
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(err)
	}
}

// stall does nothing until the client leaves.
func stall(r *http.Request) { <-r.Context().Done() }

// A fakeGetter is a [Getter] of bytes in memory.
type fakeGetter struct {
	data []byte

	mu    sync.Mutex
	asked int
	fails func(i int) error // may be nil
}

func (g *fakeGetter) Get(ctx context.Context, off, n int64, of *Version) (*Part, error) {
	g.mu.Lock()
	i := g.asked
	g.asked++
	g.mu.Unlock()
	if g.fails != nil {
		if err := g.fails(i); err != nil {
			return nil, err
		}
	}
	n = min(n, int64(len(g.data))-off)
	return &Part{Body: io.NopCloser(bytes.NewReader(g.data[off : off+n])), Len: n,
		Version: Version{Size: int64(len(g.data))}}, nil
}
