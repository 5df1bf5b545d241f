package encodetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"iter"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/tile"
)

// Options say what to expect of a format.
type Options struct {
	// Decode reads back what the format wrote. It has to fail on a file that is
	// not whole. Nil: files are not read back.
	Decode func(r io.Reader) (image.Image, error)

	// Want returns what Decode should give for a picture. Nil: the picture.
	Want func(img image.Image) image.Image

	// Tolerance is how far a sample may be off, in steps of 8 bits. Zero: the
	// format is lossless, and pictures with noise are tried too.
	Tolerance int

	// Largest is the size of the largest picture, the one that faults are tried
	// with. Zero: 301 x 907, which makes several bands of most formats. One that
	// collects the picture first, and is slow, needs no more than 100 x 300.
	Largest image.Point

	// Formats are the pixel formats to try. Nil: all that an [encode.Accepter]
	// takes as they are, or Gray8 and RGB8.
	Formats []tile.PixelFormat
}

var errInjected = errors.New("injected failure")

// sizes of the pictures that are read back; the last has several bands.
func sizes(o Options) []image.Point {
	last := image.Pt(301, 907)
	if o.Largest != (image.Point{}) {
		last = o.Largest
	}
	return []image.Point{{1, 1}, {1, 37}, {37, 1}, {17, 31}, {64, 48}, last}
}

// Run checks f as a subtest each for what it promises. With -short the largest
// picture is narrower and less is repeated.
func Run(t *testing.T, f encode.Format, o Options) {
	formats := o.Formats
	if formats == nil {
		formats = acceptedAsTheyAre(f)
	}
	if len(formats) == 0 {
		t.Fatal("the format accepts no pixel format")
	}
	if f.MediaType() == "" {
		t.Error("no media type")
	}
	k := kit{f, o}
	all := sizes(o)
	if testing.Short() {
		all[len(all)-1].X /= 4
	}
	for i, pf := range formats {
		sizes := all
		if i > 0 && (i < len(formats)-1 || testing.Short()) {
			sizes = sizes[:len(sizes)-1] // several bands need not be in all
		}
		t.Run("Pictures/"+pf.String(), func(t *testing.T) { k.pictures(t, pf, sizes) })
	}
	// Faults do not depend on pixels: the largest picture of the first format.
	img := Picture(all[len(all)-1], formats[0], 40)
	t.Run("NothingBeforeFirstStrip", func(t *testing.T) { k.nothingFirst(t, img) })
	t.Run("SourceFails", func(t *testing.T) { k.sourceFails(t, img) })
	t.Run("SourceEndsEarly", func(t *testing.T) { k.sourceEndsEarly(t, img) })
	t.Run("WriterFails", func(t *testing.T) { k.writerFails(t, img) })
	t.Run("ShortWrite", func(t *testing.T) { k.shortWrite(t, img) })
	t.Run("FlushFails", func(t *testing.T) { k.flushFails(t, img) })
	t.Run("Cancel", func(t *testing.T) { k.cancel(t, img) })
	t.Run("Empty", func(t *testing.T) { k.empty(t, formats[0]) })
	t.Run("Reserve", func(t *testing.T) { k.reserve(t, img) })
	t.Run("Concurrent", func(t *testing.T) { k.concurrent(t, img) })
}

// acceptedAsTheyAre returns the pixel formats that f takes without conversion.
func acceptedAsTheyAre(f encode.Format) []tile.PixelFormat {
	a, ok := f.(encode.Accepter)
	if !ok {
		return []tile.PixelFormat{tile.Gray8, tile.RGB8}
	}
	var formats []tile.PixelFormat
	for pf := tile.Gray8; pf <= tile.CMYK8; pf++ {
		if got, err := a.Accept(image.Pt(16, 16), pf); err == nil && got == pf {
			formats = append(formats, pf)
		}
	}
	return formats
}

// A kit is what is tested.
type kit struct {
	f encode.Format
	o Options
}

// noLeak fails the test if a goroutine outlives it. The test must not be
// parallel to others.
func noLeak(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
}

// ended fails the test if a loop over src is still running.
func ended(t *testing.T, src *Source) {
	t.Helper()
	if src.running != 0 {
		t.Errorf("Encode returned inside the loop over its source")
	}
}

func (k kit) pictures(t *testing.T, pf tile.PixelFormat, sizes []image.Point) {
	noLeak(t)
	noise := 0
	if k.o.Tolerance == 0 {
		noise = 60
	}
	for _, size := range sizes {
		img := Picture(size, pf, noise)
		var whole []byte
		for _, heights := range [][]int{{size.Y}, {16}, {1, 7, 3}, {129}} {
			name := fmt.Sprintf("%v in strips of %v", size, heights)
			src := NewSource(img, heights...)
			w := &writer{}
			if err := k.f.Encode(t.Context(), w, src); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			ended(t, src)
			if w.flushes == 0 {
				t.Errorf("%s: the Writer was never flushed", name)
			}
			got := w.buf.Bytes()
			if whole != nil {
				if !bytes.Equal(got, whole) {
					t.Errorf("%s: other bytes than in one strip", name)
				}
				continue
			}
			whole = slices.Clone(got)
			k.check(t, name, whole, img)
		}
	}
}

