// This file implements QCD, the quantisation default (A.6.4), and QCC, the
// quantisation of one component (A.6.5).

package codestream

import "encoding/binary"

func parseQCD(f *fields) (Quantization, error) {
	s := f.u8()
	q := Quantization{Style: QuantStyle(s & 31), Guard: s >> 5}
	size := 2
	if q.Style == NoQuantization {
		size = 1
	}
	n := f.left() / size
	switch {
	case f.short:
		return q, f.finish()
	case q.Style > Expounded:
		return q, f.errorf("quantisation style %d", q.Style)
	case n == 0 || f.left()%size != 0 || q.Style == Derived && n != 1:
		return q, f.errorf("its length of %d bytes is not that of quantisation style %d",
			len(f.data)+2, q.Style)
	}
	// More than 97 are of no use to anyone, but no error to other decoders.
	q.Steps = make([]Step, min(n, 3*maxLevels+1))
	for i := range q.Steps {
		if q.Style == NoQuantization {
			q.Steps[i].Exponent = uint8(f.u8() >> 3)
			continue
		}
		v := f.u16()
		q.Steps[i] = Step{Exponent: uint8(v >> 11), Mantissa: uint16(v & 0x7FF)}
	}
	return q, nil
}

// parseQCC reads QCC for one of so many components.
func parseQCC(f *fields, components int) (int, Quantization, error) {
	i := f.component(components)
	if f.short {
		return 0, Quantization{}, f.finish()
	}
	if i >= components {
		return 0, Quantization{}, f.errorf("component %d of %d", i, components)
	}
	q, err := parseQCD(f)
	return i, q, err
}

func appendQCD(dst []byte, q Quantization) []byte {
	return appendSegment(dst, QCD, func(b []byte) []byte { return appendSteps(b, q) })
}

// appendQCC appends QCC for component i of so many.
func appendQCC(dst []byte, components, i int, q Quantization) []byte {
	return appendSegment(dst, QCC, func(b []byte) []byte {
		return appendSteps(appendComponent(b, components, i), q)
	})
}

func appendSteps(b []byte, q Quantization) []byte {
	b = append(b, byte(q.Guard<<5)|byte(q.Style))
	for _, s := range q.Steps {
		if q.Style == NoQuantization {
			b = append(b, s.Exponent<<3)
			continue
		}
		b = binary.BigEndian.AppendUint16(b, uint16(s.Exponent)<<11|s.Mantissa)
	}
	return b
}
