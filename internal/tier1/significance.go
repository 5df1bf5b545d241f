// This file implements the significance propagation pass (D.3.1).

package tier1

import "math/bits"

// significancePass gives value to what becomes significant.
func (p *pass) significancePass(value uint32) {
	a, c, valid := p.a, p.c, p.valid
	cx, zero := &p.contexts, p.zero
	for y := 0; y < p.height; y += 4 {
		rows := p.rowsAt(y)
		at := (y/4 + 1) * p.stride
		flags, signs := p.flags[at:at+p.stride], p.signs[at:at+p.stride]
		m := p.magnitudes[y*p.width:]
		for x := 1; x < len(flags)-1; x++ {
			f := flags[x]
			if f&significance == 0 {
				continue
			}
			for todo := touched(f) & rows; todo != 0; {
				bit := bits.TrailingZeros32(todo) & 15
				todo &= todo - 1
				f |= 1 << codedShift << bit
				k := zero[f>>bit&around]
				now := cx[k]
				var less uint64
				a, c, less = choose(a, c, now)
				a, c, cx[k], valid = normalise(a, c, now, less, valid)
				if valid < 0 {
					c, valid = p.fill(c, valid)
				}
				if symbol(now, less) == 0 {
					continue
				}

				s := signContexts[signIndex(f, bit, signs[x-1], signs[x], signs[x+1])]
				k = signContext + s>>1
				now = cx[k]
				a, c, less = choose(a, c, now)
				a, c, cx[k], valid = normalise(a, c, now, less, valid)
				if valid < 0 {
					c, valid = p.fill(c, valid)
				}
				flags[x] = f
				p.become(at+x, bit, symbol(now, less)^uint32(s&1))
				f = flags[x]
				m[4*(x-1)+rowAt(bit)] = value
				// The one below has a significant neighbour now.
				todo |= 8 << bit & rows &^ significant(f)
			}
			flags[x] = f
		}
	}
	p.a, p.c, p.valid = a, c, valid
}

// significancePassRaw is the same in raw bits.
func (p *pass) significancePassRaw(value uint32) {
	for y := 0; y < p.height; y += 4 {
		rows := p.rowsAt(y)
		at := (y/4 + 1) * p.stride
		flags := p.flags[at : at+p.stride]
		m := p.magnitudes[y*p.width:]
		for x := 1; x < len(flags)-1; x++ {
			f := flags[x]
			for todo := touched(f) & rows; todo != 0; {
				bit := bits.TrailingZeros32(todo) & 15
				todo &= todo - 1
				flags[x] |= 1 << codedShift << bit
				if p.raw.bit() == 0 {
					continue
				}
				p.become(at+x, bit, p.raw.bit())
				m[4*(x-1)+rowAt(bit)] = value
				todo |= 8 << bit & rows &^ significant(flags[x])
			}
		}
	}
}
