// This file implements selections: the code-blocks that a window of a tile depends
// on, and where their bytes are.

package codestream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"iter"
	"slices"

	"github.com/stria-j2k/stria/internal/grid"
)

// ErrWindow is what errors about a [Window] match that the tile cannot give: the
// caller asked for a tile, a reduction or components that are not there, or for
// no samples at all.
var ErrWindow = errors.New("window not in the image")

// A Window is what is wanted of one tile.
type Window struct {
	Tile   int
	Reduce int // resolutions to drop; at most the Levels of every component
	Layers int // quality layers to use; 0 is all
	// Area is on the reference grid; what lies outside of the tile is ignored.
	Area image.Rectangle
	// Components are the ones wanted; nil is all. Where the tile's components 0
	// to 2 are coded together (MCT), asking for one of them gives all three.
	// Those without samples in the area, for being sub-sampled, may be left out.
	Components []int
	// NoICT leaves components 0 to 2 as the irreversible component transform
	// made them, luma and chroma (G.3): of these only the ones wanted are taken,
	// and the assembled codestream does not say that they are coded together.
	// Where the tile does not have that transform it is as if all three were
	// wanted, and the selection's window says false.
	NoICT bool
}

// A BlockID names a code-block of an image: the same at every reduction and in every
// selection.
type BlockID struct {
	Tile       uint16
	Component  uint16
	Resolution uint8  // counted from the lowest
	Band       uint8  // 0 is LL, 1 HL, 2 LH, 3 HH
	X, Y       uint32 // column and row in the sub-band, from the origin of its grid
}

// A Block is one code-block, and where its bytes are.
type Block struct {
	ID         BlockID
	Bounds     image.Rectangle // sub-band grid
	HT         bool            // a High-Throughput block
	ZeroPlanes int             // missing most significant bit-planes
	Passes     int             // coding passes

	// Codewords are the codeword segments, in order; their Passes add up to those of
	// the block. Spans are its bytes in the source, in order. Both are parts of the
	// selection and must not be changed.
	Codewords []Codeword
	Spans     []Span
}

// A Codeword is a codeword segment of a block (D.4): so many passes, terminated
// together, and their bytes.
type Codeword struct {
	Passes uint8
	Length uint32
}

// A Selection is the code-blocks that a window depends on: those that the wavelet
// transform brings into it, and no others. It is immutable and safe for concurrent
// use.
type Selection struct {
	window     Window
	components []int
	coding     *TileCoding // reduced, of the components
	geometry   *tileGeometry
	sub        []image.Point
	box        grid.Rect // reduced reference grid: the virtual tile of an Assembly
	area       grid.Rect // reduced reference grid: the window
	areas      []grid.Rect

	blocks    []selectedBlock
	codewords []Codeword
	pieces    []Span // of the source
	spans     []Span // pieces, sorted and merged
	bytes     int64
	work      int64
	damage    error
	header    *Header // of the source
}

// A selectedBlock is a block with its codewords and pieces.
type selectedBlock struct {
	x, y       uint32 // column and row of the sub-band's blocks, from the origin
	codeword   uint32 // the first of its codewords
	piece      uint32 // the first of its pieces
	pieces     uint16 // at most one a pass and one a tile-part
	component  uint16 // index in Selection.components
	codewords  uint8  // at most one a pass
	resolution uint8
	band       uint8 // 0 to bands-1
	zero       uint8
	passes     uint8
	ht         bool
}

// codewordsOf gives the codewords of a block.
func (s *Selection) codewordsOf(b *selectedBlock) []Codeword {
	end := b.codeword + uint32(b.codewords)
	return s.codewords[b.codeword:end:end]
}

// piecesOf gives where the bytes of a block are.
func (s *Selection) piecesOf(b *selectedBlock) []Span {
	end := b.piece + uint32(b.pieces)
	return s.pieces[b.piece:end:end]
}

// Window is the window that was selected, with Layers as they are used and
// Components as they are in Coding: in ascending order.
func (s *Selection) Window() Window {
	w := s.window
	w.Components = slices.Clone(s.components)
	return w
}

// Coding is the tile's coding parameters, the resolutions dropped, of the components
// of Window. It must not be changed.
func (s *Selection) Coding() *TileCoding { return s.coding }

// Complete reports whether all quality layers of the tile were selected: only then do
// the codeword segments of its blocks end where they were terminated.
func (s *Selection) Complete() bool { return s.window.Layers >= s.coding.Layers }

// Area is the window on the reduced reference grid.
func (s *Selection) Area() image.Rectangle { return s.area.Rectangle() }

// ComponentBounds is the window on the grid, reduced, of the i-th component of
// Window().Components. It can be empty where components are sub-sampled.
func (s *Selection) ComponentBounds(i int) image.Rectangle { return s.areas[i].Rectangle() }

// TileBounds is the whole tile on the grid, reduced, of the i-th component of
// Window().Components.
func (s *Selection) TileBounds(i int) image.Rectangle {
	return s.geometry.components[i].box.Rectangle()
}

// Depth is the bits a sample of the i-th component of Window().Components.
func (s *Selection) Depth(i int) int { return s.header.Components[s.components[i]].Depth }

// NumBlocks is the number of code-blocks that have data.
func (s *Selection) NumBlocks() int { return len(s.blocks) }

// Spans are the bytes of the source that the blocks take: sorted, and merged
// where they touch. The slice is the caller's.
func (s *Selection) Spans() []Span { return slices.Clone(s.spans) }

