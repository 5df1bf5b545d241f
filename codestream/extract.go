// This file implements codestreams that are cut out of another: of one tile or
// several, their tile-parts assembled one after the other.

package codestream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"reflect"
	"slices"

	"github.com/stria-j2k/stria/internal/grid"
)

// A Region is what is to become a codestream of its own.
type Region struct {
	// Area is on the reference grid; what lies outside of the image is ignored.
	Area image.Rectangle

	Reduce int // resolutions to drop; at most the Levels of every component
	Layers int // quality layers to use; 0 is all

	// Blocks says to cut inside of the tiles, where code-blocks end, instead of
	// keeping them whole. The samples along the cuts are then not quite those of
	// the image: see [Extract.Exact].
	Blocks bool
}

// An Extract is a region of an image as a codestream of its own, made of the
// code-blocks' own bytes: nothing is decoded or encoded. It is immutable and
// safe for concurrent use.
//
// It has the image's tiles, or those parts of them that are left, one tile-part
// each, and one quality layer. Everything stays at its place on the reference
// grid, which is divided by 2^Reduce: so do the code-blocks. Its packets are in
// the order LRCP; of several tiles the main header says where they are (TLM).
// Comments and registration are not kept.
type Extract struct {
	x          *Index
	region     Region
	area       grid.Rect // reduced reference grid
	box, exact grid.Rect // reduced reference grid
	first      grid.Rect // reduced reference grid: tile 0 before clipping
	across     int       // tiles in a row
	tiles      []int
	components []int // with samples in box

	main    []byte  // up to the first SOT
	lengths []int64 // Psot of each tile
	coding  *TileCoding
	only    *extractPart // of the only tile, nil when there are several
	damage  []tileDamage
	size    int64
}

type tileDamage struct {
	tile int
	err  error
}

// Bounds is the image area on the reduced reference grid. It holds the region's
// area and is as much larger as it has to be.
func (e *Extract) Bounds() image.Rectangle { return e.box.Rectangle() }

// Exact is the part of Bounds in which all samples are those of the image. It
// holds the region's area. It is less than Bounds only where tiles have been
// cut: along a cut the wavelet transform lacks what lies beyond it, so samples
// there are near to those of the image, but not the same.
func (e *Extract) Exact() image.Rectangle { return e.exact.Rectangle() }

// Components are the image's components that the extract has: those with samples
// in Bounds, which are all unless they are subsampled.
func (e *Extract) Components() []int { return slices.Clone(e.components) }

// Tiles is the number of tiles of the extract.
func (e *Extract) Tiles() int { return len(e.tiles) }

// Size is the length of the codestream in bytes.
func (e *Extract) Size() int64 { return e.size }

// Damage yields the tiles of the image of which something is missing or was left
// out because the data is truncated or corrupt, and what.
func (e *Extract) Damage() iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for _, d := range e.damage {
			if !yield(d.tile, d.err) {
				return
			}
		}
	}
}

// Extract works out the codestream of a region. It reads what the index lacks,
// but no byte of a block.
//
// The tiles of a codestream are a regular grid. Where those of the image do not
// stay one when they are reduced, since their size is not a multiple of
// 2^Reduce, a region that touches more than two in a row or a column cannot be
// extracted; neither can one that cuts tiles whose parameters differ so that no
// cut suits them all. These errors match [errors.ErrUnsupported]. Others are
// like those of [Index.Select]; a tile that is of no use at all is one of them.
func (x *Index) Extract(ctx context.Context, r Region) (*Extract, error) {
	e := &Extract{x: x, region: r}
	if r.Reduce < 0 || r.Reduce > x.h.Reduces() || r.Layers < 0 {
		return nil, fmt.Errorf("codestream: reduction %d of %d, %d layers: %w",
			r.Reduce, x.h.Reduces(), r.Layers, ErrWindow)
	}
	e.area = grid.RectOf(r.Area).Intersect(grid.RectOf(x.h.Bounds)).CeilShift(r.Reduce)
	if e.area.Empty() {
		return nil, fmt.Errorf("codestream: no samples of %v at reduction %d: %w",
			r.Area, r.Reduce, ErrWindow)
	}
	columns, rows := e.touched()
	for q := rows[0]; q < rows[1]; q++ {
		for p := columns[0]; p < columns[1]; p++ {
			e.tiles = append(e.tiles, q*x.h.TilesAcross()+p)
		}
	}
	e.across = columns[1] - columns[0]
	if err := e.place(ctx); err != nil {
		return nil, err
	}
	if err := e.grid(columns, rows); err != nil {
		return nil, err
	}
	return e, e.measure(ctx)
}

