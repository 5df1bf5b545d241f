package iiif

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// readAll reads a flight to its end.
func readAll(t *testing.T, r *flightReader) (string, error) {
	defer r.Close()
	var b bytes.Buffer
	for {
		p, err := r.Next(t.Context())
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		b.Write(p)
	}
}

func TestFlightIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights
		runs, kept := 0, ""
		run := func(ctx context.Context, w io.Writer) error {
			runs++
			for _, s := range []string{"one ", "", "two ", "three"} {
				time.Sleep(time.Second)
				_, err := io.WriteString(w, s)
				require.NoError(t, err)
			}
			return nil
		}
		keep := func(_ context.Context, data []byte) { kept = string(data) }
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 300 * time.Millisecond)
				r, started := f.join(t.Context(), Key{1}, 100, run, keep)
				require.Equal(t, i == 0, started)
				got, err := readAll(t, r)
				require.NoError(t, err)
				require.Equal(t, "one two three", got)
			})
		}
		wg.Wait()
		synctest.Wait()
		require.Equal(t, 1, runs)
		require.Equal(t, "one two three", kept)
		require.Empty(t, f.byKey)

		r, started := f.join(t.Context(), Key{1}, 100, run, keep)
		require.True(t, started)
		_, err := readAll(t, r)
		require.NoError(t, err)
	})
}

func TestFlightStopsWhenAllHaveLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights
		var cause error
		run := func(ctx context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "beginning")
			require.NoError(t, err)
			<-ctx.Done()
			cause = context.Cause(ctx)
			_, err = io.WriteString(w, "more")
			return err
		}
		kept := false
		ctx, cancel := context.WithCancel(t.Context())
		a, _ := f.join(ctx, Key{}, 100, run, func(context.Context, []byte) { kept = true })
		b, _ := f.join(t.Context(), Key{}, 100, run, nil)
		_, err := a.Next(t.Context())
		require.NoError(t, err)
		cancel() // the end of the first request is not that of the run
		_, err = a.Next(ctx)
		require.ErrorIs(t, err, context.Canceled)
		a.Close()
		synctest.Wait()
		require.NoError(t, cause)
		b.Close()
		synctest.Wait()
		require.Equal(t, errAbandoned, cause)
		require.False(t, kept)
		require.Empty(t, f.byKey)
	})
}

func TestFlightWaitsForTheSlowest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights
		var written atomic.Int32
		run := func(ctx context.Context, w io.Writer) error {
			for range 20 {
				n, err := w.Write(make([]byte, 10))
				written.Add(int32(n))
				if err != nil {
					return err
				}
			}
			return nil
		}
		kept := false
		keep := func(context.Context, []byte) { kept = true }
		a, _ := f.join(t.Context(), Key{}, 35, run, keep)
		b, _ := f.join(t.Context(), Key{}, 35, run, keep)
		synctest.Wait()
		require.Equal(t, int32(30), written.Load())
		_, err := a.Next(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, int32(30), written.Load(), "b is slower")
		_, err = b.Next(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, int32(40), written.Load())

		// The beginning is gone: a latecomer needs a run of its own.
		c, started := f.join(t.Context(), Key{}, 35, run, keep)
		require.True(t, started)
		c.Close()

		b.Close()
		got, err := readAll(t, a)
		require.NoError(t, err)
		require.Len(t, got, 190)
		synctest.Wait()
		require.False(t, kept)
	})
}

// Slow readers of many results do not fill the memory.
func TestFlightsHoldLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights
		const pieces, piece, slow = 40, 256 << 10, 30
		run := func(ctx context.Context, w io.Writer) error {
			for range pieces {
				if _, err := w.Write(make([]byte, piece)); err != nil {
					return err
				}
			}
			return nil
		}
		var wg sync.WaitGroup
		for i := range slow {
			wg.Go(func() {
				r, _ := f.join(t.Context(), Key{byte(i)}, 16<<20, run, nil)
				time.Sleep(time.Second)
				got := 0
				for {
					p, err := r.Next(t.Context())
					if err == io.EOF {
						break
					}
					require.NoError(t, err)
					got += len(p)
					require.LessOrEqual(t, f.held.Load(), int64(heldAtMost+slow*piece))
					time.Sleep(time.Millisecond)
				}
				require.Equal(t, pieces*piece, got)
				r.Close()
			})
		}
		wg.Wait()
		synctest.Wait()
		require.Zero(t, f.held.Load())
		require.Empty(t, f.byKey)
	})
}

func TestFlightFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights
		failure := errors.New("failure")
		kept := false
		r, _ := f.join(t.Context(), Key{}, 100, func(_ context.Context, w io.Writer) error {
			_, _ = io.WriteString(w, "half")
			return failure
		}, func(context.Context, []byte) { kept = true })
		got, err := readAll(t, r)
		require.Equal(t, failure, err)
		require.Equal(t, "half", got)

		r, _ = f.join(t.Context(), Key{}, 100, func(context.Context, io.Writer) error { panic("oops") }, nil)
		_, err = readAll(t, r)
		require.ErrorContains(t, err, "oops")
		synctest.Wait()
		require.False(t, kept)
		require.Empty(t, f.byKey)
	})
}

// Readers come and go at random, and each gets everything or leaves.
func TestFlightsUnderLoad(t *testing.T) {
	var f flights
	var running, runs atomic.Int32
	want := bytes.Repeat([]byte("0123456789"), 100)
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, _ := f.join(ctx, Key{byte(i % 3)}, 250, func(ctx context.Context, w io.Writer) error {
				runs.Add(1)
				running.Add(1)
				defer running.Add(-1)
				for p := range bytes.SplitAfterSeq(want, []byte("9")) {
					if _, err := w.Write(p); err != nil {
						return err
					}
				}
				return nil
			}, nil)
			defer r.Close()
			var got []byte
			for {
				p, err := r.Next(ctx)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Errorf("reader %d: %v", i, err)
					return
				}
				if got = append(got, p...); i%4 == 0 && len(got) > 300 {
					return
				}
			}
			if !bytes.Equal(want, got) {
				t.Errorf("reader %d got something else", i)
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool { return running.Load() == 0 && f.held.Load() == 0 }, 5*time.Second, time.Millisecond)
	require.Positive(t, runs.Load())
}
