package jp2

import "encoding/binary"

// A Mapping is one entry of the component mapping box (I.5.3.5): where the
// samples of a channel come from.
type Mapping struct {
	Component int // CMP, codestream component
	Column    int // PCOL, palette column that its values select from; Direct for none
}

// Direct is the Column of a channel that is a component as it is.
const Direct = -1

const (
	maxChannels = 65535 // what cdef can number
	maxCmapLen  = 4 * maxChannels
)

// parseCmap parses the contents of the box at off. Whether the entries point to
// something is for checkMapping.
func parseCmap(p []byte, off int64) ([]Mapping, error) {
	n := len(p) / 4
	if n == 0 || n > maxChannels || len(p)%4 != 0 {
		return nil, formatError(off, typeCmap, "%d bytes", len(p))
	}
	ms := make([]Mapping, n)
	for i := range ms {
		e := p[4*i:]
		ms[i].Component = int(binary.BigEndian.Uint16(e))
		switch e[2] { // MTYP
		case 0:
			ms[i].Column = Direct
		case 1:
			ms[i].Column = int(e[3])
		default:
			return nil, formatError(off, typeCmap, "channel %d has mapping type %d", i, e[2])
		}
	}
	return ms, nil
}

func appendCmap(dst []byte, ms []Mapping) []byte {
	return appendBox(dst, typeCmap, func(dst []byte) []byte {
		for _, m := range ms {
			dst = binary.BigEndian.AppendUint16(dst, uint16(m.Component))
			if m.Column == Direct {
				dst = append(dst, 0, 0)
			} else {
				dst = append(dst, 1, byte(m.Column))
			}
		}
		return dst
	})
}

// checkMapping returns the mapping of an image with so many components and its
// palette, which may be nil. The second result is a warning when something had
// to be put right. off is where the cmap box is.
func checkMapping(
	ms []Mapping, components int, pal *Palette, off int64,
) ([]Mapping, string, error) {
	columns := 0
	if pal != nil {
		columns = len(pal.Columns)
	}
	used := make([]bool, columns)
	for i, m := range ms {
		if m.Component >= components {
			return nil, "", formatError(off, typeCmap,
				"channel %d is of component %d of %d", i, m.Component, components)
		}
		if m.Column == Direct {
			continue
		}
		if m.Column >= columns {
			return nil, "", formatError(off, typeCmap,
				"channel %d is of palette column %d of %d", i, m.Column, columns)
		}
		used[m.Column] = true
	}
	// Some encoders write one good entry and zeros after it. With one component
	// there is only one thing that a palette can mean; OpenJPEG sees it likewise.
	if components == 1 {
		for _, u := range used {
			if !u {
				return wholePalette(pal), "palette columns left out of cmap", nil
			}
		}
	}
	return ms, "", nil
}

// wholePalette maps component 0 through every column.
func wholePalette(pal *Palette) []Mapping {
	ms := make([]Mapping, len(pal.Columns))
	for i := range ms {
		ms[i].Column = i
	}
	return ms
}
