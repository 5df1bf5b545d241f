package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReaderAt(t *testing.T) {
	for _, n := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, defaultAhead, defaultAhead + 1} {
		for _, options := range []Options{{}, {Ahead: -1}, {Ahead: 1 << 20}, {Ahead: -1, Cache: &Cache{Bytes: -1}}, {Cache: &Cache{Bytes: 3 * blockSize}}} {
			if options.Cache != nil && options.Cache.Bytes < 0 && n > 2*blockSize {
				continue // every byte is a request
			}
			g := &fakeGetter{data: noise(n)}
			obj, err := Open(t.Context(), g, options)
			require.NoError(t, err)
			require.EqualValues(t, n, obj.Size())
			require.NoError(t, iotest.TestReader(io.NewSectionReader(obj, 0, obj.Size()), g.data))
			_, err = obj.ReadAt(make([]byte, 1), obj.Size())
			require.Equal(t, io.EOF, err)
			_, err = obj.ReadAt(make([]byte, 1), 1<<62)
			require.Equal(t, io.EOF, err)
			_, err = obj.ReadAt(make([]byte, 1), -1)
			require.Error(t, err)
			require.NoError(t, obj.Close())
		}
	}
}

func TestURL(t *testing.T) {
	for _, n := range []int{0, 1, 5000, defaultAhead, defaultAhead + 1, 300_001} {
		o := serve(t, n)
		obj := o.object(t, Options{})
		require.Equal(t, Version{int64(n), `"one"`, o.modified}, obj.Version())
		got, err := io.ReadAll(io.NewSectionReader(obj, 0, obj.Size()))
		require.NoError(t, err)
		require.True(t, bytes.Equal(o.data, got))
	}
}

// Whatever goes wrong once is made good, and nothing is read wrong.
func TestFailuresThatPass(t *testing.T) {
	status := func(code int) func(*origin, http.ResponseWriter, *http.Request) {
		return func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, wrong := range map[string]func(o *origin, w http.ResponseWriter, r *http.Request){
		"408": status(408), "429": status(429), "500": status(500), "502": status(502), "503": status(503), "504": status(504),
		"refused": func(*origin, http.ResponseWriter, *http.Request) { hangUp() },
		"broken off": func(o *origin, w http.ResponseWriter, r *http.Request) {
			off, n := requested(r)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, min(off+n, int64(len(o.data)))-1, len(o.data)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(o.data[off : off+n/2])
			flush(w)
			hangUp()
		},
		"ended early": func(o *origin, w http.ResponseWriter, r *http.Request) {
			off, n := requested(r)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, min(off+n, int64(len(o.data)))-1, len(o.data)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(o.data[off : off+n/3]) // without Content-Length, so that nobody knows
			flush(w)
		},
		"stalled": func(o *origin, w http.ResponseWriter, r *http.Request) { stall(r) },
		"stalled in the body": func(o *origin, w http.ResponseWriter, r *http.Request) {
			off, n := requested(r)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, min(off+n, int64(len(o.data)))-1, len(o.data)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(o.data[off : off+n/2])
			flush(w)
			stall(r)
		},
		"another range": func(o *origin, w http.ResponseWriter, r *http.Request) {
			off, _ := requested(r)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off+1, off+1, len(o.data)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(o.data[:1])
		},
		"no Content-Range": func(o *origin, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(o.data[:1])
		},
		"several ranges": func(o *origin, w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Range", "bytes=0-1,4-5")
			http.ServeContent(w, r, "", o.modified, bytes.NewReader(o.data))
		},
		"an empty range": func(o *origin, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(o.data)))
			w.WriteHeader(http.StatusPartialContent)
		},
	} {
		for _, when := range []int{0, 1} {
			t.Run(fmt.Sprint(name, " ", when), func(t *testing.T) {
				o := serve(t, 900_000)
				o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
					if i != when {
						return false
					}
					wrong(o, w, r)
					return true
				}
				obj := o.object(t, Options{Timeout: 200 * time.Millisecond})
				for _, read := range []struct{ off, n int }{{500_000, 100}, {100, 3 * blockSize}, {300_000, 400_000}} {
					p := make([]byte, read.n)
					_, err := obj.ReadAt(p, int64(read.off))
					require.NoError(t, err)
					require.True(t, bytes.Equal(o.data[read.off:][:read.n], p))
				}
				require.NoError(t, obj.Close())
				// What is read ahead need not have been asked for again.
				require.LessOrEqual(t, o.requests(), 4, "%v", o.asked)
			})
		}
	}
}

