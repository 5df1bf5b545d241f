//go:build cgo

package synthesis

// #cgo CFLAGS: -O3
// #cgo noescape stria_synthesis_across
// #cgo nocallback stria_synthesis_across
// #cgo noescape stria_synthesis_across_finished
// #cgo nocallback stria_synthesis_across_finished
// #cgo noescape stria_synthesis_down
// #cgo nocallback stria_synthesis_down
// #cgo noescape stria_synthesis_pack
// #cgo nocallback stria_synthesis_pack
// #cgo noescape stria_synthesis_pack_ict
// #cgo nocallback stria_synthesis_pack_ict
// #cgo noescape stria_synthesis_pack_rct16
// #cgo nocallback stria_synthesis_pack_rct16
// #cgo noescape stria_synthesis_pack_rct32
// #cgo nocallback stria_synthesis_pack_rct32
// #cgo noescape stria_synthesis_store
// #cgo nocallback stria_synthesis_store
// #include "kernel.h"
import "C"

import "unsafe"

// kindOf is the kind of a machine's numbers.
func kindOf[T number]() C.int32_t {
	switch any(T(0)).(type) {
	case int16:
		return C.STRIA_INT16
	case int32:
		return C.STRIA_INT32
	}
	return C.STRIA_FLOAT32
}

// acrossOf describes the rows of a level to C.
func (m *machine[T]) acrossOf(l *level) C.stria_across {
	j := C.stria_across{
		kind: kindOf[T](),
		lows: C.int32_t(l.lows[1] - l.lows[0]), highs: C.int32_t(l.highs[1] - l.highs[0]),
		by: C.int32_t(l.lows[0] - l.highs[0]),
		x0: C.int32_t(l.window.Min.X), width: C.int32_t(l.window.Dx()),
		low_first: C.int32_t((l.window.Min.X+1)>>1 - l.lows[0]), high_first: C.int32_t(l.window.Min.X>>1 - l.highs[0]),
		ring: C.int64_t(l.ring), stride: C.int64_t(l.stride), mask: ringRows - 1,
		low: C.int64_t(m.low), high: C.int64_t(m.high),
	}
	if m.config.Columns {
		j.columns = 1
	}
	if l.bounds.Dx() == 1 {
		j.single = 1
	}
	return j
}

func (m *machine[T]) across(r int, job *acrossJob) {
	if m.inGo {
		m.acrossGo(r, job)
		return
	}
	l := &m.levels[r]
	j := m.acrossOf(l)
	j.first, j.rows = C.int32_t(job.first), C.int32_t(job.rows)
	if r > 1 {
		below := &m.levels[r-1]
		j.has_below, j.below, j.below_stride = 1, C.int64_t(below.rows), C.int64_t(below.stride)
	}
	var data [4]unsafe.Pointer
	for band, b := range job.bands {
		if b == nil {
			continue
		}
		of, first := l, l.lows[0]
		if band == 0 {
			of = &m.levels[0]
		}
		if band&1 != 0 {
			first = l.highs[0]
		}
		c := &j.bands[band]
		c.top, c.step, c.fraction = C.int32_t(b.Rect.Min.Y), C.float(of.step[band]), C.int32_t(of.fraction[band])
		c.stride, c.column = C.int64_t(b.Stride), C.int64_t(first-b.Rect.Min.X)
		switch {
		case b.I16 != nil:
			c.bits, data[band] = 16, unsafe.Pointer(unsafe.SliceData(b.I16))
		case b.I32 != nil:
			c.bits, data[band] = 32, unsafe.Pointer(unsafe.SliceData(b.I32))
		}
	}
	C.stria_synthesis_across(&j, unsafe.Pointer(unsafe.SliceData(m.slab)), data[0], data[1], data[2], data[3])
}

func (m *machine[T]) acrossFinished(l *level, y, end int) {
	if m.inGo {
		m.acrossFinishedGo(l, y, end)
	} else if y < end {
		j := m.acrossOf(l)
		C.stria_synthesis_across_finished(&j, unsafe.Pointer(unsafe.SliceData(m.slab)), C.int32_t(y), C.int32_t(end), C.int64_t(l.rows))
	}
}

