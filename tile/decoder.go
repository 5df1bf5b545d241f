package tile

import (
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/grid"
	"github.com/stria-j2k/stria/jp2"
)

// A Decoder makes plans. Its zero value is ready to use. Set its fields before
// first use; after that it is safe for concurrent use and must not be copied.
type Decoder struct {
	// Engine decodes code-blocks. Its zero value is [Native].
	Engine Engine

	// Budget bounds what all runs take together; nil: one of the decoder's
	// own, with the default limits.
	Budget *Budget

	// Cache keeps decoded code-blocks for the next run that needs them; nil: none are
	// kept. It is for [Native] only.
	Cache *Cache

	// Hooks are told what happens; nil: nobody is.
	Hooks *Hooks

	// Strict makes damage an error of the run, and colours that the file does not say
	// rightly one of the plan. Otherwise what is missing is left out (blocks) or grey
	// (whole tiles), and Hooks.Damaged is told; and the colours are taken as package
	// jp2 documents it, and [Plan.Warnings] says so. What a codestream that stands
	// alone has no means to say is no error.
	Strict bool

	// Gap is how many unwanted bytes may be read to save a read: ranges closer
	// than this are read as one. Zero merges the closest ones as long as that
	// adds no more than a quarter and 16 KiB to what is read; where reads are
	// slow, as with object stores, 64 KiB saves many. Negative: none. Where an image
	// is wanted whole, and there is room to keep what lies between, longer gaps are
	// read: they will be wanted.
	Gap int64

	// Reads is how many ranges of the source are read at the same time by one
	// run; zero: 4, negative: one.
	Reads int

	own Budget
}

func (d *Decoder) budget() *Budget {
	if d.Budget != nil {
		return d.Budget
	}
	return &d.own
}

func (d *Decoder) gap() int64 {
	switch {
	case d.Gap < 0:
		return 0
	case d.Gap == 0:
		return spareGap
	}
	return d.Gap
}

func (d *Decoder) reads() int {
	switch {
	case d.Reads < 0:
		return 1
	case d.Reads == 0:
		return 4
	}
	return d.Reads
}

// Plan works out what answering req takes, without any I/O. The error matches
// [ErrRequest] when the request does not fit the image, [ErrBudget] when it can
// never fit the budget, [codestream.ErrFormat] when the decoder is strict and the
// file does not say rightly what the colours are, and [errors.ErrUnsupported] when the image's samples or
// colours cannot be given in the pixel format asked for.
//
// The plan refers to f, which must stay open while the plan is run.
func (d *Decoder) Plan(f *jp2.File, req Request) (*Plan, error) {
	if int(req.Orient) >= len(orientations) {
		return nil, requestError("orientation %d", req.Orient)
	}
	if req.Size.X < 0 || req.Size.Y < 0 || req.Reduce < 0 || req.Layers < 0 {
		return nil, requestError("negative size, reduction or layers")
	}
	req.Bands = slices.Clone(req.Bands)
	p := &Plan{dec: d, file: f, req: req, turn: orientations[req.Orient]}
	var err error
	if p.color, err = newConversion(f, req); err != nil {
		return nil, err
	}
	p.warnings = warningsOf(f, req)
	if d.Strict && len(p.warnings) > 0 && f.Boxes != nil {
		w := p.warnings[0]
		return nil, &codestream.FormatError{Offset: w.Offset, Where: w.Box, Err: errors.New(w.Text)}
	}
	if err := p.place(); err != nil {
		return nil, err
	}
	if req.Linear && (p.color.format == YCbCr8 || p.color.format == CMYK8) {
		return nil, unsupported("%v pixels scaled by light", p.color.format)
	}
	if err := p.cut(d.budget().limit()); err != nil {
		return nil, err
	}
	if h := d.Hooks; h != nil && h.Planned != nil {
		h.Planned(PlanInfo{Region: p.region, Size: p.Size(), Reduce: p.Reduce(),
			Tiles: p.tiles(), Memory: p.Memory(), Warnings: p.Warnings()})
	}
	return p, nil
}

