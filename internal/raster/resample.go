package raster

import (
	"fmt"
	"image"
)

// This file implements the streaming resampler: rows in from the top, rows out
// from the top, a few rows of state between.
//
// Shrinking averages: a result's pixel is the mean of the source area it
// covers, with the exact fractions of the pixels at its border, so nothing
// aliases and nothing is lost. Enlarging interpolates with the Catmull-Rom
// cubic through the samples around. Each axis decides for itself. The two
// passes are separable: each source row is resampled across once, as it comes,
// and the rows so made are combined downwards.
//
// Two arithmetics do this: 8-bit channels without alpha or linear light are
// done in packed integers (packed.go), everything else in float32 (float.go).
// Exact halving has a loop of its own (halve.go).

// Resample says what a Resampler does. The source is the image that its rows
// are pushed from, whose top left sample is (0, 0).
type Resample struct {
	// Channels is the number of interleaved channels, 1 to 4, and Depth their
	// bits: 8, or 16 big-endian.
	Channels, Depth int

	// Width and Height are the source's, in pixels.
	Width, Height int

	// X0, Y0, X1 and Y1 are the part of the source, in its pixels and fractions
	// of them, that becomes the result. Where it reaches beyond the source, a
	// mean is of what is there and interpolation repeats the source's edge.
	X0, Y0, X1, Y1 float64

	// Size is the result's width and height.
	Size image.Point

	// Part is the part of the result to make; empty means all of it. Its pixels
	// are those of the whole result, so that parts can be made side by side.
	Part image.Rectangle

	// Alpha says that the last channel is straight opacity: the others are
	// weighted by it, so that the colour of transparent pixels does not bleed
	// into their neighbours.
	Alpha bool

	// Linear averages light instead of sRGB's numbers: channels other than
	// alpha are decoded with sRGB's curve before and encoded after. Slower.
	Linear bool
}

// A Resampler scales an image that comes row by row. Push lends it rows, Next
// takes result rows out until it needs more. Results do not depend on how many
// rows come at a time. A Resampler is one stream, for one goroutine at a time.
type Resampler struct {
	cfg  Resample
	y    axis
	part image.Rectangle
	core core

	out  int    // the result row to be made next
	in   int    // the source row that rows begins with
	rows []byte // lent by Push: rows in, in+1, ...
	step int    // from a row to the next in rows
	have int    // how many rows there are in rows
}

// A core resamples across and downwards in one arithmetic.
type core interface {
	// row takes source row y. Rows come in order, with gaps where no result
	// row needs them.
	row(y int, src []byte)
	// emit writes result row i, which is made of the source rows [first, last);
	// all have been taken and no row from last on has.
	emit(dst []byte, i, first, last int)
}

// normal checks cfg and fills in what was left out.
func (cfg Resample) normal() Resample {
	if cfg.Part.Empty() {
		cfg.Part = image.Rectangle{Max: cfg.Size}
	}
	switch {
	case cfg.Channels < 1 || cfg.Channels > 4,
		cfg.Depth != 8 && cfg.Depth != 16,
		cfg.Width < 1 || cfg.Height < 1,
		cfg.Size.X < 1 || cfg.Size.Y < 1,
		!(cfg.X0 < cfg.X1) || !(cfg.Y0 < cfg.Y1),
		cfg.Alpha && cfg.Channels < 2,
		!cfg.Part.In(image.Rectangle{Max: cfg.Size}):
		panic(fmt.Sprintf("raster: impossible resampling %+v (bug)", cfg))
	}
	return cfg
}

func (cfg Resample) axes() (x, y axis) {
	return axis{cfg.X0, cfg.X1, cfg.Size.X, cfg.Width},
		axis{cfg.Y0, cfg.Y1, cfg.Size.Y, cfg.Height}
}

// Identity reports whether the result is a crop of the source at whole pixels.
// A caller can then hand on the source's rows instead of copying them through a
// Resampler.
func (cfg Resample) Identity() bool {
	x, y := cfg.axes()
	return x.identity() && y.identity()
}

