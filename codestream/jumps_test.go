package codestream_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// A slowReader takes a while for each read, and can fail.
type slowReader struct {
	*bytes.Reader
	delay  time.Duration
	reads  atomic.Int64
	failAt int64 // number of the read that fails, from 1; 0: none
	err    error
}

func (r *slowReader) ReadAt(p []byte, off int64) (int, error) {
	time.Sleep(r.delay)
	if r.reads.Add(1) == r.failAt {
		return 0, r.err
	}
	return r.Reader.ReadAt(p, off)
}

// slowIndex is an index over a slow reader, which is not slow yet.
func slowIndex(t *testing.T, data []byte) (*codestream.Index, *slowReader) {
	r := &slowReader{Reader: bytes.NewReader(data)}
	h, err := codestream.ReadHeader(r, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	return codestream.NewIndex(r, h), r
}

// farHeads is a stream with packet lengths and a window that needs headers of
// packets which lie far apart.
func farHeads(t *testing.T) ([]byte, codestream.Window) {
	return compressed(t, 700, 700, "-PLT -r 40,20,10,6,4,2,1 -mct 0"),
		codestream.Window{Area: image.Rect(300, 300, 310, 310)}
}

// Packet headers that lie apart are read at the same time, and told of one after
// the other.
func TestHeadsAreReadTogether(t *testing.T) {
	data, w := farHeads(t)
	synctest.Test(t, func(t *testing.T) {
		x, r := slowIndex(t, data)
		require.NoError(t, x.Prepare(t.Context(), 0))
		r.delay = 20 * time.Millisecond
		before := r.reads.Load()
		told, telling := int64(0), false
		ctx := codestream.WithTrace(t.Context(), &codestream.Trace{Read: func(int64, []byte, time.Duration, error) {
			require.False(t, telling)
			telling = true
			runtime.Gosched() // others may have their turn
			told++
			telling = false
		}})
		start := time.Now()
		_, err := x.Select(ctx, w)
		require.NoError(t, err)
		took, reads := time.Since(start), r.reads.Load()-before
		require.Equal(t, reads, told)
		require.Greater(t, reads, int64(10))
		require.Less(t, took, time.Duration(reads)*r.delay/3, "%d reads", reads)
	})
}

// The read that fails is what comes of it, and the next call does better.
func TestHeadsThatAreNotRead(t *testing.T) {
	data, w := farHeads(t)
	x, _ := slowIndex(t, data)
	want, err := x.Select(t.Context(), w)
	require.NoError(t, err)
	lost := errors.New("lost")
	x, r := slowIndex(t, data)
	require.NoError(t, x.Prepare(t.Context(), 0))
	for i := range int64(8) {
		r.err, r.failAt = lost, r.reads.Load()+1+i
		_, err := x.Select(t.Context(), w)
		require.ErrorIs(t, err, lost)
		require.NotErrorIs(t, err, codestream.ErrFormat)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = x.Select(ctx, w)
	require.ErrorIs(t, err, context.Canceled)
	got, err := x.Select(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, want.Spans(), got.Spans())
}

func TestPrepare(t *testing.T) {
	data := compressed(t, 300, 200, "-t 100,100 -TLM")
	x, r := slowIndex(t, data)
	for _, tile := range []int{-1, 6} {
		require.Error(t, x.Prepare(t.Context(), tile))
	}
	require.NoError(t, x.Prepare(t.Context(), 4))
	before := r.reads.Load()
	require.NoError(t, x.Prepare(t.Context(), 4))
	_, err := x.TileParts(t.Context(), 4)
	require.NoError(t, err)
	require.Equal(t, before, r.reads.Load(), "its headers are known")

	r.err, r.failAt = errors.New("lost"), before+1
	require.ErrorIs(t, x.Prepare(t.Context(), 5), r.err)
	require.NoError(t, x.Prepare(t.Context(), 5))

	sidecar, err := x.Sidecar(t.Context(), "")
	require.NoError(t, err)
	x, err = codestream.OpenSidecar(r, x.Header(), sidecar, "")
	require.NoError(t, err)
	before = r.reads.Load()
	for tile := range 6 {
		require.NoError(t, x.Prepare(t.Context(), tile))
	}
	require.Equal(t, before, r.reads.Load(), "nothing is left to be known")
}