// weighedArea is how many full-resolution pixels the region has at most where colours
// beside opacity are averaged from the full resolution, weighted, and not by the
// wavelet, which leaves a fringe of the colours that cannot be seen.
const weighedArea = 1 << 20

// place finds the region, the reduction, the samples needed and the size.
func (p *Plan) place() error {
	h, req := p.file.Header, p.req
	full := newGrid(h, 0).pixels()
	p.region = full.Sub(full.Min)
	if !req.Region.Empty() {
		p.region = req.Region.Intersect(p.region)
		if p.region.Empty() {
			return requestError("region %v lies outside the image of %dx%d",
				req.Region, full.Dx(), full.Dy())
		}
	}
	region := p.region.Add(full.Min)

	most, reduce := h.Reduces(), req.Reduce
	if reduce > most {
		return requestError("reduction %d, the image has %d resolutions to drop", reduce, most)
	}

	// The size asked for, as far as it does not depend on the reduction.
	want := req.Size
	if p.color.palettes {
		// The mean of two numbers of colours is any colour: pixels are reduced
		// instead.
		if s := divideCeil(region, image.Pt(1, 1), reduce); reduce > 0 && want == (image.Point{}) {
			if want = s.Size(); s.Empty() {
				return requestError("nothing is left of region %v at reduction %d", req.Region, reduce)
			}
		}
		most, reduce = 0, 0
	}
	switch {
	case want.X == 0 && want.Y > 0:
		want.X = proportional(want.Y, p.region.Dy(), p.region.Dx())
	case want.Y == 0 && want.X > 0:
		want.Y = proportional(want.X, p.region.Dx(), p.region.Dy())
	}

	// The smallest resolution that still has a sample for every pixel wanted. Where
	// there are no fewer of them than the region has, that is the full one: half
	// of a pixel, rounded up, is a sample too, but not that pixel.
	if want.X > 0 && (want.X < p.region.Dx() || want.Y < p.region.Dy()) {
		for reduce < most {
			next := divideCeil(region, image.Pt(1, 1), reduce+1)
			if next.Dx() < want.X || next.Dy() < want.Y {
				break
			}
			reduce++
		}
	}
	if p.color.fringes && int64(p.region.Dx())*int64(p.region.Dy()) <= weighedArea && want.X > 0 {
		reduce = req.Reduce
	}
	p.grid = newGrid(h, reduce)
	bounds := p.grid.reduced(h.Bounds)
	if bounds.Empty() {
		return requestError("nothing is left of the image at reduction %d", reduce)
	}

	p.src = divideCeil(region, image.Pt(1, 1), reduce)
	switch {
	case want.X == 0:
		if p.src.Empty() {
			return requestError("nothing is left of region %v at reduction %d", req.Region, reduce)
		}
		p.size = p.src.Size()
	case want == p.src.Size():
		p.size = want
	default:
		// Samples are taken to cover a unit square each; those that the
		// region touches are needed.
		p.scaled, p.size = true, want
		p.src = image.Rect(
			floorShift(region.Min.X, reduce), floorShift(region.Min.Y, reduce),
			int(grid.CeilShift(int64(region.Max.X), reduce)), int(grid.CeilShift(int64(region.Max.Y), reduce)))
		p.src.Min.X = min(max(p.src.Min.X, bounds.Min.X), bounds.Max.X-1)
		p.src.Min.Y = min(max(p.src.Min.Y, bounds.Min.Y), bounds.Max.Y-1)
		p.src.Max.X = max(min(p.src.Max.X, bounds.Max.X), p.src.Min.X+1)
		p.src.Max.Y = max(min(p.src.Max.Y, bounds.Max.Y), p.src.Min.Y+1)
		unit := float64(int64(1) << reduce)
		p.exact = [4]float64{
			float64(region.Min.X) / unit, float64(region.Min.Y) / unit,
			float64(region.Max.X) / unit, float64(region.Max.Y) / unit}
	}
	if int64(p.size.X)*int64(p.size.Y) <= 0 {
		return fmt.Errorf("tile: a result of %v (bug)", p.size)
	}
	return nil
}