// Bytes is the sum of the lengths of the blocks.
func (s *Selection) Bytes() int64 { return s.bytes }

// Work is the coding passes of each block times its samples, added up: a measure
// of the time that entropy decoding may take.
func (s *Selection) Work() int64 { return s.work }

// Planes is the largest number of magnitude bit-planes, Mb of Equation E-2 with
// the shift of a region of interest, of any sub-band of the i-th component.
func (s *Selection) Planes(i int) int { return s.coding.Components[i].planes() }

// Damage says what of the window is missing or was left out because the data is
// truncated or corrupt; nil if nothing is.
func (s *Selection) Damage() error { return s.damage }

// Select finds the code-blocks that a window depends on. It reads packet headers
// as far as they are not known, but no byte of a block.
//
// Where the data is damaged the selection has what is left and its Damage says
// what is wrong. Errors are about the tile as a whole or match [ErrWindow],
// [errors.ErrUnsupported], or are those of the source or the context.
func (x *Index) Select(ctx context.Context, w Window) (*Selection, error) {
	if w.Tile < 0 || w.Tile >= x.h.NumTiles() {
		return nil, fmt.Errorf("codestream: tile %d of %d: %w", w.Tile, x.h.NumTiles(), ErrWindow)
	}
	t, err := x.packets(ctx, w.Tile)
	if err != nil {
		return nil, err
	}
	v, err := t.view(x.h, w)
	if err != nil {
		return nil, err
	}
	if err := t.find(ctx, x, v); err != nil {
		return nil, err
	}
	return v.s, nil
}

// find puts the blocks that a view needs into its selection.
func (t *tilePackets) find(ctx context.Context, x *Index, v *view) error {
	for done := false; !done; {
		err := t.load(ctx, x, v)
		if err != nil {
			return err
		}
		if done, err = t.collect(v); err != nil {
			return err
		}
	}
	x.compact(t)
	s := v.s
	s.sort()
	s.coding, s.geometry, s.sub, s.header = &v.coding, v.reduced, v.sub, x.h
	s.spans = tight(MergeSpans(slices.Clone(s.pieces), 0))
	s.blocks, s.codewords, s.pieces = tight(s.blocks), tight(s.codewords), tight(s.pieces)
	return nil
}

// Blocks yields the code-blocks that a window depends on and that have data, as
// [Selection.Blocks] does. An error ends it.
func (x *Index) Blocks(ctx context.Context, w Window) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		s, err := x.Select(ctx, w)
		if err != nil {
			yield(Block{}, err)
			return
		}
		for b := range s.Blocks() {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// Blocks yields the code-blocks by resolution, component, sub-band, row and column.
func (s *Selection) Blocks() iter.Seq[Block] {
	return func(yield func(Block) bool) {
		for i := range s.blocks {
			if !yield(s.Block(i)) {
				return
			}
		}
	}
}

// Block is the i-th of NumBlocks code-blocks, in the order of Blocks.
func (s *Selection) Block(i int) Block {
	k := &s.blocks[i]
	res := s.geometry.components[k.component].resolution(int(k.resolution))
	g := newBlockGrid(res.band[k.band].box, res.xcb, res.ycb)
	return Block{
		ID:         s.BlockID(i),
		Bounds:     g.block(int64(k.x), int64(k.y)).Rectangle(),
		HT:         k.ht,
		ZeroPlanes: int(k.zero),
		Passes:     int(k.passes),
		Codewords:  s.codewordsOf(k),
		Spans:      s.piecesOf(k),
	}
}

// BlockID is the name of the i-th block.
func (s *Selection) BlockID(i int) BlockID {
	k := &s.blocks[i]
	band := k.band
	if k.resolution > 0 {
		band++
	}
	return BlockID{Tile: uint16(s.window.Tile), Component: uint16(s.components[k.component]),
		Resolution: k.resolution, Band: band, X: k.x, Y: k.y}
}

// BlockBytes is the length of the i-th block's bytes.
func (s *Selection) BlockBytes(i int) int64 {
	var n int64
	for _, w := range s.codewordsOf(&s.blocks[i]) {
		n += int64(w.Length)
	}
	return n
}

// sort puts the blocks in order.
func (s *Selection) sort() {
	slices.SortFunc(s.blocks, func(a, b selectedBlock) int {
		switch {
		case a.resolution != b.resolution:
			return cmp.Compare(a.resolution, b.resolution)
		case a.component != b.component:
			return cmp.Compare(a.component, b.component)
		case a.band != b.band:
			return cmp.Compare(a.band, b.band)
		case a.y != b.y:
			return cmp.Compare(a.y, b.y)
		}
		return cmp.Compare(a.x, b.x)
	})
}

// MergeSpans sorts spans, in place, and merges those that overlap or lie at most gap
// bytes apart. Empty ones go.
func MergeSpans(spans []Span, gap int64) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Off, b.Off) })
	out := spans[:0]
	for _, s := range spans {
		if s.Len <= 0 {
			continue
		}
		if n := len(out); n > 0 && s.Off-out[n-1].End() <= gap {
			out[n-1].Len = max(out[n-1].Len, s.End()-out[n-1].Off)
			continue
		}
		out = append(out, s)
	}
	return out
}

// tight gives a list without much memory kept for growing.
func tight[T any](list []T) []T {
	if cap(list)-len(list) > len(list)/8 {
		return slices.Clone(list)
	}
	return list
}
