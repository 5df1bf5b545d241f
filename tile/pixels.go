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
	var scale []*raster.Resampler // one for each plane
	if p.scaled {
		for range p.color.planes() {
			scale = append(scale, raster.NewResampler(p.resample()))
		}
		stride := p.Size().X * p.color.pixelSize()
		p.setPixels(strip, make([]byte, stripRows(p.Size(), stride)*stride), stride)
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
			p.setPixels(strip, s.pix, s.stride)
			strip.Bounds = image.Rect(0, y, p.Size().X, y+rows)
			y += rows
			p.finish(strip)
			ok = yield(strip)
		} else {
			for i, r := range scale {
				r.Push(s.pix[i*p.across(s.area):], s.stride, p.along(s.area))
			}
			for ok {
				n := fillRows(scale, strip, p.Size().Y-y)
				if n == 0 {
					break
				}
				strip.Bounds = image.Rect(0, y, p.Size().X, y+n)
				y += n
				p.finish(strip)
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

// setPixels makes pix the strip's pixels: one row after the other and, for
// YCbCr8, the planes' parts of a row side by side.
func (p *Plan) setPixels(strip *Strip, pix []byte, stride int) {
	strip.Pix, strip.Stride = pix, stride
	if p.color.format == YCbCr8 {
		width := p.Size().X
		strip.Cb, strip.Cr, strip.CStride = pix[width:], pix[2*width:], stride
		strip.Ratio = image.YCbCrSubsampleRatio444
	}
}

// finish does what comes after scaling.
func (p *Plan) finish(strip *Strip) {
	if !p.color.bitonal {
		return
	}
	n := strip.Stride * strip.Bounds.Dy()
	if strip.Format.Channels() == 1 {
		raster.Threshold(strip.Pix[:n])
	} else {
		raster.ThresholdColors(strip.Pix[:n])
	}
}

// fillRows takes up to most rows from the resamplers into the strip's memory.
func fillRows(scale []*raster.Resampler, strip *Strip, most int) int {
	n, width := 0, strip.Stride/len(scale)
	for n < min(most, len(strip.Pix)/strip.Stride) {
		row := strip.Pix[n*strip.Stride : (n+1)*strip.Stride]
		// All are asked even when one has no more: each lets go of its rows
		// only then.
		more := true
		for i, r := range scale {
			more = r.Next(row[i*width:(i+1)*width]) && more
		}
		if !more {
			return n
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
		Channels: p.color.format.Channels() / p.color.planes(), Depth: p.color.format.Depth(),
		Width: src.X, Height: src.Y, X0: x0, Y0: y0, X1: x1, Y1: y1,
		Size:   p.Size(),
		Alpha:  p.color.format == NRGBA8 || p.color.format == NRGBA16,
		Linear: p.req.Linear,
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
			p.setPixels(all, make([]byte, all.Stride*size.Y), all.Stride)
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

func (t *pixelTarget) wanted(tile int, piece, _ image.Rectangle) image.Rectangle {
	p := t.run.plan
	return p.margin(p.grid.area(piece), p.file.Header.TileBounds(tile))
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

func (k *pixelSink) prepare(pc *piece) *Planes {
	p := k.plan
	k.planes.Bounds = pc.wanted
	for i := range k.planes.Planes {
		k.planes.Planes[i].reshape(image.Rectangle{})
	}
	components := p.color.components
	if s := pc.selection; s != nil {
		components = s.Window().Components
	}
	for _, i := range components {
		k.planes.Planes[i].reshape(p.grid.component(pc.wanted, p.file.Header.Components[i].Sub))
	}
	return &k.planes
}

func (k *pixelSink) finish(pc *piece) {
	p, s := k.plan, pc.slab
	k.paint.conversion = p.color.of(pc.selection)
	planes := p.color.planes()
	n := p.color.pixelSize() / planes
	at := p.turn.Result(pc.area.Sub(s.area.Min), s.area.Size())
	var dst, upright [3][]byte
	for i := range planes {
		dst[i] = s.pix[at.Min.Y*s.stride+i*p.across(s.area)+at.Min.X*n:]
	}
	if p.turn == 0 {
		k.into(dst, s.stride, pc.area)
		return
	}
	stride := pc.area.Dx() * n
	size := stride * pc.area.Dy()
	k.upright = resize(k.upright, planes*size)
	for i := range planes {
		upright[i] = k.upright[i*size : (i+1)*size]
	}
	k.into(upright, stride, pc.area)
	for i := range planes {
		raster.Orient(dst[i], s.stride, upright[i], stride, pc.area.Dx(), pc.area.Dy(), n, p.turn)
	}
}

// into converts the samples of area, in reduced pixels, to pixels or planes.
func (k *pixelSink) into(dst [3][]byte, stride int, area image.Rectangle) {
	if k.plan.color.planes() > 1 {
		k.paint.paintPlanes(dst, stride, &k.planes, area)
		return
	}
	k.paint.paint(dst[0], stride, &k.planes, area)
}
