package tile

import (
	"context"
	"errors"
	"image"
	"iter"
	"time"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/raster"
	"github.com/stria-j2k/stria/jp2"
)

// A Plan is a request worked out. It is immutable, safe for concurrent use, and
// may be run any number of times; every run takes the same steps and gives the
// same pixels.
type Plan struct {
	dec  *Decoder
	file *jp2.File
	req  Request
	turn raster.Orientation

	region image.Rectangle // full-resolution pixels, (0,0) the image's corner
	grid   pixelGrid
	src    image.Rectangle // reduced pixels: the samples decoded
	scaled bool            // the resampler is needed
	exact  [4]float64      // when scaled: the region in reduced pixels, x0 y0 x1 y1
	size   image.Point     // before turning
	color  *conversion
	layout layout
	memory int64 // of a run

	warnings []jp2.Warning

	scaling int64 // of which the resampler's
}

// Size is the size of the result, turned as asked, in pixels.
func (p *Plan) Size() image.Point {
	return p.turn.Size(p.size)
}

// Region is the part of the image that the result shows, in full-resolution
// pixels with the image's upper left corner at (0,0).
func (p *Plan) Region() image.Rectangle { return p.region }

// PixelFormat is the format of the strips.
func (p *Plan) PixelFormat() PixelFormat { return p.color.format }

// Reduce is the number of resolutions that are dropped before scaling.
func (p *Plan) Reduce() int { return p.grid.reduce }

// Memory bounds the bytes that a run takes, and is what a run reserves from the
// decoder's budget: compressed data, the engine's memory, samples and strips.
func (p *Plan) Memory() int64 { return p.memory }

// File is the image that the plan is for.
func (p *Plan) File() *jp2.File { return p.file }

// Warnings is what the file does not say rightly of the colours or the opacity of the
// result, and what is done about it. It is empty where that does not matter: with
// bands that were chosen, and for [Coded]. It must not be changed.
func (p *Plan) Warnings() []jp2.Warning { return p.warnings }

// warningsOf is [Plan.Warnings] of a request.
func warningsOf(f *jp2.File, req Request) []jp2.Warning {
	var list []jp2.Warning
	if req.Format == Coded || req.Bands != nil {
		return nil
	}
	for _, w := range f.Warnings {
		if w.Colors {
			list = append(list, w)
		}
	}
	return list
}

// Verbatim reports whether the result is the image as it is coded, reduced at
// most: neither scaled nor turned, and its pixels, if it has any, those of
// [Auto]. Only then can it be had without being decoded.
func (p *Plan) Verbatim() bool {
	if p.scaled || p.turn != 0 || p.req.Bands != nil {
		return false
	}
	if p.req.Format == Coded {
		return true
	}
	if p.req.Quality != InColor || p.req.Color != KeepProfile {
		return false
	}
	if p.req.Format == Auto {
		return true
	}
	own, err := newConversion(p.file, Request{})
	return err == nil && own.format == p.color.format
}

// Reserve reserves bytes from the decoder's budget for work on the plan's image
// that is not a run, as a run would. release gives them back.
func (p *Plan) Reserve(ctx context.Context, bytes int64) (release func(), err error) {
	began := time.Now()
	release, err = p.dec.budget().Acquire(ctx, bytes)
	if h := p.dec.Hooks; h != nil && h.Waited != nil {
		h.Waited(WaitInfo{Bytes: bytes, Took: time.Since(began), Err: err})
	}
	return release, err
}

// Damaged does with what went wrong with a tile as a run does: it returns err if
// that ends the work, which all errors do but the image's own faults when the
// decoder is not strict. Those the decoder's hooks are told.
func (p *Plan) Damaged(tile int, err error) error {
	if err == nil {
		return nil
	}
	if p.dec.Strict || !errors.Is(err, codestream.ErrFormat) {
		return err
	}
	if h := p.dec.Hooks; h != nil && h.Damaged != nil {
		h.Damaged(tile, err)
	}
	return nil
}

// codestreamWindow is a window as the index takes it.
func (p *Plan) codestreamWindow(w window) codestream.Window {
	tile := p.file.Header.TileBounds(w.tile)
	return codestream.Window{Tile: w.tile, Reduce: p.grid.reduce, Layers: p.req.Layers,
		Area:       p.margin(p.grid.within(w.area, tile), tile),
		Components: p.color.components, NoICT: p.color.coded != nil}
}

// hollow reports whether no component that is wanted has a sample in a window:
// where none is the finest in both directions, tiles may be as small as that.
func (p *Plan) hollow(w codestream.Window) bool {
	for i, c := range p.file.Header.Components {
		if p.color.needs(i) && !p.grid.component(w.Area, c.Sub).Empty() {
			return false
		}
	}
	return true
}

// margin grows an area of the reference grid by what upsampling looks at beyond
// it, within its tile.
func (p *Plan) margin(area, tile image.Rectangle) image.Rectangle {
	return area.Inset(-p.color.reach() << p.grid.reduce).Intersect(tile)
}

// Windows are what the plan takes from the codestream, one window for each tile
// it touches, in the tiles' order.
func (p *Plan) Windows() iter.Seq[codestream.Window] {
	area := p.grid.area(p.src)
	return func(yield func(codestream.Window) bool) {
		for tile := range p.file.Header.TilesIn(area) {
			part := p.grid.reduced(p.file.Header.TileBounds(tile)).Intersect(p.src)
			if !part.Empty() && !yield(p.codestreamWindow(window{tile, part})) {
				return
			}
		}
	}
}

// tiles is how many tiles the plan touches.
func (p *Plan) tiles() int {
	n := 0
	for range p.Windows() {
		n++
	}
	return n
}

// Reads returns the ranges of the source that a run reads for its code-blocks,
// in ascending order, those closer than the decoder's gap merged. It reads what
// the index still lacks. A run that decodes a large area in pieces reads some
// ranges more than once.
func (p *Plan) Reads(ctx context.Context) ([]codestream.Span, error) {
	var spans []codestream.Span
	for w := range p.Windows() {
		if p.hollow(w) {
			continue
		}
		sel, err := p.file.Index().Select(ctx, w)
		if err != nil {
			return nil, err
		}
		spans = append(spans, sel.Spans()...)
	}
	return coalesce(spans, p.dec.gap()), nil
}

// CodedYCbCr reports whether the image is coded as luma and chroma, so that
// asking for [YCbCr8] instead of [RGB8] saves converting to RGB and back.
func (p *Plan) CodedYCbCr() bool { return p.color.cheap && !p.req.Linear }

// ICC is the profile that the result's colours are in; nil when they are sRGB,
// or the grey that goes with it. It must not be changed.
func (p *Plan) ICC() []byte { return p.color.icc }

// Density is the number of the result's pixels an inch in either direction, as
// the file's resolution boxes and the scaling have it: the display resolution,
// failing that the one of the capture. Zero means unknown.
func (p *Plan) Density() (x, y float64) {
	d := p.file.Resolution.Display
	if !d.Known() {
		d = p.file.Resolution.Capture
	}
	if !d.Known() {
		return 0, 0
	}
	const metresAnInch = 0.0254
	x = d.X.Float() * metresAnInch * float64(p.size.X) / float64(p.region.Dx())
	y = d.Y.Float() * metresAnInch * float64(p.size.Y) / float64(p.region.Dy())
	if p.sideways() {
		x, y = y, x
	}
	return x, y
}
