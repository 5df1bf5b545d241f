package bucket

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/iiiftest"
	"github.com/stria-j2k/stria/jp2/remote"
)

const testdata = "../../examples/testdata"

func sample(t testing.TB) []byte {
	data, err := os.ReadFile(testdata + "/sample.jp2")
	require.NoError(t, err)
	return data
}

func TestSource(t *testing.T) {
	files, err := fileblob.OpenBucket(t.TempDir(), nil)
	require.NoError(t, err)
	for name, b := range map[string]*blob.Bucket{"memory": memblob.OpenBucket(nil), "files": files} {
		t.Run(name, func(t *testing.T) {
			defer b.Close()
			for _, key := range []string{"a.jp2", "scans/sub/é b.jp2", "scans/.hidden/x", "scansx", "scans/sub/.x"} {
				require.NoError(t, b.WriteAll(t.Context(), key, sample(t), nil))
			}
			iiiftest.TestSource(t, &Source{Bucket: b}, "a.jp2")
			s := &Source{Bucket: b, Prefix: "scans/"}
			iiiftest.TestSource(t, s, "sub/é b.jp2")
			for _, id := range []string{"a.jp2", "../a.jp2", "sub/../../a.jp2", ".hidden/x", "sub/.x", "sub", "sub/",
				"/sub/é b.jp2", "sub//é b.jp2", "sub\\é b.jp2", "x", strings.Repeat("a", 300), strings.Repeat("a/", 500) + "a",
				"sub/é b.jp2/x"} {
				_, err := s.Open(t.Context(), id)
				require.ErrorIs(t, err, fs.ErrNotExist, id)
				_, err = s.Stat(t.Context(), id)
				require.ErrorIs(t, err, fs.ErrNotExist, id)
			}
		})
	}
}

func TestSourceOfWhatIsNoImage(t *testing.T) {
	b := memblob.OpenBucket(nil)
	defer b.Close()
	s := &Source{Bucket: b}
	for _, content := range []string{"", "no image"} {
		require.NoError(t, b.WriteAll(t.Context(), "x", []byte(content), nil))
		_, err := s.Open(t.Context(), "x")
		require.ErrorIs(t, err, codestream.ErrFormat)
	}
}

// Objects that are replaced are served as they are now, even if nobody asks
// whether they have changed.
func TestSourceChange(t *testing.T) {
	b := memblob.OpenBucket(nil)
	defer b.Close()
	put := func(data []byte) {
		require.NoError(t, b.WriteAll(t.Context(), "x", data, nil))
	}
	put(sample(t))
	files := &iiif.Files{Source: &Source{Bucket: b, Options: remote.Options{Cache: &remote.Cache{Bytes: -1}}}, Fresh: -1}
	defer files.Close()
	image, release, err := files.Open(t.Context(), "x")
	require.NoError(t, err)
	first := image.Stamp
	release()

	time.Sleep(time.Millisecond)
	put(append(sample(t), "\x00\x00\x00\x08free"...))
	image, release, err = files.Open(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, first, image.Stamp, "nobody has looked")
	_, err = image.File.Source().ReadAt(make([]byte, 10), 200_000)
	require.ErrorIs(t, err, remote.ErrChanged)
	release()

	image, release, err = files.Open(t.Context(), "x")
	require.NoError(t, err)
	defer release()
	require.NotEqual(t, first.Version, image.Stamp.Version)
	require.EqualValues(t, len(sample(t))+8, image.File.Size())
	_, err = image.File.Source().ReadAt(make([]byte, 10), 200_000)
	require.NoError(t, err)
}

func TestSourceCancelled(t *testing.T) {
	b := memblob.OpenBucket(nil)
	defer b.Close()
	require.NoError(t, b.WriteAll(t.Context(), "x", sample(t), nil))
	ctx, cancel := context.WithCancel(t.Context())
	image, err := (&Source{Bucket: b}).Open(ctx, "x")
	require.NoError(t, err)
	cancel() // was for opening only
	_, err = image.File.Source().ReadAt(make([]byte, 10), 200_000)
	require.NoError(t, err)
	require.NoError(t, image.Close())
}

// A bucket with images, and with what was made of them.
func TestHandler(t *testing.T) {
	b := memblob.OpenBucket(nil)
	defer b.Close()
	require.NoError(t, b.WriteAll(t.Context(), "scans/x.jp2", sample(t), nil))
	files := &iiif.Files{Source: &Source{Bucket: b, Prefix: "scans/"}}
	defer files.Close()
	h := &iiif.Handler{Files: files, Cache: &Cache{Bucket: b, Prefix: "made/"}}
	var made string
	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/x.jp2/512,512,256,256/64,/0/default.png", nil))
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		require.Contains(t, []string{"", w.Body.String()}, made)
		made = w.Body.String()
	}
	// It is put there once it has been served.
	require.Eventually(t, func() bool {
		o, err := b.List(&blob.ListOptions{Prefix: "made/"}).Next(t.Context())
		return err == nil && o.Size == int64(len(made))
	}, 10*time.Second, time.Millisecond)
}
