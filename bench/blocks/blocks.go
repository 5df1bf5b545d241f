// Package blocks takes code-blocks out of images and makes images of nothing but
// code-blocks, so that decoders of blocks can be compared.
//
// The context tables of the sub-bands LL and LH are the same (Table D.1), so LH
// blocks can be put into an image as its LL sub-band. Where that is an image
// without decomposition levels, all that a decoder does is to decode its blocks.
package blocks

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math/bits"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/jp2"
)

// Side is the width and height of the blocks that are taken.
const Side = 64

// A Set is blocks of Side by Side coefficients that were coded in the same way.
type Set struct {
	Blocks []codeblock.Block
	Across int  // in a row of the image that Codestream makes, all rows full
	HT     bool // High-Throughput blocks
}

// Bytes is how many all blocks have.
func (s *Set) Bytes() (n int) {
	for i := range s.Blocks {
		n += len(s.Blocks[i].Data)
	}
	return n
}

// Take returns the whole blocks of the finest LH sub-band of the image's first
// component, or of LL where there is no transform. A few at the end are left out,
// so that they fill a rectangle.
func Take(ctx context.Context, f *jp2.File) (*Set, error) {
	c := f.Header.Components[0]
	r, band := c.Levels, 2
	if r == 0 {
		band = 0
	}
	s := &Set{HT: f.Header.CAP != nil}
	for tile := range f.Header.NumTiles() {
		w := codestream.Window{Tile: tile, Area: f.Header.Bounds, Components: []int{0}}
		for b, err := range f.Index().Blocks(ctx, w) {
			switch {
			case err != nil:
				return nil, err
			case b.ID.Component != 0 || int(b.ID.Resolution) != r || int(b.ID.Band) != band,
				b.Bounds.Size() != image.Pt(Side, Side):
				continue
			}
			block := codeblock.Block{
				Width: Side, Height: Side, Orient: band,
				Planes: c.BandPlanes(r, band), ZeroPlanes: b.ZeroPlanes,
				// The remaining bits of the style say that a block is of Part 15.
				Style: codeblock.Style(c.Style & 0x3F),
			}
			for _, span := range b.Spans {
				n := len(block.Data)
				block.Data = append(block.Data, make([]byte, span.Len)...)
				if _, err := f.Source().ReadAt(block.Data[n:], span.Off); err != nil {
					return nil, err
				}
			}
			for _, w := range b.Codewords {
				block.Segments = append(block.Segments,
					codeblock.Segment{Passes: int(w.Passes), Length: int(w.Length)})
			}
			s.Blocks = append(s.Blocks, block)
		}
	}
	if len(s.Blocks) == 0 {
		return nil, errors.New("blocks: the image has no whole block")
	}
	for s.Across = 1; (s.Across+1)*(s.Across+1) <= len(s.Blocks); {
		s.Across++
	}
	s.Blocks = s.Blocks[:len(s.Blocks)/s.Across*s.Across]
	return s, nil
}

// Codestream is an image of one component without transform, whose blocks are
// those of the set row by row, Across in a row. Its samples are the coefficients,
// with a sign.
func (s *Set) Codestream() ([]byte, error) {
	across, down := s.Across, len(s.Blocks)/s.Across
	first := s.Blocks[0]
	if first.Planes > 31 {
		return nil, fmt.Errorf("blocks: %d bit-planes", first.Planes)
	}
	body := packet(s.Blocks, across, down)

	var out []byte
	u8 := func(v ...int) {
		for _, b := range v {
			out = append(out, byte(b))
		}
	}
	u16 := func(v ...int) {
		for _, w := range v {
			out = binary.BigEndian.AppendUint16(out, uint16(w))
		}
	}
	u32 := func(v ...int) {
		for _, w := range v {
			out = binary.BigEndian.AppendUint32(out, uint32(w))
		}
	}
	capability, style := 0, int(first.Style)
	if s.HT {
		capability, style = 1<<14, style|0x40
	}
	u16(0xFF4F, 0xFF51, 41, capability)
	for range 2 {
		u32(across*Side, down*Side, 0, 0)
	}
	u16(1)
	u8(0x80|min(first.Planes, 30), 1, 1) // A.5.1: Ssiz, with room for all planes
	if s.HT {
		// Part 15, A.3: Pcap says that Ccap15 is there. It allows for any number
		// of bit-planes, and says that all blocks are High-Throughput ones.
		u16(0xFF50, 8)
		u32(1 << (32 - 15))
		u16(31)
	}
	u16(0xFF52, 12)
	u8(0, 0, 0, 1, 0, 0, 4, 4, style, 1) // A.6.1: no level, blocks of 2^(4+2), 5/3
	u16(0xFF5C, 4)
	u8(1<<5, first.Planes<<3) // A.6.4: one guard bit, so that Mb is the exponent
	u16(0xFF90, 10, 0)
	u32(14 + len(body))
	u8(0, 1)
	u16(0xFF93)
	out = append(out, body...)
	u16(0xFFD9)
	return out, nil
}

// packet is the one packet of all blocks: its header (B.10) and their bytes.
func packet(list []codeblock.Block, across, down int) []byte {
	var h bitWriter
	zeros := make([]int, len(list))
	for i := range list {
		zeros[i] = list[i].ZeroPlanes
	}
	included := newTree(make([]int, len(list)), across, down)
	missing := newTree(zeros, across, down)
	h.put(1, 1)
	for i := range list {
		b := &list[i]
		included.code(&h, i%across, i/across)
		missing.code(&h, i%across, i/across)
		passes := 0
		for _, s := range b.Segments {
			passes += s.Passes
		}
		putPasses(&h, passes)
		// B.10.7: Lblock starts at 3; ones raise it until all lengths fit.
		lblock := 3
		for _, s := range b.Segments {
			lblock = max(lblock, bits.Len(uint(s.Length))-log2(s.Passes))
		}
		for range lblock - 3 {
			h.put(1, 1)
		}
		h.put(0, 1)
		for _, s := range b.Segments {
			h.put(s.Length, lblock+log2(s.Passes))
		}
	}
	out := h.end()
	for i := range list {
		out = append(out, list[i].Data...)
	}
	return out
}

func log2(v int) int { return bits.Len(uint(v)) - 1 }

// putPasses writes a number of coding passes (Table B.4).
func putPasses(h *bitWriter, n int) {
	switch {
	case n == 1:
		h.put(0, 1)
	case n == 2:
		h.put(0b10, 2)
	case n <= 5:
		h.put(0b11, 2)
		h.put(n-3, 2)
	case n <= 36:
		h.put(0b1111, 4)
		h.put(n-6, 5)
	default:
		h.put(0b111111111, 9)
		h.put(n-37, 7)
	}
}
