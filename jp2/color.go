// This file says what the colours of an image are taken to be when its boxes
// leave a choice, or say nothing.

package jp2

import (
	"fmt"

	"github.com/stria-j2k/stria/codestream"
)

// Channels is how many colours the specification is for; 0 when that is not
// known.
func (c *Color) Channels() int {
	switch c.Method {
	case Enumerated:
		return c.Space.Channels()
	case RestrictedICC, AnyICC:
		if h, err := ParseProfile(c.ICC); err == nil {
			return h.Channels()
		}
	case Parameterized:
		return 3
	}
	return 0
}

// String is the specification in a few words: "sRGB", "restricted ICC (RGB, 560
// bytes)".
func (c Color) String() string {
	s := c.Method.String()
	switch c.Method {
	case Enumerated:
		s = c.Space.String()
	case RestrictedICC, AnyICC:
		if h, err := ParseProfile(c.ICC); err == nil {
			s += fmt.Sprintf(" (%s, %d bytes)", trimSpaces(h.Space), len(c.ICC))
		}
	}
	if c.Assumed {
		s += " (assumed)"
	}
	return s
}

func trimSpaces(s string) string {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// rank says how well a specification can be made use of: 0 for one that says
// everything, 1 for one that is known but does not or only for some of its values,
// 2 for one that says nothing to us.
func (c *Color) rank() int {
	switch c.Method {
	case Enumerated:
		switch {
		case c.Space == PhotoYCC, c.Space == CIEJab:
			return 1 // there is no one way to show these
		case c.Space.Channels() > 0:
			return 0
		}
	case RestrictedICC, AnyICC:
		if c.Channels() > 0 {
			return 0
		}
	case Parameterized:
		return 1
	}
	return 2
}

// accuracy orders approximations. Part 1 wants readers to ignore the field and
// writers to set 0, so 0 is as good as accurate.
func (c *Color) accuracy() uint8 { return max(c.Approximation, 1) }

// betterThan orders specifications of one image: what can be made use of before
// what cannot, then by precedence, then by approximation. Among equals the
// first in the file is the best, as Part 1 has it.
func (c *Color) betterThan(d *Color) bool {
	if c.rank() != d.rank() {
		return c.rank() < d.rank()
	}
	if c.Precedence != d.Precedence {
		return c.Precedence > d.Precedence
	}
	return c.accuracy() < d.accuracy()
}

// chooseColor picks the specification of an image that has so many channels
// for colours, or -1 when none fits. Methods that are not known are passed over, as
// Table I.9 has it, and so are spaces that are not and profiles that are broken.
func chooseColor(colors []Color, channels int) int {
	best := -1
	for i := range colors {
		c := &colors[i]
		if n := c.Channels(); n == 0 || n > channels {
			continue
		}
		if c.Method != Enumerated && c.Channels() == 1 && channels > 2 {
			continue // a profile for grey does not fit colours
		}
		if best < 0 || c.betterThan(&colors[best]) {
			best = i
		}
	}
	return best
}

// assumedColor is what an image is taken to be when nothing that can be made use
// of says so, by the number of its channels for colours:
//
//   - what a broken profile says that it is for, if that fits;
//   - one or two: grey;
//   - three or more: sRGB, unless they are components of which the second and
//     third, and only these, are subsampled and the codestream does not
//     transform them to RGB itself, then sYCC.
func assumedColor(h *codestream.Header, pal *Palette, broken []Space, channels int) Color {
	c := Color{Method: Enumerated, Space: SRGB, Assumed: true}
	for _, s := range broken {
		if n := s.Channels(); n <= channels && (n > 1 || channels <= 2) {
			c.Space = s
			return c
		}
	}
	switch {
	case channels < 3:
		c.Space = Grey
	case pal == nil && chromaSubsampled(h):
		c.Space = SYCC
	}
	return c
}

// chromaSubsampled reports whether the first three components look like luma
// and subsampled chroma.
func chromaSubsampled(h *codestream.Header) bool {
	if len(h.Components) < 3 || h.Coding.MCT {
		return false
	}
	y, cb, cr := h.Components[0].Sub, h.Components[1].Sub, h.Components[2].Sub
	return cb == cr && cb != y && cb.X >= y.X && cb.Y >= y.Y
}
