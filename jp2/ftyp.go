// This file implements the first two boxes of a file: the signature (I.5.1)
// and the file type (I.5.2).

package jp2

import "encoding/binary"

// signature is the whole signature box, which never varies.
const signature = "\x00\x00\x00\x0cjP  \r\n\x87\n"

// maxCompatible bounds the compatibility list; real ones have at most a dozen.
const maxCompatible = 1024

// A fileType is the file type box.
type fileType struct {
	Brand      string   // BR
	Minor      uint32   // MinV
	Compatible []string // CLi
}

// parseFtyp parses the contents of the box at off.
func parseFtyp(p []byte, off int64) (fileType, error) {
	if len(p) < 8 {
		return fileType{}, formatError(off, typeFtyp, "%d bytes, needs 8", len(p))
	}
	t := fileType{Brand: string(p[:4]), Minor: binary.BigEndian.Uint32(p[4:])}
	for p = p[8:]; len(p) >= 4 && len(t.Compatible) < maxCompatible; p = p[4:] {
		t.Compatible = append(t.Compatible, string(p[:4]))
	}
	return t, nil
}

func (t fileType) append(dst []byte) []byte {
	return appendBox(dst, typeFtyp, func(dst []byte) []byte {
		dst = append(dst, t.Brand...)
		dst = binary.BigEndian.AppendUint32(dst, t.Minor)
		for _, c := range t.Compatible {
			dst = append(dst, c...)
		}
		return dst
	})
}
