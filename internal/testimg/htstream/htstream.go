// Package htstream writes small lossless codestreams whose code-blocks are Part 1 ones,
// High-Throughput ones (ISO/IEC 15444-15) or of both kinds, straight from the standards
// and without the module's own packages for reading: opj_compress writes no
// High-Throughput blocks.
//
// They have one layer in the order LRCP, the largest precincts, the 5/3 transform and no
// colour transform.
package htstream

import (
	"encoding/binary"
	"image"
	"math/bits"
)

// A Kind is the code-blocks of a tile-component.
type Kind uint8

// The kinds. With Mixed each block is of the one or the other.
const (
	Part1 Kind = 0x00
	HT    Kind = 0x40
	Mixed Kind = 0xC0
)

// guard is the number of guard bits.
const guard = 2

// A Spec says what codestream to write.
type Spec struct {
	Bounds     image.Rectangle // on the reference grid, also where the tiles begin
	Tile       image.Point     // size of the tiles; zero: there is one
	Components int
	Depth      int // bits a sample, unsigned
	Levels     int
	XCB, YCB   int // exponents of the code-blocks' sides

	// Kind is the blocks of a tile-component; nil is HT everywhere.
	Kind func(tile, component int) Kind

	// Refine codes the last bit-plane of High-Throughput blocks in the two passes after
	// the cleanup pass, where these reach all of its bits.
	Refine bool

	// Placeholders is how many sets of three passes without bytes come before the
	// cleanup pass, as far as a block has bit-planes for them.
	Placeholders int
}

// A Block is a code-block as it was written, in the order of the packets. Blocks of
// zeros are not.
type Block struct {
	Tile, Component, Resolution, Band int // Band is 0 to 3: LL, HL, LH, HH
	Bounds                            image.Rectangle
	HT                                bool
	Passes, ZeroPlanes                int
	Lengths                           []int // of its codeword segments
	Data                              []byte
}

// tiles are the tiles' bounds.
func (s *Spec) tiles() (all []image.Rectangle) {
	size := s.Tile
	if size == (image.Point{}) {
		size = s.Bounds.Size()
	}
	for y := s.Bounds.Min.Y; y < s.Bounds.Max.Y; y += size.Y {
		for x := s.Bounds.Min.X; x < s.Bounds.Max.X; x += size.X {
			at := image.Pt(x, y)
			all = append(all, image.Rectangle{Min: at, Max: at.Add(size)}.Intersect(s.Bounds))
		}
	}
	return all
}

func (s *Spec) kind(tile, component int) Kind {
	if s.Kind == nil {
		return HT
	}
	return s.Kind(tile, component)
}

// Write writes the codestream of samples, which are those of the components, row by row.
func Write(s Spec, samples [][]int32) ([]byte, []Block) {
	w := writer{Spec: s}
	w.main()
	for i, t := range s.tiles() {
		w.tilePart(i, t, samples)
	}
	w.u16(0xFFD9) // EOC
	return w.out, w.blocks
}

// A writer writes a codestream.
type writer struct {
	Spec
	out    []byte
	blocks []Block
}

func (w *writer) u8(v int)  { w.out = append(w.out, byte(v)) }
func (w *writer) u16(v int) { w.out = binary.BigEndian.AppendUint16(w.out, uint16(v)) }
func (w *writer) u32(v int) { w.out = binary.BigEndian.AppendUint32(w.out, uint32(v)) }

// segment writes a marker segment whose fields fields writes.
func (w *writer) segment(marker int, fields func()) {
	w.u16(marker)
	at := len(w.out)
	w.u16(0)
	fields()
	binary.BigEndian.PutUint16(w.out[at:], uint16(len(w.out)-at))
}

