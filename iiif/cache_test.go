package iiif_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/iiiftest"
)

func TestCaches(t *testing.T) {
	for name, c := range map[string]iiif.Cache{
		"memory":  &iiif.MemoryCache{Bytes: 1 << 20},
		"dir":     &iiif.DirCache{Dir: filepath.Join(t.TempDir(), "not", "there"), Bytes: 1 << 20},
		"endless": &iiif.DirCache{Dir: t.TempDir(), Bytes: -1},
		"tiers":   iiif.Tiers{&iiif.MemoryCache{}, &iiif.DirCache{Dir: t.TempDir()}},
		"failed":  iiif.Tiers{failing{}, &iiif.MemoryCache{}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "failed" {
				c = gets{c}
			}
			iiiftest.TestCache(t, c)
		})
	}
}

// failing is a cache that is out of order.
type failing struct{}

var errFailing = errors.New("out of order")

func (failing) Get(context.Context, iiif.Key) ([]byte, error) { return nil, errFailing }
func (failing) Put(context.Context, iiif.Key, []byte) error   { return errFailing }

// gets is a cache whose failures to put are not looked at.
type gets struct{ iiif.Cache }

func (g gets) Put(ctx context.Context, key iiif.Key, data []byte) error {
	_ = g.Cache.Put(ctx, key, data)
	return nil
}

func TestNewKey(t *testing.T) {
	require.Equal(t, iiif.NewKey("a", "b"), iiif.NewKey("a", "b"))
	require.NotEqual(t, iiif.NewKey("a", "b"), iiif.NewKey("ab"))
	require.NotEqual(t, iiif.NewKey("a", "b"), iiif.NewKey("b", "a"))
	require.NotEqual(t, iiif.NewKey("a"), iiif.NewKey("a", ""))
	require.Len(t, iiif.NewKey().String(), 64)
}

func TestTiers(t *testing.T) {
	front, back := &iiif.MemoryCache{}, &iiif.MemoryCache{}
	tiers := iiif.Tiers{failing{}, front, back}
	key := iiif.NewKey("a")

	_, err := tiers.Get(t.Context(), key)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, err, errFailing)

	require.NoError(t, back.Put(t.Context(), key, []byte("data")))
	got, err := tiers.Get(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, "data", string(got))
	got, err = front.Get(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, "data", string(got))

	require.ErrorIs(t, tiers.Put(t.Context(), iiif.NewKey("b"), []byte("more")), errFailing)
	for _, c := range []iiif.Cache{front, back} {
		got, err = c.Get(t.Context(), iiif.NewKey("b"))
		require.NoError(t, err)
		require.Equal(t, "more", string(got))
	}
}

func TestMemoryCacheIsBounded(t *testing.T) {
	c := &iiif.MemoryCache{Bytes: 100_000}
	require.NoError(t, c.Put(t.Context(), iiif.NewKey("large"), make([]byte, 50_000)))
	_, err := c.Get(t.Context(), iiif.NewKey("large"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	for i := range 1000 {
		require.NoError(t, c.Put(t.Context(), iiif.NewKey(fmt.Sprint(i)), make([]byte, 5000)))
	}
	require.Eventually(t, func() bool {
		kept := 0
		for i := range 1000 {
			if _, err := c.Get(t.Context(), iiif.NewKey(fmt.Sprint(i))); err == nil {
				kept++
			}
		}
		return kept > 0 && kept <= 20
	}, 20*time.Second, time.Millisecond)
}

// size is what the files below dir hold together, and how many there are.
func size(t *testing.T, dir string) (bytes int64, files int) {
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		bytes += info.Size()
		files++
		return err
	}))
	return bytes, files
}

func TestDirCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	// Two processes.
	caches := []*iiif.DirCache{{Dir: dir, Bytes: 160_000}, {Dir: dir, Bytes: 160_000}}
	for i := range 200 {
		require.NoError(t, caches[i%2].Put(t.Context(), iiif.NewKey(fmt.Sprint(i)), make([]byte, 5000)))
	}
	total, files := size(t, dir)
	require.LessOrEqual(t, total, int64(160_000+2*15_000))
	require.Greater(t, files, 15)
	_, err := caches[0].Get(t.Context(), iiif.NewKey("199"))
	require.NoError(t, err, "the newest stays")

	require.NoError(t, caches[0].Put(t.Context(), iiif.NewKey("large"), make([]byte, 100_000)))
	_, err = caches[0].Get(t.Context(), iiif.NewKey("large"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestDirCacheDropsWhatWasNotUsedForLongest(t *testing.T) {
	dir := t.TempDir()
	c := &iiif.DirCache{Dir: dir, Bytes: 160_000}
	long := time.Now().Add(-100 * time.Hour)
	for i := range 20 {
		require.NoError(t, c.Put(t.Context(), iiif.NewKey(fmt.Sprint(i)), make([]byte, 5000)))
		name := iiif.NewKey(fmt.Sprint(i)).String()
		require.NoError(t, os.Chtimes(filepath.Join(dir, name[:2], name[2:]), long, long))
	}
	_, err := c.Get(t.Context(), iiif.NewKey("3"))
	require.NoError(t, err)
	for i := range 20 {
		require.NoError(t, c.Put(t.Context(), iiif.NewKey("new", fmt.Sprint(i)), make([]byte, 5000)))
	}
	_, err = c.Get(t.Context(), iiif.NewKey("3"))
	require.NoError(t, err)
	_, err = c.Get(t.Context(), iiif.NewKey("4"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestDirCacheSurvives(t *testing.T) {
	dir := t.TempDir()
	key := iiif.NewKey("a")
	data := bytes.Repeat([]byte("data"), 100)
	require.NoError(t, (&iiif.DirCache{Dir: dir}).Put(t.Context(), key, data))
	got, err := (&iiif.DirCache{Dir: dir}).Get(t.Context(), key)
	require.NoError(t, err, "after a restart")
	require.Equal(t, data, got)

	name := filepath.Join(dir, key.String()[:2], key.String()[2:])
	whole, err := os.ReadFile(name)
	require.NoError(t, err)
	for _, damage := range [][]byte{nil, whole[:3], whole[:len(whole)-1], append([]byte("x"), whole[1:]...)} {
		require.NoError(t, os.WriteFile(name, damage, 0o644))
		_, err = (&iiif.DirCache{Dir: dir}).Get(t.Context(), key)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NoFileExists(t, name)
	}

	// What a crashed process left goes, what another is writing stays.
	left, fresh := filepath.Join(dir, "00", ".new-1"), filepath.Join(dir, "00", ".new-2")
	require.NoError(t, os.MkdirAll(filepath.Dir(left), 0o755))
	for _, f := range []string{left, fresh} {
		require.NoError(t, os.WriteFile(f, whole, 0o644))
	}
	long := time.Now().Add(-2 * time.Hour)
	require.NoError(t, os.Chtimes(left, long, long))
	require.NoError(t, (&iiif.DirCache{Dir: dir}).Put(t.Context(), key, data))
	require.NoFileExists(t, left)
	require.FileExists(t, fresh)
}

func TestDirCacheReportsFailure(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o644))
	c := &iiif.DirCache{Dir: filepath.Join(file, "below")}
	require.Error(t, c.Put(t.Context(), iiif.NewKey("a"), nil))
	_, err := c.Get(t.Context(), iiif.NewKey("a"))
	require.Error(t, err)
}

func TestDirCacheKeepsToItsDirectory(t *testing.T) {
	dir := t.TempDir()
	c := &iiif.DirCache{Dir: filepath.Join(dir, "cache")}
	require.NoError(t, c.Put(t.Context(), iiif.NewKey("../../"+strings.Repeat("x", 5000)+"\x00"), []byte("data")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
