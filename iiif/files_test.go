package iiif

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// A fakeSource opens images without anything in them and counts.
type fakeSource struct {
	mu      sync.Mutex
	takes   time.Duration
	fails   error
	version string
	changed bool // images of other versions know that there is another
	opened  map[string]int
	open    int // at this moment
	stats   int
	statErr error
}

func (s *fakeSource) Open(ctx context.Context, id string) (*Image, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return nil, s.fails
	}
	if s.opened == nil {
		s.opened = make(map[string]int)
	}
	s.opened[id]++
	s.open++
	closed, version := false, s.version
	return &Image{Changed: func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.changed && version != s.version
	}, Stamp: Stamp{Version: s.version}, Close: func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if closed {
			panic("closed twice")
		}
		closed = true
		s.open--
		return nil
	}}, nil
}

func (s *fakeSource) Stat(context.Context, string) (Stamp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats++
	return Stamp{Version: s.version}, s.statErr
}

func TestFilesShareAnOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSource{takes: time.Second}
		f := &Files{Source: s}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				image, release, err := f.Open(t.Context(), "a")
				require.NoError(t, err)
				require.NotNil(t, image)
				time.Sleep(time.Millisecond)
				release()
				release()
			})
		}
		wg.Wait()
		require.Equal(t, map[string]int{"a": 1}, s.opened)
		require.Equal(t, 1, s.open)
		require.NoError(t, f.Close())
		require.Zero(t, s.open)
		_, _, err := f.Open(t.Context(), "a")
		require.ErrorIs(t, err, errClosed)
	})
}

func TestFilesStopAnOpeningThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSource{takes: time.Hour}
		f := &Files{Source: s}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := f.Open(ctx, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Equal(t, time.Second, time.Since(start))
		require.Empty(t, f.byID)
		require.Zero(t, s.open)
		s.takes = 0
		_, release, err := f.Open(t.Context(), "a")
		require.NoError(t, err)
		release()
	})
}

func TestFilesForgetFailures(t *testing.T) {
	s := &fakeSource{fails: errors.New("failure")}
	f := &Files{Source: s}
	_, _, err := f.Open(t.Context(), "a")
	require.Equal(t, s.fails, err)
	s.fails = nil
	_, release, err := f.Open(t.Context(), "a")
	require.NoError(t, err)
	release()

	f = &Files{Source: SourceFunc(func(context.Context, string) (*Image, error) { panic("oops") })}
	_, _, err = f.Open(t.Context(), "a")
	require.ErrorContains(t, err, "oops")
}

func TestFilesNoticeChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSource{version: "1"}
		f := &Files{Source: s, Fresh: time.Minute}
		open := func(want string) {
			image, release, err := f.Open(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, want, image.Stamp.Version)
			release()
		}
		old, releaseOld, err := f.Open(t.Context(), "a")
		require.NoError(t, err)
		s.version = "2"
		open("1") // not looked at yet
		time.Sleep(2 * time.Minute)
		open("2")
		require.Equal(t, "1", old.Stamp.Version)
		require.Equal(t, 2, s.open, "the old one is in use")
		releaseOld()
		require.Equal(t, 1, s.open)

		time.Sleep(2 * time.Minute)
		s.statErr = errors.New("failure")
		open("2")
		s.statErr = fs.ErrNotExist
		_, _, err = f.Open(t.Context(), "a")
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.Zero(t, s.open)

		f = &Files{Source: s, Fresh: -1}
		open("2")
		stats := s.stats
		time.Sleep(time.Hour)
		open("2")
		require.Equal(t, stats, s.stats)
		s.version = "3"
		open("2")
		s.changed = true
		open("3")
	})
}

func TestFilesAreBounded(t *testing.T) {
	s := &fakeSource{}
	f := &Files{Source: s, Most: 10}
	look := func(id string) {
		_, release, err := f.Open(t.Context(), id)
		require.NoError(t, err)
		release()
	}
	_, held, err := f.Open(t.Context(), "held")
	require.NoError(t, err)
	for range 2 {
		for i := range 5 {
			look(fmt.Sprint("often ", i))
		}
	}
	for i := range 100 {
		look(fmt.Sprint("once ", i))
		require.LessOrEqual(t, s.open, 10)
	}
	for i := range 5 {
		look(fmt.Sprint("often ", i))
		require.Equal(t, 1, s.opened[fmt.Sprint("often ", i)], "a walk through everything closes nothing in use")
	}
	require.Equal(t, 1, s.opened["held"])
	held()

	s = &fakeSource{}
	f = &Files{Source: s, Bytes: 5 * fileOverhead}
	for i := range 20 {
		look(fmt.Sprint(i))
		require.LessOrEqual(t, s.open, 5)
		require.Equal(t, int64(s.open*fileOverhead), f.bytes)
	}
}

