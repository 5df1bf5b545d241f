// This file implements runs that make planes: samples as they are coded.

package tile

import (
	"context"
	"image"
	"iter"

	"github.com/stria-j2k/stria/codestream"
)

// newPlanes returns empty planes for the components of h.
func newPlanes(h *codestream.Header) Planes {
	ps := Planes{Planes: make([]Plane, len(h.Components))}
	for i, c := range h.Components {
		ps.Planes[i] = Plane{Depth: c.Depth, Signed: c.Signed}
	}
	return ps
}

// Planes runs the plan as far as the samples and yields them in bands: no
// palette, no colour conversion, no upsampling, no scaling, not turned. The
// request's Size and Orient only matter for the reduction and for the order of
// the bands. All components come, which may take more than [Plan.Memory] unless
// the request's Format is Coded. Bands are valid until the next iteration; errors and the end are
// as for [Plan.Strips].
func (p *Plan) Planes(ctx context.Context) iter.Seq2[*Planes, error] {
	return func(yield func(*Planes, error) bool) {
		p, err := p.uncolored()
		if err != nil {
			yield(nil, err)
			return
		}
		r, err := p.start(ctx, 0, newPlanesTarget)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { r.close(err) }()
		for {
			var s *slab
			s, err = r.next()
			if err != nil {
				yield(nil, err)
				return
			}
			if s == nil || !yield(&s.planes, nil) {
				return
			}
			r.recycle(s)
		}
	}
}

// uncolored is the plan without what comes after the samples.
func (p *Plan) uncolored() (*Plan, error) {
	if p.color.format == Coded {
		return p, nil
	}
	q := *p
	q.color = &conversion{format: Coded}
	return &q, q.cut(q.dec.budget().limit())
}

// A planesTarget makes slabs of planes.
type planesTarget struct{ run *run }

func newPlanesTarget(r *run) target { return &planesTarget{r} }

func (t *planesTarget) begin(s *slab) {
	p := t.run.plan
	if s.planes.Planes == nil {
		s.planes = newPlanes(p.file.Header)
	}
	s.planes.Bounds = p.band(s.area)
	for i, c := range p.file.Header.Components {
		s.planes.Planes[i].reshape(p.grid.component(s.planes.Bounds, c.Sub))
	}
}

func (t *planesTarget) wanted(tile int, piece, slab image.Rectangle) image.Rectangle {
	p := t.run.plan
	return p.grid.within(piece, p.file.Header.TileBounds(tile)).Intersect(p.band(slab))
}

func (t *planesTarget) sink() sink {
	return &planesSink{plan: t.run.plan, planes: newPlanes(t.run.plan.file.Header)}
}

// band is the part of the reference grid whose reduced pixels are r, from the edges
// of the tiles that it begins and ends with.
func (p *Plan) band(r image.Rectangle) image.Rectangle {
	cell := func(at image.Point) image.Rectangle {
		pixel := image.Rectangle{Min: at, Max: at.Add(image.Pt(1, 1))}
		point := image.Pt(at.X*p.grid.step.X<<p.grid.reduce, at.Y*p.grid.step.Y<<p.grid.reduce)
		for tile := range p.file.Header.TilesIn(image.Rectangle{Min: point, Max: point.Add(image.Pt(1, 1))}) {
			return p.grid.within(pixel, p.file.Header.TileBounds(tile))
		}
		panic("tile: a pixel is in no tile (bug)")
	}
	return image.Rectangle{Min: cell(r.Min).Min, Max: cell(r.Max.Sub(image.Pt(1, 1))).Max}
}

// A planesSink lets the engine write into the slab itself.
type planesSink struct {
	plan   *Plan
	planes Planes
}

func (k *planesSink) prepare(pc *piece) *Planes {
	p := k.plan
	k.planes.Bounds = pc.wanted
	for i, c := range p.file.Header.Components {
		k.planes.Planes[i] = pc.slab.planes.Planes[i].sub(p.grid.component(pc.wanted, c.Sub))
	}
	return &k.planes
}

func (k *planesSink) finish(*piece) {}
