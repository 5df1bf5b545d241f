package raster

import (
	"encoding/binary"
	"math"
)

// This file implements luma and chroma to RGB, and back.
//
// Luma Y is a weighted mean of red, green and blue; chroma Cb and Cr are what
// blue and red have more than that, scaled to reach from -0.5 to 0.5. So
//
//	R = Y + 2(1-Kr)Cr
//	B = Y + 2(1-Kb)Cb
//	G = (Y - Kr*R - Kb*B) / (1-Kr-Kb)

// LumaWeights are the weights of red and blue in luma, Kr and Kb; those of all
// three add up to 1.
type LumaWeights struct{ Red, Blue float64 }

// BT601 is the luma of ITU-R BT.601, JPEG and sYCC.
func BT601() LumaWeights { return LumaWeights{lumaR, lumaB} }

// BT709 is the luma of ITU-R BT.709.
func BT709() LumaWeights { return LumaWeights{0.2126, 0.0722} }

// BT2020 is the luma of ITU-R BT.2020.
func BT2020() LumaWeights { return LumaWeights{0.2627, 0.0593} }

// The weights of BT.601.
const (
	lumaR = 0.299
	lumaB = 0.114
)

// YCCRange says what the samples of luma and chroma stand for: Y, Cb and Cr at
// the smallest sample and at the largest.
type YCCRange struct {
	Luma      LumaWeights
	Y, Cb, Cr [2]float64
}

// A YCC converts luma and chroma to RGB, rounded and clamped.
type YCC struct {
	// What a sample of 8 bits adds, with yccBits fraction bits: luma to all,
	// with a half, and chroma to red, to blue, and to green.
	y, crR, cbB, crG, cbG [256]int32

	// The same as factors for 16 bits, and what there is without any.
	fy, r, b, gr, gb    int64
	zeroR, zeroG, zeroB int64
}

const (
	yccBits  = 16
	yccBits2 = 24 // of the factors for 16 bits
)

// NewYCC makes the tables.
func NewYCC(r YCCRange) *YCC {
	kr, kb := r.Luma.Red, r.Luma.Blue
	kg := 1 - kr - kb
	red, blue := 2*(1-kr), 2*(1-kb)
	fixed := func(v float64, bits int) int64 { return int64(math.Round(math.Ldexp(v, bits))) }
	c := new(YCC)
	for i := range 256 {
		at := func(ends [2]float64, by float64) int32 {
			v := ends[0] + (ends[1]-ends[0])*float64(i)/255
			return int32(fixed(v*by*255, yccBits))
		}
		c.y[i] = at(r.Y, 1) + 1<<(yccBits-1)
		c.crR[i], c.crG[i] = at(r.Cr, red), at(r.Cr, -red*kr/kg)
		c.cbB[i], c.cbG[i] = at(r.Cb, blue), at(r.Cb, -blue*kb/kg)
	}
	factor := func(ends [2]float64, by float64) int64 { return fixed((ends[1]-ends[0])*by, yccBits2) }
	c.fy = factor(r.Y, 1)
	c.r, c.gr = factor(r.Cr, red), factor(r.Cr, -red*kr/kg)
	c.b, c.gb = factor(r.Cb, blue), factor(r.Cb, -blue*kb/kg)
	zero := func(v float64) int64 { return fixed(v*65535+0.5, yccBits2) }
	c.zeroR = zero(r.Y[0] + red*r.Cr[0])
	c.zeroB = zero(r.Y[0] + blue*r.Cb[0])
	c.zeroG = zero(r.Y[0] - red*kr/kg*r.Cr[0] - blue*kb/kg*r.Cb[0])
	return c
}

// clamp8 is v in [0, 255].
func clamp8(v int32) uint32 {
	if uint32(v) > 255 {
		return uint32(^(v >> 31)) & 255
	}
	return uint32(v)
}

// Pixels8 converts pixels of four bytes, luma and chroma first, in place, and
// leaves every fourth as it is.
func (c *YCC) Pixels8(pix []byte) {
	for ; len(pix) >= 4; pix = pix[4:] {
		p := binary.LittleEndian.Uint32(pix)
		l, u, v := c.y[p&255], p>>8&255, p>>16&255
		binary.LittleEndian.PutUint32(pix, p&0xFF000000|
			clamp8((l+c.crR[v])>>yccBits)|
			clamp8((l+c.cbG[u]+c.crG[v])>>yccBits)<<8|
			clamp8((l+c.cbB[u])>>yccBits)<<16)
	}
}

// Pixels16 converts pixels of four big-endian 16-bit channels, luma and chroma
// first, in place, and leaves every fourth channel as it is.
func (c *YCC) Pixels16(pix []byte) {
	for ; len(pix) >= 8; pix = pix[8:] {
		p := binary.BigEndian.Uint64(pix)
		l := int64(p>>48) * c.fy
		u, v := int64(p>>32&0xFFFF), int64(p>>16&0xFFFF)
		binary.BigEndian.PutUint64(pix, p&0xFFFF|
			clamp16((l+c.r*v+c.zeroR)>>yccBits2)<<48|
			clamp16((l+c.gb*u+c.gr*v+c.zeroG)>>yccBits2)<<32|
			clamp16((l+c.b*u+c.zeroB)>>yccBits2)<<16)
	}
}

// clamp16 is v in [0, 65535].
func clamp16(v int64) uint64 { return uint64(min(max(v, 0), 65535)) }

// ToYCC8 takes pixels of four bytes, of which the last is ignored, apart into
// luma and chroma of 8 bits as JPEG has them. It writes len(y) samples of each.
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
