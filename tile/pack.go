// This file implements the last step of a piece's samples: the inverse component
// transform, the level shift (Annex G), and turning them upright.

package tile

import (
	"image"

	"github.com/stria-j2k/stria/internal/synthesis"
)

// pack puts the piece's samples into the planes: those that were made for it, and
// those that it shares with the piece before.
func (p *piece) pack(w *worker, dst *Planes) {
	st := p.stream
	w.planes = resize(w.planes, len(st.components))
	for i, c := range st.components {
		plane := &dst.Planes[c.index]
		at := &w.planes[i]
		if st.visit.upright() {
			*at = *plane
		} else {
			at.Depth, at.Signed = plane.Depth, plane.Signed
			at.reshape(st.visit.samples(plane.Bounds))
		}
		c.carry.copyTo(at)
	}
	first := 0
	if p.selection.Coding().MCT {
		first = 3
		p.packTogether(w)
	}
	for i := first; i < len(p.parts); i++ {
		part := p.parts[i]
		if !part.rows.Empty() {
			synthesis.Pack(w.planes[i].rows(part.rows), part.samples, part.rows.Dx(), part.rows.Dy())
		}
	}
	for i, part := range p.parts {
		c := part.component
		if part.samples.Stride > 0 {
			c.keep(part.samples)
			part.samples = synthesis.Samples{}
		}
		if !p.last {
			c.carry.keepLast(&w.planes[i], p.run.plan.shared())
		}
		if !st.visit.upright() {
			dst.Planes[c.index].turnFrom(&w.planes[i], st.visit)
		}
	}
}

// packTogether packs the first three components, which are coded together.
func (p *piece) packTogether(w *worker) {
	rows := p.parts[0].rows
	if rows.Empty() {
		return
	}
	var dst [3]synthesis.Plane
	var src [3]synthesis.Samples
	for i := range dst {
		dst[i], src[i] = w.planes[i].rows(rows), p.parts[i].samples
	}
	if p.parts[0].component.coding.Reversible {
		synthesis.PackRCT(dst, src, rows.Dx(), rows.Dy())
	} else {
		synthesis.PackICT(dst, src, rows.Dx(), rows.Dy())
	}
}

// rows is the part of the plane in r as the synthesis takes it.
func (p *Plane) rows(r image.Rectangle) synthesis.Plane {
	q := p.sub(r)
	return synthesis.Plane{Depth: q.Depth, Signed: q.Signed, Stride: q.Stride, U8: q.U8, U16: q.U16, I32: q.I32}
}

// shared is how many rows, at most, of a component two pieces have in common:
// those that upsampling looks at on either side.
func (p *Plan) shared() int {
	if reach := p.color.reach(); reach > 0 {
		return 2*reach + 2
	}
	return 0
}

// copyTo copies what p and q have in common to q.
func (p *Plane) copyTo(q *Plane) {
	r := p.Bounds.Intersect(q.Bounds)
	if r.Empty() {
		return
	}
	from, to := p.sub(r), q.sub(r)
	for y := range r.Dy() {
		a, b := y*from.Stride, y*to.Stride
		switch {
		case q.U8 != nil:
			copy(to.U8[b:b+r.Dx()], from.U8[a:])
		case q.U16 != nil:
			copy(to.U16[b:b+r.Dx()], from.U16[a:])
		default:
			copy(to.I32[b:b+r.Dx()], from.I32[a:])
		}
	}
}

// keepLast makes p the last rows of q.
func (p *Plane) keepLast(q *Plane, rows int) {
	if rows == 0 {
		return
	}
	bounds := q.Bounds
	bounds.Min.Y = max(bounds.Min.Y, bounds.Max.Y-rows)
	p.Depth, p.Signed = q.Depth, q.Signed
	p.reshape(bounds)
	q.copyTo(p)
}

// turnFrom makes p, on the component's grid, of q, which is on the stream's.
func (p *Plane) turnFrom(q *Plane, v visit) {
	switch {
	case q.Bounds.Empty():
	case p.U8 != nil:
		turnRows(p.U8, p.Stride, q.U8, q.Stride, q.Bounds.Size(), v)
	case p.U16 != nil:
		turnRows(p.U16, p.Stride, q.U16, q.Stride, q.Bounds.Size(), v)
	default:
		turnRows(p.I32, p.Stride, q.I32, q.Stride, q.Bounds.Size(), v)
	}
}

// turnRows puts the rows of src, size of them, where they are on the source's
// grid.
func turnRows[T any](dst []T, dstStride int, src []T, srcStride int, size image.Point, v visit) {
	const columns = 64 // at a time, so that they stay in the cache
	for x0 := 0; x0 < size.X; x0 += columns {
		x1 := min(x0+columns, size.X)
		for y := range size.Y {
			row := src[y*srcStride+x0 : y*srcStride+x1]
			along := y
			if v.reverse {
				along = size.Y - 1 - y
			}
			if !v.sideways {
				copy(dst[along*dstStride+x0:], row)
				continue
			}
			for i, s := range row {
				dst[(x0+i)*dstStride+along] = s
			}
		}
	}
}
