// This file measures whole images: memory and overlap.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/stria-j2k/stria/bench/images"
	"github.com/stria-j2k/stria/bench/rival"
	"github.com/stria-j2k/stria/tile"
)

// A cropStats is what crop -stats prints.
type cropStats struct {
	FirstMS float64 `json:"first_byte_ms"`
	TotalMS float64 `json:"total_ms"`
	Blocks  int64   `json:"blocks"`
	Peak    int64   `json:"peak_rss"`
}

// cropped runs the crop example to a JPEG that is thrown away, and returns the
// peak of its resident memory.
func (e *env) cropped(path string, args ...string) (int64, cropStats, error) {
	var stats cropStats
	crop, err := e.cropProgram()
	if err != nil {
		return 0, stats, err
	}
	cmd := exec.Command(crop, append(args, "-stats", "-o", "-", path)...)
	cmd.Stdout = nil
	var stderr limited
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return 0, stats, fmt.Errorf("%w: %s", err, stderr.data)
	}
	if err := json.Unmarshal(stderr.data, &stats); err != nil {
		return 0, stats, err
	}
	return stats.Peak, stats, nil
}

// limited keeps the first bytes written to it.
type limited struct{ data []byte }

func (l *limited) Write(p []byte) (int, error) {
	l.data = append(l.data, p[:min(len(p), 1<<16-len(l.data))]...)
	return len(p), nil
}

// whole decodes an untiled image in strips, beside OpenJPEG in one piece on as
// many cores.
func whole(ctx context.Context, e *env) error {
	for _, img := range []images.Image{images.UntiledLossy, images.TiledLossy, images.Untiled200} {
		f, err := e.open(img, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		var finish tile.FinishInfo
		dec := &tile.Decoder{Hooks: &tile.Hooks{Finished: func(i tile.FinishInfo) { finish = i }}}
		cores := runtime.GOMAXPROCS(0)
		ours, theirs, err := e.versus(func() error {
			return planes(ctx, dec, f.File, tile.Request{})
		}, func() error {
			return rival.Visit(f.path, image.Rectangle{}, 0, cores, nil)
		})
		if err != nil {
			return err
		}
		p, err := dec.Plan(f.File, tile.Request{})
		if err != nil {
			return err
		}
		blocks, _, err := selected(ctx, p)
		if err != nil {
			return err
		}
		e.say(img.Name+" whole, blocks decoded", "<= 1.15x", "%.3fx of %d", float64(finish.Blocks)/float64(blocks), blocks)
		e.say(img.Name+" whole, time", "<= 1.2x", "%s, OpenJPEG with %d threads %s: %.2fx", ms(ours), cores, ms(theirs), float64(ours)/float64(theirs))
	}
	return nil
}

// memory is the peak of processes that write whole images as JPEG.
func memory(ctx context.Context, e *env) error {
	for _, img := range []images.Image{images.Untiled200, images.Untiled200PLT, images.Untiled200RGB} {
		path, err := img.File(e.data)
		if err != nil {
			return err
		}
		peak, stats, err := e.cropped(path, "-budget", "256MiB")
		if err != nil {
			return err
		}
		e.say(img.Name+" to JPEG, budget 256 MiB", "<= 320 MiB", "%s, %.1f s", mib(peak), stats.TotalMS/1000)
	}
	path, err := images.Gigapixel.File(e.data)
	if err != nil {
		return err
	}
	peak, stats, err := e.cropped(path, "-budget", "64MiB", "-size", "4096,0")
	if err != nil {
		return err
	}
	e.say(filepath.Base(path)+" to 4096 wide, budget 64 MiB", "<= 128 MiB", "%s, %.1f s", mib(peak), stats.TotalMS/1000)
	return nil
}

// first is when the first byte of a full-size JPEG is written.
func first(ctx context.Context, e *env) error {
	for _, c := range []struct {
		img    images.Image
		target string
	}{{images.TiledLossy, "<= 10 %"}, {images.TiledLossless, "<= 10 %"}, {images.UntiledLossy, "<= 20 %"}} {
		path, err := c.img.File(e.data)
		if err != nil {
			return err
		}
		var shares []float64
		for range e.runs {
			_, stats, err := e.cropped(path)
			if err != nil {
				return err
			}
			shares = append(shares, stats.FirstMS/stats.TotalMS)
		}
		slices.Sort(shares)
		e.say(c.img.Name+" first byte", c.target, "%.1f %% of the total time", 100*shares[len(shares)/2])
	}
	return nil
}

// overlap is reading from a source that takes 20 ms for each read.
func overlap(ctx context.Context, e *env) error {
	for _, img := range []images.Image{images.TiledLossy, images.UntiledLossy} {
		run := func(delay time.Duration) (total, reading time.Duration, err error) {
			f, err := e.open(img, delay)
			if err != nil {
				return 0, 0, err
			}
			defer f.Close()
			began := time.Now()
			err = planes(ctx, new(tile.Decoder), f.File, tile.Request{})
			return time.Since(began), f.count.busy, err
		}
		var ratios []float64
		var slow, quick, reading time.Duration
		for range e.runs {
			var err error
			if quick, _, err = run(0); err != nil {
				return err
			}
			if slow, reading, err = run(20 * time.Millisecond); err != nil {
				return err
			}
			ratios = append(ratios, float64(slow)/float64(max(quick, reading)))
		}
		slices.Sort(ratios)
		e.say(img.Name+" 20 ms a read", "<= 1.15x", "%.2fx of the longer of reading (%s) and decoding (%s)", ratios[len(ratios)/2], ms(reading), ms(quick))
	}
	return nil
}
