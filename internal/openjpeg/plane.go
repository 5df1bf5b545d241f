package openjpeg

import "image"

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
