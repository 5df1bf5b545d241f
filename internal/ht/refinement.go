// This file implements the significance propagation and the magnitude refinement pass
// (7.4 and 7.5), which add one bit-plane to what the cleanup pass found.

package ht

// refine decodes the passes after the cleanup pass.
func (d *Decoder) refine(dst []int32, p *parameters) {
	// Who is significant, with a border around the block: after the cleanup pass, and
	// by the significance propagation pass.
	const found, propagated = 1, 2
	stride := p.width + 2
	d.significant = room(d.significant, stride*(p.height+2))
	clear(d.significant)
	state := func(x, y int) *uint8 { return &d.significant[(y+1)*stride+x+1] }
	for y := range p.height {
		for x, v := range dst[y*p.width:][:p.width] {
			if v != 0 {
				*state(x, y) = found
			}
		}
	}
	value := int32(uint32(3) << p.shift >> 2) // a bit of the next bit-plane and the half below
	s := forward{data: p.refinement}
	var fresh [16]int // of four columns of a stripe
	for y0 := 0; y0 < p.height; y0 += 4 {
		y1 := min(y0+4, p.height)
		for x0 := 0; x0 < p.width; x0 += 4 {
			n := 0
			for x := x0; x < min(x0+4, p.width); x++ {
				for y := y0; y < y1; y++ {
					at := (y+1)*stride + x + 1
					if d.significant[at] != 0 || !d.touched(at, stride, p.causal && y == y1-1) {
						continue
					}
					s.load()
					if s.take(1) != 0 {
						d.significant[at] = propagated
						fresh[n] = y*p.width + x
						n++
					}
				}
			}
			s.load()
			for _, i := range fresh[:n] {
				dst[i] = value
				if s.take(1) != 0 {
					dst[i] = -value
				}
			}
		}
	}
	if p.more < 2 {
		return
	}
	// The last bit of the magnitudes found is not known yet, and so set.
	r := backward{data: p.refinement, last: 0xFF}
	one := int32(uint32(1) << p.shift >> 1)
	for y0 := 0; y0 < p.height; y0 += 4 {
		for x := range p.width {
			for y := y0; y < min(y0+4, p.height); y++ {
				if *state(x, y) != found {
					continue
				}
				r.load()
				more := one >> 1
				if r.take(1) == 0 {
					more -= one
				}
				if i := y*p.width + x; dst[i] < 0 {
					dst[i] -= more
				} else {
					dst[i] += more
				}
			}
		}
	}
}

// touched reports whether a sample has a significant neighbour; last says that those
// below do not count.
func (d *Decoder) touched(at, stride int, last bool) bool {
	s := d.significant
	any := s[at-stride-1] | s[at-stride] | s[at-stride+1] | s[at-1] | s[at+1]
	if !last {
		any |= s[at+stride-1] | s[at+stride] | s[at+stride+1]
	}
	return any != 0
}
