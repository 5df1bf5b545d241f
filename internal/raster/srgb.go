package raster

import "math"

// This file implements the transfer curve of sRGB, IEC 61966-2-1, and its
// tables.

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

// encodeBits is the precision of light in the table that encodes it to 8 bits:
// its steps are a twentieth of the smallest step of sRGB.
const encodeBits = 16

// An encode8 maps light, 0 to 1<<encodeBits, to sRGB in 8 bits, rounded.
type encode8 [1<<encodeBits + 1]uint8

// newEncode8 makes the table from the light where each value begins.
func newEncode8() *encode8 {
	t := new(encode8)
	from := 0
	for v := range 256 {
		upto := len(t)
		if v < 255 {
			light := SRGBToLinear((float64(v) + 0.5) / 255)
			upto = int(math.Ceil(light * (1 << encodeBits)))
		}
		for i := from; i < upto; i++ {
			t[i] = uint8(v)
		}
		from = upto
	}
	return t
}

// A curve is a function of [0, 1] by linear interpolation between 1<<n + 1
// points.
type curve []float32

func newCurve(n int, f func(float64) float64) curve {
	c := make(curve, 1<<n+1)
	for i := range c {
		c[i] = float32(f(float64(i) / float64(len(c)-1)))
	}
	return c
}

// at is the curve at x, which is taken into [0, 1].
func (c curve) at(x float32) float32 {
	x = min(max(x, 0), 1) * float32(len(c)-1)
	i := int(x)
	if i >= len(c)-1 {
		return c[len(c)-1]
	}
	return c[i] + (c[i+1]-c[i])*(x-float32(i))
}

// encodeCurveBits makes the error of interpolation in sRGB's encoding less
// than a tenth of a step of 16 bits.
const encodeCurveBits = 14
