//go:build !cgo

package webp

import (
	"errors"
	"image"
)

// available reports whether there is libwebp.
const available = false

// libwebp is not reached.
func libwebp(*image.NRGBA, int, bool) ([]byte, error) { return nil, errors.ErrUnsupported }
