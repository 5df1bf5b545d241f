package remote_test

import (
	"context"
	"errors"
	"image"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/jp2/remote"
	"github.com/stria-j2k/stria/tile"
)

const sample = "../../examples/testdata/sample.jp2"

// Reading ends with contexts.
var _ codestream.ContextReaderAt = (*remote.Object)(nil)

// serveSample serves the sample image and counts. Of the requests whose numbers
// broken says so, the answer breaks off.
func serveSample(t *testing.T, broken func(i int64) bool) (address string, c *http.Client, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken(requests.Add(1)) {
			w = &breaksOff{w, 10_000}
		}
		http.ServeFile(w, r, sample)
	}))
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return server.URL, &http.Client{Transport: transport}, requests
}

// A breaksOff is a ResponseWriter that breaks the connection after some bytes.
type breaksOff struct {
	http.ResponseWriter
	left int
}

func (b *breaksOff) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return b.ResponseWriter.Write(p)
}

// assembled is all that is read for a region, as a codestream.
func assembled(ctx context.Context, f *jp2.File, area image.Rectangle) ([]byte, error) {
	p, err := new(tile.Decoder).Plan(f, tile.Request{Region: area})
	if err != nil {
		return nil, err
	}
	var out []byte
	for w := range p.Windows() {
		s, err := f.Index().Select(ctx, w)
		if err != nil {
			return nil, err
		}
		a, err := s.Assemble()
		if err != nil {
			return nil, err
		}
		if out, err = a.AppendTo(out, f.Source()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Opening an image is one request, and a tile a few.
func TestImageRequests(t *testing.T) {
	address, client, requests := serveSample(t, func(int64) bool { return false })
	o, err := remote.OpenURL(t.Context(), client, address, remote.Options{})
	require.NoError(t, err)
	defer o.Close()
	file, err := jp2.NewFile(o, o.Size())
	require.NoError(t, err)
	require.EqualValues(t, 1, requests.Load())
	for _, c := range []struct {
		at   image.Point
		most int64
	}{
		{image.Pt(1024, 768), 2}, // its tile-part
		{image.Pt(1024, 768), 0}, // all is there
		{image.Pt(1280, 512), 0}, // of the same tile
		{image.Pt(0, 0), 0},      // near the header
		{image.Pt(1500, 1000), 2},
	} {
		before := requests.Load()
		_, err := assembled(t.Context(), file, image.Rectangle{Min: c.at, Max: c.at.Add(image.Pt(256, 256))})
		require.NoError(t, err)
		require.LessOrEqual(t, requests.Load()-before, c.most, c.at)
	}
}

// Whatever goes wrong on the way, and however many read, what comes is what the
// file has.
func TestImageIsThatOfTheFile(t *testing.T) {
	local, err := jp2.Open(sample)
	require.NoError(t, err)
	defer local.Close()
	for _, options := range []remote.Options{{}, {Ahead: -1, Cache: &remote.Cache{Bytes: 100_000}}} {
		address, client, requests := serveSample(t, func(i int64) bool { return i%3 != 0 })
		options.Backoff, options.Retries = time.Microsecond, 20
		o, err := remote.OpenURL(t.Context(), client, address, options)
		require.NoError(t, err)
		file, err := jp2.NewFile(o, o.Size())
		require.NoError(t, err)
		var wg sync.WaitGroup
		for worker := range 4 {
			rng := rand.New(rand.NewPCG(2, uint64(worker)))
			wg.Go(func() {
				for range 8 {
					at := image.Pt(rng.IntN(2000), rng.IntN(1500))
					area := image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rng.IntN(300), 1+rng.IntN(300)))}
					want, err := assembled(t.Context(), local, area)
					if err != nil {
						t.Error(err)
					}
					got, err := assembled(t.Context(), file, area)
					if err != nil || string(want) != string(got) {
						t.Error("not what is in the file", area, err)
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, o.Close())
		require.Greater(t, requests.Load(), int64(10))
	}
}

// Cancelling ends the wait for a server that does not answer.
func TestImageCancelled(t *testing.T) {
	stall, asked := make(chan struct{}), make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Unmodified-Since") != "" {
			asked <- struct{}{}
			<-stall
		}
		http.ServeFile(w, r, sample)
	}))
	defer server.Close()
	defer close(stall)
	o, err := remote.OpenURL(t.Context(), server.Client(), server.URL, remote.Options{})
	require.NoError(t, err)
	defer o.Close()
	file, err := jp2.NewFile(o, o.Size())
	require.NoError(t, err)
	p, err := new(tile.Decoder).Plan(file, tile.Request{Region: image.Rect(1000, 1000, 1200, 1200)})
	require.NoError(t, err)
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	failed := make(chan error)
	go func() {
		_, err := p.Image(ctx)
		failed <- err
	}()
	<-asked
	cancel(gone)
	require.ErrorIs(t, <-failed, gone)
}

// Opening what is no image reads no more than opening one.
func TestNoImage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, os.Args[0])
	}))
	defer server.Close()
	o, err := remote.OpenURL(t.Context(), server.Client(), server.URL, remote.Options{})
	require.NoError(t, err)
	defer o.Close()
	_, err = jp2.NewFile(o, o.Size())
	require.ErrorIs(t, err, codestream.ErrFormat)
}
