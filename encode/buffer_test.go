package encode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// start returns a buffer before w and the context it ends.
func start(t *testing.T, w io.Writer) *buffer {
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return newBuffer(ctx, cancel, w)
}

func TestBufferKeepsBytes(t *testing.T) {
	var got bytes.Buffer
	b := start(t, &got)
	var want []byte
	for n := range 300 {
		p := bytes.Repeat([]byte{byte(n)}, n*n%7001)
		want = append(want, p...)
		m, err := b.Write(p)
		require.NoError(t, err)
		require.Equal(t, len(p), m)
		clear(p) // it is ours again
		if n%50 == 0 {
			b.flush()
		}
	}
	require.NoError(t, b.finish())
	require.Equal(t, want, got.Bytes())
	require.NoError(t, b.abort(), "after finish")
}

// With a Writer that hangs, two halves fill and then Write waits; cancelling ends
// the wait, and abort waits for the Writer alone.
func TestBufferSlowWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		ctx, cancel := context.WithCancelCause(context.Background())
		calls := 0
		b := newBuffer(ctx, cancel, writerFunc(func(p []byte) (int, error) {
			calls++
			<-release
			return len(p), nil
		}))
		taken := 0
		wrote := make(chan error)
		go func() {
			for {
				n, err := b.Write(make([]byte, 1000))
				if taken += n; err != nil {
					wrote <- err
					return
				}
			}
		}()
		synctest.Wait()
		require.Equal(t, 2*bufferSize/1000*1000, taken) // the next one waits
		cause := errors.New("viewer left")
		cancel(cause)
		require.ErrorIs(t, <-wrote, cause)
		go func() { wrote <- b.abort() }()
		synctest.Wait()
		select {
		case <-wrote:
			t.Fatal("abort does not wait for the Writer")
		default:
		}
		close(release)
		require.NoError(t, <-wrote)
		require.Equal(t, 1, calls, "written after cancelling")
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestBufferErrors(t *testing.T) {
	bad := errors.New("bad")
	for _, tt := range []struct {
		n    int
		err  error
		want error
	}{
		{10, bad, bad}, {0, bad, bad}, {3, nil, io.ErrShortWrite},
		{0, nil, io.ErrShortWrite}, {-1, nil, io.ErrShortWrite}, {11, nil, io.ErrShortWrite},
	} {
		b := start(t, writerFunc(func([]byte) (int, error) { return tt.n, tt.err }))
		_, err := b.Write(make([]byte, 10))
		require.NoError(t, err)
		require.ErrorIs(t, b.finish(), tt.want)
		require.ErrorIs(t, b.abort(), tt.want)
		require.ErrorIs(t, context.Cause(b.ctx), tt.want)
		_, err = b.Write(make([]byte, 3*bufferSize))
		require.ErrorIs(t, err, tt.want)
	}
}

func TestBufferPanicOfWriter(t *testing.T) {
	b := start(t, writerFunc(func([]byte) (int, error) { panic("ouch") }))
	_, err := b.Write(make([]byte, 10))
	require.NoError(t, err)
	require.PanicsWithValue(t, "ouch", func() { b.finish() })
	require.NotPanics(t, func() { b.abort() })
}

type flusher struct {
	io.Writer
	flushes *int
}

func (f flusher) Flush() { *f.flushes++ }

type flusherError struct{ flusher }

func (f flusherError) Flush() error { f.flusher.Flush(); return io.ErrClosedPipe }

type responseFlusher struct{ flusher }

func (f responseFlusher) FlushError() error { *f.flushes += 10; return nil }

func TestFlush(t *testing.T) {
	n := 0
	f := flusher{io.Discard, &n}
	require.NoError(t, flush(io.Discard))
	require.NoError(t, flush(f))
	require.Equal(t, 1, n)
	require.ErrorIs(t, flush(flusherError{f}), io.ErrClosedPipe)
	require.Equal(t, 2, n)
	require.NoError(t, flush(responseFlusher{f}))
	require.Equal(t, 12, n)
}