// main writes the main header.
func (w *writer) main() {
	var all Kind
	part1 := false
	for i := range w.tiles() {
		for c := range w.Components {
			all |= w.kind(i, c)
			part1 = part1 || w.kind(i, c) == Part1
		}
	}
	w.u16(0xFF4F) // SOC
	w.segment(0xFF51, func() {
		w.u16(int(all&HT) << 8) // Rsiz
		tile := w.Tile
		if tile == (image.Point{}) {
			tile = w.Bounds.Size()
		}
		for _, p := range []image.Point{w.Bounds.Max, w.Bounds.Min, tile, w.Bounds.Min} {
			w.u32(p.X)
			w.u32(p.Y)
		}
		w.u16(w.Components)
		for range w.Components {
			w.u8(w.Depth - 1)
			w.u8(1)
			w.u8(1)
		}
	})
	if all != Part1 {
		w.segment(0xFF50, func() { // CAP
			w.u32(1 << 17)
			capabilities := max(w.planes(3)-8, 0) // MAGB (Part 15, A.3)
			switch {
			case all == Mixed:
				capabilities |= 3 << 14
			case part1:
				capabilities |= 2 << 14
			}
			w.u16(capabilities)
		})
	}
	w.segment(0xFF52, func() { // COD
		w.u8(0)
		w.u8(0)
		w.u16(1)
		w.u8(0)
		w.blockCoding(w.kind(0, 0))
	})
	w.segment(0xFF5C, func() { // QCD
		w.u8(guard << 5)
		for i := range 1 + 3*w.Levels {
			band := 0
			if i > 0 {
				band = 1 + (i-1)%3
			}
			w.u8(w.exponent(band) << 3)
		}
	})
}

// blockCoding writes SPcod or SPcoc.
func (w *writer) blockCoding(k Kind) {
	w.u8(w.Levels)
	w.u8(w.XCB - 2)
	w.u8(w.YCB - 2)
	w.u8(int(k))
	w.u8(1)
}

// exponent is that of a sub-band (Equation E-5).
func (w *writer) exponent(band int) int { return w.Depth + bits.OnesCount(uint(band)) }

// planes is how many magnitude bit-planes blocks of a sub-band have (Equation E-2).
func (w *writer) planes(band int) int { return guard + w.exponent(band) - 1 }

// tilePart writes a tile as its only tile-part.
func (w *writer) tilePart(tile int, bounds image.Rectangle, samples [][]int32) {
	at := len(w.out)
	w.segment(0xFF90, func() { // SOT
		w.u16(tile)
		w.u32(0)
		w.u8(0)
		w.u8(1)
	})
	for c := range w.Components {
		if w.kind(tile, c) != w.kind(0, 0) {
			w.segment(0xFF53, func() { // COC
				w.u8(c)
				w.u8(0)
				w.blockCoding(w.kind(tile, c))
			})
		}
	}
	w.u16(0xFF93) // SOD
	all := make([][]band, w.Components)
	for c := range all {
		plane := newPlane(bounds)
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			for x := bounds.Min.X; x < bounds.Max.X; x++ {
				v := samples[c][(y-w.Bounds.Min.Y)*w.Bounds.Dx()+x-w.Bounds.Min.X]
				*plane.at(x, y) = v - 1<<(w.Depth-1) // Equation G-1
			}
		}
		all[c] = analyse(plane, w.Levels)
	}
	for r := range w.Levels + 1 {
		// Equation B-14; without samples there is no precinct and no packet.
		down := func(p image.Point) image.Point {
			n := w.Levels - r
			return image.Pt((p.X+1<<n-1)>>n, (p.Y+1<<n-1)>>n)
		}
		if (image.Rectangle{Min: down(bounds.Min), Max: down(bounds.Max)}).Empty() {
			continue
		}
		for c, bands := range all {
			if r == 0 {
				w.packet(tile, c, r, bands[:1])
			} else {
				w.packet(tile, c, r, bands[3*r-2:3*r+1])
			}
		}
	}
	binary.BigEndian.PutUint32(w.out[at+6:], uint32(len(w.out)-at))
}

// Low is the samples of a component as they are without the highest of the resolutions,
// before any is clamped: a tile's, where bounds are that tile's.
func Low(s Spec, bounds image.Rectangle, samples []int32, reduce int) ([]int32, image.Rectangle) {
	plane := newPlane(bounds)
	for i := range samples {
		plane.samples[i] = samples[i] - 1<<(s.Depth-1)
	}
	low := analyse(plane, reduce)[0].plane
	for i := range low.samples {
		low.samples[i] += 1 << (s.Depth - 1)
	}
	return low.samples, low.bounds
}
