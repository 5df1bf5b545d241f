// This file compares Stria's engines with each other and with OpenJPEG.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stria-j2k/stria/bench/images"
	"github.com/stria-j2k/stria/bench/rival"
	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
	"github.com/stria-j2k/stria/tile/openjpeg"
)

// An engine is one of Stria's, by the name that figures print.
type engine struct {
	name string
	tile.Engine
}

// engines are all of them, the default one first.
func engines() []engine {
	return []engine{{"native", tile.Native()}, {"engine openjpeg", openjpeg.Engine()}}
}

// decoder decodes with so many workers.
func (g engine) decoder(workers int) *tile.Decoder {
	return &tile.Decoder{Engine: g.Engine, Budget: &tile.Budget{Workers: workers}}
}

// of is the image, or a small one of the kind.
func (e *env) of(m images.Image) images.Image {
	if e.quick {
		return m.Small()
	}
	return m
}

func (e *env) wide() images.Repeated {
	if e.quick {
		return images.Wide.Small()
	}
	return images.Wide
}

// rivalName is what OpenJPEG's library is called that reads the file itself.
const rivalName = "OpenJPEG"

// full is a full decode to samples on one core.
func full(ctx context.Context, e *env) error {
	for _, img := range []images.Image{
		images.UntiledLossyPLT, images.TiledLossy,
		images.UntiledLosslessPLT, images.TiledLossless,
		images.GreyUntiledLossyPLT, images.GreyTiledLossy,
		images.GreyUntiledLosslessPLT, images.GreyTiledLossless,
	} {
		img = e.of(img)
		f, err := e.open(img, 0)
		if err != nil {
			return err
		}
		var cs []contestant
		for _, g := range engines() {
			dec := g.decoder(1)
			cs = append(cs, contestant{g.name, func() error {
				return planes(ctx, dec, f.File, tile.Request{})
			}})
		}
		cs = append(cs, contestant{rivalName, func() error {
			return rival.Visit(f.path, image.Rectangle{}, 0, 0, nil)
		}})
		err = oneCore(func() error { return e.compare(img.Name+" full, one core", 1, cs) })
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// jpegs is windows of 256 x 256 as JPEG, of files whose index is warm; OpenJPEG
// decodes the same windows of the file itself.
func jpegs(ctx context.Context, e *env) error {
	for _, img := range []maker{
		e.of(images.TiledLossy), e.of(images.UntiledLossyPLT),
		e.of(images.UntiledLosslessPLT), e.wide(),
	} {
		f, err := e.open(img, 0)
		if err != nil {
			return err
		}
		areas := places(f.Bounds().Size(), 256)
		if err := f.Index().Load(ctx); err != nil {
			return err
		}
		for _, w := range teams() {
			var cs []contestant
			for _, g := range engines() {
				dec := g.decoder(int(w))
				cs = append(cs, contestant{g.name, func() error {
					return windows(ctx, dec, f.File, areas)
				}})
			}
			cs = append(cs, contestant{rivalName, func() error {
				for _, area := range areas {
					err := rival.Visit(f.path, area, 0, w.threads(), func(p []rival.Plane) error {
						return encode.JPEG{}.Encode(ctx, io.Discard, decoded(p))
					})
					if err != nil {
						return err
					}
				}
				return nil
			}})
			what := fmt.Sprintf("%s 256x256 to JPEG, %s", filepath.Base(f.path), w)
			run := func() error { return e.compare(what, float64(len(areas)), cs) }
			if w == 1 {
				err = oneCore(run)
			} else {
				err = run()
			}
			if err != nil {
				return err
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// windows writes areas as JPEG, one after the other.
func windows(ctx context.Context, dec *tile.Decoder, f *jp2.File, areas []image.Rectangle) error {
	for _, area := range areas {
		p, err := dec.Plan(f, tile.Request{Region: area})
		if err != nil {
			return err
		}
		if err := (encode.JPEG{}).Encode(ctx, io.Discard, p); err != nil {
			return err
		}
	}
	return nil
}

// gigapixels is windows of 256 x 256 as JPEG of an untiled image of 10 gigapixels,
// the first one included, which has the index read PLT.
func gigapixels(ctx context.Context, e *env) error {
	path, err := images.Huge.File(e.data)
	if err != nil {
		return err
	}
	var first, again []contestant
	for _, g := range engines() {
		dec := g.decoder(0)
		f, err := jp2.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		areas := places(f.Bounds().Size(), 256)
		first = append(first, contestant{g.name, func() error {
			f, err := jp2.Open(path)
			if err != nil {
				return err
			}
			return errors.Join(windows(ctx, dec, f, areas[:1]), f.Close())
		}})
		again = append(again, contestant{g.name, func() error { return windows(ctx, dec, f, areas) }})
	}
	what := filepath.Base(path) + " 256x256 to JPEG"
	return errors.Join(e.compare(what+", from opening on", 1, first), e.compare(what, 5, again))
}

// places are squares in five parts of an image, none at the edge of a tile.
func places(size image.Point, side int) []image.Rectangle {
	var list []image.Rectangle
	for _, at := range [][2]float64{
		{0.31, 0.42}, {0.75, 0.27}, {0.52, 0.66}, {0.06, 0.87}, {0.88, 0.71},
	} {
		x, y := int(at[0]*float64(size.X-side)), int(at[1]*float64(size.Y-side))
		list = append(list, image.Rect(x, y, x+side, y+side))
	}
	return list
}

// decoded is a picture that OpenJPEG has decoded: one or three planes of 8 bits
// without a sign.
type decoded []rival.Plane

func (d decoded) Size() image.Point { return image.Pt(d[0].Width, d[0].Height) }

func (d decoded) PixelFormat() tile.PixelFormat {
	if len(d) == 1 {
		return tile.Gray8
	}
	return tile.RGB8
}

// Strips yields the picture in one piece.
func (d decoded) Strips(context.Context) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		size, format := d.Size(), d.PixelFormat()
		n := format.Channels()
		s := tile.Strip{Bounds: image.Rectangle{Max: size}, Format: format,
			Stride: n * size.X, Pix: make([]byte, n*size.X*size.Y)}
		if n == 1 {
			for i, v := range d[0].Samples {
				s.Pix[i] = byte(v)
			}
		} else {
			r, g, b := d[0].Samples, d[1].Samples, d[2].Samples
			for i := range r {
				p := s.Pix[4*i:][:4]
				p[0], p[1], p[2], p[3] = byte(r[i]), byte(g[i]), byte(b[i]), 0xFF
			}
		}
		yield(&s, nil)
	}
}

// cores is two workers beside one: a full decode, and windows of 512 x 512 as
// JPEG with a warm index.
func cores(ctx context.Context, e *env) error {
	for _, img := range []images.Image{images.TiledLossy, images.UntiledLossyPLT} {
		img = e.of(img)
		f, err := e.open(img, 0)
		if err != nil {
			return err
		}
		if err := f.Index().Load(ctx); err != nil {
			return err
		}
		areas := places(f.Bounds().Size(), 512)
		for _, g := range engines() {
			var whole, parts []contestant
			for _, n := range []int{2, 1} {
				dec, name := g.decoder(n), fmt.Sprintf("%s, workers %d", g.name, n)
				whole = append(whole, contestant{name, func() error {
					return planes(ctx, dec, f.File, tile.Request{})
				}})
				parts = append(parts, contestant{name, func() error {
					return windows(ctx, dec, f.File, areas)
				}})
			}
			if err := e.compare(img.Name+" full, two workers", 1, whole); err != nil {
				return err
			}
			what := img.Name + " 512x512 to JPEG, two workers"
			if err := e.compare(what, float64(len(areas)), parts); err != nil {
				return err
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// cancel is how long a run of a large image goes on once it is cancelled.
func cancel(ctx context.Context, e *env) error {
	f, err := e.open(e.wide(), 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Index().Load(ctx); err != nil {
		return err
	}
	all := engines()
	times := make([][]time.Duration, len(all))
	for i := range 20 {
		for n, g := range all {
			t, err := cancelled(ctx, g, f.File, time.Duration(300+37*i)*time.Millisecond)
			if err != nil {
				return fmt.Errorf("%s: %w", g.name, err)
			}
			times[n] = append(times[n], t)
		}
	}
	for n, g := range all {
		e.say("cancel "+filepath.Base(f.path)+" to JPEG", "median < 60 ms, at most 250 ms",
			"%s\tmedian %s, at most %s", g.name, ms(median(times[n])), ms(slices.Max(times[n])))
	}
	return nil
}

// cancelled is how long one run goes on that is cancelled after a time.
func cancelled(
	ctx context.Context, g engine, f *jp2.File, after time.Duration,
) (time.Duration, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p, err := g.decoder(0).Plan(f, tile.Request{})
	if err != nil {
		return 0, err
	}
	var asked time.Time
	var once sync.WaitGroup
	once.Go(func() {
		time.Sleep(after)
		asked = time.Now()
		stop()
	})
	err = encode.JPEG{}.Encode(ctx, io.Discard, p)
	ended := time.Now()
	once.Wait()
	if !errors.Is(err, context.Canceled) {
		return 0, fmt.Errorf("cancelled run: %v", err)
	}
	return ended.Sub(asked), nil
}

// highThroughput is whole processes on one core that write an image with
// High-Throughput blocks as PNM, beside those of OpenJPEG and, last, OpenJPH.
// What they write is thrown away.
func highThroughput(_ context.Context, e *env) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, img := range []images.Image{images.HTLossless, images.HTLossy, images.GreyHTLossless} {
		img = e.of(img)
		path, err := img.File(e.data)
		if err != nil {
			return err
		}
		// The programs know formats by their endings.
		out := filepath.Join(e.temp, "null."+map[int]string{1: "pgm", 3: "ppm"}[img.Components])
		if err := os.Symlink(os.DevNull, out); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		var cs []contestant
		add := func(name, program string, args ...string) {
			if _, err := exec.LookPath(program); err != nil {
				e.say(img.Name+" whole process", "", "%s\tnot installed", name)
				return
			}
			c := contestant{name, func() error {
				pinned := exec.Command("taskset", append([]string{"-c", "0", program}, args...)...)
				out, err := pinned.CombinedOutput()
				if err != nil {
					return fmt.Errorf("%w: %s", err, out)
				}
				return nil
			}}
			// Not every engine has High-Throughput blocks.
			if err := c.run(); err != nil {
				e.say(img.Name+" whole process", "", "%s\t%v", name, err)
				return
			}
			cs = append(cs, c)
		}
		for _, g := range engines() {
			add(g.name, self, "-decode", g.name, path, out)
		}
		add("opj_decompress", "opj_decompress", "-i", path, "-o", out)
		add("ojph_expand", "ojph_expand", "-i", path, "-o", out)
		if err := e.compare(img.Name+" whole process, one core", 1, cs); err != nil {
			return err
		}
	}
	return nil
}

// decodeFile is what Stria's process in highThroughput does.
func decodeFile(ctx context.Context, name, in, out string) (err error) {
	i := slices.IndexFunc(engines(), func(g engine) bool { return g.name == name })
	if i < 0 {
		return fmt.Errorf("no engine %q", name)
	}
	f, err := jp2.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := engines()[i].decoder(1).Plan(f, tile.Request{})
	if err != nil {
		return err
	}
	o, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	w := bufio.NewWriter(o)
	return errors.Join(encode.PNM{}.Encode(ctx, w, p), w.Flush())
}
