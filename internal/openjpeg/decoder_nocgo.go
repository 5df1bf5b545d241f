//go:build !cgo

package openjpeg

import (
	"errors"
	"fmt"
	"image"
)

// errNoCgo is what every call returns in a build without cgo.
var errNoCgo = fmt.Errorf("openjpeg: built without cgo (CGO_ENABLED=1 and a C compiler are needed): %w", errors.ErrUnsupported)

// Live is the number of decoders that are open: none in a build without cgo.
func Live() int64 { return 0 }

// A Decoder cannot be made in a build without cgo.
type Decoder struct{}

// Open fails in a build without cgo.
func Open(stream []byte, threads int) (*Decoder, error) { return nil, errNoCgo }

// Close does nothing.
func (d *Decoder) Close() {}

// Bounds is empty.
func (d *Decoder) Bounds() image.Rectangle { return image.Rectangle{} }

// Decode fails in a build without cgo.
func (d *Decoder) Decode(area image.Rectangle, dst []Plane) error { return errNoCgo }

// DecodeAll fails in a build without cgo.
func (d *Decoder) DecodeAll(dst []Plane) error { return errNoCgo }

// Version is 0.0.0 in a build without cgo.
func Version() (major, minor, patch int) { return 0, 0, 0 }
