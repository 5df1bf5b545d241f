// Command serve is an image server: the images below a directory or in a bucket,
// by the IIIF Image API 3.0 at /iiif/3/{id} and 2.1 at /iiif/2/{id}, and a page to
// look at them at /.
//
//	serve -addr localhost:8080 -dir scans -budget 512MiB -cache /var/cache/tiles
//	serve -bucket 's3://scans?region=eu-central-1&prefix=maps/'
//
// On SIGTERM or an interrupt /readyz turns to 503, and what is under way is
// finished.
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

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
	pages    http.Handler
	v3, v2   http.Handler
	draining atomic.Bool
}

// newServer serves images within budget bytes of memory, 0 for the default, and
// keeps what it has made in the directory cache, or in memory only if that is
// empty.
func newServer(i *images, budget int64, cache string, report func(iiif.Report)) *server {
	files := &iiif.Files{Source: i.source}
	decoder := &i.decoder
	decoder.Budget = &tile.Budget{Bytes: budget}
	tiers := iiif.Tiers{&iiif.MemoryCache{}}
	if cache != "" {
		tiers = append(tiers, &iiif.DirCache{Dir: cache})
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
		images: i,
		pages:  http.FileServerFS(root),
		v3:     http.StripPrefix("/iiif/3/", handler(iiif.V3)),
		v2:     http.StripPrefix("/iiif/2/", handler(iiif.V2)),
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

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen, `HOST:PORT`")
	dir := flag.String("dir", ".", "the images, a `directory`")
	bucket := flag.String("bucket", "", "the images, the `URL` of a bucket instead of -dir: s3://NAME or file:///DIR,\n"+
		"with ?prefix=KEY/ of a part of it; S3 takes its credentials from where AWS' tools have them")
	cache := flag.String("cache", "", "where to keep what was made, a `directory` of its own")
	drain := flag.Duration("drain", 30*time.Second, "how long to wait for what is under way when told to stop")
	var budget int64
	flag.Func("budget", "memory for decoding, `bytes` with KiB, MiB or GiB (default 512MiB)", func(s string) (err error) {
		budget, err = parseBytes(s)
		return err
	})
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	i, err := open(ctx, *dir, *bucket)
	if err != nil {
		slog.Error("serve", "error", err)
		os.Exit(1)
	}
	s := newServer(i, budget, *cache, func(r iiif.Report) {
		slog.Info("served", "status", r.Status, "bytes", r.Bytes, "took", r.Took, "cached", r.Cached,
			"path", r.Request.URL.Path, "error", r.Err)
	})
	listener, err := net.Listen("tcp", *addr)
	if err == nil {
		fmt.Printf("http://%v/\n", listener.Addr())
		err = run(ctx, s, listener, *drain)
	}
	if err != nil {
		slog.Error("serve", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then for at most drain until what is under way
// is done.
func run(ctx context.Context, s *server, l net.Listener, drain time.Duration) error {
	// Nobody has long to ask. How long answers may take says the iiif.Handler.
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	ending, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	return h.Shutdown(ending)
}
