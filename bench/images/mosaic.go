// This file implements tiled images that are too large to compress: a smaller one's
// tiles, over and over.

package images

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
)

// A Mosaic is a bare codestream of Across by Down tiles, which are the whole
// tiles of another image repeated. Their data does not depend on where they
// lie, as long as a tile's sides are multiples of 2^levels.
type Mosaic struct {
	Name         string
	Of           Image
	Across, Down int
}

// Gigapixel is a tiled image of 1,074 megapixels, three components.
var Gigapixel = Mosaic{"tiled-lossy-1074.j2k", TiledLossy, 32, 32}

// File is the path of the image in the folder dir, made if it is not there yet.
func (m Mosaic) File(dir string) (string, error) {
	return derive(dir, m.Name, m.Of, m.write)
}

func (m Mosaic) write(w io.Writer, f *jp2.File) error {
	h := f.Header
	read := func(s codestream.Span) ([]byte, error) {
		p := make([]byte, s.Len)
		_, err := f.Source().ReadAt(p, s.Off)
		return p, err
	}
	// The main header, without TLM and with another size (A.5.1: Xsiz and Ysiz
	// follow the marker, Lsiz and Rsiz).
	if _, err := w.Write([]byte{0xFF, 0x4F}); err != nil {
		return err
	}
	for _, s := range h.Segments {
		if s.Marker == codestream.SOC || s.Marker == codestream.TLM {
			continue
		}
		p, err := read(s.Span)
		if err != nil {
			return err
		}
		if s.Marker == codestream.SIZ {
			binary.BigEndian.PutUint32(p[6:], uint32(m.Across*h.FirstTile.Dx()))
			binary.BigEndian.PutUint32(p[10:], uint32(m.Down*h.FirstTile.Dy()))
		}
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	wholeAcross, wholeDown := h.Bounds.Dx()/h.FirstTile.Dx(), h.Bounds.Dy()/h.FirstTile.Dy()
	if wholeAcross == 0 || wholeDown == 0 {
		return fmt.Errorf("images: %s has no whole tile", m.Of.Name)
	}
	for tile := range m.Across * m.Down {
		from := tile/m.Across%wholeDown*h.TilesAcross() + tile%m.Across%wholeAcross
		parts, err := f.Index().TileParts(context.Background(), from)
		if err != nil {
			return err
		}
		for _, part := range parts {
			p, err := read(codestream.Span{Off: part.Header.Off, Len: part.Body.End() - part.Header.Off})
			if err != nil {
				return err
			}
			binary.BigEndian.PutUint16(p[4:], uint16(tile)) // A.4.2: Isot
			if _, err := w.Write(p); err != nil {
				return err
			}
		}
	}
	_, err := w.Write([]byte{0xFF, 0xD9})
	return err
}
