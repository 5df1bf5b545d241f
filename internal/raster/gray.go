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

// Gray8 makes the colours of pixels of four bytes their luma, in place, and
// leaves every fourth byte as it is.
func Gray8(pix []byte) {
	for ; len(pix) >= 4; pix = pix[4:] {
		p := binary.LittleEndian.Uint32(pix)
		v := (p&255*lumaFixR + p>>8&255*lumaFixG + p>>16&255*lumaFixB + 1<<15) >> 16
		binary.LittleEndian.PutUint32(pix, v*0x010101|p&0xFF000000)
	}
}

// Gray16 is Gray8 for big-endian 16-bit channels.
func Gray16(pix []byte) {
	for ; len(pix) >= 8; pix = pix[8:] {
		p := binary.BigEndian.Uint64(pix)
		v := (p>>48*lumaFixR + p>>32&0xFFFF*lumaFixG + p>>16&0xFFFF*lumaFixB + 1<<15) >> 16
		binary.BigEndian.PutUint64(pix, v*0x0001000100010000|p&0xFFFF)
	}
}

// Invert8 takes grey bytes from black to white and back, in place.
func Invert8(pix []byte) {
	for ; len(pix) >= 8; pix = pix[8:] {
		binary.LittleEndian.PutUint64(pix, ^binary.LittleEndian.Uint64(pix))
	}
	for i, v := range pix {
		pix[i] = ^v
	}
}

// ThresholdColors is Threshold for the colours of pixels of four bytes. It
// leaves every fourth byte as it is.
func ThresholdColors(pix []byte) {
	for ; len(pix) >= 4; pix = pix[4:] {
		p := binary.LittleEndian.Uint32(pix)
		binary.LittleEndian.PutUint32(pix, p>>7&0x010101*255|p&0xFF000000)
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