// What arrived before an answer broke off is not asked for again.
func TestResume(t *testing.T) {
	o := serve(t, 4<<20)
	// Every answer ends after 100,000 bytes.
	o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
		off, n := requested(r)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, len(o.data)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(o.data[off : off+min(n, 100_000)])
		if flush(w); n > 100_000 {
			hangUp()
		}
		return true
	}
	obj := o.object(t, Options{Retries: 1})
	p := make([]byte, 1<<20)
	_, err := obj.ReadAt(p, 1<<20)
	require.NoError(t, err)
	require.True(t, bytes.Equal(o.data[1<<20:2<<20], p))
	require.Equal(t, 1+11, o.requests())
	o.idle(t)
	require.EqualValues(t, defaultAhead+1<<20, o.sent)
}

// A server may have a largest range of its own.
func TestRangesCutShort(t *testing.T) {
	o := serve(t, 4<<20)
	o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
		off, n := requested(r)
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+min(n, 50_000)-1))
		return false
	}
	obj := o.object(t, Options{Retries: -1})
	p := make([]byte, 1<<20)
	_, err := obj.ReadAt(p, 1<<20)
	require.NoError(t, err)
	require.True(t, bytes.Equal(o.data[1<<20:2<<20], p))

	// One that answers with next to nothing for ever does not get away with it.
	o.set(func() {
		o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
			off, _ := requested(r)
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+9))
			return false
		}
	})
	before := o.requests()
	_, err = obj.ReadAt(p, 1<<20)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, before+1, o.requests())
}

// A server that sends a little now and then does not hold up anybody for ever.
func TestDrip(t *testing.T) {
	o := serve(t, 1<<20)
	obj := o.object(t, Options{Retries: 1, Timeout: 50 * time.Millisecond})
	o.set(func() {
		o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
			off, n := requested(r)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, len(o.data)))
			w.WriteHeader(http.StatusPartialContent)
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{0})
				flush(w)
				time.Sleep(time.Millisecond)
			}
			return true
		}
	})
	_, err := obj.ReadAt(make([]byte, 10), 500_000)
	require.ErrorIs(t, err, errSlow)
	require.NotErrorIs(t, err, context.DeadlineExceeded, "it is nobody's context")
	require.Equal(t, 3, o.requests())
}

