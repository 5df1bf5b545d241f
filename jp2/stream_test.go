package jp2

import (
	"encoding/binary"
	"image"

	"github.com/stria-j2k/stria/codestream"
)

// A testComponent is a component of a testStream; zero values are 8 bits, 1x1.
type testComponent struct {
	Depth
	sub image.Point
}

// components gives n components of 8 bits.
func components(n int) []testComponent { return make([]testComponent, n) }

// A testStream is a codestream with one empty tile.
type testStream struct {
	size       image.Point
	origin     image.Point
	components []testComponent
	mct        bool
}

func (s testStream) bytes() []byte {
	be := binary.BigEndian
	var b []byte
	segment := func(m codestream.Marker, body []byte) {
		b = be.AppendUint16(b, uint16(m))
		b = be.AppendUint16(b, uint16(len(body)+2))
		b = append(b, body...)
	}
	b = be.AppendUint16(b, uint16(codestream.SOC))
	siz := be.AppendUint16(nil, 0)
	for _, v := range []int{
		s.origin.X + s.size.X, s.origin.Y + s.size.Y, s.origin.X, s.origin.Y,
		s.origin.X + s.size.X, s.origin.Y + s.size.Y, 0, 0,
	} {
		siz = be.AppendUint32(siz, uint32(v))
	}
	siz = be.AppendUint16(siz, uint16(len(s.components)))
	for _, c := range s.components {
		if c.Bits == 0 {
			c.Bits = 8
		}
		if c.sub == (image.Point{}) {
			c.sub = image.Pt(1, 1)
		}
		siz = append(siz, c.wire(), byte(c.sub.X), byte(c.sub.Y))
	}
	segment(codestream.SIZ, siz)
	segment(codestream.COD, []byte{0, 0, 0, 1, flag(s.mct), 0, 4, 4, 0, 1})
	segment(codestream.QCD, []byte{0x40, 8 << 3})
	segment(codestream.SOT, []byte{0, 0, 0, 0, 0, 14, 0, 1})
	b = be.AppendUint16(b, uint16(codestream.SOD))
	return be.AppendUint16(b, uint16(codestream.EOC))
}

// ihdr is the image header that belongs to s.
func (s testStream) ihdr() imageHeader {
	return imageHeader{Size: s.size, Components: len(s.components),
		Depth: Depth{Bits: 8}, Compression: jpeg2000}
}

// join concatenates boxes.
func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// box is a box of type t around parts.
func box(t string, parts ...[]byte) []byte {
	return appendBox(nil, t, func(b []byte) []byte { return append(b, join(parts...)...) })
}

var testFtyp = fileType{Brand: "jp2 ", Compatible: []string{"jp2 "}}

// wrap is a JP2 file around s with these boxes in its header after ihdr.
func wrap(s testStream, header ...[]byte) []byte {
	return join([]byte(signature), testFtyp.append(nil),
		box(typeJP2H, s.ihdr().append(nil), join(header...)),
		box(typeJP2C, s.bytes()))
}

func enumerated(s Space) Color { return Color{Method: Enumerated, Space: s} }

// testICC is the header of a profile and tail zeros.
func testICC(space string, tail int) []byte {
	p := make([]byte, iccHeader+tail)
	binary.BigEndian.PutUint32(p, uint32(len(p)))
	p[8], p[9] = 4, 0x30
	copy(p[12:], "mntr")
	copy(p[16:], space)
	copy(p[20:], "XYZ ")
	copy(p[36:], "acsp")
	return p
}
