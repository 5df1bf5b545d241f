package raster

import (
	"encoding/binary"
	"sync"
)

// This file implements opacity: taking it out of colours that were multiplied
// by it, and showing colours on a background.

// Unpremultiply8 divides the colours of pixels of four bytes by their opacity,
// in place, rounded and clamped. What cannot be seen becomes black.
func Unpremultiply8(pix []byte) {
	inverse := inverses()
	for ; len(pix) >= 4; pix = pix[4:] {
		p := (*[4]byte)(pix)
		a := p[3]
		if a == 255 {
			continue
		}
		inv, half := inverse[a], uint64(a/2)
		p[0] = uint8(min((uint64(p[0])*255+half)*inv>>32, 255))
		p[1] = uint8(min((uint64(p[1])*255+half)*inv>>32, 255))
		p[2] = uint8(min((uint64(p[2])*255+half)*inv>>32, 255))
	}
}

// inverses are 2^32/a, rounded up, and 0 for none. Multiplying by one is exact
// division for all that has 16 bits.
var inverses = sync.OnceValue(func() *[256]uint64 {
	t := new([256]uint64)
	for a := 1; a < len(t); a++ {
		t[a] = (1<<32-1)/uint64(a) + 1
	}
	return t
})

// Unpremultiply16 is Unpremultiply8 for big-endian 16-bit channels.
func Unpremultiply16(pix []byte) {
	for ; len(pix) >= 8; pix = pix[8:] {
		a := uint64(binary.BigEndian.Uint16(pix[6:]))
		if a == 65535 {
			continue
		}
		for i := 0; i < 6; i += 2 {
			v := uint64(0)
			if a > 0 {
				v = min((uint64(binary.BigEndian.Uint16(pix[i:]))*65535+a/2)/a, 65535)
			}
			binary.BigEndian.PutUint16(pix[i:], uint16(v))
		}
	}
}

// Flatten8 shows pixels of four bytes, the last of them straight opacity, on a
// background and makes them opaque, in place.
func Flatten8(pix []byte, background [3]uint8) {
	const both = 0x00FF00FF
	rb := uint32(background[0]) | uint32(background[2])<<16
	g := uint32(background[1])
	for ; len(pix) >= 4; pix = pix[4:] {
		p := binary.LittleEndian.Uint32(pix)
		a := p >> 24
		if a == 255 {
			continue
		}
		// (c*a + b*(255-a)) / 255, rounded, for red and blue at once.
		x := p&both*a + rb*(255-a) + 0x00800080
		x = (x + x>>8&both) >> 8 & both
		y := p>>8&0xFF*a + g*(255-a) + 0x80
		y = (y + y>>8) & 0xFF00
		binary.LittleEndian.PutUint32(pix, x|y|0xFF000000)
	}
}

// Flatten16 is Flatten8 for big-endian 16-bit channels.
func Flatten16(pix []byte, background [3]uint16) {
	for ; len(pix) >= 8; pix = pix[8:] {
		a := uint64(binary.BigEndian.Uint16(pix[6:]))
		for i, b := range background {
			c := uint64(binary.BigEndian.Uint16(pix[2*i:]))
			v := c*a + uint64(b)*(65535-a) + 32768
			binary.BigEndian.PutUint16(pix[2*i:], uint16((v+v>>16)>>16))
		}
		binary.BigEndian.PutUint16(pix[6:], 65535)
	}
}