func (m *machine[T]) down(l *level, first, last int) {
	if m.inGo {
		m.downGo(l, first, last)
		return
	}
	j := C.stria_down{
		kind: kindOf[T](), first: C.int32_t(first), last: C.int32_t(last), lo: C.int32_t(l.lo), hi: C.int32_t(l.hi),
		width: C.int32_t(l.window.Dx()), ring: C.int64_t(l.ring), stride: C.int64_t(l.stride), mask: ringRows - 1,
	}
	if m.config.Columns {
		j.width = C.int32_t(l.lows[1] - l.lows[0] + l.highs[1] - l.highs[0])
	}
	C.stria_synthesis_down(&j, unsafe.Pointer(unsafe.SliceData(m.slab)))
}

// packOf describes planes to C, as far as C packs such planes: all of 8 or all of 16
// bits.
func packOf(dst []Plane, src []Samples, width, height int) (j C.stria_pack, to [3]unsafe.Pointer, ok bool) {
	j.width, j.height = C.int32_t(width), C.int32_t(height)
	for i := range dst {
		p := &dst[i]
		bits := C.int32_t(0)
		switch {
		case p.U8 != nil:
			bits, to[i] = 8, unsafe.Pointer(unsafe.SliceData(p.U8))
		case p.U16 != nil:
			bits, to[i] = 16, unsafe.Pointer(unsafe.SliceData(p.U16))
		}
		if bits == 0 || i > 0 && bits != j.bits {
			return j, to, false
		}
		j.bits = bits
		j.half[i] = 1 << (p.Depth - 1)
		j.to[i], j.from[i] = C.int64_t(p.Stride), C.int64_t(src[i].Stride)
	}
	return j, to, width > 0 && height > 0
}

func packC(dst *Plane, src *Samples, width, height int) bool {
	j, to, ok := packOf([]Plane{*dst}, []Samples{*src}, width, height)
	if !ok {
		return false
	}
	switch {
	case src.I16 != nil:
		C.stria_synthesis_pack(&j, C.STRIA_INT16, unsafe.Pointer(&src.I16[0]), to[0])
	case src.I32 != nil:
		C.stria_synthesis_pack(&j, C.STRIA_INT32, unsafe.Pointer(&src.I32[0]), to[0])
	default:
		C.stria_synthesis_pack(&j, C.STRIA_FLOAT32, unsafe.Pointer(&src.F32[0]), to[0])
	}
	return true
}

func packRCT(dst *[3]Plane, src *[3]Samples, width, height int) bool {
	j, to, ok := packOf(dst[:], src[:], width, height)
	switch {
	case !ok:
	case src[0].I16 != nil && src[1].I16 != nil && src[2].I16 != nil:
		C.stria_synthesis_pack_rct16(&j, (*C.int16_t)(&src[0].I16[0]), (*C.int16_t)(&src[1].I16[0]),
			(*C.int16_t)(&src[2].I16[0]), to[0], to[1], to[2])
		return true
	case src[0].I32 != nil && src[1].I32 != nil && src[2].I32 != nil:
		C.stria_synthesis_pack_rct32(&j, (*C.int32_t)(&src[0].I32[0]), (*C.int32_t)(&src[1].I32[0]),
			(*C.int32_t)(&src[2].I32[0]), to[0], to[1], to[2])
		return true
	}
	return false
}

func packICT(dst *[3]Plane, src *[3]Samples, width, height int) bool {
	j, to, ok := packOf(dst[:], src[:], width, height)
	if ok {
		C.stria_synthesis_pack_ict(&j, (*C.float)(&src[0].F32[0]), (*C.float)(&src[1].F32[0]),
			(*C.float)(&src[2].F32[0]), to[0], to[1], to[2])
	}
	return ok
}

func store(dst []int16, dstStride int, src []int32, srcStride, width, height int) {
	C.stria_synthesis_store((*C.int16_t)(&dst[0]), C.int64_t(dstStride), (*C.int32_t)(&src[0]), C.int64_t(srcStride),
		C.int32_t(width), C.int32_t(height))
}
