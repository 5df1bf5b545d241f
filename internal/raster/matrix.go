package raster

import (
	"encoding/binary"
	"math"
	"sync"
)

// This file implements conversions to sRGB by curves to light, a matrix, and
// sRGB's own encoding: what an RGB profile of matrix and tone curves prescribes.

// StepMemory bounds the bytes that a Shaper, Tone, Lab or YCC has for itself. The
// tables of sRGB's curve, less than a megabyte, are shared by all of a program.
const StepMemory = 3*65536/curveStep*8 + 16<<10

// A Shaper converts RGB to sRGB. Colours outside of sRGB are clipped. Its tables
// are made when the first pixels come.
type Shaper struct {
	narrow func() *shaper8
	wide   func() *shaper16
}

// A shaper8 has, for each channel, what each of its values adds to the light of
// red, green and blue.
type shaper8 struct {
	add    [3][256][3]float32
	encode *encode8
}

type shaper16 struct {
	curves [3]*decode16
	matrix [3][3]float32
	encode *encode16
}

// NewShaper is for channels that trc decodes to light, both in [0, 1] and the
// light clamped to that, and m takes to linear sRGB. There is one curve for all
// channels or one for each.
func NewShaper(m Matrix3, trc ...func(float64) float64) *Shaper {
	return &Shaper{
		narrow: sync.OnceValue(func() *shaper8 { return newShaper8(m, trc) }),
		wide:   sync.OnceValue(func() *shaper16 { return newShaper16(m, trc) }),
	}
}

func newShaper8(m Matrix3, trc []func(float64) float64) *shaper8 {
	s := &shaper8{encode: srgb8()}
	var light [256]float64
	for c := range s.add {
		if c < len(trc) {
			f := bounded(trc[c])
			for v := range light {
				light[v] = f(float64(v) / 255)
			}
		}
		for v, l := range light {
			for i := range m {
				s.add[c][v][i] = float32(m[i][c] * l)
			}
		}
	}
	return s
}

func newShaper16(m Matrix3, trc []func(float64) float64) *shaper16 {
	s := &shaper16{matrix: m.single(), encode: srgb16()}
	for c := range s.curves {
		if c < len(trc) {
			s.curves[c] = newDecode16(bounded(trc[c]))
		} else {
			s.curves[c] = s.curves[0]
		}
	}
	return s
}

// bounded is f within [0, 1], and 0 where it is not a number.
func bounded(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 {
		if v := f(x); v > 0 {
			return min(v, 1)
		}
		return 0
	}
}

// Pixels8 converts pixels of four bytes in place and leaves every fourth as it
// is.
func (s *Shaper) Pixels8(pix []byte) {
	t := s.narrow()
	encode := t.encode
	for ; len(pix) >= 4; pix = pix[4:] {
		p := (*[4]byte)(pix)
		a, b, c := &t.add[0][p[0]], &t.add[1][p[1]], &t.add[2][p[2]]
		p[0] = encode.of(a[0] + b[0] + c[0])
		p[1] = encode.of(a[1] + b[1] + c[1])
		p[2] = encode.of(a[2] + b[2] + c[2])
	}
}

// Pixels16 converts pixels of four big-endian 16-bit channels in place and
// leaves every fourth channel as it is.
func (s *Shaper) Pixels16(pix []byte) {
	t := s.wide()
	red, green, blue, m, encode := t.curves[0], t.curves[1], t.curves[2], t.matrix, t.encode
	for ; len(pix) >= 8; pix = pix[8:] {
		p := binary.BigEndian.Uint64(pix)
		r, g, b := red.at(uint16(p>>48)), green.at(uint16(p>>32)), blue.at(uint16(p>>16))
		binary.BigEndian.PutUint64(pix, p&0xFFFF|
			encode.of(m[0][0]*r+m[0][1]*g+m[0][2]*b)<<48|
			encode.of(m[1][0]*r+m[1][1]*g+m[1][2]*b)<<32|
			encode.of(m[2][0]*r+m[2][1]*g+m[2][2]*b)<<16)
	}
}

// NewROMM converts ROMM RGB, ISO 22028-2: wide primaries under D50, a curve of
// 1.8 that begins with a straight line, white at the largest sample.
func NewROMM() *Shaper {
	romm := func(v float64) float64 {
		if v < 16*0.001953125 {
			return v / 16
		}
		return math.Pow(v, 1.8)
	}
	white := [3]float64{0.3457 / 0.3585, 1, (1 - 0.3457 - 0.3585) / 0.3585}
	m := Primaries(0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, white)
	return NewShaper(SRGBFromXYZ(white).Mul(m), romm)
}

// A Tone takes grey to that of sRGB. Its tables are made when the first pixels
// come.
type Tone struct {
	narrow func() *[256]uint8
	wide   func() *decode16
}

// NewTone is for grey that trc decodes to light, a function of [0, 1] whose
// values are clamped to that.
func NewTone(trc func(float64) float64) *Tone {
	trc = bounded(trc)
	return &Tone{
		narrow: sync.OnceValue(func() *[256]uint8 {
			t := new([256]uint8)
			for v := range t {
				t[v] = uint8(LinearToSRGB(trc(float64(v)/255))*255 + 0.5)
			}
			return t
		}),
		wide: sync.OnceValue(func() *decode16 { return newDecode16(trc) }),
	}
}

// Pixels8 converts pixels of one byte in place.
func (t *Tone) Pixels8(pix []byte) {
	table := t.narrow()
	for i, v := range pix {
		pix[i] = table[v]
	}
}

// Pixels16 converts pixels of one big-endian 16-bit channel in place.
func (t *Tone) Pixels16(pix []byte) {
	light, encode := t.wide(), srgb16()
	for ; len(pix) >= 8; pix = pix[8:] {
		p := binary.BigEndian.Uint64(pix)
		binary.BigEndian.PutUint64(pix, encode.of(light.at(uint16(p>>48)))<<48|
			encode.of(light.at(uint16(p>>32)))<<32|
			encode.of(light.at(uint16(p>>16)))<<16|
			encode.of(light.at(uint16(p))))
	}
	for ; len(pix) >= 2; pix = pix[2:] {
		v := encode.of(light.at(binary.BigEndian.Uint16(pix)))
		binary.BigEndian.PutUint16(pix, uint16(v))
	}
}
