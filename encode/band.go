package encode

import (
	"context"
	"image"
	"iter"
	"runtime"
	"sync"

	"github.com/stria-j2k/stria/tile"
)

// A banding is how a picture is cut into bands of constant height that are
// encoded independently, several at a time, and joined in order. Strips of the
// source have any height; they are copied, as they die with the next one.
type banding struct {
	size    image.Point
	rows    int // of every band but the last
	above   int // rows of the bands before that a band has too, as far as there are
	workers int
}

// A band is some rows of the picture, and what a worker made of them.
type band struct {
	tile.Strip     // its own copy; Pix and the planes have room for padding
	above      int // rows of Bounds that are of bands before
	index      int
	last       bool
	out        sink
	err        error
	done       chan struct{} // a worker has put out and err

	height int // rows there is room for
}

// A sink is memory to write to. It cannot fail, which is what libjpeg needs: a
// Writer that fails sends go-libjpeg into an endless loop.
type sink []byte

func (s *sink) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

// workersOr returns n, or the number of processors Go uses when n is 0.
func workersOr(n int) int {
	if n <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// bandRows returns the height of bands that have about pixels pixels: a multiple
// of unit and at least that.
func bandRows(width int64, pixels, unit int) int {
	return max(int(int64(pixels)/max(width, 1))/unit, 1) * unit
}

// count is the number of bands.
func (g banding) count() int { return (g.size.Y + g.rows - 1) / g.rows }

// height is the most rows that a band has, those above included.
func (g banding) height() int { return min(g.rows+g.above, g.size.Y) }

// inFlight is the most workers that are of use, and the most bands that exist at
// a time: one for each worker, one being filled.
func (g banding) inFlight() (workers, bands int) {
	workers = min(workersOr(g.workers), g.count())
	return workers, min(workers+1, g.count())
}

// memory is what the bands hold if each takes perBand bytes, in bytes.
func (g banding) memory(perBand, perWorker int64) int64 {
	workers, bands := g.inFlight()
	return int64(workers)*perWorker + int64(bands)*perBand
}

// each copies strips into bands, calls the work functions that newWorker makes
// from as many goroutines, each band going to one of them, and calls emit with
// the bands in order, from one more goroutine. The first error ends it and is
// returned; nothing runs on.
func (g banding) each(ctx context.Context, strips iter.Seq2[*tile.Strip, error],
	newWorker func() func(*band) error, emit func(*band) error) error {

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers, bands := g.inFlight()

	// Every band is in one of these, or with whoever took it from there.
	free := make(chan *band, bands)
	work := make(chan *band, bands)
	order := make(chan *band, bands)
	for range bands {
		free <- &band{done: make(chan struct{}, 1)}
	}

	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			do := newWorker()
			for b := range work {
				if b.err = ctx.Err(); b.err == nil {
					b.err = do(b)
				}
				b.done <- struct{}{}
			}
		})
	}
	var failure error // of work or emit; read when the goroutines have ended
	wg.Go(func() {
		for b := range order {
			<-b.done
			if ctx.Err() != nil {
				continue
			}
			if failure = b.err; failure == nil {
				failure = emit(b)
			}
			if failure != nil {
				cancel(failure)
			}
			free <- b
		}
	})
	err := func() error {
		// Deferred, so that a source that panics leaves nothing behind.
		defer wg.Wait()
		defer close(order)
		defer close(work)
		ok := false
		defer func() {
			if !ok {
				cancel(context.Canceled)
			}
		}()
		err := g.cut(ctx, strips, free, func(b *band) {
			order <- b
			work <- b
		})
		ok = err == nil
		return err
	}()
	if failure != nil {
		return failure
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// cut fills bands from free with the rows of strips and gives each to full.
func (g banding) cut(ctx context.Context, strips iter.Seq2[*tile.Strip, error],
	free <-chan *band, full func(*band)) error {

	var b, before *band
	index := 0
	for s, err := range strips {
		if err != nil {
			return err
		}
		for y := s.Bounds.Min.Y; y < s.Bounds.Max.Y; {
			if b == nil {
				select {
				case b = <-free:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				b.start(g, s, index)
				if b.above > 0 {
					// Work on it only reads them, and it is not b: there are two
					// bands, and they become free in order.
					copyRows(&b.Strip, &before.Strip, b.Bounds.Min.Y, b.Bounds.Min.Y+b.above)
				}
				index++
			}
			y1 := min(s.Bounds.Max.Y, b.Bounds.Max.Y)
			copyRows(&b.Strip, s, y, y1)
			if y = y1; y == b.Bounds.Max.Y {
				full(b)
				before, b = b, nil
			}
		}
	}
	return nil
}

// start makes b the band of that index, with the layout of s. Strides and planes
// have room for whole blocks of 16 x 16 pixels, because libjpeg reads whole MCUs.
func (b *band) start(g banding, s *tile.Strip, index int) {
	y := index * g.rows
	b.index = index
	b.last = index == g.count()-1
	b.above = min(g.above, y)
	b.Bounds = image.Rect(0, y-b.above, g.size.X, min(y+g.rows, g.size.Y))
	b.out = b.out[:0]
	if b.Pix != nil {
		return
	}
	b.Format, b.Ratio = s.Format, s.Ratio
	b.height = pad16(g.height())
	if b.Format == tile.YCbCr8 {
		b.Stride = pad16(g.size.X)
		b.CStride = b.Stride / ratioX(b.Ratio)
		c := make([]byte, 2*b.CStride*(b.height/ratioY(b.Ratio)))
		b.Cb, b.Cr = c[:len(c)/2], c[len(c)/2:]
	} else {
		b.Stride = pad16(g.size.X) * b.Format.Channels() * b.Format.Depth() / 8
	}
	b.Pix = make([]byte, b.Stride*b.height)
}

// bandMemory is what start allocates for bands of rows rows, in bytes.
func bandMemory(width, rows int, f tile.PixelFormat) int64 {
	return int64(pad16(width)) * int64(pad16(rows)) * int64(f.Channels()*f.Depth()/8)
}

// copyRows copies the rows from y0 to y1, on the result's grid, from s to dst.
func copyRows(dst, s *tile.Strip, y0, y1 int) {
	w := s.Bounds.Dx()
	n := w * s.Format.Channels() * s.Format.Depth() / 8
	if s.Format == tile.YCbCr8 {
		n = w
		rx, ry := ratioX(s.Ratio), ratioY(s.Ratio)
		cn := (w + rx - 1) / rx
		for y := y0 / ry; y < (y1+ry-1)/ry; y++ {
			d, o := (y-dst.Bounds.Min.Y/ry)*dst.CStride, (y-s.Bounds.Min.Y/ry)*s.CStride
			copy(dst.Cb[d:d+cn], s.Cb[o:o+cn])
			copy(dst.Cr[d:d+cn], s.Cr[o:o+cn])
		}
	}
	for y := y0; y < y1; y++ {
		d, o := (y-dst.Bounds.Min.Y)*dst.Stride, (y-s.Bounds.Min.Y)*s.Stride
		copy(dst.Pix[d:d+n], s.Pix[o:o+n])
	}
}

// row returns row y of the band, counted from its top, without padding.
func (b *band) row(y int) []byte {
	n := b.Bounds.Dx() * b.Format.Channels() * b.Format.Depth() / 8
	return b.Pix[y*b.Stride : y*b.Stride+n]
}

// pad16 rounds n up to a multiple of 16.
func pad16(n int) int { return (n + 15) &^ 15 }

// ratioX is the horizontal chroma subsampling of r.
func ratioX(r image.YCbCrSubsampleRatio) int {
	switch r {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		return 2
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		return 4
	}
	return 1
}

// ratioY is the vertical chroma subsampling of r.
func ratioY(r image.YCbCrSubsampleRatio) int {
	switch r {
	case image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio410:
		return 2
	}
	return 1
}
