package openjpeg

import (
	"fmt"
	"image"
)

// A Plane is where the decoded samples of one component go. Exactly one of U8,
// U16 and I32 is set: U8 for unsigned samples of at most 8 bits, U16 for
// unsigned samples of 9 to 16 bits, I32 for all others. Signed samples stay
// signed, and all are clamped to what Depth bits can say.
//
// A plane with empty bounds takes nothing, and needs no slice.
type Plane struct {
	Bounds image.Rectangle // component grid
	Depth  int             // bits a sample
	Signed bool
	Stride int // samples from one row to the next
	U8     []uint8
	U16    []uint16
	I32    []int32
}

// size is the number of bytes that a sample of the plane takes.
func (p *Plane) size() int {
	switch {
	case p.Signed || p.Depth > 16:
		return 4
	case p.Depth > 8:
		return 2
	default:
		return 1
	}
}

// check reports whether the plane's slices are as documented and hold its
// bounds.
func (p *Plane) check() error {
	if p.Bounds.Empty() {
		return nil
	}
	var n, others int
	switch p.size() {
	case 1:
		n, others = len(p.U8), len(p.U16)+len(p.I32)
	case 2:
		n, others = len(p.U16), len(p.U8)+len(p.I32)
	default:
		n, others = len(p.I32), len(p.U8)+len(p.U16)
	}
	if n == 0 || others != 0 {
		return fmt.Errorf("not exactly the slice for samples of %d bits, signed %t", p.Depth, p.Signed)
	}
	if p.Stride < p.Bounds.Dx() || n < p.Bounds.Dx() || (n-p.Bounds.Dx())/p.Stride < p.Bounds.Dy()-1 {
		return fmt.Errorf("%d samples with stride %d cannot hold %v", n, p.Stride, p.Bounds)
	}
	return nil
}

// window is the part of a component that area covers: area is on the reference
// grid, the result on the grid of the component with that subsampling (B-2).
func window(area image.Rectangle, sub image.Point) image.Rectangle {
	return image.Rect(
		ceilDiv(area.Min.X, sub.X), ceilDiv(area.Min.Y, sub.Y),
		ceilDiv(area.Max.X, sub.X), ceilDiv(area.Max.Y, sub.Y))
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
