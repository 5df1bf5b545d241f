package jp2

import (
	"encoding/binary"
	"fmt"

	"github.com/stria-j2k/stria/codestream"
)

// A Box is one box of the file (I.4): where it is, and the boxes in it if it is
// a superbox whose contents this package knows to be boxes.
type Box struct {
	Type     string          // TBox, four characters with their spaces: "jp2h", "xml "
	Span     codestream.Span // the whole box in the source
	Payload  codestream.Span // its contents, DBox
	Children []Box           // in order; nil when there are none
}

// The boxes that matter here, by their types.
const (
	typeSignature = "jP  "
	typeFtyp      = "ftyp"
	typeJP2H      = "jp2h"
	typeIhdr      = "ihdr"
	typeBpcc      = "bpcc"
	typeColr      = "colr"
	typePclr      = "pclr"
	typeCmap      = "cmap"
	typeCdef      = "cdef"
	typeRes       = "res "
	typeResc      = "resc"
	typeResd      = "resd"
	typeJP2C      = "jp2c"
	typeXML       = "xml "
	typeUUID      = "uuid"
	typeUinf      = "uinf"
	typeUlst      = "ulst"
	typeURL       = "url "
	typeJpch      = "jpch" // codestream header (JPX)
	typeJplh      = "jplh" // compositing layer header (JPX)
	typeCgrp      = "cgrp" // colour group (JPX)
	typeAsoc      = "asoc" // association (JPX)
	typeFtbl      = "ftbl" // fragment table (JPX)
	typeMoov      = "moov" // movie (Motion JPEG 2000)
)

// superbox reports whether boxes of type t contain boxes and nothing else.
func superbox(t string) bool {
	switch t {
	case typeJP2H, typeRes, typeUinf, typeJpch, typeJplh, typeCgrp, typeAsoc,
		typeFtbl:
		return true
	}
	return false
}

// maxBoxHeader is the length of the longest box header: LBox, TBox and XLBox.
const maxBoxHeader = 16

// parseBoxHeader parses the box header at the start of p, which is at off in
// the source and inside something that ends at end. A box that says to be
// longer is clipped; the second result is by how many bytes.
func parseBoxHeader(p []byte, off, end int64) (Box, uint64, error) {
	if len(p) < 8 {
		return Box{}, 0, formatError(off, "box", "%d bytes left, a box has at least 8", len(p))
	}
	b := Box{Type: string(p[4:8])}
	length, head := uint64(binary.BigEndian.Uint32(p)), int64(8)
	switch length {
	case 0: // to the end of the file (I.4); here: of what the box is in
		length = uint64(end - off)
	case 1:
		if len(p) < maxBoxHeader {
			return Box{}, 0, formatError(off, "box", "%q ends before its XLBox", b.Type)
		}
		length, head = binary.BigEndian.Uint64(p[8:]), maxBoxHeader
	}
	if length < uint64(head) {
		return Box{}, 0, formatError(off, "box", "%q has length %d", b.Type, length)
	}
	var over uint64
	if room := uint64(end - off); length > room {
		over, length = length-room, room
	}
	b.Span = codestream.Span{Off: off, Len: int64(length)}
	b.Payload = codestream.Span{Off: off + head, Len: int64(length) - head}
	return b, over, nil
}

// appendBoxHeader appends the header of a box with n bytes of contents. With a
// negative n it is the last box of the file and as long as that turns out.
func appendBoxHeader(dst []byte, t string, n int64) []byte {
	switch {
	case n < 0:
		dst = binary.BigEndian.AppendUint32(dst, 0)
		return append(dst, t...)
	case n+8 <= 0xFFFFFFFF:
		dst = binary.BigEndian.AppendUint32(dst, uint32(n+8))
		return append(dst, t...)
	}
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = append(dst, t...)
	return binary.BigEndian.AppendUint64(dst, uint64(n)+maxBoxHeader)
}

// A RawBox is a box whose contents are in memory, to be written.
type RawBox struct {
	Type string // four characters
	Data []byte
}

func (b RawBox) append(dst []byte) []byte {
	dst = appendBoxHeader(dst, b.Type, int64(len(b.Data)))
	return append(dst, b.Data...)
}

// Raw reads the box b, one of f's, to be written elsewhere. Boxes with more
// than limit bytes of contents are refused, unread.
func (f *File) Raw(b Box, limit int64) (RawBox, error) {
	if b.Payload.Len > limit {
		return RawBox{}, fmt.Errorf("jp2: %q box at offset %d has %d bytes, more than %d",
			b.Type, b.Span.Off, b.Payload.Len, limit)
	}
	w := window{r: f.r, size: f.size}
	n := int(b.Payload.Len)
	if err := w.load(b.Payload.Off, n, n); err != nil {
		return RawBox{}, readError(b.Payload.Off, b.Type, err)
	}
	return RawBox{Type: b.Type, Data: w.buf}, nil
}

// appendBox appends a box whose contents are what body appends.
func appendBox(dst []byte, t string, body func([]byte) []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, t...)
	dst = body(dst)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}
