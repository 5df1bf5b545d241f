package raster

import (
	"encoding/binary"
	"math"
)

// This file implements conversions to sRGB by three curves to light, a matrix,
// and sRGB's own encoding: what an RGB profile of matrix and tone curves
// prescribes.

// A Shaper converts RGB to sRGB. Colours outside of sRGB are clipped.
type Shaper struct {
	// For 8 bits: what each channel's value adds to red, green and blue, in
	// three lanes of shaperLane bits, so that three look-ups and two additions
	// are the curves and the matrix.
	add    *[3][256]uint64
	encode *encode8

	// For 16 bits.
	curves  [3]curve
	matrix  [3][3]float32
	encoder curve
}

const (
	shaperLane = 21
	shaperMask = 1<<shaperLane - 1
	shaperOne  = encodeBits + 1       // fraction bits of light in a lane
	shaperBias = 1 << (shaperOne + 2) // makes lanes positive
	shaperHalf = shaperBias + 1       // and rounds to encodeBits
	shaperMax  = 3.9                  // what lanes can hold, either way
	shaperAll  = shaperHalf * (1 + 1<<shaperLane + 1<<(2*shaperLane))
)

// NewShaper makes the tables for channels that trc decodes to light, both in
// [0, 1] and the light clamped to that, and m takes to linear sRGB. It reports
// false when m is beyond all reason: when the sizes of a row's numbers add up
// to more than 3.9.
func NewShaper(trc [3]func(float64) float64, m Matrix3) (*Shaper, bool) {
	s := &Shaper{
		add:     new([3][256]uint64),
		encode:  newEncode8(),
		encoder: newCurve(encodeCurveBits, LinearToSRGB),
	}
	for i, row := range m {
		sum := 0.0
		for j, v := range row {
			sum += math.Abs(v)
			s.matrix[i][j] = float32(v)
		}
		if !(sum <= shaperMax) {
			return nil, false
		}
	}
	for c, f := range trc {
		f = bounded(f)
		s.curves[c] = newCurve(decodeCurveBits, f)
		for v := range s.add[c] {
			light := f(float64(v) / 255)
			for i := range m {
				lane := int64(math.Round(m[i][c] * light * (1 << shaperOne)))
				s.add[c][v] += uint64(lane) << (shaperLane * i)
			}
		}
	}
	for v := range s.add[0] {
		s.add[0][v] += shaperAll
	}
	return s, true
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

// light takes one lane to an index of the encoding table.
func light(lanes uint64) int {
	v := int(lanes&shaperMask) - shaperBias
	return min(max(v, 0), 1<<shaperOne) >> (shaperOne - encodeBits)
}

// Pixels8 converts pixels of four bytes in place and leaves every fourth as it
// is.
func (s *Shaper) Pixels8(pix []byte) {
	add, encode := s.add, s.encode
	for ; len(pix) >= 4; pix = pix[4:] {
		p := binary.LittleEndian.Uint32(pix)
		v := add[0][p&255] + add[1][p>>8&255] + add[2][p>>16&255]
		binary.LittleEndian.PutUint32(pix, p&0xFF000000|
			uint32(encode[light(v)])|
			uint32(encode[light(v>>shaperLane)])<<8|
			uint32(encode[light(v>>(2*shaperLane))])<<16)
	}
}

// Pixels16 converts pixels of four big-endian 16-bit channels in place and
// leaves every fourth channel as it is.
func (s *Shaper) Pixels16(pix []byte) {
	m := &s.matrix
	for ; len(pix) >= 8; pix = pix[8:] {
		p := binary.BigEndian.Uint64(pix)
		r := s.curves[0].at(float32(p>>48) / 65535)
		g := s.curves[1].at(float32(p>>32&0xFFFF) / 65535)
		b := s.curves[2].at(float32(p>>16&0xFFFF) / 65535)
		x := s.encoder.at(m[0][0]*r + m[0][1]*g + m[0][2]*b)
		y := s.encoder.at(m[1][0]*r + m[1][1]*g + m[1][2]*b)
		z := s.encoder.at(m[2][0]*r + m[2][1]*g + m[2][2]*b)
		binary.BigEndian.PutUint64(pix, p&0xFFFF|uint64(round(x*65535, 65535))<<48|
			uint64(round(y*65535, 65535))<<32|uint64(round(z*65535, 65535))<<16)
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
	s, _ := NewShaper([3]func(float64) float64{romm, romm, romm}, SRGBFromXYZ(white).Mul(m))
	return s
}

// A Tone maps one channel by a curve.
type Tone struct {
	to8  [256]uint8
	to16 curve
}

// NewTone makes the tables of f, a function of [0, 1] whose values are clamped
// to that.
func NewTone(f func(float64) float64) *Tone {
	f = bounded(f)
	t := &Tone{to16: newCurve(encodeCurveBits, f)}
	for v := range t.to8 {
		t.to8[v] = uint8(f(float64(v)/255)*255 + 0.5)
	}
	return t
}

// Pixels8 converts pixels of one byte in place.
func (t *Tone) Pixels8(pix []byte) {
	for i, v := range pix {
		pix[i] = t.to8[v]
	}
}

// Pixels16 converts pixels of one big-endian 16-bit channel in place.
func (t *Tone) Pixels16(pix []byte) {
	for ; len(pix) >= 2; pix = pix[2:] {
		v := t.to16.at(float32(binary.BigEndian.Uint16(pix)) / 65535)
		binary.BigEndian.PutUint16(pix, uint16(round(v*65535, 65535)))
	}
}
