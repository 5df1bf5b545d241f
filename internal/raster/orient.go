package raster

import (
	"encoding/binary"
	"image"
)

// This file implements the eight orientations of a block of pixels.

// An Orientation is how a result lies to its source: a sum of Transpose, which
// comes first, and FlipX and FlipY, of the transposed if it is. Zero changes
// nothing.
type Orientation uint8

// The parts of an Orientation, and the turns made of them, clockwise.
const (
	FlipX     Orientation = 1 // left becomes right
	FlipY     Orientation = 2 // top becomes bottom
	Transpose Orientation = 4 // rows become columns

	Turn90  = Transpose + FlipX
	Turn180 = FlipX + FlipY
	Turn270 = Transpose + FlipY
)

// EXIF is the orientation that shows an image upright whose EXIF orientation is
// tag, 1 to 8. Other numbers change nothing.
func EXIF(tag int) Orientation {
	if tag < 1 || tag > 8 {
		return 0
	}
	return [...]Orientation{0, FlipX, Turn180, FlipY,
		Transpose, Turn90, Transpose + FlipX + FlipY, Turn270}[tag-1]
}

// Size is the result's size for a source's.
func (o Orientation) Size(source image.Point) image.Point {
	if o&Transpose != 0 {
		return image.Pt(source.Y, source.X)
	}
	return source
}

// Then is o followed by p.
func (o Orientation) Then(p Orientation) Orientation {
	flips := o &^ Transpose
	if p&Transpose != 0 { // what was left and right is now top and bottom
		flips = flips&FlipX<<1 | flips&FlipY>>1
	}
	return (o^p)&Transpose | flips ^ p&^Transpose
}

// Inverse is what leads back.
func (o Orientation) Inverse() Orientation {
	if o == Turn90 || o == Turn270 {
		return o ^ Turn180
	}
	return o
}

// Result is where the source's pixels r are in the result, for a source of
// the given size.
func (o Orientation) Result(r image.Rectangle, source image.Point) image.Rectangle {
	if o&Transpose != 0 {
		r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
	}
	size := o.Size(source)
	if o&FlipX != 0 {
		r.Min.X, r.Max.X = size.X-r.Max.X, size.X-r.Min.X
	}
	if o&FlipY != 0 {
		r.Min.Y, r.Max.Y = size.Y-r.Max.Y, size.Y-r.Min.Y
	}
	return r
}

// Source is where the result's pixels r come from, for a source of the given
// size.
func (o Orientation) Source(r image.Rectangle, source image.Point) image.Rectangle {
	return o.Inverse().Result(r, o.Size(source))
}

// orientBlock is how many pixels of a result's row are made before those of the
// next when rows become columns, so that the source's rows stay in the cache.
const orientBlock = 32

// Orient writes a source of w by h pixels of the given number of bytes to dst,
// which has o.Size(w, h). Strides are in bytes. dst and src must not overlap.
func Orient(dst []byte, dstStride int, src []byte, srcStride, w, h, pixel int, o Orientation) {
	if w <= 0 || h <= 0 {
		return
	}
	size := o.Size(image.Pt(w, h))
	// From a result's pixel to the one right of it and the one below it, in
	// the source.
	right, down := pixel, srcStride
	if o&Transpose != 0 {
		right, down = srcStride, pixel
	}
	at := 0
	if o&FlipX != 0 {
		at += (size.X - 1) * right
		right = -right
	}
	if o&FlipY != 0 {
		at += (size.Y - 1) * down
		down = -down
	}
	if right == pixel {
		for y := range size.Y {
			copy(dst[y*dstStride:][:size.X*pixel], src[at+y*down:])
		}
		return
	}
	block := size.X
	if o&Transpose != 0 {
		block = orientBlock
	}
	for x := 0; x < size.X; x += block {
		n := min(block, size.X-x)
		for y := range size.Y {
			d := dst[y*dstStride+x*pixel:][:n*pixel]
			gather(d, src, at+x*right+y*down, right, pixel)
		}
	}
}

// gather fills dst with pixels, the first at src[at], each next step bytes on.
func gather(dst, src []byte, at, step, pixel int) {
	switch pixel {
	case 1:
		for i := range dst {
			dst[i] = src[at]
			at += step
		}
	case 2:
		for ; len(dst) >= 2; dst = dst[2:] {
			binary.LittleEndian.PutUint16(dst, binary.LittleEndian.Uint16(src[at:]))
			at += step
		}
	case 4:
		for ; len(dst) >= 4; dst = dst[4:] {
			binary.LittleEndian.PutUint32(dst, binary.LittleEndian.Uint32(src[at:]))
			at += step
		}
	case 8:
		for ; len(dst) >= 8; dst = dst[8:] {
			binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src[at:]))
			at += step
		}
	default:
		for ; len(dst) >= pixel; dst = dst[pixel:] {
			copy(dst[:pixel], src[at:])
			at += step
		}
	}
}
