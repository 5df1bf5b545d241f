package iiif_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/iiiftest"
	"github.com/stria-j2k/stria/jp2"
)

func TestDir(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "a.jp2"), smallFile(t), 0o644))
	iiiftest.TestSource(t, iiif.Dir(dir), "sub/a.jp2")
	iiiftest.TestSource(t, memory{"a": smallFile(t)}, "a")
}

func TestDirOfNothing(t *testing.T) {
	_, err := iiif.Dir(filepath.Join(t.TempDir(), "missing")).Open(t.Context(), "a.jp2")
	require.Error(t, err)
}

// A picture that is replaced is served anew, with another ETag.
func TestHandlerNoticesChanges(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.jp2")
	require.NoError(t, os.WriteFile(name, smallFile(t), 0o644))
	files := &iiif.Files{Source: iiif.Dir(dir), Fresh: 1}
	h := &iiif.Handler{Files: files, Cache: &iiif.MemoryCache{}}
	defer files.Close()
	first := ask(h, "GET", "/a.jp2/full/50,/0/default.jpg")
	require.Equal(t, 200, first.Code)
	etag := first.Result().Header.Get("ETag")
	require.Equal(t, 304, ask(h, "GET", "/a.jp2/full/50,/0/default.jpg", "If-None-Match", etag).Code)

	other := name + ".new"
	require.NoError(t, os.WriteFile(other, squaresFile(t), 0o644))
	require.NoError(t, os.Rename(other, name))
	second := ask(h, "GET", "/a.jp2/full/50,/0/default.jpg", "If-None-Match", etag)
	require.Equal(t, 200, second.Code)
	require.NotEqual(t, first.Body.Bytes(), second.Body.Bytes())

	require.NoError(t, os.Remove(name))
	require.Equal(t, 404, ask(h, "GET", "/a.jp2/full/50,/0/default.jpg").Code)
}

// A countedReader counts the bytes read of it.
type countedReader struct {
	io.ReaderAt
	bytes *atomic.Int64
}

func (r countedReader) ReadAt(p []byte, off int64) (int, error) {
	r.bytes.Add(int64(len(p)))
	return r.ReaderAt.ReadAt(p, off)
}

// nonsense is a cache that has what nobody has put there.
type nonsense struct{}

func (nonsense) Get(context.Context, iiif.Key) ([]byte, error) {
	return []byte("striaidx\x02 nonsense"), nil
}

func (nonsense) Put(context.Context, iiif.Key, []byte) error { return nil }

// An index that was kept saves reading what it says.
func TestFilesKeepIndexes(t *testing.T) {
	data := squaresFile(t)
	var read atomic.Int64
	version := "1"
	source := iiif.SourceFunc(func(context.Context, string) (*iiif.Image, error) {
		f, err := jp2.NewFile(countedReader{bytes.NewReader(data), &read}, int64(len(data)))
		return &iiif.Image{File: f, Stamp: iiif.Stamp{Version: version}}, err
	})
	cache := &iiif.MemoryCache{}
	tile := func(indexes iiif.Cache) (body []byte, n int64) {
		files := &iiif.Files{Source: source, Indexes: indexes}
		defer files.Close()
		read.Store(0)
		w := ask(&iiif.Handler{Files: files}, "GET", "/a/900,900,64,64/max/0/default.png")
		require.Equal(t, 200, w.Code)
		return w.Body.Bytes(), read.Load()
	}
	want, cold := tile(cache)
	files := &iiif.Files{Source: source, Indexes: cache}
	require.NoError(t, files.Index(t.Context(), "a"))
	require.NoError(t, files.Close())
	// There it is not found out again.
	files = &iiif.Files{Source: source, Indexes: cache}
	for range 2 {
		read.Store(0)
		require.NoError(t, files.Index(t.Context(), "a"))
		require.Less(t, read.Load(), int64(len(data)/2))
	}
	require.NoError(t, files.Close())
	got, warm := tile(cache)
	require.Equal(t, want, got)
	require.Less(t, warm, cold)

	// That of another version is none, and a cache that fails is done without.
	version = "2"
	_, again := tile(cache)
	require.Equal(t, cold, again)
	for _, broken := range []iiif.Cache{failing{}, nonsense{}} {
		got, again = tile(broken)
		require.Equal(t, want, got)
		require.Equal(t, cold, again)
	}
	files = &iiif.Files{Source: source, Indexes: failing{}}
	require.ErrorIs(t, files.Index(t.Context(), "a"), errFailing)
	require.NoError(t, files.Close())
	require.NoError(t, (&iiif.Files{Source: source}).Index(t.Context(), "a"))
}
