package encode

// This file implements carrying over the metadata of a JPEG 2000 image.

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"

	"github.com/stria-j2k/stria/jp2"
)

// MetadataOf reads the Exif and the XMP in f's UUID boxes, for a file that is to
// have them, too. Profile and density are left to the source. What claims to be
// Exif and is not a TIFF structure is left out, and so is, as an error that
// matches errors.ErrUnsupported, what is longer than 16 MiB.
//
// Nothing in it is changed. Among it is how viewers are to turn the picture: one
// that has been turned already needs [Metadata.Upright].
func MetadataOf(f *jp2.File) (Metadata, error) {
	var m Metadata
	for _, id := range []jp2.UUID{jp2.EXIF, jp2.AdobeEXIF} {
		exif, err := readUUID(f, id)
		if err != nil {
			return Metadata{}, err
		}
		// Some writers put in front what a JPEG has in front.
		exif = bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
		if m.Exif == nil && tiffOrder(exif) != nil {
			m.Exif = exif
		}
	}
	xmp, err := readUUID(f, jp2.XMP)
	if err != nil {
		return Metadata{}, err
	}
	m.XMP = xmp
	return m, nil
}

// readUUID reads the first UUID box of that kind: nil if there is none.
func readUUID(f *jp2.File, id jp2.UUID) ([]byte, error) {
	r, err := f.FindUUID(id)
	if err != nil || r == nil || r.Size() == 0 {
		return nil, err
	}
	if r.Size() > maxBoxBytes {
		return nil, unsupported("%d bytes of metadata", r.Size())
	}
	data, err := io.ReadAll(r)
	if err == nil && int64(len(data)) < r.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("encode: reading metadata: %w", err)
	}
	return data, nil
}

// tiffOrder is the byte order of a TIFF structure, nil if p is none (TIFF 6.0,
// section 2).
func tiffOrder(p []byte) binary.ByteOrder {
	switch {
	case len(p) < 8:
	case string(p[:4]) == "II*\x00":
		return binary.LittleEndian
	case string(p[:4]) == "MM\x00*":
		return binary.BigEndian
	}
	return nil
}

// xmpOrientation is the property as an attribute or as an element.
var xmpOrientation = regexp.MustCompile(`(tiff:Orientation(?:\s*=\s*["']|>\s*))[2-8]`)

// Upright returns m with Exif and XMP saying that the picture is to be shown as it
// is. m's own are left as they are.
func (m Metadata) Upright() Metadata {
	if len(m.XMP) > 0 {
		m.XMP = xmpOrientation.ReplaceAll(m.XMP, []byte("${1}1"))
	}
	order := tiffOrder(m.Exif)
	if order == nil {
		return m
	}
	at := int64(order.Uint32(m.Exif[4:])) // of the first directory
	if at+2 > int64(len(m.Exif)) {
		return m
	}
	const orientation, entry = 274, 12
	for n := range int64(order.Uint16(m.Exif[at:])) {
		e := at + 2 + entry*n
		if e+entry > int64(len(m.Exif)) {
			break
		}
		if order.Uint16(m.Exif[e:]) == orientation && order.Uint16(m.Exif[e+2:]) == tiffShort {
			m.Exif = bytes.Clone(m.Exif)
			order.PutUint16(m.Exif[e+8:], 1)
			break
		}
	}
	return m
}
