package iiif_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := iiif.Parse(iiif.V3, "ark:%2F12025%2F654xz321/4096,2048,1024,1024/512,512/0/default.jpg"); err != nil {
			b.Fatal(err)
		}
	}
}

// What a request costs besides the picture: one from the cache, one that the
// client has already, and the image information document.
func BenchmarkHandler(b *testing.B) {
	h := &iiif.Handler{Source: iiif.Dir("../examples/testdata"), Cache: &iiif.MemoryCache{}}
	const path = "/sample.jp2/0,0,512,512/256,/0/default.jpg"
	first := ask(h, "GET", path)
	require.Equal(b, 200, first.Code)
	for _, c := range []struct {
		name, path string
		status     int
		headers    []string
	}{
		{"cached", path, 200, nil},
		{"unchanged", path, 304, []string{"If-None-Match", first.Result().Header.Get("ETag")}},
		{"info", "/sample.jp2/info.json", 200, nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequest("GET", c.path, nil)
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != c.status {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
