// This file implements CAP, the extended capabilities segment, and CPF, the
// corresponding profile (A.5.2 and A.6 of Part 15).

package codestream

import (
	"encoding/binary"
	"math/bits"
)

func parseCAP(f *fields) (*CAP, error) {
	c := &CAP{Pcap: f.u32()}
	n := bits.OnesCount32(c.Pcap)
	if f.short || f.left() != 2*n {
		return nil, f.errorf("its length of %d bytes is not that of %d capabilities",
			len(f.data)+2, n)
	}
	for range n {
		c.Ccap = append(c.Ccap, uint16(f.u16()))
	}
	return c, f.finish()
}

func appendCAP(dst []byte, c *CAP) []byte {
	return appendSegment(dst, CAPMarker, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, c.Pcap)
		for _, v := range c.Ccap {
			b = binary.BigEndian.AppendUint16(b, v)
		}
		return b
	})
}

func parseCPF(f *fields) ([]uint16, error) {
	if n := f.left(); n == 0 || n%2 != 0 {
		return nil, f.errorf("length %d", n+2)
	}
	p := make([]uint16, f.left()/2)
	for i := range p {
		p[i] = uint16(f.u16())
	}
	return p, f.finish()
}
