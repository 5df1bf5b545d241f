package tier1

import (
	"fmt"

	"github.com/stria-j2k/stria/internal/codeblock"
)

// A Decoder decodes blocks, one at a time. Its zero value is ready; it keeps memory
// from one block to the next. It is for one goroutine.
type Decoder struct {
	flags      []uint32
	signs      []uint8
	magnitudes []uint32
	segments   []int32
}

// Decode decodes a block into dst, Width*Height coefficients row by row, as package
// codeblock has them. Data that ends early is decoded as far as it goes: past the end
// an arithmetic decoder finds ones (C.3.4), and so do raw passes. Passes that the
// bit-planes have no room for are left out.
//
// The error matches [codeblock.ErrCorrupt] or [errors.ErrUnsupported]; dst is of no
// use then.
func (d *Decoder) Decode(dst []int32, b *codeblock.Block) error {
	if err := b.Check(dst); err != nil {
		return err
	}
	dst = dst[:b.Width*b.Height]
	if !d.begin(b) {
		clear(dst)
		return nil
	}
	return d.decode(dst, b)
}

// begin makes room for a block that was checked. It reports whether any pass is coded.
func (d *Decoder) begin(b *codeblock.Block) bool {
	if b.Planes == b.ZeroPlanes || len(b.Segments) == 0 {
		return false
	}
	stripes := (b.Height + 3) / 4
	words := (b.Width + 2) * (stripes + 2)
	d.flags = room(d.flags, words)
	d.signs = room(d.signs, words)
	d.magnitudes = room(d.magnitudes, 4*b.Width*stripes)
	return true
}

// room gives a slice of length n, in s if that has room.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// What is wrong with a block that is checked.
var (
	errSegmentation = fmt.Errorf("wrong segmentation symbol: %w", codeblock.ErrCorrupt)
	errTermination  = fmt.Errorf("wrong predictable termination: %w", codeblock.ErrCorrupt)
)
