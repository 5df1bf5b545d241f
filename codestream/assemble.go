// This file implements the codestream that is assembled from the blocks of a
// selection: one tile, one tile-part, one layer, its headers written anew.

package codestream

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"slices"

	"github.com/stria-j2k/stria/internal/grid"
)

// An Assembly is a selection as a codestream of its own. It is immutable and safe for
// concurrent use.
//
// The codestream has one tile, the virtual tile: a part of the original tile, reduced,
// at its own place on the reduced reference grid. It covers the window and, around it,
// all that the wavelet transform brings into it, and it is as large as it has to be for
// no code-block to be cut. Outside of the window its samples are undefined.
type Assembly struct {
	s        *Selection
	coding   TileCoding
	virtual  *tileGeometry
	order    []placedBlock  // the selection's blocks in the order of packets
	main     []byte         // from SOC through SOD
	heads    []byte         // packet headers
	layout   []assemblyPart // in order
	numGrid  int64
	numPlace int64
}

// A placedBlock is a block of the selection and its precinct in the virtual tile.
type placedBlock struct{ block, precinct uint32 }

// An assemblyPart is packet headers, and then blocks: both end where those of
// the next part begin.
type assemblyPart struct{ heads, blocks uint32 }

const (
	// maxVirtualPrecincts and maxVirtualBlocks bound the virtual tile. Decoders
	// take some hundred bytes for each, and writing the packet headers some
	// nanoseconds.
	maxVirtualPrecincts = 1 << 22
	maxVirtualBlocks    = 1 << 26
	// precinctBlocks is how many blocks wide, as an exponent, a precinct of the
	// virtual tile is at most. Decoders that walk down a tile look at every
	// block of the precincts that a strip touches, so these should not be much
	// higher than a strip; each costs a byte and some hundred in the decoder.
	precinctBlocks = 3
)

// assembledPrecincts are the sizes that precincts have in a codestream assembled from
// a component that is coded like c: some code-blocks, unless c's own are smaller and
// cut the blocks.
func (c *ComponentCoding) assembledPrecincts() []Precinct {
	sizes := make([]Precinct, c.Levels+1)
	for r := range sizes {
		half := uint8(min(r, 1))
		size := func(pp, cb uint8) uint8 {
			if pp < cb+half {
				return pp
			}
			return min(15, cb+half+precinctBlocks)
		}
		sizes[r] = Precinct{
			PPx: size(c.Precincts[r].PPx, uint8(c.XCB)),
			PPy: size(c.Precincts[r].PPy, uint8(c.YCB)),
		}
	}
	return sizes
}

// Assemble makes the headers of a selection's codestream.
func (s *Selection) Assemble() (*Assembly, error) {
	a, err := newAssembly(s)
	if err != nil {
		return nil, err
	}
	box := s.box.Rectangle()
	own := &Header{Bounds: box, FirstTile: box, CAP: s.header.CAP}
	style := BlockStyle(0)
	for i, c := range s.components {
		own.Components = append(own.Components, s.header.Components[c])
		style |= a.coding.Components[i].Style
	}
	a.main = appendMain(nil, own, style)
	a.main = appendTileCoding(a.main, &a.coding)
	a.main = appendSOT(a.main, sot{length: sotSize + 2 + a.length(), parts: 1})
	a.main = binary.BigEndian.AppendUint16(a.main, uint16(SOD))
	return a, nil
}

