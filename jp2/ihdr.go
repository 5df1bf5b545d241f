package jp2

import (
	"encoding/binary"
	"image"
)

// Depth is how many bits a sample has, 1 to 38, and whether it is signed.
type Depth struct {
	Bits   int
	Signed bool
}

// depthOf decodes a bit depth as ihdr, bpcc and pclr have it.
func depthOf(b byte) Depth { return Depth{Bits: int(b&0x7F) + 1, Signed: b&0x80 != 0} }

func (d Depth) wire() byte {
	b := byte(d.Bits - 1)
	if d.Signed {
		b |= 0x80
	}
	return b
}

// An imageHeader is the image header box (I.5.3.1).
type imageHeader struct {
	Size         image.Point // WIDTH, HEIGHT: reference grid, the extent of SIZ's Bounds
	Components   int         // NC
	Depth        Depth       // BPC; zero when it varies and bpcc has it
	Compression  uint8       // C, 7 for JPEG 2000
	UnknownColor bool        // UnkC: the colour specification is a guess
	Rights       bool        // IPR: the file has an intellectual property box
}

const (
	ihdrLen        = 14
	bpcVaries byte = 255
	jpeg2000       = 7
)

// parseIhdr parses the contents of the box at off.
func parseIhdr(p []byte, off int64) (imageHeader, error) {
	if len(p) < ihdrLen {
		return imageHeader{}, formatError(off, typeIhdr, "%d bytes, needs %d", len(p), ihdrLen)
	}
	height, width := binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
	if int(width) < 0 || int(height) < 0 { // where int has 32 bits
		return imageHeader{}, unsupported(off, typeIhdr, "%dx%d", width, height)
	}
	h := imageHeader{
		Size:         image.Pt(int(width), int(height)),
		Components:   int(binary.BigEndian.Uint16(p[8:])),
		Compression:  p[11],
		UnknownColor: p[12] != 0,
		Rights:       p[13] != 0,
	}
	if p[10] != bpcVaries {
		h.Depth = depthOf(p[10])
	}
	return h, nil
}

func (h imageHeader) append(dst []byte) []byte {
	return appendBox(dst, typeIhdr, func(dst []byte) []byte {
		dst = binary.BigEndian.AppendUint32(dst, uint32(h.Size.Y))
		dst = binary.BigEndian.AppendUint32(dst, uint32(h.Size.X))
		dst = binary.BigEndian.AppendUint16(dst, uint16(h.Components))
		bpc := bpcVaries
		if h.Depth.Bits > 0 {
			bpc = h.Depth.wire()
		}
		return append(dst, bpc, h.Compression, flag(h.UnknownColor), flag(h.Rights))
	})
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
