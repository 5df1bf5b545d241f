package raster

import (
	"math"
	"sync"
)

// This file implements the transfer curve of sRGB, IEC 61966-2-1, and its
// tables, which all conversions share.

// SRGBToLinear decodes v in [0, 1] to light.
func SRGBToLinear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// LinearToSRGB encodes light in [0, 1].
func LinearToSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// An encode8 maps light to sRGB in 8 bits, rounded: for each of the 18 bits that
// a float32 can begin with, of which 9 are its fraction, what the middle of these
// numbers comes to. Light below black and beyond white needs no clamping. The
// error is a twelfth of a step more than that of rounding.
type encode8 [1 << 18]uint8

// srgb8 is the table of sRGB.
var srgb8 = sync.OnceValue(newEncode8)

func newEncode8() *encode8 {
	t := new(encode8)
	middle := func(i int) float64 {
		return float64(math.Float32frombits(uint32(i)<<14 + 1<<13))
	}
	// Where less than half a step, as with what is negative, it stays zero.
	i := 0
	for middle(i) < 0.5/255/12.92 {
		i++
	}
	for ; middle(i) < 1; i++ {
		t[i] = uint8(LinearToSRGB(middle(i))*255 + 0.5)
	}
	for ; i < len(t)/2; i++ {
		t[i] = 255
	}
	return t
}

// of is light as sRGB.
func (t *encode8) of(light float32) uint8 { return t[math.Float32bits(light)>>14] }

// A line is a straight line: at + per*x.
type line struct{ at, per float32 }

// through is the line through two points.
func through(x0, y0, x1, y1 float64) line {
	per := (y1 - y0) / (x1 - x0)
	return line{float32(y0 - per*x0), float32(per)}
}

// A decode16 maps samples of 16 bits to light by lines of curveStep samples.
type decode16 [65536 / curveStep]line

const curveStep = 16

// srgbLight is that of sRGB.
var srgbLight = sync.OnceValue(func() *decode16 { return newDecode16(SRGBToLinear) })

// newDecode16 makes the lines of f, a function of [0, 1].
func newDecode16(f func(float64) float64) *decode16 {
	t := new(decode16)
	x0, y0 := 0.0, f(0)
	for i := range t {
		x1 := math.Min(float64((i+1)*curveStep), 65535)
		y1 := f(x1 / 65535)
		t[i] = through(x0, y0, x1, y1)
		x0, y0 = x1, y1
	}
	return t
}

// at is the light of a sample.
func (t *decode16) at(v uint16) float32 {
	l := &t[v/curveStep]
	return l.at + l.per*float32(int32(v))
}

// An encode16 maps light to sRGB in 16 bits, likewise: there is a line for each of
// the 16 bits that a float32 can begin with, 7 of them its fraction. The error is
// an eighth of a step more than that of rounding.
type encode16 [1 << 16]line

// srgb16 is the table of sRGB.
var srgb16 = sync.OnceValue(newEncode16)

func newEncode16() *encode16 {
	t := new(encode16)
	start := func(i int) float64 { return float64(math.Float32frombits(uint32(i) << 16)) }
	straight := line{0.5, 12.92 * 65535}
	i := 0
	for ; start(i+1) < 0.0031308; i++ {
		t[i] = straight
	}
	for ; start(i) < 1; i++ {
		x0, x1 := start(i), start(i+1)
		t[i] = through(x0, LinearToSRGB(x0)*65535+0.5, x1, LinearToSRGB(x1)*65535+0.5)
	}
	for ; i < len(t)/2; i++ {
		t[i] = line{at: 65535}
	}
	return t
}

// of is light as sRGB, rounded and clamped.
func (t *encode16) of(light float32) uint64 {
	l := &t[math.Float32bits(light)>>16]
	return uint64(uint16(int32(l.at + l.per*light)))
}