// check compares what data holds with img.
func (k kit) check(t *testing.T, name string, data []byte, img image.Image) {
	t.Helper()
	if k.o.Decode == nil {
		return
	}
	got, err := k.o.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: reading it back: %v", name, err)
	}
	if k.o.Want != nil {
		img = k.o.Want(img)
	}
	if d, at, err := Difference(got, img); err != nil {
		t.Errorf("%s: %v", name, err)
	} else if d > k.o.Tolerance*257 {
		t.Errorf("%s: a sample is off by %.2f at %v", name, float64(d)/257, at)
	}
}

// Difference returns the largest difference between samples of two images, with
// 16 bits, and where it is. Images of different sizes are an error.
func Difference(a, b image.Image) (most int, at image.Point, err error) {
	if a.Bounds().Size() != b.Bounds().Size() {
		return 0, at, fmt.Errorf("the size is %v, not %v", a.Bounds().Size(), b.Bounds().Size())
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p := samples(a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y))
			q := samples(b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y))
			for i := range p {
				if d := max(p[i]-q[i], q[i]-p[i]); d > most {
					most, at = d, image.Pt(x, y)
				}
			}
		}
	}
	return most, at, nil
}

// samples returns the samples of c with 16 bits, not premultiplied.
func samples(c color.Color) [4]int {
	switch c := c.(type) {
	case color.NRGBA: // as it is: going through RGBA would lose what alpha 0 hides
		return [4]int{int(c.R) * 257, int(c.G) * 257, int(c.B) * 257, int(c.A) * 257}
	case color.CMYK:
		return [4]int{int(c.C) * 257, int(c.M) * 257, int(c.Y) * 257, int(c.K) * 257}
	}
	n := color.NRGBA64Model.Convert(c).(color.NRGBA64)
	return [4]int{int(n.R), int(n.G), int(n.B), int(n.A)}
}

func (k kit) nothingFirst(t *testing.T, img image.Image) {
	noLeak(t)
	src, w := NewSource(img), &writer{}
	src.Before = func(context.Context, int, image.Rectangle) error {
		if w.writes != 0 || w.flushes != 0 {
			t.Error("something was written before the first strip existed")
		}
		return errInjected
	}
	wantError(t, k.f.Encode(t.Context(), w, src), errInjected)
	ended(t, src)
	if w.writes != 0 || w.flushes != 0 {
		t.Error("something was written although the first strip failed")
	}
}

// lazily is how much less a short run repeats.
func lazily() int {
	if testing.Short() {
		return 4
	}
	return 1
}

func (k kit) sourceFails(t *testing.T, img image.Image) {
	noLeak(t)
	for n := 1; n < (img.Bounds().Dy()+15)/16; n += 4 * lazily() {
		src, w := NewSource(img, 16), &writer{}
		src.Before = func(_ context.Context, i int, _ image.Rectangle) error {
			if i == n {
				return errInjected
			}
			return nil
		}
		wantError(t, k.f.Encode(t.Context(), w, src), errInjected)
		ended(t, src)
		k.incomplete(t, fmt.Sprintf("source failed at strip %d", n), w)
	}
}

func (k kit) sourceEndsEarly(t *testing.T, img image.Image) {
	noLeak(t)
	for _, rows := range []int{0, 16, img.Bounds().Dy() - 1} {
		w := &writer{}
		if err := k.f.Encode(t.Context(), w, &early{NewSource(img, 16, 1), rows}); err == nil {
			t.Errorf("no error for a source that ends after %d rows", rows)
		}
		k.incomplete(t, fmt.Sprintf("source ended after %d rows", rows), w)
	}
}

// An early is a source that ends before its last rows.
type early struct {
	*Source
	rows int
}

func (e *early) Strips(ctx context.Context) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		for s, err := range e.Source.Strips(ctx) {
			if err == nil && s.Bounds.Max.Y > e.rows || !yield(s, err) {
				return
			}
		}
	}
}

// incomplete fails the test if what w has got reads like a whole file.
func (k kit) incomplete(t *testing.T, name string, w *writer) {
	t.Helper()
	if k.o.Decode == nil {
		return
	}
	if _, err := k.o.Decode(bytes.NewReader(w.buf.Bytes())); err == nil {
		t.Errorf("%s: what was written looks complete", name)
	}
}

func (k kit) writerFails(t *testing.T, img image.Image) {
	noLeak(t)
	full := &writer{}
	if err := k.f.Encode(t.Context(), full, NewSource(img)); err != nil {
		t.Fatal(err)
	}
	size := full.buf.Len()
	for _, n := range []int{0, 1, 2, size / 3, size / 2, size - 2, size - 1} {
		w := &writer{limit: n + 1, fail: errInjected}
		src := NewSource(img)
		wantError(t, k.f.Encode(t.Context(), w, src), errInjected)
		ended(t, src)
		if w.after != 0 {
			t.Errorf("failed at byte %d: written to %d times afterwards", n, w.after)
		}
	}
}

