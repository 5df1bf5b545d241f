//go:build cgo

// This file makes codestreams of any geometry without an encoder: their
// code-blocks hold nothing, and they decode to mid-grey. To OpenJPEG's memory
// that makes no difference.

package openjpeg

import (
	"encoding/binary"
	"image"
)

// A geometry is what decides how much memory a codestream takes to decode.
type geometry struct {
	bounds     image.Rectangle // reference grid; the tile is the same
	components int
	levels     int
	block      int // exponent of the code-block's sides
	precinct   int // exponent of the precinct's sides at all resolutions; 0: 15
	reversible bool
	body       int // bytes of packets; trailing ones are not looked at
}

// stream is a codestream of that geometry.
func (g *geometry) stream() []byte {
	be := binary.BigEndian
	s := []byte{0xff, 0x4f, 0xff, 0x51}
	s = be.AppendUint16(s, uint16(38+3*g.components))
	s = be.AppendUint16(s, 0)
	b := g.bounds
	for _, v := range []int{b.Max.X, b.Max.Y, b.Min.X, b.Min.Y, b.Dx(), b.Dy(), b.Min.X, b.Min.Y} {
		s = be.AppendUint32(s, uint32(v))
	}
	s = be.AppendUint16(s, uint16(g.components))
	for range g.components {
		s = append(s, 7, 1, 1)
	}

	transform, mct, scod, size := byte(1), byte(0), byte(0), 12
	if g.components >= 3 {
		mct = 1
	}
	if !g.reversible {
		transform = 0
	}
	if g.precinct > 0 {
		scod, size = 1, size+g.levels+1
	}
	s = append(s, 0xff, 0x52)
	s = be.AppendUint16(s, uint16(size))
	s = append(s, scod, 0, 0, 1, mct, byte(g.levels), byte(g.block-2), byte(g.block-2), 0, transform)
	if g.precinct > 0 {
		for range g.levels + 1 {
			s = append(s, byte(g.precinct<<4|g.precinct))
		}
	}

	bands := 3*g.levels + 1
	s = append(s, 0xff, 0x5c)
	if g.reversible {
		s = be.AppendUint16(s, uint16(3+bands))
		s = append(s, 2<<5)
		for range bands {
			s = append(s, 10<<3)
		}
	} else {
		s = be.AppendUint16(s, uint16(3+2*bands))
		s = append(s, 2<<5|2)
		for range bands {
			s = be.AppendUint16(s, 10<<11)
		}
	}

	s = append(s, 0xff, 0x90, 0, 10, 0, 0)
	s = be.AppendUint32(s, uint32(14+max(g.body, 1)))
	s = append(s, 0, 1, 0xff, 0x93)
	s = append(s, make([]byte, max(g.body, 1))...)
	return append(s, 0xff, 0xd9)
}

// blocks and precincts are how many the tile has (B.6, B.7), and coefficients
// the samples of the code-blocks that the window reaches.
func (g *geometry) counts(area image.Rectangle) (blocks, precincts, coefficients int64) {
	for r := 0; r <= g.levels; r++ {
		n := g.levels - r
		res := reduced(g.bounds, n)
		pp := g.precinct
		if pp == 0 {
			pp = 15
		}
		if res.Empty() {
			continue
		}
		grid := cells(res, pp)
		precincts += int64(grid.Dx() * grid.Dy() * g.components)
		if r == 0 {
			b, c := g.band(res, reduced(area, n), min(g.block, pp))
			blocks, coefficients = blocks+b, coefficients+c
			continue
		}
		for _, o := range []image.Point{{X: 1}, {Y: 1}, {X: 1, Y: 1}} {
			// Equation B-15, with nb = n+1.
			off := image.Pt(-o.X<<n, -o.Y<<n)
			b, c := g.band(reduced(g.bounds.Add(off), n+1), reduced(area.Add(off), n+1), min(g.block, pp-1))
			blocks, coefficients = blocks+b, coefficients+c
		}
	}
	return blocks, precincts, coefficients
}

// band counts the code-blocks of a sub-band of all components, and the samples
// of those within 3 of the window, where OpenJPEG looks.
func (g *geometry) band(band, window image.Rectangle, xcb int) (blocks, coefficients int64) {
	if band.Empty() {
		return 0, 0
	}
	all := cells(band, xcb)
	if w := window.Inset(-3).Intersect(band); !w.Empty() {
		near := cells(w, xcb)
		near = image.Rect(near.Min.X<<xcb, near.Min.Y<<xcb, near.Max.X<<xcb, near.Max.Y<<xcb).Intersect(band)
		coefficients = int64(near.Dx()) * int64(near.Dy()) * int64(g.components)
	}
	return int64(all.Dx()) * int64(all.Dy()) * int64(g.components), coefficients
}
