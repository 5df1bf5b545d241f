// This file measures windows of large images.

package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"os"
	"runtime"
	"slices"
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
		f, err := e.open(img, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := planes(ctx, new(tile.Decoder), f.File, tile.Request{Region: area}); err != nil {
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
			f.count.read.Load(), f.count.reads.Load(), f.count.read.Load()-touched-head)
		for _, w := range teams() {
			ours, theirs, err := e.versus(func() error {
				f, err := jp2.Open(f.path)
				if err != nil {
					return err
				}
				defer f.Close()
				return planes(ctx, w.decoder(), f, tile.Request{Region: area})
			}, func() error {
				return rival.Visit(f.path, area, 0, w.threads(), nil)
			})
			if err != nil {
				return err
			}
			e.say(img.Name+" 512x512 time", ">= 1.0x", "%s: %s, OpenJPEG %s: %.2fx", w, ms(ours), ms(theirs), float64(theirs)/float64(ours))
		}
	}
	return nil
}

// A team is a number of workers, and of OpenJPEG's threads beside them.
type team int

// teams are those to compare with: one core, and all.
func teams() []team { return slices.Compact([]team{1, team(runtime.GOMAXPROCS(0))}) }

func (n team) decoder() *tile.Decoder {
	return &tile.Decoder{Budget: &tile.Budget{Workers: int(n)}}
}

// threads is what OpenJPEG is told: 0 for none but the caller's.
func (n team) threads() int {
	if n == 1 {
		return 0
	}
	return int(n)
}

func (n team) String() string { return fmt.Sprintf("cores %d", int(n)) }

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

// spots are windows of 256 x 256 all over the images of 201 megapixels.
var spots = []image.Rectangle{
	image.Rect(5000, 5000, 5256, 5256), image.Rect(12345, 3210, 12601, 3466), image.Rect(8100, 8100, 8356, 8356),
	image.Rect(300, 11000, 556, 11256), image.Rect(15000, 9000, 15256, 9256),
}

// tiles is a 256 x 256 window of an untiled image whose index is warm.
func tiles(ctx context.Context, e *env) error {
	for _, img := range []images.Image{images.Untiled200, images.Untiled200Precincts, images.Untiled200PLT} {
		f, err := e.open(img, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Index().Load(ctx); err != nil {
			return err
		}
		dec := new(tile.Decoder)
		worst, most := 0.0, int64(0)
		for _, area := range spots {
			p, err := dec.Plan(f.File, tile.Request{Region: area})
			if err != nil {
				return err
			}
			_, need, err := selected(ctx, p)
			if err != nil {
				return err
			}
			f.count.reset()
			if err := planes(ctx, dec, f.File, tile.Request{Region: area}); err != nil {
				return err
			}
			worst = max(worst, float64(f.count.read.Load()-16<<10)/float64(need))
			most = max(most, f.count.reads.Load())
		}
		e.say(img.Name+" 256x256 bytes read", "<= 1.25 + 16 KiB", "%.2f x the blocks' at worst, %d reads at most", worst, most)
		for _, w := range teams() {
			i, dec := 0, w.decoder()
			ours, theirs, err := e.versus(func() error {
				return planes(ctx, dec, f.File, tile.Request{Region: spots[i%len(spots)]})
			}, func() error {
				i++
				return rival.Visit(f.path, spots[(i-1)%len(spots)], 0, w.threads(), nil)
			})
			if err != nil {
				return err
			}
			e.say(img.Name+" 256x256 time", ">= 2.3x", "%s: %s, OpenJPEG %s: %.2fx", w, ms(ours), ms(theirs), float64(theirs)/float64(ours))
		}
		peak, _, err := e.cropped(f.path, "-region", "5000,5000,256,256")
		if err != nil {
			return err
		}
		e.say(img.Name+" 256x256 memory", "<= 48 MiB", "%s, index built by the same process", mib(peak))
	}
	return nil
}

// cold, with the gap for slow sources, is the same window from a file that
// nothing is known of, and from one whose index was kept.
func cold(ctx context.Context, e *env) error {
	var reads, over int64
	for _, area := range spots {
		n, more, err := e.coldOnce(ctx, tile.Request{Region: area})
		if err != nil {
			return err
		}
		reads, over = max(reads, n), max(over, more)
	}
	e.say(images.Untiled200PLT.Name+" cold 256x256", "<= 40 reads, 512 KiB", "%d reads, %d bytes beyond the blocks' at most", reads, over)

	f, err := e.open(images.Untiled200PLT, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Index().Load(ctx); err != nil {
		return err
	}
	kept, err := f.Index().Sidecar(ctx, "tag")
	if err != nil {
		return err
	}
	reads = 0
	for _, area := range spots {
		x, err := codestream.OpenSidecar(f.count, f.Header, kept, "tag")
		if err != nil {
			return err
		}
		if err := f.SetIndex(x); err != nil {
			return err
		}
		dec, req := &tile.Decoder{Gap: wideGap}, tile.Request{Region: area}
		p, err := dec.Plan(f.File, req)
		if err != nil {
			return err
		}
		f.count.reset()
		planned, err := p.Reads(ctx)
		if err != nil {
			return err
		}
		if n := f.count.reads.Load(); n != 0 {
			return fmt.Errorf("planning read %d times", n)
		}
		if err := planes(ctx, dec, f.File, req); err != nil {
			return err
		}
		if n := f.count.reads.Load(); n != int64(len(planned)) {
			return fmt.Errorf("%d reads, %d planned", n, len(planned))
		}
		reads = max(reads, int64(len(planned)))
	}
	e.say(images.Untiled200PLT.Name+" with sidecar", "<= 24 reads", "%d reads at most, all planned (sidecar %d bytes)", reads, len(kept))
	return nil
}

// wideGap is what sources are set to whose reads are slow.
const wideGap = 64 << 10

// coldOnce opens the image and runs one request: how many reads that took, and
// how many bytes more than the code-blocks have.
func (e *env) coldOnce(ctx context.Context, req tile.Request) (reads, over int64, err error) {
	f, err := e.open(images.Untiled200PLT, 0)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	dec := &tile.Decoder{Gap: wideGap}
	if err := planes(ctx, dec, f.File, req); err != nil {
		return 0, 0, err
	}
	reads, over = f.count.reads.Load(), f.count.read.Load()
	p, err := dec.Plan(f.File, req)
	if err != nil {
		return 0, 0, err
	}
	_, need, err := selected(ctx, p)
	return reads, over - need, err
}

// assemble is the time that selecting and assembling take beside decoding.
func assemble(ctx context.Context, e *env) error {
	f, err := e.open(images.Untiled200, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Index().Load(ctx); err != nil {
		return err
	}
	w := codestream.Window{Area: spots[0]}
	var buf bytes.Buffer
	ours, theirs, err := e.versus(func() error {
		buf.Reset()
		return codestream.Assemble(ctx, &buf, f.Index(), w)
	}, func() error { return planes(ctx, team(1).decoder(), f.File, tile.Request{Region: spots[0]}) })
	if err != nil {
		return err
	}
	e.say("select and assemble 256x256", "< 5 % of decoding", "%s, %.1f %% of %s (reading included)", ms(ours), 100*float64(ours)/float64(theirs-ours), ms(theirs))
	return nil
}
