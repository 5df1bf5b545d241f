package encode

// This file implements the headers of a JPEG: those that are written here, and
// taking apart what libjpeg and image/jpeg write.

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math"
)

// Second bytes of markers (T.81, table B.1).
const (
	mSOF0 = 0xc0
	mRST0 = 0xd0
	mSOI  = 0xd8
	mEOI  = 0xd9
	mSOS  = 0xda
	mDRI  = 0xdd
	mAPP0 = 0xe0
	mAPP1 = 0xe1
	mAPP2 = 0xe2
	mCOM  = 0xfe
)

// maxSegment is how much a marker segment holds beside its length (B.1.1.4).
const maxSegment = 65535 - 2

// appendJFIF appends SOI and the application segments: JFIF, which has to be the
// first, Exif, XMP, and the ICC profile in as many chunks as it takes.
func appendJFIF(dst []byte, m Metadata) ([]byte, error) {
	dst = append(dst, 0xff, mSOI)

	// T.871, 10.1: version 1.02, units 1 for dots per inch, no thumbnail. Without
	// a density, units 0 and 1:1 say that pixels are square.
	units, x, y := byte(0), uint16(1), uint16(1)
	if d := m.Density; d.known() {
		units = 1
		x = uint16(min(max(math.Round(d.X), 1), 65535))
		y = uint16(min(max(math.Round(d.Y), 1), 65535))
	}
	jfif := append([]byte("JFIF\x00"), 1, 2, units)
	jfif = binary.BigEndian.AppendUint16(jfif, x)
	jfif = binary.BigEndian.AppendUint16(jfif, y)
	dst = appendSegment(dst, mAPP0, jfif, []byte{0, 0})

	// Exif 2.32, 4.7.2: APP1 with this prefix.
	if len(m.Exif) > 0 {
		const prefix = "Exif\x00\x00"
		if len(prefix)+len(m.Exif) > maxSegment {
			return nil, unsupported("%d bytes of Exif in a JPEG", len(m.Exif))
		}
		dst = appendSegment(dst, mAPP1, []byte(prefix), m.Exif)
	}

	dst = appendXMP(dst, m.XMP)

	// ICC.1:2022, B.4: chunks are numbered from 1 and say how many they are.
	const prefix = "ICC_PROFILE\x00"
	const chunk = maxSegment - len(prefix) - 2
	n := (len(m.ICC) + chunk - 1) / chunk
	if n > 255 {
		return nil, unsupported("an ICC profile of %d bytes in a JPEG", len(m.ICC))
	}
	for i := range n {
		part := m.ICC[i*chunk : min((i+1)*chunk, len(m.ICC))]
		dst = appendSegment(dst, mAPP2, append([]byte(prefix), byte(i+1), byte(n)), part)
	}
	return dst, nil
}

// appendXMP appends an XMP packet as XMP part 3, 1.1.3, has it: in one segment or,
// if it is too long for that, as an extension of a packet which says no more than
// that there is one.
func appendXMP(dst, xmp []byte) []byte {
	const prefix = "http://ns.adobe.com/xap/1.0/\x00"
	if len(xmp) == 0 {
		return dst
	}
	if len(prefix)+len(xmp) <= maxSegment {
		return appendSegment(dst, mAPP1, []byte(prefix), xmp)
	}
	// 1.1.3.1: the extension is known by its digest and has no packet wrapper.
	xmp = unwrapped(xmp)
	id := fmt.Sprintf("%X", md5.Sum(xmp))
	dst = appendSegment(dst, mAPP1, []byte(prefix), fmt.Appendf(nil,
		`<x:xmpmeta xmlns:x="adobe:ns:meta/">`+
			`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">`+
			`<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/"`+
			` xmpNote:HasExtendedXMP="%s"/></rdf:RDF></x:xmpmeta>`, id))
	const extension = "http://ns.adobe.com/xmp/extension/\x00"
	const chunk = maxSegment - len(extension) - 32 - 4 - 4
	for at := 0; at < len(xmp); at += chunk {
		head := append([]byte(extension), id...)
		head = binary.BigEndian.AppendUint32(head, uint32(len(xmp)))
		head = binary.BigEndian.AppendUint32(head, uint32(at))
		dst = appendSegment(dst, mAPP1, head, xmp[at:min(at+chunk, len(xmp))])
	}
	return dst
}

// unwrapped is an XMP packet without its processing instructions and padding (XMP
// part 1, 7.3.2).
func unwrapped(xmp []byte) []byte {
	if at := bytes.Index(xmp, []byte("?>")); at >= 0 && bytes.Contains(xmp[:at], []byte("<?xpacket")) {
		xmp = xmp[at+2:]
	}
	if at := bytes.LastIndex(xmp, []byte("<?xpacket")); at >= 0 {
		xmp = xmp[:at]
	}
	return bytes.TrimSpace(xmp)
}

// appendSegment appends a marker segment that holds head and body.
func appendSegment(dst []byte, marker byte, head, body []byte) []byte {
	dst = append(dst, 0xff, marker)
	dst = binary.BigEndian.AppendUint16(dst, uint16(2+len(head)+len(body)))
	return append(append(dst, head...), body...)
}

// appendDRI appends the segment that says how many MCUs a restart interval has
// (B.2.4.4).
func appendDRI(dst []byte, interval int) []byte {
	return appendSegment(dst, mDRI, binary.BigEndian.AppendUint16(nil, uint16(interval)), nil)
}

// afterApp returns what follows SOI and the application segments of a JPEG.
func afterApp(p []byte) ([]byte, error) {
	if !bytes.HasPrefix(p, []byte{0xff, mSOI}) || !bytes.HasSuffix(p, []byte{0xff, mEOI}) {
		return nil, errorf("what libjpeg wrote is not a whole JPEG (bug)")
	}
	p = p[2:]
	for len(p) >= 4 && p[0] == 0xff && (p[1]&0xf0 == mAPP0 || p[1] == mCOM) {
		n := 2 + int(binary.BigEndian.Uint16(p[2:]))
		if n > len(p) {
			break
		}
		p = p[n:]
	}
	return p, nil
}

// jpegParts are the parts of a JPEG with one scan. They share its memory.
type jpegParts struct {
	frame   []byte // quantization tables, frame header, Huffman tables
	scan    []byte // the scan header
	data    []byte // the entropy-coded segment
	dataEOI []byte // the same, with EOI
}

// splitJPEG takes apart what an encoder wrote and sets the height in the frame
// header, in place. It is only for what the libraries below write: anything else
// is a bug.
func splitJPEG(p []byte, height int) (jpegParts, error) {
	var parts jpegParts
	p, err := afterApp(p)
	if err != nil {
		return parts, err
	}
	for at := 0; at+4 <= len(p) && p[at] == 0xff; {
		end := at + 2 + int(binary.BigEndian.Uint16(p[at+2:]))
		if end > len(p) {
			break
		}
		switch p[at+1] {
		case mSOF0:
			binary.BigEndian.PutUint16(p[at+5:], uint16(height)) // B.2.2
		case mSOS:
			parts.frame = p[:at:at]
			parts.scan = p[at:end:end]
			parts.data = p[end : len(p)-2]
			parts.dataEOI = p[end:]
			return parts, nil
		}
		at = end
	}
	return parts, errorf("a band has no scan (bug)")
}