// Memory is the most that a Resampler for cfg allocates, in bytes, weights
// and tables included but those of sRGB's curve, which all share.
func (cfg Resample) Memory() int64 {
	cfg = cfg.normal()
	const fixed = 2048 // the structures and small tables
	x, y := cfg.axes()
	switch cfg.arithmetic() {
	case copying:
		return fixed
	case halving:
		return fixed + halverMemory(cfg)
	case packedInts:
		return fixed + packedMemory(cfg, x, y)
	}
	return fixed + floatsMemory(cfg, x, y)
}

type arithmetic int

const (
	copying arithmetic = iota
	halving
	packedInts
	floats
)

// arithmetic chooses the cheapest way that is exact enough.
func (cfg Resample) arithmetic() arithmetic {
	x, y := cfg.axes()
	if cfg.Identity() {
		return copying
	}
	if cfg.Depth != 8 || cfg.Alpha || cfg.Linear ||
		cfg.Channels != 1 && cfg.Channels != 4 {
		return floats
	}
	if x.ratio() == 2 && y.ratio() == 2 {
		return halving
	}
	if x.taps() > maxPackedTaps ||
		y.taps() > maxPackedTaps {
		return floats
	}
	return packedInts
}

// NewResampler returns a resampler at the top of the source.
func NewResampler(cfg Resample) *Resampler {
	cfg = cfg.normal()
	x, y := cfg.axes()
	r := &Resampler{cfg: cfg, y: y, part: cfg.Part, out: cfg.Part.Min.Y}
	switch cfg.arithmetic() {
	case copying:
		r.core = newCopier(cfg)
	case halving:
		r.core = newHalver(cfg)
	case packedInts:
		r.core = newPacked(cfg, x, y)
	default:
		r.core = newFloats(cfg, x, y)
	}
	return r
}

// Push lends the next n rows of the source, the first at rows[0], each stride
// bytes after the one before. They must stay as they are until Next has
// returned false. It is a bug to push before that.
func (r *Resampler) Push(rows []byte, stride, n int) {
	if r.have > 0 && r.out < r.part.Max.Y {
		panic("raster: rows pushed before those before were used (bug)")
	}
	if r.in+r.have+n > r.cfg.Height {
		panic("raster: more rows than the source has (bug)")
	}
	r.in += r.have
	r.rows, r.step, r.have = rows, stride, n
}

// Skip passes over the next n rows of the source, which no result row to come
// needs.
func (r *Resampler) Skip(n int) {
	r.Push(nil, 0, 0)
	if first, _ := r.Needs(r.out); r.out < r.part.Max.Y && r.in+n > first {
		panic("raster: rows skipped that are needed (bug)")
	}
	r.in += n
}

// Needs is the source rows [first, last) that result row y is made of. Both
// grow with y.
func (r *Resampler) Needs(y int) (first, last int) { return r.y.span(y) }

// Row is the result row that Next will make, counted from the top of the whole
// result, not of the part.
func (r *Resampler) Row() int { return r.out }

// Next writes the next result row to dst, and reports whether there were
// source rows enough. When it returns false, the rows last pushed are no longer
// needed. It also returns false when all rows have been made.
func (r *Resampler) Next(dst []byte) bool {
	if r.out >= r.part.Max.Y {
		r.rows = nil
		return false
	}
	first, last := r.y.span(r.out)
	for r.in < last {
		if r.in < first { // nobody needs these
			r.drop(min(first-r.in, r.have))
		}
		if r.have == 0 {
			r.rows = nil
			return false
		}
		r.core.row(r.in, r.rows)
		r.drop(1)
	}
	r.core.emit(dst, r.out, first, last)
	r.out++
	return true
}

// drop is done with the first n of the rows that were lent.
func (r *Resampler) drop(n int) {
	r.in += n
	r.have -= n
	if r.have > 0 {
		r.rows = r.rows[n*r.step:]
	}
}

// A copier is the core of a resampler that only crops. It holds on to the row
// that was lent until it is written, which is at once.
type copier struct {
	off, len int
	src      []byte
}

func newCopier(cfg Resample) *copier {
	pixel := cfg.Channels * cfg.Depth / 8
	return &copier{
		off: (int(cfg.X0) + cfg.Part.Min.X) * pixel,
		len: cfg.Part.Dx() * pixel,
	}
}

func (c *copier) row(y int, src []byte) { c.src = src }

func (c *copier) emit(dst []byte, i, first, last int) {
	copy(dst[:c.len], c.src[c.off:])
	c.src = nil
}
