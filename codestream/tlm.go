// This file implements TLM, the tile-part lengths (A.7.1).

package codestream

import "encoding/binary"

// A tlmEntry is one tile-part as TLM has it.
type tlmEntry struct {
	tile   int
	length int64
}

// parseTLM reads the payload of one TLM segment after Ztlm. next is the tile of
// its first entry where entries do not name theirs; each then has one tile-part
// and they follow in order.
func parseTLM(f *fields, next, tiles int) ([]tlmEntry, error) {
	s := f.u8()
	st, sp := s>>4&3, s>>6&1
	if f.short || s&^0x70 != 0 || st == 3 {
		return nil, f.errorf("Stlm is %#02x", s)
	}
	size := st + 2 + 2*sp
	if f.left()%size != 0 {
		return nil, f.errorf("%d bytes are not whole entries of %d", f.left(), size)
	}
	list := make([]tlmEntry, f.left()/size)
	for i := range list {
		e := tlmEntry{tile: next + i}
		switch st {
		case 1:
			e.tile = f.u8()
		case 2:
			e.tile = f.u16()
		}
		if sp == 0 {
			e.length = int64(f.u16())
		} else {
			e.length = int64(f.u32())
		}
		if e.tile >= tiles {
			return nil, f.errorf("tile %d of %d", e.tile, tiles)
		}
		if e.length < sotSize {
			return nil, f.errorf("a tile-part of %d bytes", e.length)
		}
		list[i] = e
	}
	return list, f.finish()
}

// tlmRoom is how many entries of tile and length go into one TLM segment.
const tlmRoom = (1<<16 - 1 - 4) / 6

// appendTLM appends TLM segments for tiles of one tile-part each, with lengths
// of these many bytes. There are at most 65,535, so Ztlm does not overflow.
func appendTLM(dst []byte, lengths []int64) []byte {
	for z := 0; z*tlmRoom < len(lengths); z++ {
		first := z * tlmRoom
		dst = appendSegment(dst, TLM, func(b []byte) []byte {
			b = append(b, byte(z), 2<<4|1<<6) // ST: 16 bits, SP: 32 bits
			for i, n := range lengths[first:min(first+tlmRoom, len(lengths))] {
				b = binary.BigEndian.AppendUint16(b, uint16(first+i))
				b = binary.BigEndian.AppendUint32(b, uint32(n))
			}
			return b
		})
	}
	return dst
}
