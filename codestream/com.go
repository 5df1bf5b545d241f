// This file implements COM, the comment (A.9.2).

package codestream

import "bytes"

// parseCOM reads COM. Registration values that are neither binary nor Latin-1
// are reserved; what they hold is taken for binary.
func parseCOM(f *fields) (Comment, error) {
	c := Comment{Binary: f.u16() != 1}
	c.Data = bytes.Clone(f.take(f.left()))
	return c, f.finish()
}
