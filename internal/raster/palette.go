package raster

import "encoding/binary"

// This file implements palettes.

// Lookup8 writes table[v] of each sample v, the first at dst[0] and each next
// step bytes on. Samples beyond the table take its nearest end. It writes
// len(src) samples; the table is not empty.
func Lookup8[S Sample](dst []byte, step int, src []S, table []uint8) {
	last, at := len(table)-1, 0
	for _, v := range src {
		dst[at] = table[min(max(int(v), 0), last)]
		at += step
	}
}

// Lookup16 is Lookup8 for tables of 16 bits, written big-endian.
func Lookup16[S Sample](dst []byte, step int, src []S, table []uint16) {
	last, at := len(table)-1, 0
	for _, v := range src {
		binary.BigEndian.PutUint16(dst[at:], table[min(max(int(v), 0), last)])
		at += step
	}
}
