// This file implements the walk of a window with High-Throughput code-blocks.
// OpenJPEG decodes these blocks, but takes them for zero unless it is asked for a
// whole tile. So that is what it gets: parts of sub-bands, as images without a
// transform. To High-Throughput blocks, unlike others, it makes no difference of
// which sub-band they are. The transforms are done here.

package tile

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/openjpeg"
	"github.com/stria-j2k/stria/internal/wavelet"
)

// What OpenJPEG decodes at a time. So much is also decoded in vain at most when
// the run is cancelled.
const (
	unitSamples = 1 << 18
	unitBlocks  = 1 << 10
)

// A subbandWalk holds the coefficients of the code-blocks that its last area
// depends on, and decodes those that the next one needs besides.
type subbandWalk struct {
	job        Job
	indices    []int // of the image's components, in the selection's order
	components []tileComponent
	units      []unit
	scratch    []unitScratch // for each thread
	err        error
}

// A unit is some code-blocks of a sub-band.
type unit struct {
	component  int // of the selection
	resolution int
	band       int             // 0 to 3: LL, HL, LH, HH
	area       image.Rectangle // sub-band grid; whole code-blocks
}

// A unitScratch is what decoding a unit needs.
type unitScratch struct {
	stream  []byte
	samples []int32
}

// A tileComponent is one component of the assembled tile, with coefficients of
// one type or the other.
type tileComponent interface {
	// place makes room for the coefficients that a window, on the component's
	// grid, depends on. It returns the units that must be decoded for it.
	place(window image.Rectangle) []unit
	// store takes the coefficients of a unit, as [codestream.Selection.Coefficients]
	// has them.
	store(u *unit, samples []int32)
	// synthesize makes the window's samples.
	synthesize()
	// pack puts the samples of dst's bounds into it.
	pack(dst *Plane)
}

// beginSubbands is Begin for a selection with High-Throughput blocks.
func beginSubbands(job *Job) (Walk, error) {
	s := job.Selection
	cost := openjpeg.Cost{Work: s.Work()}
	w := &subbandWalk{job: *job, indices: s.Window().Components, scratch: make([]unitScratch, max(job.Threads, 1))}
	for i, coding := range s.Coding().Components {
		if coding.Style&codestream.HT == 0 {
			// Contexts of the other kind depend on the sub-band, which OpenJPEG
			// would take for another one.
			return nil, fmt.Errorf("tile: components with and without High-Throughput blocks: %w", errors.ErrUnsupported)
		}
		cost.Bits = max(cost.Bits, s.Planes(i))
		c := newCoefficients(s, i)
		if coding.Reversible {
			w.components = append(w.components, &component[int32]{coefficients: c})
		} else {
			w.components = append(w.components, &component[float32]{coefficients: c})
		}
	}
	if err := cost.Check(); err != nil {
		return nil, err
	}
	// The job's data is there for as long as Begin only.
	held := &buffer{spans: s.Spans()}
	for _, span := range held.spans {
		data := make([]byte, span.Len)
		if n, err := job.Data.ReadAt(data, span.Off); int64(n) < span.Len {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		held.data = append(held.data, data)
	}
	w.job.Data = held
	return w, nil
}

// subbandMemory is what a subbandWalk takes.
func subbandMemory(c Cost) int64 {
	held := c.Bytes + 4*c.Coefficients
	if c.Resting {
		return held
	}
	// While a band gets other bounds it may be there twice. Without a transform
	// that is all of the coefficients, otherwise a part of them.
	moved := 2 * c.Coefficients
	if c.Levels == 0 {
		moved *= 2
	}
	// Samples, with what is around a window, at this resolution and at the one
	// below.
	around := int64(2 * wavelet.Reach(false) * (c.Window.X + c.Window.Y + 2*wavelet.Reach(false)))
	samples := 5 * (c.Samples + around*int64(c.Components))
	// The units that are decoded at the same time: their samples here and in C,
	// and their bytes, which are no more than all, here and, while they are read,
	// twice in C.
	side := 1 << 9 // of a square of unitSamples
	one := openjpeg.Cost{Components: 1, Tile: image.Rect(0, 0, side, side), Window: image.Rect(0, 0, side, side),
		Samples: unitSamples, Blocks: unitBlocks, Included: unitBlocks, Precincts: unitBlocks / 16}
	units := int64(max(c.Threads, 1))*(one.Memory()+4*unitSamples) + 3*c.Bytes
	return held + moved + samples + units
}

func (w *subbandWalk) Close() { *w = subbandWalk{err: errors.New("tile: the walk is closed")} }

func (w *subbandWalk) Decode(ctx context.Context, _ image.Rectangle, dst *Planes) error {
	if w.err == nil {
		w.err = w.decode(ctx, dst)
	}
	return w.err
}

func (w *subbandWalk) decode(ctx context.Context, dst *Planes) error {
	coding := w.job.Selection.Coding()
	window := func(i int) image.Rectangle { return dst.Planes[w.indices[i]].Bounds }
	w.units = w.units[:0]
	for i, c := range w.components {
		bounds := window(i)
		if coding.MCT && i < 3 {
			bounds = window(0).Union(window(1)).Union(window(2))
		}
		w.units = append(w.units, c.place(bounds)...)
	}
	if err := w.decodeUnits(ctx); err != nil {
		return err
	}
	w.parallel(len(w.components), func(i, _ int) { w.components[i].synthesize() })
	if coding.MCT {
		switch first := w.components[0].(type) {
		case *component[int32]:
			wavelet.InverseRCT(first.samples(), w.components[1].(*component[int32]).samples(),
				w.components[2].(*component[int32]).samples())
		case *component[float32]:
			wavelet.InverseICT(first.samples(), w.components[1].(*component[float32]).samples(),
				w.components[2].(*component[float32]).samples())
		}
	}
	for i, c := range w.components {
		c.pack(&dst.Planes[w.indices[i]])
	}
	return nil
}

// parallel calls do for 0 to n-1, with as many threads as the walk has. Each has
// a number of its own.
func (w *subbandWalk) parallel(n int, do func(i, thread int)) {
	var next atomic.Int64
	work := func(thread int) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(i, thread)
		}
	}
	var others sync.WaitGroup
	for thread := 1; thread < min(len(w.scratch), n); thread++ {
		others.Go(func() { work(thread) })
	}
	work(0)
	others.Wait()
}

