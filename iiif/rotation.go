package iiif

import "strings"

// A Rotation says how the scaled region is turned (4.3): mirrored on its
// vertical axis, if at all, and then turned clockwise. Its values are made by
// [ParseRotation]; the zero value turns nothing.
type Rotation struct {
	mirror  bool
	degrees decimal // 0 to 360
}

// ParseRotation reads the rotation of a request, percent-encoding undone.
// Errors match [ErrSyntax].
func ParseRotation(s string) (Rotation, error) {
	number, mirror := strings.CutPrefix(s, "!")
	degrees, ok := parseDecimal(number)
	if !ok {
		return Rotation{}, syntaxError("rotation", s, "not a number of degrees")
	}
	if (decimal{whole: 360}).less(degrees) {
		return Rotation{}, syntaxError("rotation", s, "more than 360 degrees")
	}
	return Rotation{mirror: mirror, degrees: degrees}, nil
}

// Mirrored reports whether the picture is mirrored before it is turned.
func (r Rotation) Mirrored() bool { return r.mirror }

// Degrees is the clockwise turn, 0 to 360.
func (r Rotation) Degrees() float64 { return r.degrees.float() }

// Quarters is the clockwise turn in quarter turns, 0 to 3; ok is false when it
// is not a whole number of them.
func (r Rotation) Quarters() (n int, ok bool) {
	if r.degrees.fraction != 0 || r.degrees.whole%90 != 0 {
		return 0, false
	}
	return int(r.degrees.whole / 90 % 4), true
}

// canonical is r with a whole turn taken for none.
func (r Rotation) canonical() Rotation {
	if r.degrees.whole == 360 {
		r.degrees.whole = 0
	}
	return r
}

// String is r in the grammar of a request.
func (r Rotation) String() string {
	if r.mirror {
		return "!" + r.degrees.String()
	}
	return r.degrees.String()
}
