package iiif_test

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
)

// Whatever a path is, the grammar is never the server's fault.
func FuzzHandler(f *testing.F) {
	for _, path := range []string{"/a/full/max/0/default.jpg", "/a/info.json", "/a", "/", "/..%2f..%2fetc%2fpasswd/info.json",
		"/%00/full/max/0/default.jpg", "/a/pct:1e9,NaN,Inf,-0/^pct:99999999999999999999/!360/bitonal.png",
		"/a/0,0,1,1/9223372036854775808,/0/default.jpg", "//", "/a//////", "/%zz"} {
		f.Add(path, uint8(0))
		f.Add(path, uint8(1))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, path string, version uint8) {
		h := &iiif.Handler{Version: iiif.Version(version % 2), Source: iiif.SourceFunc(func(ctx context.Context, id string) (*iiif.Image, error) {
			_, err := iiif.Dir(dir).Open(ctx, id)
			require.ErrorIs(t, err, fs.ErrNotExist)
			return nil, err
		})}
		plain, err := url.PathUnescape(path)
		if err != nil {
			plain = path // a request with it would not get this far
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.URL.RawPath = plain, path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Contains(t, []int{303, 400, 404, 414, 415}, w.Code, path)
	})
}
