package iiif_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/iiiftest"
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
