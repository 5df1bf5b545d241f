//go:build cgo

package ht

// #cgo CFLAGS: -O2
// #cgo noescape stria_ht_decode
// #cgo nocallback stria_ht_decode
// #include "kernel.h"
import "C"

import "unsafe"

// codesC is codes as kernel.c has them.
var codesC = func() (t [2][8 << 7]uint32) {
	for row := range codes {
		for i, c := range codes[row] {
			t[row][i] = uint32(c.significant) | uint32(c.bound)<<4 | uint32(c.top)<<8 | uint32(c.offset)<<12 | uint32(c.length)<<16
		}
	}
	return t
}()

func (d *Decoder) decode(dst []int32, p *parameters) error {
	if d.inGo {
		return d.decodeGo(dst, p)
	}
	k := C.stria_ht_block{
		width: C.int32_t(p.width), height: C.int32_t(p.height), zero: C.int32_t(p.zero), shift: C.int32_t(p.shift),
		more: C.int32_t(p.more), cleanup: C.int64_t(len(p.cleanup)), refinement: C.int64_t(len(p.refinement)),
	}
	if p.causal {
		k.causal = 1
	}
	d.words = room(d.words, (p.width+1)/2+3)
	d.exponents = room(d.exponents, p.width+6)
	d.significant = room(d.significant, (p.width+2)*(p.height+2))
	switch C.stria_ht_decode((*C.int32_t)(&dst[0]), &k, (*C.uint8_t)(&p.cleanup[0]),
		(*C.uint8_t)(unsafe.SliceData(p.refinement)), (*C.uint32_t)(&codesC[0][0]), (*C.uint32_t)(&d.words[0]),
		(*C.uint8_t)(&d.exponents[0]), (*C.uint8_t)(&d.significant[0])) {
	case C.stria_ht_lengths:
		return errLengths
	case C.stria_ht_bound:
		return errBound
	}
	return nil
}
