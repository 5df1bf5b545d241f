// Command serve measures an image server over HTTP on loopback.
//
//	go run ./serve -mode latency -images tiled-lossy-35.jp2,untiled-lossy-200.jp2
//	go run ./serve -mode viewers -images untiled-lossy-200.jp2 -viewers 64
//
// latency asks for tiles one after the other over one connection, of Stria and,
// where Debian's iipimage-server and lighttpd are installed, of iipsrv, in turn,
// on the same files, and says the median of each. Nothing is asked for twice,
// and Stria has no cache of derivatives.
//
// viewers has many viewers zoom and pan as OpenSeadragon does, dropping requests
// for what is no longer in sight, and says what they got and what it cost.
//
// Images are those of package images, made on first use.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/stria-j2k/stria/bench/images"
)

// A setup is what the flags say.
type setup struct {
	data    string // absolute
	images  []string
	tiles   int
	viewers int
	steps   int
	budget  int64
	seed    uint64
}

func main() {
	mode := flag.String("mode", "latency", "latency, viewers, or server, which the others start")
	data := flag.String("data", images.Dir(), "the folder of the images")
	names := flag.String("images", "tiled-lossy-35.jp2,untiled-lossy-35.jp2", "which images, by name; all: every one")
	tiles := flag.Int("tiles", 60, "how many tiles of each kind to ask for")
	viewers := flag.Int("viewers", 64, "how many viewers at the same time")
	steps := flag.Int("steps", 12, "how many zooms and pans each viewer makes")
	budget := flag.Int64("budget", 512, "the server's budget in MiB")
	seed := flag.Uint64("seed", 1, "of the traces")
	addr := flag.String("addr", "", "where the server listens")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := setup{tiles: *tiles, viewers: *viewers, steps: *steps, budget: *budget << 20, seed: *seed}
	err := s.find(*data, *names)
	if err == nil {
		switch *mode {
		case "latency":
			err = latency(ctx, s)
		case "viewers":
			err = viewersMode(ctx, s)
		case "server":
			err = server(ctx, s, *addr)
		default:
			err = fmt.Errorf("no mode %q", *mode)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// find makes the images that are not there yet.
func (s *setup) find(data, names string) (err error) {
	if s.data, err = filepath.Abs(data); err != nil {
		return err
	}
	for _, m := range images.All {
		if names == "all" || strings.Contains(","+names+",", ","+m.Name+",") {
			if _, err := m.File(s.data); err != nil {
				return err
			}
			s.images = append(s.images, m.Name)
		}
	}
	if len(s.images) == 0 {
		return fmt.Errorf("no images named %q", names)
	}
	return nil
}