// newAssembly lays out the virtual tile and writes its packet headers.
func newAssembly(s *Selection) (*Assembly, error) {
	a := &Assembly{s: s, coding: *s.coding}
	a.coding.Components = slices.Clone(s.coding.Components)
	for i := range a.coding.Components {
		k := &a.coding.Components[i]
		k.Precincts = k.assembledPrecincts()
	}
	a.coding.Progression, a.coding.Progressions = LRCP, nil
	a.coding.Layers, a.coding.SOP, a.coding.EPH = 1, false, false
	a.virtual = newTileGeometry(s.box, s.sub, a.coding.Components)
	for i := range a.virtual.components {
		c := &a.virtual.components[i]
		for r := range c.levels + 1 {
			res := c.resolution(r)
			a.numPlace = grid.AddSat(a.numPlace, res.precincts())
			for b := range res.bands {
				k := newBlockGrid(res.band[b].box, res.xcb, res.ycb)
				a.numGrid = grid.AddSat(a.numGrid, grid.MulSat(k.w, k.h))
			}
		}
	}
	if a.numPlace > maxVirtualPrecincts || a.numGrid > maxVirtualBlocks {
		return nil, fmt.Errorf("codestream: a window of %d precincts and %d code-blocks: %w",
			a.numPlace, a.numGrid, errTooManyBlocks)
	}
	a.place()
	a.packets()
	if len(a.heads) == 0 && s.bytes == 0 {
		// A body must not be empty for some decoders.
		a.heads = []byte{0}
		a.layout = []assemblyPart{{1, 0}}
	}
	if a.length() > 1<<32-1-maxPartHeader {
		return nil, unsupported(s.header.Span.Off, "packets", "a window of more than 4 GiB")
	}
	return a, nil
}

// place puts the blocks in the order of their packets: by resolution, component,
// precinct, sub-band, row and column.
func (a *Assembly) place() {
	a.order = make([]placedBlock, len(a.s.blocks))
	index, level := -1, -1
	var res resolution
	for i := range a.s.blocks {
		b := &a.s.blocks[i]
		if int(b.component) != index || int(b.resolution) != level {
			index, level = int(b.component), int(b.resolution)
			res = a.virtual.components[index].resolution(level)
		}
		a.order[i] = placedBlock{uint32(i), uint32(res.precinctOf(int64(b.x), int64(b.y)))}
	}
	slices.SortStableFunc(a.order, func(p, q placedBlock) int {
		b, c := &a.s.blocks[p.block], &a.s.blocks[q.block]
		switch {
		case b.resolution != c.resolution:
			return cmp.Compare(b.resolution, c.resolution)
		case b.component != c.component:
			return cmp.Compare(b.component, c.component)
		}
		return cmp.Compare(p.precinct, q.precinct)
	})
}

// block is the i-th block in the order of packets.
func (a *Assembly) block(i uint32) *selectedBlock { return &a.s.blocks[a.order[i].block] }

// length is how long the tile's data becomes.
func (a *Assembly) length() int64 { return int64(len(a.heads)) + a.s.bytes }

// maxPartHeader bounds the header of a tile-part that is written: its coding
// parameters are those of at most so many components.
const maxPartHeader = 1 << 24

// appendMain appends the main header as far as it has no coding parameters. Of
// h it takes the geometry, the components and CAP; style has the code-block style
// of every component.
func appendMain(dst []byte, h *Header, style BlockStyle) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(SOC))
	own := Header{Bounds: h.Bounds, FirstTile: h.FirstTile, Components: h.Components}
	if style&HT != 0 {
		own.Rsiz = 0x4000
	}
	dst = appendSIZ(dst, &own)
	if style&HT != 0 {
		caps := h.CAP
		if caps == nil {
			caps = &CAP{Pcap: 1 << 17, Ccap: []uint16{0}}
			if style&HTMixed != 0 {
				caps.Ccap[0] = 3 << 14
			}
		}
		dst = appendCAP(dst, caps)
	}
	return dst
}

// sameBlocks reports whether COD can serve both components.
func (c *ComponentCoding) sameBlocks(d *ComponentCoding) bool {
	return c.Levels == d.Levels && c.XCB == d.XCB && c.YCB == d.YCB && c.Style == d.Style &&
		c.Reversible == d.Reversible && slices.Equal(c.Precincts, d.Precincts)
}