// tileBox is a tile on the reduced reference grid. It may be empty.
func (e *Extract) tileBox(tile int) grid.Rect {
	return grid.RectOf(e.x.h.TileBounds(tile)).CeilShift(e.region.Reduce)
}

// touched gives the columns and rows of tiles, half open, that have a part of
// the area: reduced, some may have none where the area begins or ends.
func (e *Extract) touched() (columns, rows [2]int) {
	h := e.x.h
	across := h.TilesAcross()
	down := h.NumTiles() / across
	find := func(n int, has func(i int) bool) (out [2]int) {
		for out[0] < n && !has(out[0]) {
			out[0]++
		}
		for out[1] = n; out[1] > out[0] && !has(out[1]-1); {
			out[1]--
		}
		return out
	}
	columns = find(across, func(p int) bool {
		b := e.tileBox(p)
		return max(b.X0, e.area.X0) < min(b.X1, e.area.X1)
	})
	rows = find(down, func(q int) bool {
		b := e.tileBox(q * across)
		return max(b.Y0, e.area.Y0) < min(b.Y1, e.area.Y1)
	})
	return columns, rows
}

// place finds the image area and its exact part.
func (e *Extract) place(ctx context.Context) error {
	whole := e.tileBox(e.tiles[0])
	last := e.tileBox(e.tiles[len(e.tiles)-1])
	whole.X1, whole.Y1 = last.X1, last.Y1
	e.box, e.exact = whole, whole
	if e.region.Blocks {
		e.box = grid.Rect{}
		var dx, dy int64 // how far a cut reaches
		for _, tile := range e.tiles {
			t, err := e.x.packets(ctx, tile)
			if err != nil {
				return err
			}
			v, err := t.view(e.x.h, e.window(tile, e.area))
			if errors.Is(err, ErrWindow) {
				continue // no samples, or an error below
			}
			if err != nil {
				return err
			}
			lx, ly := v.steps()
			dx = max(dx, grid.MulSat(lx, boxMargin<<v.reduced.maxLevels))
			dy = max(dy, grid.MulSat(ly, boxMargin<<v.reduced.maxLevels))
			if e.box.Empty() {
				e.box = v.s.box
				continue
			}
			b := v.s.box
			e.box = grid.New(min(e.box.X0, b.X0), min(e.box.Y0, b.Y0), max(e.box.X1, b.X1), max(e.box.Y1, b.Y1))
		}
		if e.box.Empty() {
			return fmt.Errorf("codestream: no samples of %v at reduction %d: %w",
				e.region.Area, e.region.Reduce, ErrWindow)
		}
		e.exact = e.box
		cut := func(edge *int64, whole, by int64) {
			if *edge != whole {
				*edge += by
			}
		}
		cut(&e.exact.X0, whole.X0, dx)
		cut(&e.exact.X1, whole.X1, -dx)
		cut(&e.exact.Y0, whole.Y0, dy)
		cut(&e.exact.Y1, whole.Y1, -dy)
	}
	for i, c := range e.x.h.Components {
		if !e.box.CeilDiv(int64(c.Sub.X), int64(c.Sub.Y)).Empty() {
			e.components = append(e.components, i)
		}
	}
	if len(e.components) == 0 {
		return fmt.Errorf("codestream: no samples of %v at reduction %d: %w",
			e.region.Area, e.region.Reduce, ErrWindow)
	}
	return nil
}

