// This file measures windows of large images.

package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"os"
	"runtime"
	"time"

	"github.com/stria-j2k/stria/bench/images"
	"github.com/stria-j2k/stria/bench/rival"
	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// region is 512 x 512 pixels across four tiles of a tiled image, from opening
// the file on.
func region(ctx context.Context, e *env) error {
	area := image.Rect(2900, 1900, 2900+512, 1900+512)
	for _, img := range []images.Image{images.TiledLossy, images.TiledLossless} {
		path, err := img.File(e.data)
		if err != nil {
			return err
		}
		f, c, done, err := open(path, 0)
		if err != nil {
			return err
		}
		if err := planes(ctx, new(tile.Decoder), f, tile.Request{Region: area}); err != nil {
			return err
		}
		touched := int64(0)
		for t := range f.Header.TilesIn(area) {
			parts, err := f.Index().TileParts(ctx, t)
			if err != nil {
				return err
			}
			for _, p := range parts {
				touched += p.Body.End() - p.Header.Off
			}
		}
		head := f.Header.FirstPart
		e.say(img.Name+" 512x512 bytes read", "<= tile-parts + headers + 64 KiB", "%d in %d reads, %d over tile-parts and headers",
			c.read.Load(), c.reads.Load(), c.read.Load()-touched-head)
		done()
		ours, theirs, err := e.versus(func() error {
			f, err := jp2.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return planes(ctx, new(tile.Decoder), f, tile.Request{Region: area})
		}, func() error {
			_, err := rival.OpenJPEGWindow(path, area, 0, 0)
			return err
		})
		if err != nil {
			return err
		}
		e.say(img.Name+" 512x512 time", ">= 1.0x", "%s, OpenJPEG %s: %.2fx", ms(ours), ms(theirs), float64(theirs)/float64(ours))
	}
	return nil
}

// scan builds the index of an untiled image without PLT.
func scan(ctx context.Context, e *env) error {
	for _, img := range []images.Image{images.Untiled200, images.Untiled200Precincts, images.UntiledLossy} {
		path, err := img.File(e.data)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var times []time.Duration
		var x *codestream.Index
		var before, after runtime.MemStats
		for range e.runs {
			f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				return err
			}
			runtime.GC()
			runtime.ReadMemStats(&before)
			began := time.Now()
			if err := f.Index().Load(ctx); err != nil {
				return err
			}
			times = append(times, time.Since(began))
			x = f.Index()
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
		blocks := 0
		for b, err := range x.Blocks(ctx, codestream.Window{Area: x.Header().Bounds}) {
			if err != nil {
				return err
			}
			_ = b
			blocks++
		}
		held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		e.say(img.Name+" scan", ">= 500 MB/s", "%.0f MB/s of codestream, %.0f M blocks/s", float64(len(data))/1e6/median(times).Seconds(),
			float64(blocks)/1e6/median(times).Seconds())
		e.say(img.Name+" index", "<= 8 bytes a code-block", "%.2f (heap growth, %d blocks with data)", float64(held)/float64(blocks), blocks)
	}
	return nil
}

var spots = []image.Point{{5000, 5000}, {12345, 3210}, {8100, 8100}, {300, 11000}, {15000, 9000}}

// tiles is a 256 x 256 window of an untiled image whose index is warm.
func tiles(ctx context.Context, e *env) error {
	for _, img := range []images.Image{images.Untiled200, images.Untiled200Precincts, images.Untiled200PLT} {
		path, err := img.File(e.data)
		if err != nil {
			return err
		}
		f, c, done, err := open(path, 0)
		if err != nil {
			return err
		}
		if err := f.Index().Load(ctx); err != nil {
			return err
		}
		dec := new(tile.Decoder)
		worst, most := 0.0, int64(0)
		for _, at := range spots {
			area := image.Rectangle{Min: at, Max: at.Add(image.Pt(256, 256))}
			p, err := dec.Plan(f, tile.Request{Region: area})
			if err != nil {
				return err
			}
			_, need, err := selected(ctx, p)
			if err != nil {
				return err
			}
			c.reset()
			if err := planes(ctx, dec, f, tile.Request{Region: area}); err != nil {
				return err
			}
			worst = max(worst, float64(c.read.Load()-16<<10)/float64(need))
			most = max(most, c.reads.Load())
		}
		e.say(img.Name+" 256x256 bytes read", "<= 1.25 + 16 KiB", "%.2f x the blocks' at worst, %d reads at most", worst, most)
		i := 0
		ours, theirs, err := e.versus(func() error {
			at := spots[i%len(spots)]
			return planes(ctx, dec, f, tile.Request{Region: image.Rectangle{Min: at, Max: at.Add(image.Pt(256, 256))}})
		}, func() error {
			at := spots[i%len(spots)]
			i++
			_, err := rival.OpenJPEGWindow(path, image.Rectangle{Min: at, Max: at.Add(image.Pt(256, 256))}, 0, 0)
			return err
		})
		if err != nil {
			return err
		}
		e.say(img.Name+" 256x256 time", ">= 2.3x", "%s, OpenJPEG %s: %.2fx", ms(ours), ms(theirs), float64(theirs)/float64(ours))
		peak, _, err := e.cropped(path, "-region", "5000,5000,256,256")
		if err != nil {
			return err
		}
		e.say(img.Name+" 256x256 memory", "<= 48 MiB", "%s, index built by the same process", mib(peak))
		done()
	}
	return nil
}

