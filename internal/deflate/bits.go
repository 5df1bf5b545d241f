package deflate

import "encoding/binary"

// A bitWriter appends bits, lowest first (3.1.1).
type bitWriter struct {
	dst  []byte
	acc  uint64
	have uint // bits in acc, below 32 between calls
}

// bits appends the low n bits of v, at most 32; the others are 0.
func (w *bitWriter) bits(v uint64, n uint) {
	w.acc |= v << w.have
	w.have += n
	if w.have >= 32 {
		w.dst = binary.LittleEndian.AppendUint32(w.dst, uint32(w.acc))
		w.acc >>= 32
		w.have -= 32
	}
}

// align appends zero bits up to a byte boundary.
func (w *bitWriter) align() {
	for w.have > 0 {
		w.dst = append(w.dst, byte(w.acc))
		w.acc >>= 8
		w.have -= min(w.have, 8)
	}
}

// blockType begins a block (3.2.3).
func (w *bitWriter) blockType(kind uint64, final bool) {
	if final {
		kind = kind<<1 | 1
	} else {
		kind <<= 1
	}
	w.bits(kind, 3)
}

// stored appends data as it is (3.2.4).
func (w *bitWriter) stored(data []byte, final bool) {
	for {
		n := min(len(data), 65535)
		w.blockType(0, final && n == len(data))
		w.align()
		w.dst = binary.LittleEndian.AppendUint16(w.dst, uint16(n))
		w.dst = binary.LittleEndian.AppendUint16(w.dst, ^uint16(n))
		w.dst = append(w.dst, data[:n]...)
		if data = data[n:]; len(data) == 0 {
			return
		}
	}
}
