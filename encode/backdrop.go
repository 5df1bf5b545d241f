package encode

// This file implements what formats with 8 bits and without transparency do to
// pixels that have more.

import "image/color"

// narrow rounds the 16-bit big-endian samples of src to 8 bits. dst may be the
// beginning of src.
func narrow(dst, src []byte) {
	for i := range dst {
		// Exactly the rounded v * 255 / 65535.
		v := uint32(src[2*i])<<8 | uint32(src[2*i+1])
		dst[i] = uint8((v*255 + 32895) >> 16)
	}
}

// A backdrop is the colour behind transparent pixels, with 16 bits a sample.
type backdrop [3]uint32

// newBackdrop returns the backdrop of that colour: white if it is nil.
func newBackdrop(c color.Color) backdrop {
	if c == nil {
		c = color.White
	}
	n := color.NRGBA64Model.Convert(c).(color.NRGBA64)
	return backdrop{uint32(n.R), uint32(n.G), uint32(n.B)}
}

// flatten8 makes the pixels of row, in NRGBA8, opaque by laying them over bg.
func (bg backdrop) flatten8(row []byte) {
	back := [3]uint32{(bg[0]*255 + 32895) >> 16, (bg[1]*255 + 32895) >> 16, (bg[2]*255 + 32895) >> 16}
	for i := 0; i+4 <= len(row); i += 4 {
		p := row[i : i+4 : i+4]
		a := uint32(p[3])
		if a == 255 {
			continue
		}
		for c := range back {
			// Exactly the rounded quotient by 255.
			v := uint32(p[c])*a + back[c]*(255-a) + 128
			p[c] = uint8((v + v>>8) >> 8)
		}
		p[3] = 255
	}
}

// flatten16 makes the pixels of row, in NRGBA16, opaque by laying them over bg.
func (bg backdrop) flatten16(row []byte) {
	for i := 0; i+8 <= len(row); i += 8 {
		p := row[i : i+8 : i+8]
		a := uint64(p[6])<<8 | uint64(p[7])
		if a == 65535 {
			continue
		}
		for c := range bg {
			v := uint64(p[2*c])<<8 | uint64(p[2*c+1])
			v = (v*a + uint64(bg[c])*(65535-a) + 32767) / 65535
			p[2*c], p[2*c+1] = uint8(v>>8), uint8(v)
		}
		p[6], p[7] = 255, 255
	}
}
