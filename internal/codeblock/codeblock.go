// Package codeblock describes a coded code-block to the decoders of Part 1
// (package tier1) and of Part 15 (package ht), and says in which form both hand
// over its coefficients.
//
// # Coefficients
//
// A decoder writes one int32 for each coefficient, row by row: the quantised
// coefficient in two's complement, with [Fraction] bits below the binary point.
// The bit below the last bit-plane that was decoded is set in coefficients that
// are not zero, so that each lies in the middle of its interval of uncertainty
// (E.1.1.2 with r = 1/2). A block of which every bit-plane was decoded therefore
// has the fraction 1/2 everywhere but in zeros; the reversible path drops it.
//
// A region of interest is not undone here: coefficients are as they are coded,
// Planes counts the bit-planes that were shifted in (H.1).
package codeblock

import (
	"errors"
	"fmt"
)

// MaxPlanes is the largest number of magnitude bit-planes that a block may have.
const MaxPlanes = 31

// Fraction is the number of bits below the binary point of the coefficients of
// blocks with so many magnitude bit-planes: 1, or 0 where there is no room.
func Fraction(planes int) int {
	if planes < MaxPlanes {
		return 1
	}
	return 0
}

// Style is how the passes of a block are coded. Its bits are those of SPcod and
// SPcoc (Table A.19).
type Style uint8

// The styles of Part 1 blocks.
const (
	Bypass  Style = 1 << iota // raw bits in the lower significance and refinement passes
	Reset                     // contexts are reset after each pass
	TermAll                   // each pass is terminated
	VSC                       // contexts do not reach into the next stripe
	PTerm                     // predictable termination
	SegSym                    // segmentation symbols
)

// A Segment is a codeword segment: passes that are terminated together.
type Segment struct {
	Passes int
	Length int // bytes
}

// A Block is one coded code-block. All that its fields say may be wrong, as an
// image's bytes may be; decoders hold them against each other.
type Block struct {
	Width, Height int // coefficients
	Orient        int // sub-band: 0 LL, 1 HL, 2 LH, 3 HH
	Planes        int // magnitude bit-planes, Mb with the shift of a region of interest
	ZeroPlanes    int // of which the most significant are zero and not coded
	Style         Style
	Strict        bool // check PTerm and SegSym

	// Segments are the codeword segments in order; Data has their bytes, one
	// after the other. Data may end early: a decoder goes as far as it can.
	Segments []Segment
	Data     []byte
}

// ErrCorrupt is what an error about the bytes of a block matches.
var ErrCorrupt = errors.New("corrupt code-block")

// Check reports whether a decoder can take the block up and dst is large enough
// for it. The error matches ErrCorrupt or [errors.ErrUnsupported].
func (b *Block) Check(dst []int32) error {
	switch {
	case b.Width < 1 || b.Height < 1 || b.Width > 1024 || b.Height > 1024 || b.Width*b.Height > 4096:
		return fmt.Errorf("%d by %d coefficients: %w", b.Width, b.Height, ErrCorrupt)
	case len(dst) < b.Width*b.Height:
		return fmt.Errorf("room for %d coefficients of %d (bug)", len(dst), b.Width*b.Height)
	case b.Planes > MaxPlanes:
		return fmt.Errorf("%d magnitude bit-planes: %w", b.Planes, errors.ErrUnsupported)
	case b.Planes < 0 || b.ZeroPlanes < 0 || b.ZeroPlanes > b.Planes:
		return fmt.Errorf("%d of %d bit-planes are zero: %w", b.ZeroPlanes, b.Planes, ErrCorrupt)
	}
	return nil
}
