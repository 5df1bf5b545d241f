// This file implements the cleanup pass (D.3.4).

package tier1

import "math/bits"

// cleanupPass gives value to what becomes significant, and forgets what was coded in
// this bit-plane.
func (p *pass) cleanupPass(value uint32) {
	a, c, valid := p.a, p.c, p.valid
	cx, zero := &p.contexts, p.zero
	for y := 0; y < p.height; y += 4 {
		rows := p.rowsAt(y)
		at := (y/4 + 1) * p.stride
		flags, signs := p.flags[at:at+p.stride], p.signs[at:at+p.stride]
		m := p.magnitudes[y*p.width:]
		for x := 1; x < len(flags)-1; x++ {
			f := flags[x]
			todo := rows &^ (significant(f) | coded(f))
			known := -1 // the bit of the coefficient that is known to become significant
			if f&(significance|allCoded) == 0 && rows == fourRows {
				// Run-length coding of a column of which nothing is known. Nearly
				// always there is nothing: a branch that is predicted costs less.
				now := cx[runContext]
				if qe := uint64(now &^ stateMask); now&2 == 0 && c >= qe && (a-qe)>>63 != 0 {
					a -= qe
					c -= qe
					continue
				}
				p.a, p.c, p.valid = a, c, valid
				if p.decide(&cx[runContext]) == 0 {
					a, c, valid = p.a, p.c, p.valid
					continue
				}
				row := p.decide(&cx[uniformContext])
				row = row<<1 | p.decide(&cx[uniformContext])
				a, c, valid = p.a, p.c, p.valid
				known = 3 * int(row)
				todo = fourRows << known & fourRows
			}
			for ; todo != 0; todo &= todo - 1 {
				bit := bits.TrailingZeros32(todo) & 15
				var less uint64
				if bit != known {
					k := zero[f>>bit&around]
					now := cx[k]
					a, c, less = choose(a, c, now)
					a, c, cx[k], valid = normalise(a, c, now, less, valid)
					if valid < 0 {
						c, valid = p.fill(c, valid)
					}
					if symbol(now, less) == 0 {
						continue
					}
				}

				s := signContexts[signIndex(f, bit, signs[x-1], signs[x], signs[x+1])]
				k := signContext + s>>1
				now := cx[k]
				a, c, less = choose(a, c, now)
				a, c, cx[k], valid = normalise(a, c, now, less, valid)
				if valid < 0 {
					c, valid = p.fill(c, valid)
				}
				p.become(at+x, bit, symbol(now, less)^uint32(s&1))
				f = flags[x]
				m[4*(x-1)+rowAt(bit)] = value
			}
			flags[x] = f &^ allCoded
		}
	}
	p.a, p.c, p.valid = a, c, valid
}
