//go:build cgo

package tier1

// #cgo CFLAGS: -O2
// #cgo noescape stria_tier1_decode
// #cgo nocallback stria_tier1_decode
// #include "kernel.h"
import "C"

import (
	"unsafe"

	"github.com/stria-j2k/stria/internal/codeblock"
)

func (d *Decoder) decode(dst []int32, b *codeblock.Block) error {
	d.segments = d.segments[:0]
	for _, s := range b.Segments {
		d.segments = append(d.segments, int32(min(max(s.Passes, 0), 1<<20)), int32(min(max(s.Length, 0), 1<<30)))
	}
	k := C.stria_tier1_block{
		width: C.int32_t(b.Width), height: C.int32_t(b.Height), orient: C.int32_t(b.Orient & 3),
		planes: C.int32_t(b.Planes - b.ZeroPlanes), fraction: C.int32_t(codeblock.Fraction(b.Planes)),
		style: C.int32_t(b.Style), segments: C.int32_t(len(b.Segments)), bytes: C.int64_t(len(b.Data)),
	}
	if b.Strict {
		k.strict = 1
	}
	switch C.stria_tier1_decode((*C.int32_t)(&dst[0]), &k, (*C.int32_t)(&d.segments[0]),
		(*C.uint8_t)(unsafe.SliceData(b.Data)), (*C.uint32_t)(&d.flags[0]), (*C.uint8_t)(&d.signs[0]),
		(*C.uint32_t)(&d.magnitudes[0])) {
	case C.stria_tier1_segsym:
		return errSegmentation
	case C.stria_tier1_pterm:
		return errTermination
	}
	return nil
}
