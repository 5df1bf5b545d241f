package jp2

import (
	"encoding/binary"
	"math"
)

// Resolution is the resolution superbox (I.5.3.7): how large the image was
// when it was captured and how large it should be displayed. Either may be
// unknown.
type Resolution struct {
	Capture, Display Density
}

// Density is a resolution in pixels per metre along both axes. The zero value
// is an unknown one.
type Density struct {
	X, Y Ratio
}

// Known reports whether there is a density.
func (d Density) Known() bool { return d.X.Num != 0 && d.Y.Num != 0 }

// Scaled is the density of the image resampled to so many times its width and
// height.
func (d Density) Scaled(x, y float64) Density {
	if !d.Known() {
		return Density{}
	}
	return Density{X: RatioOf(d.X.Float() * x), Y: RatioOf(d.Y.Float() * y)}
}

// A Ratio is a number as resolution boxes have it: Num/Den * 10^Exp.
type Ratio struct {
	Num, Den uint16
	Exp      int8
}

// Float is the value of r, which must not be zero.
func (r Ratio) Float() float64 {
	return float64(r.Num) / float64(r.Den) * math.Pow10(int(r.Exp))
}

// RatioOf is a Ratio next to v, equal to five digits or more. Values that no
// Ratio comes near, among them all that are not positive, give the zero Ratio.
func RatioOf(v float64) Ratio {
	if !(v > 0) || math.IsInf(v, 0) {
		return Ratio{}
	}
	if v <= math.MaxUint16 && v == math.Trunc(v) {
		return Ratio{Num: uint16(v), Den: 1}
	}
	exp := math.Floor(math.Log10(v))
	if exp < math.MinInt8 || exp > math.MaxInt8 {
		return Ratio{}
	}
	// The best fraction for v of one digit before the point is a convergent of
	// its continued fraction, the last one that fits.
	v /= math.Pow10(int(exp))
	num, den := 1.0, 0.0
	for num0, den0, x := 0.0, 1.0, v; ; {
		a := math.Floor(x)
		n, d := a*num+num0, a*den+den0
		if n > math.MaxUint16 || d > math.MaxUint16 {
			break
		}
		num0, den0, num, den = num, den, n, d
		if math.Abs(num/den-v) < 1e-12 {
			break
		}
		x = 1 / (x - a)
	}
	if den == 0 {
		return Ratio{}
	}
	return Ratio{Num: uint16(num), Den: uint16(den), Exp: int8(exp)}
}

const resLen = 10

// parseDensity parses the contents of the resc or resd box at off.
func parseDensity(p []byte, t string, off int64) (Density, error) {
	if len(p) < resLen {
		return Density{}, formatError(off, t, "%d bytes, needs %d", len(p), resLen)
	}
	d := Density{
		Y: Ratio{binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:]), int8(p[8])},
		X: Ratio{binary.BigEndian.Uint16(p[4:]), binary.BigEndian.Uint16(p[6:]), int8(p[9])},
	}
	if d.X.Num == 0 || d.X.Den == 0 || d.Y.Num == 0 || d.Y.Den == 0 {
		return Density{}, formatError(off, t, "%d/%d by %d/%d", d.X.Num, d.X.Den, d.Y.Num, d.Y.Den)
	}
	return d, nil
}

func (d Density) append(dst []byte, t string) []byte {
	return appendBox(dst, t, func(dst []byte) []byte {
		for _, r := range []Ratio{d.Y, d.X} {
			dst = binary.BigEndian.AppendUint16(dst, r.Num)
			dst = binary.BigEndian.AppendUint16(dst, r.Den)
		}
		return append(dst, byte(d.Y.Exp), byte(d.X.Exp))
	})
}

func (r Resolution) append(dst []byte) []byte {
	return appendBox(dst, typeRes, func(dst []byte) []byte {
		if r.Capture.Known() {
			dst = r.Capture.append(dst, typeResc)
		}
		if r.Display.Known() {
			dst = r.Display.append(dst, typeResd)
		}
		return dst
	})
}