// What does not pass is not tried again.
func TestFailuresThatLast(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(o *origin, w http.ResponseWriter, r *http.Request)
		want   error
	}{
		"404": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, fs.ErrNotExist},
		"410": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, fs.ErrNotExist},
		"401": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, fs.ErrPermission},
		"403": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, fs.ErrPermission},
		"400": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, nil},
		"412": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(412) }, nil},
		"416": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(416) }, nil},
		"501": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(501) }, nil},
		"204": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, nil},
		"304": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, nil},
		"300": {func(_ *origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(300) }, nil},
		"compressed": {func(o *origin, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			http.ServeContent(w, r, "", o.modified, bytes.NewReader(o.data))
		}, errors.ErrUnsupported},
		"size unknown": {func(o *origin, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-9/*")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(o.data[:10])
		}, errors.ErrUnsupported},
		"no ranges": {func(o *origin, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(o.data)))
			_, _ = w.Write(o.data)
		}, errors.ErrUnsupported},
		"no ranges, no length": {func(o *origin, w http.ResponseWriter, _ *http.Request) {
			flush(w)
			_, _ = w.Write(o.data)
		}, errors.ErrUnsupported},
		"not before tomorrow": {func(_ *origin, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(503)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, 300_000)
			o.wrong = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				c.answer(o, w, r)
				return true
			}
			_, err := OpenURL(t.Context(), o.client, o.URL+"/?signature=secret", Options{})
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			} else {
				require.NotErrorIs(t, err, fs.ErrNotExist)
				require.NotErrorIs(t, err, ErrChanged)
				var status *StatusError
				require.ErrorAs(t, err, &status)
				require.Contains(t, name+"503", fmt.Sprint(status.Code))
			}
			require.NotContains(t, err.Error(), "secret")
			require.Equal(t, 1, o.requests())
		})
	}
}

// Of an answer that is not a range no more is taken than fits on the way.
func TestWholeIsNotRead(t *testing.T) {
	o := serve(t, 0)
	over := make(chan int64)
	o.wrong = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", fmt.Sprint(int64(100)<<30))
		p, sent := make([]byte, 1<<20), int64(0)
		for {
			n, err := w.Write(p)
			if sent += int64(n); err != nil {
				over <- sent
				return true
			}
		}
	}
	_, err := OpenURL(t.Context(), o.client, o.URL, Options{})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Less(t, <-over, int64(64<<20), "what the system keeps of a connection")
}

// What is small need not be answered in ranges.
func TestWholeOfSmall(t *testing.T) {
	o := serve(t, 5000)
	o.wrong = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Range")
		return false
	}
	obj := o.object(t, Options{})
	require.NoError(t, iotest.TestReader(io.NewSectionReader(obj, 0, obj.Size()), o.data))
	require.Equal(t, 1, o.requests())
}

// A server that answers ranges mostly is asked again.
func TestWholeNowAndThen(t *testing.T) {
	o := serve(t, 1<<20)
	o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
		if i%2 == 1 {
			r.Header.Del("Range")
		}
		return false
	}
	obj := o.object(t, Options{})
	p := make([]byte, 10)
	_, err := obj.ReadAt(p, 500_000)
	require.NoError(t, err)
	require.Equal(t, o.data[500_000:500_010], p)
	require.Equal(t, 3, o.requests())
}

func TestRedirect(t *testing.T) {
	o := serve(t, 1<<20)
	o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	obj := o.object(t, Options{})
	p := make([]byte, 10)
	_, err := obj.ReadAt(p, 500_000)
	require.NoError(t, err)
	require.Equal(t, o.data[500_000:500_010], p)
	require.Equal(t, 4, o.requests())

	no := errors.New("no")
	client := &http.Client{Transport: o.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return no }}
	_, err = OpenURL(t.Context(), client, o.URL, Options{})
	require.ErrorIs(t, err, no)
	require.Equal(t, 5, o.requests())
}

func TestAddress(t *testing.T) {
	for _, address := range []string{"", "x", "/x", "file:///etc/passwd", "ftp://example.org/x", "http:", "http://", "https:x", "http://a b/", "http://[::1"} {
		_, err := OpenURL(t.Context(), nil, address, Options{Retries: -1})
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "passwd")
	}
}

func TestChange(t *testing.T) {
	another := noise(1<<20 + 1)
	for name, change := range map[string]func(o *origin){
		"tag":                   func(o *origin) { o.etag = `"two"` },
		"tag, when held to it":  func(o *origin) { o.etag, o.wrong = `"two"`, careless },
		"weak tag":              func(o *origin) { o.etag = `W/"two"` },
		"size":                  func(o *origin) { o.data = another },
		"shorter":               func(o *origin) { o.data = another[:200_000] },
		"tag and whole answers": func(o *origin) { o.etag, o.wrong = `"two"`, whole },
		"412": func(o *origin) {
			o.wrong = func(_ int, w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(412); return true }
		},
		"416": func(o *origin) {
			o.wrong = func(_ int, w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(416); return true }
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, 1<<20)
			obj := o.object(t, Options{})
			require.False(t, obj.Changed())
			o.set(func() { change(o) })
			for range 2 {
				n, err := obj.ReadAt(make([]byte, 10), 500_000)
				require.ErrorIs(t, err, ErrChanged)
				require.Zero(t, n)
			}
			require.True(t, obj.Changed())
			_, err := obj.ReadAt(make([]byte, 10), 0)
			require.ErrorIs(t, err, ErrChanged, "what is known of it is the old one's")
			_, err = obj.ReadAt(make([]byte, direct), 0)
			require.ErrorIs(t, err, ErrChanged)
			require.Equal(t, 2, o.requests())
		})
	}
	t.Run("time", func(t *testing.T) {
		for _, answer := range []func(int, http.ResponseWriter, *http.Request) bool{nil, careless} {
			o := serve(t, 1<<20)
			o.etag = ""
			obj := o.object(t, Options{})
			o.set(func() { o.modified, o.wrong = o.modified.Add(time.Second), answer })
			_, err := obj.ReadAt(make([]byte, 10), 500_000)
			require.ErrorIs(t, err, ErrChanged)
		}
	})
	t.Run("while reading", func(t *testing.T) {
		o := serve(t, 1<<20)
		obj := o.object(t, Options{})
		o.set(func() {
			o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
				off, n := requested(r)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, len(o.data)))
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(o.data[off : off+n/2])
				flush(w)
				o.set(func() { o.etag, o.wrong = `"two"`, nil })
				hangUp()
				return true
			}
		})
		_, err := obj.ReadAt(make([]byte, direct), 500_000)
		require.ErrorIs(t, err, ErrChanged)
	})
}

// careless ignores conditions.
func careless(_ int, _ http.ResponseWriter, r *http.Request) bool {
	r.Header.Del("If-Match")
	r.Header.Del("If-Unmodified-Since")
	return false
}

// whole ignores conditions and ranges.
func whole(i int, w http.ResponseWriter, r *http.Request) bool {
	r.Header.Del("Range")
	return careless(i, w, r)
}

// What stays the same is not taken for changed.
func TestNoChange(t *testing.T) {
	for name, change := range map[string]func(o *origin){
		"another machine's clock": func(o *origin) { o.modified = o.modified.Add(-time.Hour) },
		"no time":                 func(o *origin) { o.modified = time.Time{} },
		"no tag":                  func(o *origin) { o.etag, o.wrong = "", careless },
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, 1<<20)
			obj := o.object(t, Options{})
			o.set(func() { change(o) })
			_, err := obj.ReadAt(make([]byte, 10), 500_000)
			require.NoError(t, err)
		})
	}
	for _, etag := range []string{`W/"weak"`, "odd", ""} {
		o := serve(t, 1<<20)
		o.etag = etag
		_, err := o.object(t, Options{}).ReadAt(make([]byte, 10), 500_000)
		require.NoError(t, err)
	}
}

// Reads cost as few requests as they can.
func TestRequests(t *testing.T) {
	const size = 8 << 20
	for name, c := range map[string]struct {
		options Options
		reads   []int // offset and length, in turn
		want    []string
	}{
		"what opening reads is there": {Options{}, []int{0, 12, 12, 5000, defaultAhead - 1, 1}, []string{"0-81919"}},
		"what is near is one request": {Options{Ahead: 64 << 10}, []int{1 << 20, 12, 1<<20 + 60_000, 1000, 1<<20 + 100, 40_000},
			[]string{"0-65535", "1048576-1114111"}},
		"blocks that are there are not asked for again": {Options{Ahead: 64 << 10}, []int{1<<20 + 20_000, 12, 1 << 20, 40_000},
			[]string{"0-65535", "1064960-1130495", "1048576-1064959"}},
		"what lies between is one request": {Options{Ahead: -1}, []int{5 * blockSize, 1, 9 * blockSize, 1, 4 * blockSize, 7 * blockSize},
			[]string{"0-16383", "81920-98303", "147456-163839", "65536-81919", "98304-147455", "163840-180223"}},
		"long reads are exact": {Options{Ahead: 64 << 10}, []int{1000, direct, 1000, direct}, []string{"0-65535", "1000-263143", "1000-263143"}},
		"the end":              {Options{Ahead: 64 << 10}, []int{size - 2, 2, size - 1, 5}, []string{"0-65535", "8372224-8388607"}},
		"going on reads more at once": {Options{Ahead: 64 << 10}, []int{1 << 20, 1, 1<<20 + 65536, 1, 1<<20 + 3*65536, 1, 1<<20 + 7*65536, 1},
			[]string{"0-65535", "1048576-1114111", "1114112-1245183", "1245184-1507327", "1507328-2031615"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, size)
			obj := o.object(t, c.options)
			for i := 0; i < len(c.reads); i += 2 {
				p := make([]byte, c.reads[i+1])
				n, err := obj.ReadAt(p, int64(c.reads[i]))
				if err != io.EOF {
					require.NoError(t, err)
				}
				require.True(t, bytes.Equal(o.data[c.reads[i]:][:n], p[:n]))
			}
			require.NoError(t, obj.Close()) // which lets requests end
			require.ElementsMatch(t, c.want, o.asked)
		})
	}
}

// A connection is used again once an answer has been read.
func TestConnections(t *testing.T) {
	o := serve(t, 1<<20)
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(o)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	obj, err := OpenURL(t.Context(), server.Client(), server.URL, Options{Ahead: -1})
	require.NoError(t, err)
	defer obj.Close()
	for off := int64(0); off < obj.Size()-direct; off += 3 * blockSize {
		_, err := obj.ReadAt(make([]byte, blockSize), off)
		require.NoError(t, err)
		_, err = obj.ReadAt(make([]byte, direct), off)
		require.NoError(t, err)
	}
	require.Greater(t, o.requests(), 20)
	require.LessOrEqual(t, connections.Load(), int64(3), "they are given back a little after the last byte")
}

// Those who want the same at the same time share a request.
func TestShared(t *testing.T) {
	o := serve(t, 1<<20)
	obj := o.object(t, Options{})
	leave := make(chan struct{})
	o.set(func() {
		o.wrong = func(int, http.ResponseWriter, *http.Request) bool { <-leave; return false }
	})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			p, off := make([]byte, 100), 500_000+100*i
			if _, err := obj.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, o.data[off:off+100]) {
				t.Error("not what is there", err)
			}
		})
	}
	waitFor(t, func() bool { return waiting(obj) == 50 })
	close(leave)
	wg.Wait()
	require.Equal(t, 2, o.requests())
}

// waiting is how many reads wait for what an object has asked for.
func waiting(o *Object) int {
	o.cache.mu.Lock()
	defer o.cache.mu.Unlock()
	n := 0
	seen := make(map[*flight]bool)
	for _, b := range o.blocks {
		if f := b.flight; f != nil && !seen[f] {
			seen[f] = true
			n += f.waiting
		}
	}
	return n
}

// Who leaves takes nothing from those who stay; when nobody stays, the request
// ends, and the next who comes makes another.
func TestCancel(t *testing.T) {
	o := serve(t, 1<<20)
	obj := o.object(t, Options{})
	leave := make(chan struct{})
	o.set(func() {
		o.wrong = func(i int, _ http.ResponseWriter, r *http.Request) bool {
			select {
			case <-leave:
			case <-r.Context().Done():
			}
			return false
		}
	})
	gone := errors.New("gone")
	errs := make(chan error)
	read := func(ctx context.Context, n int) {
		_, err := obj.ReadAtContext(ctx, make([]byte, n), 500_000)
		errs <- err
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go read(ctx, 10)
	go read(t.Context(), 10)
	waitFor(t, func() bool { return waiting(obj) == 2 })
	cancel(gone)
	require.ErrorIs(t, <-errs, gone)
	leave <- struct{}{}
	require.NoError(t, <-errs)
	require.Equal(t, 2, o.requests())

	for _, n := range []int{10, direct} {
		ctx, cancel := context.WithCancelCause(t.Context())
		before := o.requests()
		off := int64(800_000)
		read := func(ctx context.Context) {
			_, err := obj.ReadAtContext(ctx, make([]byte, n), off-int64(n))
			errs <- err
		}
		go read(ctx)
		go read(ctx)
		if n == direct {
			waitFor(t, func() bool { return o.requests() == before+2 })
		} else {
			waitFor(t, func() bool { return waiting(obj) == 2 && o.requests() == before+1 })
		}
		cancel(gone)
		require.ErrorIs(t, <-errs, gone)
		require.ErrorIs(t, <-errs, gone)
		o.idle(t)
		before = o.requests()
		go read(t.Context())
		leave <- struct{}{}
		require.NoError(t, <-errs)
		require.Equal(t, before+1, o.requests())
	}

	ctx, cancel = context.WithCancelCause(t.Context())
	cancel(gone)
	before := o.requests()
	_, err := obj.ReadAtContext(ctx, make([]byte, 10), 0)
	require.ErrorIs(t, err, gone)
	_, err = obj.ReadAtContext(ctx, make([]byte, direct), 0)
	require.ErrorIs(t, err, gone)
	_, err = OpenURL(ctx, o.client, o.URL, Options{})
	require.ErrorIs(t, err, gone)
	require.Equal(t, before, o.requests())
}

// The context of opening is not that of what comes later.
func TestContextOfOpening(t *testing.T) {
	o := serve(t, 1<<20)
	ctx, cancel := context.WithCancel(t.Context())
	obj, err := OpenURL(ctx, o.client, o.URL, Options{})
	require.NoError(t, err)
	defer obj.Close()
	cancel()
	_, err = obj.ReadAt(make([]byte, 10), 500_000)
	require.NoError(t, err)
}

func TestClose(t *testing.T) {
	for _, n := range []int{10, direct} {
		o := serve(t, 1<<20)
		obj := o.object(t, Options{})
		o.set(func() {
			o.wrong = func(_ int, _ http.ResponseWriter, r *http.Request) bool { stall(r); return true }
		})
		errs := make(chan error)
		go func() {
			_, err := obj.ReadAt(make([]byte, n), 500_000)
			errs <- err
		}()
		waitFor(t, func() bool { return o.requests() == 2 })
		require.NoError(t, obj.Close())
		require.ErrorIs(t, <-errs, fs.ErrClosed)
		for _, n := range []int{10, direct} {
			_, err := obj.ReadAt(make([]byte, n), 0)
			require.ErrorIs(t, err, fs.ErrClosed)
		}
		require.Zero(t, obj.cache.held)
		require.Zero(t, obj.cache.recent.Len())
		require.Empty(t, obj.blocks)
		require.Equal(t, 2, o.requests())
	}
}

// A cache that objects share stays within its bounds, and reads are right
// whatever others do.
func TestSharedCache(t *testing.T) {
	cache := &Cache{Bytes: 20 * blockSize}
	var objects []*Object
	var origins []*origin
	for i := range 3 {
		o := serve(t, 1<<20+i*1000)
		o.wrong = func(i int, w http.ResponseWriter, r *http.Request) bool {
			if i%7 == 3 {
				hangUp()
			}
			return false
		}
		origins = append(origins, o)
		objects = append(objects, o.object(t, Options{Cache: cache}))
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		rng := rand.New(rand.NewPCG(1, uint64(worker)))
		wg.Go(func() {
			for range 60 {
				k := rng.IntN(len(objects))
				off := rng.IntN(1 << 20)
				n := min(1+rng.IntN(1<<rng.IntN(19)), 1<<20-off)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(20))*time.Millisecond)
				p := make([]byte, n)
				got, err := objects[k].ReadAtContext(ctx, p, int64(off))
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if !bytes.Equal(p[:got], origins[k].data[off:off+got]) || err == nil && got < n {
					t.Error("not what is there")
				}
				cache.mu.Lock()
				if cache.held > cache.Bytes {
					t.Error("too much is kept")
				}
				cache.mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, obj := range objects {
		require.NoError(t, obj.Close())
	}
	require.Zero(t, cache.held)
	require.Zero(t, cache.recent.Len())
}

func TestBackoff(t *testing.T) {
	for name, c := range map[string]struct {
		options  Options
		err      error
		min, max time.Duration
		asked    int
	}{
		"default":     {Options{}, &StatusError{Code: 500}, 350 * time.Millisecond, 1050 * time.Millisecond, 4},
		"never":       {Options{Retries: -1}, &StatusError{Code: 500}, 0, 0, 1},
		"often":       {Options{Retries: 12, Backoff: time.Second}, io.ErrUnexpectedEOF, 15*time.Second + 8*15*time.Second, 3 * 271 * time.Second / 2, 13},
		"as told":     {Options{}, &StatusError{Code: 503, RetryAfter: 10 * time.Second}, 30 * time.Second, 30 * time.Second, 4},
		"not told":    {Options{}, &StatusError{Code: 503, RetryAfter: time.Millisecond}, 350 * time.Millisecond, 1050 * time.Millisecond, 4},
		"told to go":  {Options{}, &StatusError{Code: 503, RetryAfter: time.Hour}, 0, 0, 1},
		"final":       {Options{}, fmt.Errorf("gone: %w", fs.ErrNotExist), 0, 0, 1},
		"unsupported": {Options{}, errors.ErrUnsupported, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &fakeGetter{data: noise(1 << 20)}
				obj, err := Open(t.Context(), g, c.options)
				require.NoError(t, err)
				defer obj.Close()
				for _, n := range []int{10, direct} {
					g.asked, g.fails = 0, func(int) error { return c.err }
					start := time.Now()
					_, err = obj.ReadAt(make([]byte, n), 500_000)
					require.ErrorIs(t, err, c.err)
					require.GreaterOrEqual(t, time.Since(start), c.min)
					require.LessOrEqual(t, time.Since(start), c.max)
					require.Equal(t, c.asked, g.asked)
				}
				// It has not failed for good.
				g.fails = nil
				p := make([]byte, 10)
				_, err = obj.ReadAt(p, 500_000)
				require.NoError(t, err)
				require.Equal(t, g.data[500_000:500_010], p)

				// Waiting ends with the context.
				g.fails = func(int) error { return &StatusError{Code: 503, RetryAfter: longestWait} }
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				_, err = obj.ReadAtContext(ctx, make([]byte, 10), 900_000)
				if c.asked > 1 {
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.Equal(t, time.Second, time.Since(start))
				}
			})
		})
	}
}

// A Getter that does not keep its promises is not believed.
func TestGetterIsNotBelieved(t *testing.T) {
	open := func(p Part) error {
		obj, err := Open(t.Context(), getterFunc(func(context.Context, int64, int64, *Version) (*Part, error) {
			part := p
			part.Body = io.NopCloser(bytes.NewReader(make([]byte, 1<<20)))
			return &part, nil
		}), Options{Backoff: time.Microsecond})
		if err == nil {
			require.NoError(t, obj.Close())
		}
		return err
	}
	require.NoError(t, open(Part{Len: 1 << 40, Version: Version{Size: 10}}))
	require.ErrorIs(t, open(Part{Len: 10, Version: Version{Size: -1}}), errors.ErrUnsupported)
	require.ErrorIs(t, open(Part{Len: 0, Version: Version{Size: 10}}), io.ErrUnexpectedEOF)
	require.ErrorIs(t, open(Part{Len: -5, Version: Version{Size: 10}}), io.ErrUnexpectedEOF)
}

type getterFunc func(ctx context.Context, off, n int64, of *Version) (*Part, error)

func (f getterFunc) Get(ctx context.Context, off, n int64, of *Version) (*Part, error) {
	return f(ctx, off, n, of)
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "1.5": 0, "x": 0, "99999999999": 0,
		"Wed, 01 May 2024 12:00:07 GMT": 7 * time.Second, "Wed, 01 May 2024 11:00:07 GMT": 0,
	} {
		require.Equal(t, want, retryAfter(s, now), s)
	}
}
