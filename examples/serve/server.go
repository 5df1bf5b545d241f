package main

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/webp"
	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/tile"
)

//go:embed viewer
var viewer embed.FS

// A server serves images, and pages to look at them.
type server struct {
	images   *images
	files    *iiif.Files
	pages    http.Handler
	v3, v2   http.Handler
	draining atomic.Bool
}

// newServer serves images within budget bytes of memory, 0 for the default, and
// keeps what it has made in the cache, or in memory only if that is nil.
func newServer(i *images, budget int64, cache iiif.Cache, report func(iiif.Report)) *server {
	files := &iiif.Files{Source: i.source, Indexes: cache}
	decoder := &i.decoder
	decoder.Budget, decoder.Cache = &tile.Budget{Bytes: budget}, new(tile.Cache)
	tiers := iiif.Tiers{&iiif.MemoryCache{}}
	if cache != nil {
		tiers = append(tiers, cache)
	}
	handler := func(v iiif.Version) *iiif.Handler {
		return &iiif.Handler{Version: v, Files: files, Decoder: decoder, Cache: tiers, Report: report,
			Formats: map[string]encode.Format{"jpg": encode.JPEG{}, "png": encode.PNG{}, "tif": encode.TIFF{},
				"gif": encode.GIF{}, "pdf": encode.PDF{}, "jp2": encode.JP2{}, "webp": webp.WebP{}}}
	}
	root, err := fs.Sub(viewer, "viewer")
	if err != nil {
		panic(err) // it is embedded
	}
	return &server{
		images: i, files: files,
		pages: http.FileServerFS(root),
		v3:    http.StripPrefix("/iiif/3/", handler(iiif.V3)),
		v2:    http.StripPrefix("/iiif/2/", handler(iiif.V2)),
	}
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch p := r.URL.Path; {
	case strings.HasPrefix(p, "/iiif/3/"):
		s.v3.ServeHTTP(w, r)
	case strings.HasPrefix(p, "/iiif/2/"):
		s.v2.ServeHTTP(w, r)
	case p == "/images.json":
		s.images.list(w, r)
	case p == "/healthz", p == "/readyz" && !s.draining.Load():
		fmt.Fprintln(w, "ok")
	case p == "/readyz":
		http.Error(w, "draining", http.StatusServiceUnavailable)
	default:
		s.pages.ServeHTTP(w, r)
	}
}