// decodeUnits decodes the units that are missing. Where one is refused, its
// blocks are decoded one by one, and those at fault are left out if the job
// allows it.
func (w *subbandWalk) decodeUnits(ctx context.Context) error {
	refused := make([]error, len(w.units))
	w.parallel(len(w.units), func(i, thread int) {
		if refused[i] = context.Cause(ctx); refused[i] == nil {
			refused[i] = w.decodeUnit(&w.units[i], &w.scratch[thread])
		}
	})
	for i, err := range refused {
		if errors.Is(err, codestream.ErrFormat) && w.job.Damaged != nil {
			err = w.decodeBlocks(ctx, &w.units[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeBlocks decodes the blocks of a unit one by one.
func (w *subbandWalk) decodeBlocks(ctx context.Context, u *unit) error {
	c := newCoefficients(w.job.Selection, u.component)
	for _, block := range c.cut(u, 1, 1) {
		err := context.Cause(ctx)
		if err == nil {
			err = w.decodeUnit(&block, &w.scratch[0])
		}
		if errors.Is(err, codestream.ErrFormat) {
			err = w.job.Damaged(fmt.Errorf("tile: code-block at %v of band %d, resolution %d, component %d: %w",
				block.area.Min, u.band, u.resolution, w.indices[u.component], err))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeUnit decodes a unit and stores its coefficients. They are zero before,
// and stay so where there is no data.
func (w *subbandWalk) decodeUnit(u *unit, scratch *unitScratch) error {
	s, err := w.job.Selection.Coefficients(u.component, u.resolution, u.band, u.area)
	if s == nil || err != nil {
		return err
	}
	if err := w.check(s, scratch); err != nil {
		return err
	}
	if scratch.stream, err = s.AppendTo(scratch.stream[:0], w.job.Data); err != nil {
		return err
	}
	d, err := openjpeg.Open(scratch.stream, 1)
	if err != nil {
		return err
	}
	defer d.Close()
	scratch.samples = resize(scratch.samples, u.area.Dx()*u.area.Dy())
	err = d.DecodeAll([]openjpeg.Plane{{Bounds: u.area, Depth: codestream.CoefficientPlanes + 1, Signed: true,
		Stride: u.area.Dx(), I32: scratch.samples}})
	if err != nil {
		return err
	}
	w.components[u.component].store(u, scratch.samples)
	return nil
}

// check reports whether OpenJPEG can be given the blocks.
func (w *subbandWalk) check(s *codestream.Selection, scratch *unitScratch) error {
	for b := range s.Blocks() {
		cleanup := resize(scratch.stream, b.Codewords[0].Length)[:0]
		for _, span := range b.Spans {
			n := min(int(span.Len), b.Codewords[0].Length-len(cleanup))
			cleanup = cleanup[:len(cleanup)+n]
			if _, err := w.job.Data.ReadAt(cleanup[len(cleanup)-n:], span.Off); err != nil {
				return err
			}
		}
		if err := openjpeg.CheckHT(cleanup); err != nil {
			return err
		}
		scratch.stream = cleanup
	}
	return nil
}

// coefficients is where the sub-bands of a component and their code-blocks are.
type coefficients struct {
	index  int // in the selection
	coding *codestream.ComponentCoding
	depth  int
	bounds image.Rectangle // component grid, reduced: the assembled tile
}

func newCoefficients(s *codestream.Selection, i int) coefficients {
	return coefficients{i, &s.Coding().Components[i], s.Depth(i), s.TileBounds(i)}
}

// level is the decomposition level of the sub-bands of resolution r.
func (c *coefficients) level(r int) int { return c.coding.Levels - max(r-1, 0) }

// resolution is the bounds of resolution r.
func (c *coefficients) resolution(r int) image.Rectangle {
	return wavelet.Resolution(c.bounds, c.coding.Levels-r)
}

// blocks gives what of a band's area is in its code-blocks that r touches.
func (c *coefficients) blocks(r int, band int, area image.Rectangle) image.Rectangle {
	all := wavelet.Band(c.bounds, band, c.level(r))
	area = area.Intersect(all)
	if area.Empty() {
		return image.Rectangle{}
	}
	size := c.coding.BlockSize(r)
	down := func(v, n int) int { return v &^ (n - 1) }
	return image.Rect(down(area.Min.X, size.X), down(area.Min.Y, size.Y),
		down(area.Max.X+size.X-1, size.X), down(area.Max.Y+size.Y-1, size.Y)).Intersect(all)
}

// cut cuts a unit into units of so many columns and rows of blocks.
func (c *coefficients) cut(u *unit, columns, rows int) []unit {
	size := c.coding.BlockSize(u.resolution)
	size.X, size.Y = size.X*columns, size.Y*rows
	var units []unit
	for y := u.area.Min.Y / size.Y * size.Y; y < u.area.Max.Y; y += size.Y {
		for x := u.area.Min.X / size.X * size.X; x < u.area.Max.X; x += size.X {
			part := *u
			part.area = image.Rect(x, y, x+size.X, y+size.Y).Intersect(u.area)
			units = append(units, part)
		}
	}
	return units
}

// units cuts an area of a sub-band into units.
func (c *coefficients) units(r, band int, area image.Rectangle) []unit {
	if area.Empty() {
		return nil
	}
	size := c.coding.BlockSize(r)
	most := min(unitBlocks, max(unitSamples/(size.X*size.Y), 1))
	columns := min(area.Dx()/size.X+1, most)
	return c.cut(&unit{c.index, r, band, area}, columns, most/columns)
}

// A component is the coefficients and samples of one component of a walk.
type component[T wavelet.Number] struct {
	coefficients
	bands  [][4]wavelet.Plane[T] // by resolution, the lowest first; LL of that only
	window []image.Rectangle     // by resolution: what is needed of it
	made   [2]wavelet.Plane[T]   // resolutions: the odd ones in the second
}

func (c *component[T]) place(window image.Rectangle) []unit {
	levels := c.coding.Levels
	if c.bands == nil {
		c.bands = make([][4]wavelet.Plane[T], levels+1)
		c.window = make([]image.Rectangle, levels+1)
	}
	c.window[levels] = image.Rectangle{}
	if window = window.Intersect(c.bounds); window.Empty() {
		return nil
	}
	var units []unit
	for r := levels; r > 0; r-- {
		c.window[r] = wavelet.Need(window, c.resolution(r), c.coding.Reversible)
		for band := 1; band < 4; band++ {
			units = append(units, c.move(r, band, wavelet.Band(c.window[r], band, 1))...)
		}
		window = wavelet.Resolution(c.window[r], 1)
	}
	c.window[0] = window
	return append(units, c.move(0, 0, window)...)
}

// move makes a band's plane the blocks that area touches, and keeps those that it
// has. It returns the others.
func (c *component[T]) move(r, band int, area image.Rectangle) []unit {
	p := &c.bands[r][band]
	area = c.blocks(r, band, area)
	kept := p.Bounds.Intersect(area)
	if area == p.Bounds {
		return nil
	}
	p.Move(area)
	if kept.Empty() {
		return c.units(r, band, area)
	}
	// Above, below, and left and right of what is kept.
	var units []unit
	for _, rest := range [4]image.Rectangle{
		image.Rect(area.Min.X, area.Min.Y, area.Max.X, kept.Min.Y),
		image.Rect(area.Min.X, kept.Max.Y, area.Max.X, area.Max.Y),
		image.Rect(area.Min.X, kept.Min.Y, kept.Min.X, kept.Max.Y),
		image.Rect(kept.Max.X, kept.Min.Y, area.Max.X, kept.Max.Y),
	} {
		if rest.Dx() > 0 && rest.Dy() > 0 {
			units = append(units, c.units(r, band, rest)...)
		}
	}
	return units
}

func (c *component[T]) store(u *unit, samples []int32) {
	// The coefficients are shifted up, and those of a region of interest, which
	// are larger than any other, once more (H.1).
	shift := codestream.CoefficientPlanes - c.coding.BandPlanes(u.resolution, u.band)
	region := int64(1) << (shift + c.coding.ROIShift)
	step := c.coding.BandStep(u.resolution, u.band, c.depth)
	scale := float32(math.Ldexp(step, -shift))
	regionScale := float32(math.Ldexp(step, -shift-c.coding.ROIShift))
	p := &c.bands[u.resolution][u.band]
	for y := u.area.Min.Y; y < u.area.Max.Y; y++ {
		row := p.Row(y, u.area.Min.X, u.area.Max.X)
		from := samples[(y-u.area.Min.Y)*u.area.Dx():][:len(row)]
		switch row := any(row).(type) {
		case []int32:
			for i, v := range from {
				m := max(v, -v) >> shift
				if int64(max(v, -v)) >= region {
					m >>= c.coding.ROIShift
				}
				if v < 0 {
					m = -m
				}
				row[i] = m
			}
		case []float32:
			for i, v := range from {
				if int64(max(v, -v)) >= region {
					row[i] = float32(v) * regionScale
				} else {
					row[i] = float32(v) * scale
				}
			}
		}
	}
}

func (c *component[T]) synthesize() {
	levels := c.coding.Levels
	if c.window[levels].Empty() {
		return
	}
	if levels == 0 {
		out := c.samples()
		out.Reshape(c.window[0])
		for y := out.Bounds.Min.Y; y < out.Bounds.Max.Y; y++ {
			copy(out.Row(y, out.Bounds.Min.X, out.Bounds.Max.X), c.bands[0][0].Row(y, out.Bounds.Min.X, out.Bounds.Max.X))
		}
		return
	}
	low := c.bands[0][0]
	for r := 1; r <= levels; r++ {
		to := &c.made[r&1]
		to.Reshape(c.window[r])
		wavelet.Synthesize(to, [4]wavelet.Plane[T]{low, c.bands[r][1], c.bands[r][2], c.bands[r][3]})
		low = *to
	}
}

// samples is what synthesize makes: the window, and some more around it.
func (c *component[T]) samples() *wavelet.Plane[T] { return &c.made[c.coding.Levels&1] }

func (c *component[T]) pack(dst *Plane) {
	if dst.Bounds.Empty() {
		return
	}
	from := c.samples()
	half := 1 << (dst.Depth - 1)
	for y := dst.Bounds.Min.Y; y < dst.Bounds.Max.Y; y++ {
		row := from.Row(y, dst.Bounds.Min.X, dst.Bounds.Max.X)
		at := (y - dst.Bounds.Min.Y) * dst.Stride
		switch {
		case dst.U8 != nil:
			packRow(dst.U8[at:], row, half)
		case dst.U16 != nil:
			packRow(dst.U16[at:], row, half)
		case dst.Signed:
			packWide(dst.I32[at:], row, 0, half)
		default:
			packWide(dst.I32[at:], row, half, half)
		}
	}
}

// packRow shifts the samples by half their range (G.1), rounds and clamps them.
func packRow[S uint8 | uint16, T wavelet.Number](dst []S, row []T, half int) {
	dst = dst[:len(row)]
	switch row := any(row).(type) {
	case []int32:
		for i, v := range row {
			dst[i] = S(min(max(v, -int32(half)), int32(half)-1) + int32(half))
		}
	case []float32:
		shift, high := float32(half)+0.5, float32(2*half)-0.5
		for i, v := range row {
			v += shift
			if v < 0 {
				v = 0
			} else if v > high {
				v = high
			}
			dst[i] = S(int32(v))
		}
	}
}

// packWide is packRow for samples of more bits, or signed ones, which are not
// shifted.
func packWide[T wavelet.Number](dst []int32, row []T, shift, half int) {
	low, high := float64(-half), float64(half-1)
	for i, v := range row {
		dst[i] = int32(math.Floor(min(max(float64(v), low), high)+0.5)) + int32(shift)
	}
}
