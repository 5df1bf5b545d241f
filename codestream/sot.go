// This file implements SOT, the start of a tile-part (A.4.2).

package codestream

import "encoding/binary"

// sotSize is the size of the SOT segment with its marker.
const sotSize = 12

// A sot is the fields of SOT.
type sot struct {
	tile   int
	length int64 // Psot: from SOT to the end of the data; 0: to EOC
	part   int   // TPsot
	parts  int   // TNsot: 0 when not told here
}

func parseSOT(f *fields) (sot, error) {
	s := sot{tile: f.u16(), length: int64(f.u32()), part: f.u8(), parts: f.u8()}
	if err := f.finish(); err != nil {
		return s, err
	}
	// A tile-part holds at least SOT and SOD. OpenJPEG also takes one that ends
	// right after SOT, which some writers make.
	if s.length != 0 && s.length != sotSize && s.length < sotSize+2 {
		return s, f.errorf("Psot is %d", s.length)
	}
	if s.part == 255 {
		return s, f.errorf("TPsot is 255")
	}
	return s, nil
}

func appendSOT(dst []byte, s sot) []byte {
	return appendSegment(dst, SOT, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint16(b, uint16(s.tile))
		b = binary.BigEndian.AppendUint32(b, uint32(s.length))
		return append(b, byte(s.part), byte(s.parts))
	})
}

// is reports whether this is the SOT of a part that TLM has, in a codestream
// that ends at end.
func (s sot) is(p part, end int64) bool {
	if s.tile != int(p.tile) || s.part != int(p.num) {
		return false
	}
	switch {
	case p.cut:
		return p.off+s.length > end
	case s.length == 0:
		return p.off+p.len == end || p.off+p.len == end-2
	}
	return s.length == p.len
}
