// This file works out what tiles of the image cost, from the index: nothing is
// decoded.

package main

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"io"
	"slices"
	"sync/atomic"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
)

// A Cost is what one tile of a viewer costs, cut from the middle of the image
// at one resolution, when the index is there already.
type Cost struct {
	Resolution Size  `json:"resolution"` // of the whole image
	Tile       int   `json:"tile"`       // sides of the viewer's tile, in pixels of the resolution
	Tiles      int   `json:"tiles"`      // of the image that it touches
	Blocks     int   `json:"blocks"`     // code-blocks to decode
	Bytes      int64 `json:"bytes"`      // of these code-blocks
	Reads      int   `json:"reads"`      // ranges that they are in, near ones taken as one
	Read       int64 `json:"read"`       // bytes of these ranges
}

// A FirstCost is what comes on top for the first tile of an image: opening it,
// and indexing as far as a tile of 512 in its middle needs.
type FirstCost struct {
	Reads int64 `json:"reads"`
	Bytes int64 `json:"bytes"`
}

const (
	// readGap is how far apart ranges may be to be read as one.
	readGap = 16 << 10
	// mostTiles is how many tiles a cost is added up over; a view that touches
	// more is dear, whatever the sum.
	mostTiles = 4096
)

// viewerTiles are the sides of tiles that viewers ask for.
var viewerTiles = [...]int{256, 512, 1024}

// costs works out the costs at every resolution, largest first.
func costs(ctx context.Context, f *jp2.File) ([]Cost, error) {
	var list []Cost
	for reduce := range f.Header.Reduces() + 1 {
		covered := false
		for _, side := range viewerTiles {
			if covered {
				break // a smaller tile shows all of it
			}
			c, all, err := cost(ctx, f, reduce, side)
			if err != nil {
				return list, err
			}
			list, covered = append(list, c), all
		}
		if covered && reduce > 0 && list[len(list)-1].Tile == viewerTiles[0] {
			break // and so would it at every lower resolution
		}
	}
	return list, nil
}

// cost works out what a tile of a viewer costs. It reports whether the tile
// shows the whole image.
func cost(ctx context.Context, f *jp2.File, reduce, side int) (Cost, bool, error) {
	h, x := f.Header, f.Index()
	area := middle(h, reduce, side)
	c := Cost{Resolution: resolution(f.Bounds().Size(), reduce), Tile: side}
	for range h.TilesIn(area) {
		c.Tiles++
	}
	if c.Tiles > mostTiles {
		return c, area == h.Bounds, nil
	}
	var spans []codestream.Span
	for tile := range h.TilesIn(area) {
		s, err := x.Select(ctx, codestream.Window{Tile: tile, Reduce: reduce, Area: area})
		if err != nil {
			return c, false, fmt.Errorf("tile %d: %w", tile, err)
		}
		c.Blocks += s.NumBlocks()
		c.Bytes += s.Bytes()
		spans = append(spans, s.Spans()...)
	}
	c.Reads, c.Read = coalesce(spans)
	return c, area == h.Bounds, nil
}

// middle is the viewer's tile that holds the middle of the image, on the
// reference grid: viewers cut a resolution into squares from its corner.
func middle(h *codestream.Header, reduce, side int) image.Rectangle {
	b := h.Bounds
	sub := finest(h)
	step := func(sub, extent int) int { return min(side*sub<<min(reduce, 32), extent) }
	dx, dy := step(sub.X, b.Dx()), step(sub.Y, b.Dy())
	at := image.Pt(b.Dx()/2/dx*dx, b.Dy()/2/dy*dy).Add(b.Min)
	return image.Rectangle{at, at.Add(image.Pt(dx, dy))}.Intersect(b)
}

// finest is the subsampling of a pixel: the smallest of any component.
func finest(h *codestream.Header) image.Point {
	p := h.Components[0].Sub
	for _, c := range h.Components {
		p = image.Pt(min(p.X, c.Sub.X), min(p.Y, c.Sub.Y))
	}
	return p
}

// coalesce counts the reads and bytes that ranges take when near ones are read
// as one.
func coalesce(spans []codestream.Span) (reads int, bytes int64) {
	slices.SortFunc(spans, func(a, b codestream.Span) int { return cmp.Compare(a.Off, b.Off) })
	end := int64(-readGap - 1)
	for _, s := range spans {
		switch {
		case s.Off > end+readGap:
			reads++
			bytes += s.Len
		case s.End() > end:
			bytes += s.End() - end
		}
		end = max(end, s.End())
	}
	return reads, bytes
}

// firstCost opens the image anew and counts what it takes to know where the
// code-blocks of a tile are.
func firstCost(ctx context.Context, f *jp2.File) (*FirstCost, error) {
	counter := &countingReader{r: f.Source()}
	again, err := jp2.NewFile(counter, f.Size())
	if err != nil {
		return nil, err
	}
	if _, _, err := cost(ctx, again, 0, 512); err != nil {
		return nil, err
	}
	return &FirstCost{counter.reads.Load(), counter.bytes.Load()}, nil
}

// A countingReader counts what is read through it.
type countingReader struct {
	r            io.ReaderAt
	reads, bytes atomic.Int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.reads.Add(1)
	c.bytes.Add(int64(n))
	return n, err
}
