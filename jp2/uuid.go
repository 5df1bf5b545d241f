package jp2

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// A UUID identifies the kind of data in a UUID box (I.7.2). It is the 16 bytes
// themselves; String writes them the usual way.
type UUID string

const uuidLen = 16

func (u UUID) String() string {
	if len(u) != uuidLen {
		return fmt.Sprintf("%x", string(u))
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x",
		string(u[:4]), string(u[4:6]), string(u[6:8]), string(u[8:10]), string(u[10:]))
}

// What well-known UUID boxes hold.
const (
	// XMP is an XMP packet (ISO 16684-1).
	XMP UUID = "\xBE\x7A\xCF\xCB\x97\xA9\x42\xE8" +
		"\x9C\x71\x99\x94\x91\xE3\xAF\xAC"
	// EXIF is a TIFF stream with EXIF tags.
	EXIF UUID = "JpgTiffExif->JP2"
	// AdobeEXIF is the same, as Photoshop writes it.
	AdobeEXIF UUID = "\x05\x37\xCD\xAB\x9D\x0C\x44\x31" +
		"\xA7\x2A\xFA\x56\x1F\x2A\x11\x3E"
	// IPTC is IPTC-NAA records.
	IPTC UUID = "\x33\xC7\xA4\xD2\xB8\x1D\x47\x23" +
		"\xA0\xBA\xF1\xA3\xE0\x97\xAD\x38"
	// GeoJP2 is a degenerate GeoTIFF.
	GeoJP2 UUID = "\xB1\x4B\xF8\xBD\x08\x3D\x4B\x43" +
		"\xA5\xAE\x8C\xD7\xD5\xA6\xCE\x03"
)

// UUID reads which kind of data the UUID box b holds, and gives a reader of
// them. Nothing of the data is read.
func (f *File) UUID(b Box) (UUID, *io.SectionReader, error) {
	if b.Type != typeUUID || b.Payload.Len < uuidLen {
		return "", nil, formatError(b.Span.Off, typeUUID,
			"%q box with %d bytes", b.Type, b.Payload.Len)
	}
	id := make([]byte, uuidLen)
	if _, err := f.r.ReadAt(id, b.Payload.Off); err != nil {
		return "", nil, readError(b.Payload.Off, typeUUID, err)
	}
	data := io.NewSectionReader(f.r, b.Payload.Off+uuidLen, b.Payload.Len-uuidLen)
	return UUID(id), data, nil
}

// FindUUID gives a reader of the data of the first UUID box of that kind among
// f.Boxes, nil when there is none.
func (f *File) FindUUID(id UUID) (*io.SectionReader, error) {
	for _, b := range f.Boxes {
		if b.Type != typeUUID || b.Payload.Len < uuidLen {
			continue
		}
		got, data, err := f.UUID(b)
		if err != nil {
			return nil, err
		}
		if got == id {
			return data, nil
		}
	}
	return nil, nil
}

// NewUUID makes a UUID box.
func NewUUID(id UUID, data []byte) RawBox {
	return RawBox{Type: typeUUID, Data: append([]byte(id), data...)}
}

// UUIDInfo is the UUID info superbox (I.7.3): where to learn about the UUIDs
// that a file uses.
type UUIDInfo struct {
	UUIDs []UUID // ulst
	URL   string // url, LOC
}

// maxURL bounds what is read of a URL.
const maxURL = 64 << 10

// UUIDInfo reads the UUID info box b, one of f's.
func (f *File) UUIDInfo(b Box) (UUIDInfo, error) {
	var u UUIDInfo
	if b.Type != typeUinf {
		return u, formatError(b.Span.Off, typeUinf, "is %q", b.Type)
	}
	for _, c := range b.Children {
		limit := int64(0)
		switch c.Type {
		case typeUlst:
			limit = 2 + uuidLen*65535
		case typeURL:
			limit = 4 + maxURL
		default:
			continue
		}
		w := window{r: f.r, size: f.size, buf: []byte{}}
		n := int(min(c.Payload.Len, limit))
		if err := w.load(c.Payload.Off, n, n); err != nil {
			return UUIDInfo{}, readError(c.Payload.Off, c.Type, err)
		}
		var err error
		if c.Type == typeUlst {
			u.UUIDs, err = parseUlst(w.buf, c.Payload.Off)
		} else {
			u.URL, err = parseURL(w.buf, c.Payload.Off)
		}
		if err != nil {
			return UUIDInfo{}, err
		}
	}
	return u, nil
}

// parseUlst parses the contents of the UUID list box (I.7.3.1) at off.
func parseUlst(p []byte, off int64) ([]UUID, error) {
	if len(p) < 2 {
		return nil, formatError(off, typeUlst, "%d bytes, needs 2", len(p))
	}
	n := int(binary.BigEndian.Uint16(p))
	if p = p[2:]; len(p) < uuidLen*n {
		return nil, formatError(off, typeUlst, "%d UUIDs in %d bytes", n, len(p))
	}
	us := make([]UUID, n)
	for i := range us {
		us[i] = UUID(p[uuidLen*i:][:uuidLen])
	}
	return us, nil
}

// parseURL parses the contents of the data entry URL box (I.7.3.2) at off.
func parseURL(p []byte, off int64) (string, error) {
	if len(p) < 4 { // VERS, FLAG
		return "", formatError(off, typeURL, "%d bytes, needs 4", len(p))
	}
	s, _, _ := strings.Cut(string(p[4:]), "\x00")
	return s, nil
}

func (u UUIDInfo) append(dst []byte) []byte {
	return appendBox(dst, typeUinf, func(dst []byte) []byte {
		dst = appendBox(dst, typeUlst, func(dst []byte) []byte {
			dst = binary.BigEndian.AppendUint16(dst, uint16(len(u.UUIDs)))
			for _, id := range u.UUIDs {
				dst = append(dst, id...)
			}
			return dst
		})
		return appendBox(dst, typeURL, func(dst []byte) []byte {
			dst = append(dst, 0, 0, 0, 0) // VERS, FLAG
			dst = append(dst, u.URL...)
			return append(dst, 0)
		})
	})
}
