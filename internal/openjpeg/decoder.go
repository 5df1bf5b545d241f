//go:build cgo

package openjpeg

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/stria-j2k/stria/internal/grid"
)

// #include "shim.h"
import "C"

// What is wrong with a call, whatever the data.
var (
	errClosed   = errors.New("openjpeg: the decoder is closed")
	errNoMemory = errors.New("openjpeg: out of C memory")
	errBegun    = errors.New("openjpeg: all of a codestream can only be decoded first and last")
	errMismatch = errors.New("openjpeg: the decoded planes are not those of the header (bug)")
)

// live is the number of decoders that are open.
var live atomic.Int64

// Live is the number of decoders that are open and not closed, in the whole
// process: what tests look at for leaks.
func Live() int64 { return live.Load() }

// A Decoder is one OpenJPEG codec over one codestream. It must be closed, and
// is not safe for concurrent use; any number of decoders may work at once.
type Decoder struct {
	c      *C.stria_opj
	bounds image.Rectangle // reference grid
	parts  []part          // one for each component
	begun  bool            // Decode has reached C
	holds  int64           // bytes of C memory between calls, estimated
	freed  int64           // bytes that were freed between calls, estimated
	err    error           // what every later call returns
}

// A part is what the header says of a component.
type part struct {
	sub    image.Point // XRsiz, YRsiz
	depth  int
	signed bool
}

// Open makes a decoder for a codestream of one tile and reads its header. The
// stream is copied to C memory; the caller keeps it and may change it. When
// Open fails it holds nothing.
//
// With more than one thread the code-blocks of each window are decoded by so
// many threads of the decoder's own, which live until Close. The samples are
// the same.
//
// The error matches [codestream.ErrFormat] when the data is refused, and
// [errors.ErrUnsupported] when it is more than this OpenJPEG can be given.
func Open(stream []byte, threads int) (*Decoder, error) {
	if err := checkStream(stream); err != nil {
		return nil, err
	}
	settle()
	opened := C.stria_opj_open(unsafe.Pointer(&stream[0]), C.size_t(len(stream)), C.int(min(threads, maxThreads)))
	if opened.decoder == nil {
		return nil, errNoMemory
	}
	live.Add(1)
	d := &Decoder{c: opened.decoder, holds: int64(len(stream))}
	if opened.status != C.STRIA_OK {
		defer d.Close()
		return nil, d.refused()
	}
	h := C.stria_opj_header(d.c)
	d.bounds = image.Rect(int(h.x0), int(h.y0), int(h.x1), int(h.y1))
	d.parts = make([]part, h.components)
	for i := range d.parts {
		c := C.stria_opj_header_component(d.c, C.uint32_t(i))
		d.parts[i] = part{image.Pt(int(c.dx), int(c.dy)), int(c.depth), c.sgnd != 0}
	}
	return d, nil
}

// Close frees all that the decoder holds. Closing twice is harmless.
func (d *Decoder) Close() {
	if d.c == nil {
		return
	}
	C.stria_opj_close(d.c)
	trim(d.holds + d.freed)
	d.c = nil
	d.err = errClosed
	live.Add(-1)
}

// Bounds is the image area of the codestream, on its reference grid.
func (d *Decoder) Bounds() image.Rectangle { return d.bounds }

// Decode decodes the area, which is on the codestream's reference grid and
// within its bounds, and stores of each component what the bounds of its plane
// in dst say: all of the component's part of the area or some of it. The
// planes' depths and signs must be the components' own. Nothing is stored
// outside the planes' bounds; what is stored inside when Decode fails is
// undefined.
//
// It may be called repeatedly, best with areas from top to bottom: code-blocks
// that an area shares with the one before are not decoded again, and those that
// it does not reach are freed. Where nothing but all of the codestream is wanted
// [Decoder.DecodeAll] is quicker.
//
// Windows of 9/7 components may differ by 1 from a decode of the whole within
// one coefficient a level of their edges, because OpenJPEG reaches too short
// there; ask for an area that is larger by that and for bounds that are not.
//
// Decode cannot be interrupted. An error that matches [codestream.ErrFormat]
// or any other but a mismatch of area and planes stays: all later calls return
// it.
func (d *Decoder) Decode(area image.Rectangle, dst []Plane) error {
	if d.err != nil {
		return d.err
	}
	area, err := d.check(area, dst)
	if err != nil {
		return err
	}
	if area == d.bounds {
		return d.halves(dst)
	}
	return d.decode(area, dst)
}

