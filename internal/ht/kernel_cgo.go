//go:build cgo

package ht

// #cgo CFLAGS: -O2
// #cgo noescape stria_ht_decode
// #cgo nocallback stria_ht_decode
// #include "kernel.h"
import "C"

import (
	"math/bits"
	"unsafe"
)

// tablesC are codes, and what offsets reads, as kernel.c has them.
var tablesC = func() (t C.stria_ht_tables) {
	for row := range codes {
		for i, c := range codes[row] {
			s := uint32(c.significant)
			next := s>>1 | s&1
			if row > 0 {
				next = (s>>2 | s>>3) & 1 << 1
			}
			bound := uint32(1)
			if bits.OnesCount32(s) > 1 {
				bound |= 128
			}
			t.codes[row<<10|i] = C.uint32_t(uint32(c.length) | next<<7 | uint32(c.offset)<<11 | s<<12 |
				uint32(c.bound)<<16 | uint32(c.top)<<20 | bound<<24)
		}
	}
	suffixBits := func(prefix uint32) uint32 { return [...]uint32{3: 1, 5: 5}[prefix] }
	for i := range t.offsets {
		kind := i >> 8
		v := backward{bits: uint64(i & 255), n: 64}
		var a, b, as, bs uint32 // prefixes, and the lengths of the suffixes
		if kind != 2 && kind != 0 {
			a = prefix(&v)
			as = suffixBits(a)
		}
		switch {
		case kind == 4 && a > 2:
			b = v.take(1) + 1
		case kind > 1:
			b = prefix(&v)
			bs = suffixBits(b)
		}
		if kind == 5 {
			a, b = a+2, b+2
		}
		n := uint32(64 - v.n)
		all := n + as + bs
		if all > 8 {
			t.offsets[i] = C.uint64_t(uint64(all|1<<6|n<<8|as<<16|bs<<24) | uint64(a|b<<8)<<32)
			continue
		}
		a += v.take(int(as))
		b += v.take(int(bs))
		t.offsets[i] = C.uint64_t(uint64(all) | uint64(a)<<24 | uint64(b)<<56)
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
	if d.plain {
		k.plain = 1
	}
	d.significant = room(d.significant, (p.width+2)*(p.height+2))
	switch C.stria_ht_decode((*C.int32_t)(&dst[0]), &k, (*C.uint8_t)(&p.cleanup[0]),
		(*C.uint8_t)(unsafe.SliceData(p.refinement)), &tablesC, (*C.uint8_t)(&d.significant[0])) {
	case C.stria_ht_lengths:
		return errLengths
	case C.stria_ht_bound:
		return errBound
	}
	return nil
}
