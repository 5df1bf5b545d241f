package raster

import (
	"encoding/binary"
	"math"
)

// This file implements luma and chroma to RGB: sYCC of IEC 61966-2-1, which is
// the full-range YCbCr of JFIF, with the coefficients of ITU-R BT.601.

// The coefficients of BT.601 for luma; the others follow.
const (
	lumaR = 0.299
	lumaB = 0.114
	lumaG = 1 - lumaR - lumaB
)

// A YCC converts luma and chroma to RGB, rounded and clamped.
type YCC struct {
	// What each chroma adds, for 8 bits: to red, to blue, and to green with
	// greenBits fraction bits, a half included once.
	crR, cbB, crG, cbG [256]int32

	// The same as factors with greenBits fraction bits, for 16 bits.
	r, b, gr, gb int64
}

const greenBits = 16

// NewYCC makes the tables. chroma is how much of the colour difference a
// chroma sample stands for: 1 for sYCC and JFIF, 2 for bg-sYCC of IEC
// 61966-2-1 annex G, whose chroma reaches twice as far.
func NewYCC(chroma float64) *YCC {
	r, b := 2*(1-lumaR)*chroma, 2*(1-lumaB)*chroma
	gr, gb := -r*lumaR/lumaG, -b*lumaB/lumaG
	fixed := func(v float64) int64 { return int64(math.Round(v * (1 << greenBits))) }
	c := &YCC{r: fixed(r), b: fixed(b), gr: fixed(gr), gb: fixed(gb)}
	for i := range 256 {
		v := float64(i - 128)
		c.crR[i] = int32(math.Floor(r*v + 0.5))
		c.cbB[i] = int32(math.Floor(b*v + 0.5))
		c.crG[i] = int32(fixed(gr*v)) + 1<<(greenBits-1)
		c.cbG[i] = int32(fixed(gb * v))
	}
	return c
}

// clamp8 is v in [0, 255].
func clamp8(v int32) uint32 {
	if uint32(v) > 255 {
		return uint32(^(v >> 31)) & 255
	}
	return uint32(v)
}

// Planes8 writes opaque pixels of four bytes of three planes. It writes
// len(dst)/4 pixels.
func (c *YCC) Planes8(dst []byte, y, cb, cr []uint8) {
	n := len(dst) / 4
	dst, y, cb, cr = dst[:4*n], y[:n], cb[:n], cr[:n]
	for i, l := range y {
		l, u, v := int32(l), cb[i], cr[i]
		binary.LittleEndian.PutUint32(dst[4*i:], 0xFF000000|
			clamp8(l+c.crR[v])|
			clamp8(l+(c.cbG[u]+c.crG[v])>>greenBits)<<8|
			clamp8(l+c.cbB[u])<<16)
	}
}

// Pixels8 converts pixels of four bytes, luma and chroma first, in place, and
// leaves every fourth as it is.
func (c *YCC) Pixels8(pix []byte) {
	for ; len(pix) >= 4; pix = pix[4:] {
		p := binary.LittleEndian.Uint32(pix)
		l, u, v := int32(p&255), p>>8&255, p>>16&255
		binary.LittleEndian.PutUint32(pix, p&0xFF000000|
			clamp8(l+c.crR[v])|
			clamp8(l+(c.cbG[u]+c.crG[v])>>greenBits)<<8|
			clamp8(l+c.cbB[u])<<16)
	}
}

// Pixels16 converts pixels of four big-endian 16-bit channels, luma and chroma
// first, in place, and leaves every fourth channel as it is.
func (c *YCC) Pixels16(pix []byte) {
	const half = 1 << (greenBits - 1)
	for ; len(pix) >= 8; pix = pix[8:] {
		p := binary.BigEndian.Uint64(pix)
		l := int64(p>>48)<<greenBits + half
		u, v := int64(p>>32&0xFFFF)-32768, int64(p>>16&0xFFFF)-32768
		binary.BigEndian.PutUint64(pix, p&0xFFFF|
			clamp16((l+c.r*v)>>greenBits)<<48|
			clamp16((l+c.gb*u+c.gr*v)>>greenBits)<<32|
			clamp16((l+c.b*u)>>greenBits)<<16)
	}
}

// clamp16 is v in [0, 65535].
func clamp16(v int64) uint64 { return uint64(min(max(v, 0), 65535)) }

// ToYCC8 takes pixels of four bytes, of which the last is ignored, apart into
// luma and chroma: the inverse of Planes8 of NewYCC(1). It writes len(y) samples
// of each.
func ToYCC8(y, cb, cr, pix []byte) {
	// BT.601 with 16 fraction bits; those of each chroma add up to 0.
	const (
		bR, bG, bB = -11056, -21712, 32768
		rR, rG, rB = 32768, -27440, -5328
		centre     = 128<<16 + 1<<15
	)
	n := len(y)
	cb, cr, pix = cb[:n], cr[:n], pix[:4*n]
	for i := range y {
		p := binary.LittleEndian.Uint32(pix[4*i:])
		r, g, b := int32(p&255), int32(p>>8&255), int32(p>>16&255)
		y[i] = uint8((r*lumaFixR + g*lumaFixG + b*lumaFixB + 1<<15) >> 16)
		cb[i] = uint8(min((r*bR+g*bG+b*bB+centre)>>16, 255))
		cr[i] = uint8(min((r*rR+g*rG+b*rB+centre)>>16, 255))
	}
}
