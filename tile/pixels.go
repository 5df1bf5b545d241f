// This file implements the last stages of a run that makes pixels: placing
// converted pieces, turned, into slabs, and slabs, scaled, into strips.

package tile

import (
	"context"
	"image"
	"iter"

	"github.com/stria-j2k/stria/internal/raster"
)

// Strips runs the plan and yields the result in strips, top to bottom. A strip
// is valid until the next iteration. Leaving the loop ends the run and frees
// everything. A failure yields a nil strip with the error, and ends: the image's
// faults match [codestream.ErrFormat], the source's are wrapped, and when ctx
// ends the error is its cause. Cancelling does not interrupt the decoding of an
// area that has begun.
func (p *Plan) Strips(ctx context.Context) iter.Seq2[*Strip, error] {
	return p.StripsReserving(ctx, 0)
}

// StripsReserving is Strips with extra bytes in the run's reservation, for what
// the consumer holds while it runs, such as an encoder's buffers. If that does
// not fit beside the plan's memory the run works in smaller windows.
func (p *Plan) StripsReserving(ctx context.Context, extra int64) iter.Seq2[*Strip, error] {
	return func(yield func(*Strip, error) bool) {
		if p.color.format == Coded {
			yield(nil, requestError("strips of a plan for coded samples"))
			return
		}
		r, err := p.start(ctx, extra, newPixelTarget)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { r.close(err) }()
		err = r.plan.strips(r, func(s *Strip) bool { return yield(s, nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// strips hands the run's slabs to yield, scaled if the plan says so.
func (p *Plan) strips(r *run, yield func(*Strip) bool) error {
	strip := &Strip{Format: p.color.format}
	var scale *raster.Resampler
	if p.scaled {
		scale = raster.NewResampler(p.resample())
		strip.Stride = p.Size().X * p.color.pixelSize()
		strip.Pix = make([]byte, stripRows(p.Size(), strip.Stride)*strip.Stride)
	}
	for y := 0; y < p.Size().Y; {
		s, err := r.next()
		if err != nil {
			return err
		}
		if s == nil {
			break
		}
		ok := true
		if scale == nil {
			rows := p.along(s.area)
			strip.Pix, strip.Stride = s.pix, s.stride
			strip.Bounds = image.Rect(0, y, p.Size().X, y+rows)
			y += rows
			ok = yield(strip)
		} else {
			scale.Push(s.pix, s.stride, p.along(s.area))
			for ok {
				n := fillRows(scale, strip, p.Size().Y-y)
				if n == 0 {
					break
				}
				strip.Bounds = image.Rect(0, y, p.Size().X, y+n)
				y += n
				ok = yield(strip)
			}
		}
		if !ok {
			return nil
		}
		r.recycle(s)
	}
	return nil
}

// fillRows takes up to most rows from the resampler into the strip's memory.
func fillRows(scale *raster.Resampler, strip *Strip, most int) int {
	n := 0
	for n < min(most, len(strip.Pix)/strip.Stride) {
		if !scale.Next(strip.Pix[n*strip.Stride : (n+1)*strip.Stride]) {
			break
		}
		n++
	}
	return n
}

// stripRows is the height of the strips that the resampler makes: a multiple of
// 16, so that encoders need not wait for the rest of an MCU row.
func stripRows(size image.Point, stride int) int {
	rows := max(16, (1<<20)/stride&^15)
	return min(rows, (size.Y+15)&^15)
}

// resample is the resampler's settings for the turned source.
func (p *Plan) resample() raster.Resample {
	src := p.turn.Size(p.src.Size())
	x0, y0 := p.exact[0]-float64(p.src.Min.X), p.exact[1]-float64(p.src.Min.Y)
	x1, y1 := p.exact[2]-float64(p.src.Min.X), p.exact[3]-float64(p.src.Min.Y)
	if p.turn&raster.Transpose != 0 {
		x0, y0, x1, y1 = y0, x0, y1, x1
	}
	if p.turn&raster.FlipX != 0 {
		x0, x1 = float64(src.X)-x1, float64(src.X)-x0
	}
	if p.turn&raster.FlipY != 0 {
		y0, y1 = float64(src.Y)-y1, float64(src.Y)-y0
	}
	return raster.Resample{
		Channels: p.color.format.Channels(), Depth: p.color.format.Depth(),
		Width: src.X, Height: src.Y, X0: x0, Y0: y0, X1: x1, Y1: y1,
		Size:  p.Size(),
		Alpha: p.color.format == NRGBA8 || p.color.format == NRGBA16,
	}
}

// along and across are an area's lengths in and at right angles to the
// direction of the visit.
func (p *Plan) along(area image.Rectangle) int {
	if p.sideways() {
		return area.Dx()
	}
	return area.Dy()
}

func (p *Plan) across(area image.Rectangle) int {
	if p.sideways() {
		return area.Dy()
	}
	return area.Dx()
}

// Image runs the plan and returns the result as one image of package image,
// with bounds from (0,0). It reserves the memory of the result beside [Plan.Memory].
func (p *Plan) Image(ctx context.Context) (image.Image, error) {
	size, n := p.Size(), p.color.pixelSize()
	all := &Strip{Bounds: image.Rectangle{Max: size}, Format: p.color.format, Stride: size.X * n}
	for s, err := range p.StripsReserving(ctx, int64(all.Stride)*int64(size.Y)) {
		if err != nil {
			return nil, err
		}
		if all.Pix == nil {
			all.Pix = make([]byte, all.Stride*size.Y)
		}
		for y := s.Bounds.Min.Y; y < s.Bounds.Max.Y; y++ {
			row := s.Pix[(y-s.Bounds.Min.Y)*s.Stride:]
			copy(all.Pix[y*all.Stride:(y+1)*all.Stride], row[:all.Stride])
		}
	}
	return all.Image(), nil
}

// A pixelTarget makes slabs of pixels.
type pixelTarget struct{ run *run }

func newPixelTarget(r *run) target { return &pixelTarget{r} }

func (t *pixelTarget) begin(s *slab) {
	p := t.run.plan
	s.stride = p.across(s.area) * p.color.pixelSize()
	s.pix = resize(s.pix, s.stride*p.along(s.area))
}

func (t *pixelTarget) sink() sink {
	p := t.run.plan
	return &pixelSink{plan: p, planes: newPlanes(p.file.Header), paint: painter{conversion: p.color}}
}

// A pixelSink converts pieces and places them into their slabs.
type pixelSink struct {
	plan    *Plan
	planes  Planes
	paint   painter
	upright []byte // a piece before it is turned
}

func (k *pixelSink) prepare(pc *piece) (image.Rectangle, *Planes) {
	p := k.plan
	area := p.margin(p.grid.area(pc.area), p.file.Header.TileBounds(pc.walk.tile))
	k.planes.Bounds = area
	for i, c := range p.file.Header.Components {
		k.planes.Planes[i].reshape(p.grid.component(area, c.Sub))
	}
	return area, &k.planes
}

func (k *pixelSink) finish(pc *piece) {
	p, s := k.plan, pc.slab
	n := p.color.pixelSize()
	at := p.turn.Result(pc.area.Sub(s.area.Min), s.area.Size())
	dst := s.pix[at.Min.Y*s.stride+at.Min.X*n:]
	if p.turn == 0 {
		k.paint.paint(dst, s.stride, &k.planes, pc.area)
		return
	}
	stride := pc.area.Dx() * n
	k.upright = resize(k.upright, stride*pc.area.Dy())
	k.paint.paint(k.upright, stride, &k.planes, pc.area)
	raster.Orient(dst, s.stride, k.upright, stride, pc.area.Dx(), pc.area.Dy(), n, p.turn)
}
