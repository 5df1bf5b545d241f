// This file implements the magnitude refinement pass (D.3.3).

package tier1

import "math/bits"

// refineContexts are those of Table D.4, by whether the coefficient was refined before,
// and by whether it has a significant neighbour.
//
// A magnitude has the bit below its last one set: that becomes the bit decoded, one,
// and the one below is set, half.
func (p *pass) refinementPass(one, half uint32) {
	a, c, valid := p.a, p.c, p.valid
	cx := &p.contexts
	for y := 0; y < p.height; y += 4 {
		at := (y/4 + 1) * p.stride
		flags := p.flags[at : at+p.stride]
		m := p.magnitudes[y*p.width:]
		for x := 1; x < len(flags)-1; x++ {
			f := flags[x]
			todo := significant(f) &^ coded(f)
			if todo == 0 {
				continue
			}
			flags[x] = f | todo<<refinedShift
			for ; todo != 0; todo &= todo - 1 {
				bit := bits.TrailingZeros32(todo) & 15
				k := uint8(refineContext)
				if f>>bit&around != 0 {
					k = refineContext + 1
				}
				if f>>bit&(1<<refinedShift) != 0 {
					k = refineContext + 2
				}
				now := cx[k]
				var less uint64
				a, c, less = choose(a, c, now)
				a, c, cx[k], valid = normalise(a, c, now, less, valid)
				if valid < 0 {
					c, valid = p.fill(c, valid)
				}
				m[4*(x-1)+rowAt(bit)] += one&-symbol(now, less) - one + half
			}
		}
	}
	p.a, p.c, p.valid = a, c, valid
}

// refinementPassRaw is the same in raw bits.
func (p *pass) refinementPassRaw(one, half uint32) {
	for y := 0; y < p.height; y += 4 {
		at := (y/4 + 1) * p.stride
		flags := p.flags[at : at+p.stride]
		m := p.magnitudes[y*p.width:]
		for x := 1; x < len(flags)-1; x++ {
			todo := significant(flags[x]) &^ coded(flags[x])
			flags[x] |= todo << refinedShift
			for ; todo != 0; todo &= todo - 1 {
				m[4*(x-1)+rowAt(bits.TrailingZeros32(todo)&15)] += one&-p.raw.bit() - one + half
			}
		}
	}
}