// window is the part of a tile that has an area of the reduced grid.
func (e *Extract) window(tile int, area grid.Rect) Window {
	n := e.region.Reduce
	up := grid.New(area.X0<<n, area.Y0<<n, area.X1<<n, area.Y1<<n)
	return Window{
		Tile: tile, Reduce: n, Layers: e.region.Layers, Components: e.components,
		Area: up.Intersect(grid.RectOf(e.x.h.TileBounds(tile))).Rectangle(),
	}
}

// grid finds the tile grid of the extract.
func (e *Extract) grid(columns, rows [2]int) error {
	across := e.x.h.TilesAcross()
	var x, y []int64 // where tiles meet
	for p := columns[0] + 1; p < columns[1]; p++ {
		x = append(x, e.tileBox(p).X0)
	}
	for q := rows[0] + 1; q < rows[1]; q++ {
		y = append(y, e.tileBox(q*across).Y0)
	}
	x0, dx, okx := regularGrid(e.box.X0, e.box.X1, x)
	y0, dy, oky := regularGrid(e.box.Y0, e.box.Y1, y)
	if !okx || !oky {
		return fmt.Errorf("codestream: tiles of %v do not stay a regular grid when reduced by %d: %w",
			e.x.h.FirstTile.Size(), e.region.Reduce, errors.ErrUnsupported)
	}
	e.first = grid.New(x0, y0, x0+dx, y0+dy)
	return nil
}

// regularGrid finds XTOsiz and XTsiz, or their likes for rows, of tiles that
// meet at these places between lo and hi. It reports whether there are any.
func regularGrid(lo, hi int64, meet []int64) (first, size int64, ok bool) {
	switch len(meet) {
	case 0:
		return lo, hi - lo, true
	case 1:
		size = max(meet[0]-lo, hi-meet[0])
	default:
		size = meet[1] - meet[0]
		for i := range meet[1:] {
			if meet[i+1]-meet[i] != size {
				return 0, 0, false
			}
		}
	}
	first = meet[0] - size
	return first, size, size > 0 && first >= 0 && first <= lo && hi-meet[len(meet)-1] <= size
}

// measure selects every tile once for what has to be known before anything can
// be written: the coding parameters, the lengths and what is damaged.
func (e *Extract) measure(ctx context.Context) error {
	h := e.x.h
	style := BlockStyle(0)
	for i, tile := range e.tiles {
		part, err := e.part(ctx, i)
		if err != nil {
			return err
		}
		e.lengths = append(e.lengths, int64(len(part.head)))
		if part.body != nil {
			e.lengths[i] += part.body.length()
			if damage := part.body.s.damage; damage != nil {
				e.damage = append(e.damage, tileDamage{tile, damage})
			}
		}
		e.size += e.lengths[i]
		for _, c := range part.coding.Components {
			style |= c.Style
		}
		if len(e.tiles) == 1 {
			e.only = part
		}
	}

	own := &Header{Bounds: e.box.Rectangle(), FirstTile: e.first.Rectangle(), CAP: h.CAP}
	for _, c := range e.components {
		own.Components = append(own.Components, h.Components[c])
	}
	e.main = appendMain(nil, own, style)
	e.main = appendTileCoding(e.main, e.coding)
	if len(e.tiles) > 1 {
		e.main = appendTLM(e.main, e.lengths)
	}
	e.size += int64(len(e.main)) + 2
	return nil
}

// An extractPart is one tile-part of an extract.
type extractPart struct {
	head   []byte    // from SOT through SOD
	body   *Assembly // nil for a tile without samples
	coding *TileCoding
}

