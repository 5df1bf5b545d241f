// This file implements the cleanup pass (7.3).

package ht

// decodeGo decodes a block.
func (d *Decoder) decodeGo(dst []int32, p *parameters) error {
	clear(dst)
	if err := d.cleanup(dst, p); err != nil {
		return err
	}
	if p.more > 0 {
		d.refine(dst, p)
	}
	return nil
}

// cleanup decodes the cleanup pass.
func (d *Decoder) cleanup(dst []int32, p *parameters) error {
	n := len(p.cleanup)
	back := int(p.cleanup[n-1])<<4 | int(p.cleanup[n-2]&0x0F)
	if back < 2 || back > n || back > 4079 {
		return errLengths
	}
	magnitudes := forward{fill: 0xFF, data: p.cleanup[:n-back]}
	runs := mel{data: p.cleanup[n-back : n-1]}
	words := backward{data: p.cleanup[n-back : n-2], last: p.cleanup[n-2] | 0x0F}
	// The higher half of the last byte but one is the first of the codewords; the byte
	// after that is taken for one of ones.
	words.bits, words.n = uint64(p.cleanup[n-2]>>4), 4
	if words.bits&7 == 7 {
		words.bits, words.n = 7, 3
	}

	wide := (p.width + 1) / 2
	d.quads = room(d.quads, wide+3)
	d.exponents = room(d.exponents, 2*wide+4)
	clear(d.exponents)
	clear(d.quads)
	for y := 0; y < p.height; y += 2 {
		d.codewords(&words, &runs, y == 0, wide)
		if err := d.magnitudes(dst, p, &magnitudes, y, wide); err != nil {
			return err
		}
	}
	return nil
}

// codewords decodes what the codewords say of a row of quads. Those of the row above
// are still in d.quads, with which the contexts are made.
func (d *Decoder) codewords(v *backward, m *mel, first bool, wide int) {
	table := &codes[1]
	if first {
		table = &codes[0]
	}
	// What is above is needed for one quad to the right of the one that is decoded.
	left := uint8(0)   // significance of the quad to the left
	corner := uint8(0) // of the one above that
	up := d.quads[0].significant
	for x := 0; x < wide; x += 2 {
		v.load()
		for i := range 2 {
			q := &d.quads[x+i]
			right := d.quads[x+i+1].significant // above and to the right
			if x+i >= wide {
				*q = quad{}
				break
			}
			var context uint8
			if first {
				context = left>>1 | left&1
			} else {
				context = (corner>>3|up>>1)&1 | (left>>2|left>>3)&1<<1 | (up>>3|right>>1)&1<<2
			}
			*q = quad{}
			if context != 0 || m.symbol() == 1 {
				q.quadCode = table[uint32(context)<<7|uint32(v.bits&127)]
				v.take(int(q.length))
			}
			corner, up, left = up, right, q.significant
		}
		v.load()
		offsets(v, m, &d.quads[x], &d.quads[x+1], first)
	}
}

// magnitudes decodes the magnitudes and signs of a row of quads.
func (d *Decoder) magnitudes(dst []int32, p *parameters, s *forward, y, wide int) error {
	e := d.exponents // of the lower samples above; of column x at x+1
	corner := e[0]   // of column 2*x-1, which is of this row already
	for x := range wide {
		q := &d.quads[x]
		bound := 1
		if y > 0 && q.significant&(q.significant-1) != 0 {
			bound = max(1, int(max(corner, e[2*x+1], e[2*x+2], e[2*x+3]))-1)
		}
		corner = e[2*x+2]
		e[2*x+1], e[2*x+2] = 0, 0
		if q.significant == 0 {
			continue
		}
		bound += int(q.u)
		if bound > p.zero+2 {
			return errBound
		}
		for n := range 4 {
			if q.significant>>n&1 == 0 {
				continue
			}
			bits := bound - int(q.bound>>n&1)
			s.load()
			v := s.take(bits) | uint32(q.top>>n&1)<<bits
			// The lowest bit is the sign, the rest the magnitude less one.
			value := int32((v>>1+1)<<p.shift | 1<<p.shift>>1)
			if v&1 != 0 {
				value = -value
			}
			column, row := 2*x+n>>1, y+n&1
			if n&1 == 1 {
				e[column+1] = exponent(v | 1)
			}
			if column < p.width && row < p.height {
				dst[row*p.width+column] = value
			}
		}
	}
	return nil
}
