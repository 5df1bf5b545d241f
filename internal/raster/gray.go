package raster

import "encoding/binary"

// This file implements grey and black and white from colour.
//
// Grey is the luma of BT.601 of the encoded values, 0.299 R + 0.587 G + 0.114
// B: the Y of JPEG's own YCbCr, what most viewers and servers mean by grey, and
// the plane that comes for nothing when an image is coded with luma and chroma.
//
// Black and white is a threshold: white from half of the range up.

// Luma weights with 16 fraction bits, which add up to 1.
const (
	lumaFixR = 19595
	lumaFixG = 38470
	lumaFixB = 7471
)

// Luma8 writes the luma of pixels of four bytes. It writes len(dst) samples;
// dst may begin where pix does.
func Luma8(dst, pix []byte) {
	pix = pix[:4*len(dst)]
	for i := range dst {
		p := binary.LittleEndian.Uint32(pix[4*i:])
		dst[i] = uint8((p&255*lumaFixR + p>>8&255*lumaFixG + p>>16&255*lumaFixB +
			1<<15) >> 16)
	}
}

// Luma16 writes the luma of pixels of four big-endian 16-bit channels as
// big-endian 16-bit samples. It writes len(dst)/2 samples; dst may begin where
// pix does.
func Luma16(dst, pix []byte) {
	n := len(dst) / 2
	for i := range n {
		p := binary.BigEndian.Uint64(pix[8*i:])
		v := p>>48*lumaFixR + p>>32&0xFFFF*lumaFixG + p>>16&0xFFFF*lumaFixB + 1<<15
		binary.BigEndian.PutUint16(dst[2*i:], uint16(v>>16))
	}
}

// Threshold makes grey bytes 255 from 128 up and 0 below, in place.
func Threshold(pix []byte) {
	for len(pix) >= 8 {
		v := binary.LittleEndian.Uint64(pix) >> 7 & 0x0101010101010101
		binary.LittleEndian.PutUint64(pix, v*255)
		pix = pix[8:]
	}
	for i, v := range pix {
		pix[i] = v >> 7 * 255
	}
}