// part selects all code-blocks of the i-th tile that are in the box. The coding
// parameters of the first tile become those of the main header.
func (e *Extract) part(ctx context.Context, i int) (*extractPart, error) {
	h, tile := e.x.h, e.tiles[i]
	t, err := e.x.packets(ctx, tile)
	if err != nil {
		return nil, err
	}
	p := &extractPart{}
	if p.coding, err = e.tileCoding(t); err != nil {
		return nil, err
	}
	if e.coding == nil {
		e.coding = p.coding
	}
	var header []byte
	if !reflect.DeepEqual(p.coding, e.coding) {
		header = e.appendOwnCoding(nil, p.coding)
	}

	length := int64(0)
	box := e.tileBox(tile).Intersect(e.box)
	hollow := !slices.ContainsFunc(e.components, func(c int) bool {
		sub := h.Components[c].Sub
		return !box.CeilDiv(int64(sub.X), int64(sub.Y)).Empty()
	})
	if !hollow {
		area := box
		if e.region.Blocks {
			area = e.area
		}
		v, err := t.view(h, e.window(tile, area))
		if err != nil {
			return nil, err
		}
		if v.s.box != box {
			return nil, fmt.Errorf("codestream: tile %d cannot be cut where others are, for being coded otherwise: %w",
				tile, errors.ErrUnsupported)
		}
		v.needAll(t)
		if err := t.find(ctx, e.x, v); err != nil {
			return nil, err
		}
		if p.body, err = newAssembly(v.s); err != nil {
			return nil, err
		}
		length = p.body.length()
	}
	length += int64(sotSize + len(header) + 2)
	p.head = appendSOT(nil, sot{tile: i, length: length, parts: 1})
	p.head = append(p.head, header...)
	p.head = binary.BigEndian.AppendUint16(p.head, uint16(SOD))
	return p, nil
}

// tileCoding is the coding parameters of a tile in the extract.
func (e *Extract) tileCoding(t *tilePackets) (*TileCoding, error) {
	list, mct, _, err := t.wanted(e.x.h, Window{Components: e.components})
	if err != nil {
		return nil, err
	}
	c := &TileCoding{Coding: Coding{Progression: LRCP, Layers: 1, MCT: mct}}
	for _, i := range list {
		k := t.coding.Components[i]
		if e.region.Reduce > k.Levels {
			return nil, fmt.Errorf("codestream: reduction %d of component %d of a tile with %d levels: %w",
				e.region.Reduce, i, k.Levels, ErrWindow)
		}
		k = k.reduce(e.region.Reduce)
		k.Precincts = k.assembledPrecincts()
		c.Components = append(c.Components, k)
	}
	return c, nil
}

// appendOwnCoding appends the coding parameters of a tile for its tile-part
// header: all of them, so that nothing of the main header's is left.
func (e *Extract) appendOwnCoding(dst []byte, c *TileCoding) []byte {
	dst = appendTileCoding(dst, c)
	for i := range c.Components {
		if c.Components[i].ROIShift == 0 && e.coding.Components[i].ROIShift != 0 {
			dst = appendRGN(dst, len(c.Components), i, 0)
		}
	}
	return dst
}

// needAll makes a view need all blocks of its virtual tile.
func (v *view) needAll(t *tilePackets) {
	v.needs, v.any = nil, false
	virtual := newTileGeometry(v.s.box, v.sub, v.coding.Components)
	for i := range v.reduced.components {
		for r := v.reduced.components[i].levels; r >= 0; r-- {
			res, part := v.reduced.components[i].resolution(r), virtual.components[i].resolution(r)
			n := need{index: i, component: v.s.components[i], resolution: r}
			for b := range part.bands {
				n.add(&res, b, part.band[b].box)
			}
			v.keep(t, n, &res)
		}
	}
}

// Write writes the codestream to w, Size bytes in all. It holds the packet
// headers of one tile and a few megabytes. What it writes is the same every
// time.
func (e *Extract) Write(ctx context.Context, w io.Writer) error {
	if _, err := w.Write(e.main); err != nil {
		return err
	}
	for i := range e.tiles {
		p := e.only
		if p == nil {
			var err error
			if p, err = e.part(ctx, i); err != nil {
				return err
			}
		}
		length := int64(len(p.head))
		if p.body != nil {
			length += p.body.length()
		}
		if length != e.lengths[i] {
			return formatError(e.x.h.Span.Off, "packets", "tile %d is not what it was: the source has changed", e.tiles[i])
		}
		if _, err := w.Write(p.head); err != nil {
			return err
		}
		if p.body == nil {
			continue
		}
		if err := p.body.copyBody(ctx, w, e.x.r, copyBuffer); err != nil {
			return err
		}
	}
	_, err := w.Write(binary.BigEndian.AppendUint16(nil, uint16(EOC)))
	return err
}
