// This file implements the bound of the memory that a walk takes, worked out from the
// main header before anything is read.

package openjpeg

import (
	"image"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/engine"
	"github.com/stria-j2k/stria/internal/grid"
	"github.com/stria-j2k/stria/internal/openjpeg"
)

// reach is how far, in samples of a resolution, the inverse wavelet of the next
// looks beyond a window, with a reserve (Annex F; OpenJPEG needs one more).
const reach = 6

// Memory implements [engine.Engine].
func (adapter) Memory(s engine.Shape) int64 {
	c := shapeCost(s)
	// What the transform takes depends a little on how a window lies.
	at := image.Pt(33, 33)
	c.Tile = image.Rectangle{Max: c.Tile.Max.Add(at)}
	c.Window = image.Rectangle{Min: at, Max: at.Add(c.Window.Max)}
	if s.Resting {
		c.Samples, c.Window = 0, image.Rectangle{}
		return c.Memory()
	}
	return c.Memory() + c.Bytes // the assembled codestream
}

// shapeCost bounds the cost of a walk. Its Tile and Window begin at the origin.
func shapeCost(s engine.Shape) openjpeg.Cost {
	h := s.Header
	cost := openjpeg.Cost{Components: len(h.Components), Threads: s.Threads}
	areas := int64(max(ceilDiv(s.Window.X, max(s.Area.X, 1)), ceilDiv(s.Window.Y, max(s.Area.Y, 1))))
	tile := h.FirstTile.Size()
	steps, deepest, block := meeting(s)
	var bytes, visits int64
	var box, window image.Point
	for i, comp := range h.Components {
		if !s.Components(i) {
			continue
		}
		levels := max(comp.Levels-s.Reduce, 0)
		// The window, the area and the tile in samples of the component.
		scale := func(n, step, sub, limit int) int64 {
			limit = (ceilDiv(limit, sub)+1<<s.Reduce-1)>>s.Reduce + 1
			return int64(min(ceilDiv(n*step, sub)+2, limit))
		}
		tw, th := scale(tile.X, 1, comp.Sub.X, tile.X), scale(tile.Y, 1, comp.Sub.Y, tile.Y)
		ww, wh := scale(s.Window.X, s.Step.X, comp.Sub.X, tile.X), scale(s.Window.Y, s.Step.Y, comp.Sub.Y, tile.Y)
		pw, ph := scale(s.Area.X, s.Step.X, comp.Sub.X, tile.X), scale(s.Area.Y, s.Step.Y, comp.Sub.Y, tile.Y)
		// A window of 9/7 is selected with so much more around it.
		rx, ry := int64(reach+min(steps.X/comp.Sub.X, 1<<16)), int64(reach+min(steps.Y/comp.Sub.Y, 1<<16))
		cost.Samples += pw * ph
		cost.Depth, cost.Levels = max(cost.Depth, comp.Depth), max(cost.Levels, levels)

		// The assembled tile: the window, the wavelet's reach, snapped outward so that
		// no code-block of any component is cut.
		snapped := func(n, limit int64, step, cb int) int64 {
			if step > 1<<16 {
				return limit
			}
			unit := int64(step) << (deepest + cb)
			return min(limit, ((n+2*int64((reach+1)*step)<<deepest)/unit+2)*unit)
		}
		bw := snapped(ww, tw, steps.X/comp.Sub.X, block.X)
		bh := snapped(wh, th, steps.Y/comp.Sub.Y, block.Y)
		box = image.Pt(max(box.X, int(bw)), max(box.Y, int(bh)))
		window = image.Pt(max(window.X, int(pw)), max(window.Y, int(ph)))

		for r := 0; r <= levels; r++ {
			// Resolution r is 2^(levels-r) times smaller than the window, and its
			// sub-bands once more unless it is the lowest.
			shift, bands := levels-r, int64(1)
			if r > 0 {
				shift, bands = shift+1, 3
			}
			size, pp := comp.BlockSize(r), precinct(&comp, r)
			parts := func(n int64, size int) int64 { return n/int64(size) + 2 }
			cost.Blocks += bands * parts(bw>>shift, size.X) * parts(bh>>shift, size.Y)
			included := bands * parts(ww>>shift+2*rx, size.X) * parts(wh>>shift+2*ry, size.Y)
			cost.Included += included
			visits += included * min(areas, 2+max(
				int64(1)<<(int(pp.PPx)+levels-r)/max(pw, 1), int64(1)<<(int(pp.PPy)+levels-r)/max(ph, 1)))
			cost.Precincts += bands * parts(bw>>(levels-r), 1<<pp.PPx) * parts(bh>>(levels-r), 1<<pp.PPy)
			held := func(w, h int64) int64 {
				w = min(w>>shift+2*rx+2*int64(size.X), tw>>shift+1)
				h = min(h>>shift+2*ry+2*int64(size.Y), th>>shift+1)
				return bands * w * h
			}
			cost.Coefficients += held(pw, ph)
			bytes += codedBytes(held(ww, wh), comp)
		}
	}
	cost.Windows = int((visits + cost.Included - 1) / max(cost.Included, 1))
	// The blocks, and the headers that the assembled codestream gets.
	cost.Bytes = min(bytes, h.Span.Len) + 4*cost.Blocks + 64*int64(len(h.Components)) + 1<<12
	cost.Tile, cost.Window = image.Rectangle{Max: box}, image.Rectangle{Max: window}
	return cost
}

// precinct bounds the precincts of resolution r of the assembled codestream: some
// code-blocks, unless the component's own are smaller.
func precinct(c *codestream.Component, r int) codestream.Precinct {
	const more = 4 // exponent
	return codestream.Precinct{PPx: min(c.Precincts[r].PPx, uint8(c.XCB+more)), PPy: min(c.Precincts[r].PPy, uint8(c.YCB+more))}
}

// meeting is what decides where code-blocks of all components end together: the
// least steps of the reference grid at which all have samples, the most levels
// and the longest sides of a code-block, base two.
func meeting(s engine.Shape) (steps image.Point, levels int, block image.Point) {
	steps = image.Pt(1, 1)
	for i, comp := range s.Header.Components {
		if !s.Components(i) {
			continue
		}
		steps = image.Pt(common(steps.X, comp.Sub.X), common(steps.Y, comp.Sub.Y))
		levels = max(levels, comp.Levels-s.Reduce)
		block = image.Pt(max(block.X, comp.XCB), max(block.Y, comp.YCB))
	}
	return steps, levels, block
}

// codedBytes bounds the coded size of n coefficients of a component. Coding may
// expand noise a little.
func codedBytes(n int64, c codestream.Component) int64 {
	bits := int64(c.Depth + 2)
	return n*bits/8 + n*bits/64 + 1<<10
}

func ceilDiv(a, b int) int { return int(grid.CeilDiv(int64(a), int64(b))) }
