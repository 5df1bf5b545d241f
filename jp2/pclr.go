package jp2

import (
	"encoding/binary"
	"fmt"
)

// A Palette is the palette box (I.5.3.4): what the values of a component stand
// for. A value beyond the last entry means the last one.
type Palette struct {
	Columns []Column // 1 to 255
}

// A Column is one generated component of a palette.
type Column struct {
	Depth
	Values []int32 // 1 to 1024, as many in each column
}

// Entries is the number of entries: 1 to 1024.
func (p *Palette) Entries() int { return len(p.Columns[0].Values) }

const (
	maxEntries = 1024
	maxColumns = 255
	// maxColumnBits is what an int32 holds. Deeper columns are legal.
	maxColumnBits = 31
	maxPclrLen    = 3 + maxColumns + maxEntries*maxColumns*5
)

// parsePclr parses the contents of the box at off. The second result is a warning.
//
// Values lie in whole bytes, in the low-order bits (I.5.3.4). Some encoders, Adobe's
// among them, write the depth of the indexes for that of the columns: values then
// reach beyond it, and they have as many bits as the bytes. What holds for one
// column is taken to hold for all that are said to be as deep: a column may have
// small values only.
func parsePclr(p []byte, off int64) (pal *Palette, warning string, err error) {
	pal, beyond, err := parseColumns(p, off, 0)
	if err != nil || beyond == 0 {
		return pal, "", err
	}
	wide, _, err := parseColumns(p, off, beyond)
	if err != nil {
		return nil, "", err
	}
	for i, c := range pal.Columns {
		if w := wide.Columns[i]; w.Depth != c.Depth {
			return wide, fmt.Sprintf("values of columns that are said to have %s reach beyond, the columns are taken to have %d",
				plural(c.Bits, "bit"), w.Bits), nil
		}
	}
	return pal, "", nil
}

// A depthSet is some of the depths of 1 to maxColumnBits bits.
type depthSet uint32

func (s depthSet) has(d Depth) bool { return s>>d.Bits&1 != 0 }

// parseColumns parses the contents of the box. Columns with a depth of wide have
// as many bits as their bytes. beyond is the depths with a value that has bits
// above them.
func parseColumns(p []byte, off int64, wide depthSet) (pal *Palette, beyond depthSet, err error) {
	if len(p) < 3 {
		return nil, 0, formatError(off, typePclr, "%d bytes, needs 3", len(p))
	}
	entries, columns := int(binary.BigEndian.Uint16(p)), int(p[2])
	if entries < 1 || entries > maxEntries || columns < 1 {
		return nil, 0, formatError(off, typePclr, "%d entries of %d columns", entries, columns)
	}
	if len(p) < 3+columns {
		return nil, 0, formatError(off, typePclr, "%d bytes, has %d columns", len(p), columns)
	}
	depths := p[3 : 3+columns]
	p = p[3+columns:]
	row := 0 // bytes of an entry
	for i, b := range depths {
		d := depthOf(b)
		if d.Bits > 38 {
			return nil, 0, formatError(off, typePclr, "column %d has %d bits", i, d.Bits)
		}
		if d.Bits > maxColumnBits {
			return nil, 0, unsupported(off, typePclr, "column %d has %d bits", i, d.Bits)
		}
		row += (d.Bits + 7) / 8
	}
	if len(p) < entries*row {
		return nil, 0, formatError(off, typePclr, "%d bytes of values, needs %d", len(p), entries*row)
	}
	pal = &Palette{Columns: make([]Column, columns)}
	values := make([]int32, entries*columns)
	for i := range pal.Columns {
		c := &pal.Columns[i]
		if c.Depth = depthOf(depths[i]); wide.has(c.Depth) {
			c.Bits = min((c.Bits+7)/8*8, maxColumnBits)
		}
		c.Values, values = values[:entries:entries], values[entries:]
	}
	for e := range entries {
		for i := range pal.Columns {
			c := &pal.Columns[i]
			n := (c.Bits + 7) / 8
			var v uint32
			for _, b := range p[:n] {
				v = v<<8 | uint32(b)
			}
			p = p[n:]
			// The value is in the low-order bits; those above are padding: zeros
			// or the sign.
			shift := 32 - c.Bits
			if c.Signed {
				c.Values[e] = int32(v<<shift) >> shift
			} else {
				c.Values[e] = int32(v << shift >> shift)
			}
			signed := uint32(c.Values[e]) << (32 - 8*n) >> (32 - 8*n)
			if v != v<<shift>>shift && !(c.Signed && v == signed) {
				beyond |= 1 << c.Bits
			}
		}
	}
	return pal, beyond, nil
}

func (p *Palette) append(dst []byte) []byte {
	return appendBox(dst, typePclr, func(dst []byte) []byte {
		dst = binary.BigEndian.AppendUint16(dst, uint16(p.Entries()))
		dst = append(dst, byte(len(p.Columns)))
		for _, c := range p.Columns {
			dst = append(dst, c.wire())
		}
		for e := range p.Entries() {
			for _, c := range p.Columns {
				v := uint32(c.Values[e])
				v = v << (32 - c.Bits) >> (32 - c.Bits)
				for n := (c.Bits + 7) / 8; n > 0; n-- {
					dst = append(dst, byte(v>>(8*(n-1))))
				}
			}
		}
		return dst
	})
}