func (k kit) shortWrite(t *testing.T, img image.Image) {
	noLeak(t)
	w := &writer{limit: 11} // and no error
	wantError(t, k.f.Encode(t.Context(), w, NewSource(img)), io.ErrShortWrite)
	if w.after != 0 {
		t.Errorf("written to %d times after a short write", w.after)
	}
}

func (k kit) flushFails(t *testing.T, img image.Image) {
	noLeak(t)
	wantError(t, k.f.Encode(t.Context(), &writer{flushErr: errInjected}, NewSource(img)), errInjected)
}

func (k kit) cancel(t *testing.T, img image.Image) {
	noLeak(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInjected)
	w := &writer{}
	wantError(t, k.f.Encode(ctx, w, NewSource(img)), errInjected)
	if w.writes != 0 {
		t.Error("something was written in a context that had ended")
	}

	for n := 0; n < (img.Bounds().Dy()+15)/16; n += 3 * lazily() {
		ctx, cancel := context.WithCancelCause(t.Context())
		src, w := NewSource(img, 16), &writer{}
		src.Before = func(_ context.Context, i int, _ image.Rectangle) error {
			if i == n {
				cancel(errInjected) // and go on as if nothing were the matter
			}
			return nil
		}
		wantError(t, k.f.Encode(ctx, w, src), errInjected)
		ended(t, src)
		k.incomplete(t, fmt.Sprintf("cancelled at strip %d", n), w)
	}

	// While the Writer is at work, with more to come.
	ctx, cancel = context.WithCancelCause(t.Context())
	w = &writer{limit: 1 << 30}
	w.before = func() { cancel(errInjected) }
	err := k.f.Encode(ctx, w, NewSource(img))
	if err != nil { // everything may have been in that one Write
		wantError(t, err, errInjected)
	}
	cancel(nil)
}

func (k kit) empty(t *testing.T, pf tile.PixelFormat) {
	noLeak(t)
	w := &writer{}
	if err := k.f.Encode(t.Context(), w, &hollow{pf}); err == nil {
		t.Error("no error for a picture without pixels")
	}
	if w.writes != 0 {
		t.Error("something was written for a picture without pixels")
	}
}

// A hollow is a picture without pixels.
type hollow struct{ format tile.PixelFormat }

func (h *hollow) Size() image.Point             { return image.Pt(0, 5) }
func (h *hollow) PixelFormat() tile.PixelFormat { return h.format }
func (h *hollow) Strips(context.Context) iter.Seq2[*tile.Strip, error] {
	return func(func(*tile.Strip, error) bool) {}
}

func (k kit) reserve(t *testing.T, img image.Image) {
	noLeak(t)
	src := &reserver{Source: NewSource(img)}
	if err := k.f.Encode(t.Context(), io.Discard, src); err != nil {
		t.Fatal(err)
	}
	want := encode.Memory(k.f, src.Size(), src.PixelFormat())
	if _, ok := k.f.(encode.Estimator); ok && src.extra != want {
		t.Errorf("asked its source to reserve %d bytes, not the %d that Memory says", src.extra, want)
	}
	w := &writer{}
	src.refuse = true
	wantError(t, k.f.Encode(t.Context(), w, src), errInjected)
	if w.writes != 0 {
		t.Error("something was written although the budget refused")
	}
}

// A reserver is a Source with a budget.
type reserver struct {
	*Source
	extra  int64
	refuse bool
}

func (r *reserver) StripsReserving(ctx context.Context, extra int64) iter.Seq2[*tile.Strip, error] {
	r.extra = extra
	if r.refuse {
		return func(yield func(*tile.Strip, error) bool) { yield(nil, errInjected) }
	}
	return r.Strips(ctx)
}

func (k kit) concurrent(t *testing.T, img image.Image) {
	noLeak(t)
	var out [3]writer
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() {
			if err := k.f.Encode(t.Context(), &out[i], NewSource(img)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range out {
		if !bytes.Equal(out[0].buf.Bytes(), out[i].buf.Bytes()) {
			t.Error("runs at the same time give different bytes")
		}
	}
}

// wantError fails the test unless err is target.
func wantError(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("the error is %v, not %v", err, target)
	}
}

// A writer collects what is written until it fails.
type writer struct {
	buf      bytes.Buffer
	limit    int    // fails when it has limit-1 bytes; zero: never
	fail     error  // nil: a short write without an error
	flushErr error  // of FlushError
	before   func() // called before each write

	writes, flushes int
	failed          bool
	after           int // calls after it has failed
}

func (w *writer) Write(p []byte) (int, error) {
	if w.failed {
		w.after++
	}
	w.writes++
	if w.before != nil {
		w.before()
	}
	if room := w.limit - 1 - w.buf.Len(); w.limit > 0 && len(p) > room {
		w.failed = true
		n, _ := w.buf.Write(p[:room])
		return n, w.fail
	}
	return w.buf.Write(p)
}

func (w *writer) FlushError() error {
	if w.failed {
		w.after++
	}
	w.flushes++
	return w.flushErr
}
