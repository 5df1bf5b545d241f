package raster

import "encoding/binary"

// This file implements inks to RGB without a profile: each ink takes away its
// complement, black takes away the same of all. It is what package image/color
// and most viewers do; no press looks like it.

// CMYK8 converts pixels of cyan, magenta, yellow and black, 255 for full ink,
// to opaque RGB in place.
func CMYK8(pix []byte) {
	for ; len(pix) >= 4; pix = pix[4:] {
		p := ^binary.LittleEndian.Uint32(pix)
		k := p >> 24
		// Two products in one: lanes of 16 bits for cyan and yellow.
		cy := p&0x00FF00FF*k + 0x00800080
		cy = (cy + cy>>8&0x00FF00FF) >> 8 & 0x00FF00FF
		m := p>>8&0xFF*k + 0x80
		m = (m + m>>8) & 0xFF00
		binary.LittleEndian.PutUint32(pix, cy|m|0xFF000000)
	}
}

// CMYK16 is CMYK8 for big-endian 16-bit channels.
func CMYK16(pix []byte) {
	for ; len(pix) >= 8; pix = pix[8:] {
		p := ^binary.BigEndian.Uint64(pix)
		k := p & 0xFFFF
		binary.BigEndian.PutUint64(pix, times16(p>>48, k)<<48|
			times16(p>>32&0xFFFF, k)<<32|times16(p>>16&0xFFFF, k)<<16|0xFFFF)
	}
}

// times16 is a*b/65535, rounded, for a and b up to 65535.
func times16(a, b uint64) uint64 {
	v := a*b + 32768
	return (v + v>>16) >> 16
}
