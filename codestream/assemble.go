// This file implements the codestream that is assembled from the blocks of a
// selection: one tile, one tile-part, one layer, its headers written anew.

package codestream

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// An assembly is all of an assembled codestream but the bytes of the blocks.
type assembly struct {
	virtual  *tileGeometry
	main     []byte         // from SOC through SOD
	heads    []byte         // packet headers
	layout   []assemblyPart // in order
	numGrid  int64
	numPlace int64
}

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

// AssembledPrecinct is the size that the precincts of resolution r have in a
// codestream assembled from a component that is coded like c: some code-blocks,
// unless c's own are smaller and cut the blocks.
func (c *ComponentCoding) AssembledPrecinct(r int) Precinct {
	half := uint8(min(r, 1))
	size := func(pp, cb uint8) uint8 {
		if pp < cb+half {
			return pp
		}
		return min(15, cb+half+precinctBlocks)
	}
	return Precinct{
		PPx: size(c.Precincts[r].PPx, uint8(c.XCB)),
		PPy: size(c.Precincts[r].PPy, uint8(c.YCB)),
	}
}

// assembledPrecincts is AssembledPrecinct of all resolutions.
func (c *ComponentCoding) assembledPrecincts() []Precinct {
	size := make([]Precinct, c.Levels+1)
	for r := range size {
		size[r] = c.AssembledPrecinct(r)
	}
	return size
}

// virtual lays out the virtual tile. Its precincts are as large as possible,
// unless smaller ones cut the code-blocks.
func (v *view) virtual() {
	for i := range v.coding.Components {
		k := &v.coding.Components[i]
		k.Precincts = k.assembledPrecincts()
	}
	v.coding.Progression, v.coding.Progressions = LRCP, nil
	v.coding.Layers, v.coding.SOP, v.coding.EPH = 1, false, false
	v.s.virtual = newTileGeometry(v.s.box, v.sub, v.coding.Components)
}

// assemble writes all headers. Of h it takes CAP.
func (v *view) assemble(h *Header) error {
	s := v.s
	length, err := s.body(h)
	if err != nil {
		return err
	}
	box := s.box.rectangle()
	own := &Header{Bounds: box, FirstTile: box, Components: v.samples, CAP: h.CAP}
	s.header = h
	ht := false
	for i := range v.coding.Components {
		ht = ht || v.coding.Components[i].Style&HT != 0
	}
	s.main = appendMain(nil, own, ht)
	s.main = appendTileCoding(s.main, &v.coding)
	s.main = appendSOT(s.main, sot{length: sotSize + 2 + length, parts: 1})
	s.main = binary.BigEndian.AppendUint16(s.main, uint16(SOD))
	return nil
}

// body writes the packet headers and returns how long the tile's data becomes.
func (s *Selection) body(h *Header) (int64, error) {
	g := s.virtual
	for i := range g.components {
		c := &g.components[i]
		for r := range c.levels + 1 {
			res := c.resolution(r)
			s.numPlace = addSat(s.numPlace, res.precincts())
			for b := range res.bands {
				k := newBlockGrid(res.band[b].box, res.xcb, res.ycb)
				s.numGrid = addSat(s.numGrid, mulSat(k.w, k.h))
			}
		}
	}
	if s.numPlace > maxVirtualPrecincts || s.numGrid > maxVirtualBlocks {
		return 0, fmt.Errorf("codestream: a window of %d precincts and %d code-blocks: %w",
			s.numPlace, s.numGrid, errTooManyBlocks)
	}
	s.packets()
	if len(s.heads) == 0 && s.bytes == 0 {
		// A body must not be empty for some decoders.
		s.heads = []byte{0}
		s.layout = []assemblyPart{{1, 0}}
	}
	length := int64(len(s.heads)) + s.bytes
	if length > 1<<32-1-maxPartHeader {
		return 0, unsupported(h.Span.Off, "packets", "a window of more than 4 GiB")
	}
	return length, nil
}

// maxPartHeader bounds the header of a tile-part that is written: its coding
// parameters are those of at most so many components.
const maxPartHeader = 1 << 24