// DecodeAll decodes all of the codestream. It is for a decoder that has not been
// used and must not be used again: OpenJPEG lets go of the codestream when it has
// decoded the whole. In everything else it is as Decode.
func (d *Decoder) DecodeAll(dst []Plane) error {
	if d.err != nil {
		return d.err
	}
	if _, err := d.check(d.bounds, dst); err != nil {
		return err
	}
	if d.begun {
		return errBegun
	}
	if err := d.decode(d.bounds, dst); err != nil {
		return err
	}
	d.err = errBegun
	return nil
}

// halves decodes all of the codestream in such a way that it is kept: once
// without the last row, and what is then missing without the first; or columns
// where there is only one row. Both windows reach all coefficients, so that the
// samples are those of the whole.
func (d *Decoder) halves(dst []Plane) error {
	all := d.bounds
	for _, cut := range []image.Point{{Y: 1}, {X: 1}} {
		first := image.Rectangle{Min: all.Min, Max: all.Max.Sub(cut)}
		second := image.Rectangle{Min: all.Min.Add(cut), Max: all.Max}
		if !d.samples(first) || !d.samples(second) {
			continue
		}
		one, two := make([]Plane, len(dst)), make([]Plane, len(dst))
		for i := range dst {
			part := window(first, d.parts[i].sub)
			one[i] = dst[i].sub(part)
			rest := dst[i].Bounds
			if cut.Y > 0 {
				rest.Min.Y = max(rest.Min.Y, part.Max.Y)
			} else {
				rest.Min.X = max(rest.Min.X, part.Max.X)
			}
			two[i] = dst[i].sub(rest)
		}
		if err := d.decode(first, one); err != nil {
			return err
		}
		return d.decode(second, two)
	}
	return fmt.Errorf("openjpeg: no part of %v has samples of all components: %w", all, errors.ErrUnsupported)
}

// samples reports whether an area has samples of all components.
func (d *Decoder) samples(area image.Rectangle) bool {
	for i := range d.parts {
		if window(area, d.parts[i].sub).Empty() {
			return false
		}
	}
	return !area.Empty()
}

// decode decodes an area in which all components have samples.
func (d *Decoder) decode(area image.Rectangle, dst []Plane) error {
	// The planes stay where they are while C fills them.
	var pins runtime.Pinner
	defer pins.Unpin()
	planes := make([]C.stria_opj_plane, len(dst))
	for i := range dst {
		p := &dst[i]
		planes[i] = C.stria_opj_plane{
			stride: C.size_t(p.Stride),
			x0:     C.int32_t(p.Bounds.Min.X),
			y0:     C.int32_t(p.Bounds.Min.Y),
			x1:     C.int32_t(p.Bounds.Max.X),
			y1:     C.int32_t(p.Bounds.Max.Y),
			depth:  C.uint32_t(p.Depth),
			size:   C.uint32_t(p.size()),
		}
		if p.Signed {
			planes[i].sgnd = 1
		}
		if p.Bounds.Empty() {
			planes[i].x1 = planes[i].x0
			continue
		}
		var samples unsafe.Pointer
		switch p.size() {
		case 1:
			samples = unsafe.Pointer(&p.U8[0])
		case 2:
			samples = unsafe.Pointer(&p.U16[0])
		default:
			samples = unsafe.Pointer(&p.I32[0])
		}
		pins.Pin(samples)
		planes[i].samples = samples
	}

	first := !d.begun
	d.begun = true
	switch C.stria_opj_decode(d.c,
		C.uint32_t(area.Min.X), C.uint32_t(area.Min.Y),
		C.uint32_t(area.Max.X), C.uint32_t(area.Max.Y),
		&planes[0], C.size_t(len(planes))) {
	case C.STRIA_OK:
	case C.STRIA_REFUSED:
		d.err = d.refused()
	default:
		d.err = errMismatch
	}

	// Four bytes for each sample and twice that for the wavelet transform are
	// free again. The coefficients, of about as many samples, and the structures
	// of the tile, a tenth of a byte for each of its samples, are still held.
	samples := int64(0)
	for i := range dst {
		w := window(area, d.parts[i].sub)
		samples += int64(w.Dx()) * int64(w.Dy())
	}
	if first {
		d.holds += int64(d.bounds.Dx()) * int64(d.bounds.Dy()) / 8
	}
	d.freed += 12 * samples
	return d.err
}

