package icc

import (
	"encoding/binary"
	"math"
)

// This file implements tone curves: the types curv and para.

// curve is the tone curve of a tag, from [0, 1]. What it yields is not bounded
// and may not be a number; who uses it clamps it.
func (p *Profile) curve(tag string) (func(float64) float64, error) {
	d, err := p.typed(tag, "", 12)
	if err != nil {
		return nil, err
	}
	switch string(d[:4]) {
	case "curv":
		return sampled(tag, d)
	case "para":
		return parametric(tag, d)
	}
	return nil, unsupported("tone curve %q of type %q", tag, d[:4])
}

// sampled is 10.6: nothing, a power, or a table.
func sampled(tag string, d []byte) (func(float64) float64, error) {
	n := uint64(binary.BigEndian.Uint32(d[8:]))
	d = d[12:]
	if n > uint64(len(d)/2) {
		return nil, formatError("tag %q says it has %d entries, and has %d bytes", tag, n, len(d))
	}
	switch n {
	case 0:
		return func(v float64) float64 { return v }, nil
	case 1:
		gamma := float64(binary.BigEndian.Uint16(d)) / 256 // u8Fixed8Number
		return func(v float64) float64 { return math.Pow(v, gamma) }, nil
	}
	at := func(i int) float64 { return float64(binary.BigEndian.Uint16(d[2*i:])) / 65535 }
	last := int(n) - 1
	return func(v float64) float64 {
		x := v * float64(last)
		i := min(int(x), last-1)
		return at(i) + (at(i+1)-at(i))*(x-float64(i))
	}, nil
}

// parametric is 10.18.
func parametric(tag string, d []byte) (func(float64) float64, error) {
	kind := binary.BigEndian.Uint16(d[8:])
	count := [...]int{1, 3, 4, 5, 7}
	if int(kind) >= len(count) {
		return nil, unsupported("tone curve %q of function %d", tag, kind)
	}
	if len(d) < 12+4*count[kind] {
		return nil, formatError("tag %q has %d bytes", tag, len(d))
	}
	var q [7]float64
	for i := range count[kind] {
		q[i] = s15Fixed16(d[12+4*i:])
	}
	g, a, b, c, e, f := q[0], q[1], q[2], q[3], 0.0, 0.0
	from := q[4] // where the power begins
	switch kind {
	case 0:
		return func(v float64) float64 { return math.Pow(v, g) }, nil
	case 1, 2: // a constant before the power: zero, or c
		if a == 0 {
			return nil, formatError("tag %q divides by zero", tag)
		}
		from = -b / a
		if kind == 2 {
			e, f = c, c
		}
		c = 0
	case 4:
		e, f = q[5], q[6]
	}
	return func(v float64) float64 {
		if v >= from {
			return math.Pow(a*v+b, g) + e
		}
		return c*v + f
	}, nil
}