func TestFilesUnderLoad(t *testing.T) {
	s := &fakeSource{takes: 50 * time.Microsecond, version: "1"}
	f := &Files{Source: s, Most: 4, Fresh: time.Microsecond}
	var wg sync.WaitGroup
	for i := range 16 {
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		wg.Go(func() {
			for range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(300))*time.Microsecond)
				_, release, err := f.Open(ctx, fmt.Sprint(rng.IntN(8)))
				if err == nil {
					release()
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				cancel()
				if rng.IntN(20) == 0 {
					s.mu.Lock()
					s.version += "1"
					s.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, f.Close())
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.open == 0
	}, 5*time.Second, time.Millisecond)
}

func TestDirShowsNothingOutside(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "images")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub", ".hidden"), 0o755))
	write := func(name string) {
		require.NoError(t, os.WriteFile(name, []byte("not an image"), 0o644))
	}
	for _, name := range []string{"a.jp2", "sub/b.jp2", ".hidden", "sub/.hidden/c", "..x", "sub/é"} {
		write(filepath.Join(dir, name))
	}
	write(filepath.Join(outer, "secret"))
	require.NoError(t, os.Symlink(filepath.Join(outer, "secret"), filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("../secret", filepath.Join(dir, "relative")))
	require.NoError(t, os.Symlink("a.jp2", filepath.Join(dir, "inside")))
	require.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))

	d := Dir(dir)
	for _, id := range []string{"a.jp2", "sub/b.jp2", "inside", "sub/é"} {
		_, err := d.Open(t.Context(), id)
		require.ErrorIs(t, err, codestream.ErrFormat, id)
		stamp, err := d.Stat(t.Context(), id)
		require.NoError(t, err)
		require.NotEmpty(t, stamp.Version)
	}
	for _, id := range []string{
		"", ".", "..", "/", "//", "sub", "sub/", "/a.jp2", "./a.jp2", "a.jp2/", "sub//b.jp2", "sub/../a.jp2",
		"../secret", "sub/../../secret", "../images/a.jp2", filepath.Join(outer, "secret"), "/etc/passwd",
		"link", "relative", "loop", ".hidden", "sub/.hidden/c", "..x", "a.jp2\x00", "\x00", "a.jp2/x",
		"..\\secret", "%2e%2e/secret", "..%2fsecret", "\xff", strings.Repeat("a", 300), strings.Repeat("a/", 5000) + "a",
		strings.Repeat("../", 50) + "etc/passwd", "missing",
	} {
		_, err := d.Open(t.Context(), id)
		require.ErrorIs(t, err, fs.ErrNotExist, "%q", id)
		require.Less(t, len(err.Error()), 1000)
		_, err = d.Stat(t.Context(), id)
		require.ErrorIs(t, err, fs.ErrNotExist, "%q", id)
	}
}

func TestDirDoesNotBlock(t *testing.T) {
	dir := t.TempDir()
	if err := mkfifo(filepath.Join(dir, "pipe")); err != nil {
		t.Skip(err)
	}
	_, err := Dir(dir).Open(t.Context(), "pipe")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// What an open image takes is what its index has grown to.
func TestFilesWeighIndexes(t *testing.T) {
	f := &Files{Source: Dir("../examples/testdata")}
	defer f.Close()
	image, release, err := f.Open(t.Context(), "sample.jp2")
	require.NoError(t, err)
	before := f.bytes
	require.Equal(t, int64(fileOverhead)+fileBytes(image.File), before)
	require.NoError(t, image.File.Index().Load(t.Context()))
	release()
	require.Greater(t, f.bytes, before)
	require.Equal(t, int64(fileOverhead)+fileBytes(image.File), f.bytes)
}
