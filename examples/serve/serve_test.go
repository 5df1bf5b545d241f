package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
)

func get(t *testing.T, address string) (int, string) {
	response, err := http.Get(address)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestServer(t *testing.T) {
	dir := t.TempDir()
	sample, err := os.ReadFile("../testdata/sample.jp2")
	require.NoError(t, err)
	for _, name := range []string{"a.jp2", "sub/b.JP2", ".hidden/c.jp2", "notes.txt"} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, sample, 0o644))
	}
	t.Run("directory", func(t *testing.T) {
		i, err := openImages(t.Context(), dir, "")
		require.NoError(t, err)
		testServer(t, i, cacheDir(t))
	})
	t.Run("bucket", func(t *testing.T) {
		i, err := openImages(t.Context(), "elsewhere", "file://"+filepath.ToSlash(dir))
		require.NoError(t, err)
		testServer(t, i, "file://"+filepath.ToSlash(cacheDir(t)))
	})
	_, err = openImages(t.Context(), dir, "nothing://like/that")
	require.Error(t, err)
}

// cacheDir is a directory for a cache, which may be writing still after the last
// answer.
func cacheDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "cache")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, 10*time.Second, 10*time.Millisecond)
	})
	return dir
}

// testServer checks what is served of the files of TestServer.
func testServer(t *testing.T, i *images, kept string) {
	cache, err := openCache(t.Context(), kept)
	require.NoError(t, err)
	server := httptest.NewServer(newServer(i, 0, cache, nil))
	defer server.Close()
	const largest = "/iiif/3/a.jp2/0,0,256,256/^max/0/default.tif"
	for path, want := range map[string]int{
		"/":                                  200,
		"/healthz":                           200,
		"/readyz":                            200,
		"/images.json":                       200,
		"/iiif/3/a.jp2/info.json":            200,
		"/iiif/2/sub%2Fb.JP2/info.json":      200,
		"/iiif/3/a.jp2":                      200, // by way of a redirect
		"/iiif/3/.hidden%2Fc.jp2/info.json":  404,
		"/iiif/3/http:%2F%2Fx.org/info.json": 404,
		"/nothing":                           404,
		"/iiif/2/a.jp2/0,0,256,256/64,/90/gray.png":    200,
		"/iiif/3/a.jp2/0,0,256,256/64,/0/default.webp": 200,
		largest: 200,
		"/iiif/3/a.jp2/0,0,256,256/^max/0/default.jpeg2k": 415,
	} {
		if path == largest && testing.Short() {
			continue
		}
		code, body := get(t, server.URL+path)
		require.Equal(t, want, code, "%s: %s", path, body)
	}
	_, body := get(t, server.URL+"/images.json")
	var ids []string
	require.NoError(t, json.Unmarshal([]byte(body), &ids))
	require.Equal(t, []string{"a.jp2", "sub/b.JP2"}, ids)
}

// Indexes are kept for other servers.
func TestIndex(t *testing.T) {
	i := directory("../testdata")
	cache := &counted{Cache: &iiif.MemoryCache{}}
	for _, puts := range []int64{1, 1} {
		s := newServer(i, 0, cache, nil)
		s.index(t.Context())
		require.Equal(t, puts, cache.puts.Load())
		require.NoError(t, s.files.Close())
	}
	none, err := openCache(t.Context(), "")
	require.NoError(t, err)
	require.Nil(t, none)
	_, err = openCache(t.Context(), "nothing://like/that")
	require.Error(t, err)
}

// A counted is a cache that counts what is put into it.
type counted struct {
	iiif.Cache
	puts atomic.Int64
}

func (c *counted) Put(ctx context.Context, key iiif.Key, data []byte) error {
	c.puts.Add(1)
	return c.Cache.Put(ctx, key, data)
}

func TestDrain(t *testing.T) {
	s := newServer(directory("../testdata"), 0, nil, nil)
	entered, leave := make(chan struct{}), make(chan struct{})
	s.v3 = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-leave
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, s, l, time.Minute) }()
	answered := make(chan int, 1)
	go func() {
		code, _ := get(t, "http://"+l.Addr().String()+"/iiif/3/x")
		answered <- code
	}()
	<-entered
	stop()
	require.Eventually(t, func() bool {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		return w.Code == http.StatusServiceUnavailable
	}, 5*time.Second, time.Millisecond)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	require.Equal(t, http.StatusOK, w.Code)
	close(leave)
	require.Equal(t, http.StatusOK, <-answered)
	require.NoError(t, <-ended)
}

func TestParseBytes(t *testing.T) {
	for s, want := range map[string]int64{"1": 1, "512MiB": 512 << 20, "3 KiB": 3 << 10, "2GiB": 2 << 30,
		"": 0, "-1": 0, "0": 0, "x": 0, "MiB": 0, "9223372036854775807GiB": 0} {
		got, err := parseBytes(s)
		require.Equal(t, want, got, s)
		require.Equal(t, want == 0, err != nil, s)
	}
}

// Answers made of an image that does not say rightly what its colours are say so in
// the log.
func TestColoursAreLogged(t *testing.T) {
	data, err := os.ReadFile("../testdata/sample.jp2")
	require.NoError(t, err)
	data[bytes.Index(data, []byte("colr"))+4] = 77 // METH
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.jp2"), data, 0o600))
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	s := newServer(directory(dir), 0, nil, report)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/iiif/3/a.jp2/full/64,/0/default.jpg", nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "method 77 cannot be used for 3 channels")
	require.NoError(t, s.files.Close())
}
