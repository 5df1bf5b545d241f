// This file implements the contexts (D.3): which follows from the neighbours of a
// coefficient.

package tier1

// The contexts: nine of zero coding from 0 on, five of sign coding, three of magnitude
// refinement, one of run-length coding and one of bits that are as likely as not.
const (
	signContext    = 9
	refineContext  = 14
	runContext     = 17
	uniformContext = 18
	numContexts    = 19
)

// initialContexts are those of Table D.7.
var initialContexts = func() (cx [numContexts]context) {
	for i := range cx {
		cx[i] = entry(0, 0)
	}
	cx[0], cx[runContext], cx[uniformContext] = entry(4, 0), entry(3, 0), entry(46, 0)
	return cx
}()

// zeroContexts are those of Table D.1, by sub-band and by the significance of nine
// coefficients, row by row from the upper left, of which the one in the middle does
// not matter.
var zeroContexts = func() (t [4][512]uint8) {
	for orient := range t {
		for v := range t[orient] {
			bit := func(n int) int { return v >> n & 1 }
			h, w, d := bit(3)+bit(5), bit(1)+bit(7), bit(0)+bit(2)+bit(6)+bit(8)
			if orient == 1 { // HL: across and down are exchanged
				h, w = w, h
			}
			var cx int
			switch {
			case orient == 3 && d >= 3:
				cx = 8
			case orient == 3 && d == 2:
				cx = 6 + min(h+w, 1)
			case orient == 3 && d == 1:
				cx = 3 + min(h+w, 2)
			case orient == 3:
				cx = min(h+w, 2)
			case h == 2:
				cx = 8
			case h == 1 && w > 0:
				cx = 7
			case h == 1:
				cx = 5 + min(d, 1)
			case w > 0:
				cx = 2 + w
			default:
				cx = min(d, 2)
			}
			t[orient][v] = uint8(cx)
		}
	}
	return t
}()

// signContexts are those of Tables D.2 and D.3: twice the context, counted from 0, and
// the bit that the decision is inverted with. The index has the significance of the
// neighbours above, left, right and below in its odd bits, from the lowest, and
// their signs in the even ones before them.
var signContexts = func() (t [256]uint8) {
	for i := range t {
		contribution := func(n int) int {
			switch i >> n & 3 {
			case 2:
				return 1
			case 3:
				return -1
			}
			return 0
		}
		v := min(max(contribution(0)+contribution(6), -1), 1)
		h := min(max(contribution(2)+contribution(4), -1), 1)
		inverted := 0
		if h < 0 || h == 0 && v < 0 {
			h, v, inverted = -h, -v, 1
		}
		t[i] = uint8(2*(3*h+v) | inverted)
	}
	return t
}()
