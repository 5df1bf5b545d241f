package ht

import (
	"fmt"

	"github.com/stria-j2k/stria/internal/codeblock"
)

// A Decoder decodes blocks, one at a time. Its zero value is ready; it keeps memory
// from one block to the next. It is for one goroutine.
type Decoder struct {
	quads       []quad  // a row of them
	exponents   []uint8 // of the lower samples of the quads above
	significant []uint8 // see refine

	// Tests hold these equal.
	inGo  bool // not in C where there is C
	plain bool // in C without instructions that not every processor has
}

// Decode decodes a block into dst, Width*Height coefficients row by row, as package
// codeblock has them. The first of its segments is that of the cleanup pass; the
// second, if there is one, that of the other two passes. Of streams that end early the
// rest is taken for what the standard puts there.
//
// The error matches [codeblock.ErrCorrupt] or [errors.ErrUnsupported]; dst is of no
// use then.
func (d *Decoder) Decode(dst []int32, b *codeblock.Block) error {
	if err := b.Check(dst); err != nil {
		return err
	}
	dst = dst[:b.Width*b.Height]
	if len(b.Segments) == 0 || b.Planes == b.ZeroPlanes {
		clear(dst)
		return nil
	}
	n := b.Segments[0].Length
	if n < 2 || n > len(b.Data) {
		return corrupt("%d bytes of %d for a cleanup pass", len(b.Data), n)
	}
	p := parameters{width: b.Width, height: b.Height, zero: b.ZeroPlanes,
		shift:   b.Planes - 1 - b.ZeroPlanes + codeblock.Fraction(b.Planes),
		cleanup: b.Data[:n], causal: b.Style&codeblock.VSC != 0}
	if len(b.Segments) > 1 {
		p.more = b.Segments[1].Passes
		p.refinement = b.Data[n:]
		if m := b.Segments[1].Length; m >= 0 && m < len(p.refinement) {
			p.refinement = p.refinement[:m]
		}
		// A bit-plane more must be there.
		if b.Planes-b.ZeroPlanes < 2 {
			p.more = 0
		}
	}
	return d.decode(dst, &p)
}

// parameters are a block as the kernels take it.
type parameters struct {
	width, height int
	zero          int // bit-planes that are not coded
	shift         int // of the bit-plane that the cleanup pass ends with, fraction included
	more          int // passes after the cleanup pass
	causal        bool
	cleanup       []byte
	refinement    []byte
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), codeblock.ErrCorrupt)
}

// What is wrong with a cleanup pass.
var errLengths = fmt.Errorf("streams of a cleanup pass that do not fit its length: %w", codeblock.ErrCorrupt)
var errBound = fmt.Errorf("a sample of more bit-planes than there are: %w", codeblock.ErrCorrupt)

// room gives a slice of length n, in s if that has room.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
