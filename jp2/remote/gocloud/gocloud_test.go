package gocloud_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
	_ "gocloud.dev/blob/s3blob"

	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/jp2/remote"
	"github.com/stria-j2k/stria/jp2/remote/gocloud"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A store is a server of one bucket that speaks as much of S3 as is spoken here.
type store struct {
	mu      sync.Mutex
	objects map[string]stored
	asked   []string
	fails   func(i int, w http.ResponseWriter) bool // may be nil
}

type stored struct {
	data    []byte
	changed time.Time
}

func (s *store) put(key string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = stored{data, time.Unix(1_700_000_000+int64(len(s.objects)+len(s.asked)), 0)}
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.Header.Get("Range"))
	if s.fails != nil && s.fails(len(s.asked)-1, w) {
		return
	}
	o, ok := s.objects[strings.TrimPrefix(r.URL.Path, "/bucket/")]
	off := int64(0)
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &off) // without one it stays 0
	code := ""
	switch {
	case !ok:
		code = "NoSuchKey"
		w.WriteHeader(http.StatusNotFound)
	case r.Header.Get("Range") != "" && off >= int64(len(o.data)):
		code = "InvalidRange"
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	default:
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, o.changed.UnixNano()))
		http.ServeContent(w, r, "", o.changed, bytes.NewReader(o.data))
		return
	}
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}{Code: code})
}

// buckets are buckets that need no server.
func buckets(t *testing.T) map[string]*blob.Bucket {
	files, err := fileblob.OpenBucket(t.TempDir(), nil)
	require.NoError(t, err)
	memory := memblob.OpenBucket(nil)
	t.Cleanup(func() {
		require.NoError(t, files.Close())
		require.NoError(t, memory.Close())
	})
	return map[string]*blob.Bucket{"files": files, "memory": memory}
}

// s3 is a bucket of S3.
func s3(t *testing.T) (*blob.Bucket, *store) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
		"AWS_REGION": "x", "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	s := &store{objects: make(map[string]stored)}
	server := httptest.NewServer(s)
	b, err := blob.OpenBucket(t.Context(), "s3://bucket?use_path_style=true&endpoint="+server.URL)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, b.Close())
		server.CloseClientConnections()
		server.Close()
	})
	return b, s
}

func noise(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*i>>7 + i)
	}
	return data
}

// check checks that the object in a bucket is read as it is.
func check(t *testing.T, b *blob.Bucket, data []byte) {
	o, err := gocloud.Open(t.Context(), b, "dir/a b.jp2", remote.Options{})
	require.NoError(t, err)
	defer o.Close()
	got := make([]byte, len(data))
	_, err = io.ReadFull(io.NewSectionReader(o, 0, o.Size()), got)
	if len(data) > 0 {
		require.NoError(t, err)
	}
	require.True(t, bytes.Equal(data, got))
	require.NoError(t, iotest.TestReader(io.NewSectionReader(o, 0, o.Size()), data))
	v, err := gocloud.Stat(t.Context(), b, "dir/a b.jp2")
	require.NoError(t, err)
	require.NotEmpty(t, v.ETag)
	require.Equal(t, v.ETag, o.Version().ETag)
	require.EqualValues(t, len(data), v.Size)
	require.EqualValues(t, len(data), o.Version().Size)
	require.WithinDuration(t, v.ModTime, o.Version().ModTime, time.Second)
}

func TestOpen(t *testing.T) {
	sizes := []int{0, 1, 64 << 10, 100_000}
	for name, b := range buckets(t) {
		t.Run(name, func(t *testing.T) {
			for _, n := range sizes {
				require.NoError(t, b.WriteAll(t.Context(), "dir/a b.jp2", noise(n), nil))
				check(t, b, noise(n))
			}
		})
	}
	t.Run("s3", func(t *testing.T) {
		b, s := s3(t)
		for _, n := range sizes {
			s.put("dir/a b.jp2", noise(n))
			check(t, b, noise(n))
		}
	})
}

func TestAbsent(t *testing.T) {
	all := buckets(t)
	all["s3"], _ = s3(t)
	for name, b := range all {
		_, err := gocloud.Open(t.Context(), b, "absent", remote.Options{})
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		_, err = gocloud.Stat(t.Context(), b, "absent")
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		_, err = gocloud.Open(ctx, b, "absent", remote.Options{})
		require.ErrorIs(t, err, gone, name)
	}
}

func TestChange(t *testing.T) {
	check := func(t *testing.T, put func([]byte), b *blob.Bucket) {
		for _, n := range []int{1_000_001, 999_999, 100_000} {
			put(noise(1_000_000))
			o, err := gocloud.Open(t.Context(), b, "x", remote.Options{Backoff: time.Millisecond})
			require.NoError(t, err)
			put(noise(n))
			_, err = o.ReadAt(make([]byte, 10), 500_000)
			require.ErrorIs(t, err, remote.ErrChanged, n)
			require.True(t, o.Changed())
			require.NoError(t, o.Close())
		}
	}
	for name, b := range buckets(t) {
		t.Run(name, func(t *testing.T) {
			check(t, func(data []byte) { require.NoError(t, b.WriteAll(t.Context(), "x", data, nil)) }, b)
		})
	}
	t.Run("s3", func(t *testing.T) {
		b, s := s3(t)
		check(t, func(data []byte) { s.put("x", data) }, b)

		s.put("x", noise(1_000_000))
		o, err := gocloud.Open(t.Context(), b, "x", remote.Options{Backoff: time.Millisecond})
		require.NoError(t, err)
		defer o.Close()
		s.put("x", noise(1_000_000))
		_, err = o.ReadAt(make([]byte, 10), 500_000)
		require.ErrorIs(t, err, remote.ErrChanged, "by its time")
	})
}

// An image in a bucket of S3 is opened with two requests.
func TestImage(t *testing.T) {
	b, s := s3(t)
	data, err := os.ReadFile("../../../examples/testdata/sample.jp2")
	require.NoError(t, err)
	s.put("x", data)
	o, err := gocloud.Open(t.Context(), b, "x", remote.Options{})
	require.NoError(t, err)
	defer o.Close()
	f, err := jp2.NewFile(o, o.Size())
	require.NoError(t, err)
	require.Equal(t, 2048, f.Bounds().Dx())
	require.ElementsMatch(t, []string{"HEAD ", "GET bytes=0-81919"}, s.asked)
}

// The store's own retries are not all there is.
func TestFailuresThatPass(t *testing.T) {
	b, s := s3(t)
	s.put("x", noise(300_000))
	s.fails = func(i int, w http.ResponseWriter) bool {
		if i%2 == 0 {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	o, err := gocloud.Open(t.Context(), b, "x", remote.Options{Backoff: time.Millisecond})
	require.NoError(t, err)
	defer o.Close()
	p := make([]byte, 10)
	_, err = o.ReadAt(p, 200_000)
	require.NoError(t, err)
	require.Equal(t, noise(300_000)[200_000:200_010], p)
}
