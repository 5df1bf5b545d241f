// This file implements reading the bits of passes that are not arithmetically coded
// (D.6).

package tier1

// A rawBits reads the bits of one codeword segment, from the highest of each byte on.
// After a byte of ones the next has seven bits. Past the end, and past a marker, there
// are only ones, as OpenJPEG has it; the standard does not say.
type rawBits struct {
	bits int // left of the last byte
	last byte
	data []byte // not read yet
}

func (r *rawBits) bit() uint32 {
	if r.bits == 0 {
		r.bits = 8
		if len(r.data) == 0 || r.last == 0xFF && r.data[0] > 0x8F {
			r.last = 0xFF
		} else {
			if r.last == 0xFF {
				r.bits = 7
			}
			r.last, r.data = r.data[0], r.data[1:]
		}
	}
	r.bits--
	return uint32(r.last) >> r.bits & 1
}