// packets writes the packet headers: of all precincts, by resolution, then
// component. One without blocks is a single zero byte.
func (a *Assembly) packets() {
	var w packetWriter
	var list []packetBlock
	next := 0 // block
	for r := range a.virtual.maxLevels + 1 {
		for i := range a.virtual.components {
			c := &a.virtual.components[i]
			if r > c.levels {
				continue
			}
			res := c.resolution(r)
			at := int64(0) // precinct
			for count := res.precincts(); at < count; at++ {
				last := next
				for last < len(a.order) {
					b := a.block(uint32(last))
					if int64(a.order[last].precinct) != at || int(b.component) != i || int(b.resolution) != r {
						break
					}
					last++
				}
				if last == next {
					a.heads = append(a.heads, 0)
					continue
				}
				p := res.precinct(at)
				w.reset(&p)
				list = list[:0]
				for ; next < last; next++ {
					b := a.block(uint32(next))
					g := &p.grid[b.band]
					k := packetBlock{
						band: int(b.band), x: int(int64(b.x) - g.X0), y: int(int64(b.y) - g.Y0),
						codewords: a.s.codewordsOf(b),
						mixed:     b.ht && a.coding.Components[i].Style&HTMixed != 0,
					}
					w.include(k.band, k.x, k.y, 0, uint32(b.zero))
					list = append(list, k)
				}
				a.heads = w.write(a.heads, 0, list)
				a.layout = append(a.layout, assemblyPart{uint32(len(a.heads)), uint32(next)})
			}
		}
	}
	a.layout = append(a.layout, assemblyPart{uint32(len(a.heads)), uint32(len(a.order))})
}

// Bounds is the virtual tile on the reduced reference grid.
func (a *Assembly) Bounds() image.Rectangle { return a.s.box.Rectangle() }

// Size is the size in bytes of the codestream.
func (a *Assembly) Size() int64 { return int64(len(a.main)) + a.length() + 2 }

// Blocks is the number of code-blocks of the virtual tile, with those that have no
// data. Decoders hold some hundred bytes for each.
func (a *Assembly) Blocks() int64 { return a.numGrid }

// Precincts is the number of precincts of the virtual tile, over all components and
// resolutions.
func (a *Assembly) Precincts() int64 { return a.numPlace }

// AppendTo appends the codestream, Size bytes, to dst. It
// reads the selection's Spans from data, which has them where the source has
// them, in few and ascending pieces as far as the blocks lie that way. When it
// fails, what was appended is of no use.
func (a *Assembly) AppendTo(dst []byte, data io.ReaderAt) ([]byte, error) {
	dst = slices.Grow(dst, int(a.Size()))
	dst = append(dst, a.main...)
	var run Span // to be read next; its place in dst is made already
	flush := func() error {
		if run.Len == 0 {
			return nil
		}
		if err := readAt(context.Background(), data, dst[int64(len(dst))-run.Len:], run.Off); err != nil {
			return readError(run.Off, "code-blocks", err)
		}
		run = Span{}
		return nil
	}
	head, block := uint32(0), uint32(0)
	for _, part := range a.layout {
		if part.heads > head {
			if err := flush(); err != nil {
				return dst, err
			}
			dst = append(dst, a.heads[head:part.heads]...)
			head = part.heads
		}
		for ; block < part.blocks; block++ {
			for _, p := range a.s.piecesOf(a.block(block)) {
				if p.Off != run.End() {
					if err := flush(); err != nil {
						return dst, err
					}
					run.Off = p.Off
				}
				run.Len += p.Len
				dst = dst[:int64(len(dst))+p.Len]
			}
		}
	}
	if err := flush(); err != nil {
		return dst, err
	}
	return binary.BigEndian.AppendUint16(dst, uint16(EOC)), nil
}

// Assemble writes a window as a codestream of its own, which any decoder can
// read: a lossless crop and reduction. See [Assembly] for its extent.
func Assemble(ctx context.Context, dst io.Writer, x *Index, w Window) error {
	s, err := x.Select(ctx, w)
	if err != nil {
		return err
	}
	a, err := s.Assemble()
	if err != nil {
		return err
	}
	if _, err := dst.Write(a.main); err != nil {
		return err
	}
	if err := a.copyBody(ctx, dst, x.r, copyBuffer); err != nil {
		return err
	}
	_, err = dst.Write(binary.BigEndian.AppendUint16(nil, uint16(EOC)))
	return err
}
