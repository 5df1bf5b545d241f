package raster

import "encoding/binary"

// This file implements halving both axes exactly: each result sample is
// (a+b+c+d+2)>>2 of the four it covers. Four 16-bit lanes of a word at a time.

// lanes16 multiplies: the same in each 16-bit lane.
const lanes16 = 1<<48 | 1<<32 | 1<<16 | 1

// A halver is the core of a resampler that halves one or four 8-bit channels.
type halver struct {
	four  bool
	off   int      // into a source row, in bytes
	n     int      // samples in a result row
	top   int      // the first source row
	upper []uint64 // the sums of the upper row's pairs
	lower []byte   // the lower row, lent from row to emit
}

func halverMemory(cfg Resample) int64 {
	return int64((cfg.Part.Dx()*cfg.Channels + 3) / 4 * 8)
}

func newHalver(cfg Resample) *halver {
	n := cfg.Part.Dx() * cfg.Channels
	return &halver{
		four:  cfg.Channels == 4,
		off:   (int(cfg.X0) + 2*cfg.Part.Min.X) * cfg.Channels,
		n:     n,
		top:   int(cfg.Y0),
		upper: make([]uint64, (n+3)/4),
	}
}

func (h *halver) row(y int, src []byte) {
	src = src[h.off:][:2*h.n]
	switch {
	case (y-h.top)&1 != 0:
		h.lower = src
	case h.four:
		pairs4(h.upper, src)
	default:
		pairs1(h.upper, src)
	}
}

func (h *halver) emit(dst []byte, i, first, last int) {
	dst = dst[:h.n:h.n]
	if h.four {
		halve4(dst, h.upper, h.lower)
	} else {
		halve1(dst, h.upper, h.lower)
	}
	h.lower = nil
}

// pair4 is the sums of the channels of two pixels of four: lanes 0, 2, 1, 3.
func pair4(x uint64) uint64 {
	even, odd := x&(0xFF*lanes16), x>>8&(0xFF*lanes16)
	return (even+even>>32)&0xFFFFFFFF | (odd+odd>>32)<<32
}

func pairs4(dst []uint64, src []byte) {
	for j := range dst {
		dst[j] = pair4(binary.LittleEndian.Uint64(src))
		src = src[8:]
	}
}

func halve4(dst []byte, upper []uint64, lower []byte) {
	for _, u := range upper {
		v := (u + pair4(binary.LittleEndian.Uint64(lower)) + 2*lanes16) >> 2
		v &= 0xFF * lanes16
		binary.LittleEndian.PutUint32(dst, uint32(v|v>>24))
		dst, lower = dst[4:], lower[8:]
	}
}

// pair1 is the sums of four pairs of pixels of one channel.
func pair1(x uint64) uint64 {
	return x&(0xFF*lanes16) + x>>8&(0xFF*lanes16)
}

// tail is the bytes of src, fewer than eight, and then zeros.
func tail(src []byte) (x uint64) {
	for i, v := range src {
		x |= uint64(v) << (8 * i)
	}
	return x
}

func pairs1(dst []uint64, src []byte) {
	for j := range dst {
		if len(src) < 8 {
			dst[j] = pair1(tail(src))
			return
		}
		dst[j] = pair1(binary.LittleEndian.Uint64(src))
		src = src[8:]
	}
}

func halve1(dst []byte, upper []uint64, lower []byte) {
	for _, u := range upper {
		if len(dst) < 4 {
			putGroup(dst, halved1(u+pair1(tail(lower))))
			return
		}
		v := halved1(u + pair1(binary.LittleEndian.Uint64(lower)))
		binary.LittleEndian.PutUint32(dst, v)
		dst, lower = dst[4:], lower[8:]
	}
}

// halved1 rounds the sums of four times four pixels.
func halved1(v uint64) uint32 {
	v = (v + 2*lanes16) >> 2 & (0xFF * lanes16)
	v = (v | v>>8) & (0xFFFF * lanes)
	return uint32(v | v>>16)
}