// check holds area and planes against the header. It returns the area to
// decode, which is larger than the one asked for where a subsampled component
// has no sample in that: OpenJPEG fails on windows without samples.
func (d *Decoder) check(area image.Rectangle, dst []Plane) (image.Rectangle, error) {
	if area.Empty() || !area.In(d.bounds) {
		return area, fmt.Errorf("openjpeg: area %v is not within %v", area, d.bounds)
	}
	if len(dst) != len(d.parts) {
		return area, fmt.Errorf("openjpeg: %d planes for %d components", len(dst), len(d.parts))
	}
	grown := area
	for i := range dst {
		p, c := &dst[i], &d.parts[i]
		if p.Depth != c.depth || p.Signed != c.signed {
			return area, fmt.Errorf("openjpeg: plane %d of %d bits, signed %t, for a component of %d bits, signed %t",
				i, p.Depth, p.Signed, c.depth, c.signed)
		}
		if !p.Bounds.In(window(area, c.sub)) {
			return area, fmt.Errorf("openjpeg: plane %d: bounds %v outside the area's %v", i, p.Bounds, window(area, c.sub))
		}
		if err := p.check(); err != nil {
			return area, fmt.Errorf("openjpeg: plane %d: %w", i, err)
		}
		grown.Min.X, grown.Max.X = cover(grown.Min.X, grown.Max.X, d.bounds.Min.X, d.bounds.Max.X, c.sub.X)
		grown.Min.Y, grown.Max.Y = cover(grown.Min.Y, grown.Max.Y, d.bounds.Min.Y, d.bounds.Max.Y, c.sub.Y)
		if window(grown, c.sub).Empty() {
			return area, fmt.Errorf("openjpeg: component %d has no samples: %w", i, errors.ErrUnsupported)
		}
	}
	return grown, nil
}

// cover extends the range lo, hi to a multiple of step if it has none, but not
// beyond first, end.
func cover(lo, hi, first, end, step int) (int, int) {
	if ceilDiv(lo, step) < ceilDiv(hi, step) {
		return lo, hi
	}
	if next := ceilDiv(hi, step) * step; next < end {
		return lo, next + 1
	}
	if last := (hi - 1) / step * step; last >= first {
		return last, hi
	}
	return lo, hi
}

// held is how many bytes of its own copy of the codestream the shim holds.
func (d *Decoder) held() int { return int(C.stria_opj_holds(d.c)) }

// refused is the error that C left behind.
func (d *Decoder) refused() error {
	return &Error{Message: C.GoString(C.stria_opj_message(d.c))}
}

// Version is the version of the OpenJPEG library in use.
func Version() (major, minor, patch int) {
	fields := strings.SplitN(C.GoString(C.opj_version()), ".", 3)
	for i, v := range []*int{&major, &minor, &patch} {
		if i < len(fields) {
			*v, _ = strconv.Atoi(fields[i])
		}
	}
	return major, minor, patch
}

// size is the number of bytes that a sample of the plane takes.
func (p *Plane) size() int {
	switch {
	case p.Signed || p.Depth > 16:
		return 4
	case p.Depth > 8:
		return 2
	default:
		return 1
	}
}

// check reports whether the plane's slices are as documented and hold its
// bounds.
func (p *Plane) check() error {
	if p.Bounds.Empty() {
		return nil
	}
	var n, others int
	switch p.size() {
	case 1:
		n, others = len(p.U8), len(p.U16)+len(p.I32)
	case 2:
		n, others = len(p.U16), len(p.U8)+len(p.I32)
	default:
		n, others = len(p.I32), len(p.U8)+len(p.U16)
	}
	if n == 0 || others != 0 {
		return fmt.Errorf("not exactly the slice for samples of %d bits, signed %t", p.Depth, p.Signed)
	}
	if p.Stride < p.Bounds.Dx() || n < p.Bounds.Dx() || (n-p.Bounds.Dx())/p.Stride < p.Bounds.Dy()-1 {
		return fmt.Errorf("%d samples with stride %d cannot hold %v", n, p.Stride, p.Bounds)
	}
	return nil
}

// sub is the part of the plane inside bounds, sharing its samples.
func (p *Plane) sub(bounds image.Rectangle) Plane {
	q := *p
	q.Bounds = bounds.Intersect(p.Bounds)
	if q.Bounds.Empty() {
		q.U8, q.U16, q.I32 = nil, nil, nil
		return q
	}
	first := (q.Bounds.Min.Y-p.Bounds.Min.Y)*p.Stride + q.Bounds.Min.X - p.Bounds.Min.X
	switch p.size() {
	case 1:
		q.U8 = p.U8[first:]
	case 2:
		q.U16 = p.U16[first:]
	default:
		q.I32 = p.I32[first:]
	}
	return q
}

// window is the part of a component that area covers: area is on the reference
// grid, the result on the grid of the component with that subsampling (B-2).
func window(area image.Rectangle, sub image.Point) image.Rectangle {
	return image.Rect(
		ceilDiv(area.Min.X, sub.X), ceilDiv(area.Min.Y, sub.Y),
		ceilDiv(area.Max.X, sub.X), ceilDiv(area.Max.Y, sub.Y))
}

func ceilDiv(a, b int) int { return int(grid.CeilDiv(int64(a), int64(b))) }