// cold, with the gap for slow sources, is the same window from a file that nothing is known of, and from one
// whose index was kept.
func cold(ctx context.Context, e *env) error {
	path, err := images.Untiled200PLT.File(e.data)
	if err != nil {
		return err
	}
	var reads, over int64
	for _, at := range spots {
		f, c, done, err := open(path, 0)
		if err != nil {
			return err
		}
		dec, req := &tile.Decoder{Gap: 64 << 10}, tile.Request{Region: image.Rectangle{Min: at, Max: at.Add(image.Pt(256, 256))}}
		if err := planes(ctx, dec, f, req); err != nil {
			return err
		}
		got, n := c.read.Load(), c.reads.Load()
		p, err := dec.Plan(f, req)
		if err != nil {
			return err
		}
		_, need, err := selected(ctx, p)
		if err != nil {
			return err
		}
		reads, over = max(reads, n), max(over, got-need)
		done()
	}
	e.say(images.Untiled200PLT.Name+" cold 256x256", "<= 40 reads, 512 KiB", "%d reads, %d bytes beyond the blocks' at most", reads, over)

	f, c, done, err := open(path, 0)
	if err != nil {
		return err
	}
	defer done()
	if err := f.Index().Load(ctx); err != nil {
		return err
	}
	kept, err := f.Index().Sidecar(ctx, "tag")
	if err != nil {
		return err
	}
	reads = 0
	for _, at := range spots {
		x, err := codestream.OpenSidecar(c, f.Header, kept, "tag")
		if err != nil {
			return err
		}
		if err := f.SetIndex(x); err != nil {
			return err
		}
		dec, req := &tile.Decoder{Gap: 64 << 10}, tile.Request{Region: image.Rectangle{Min: at, Max: at.Add(image.Pt(256, 256))}}
		p, err := dec.Plan(f, req)
		if err != nil {
			return err
		}
		c.reset()
		planned, err := p.Reads(ctx)
		if err != nil {
			return err
		}
		if n := c.reads.Load(); n != 0 {
			return fmt.Errorf("planning read %d times", n)
		}
		if err := planes(ctx, dec, f, req); err != nil {
			return err
		}
		if n := c.reads.Load(); n != int64(len(planned)) {
			return fmt.Errorf("%d reads, %d planned", n, len(planned))
		}
		reads = max(reads, int64(len(planned)))
	}
	e.say(images.Untiled200PLT.Name+" with sidecar", "<= 24 reads", "%d reads at most, all planned (sidecar %d bytes)", reads, len(kept))
	return nil
}

// assemble is the time that selecting and assembling take beside decoding.
func assemble(ctx context.Context, e *env) error {
	path, err := images.Untiled200.File(e.data)
	if err != nil {
		return err
	}
	f, err := jp2.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Index().Load(ctx); err != nil {
		return err
	}
	at := spots[0]
	area := image.Rectangle{Min: at, Max: at.Add(image.Pt(256, 256))}
	w := codestream.Window{Area: area}
	var buf []byte
	ours, theirs, err := e.versus(func() error {
		s, err := f.Index().Select(ctx, w)
		if err != nil {
			return err
		}
		buf, err = s.AppendTo(buf[:0], f.Source())
		return err
	}, func() error { return planes(ctx, new(tile.Decoder), f, tile.Request{Region: area}) })
	if err != nil {
		return err
	}
	e.say("select and assemble 256x256", "< 5 % of decoding", "%s, %.1f %% of %s (reading included)", ms(ours), 100*float64(ours)/float64(theirs-ours), ms(theirs))
	return nil
}
