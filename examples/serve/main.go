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
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/stria-j2k/stria/iiif"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen, `HOST:PORT`")
	dir := flag.String("dir", ".", "the images, a `directory`")
	bucket := flag.String("bucket", "", "the images, the `URL` of a bucket instead of -dir: s3://NAME or file:///DIR,\n"+
		"with ?prefix=KEY/ of a part of it; S3 takes its credentials from where AWS' tools have them")
	kept := flag.String("cache", "", "where to keep what was made, a `directory` of its own or the URL of a bucket")
	index := flag.Bool("index", false, "read every image once, in the background, to find out where everything is, and keep\n"+
		"that in -cache: the first tile of an image is as quick as the next then")
	drain := flag.Duration("drain", 30*time.Second, "how long to wait for what is under way when told to stop")
	var budget int64
	flag.Func("budget", "memory for decoding, `bytes` with KiB, MiB or GiB (default 512MiB)", func(s string) (err error) {
		budget, err = parseBytes(s)
		return err
	})
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	i, err := openImages(ctx, *dir, *bucket)
	check(err)
	cache, err := openCache(ctx, *kept)
	check(err)
	s := newServer(i, budget, cache, report)
	if *index {
		go s.index(ctx)
	}
	listener, err := net.Listen("tcp", *addr)
	check(err)
	fmt.Printf("http://%v/\n", listener.Addr())
	check(run(ctx, s, listener, *drain))
}

// report logs an answer, and what was made of an image that does not say rightly what
// its colours are.
func report(r iiif.Report) {
	slog.Info("served", "status", r.Status, "bytes", r.Bytes, "took", r.Took, "cached", r.Cached,
		"path", r.Request.URL.Path, "error", r.Err)
	for _, w := range r.Warnings {
		slog.Warn("colours", "path", r.Request.URL.Path, "warning", w.String())
	}
}

// check ends the program if there is an error.
func check(err error) {
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
