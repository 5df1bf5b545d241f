// This file implements the arithmetic between the grids: full-resolution
// pixels, reduced pixels and the reference grid.

package tile

import (
	"image"
	"math"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/grid"
)

// A pixelGrid relates reduced pixels to the reference grid. A pixel is a sample of
// the finest component; a reduced pixel is one after dropping reduce
// resolutions. Both are counted from the origin of the reference grid, so they
// fall where the samples of the components fall (B.2, B.5).
type pixelGrid struct {
	bounds image.Rectangle // of the image, reference grid
	step   image.Point     // reference grid points a full-resolution pixel
	reduce int
}

func newGrid(h *codestream.Header, reduce int) pixelGrid {
	g := pixelGrid{bounds: h.Bounds, step: image.Pt(255, 255), reduce: reduce}
	for _, c := range h.Components {
		g.step.X = min(g.step.X, c.Sub.X)
		g.step.Y = min(g.step.Y, c.Sub.Y)
	}
	return g
}

// pixels is the image in full-resolution pixels.
func (g pixelGrid) pixels() image.Rectangle {
	return divideCeil(g.bounds, g.step, 0)
}

// reduced is an area of the reference grid in reduced pixels.
func (g pixelGrid) reduced(area image.Rectangle) image.Rectangle {
	return divideCeil(area, g.step, g.reduce)
}

// area is the part of the reference grid whose reduced pixels are r. It begins
// where the image does if r has the first of them: samples of other components
// may lie before that.
func (g pixelGrid) area(r image.Rectangle) image.Rectangle {
	scale := func(v, first, step, lo, hi int) int {
		if v <= first {
			return lo
		}
		w := int64(v) * int64(step) << g.reduce
		return int(min(max(w, int64(lo)), int64(hi)))
	}
	b, first := g.bounds, g.reduced(g.bounds).Min
	return image.Rect(
		scale(r.Min.X, first.X, g.step.X, b.Min.X, b.Max.X),
		scale(r.Min.Y, first.Y, g.step.Y, b.Min.Y, b.Max.Y),
		scale(r.Max.X, first.X, g.step.X, b.Min.X, b.Max.X),
		scale(r.Max.Y, first.Y, g.step.Y, b.Min.Y, b.Max.Y),
	)
}

// within is area(r) for pixels that lie in one tile. Samples of other components
// between the tile's edge and its first pixel belong to it.
func (g pixelGrid) within(r, tile image.Rectangle) image.Rectangle {
	a, first := g.area(r).Intersect(tile), g.reduced(tile).Min
	if r.Min.X == first.X {
		a.Min.X = tile.Min.X
	}
	if r.Min.Y == first.Y {
		a.Min.Y = tile.Min.Y
	}
	return a
}

// component is an area of the reference grid on the grid of a component with
// subsampling sub, at the grid's reduction (Equations B-2 and B-14).
func (g pixelGrid) component(area image.Rectangle, sub image.Point) image.Rectangle {
	return divideCeil(area, sub, g.reduce)
}

// divideCeil divides by step, then by 2^shift, rounding up both times.
func divideCeil(r image.Rectangle, step image.Point, shift int) image.Rectangle {
	return grid.RectOf(r).CeilDiv(int64(step.X), int64(step.Y)).CeilShift(shift).Rectangle()
}

func floorShift(a, shift int) int { return a >> shift }

// proportional is what a side must be so that w by h keeps its proportions when
// w becomes nw: at least 1.
func proportional(nw, w, h int) int {
	n := math.Round(float64(nw) * float64(h) / float64(w))
	return max(1, int(min(n, math.MaxInt32)))
}