// appendMain appends the main header as far as it has no coding parameters. Of
// h it takes the geometry, the components and CAP; ht says whether any of the
// blocks is High-Throughput.
func appendMain(dst []byte, h *Header, ht bool) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(SOC))
	own := Header{Bounds: h.Bounds, FirstTile: h.FirstTile, Components: h.Components}
	if ht {
		own.Rsiz = 0x4000
	}
	dst = appendSIZ(dst, &own)
	if ht {
		caps := h.CAP
		if caps == nil {
			caps = &CAP{Pcap: 1 << 17, Ccap: []uint16{0}}
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
func (s *Selection) packets() {
	var w packetWriter
	var list []packetBlock
	next := 0 // block
	for r := range s.virtual.maxLevels + 1 {
		for i := range s.virtual.components {
			c := &s.virtual.components[i]
			if r > c.levels {
				continue
			}
			res := c.resolution(r)
			at := int64(0) // precinct
			for count := res.precincts(); at < count; at++ {
				last := next
				for last < len(s.blocks) {
					b := &s.blocks[last]
					if int64(b.precinct) != at || int(b.component) != i || int(b.resolution) != r {
						break
					}
					last++
				}
				if last == next {
					s.heads = append(s.heads, 0)
					continue
				}
				p := res.precinct(at)
				w.reset(&p)
				list = list[:0]
				for ; next < last; next++ {
					b := &s.blocks[next]
					g := &p.grid[b.band]
					k := packetBlock{
						band: int(b.band), x: int(int64(b.x) - g.x0), y: int(int64(b.y) - g.y0),
						codewords: s.codewordsOf(b),
					}
					w.include(k.band, k.x, k.y, 0, uint32(b.zero))
					list = append(list, k)
				}
				s.heads = w.write(s.heads, 0, list)
				s.layout = append(s.layout, assemblyPart{uint32(len(s.heads)), uint32(next)})
			}
		}
	}
	s.layout = append(s.layout, assemblyPart{uint32(len(s.heads)), uint32(len(s.blocks))})
}

// AssembledSize is the size in bytes of the assembled codestream.
func (s *Selection) AssembledSize() int64 {
	return int64(len(s.main)) + int64(len(s.heads)) + s.bytes + 2
}

// VirtualBlocks is the number of code-blocks of the virtual tile, with those
// that have no data. Decoders hold some hundred bytes for each.
func (s *Selection) VirtualBlocks() int64 { return s.numGrid }

// VirtualPrecincts is the number of precincts of the virtual tile, over all
// components and resolutions.
func (s *Selection) VirtualPrecincts() int64 { return s.numPlace }

// AppendTo appends the assembled codestream, AssembledSize bytes, to dst. It
// reads the selection's Spans from data, which has them where the source has
// them, in few and ascending pieces as far as the blocks lie that way. When it
// fails, what was appended is of no use.
func (s *Selection) AppendTo(dst []byte, data io.ReaderAt) ([]byte, error) {
	dst = slices.Grow(dst, int(s.AssembledSize()))
	dst = append(dst, s.main...)
	var run Span // to be read next; its place in dst is made already
	flush := func() error {
		if run.Len == 0 {
			return nil
		}
		n, err := data.ReadAt(dst[int64(len(dst))-run.Len:], run.Off)
		if int64(n) < run.Len {
			if err == nil {
				err = io.ErrNoProgress
			}
			return readError(run.Off, "code-blocks", err)
		}
		run = Span{}
		return nil
	}
	head, block := uint32(0), uint32(0)
	for _, part := range s.layout {
		if part.heads > head {
			if err := flush(); err != nil {
				return dst, err
			}
			dst = append(dst, s.heads[head:part.heads]...)
			head = part.heads
		}
		for ; block < part.blocks; block++ {
			b := &s.blocks[block]
			for _, p := range s.piecesOf(b) {
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
// read: a lossless crop and reduction. See [Selection] for its extent.
func Assemble(ctx context.Context, dst io.Writer, x *Index, w Window) error {
	s, err := x.Select(ctx, w)
	if err != nil {
		return err
	}
	if _, err := dst.Write(s.main); err != nil {
		return err
	}
	if err := s.copyBody(ctx, dst, x.r, copyBuffer); err != nil {
		return err
	}
	_, err = dst.Write(binary.BigEndian.AppendUint16(nil, uint16(EOC)))
	return err
}
