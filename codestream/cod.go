// This file implements COD, the coding style default (A.6.1), and COC, the
// coding style of one component (A.6.2).

package codestream

import "encoding/binary"

// maxLevels is the largest number of decomposition levels (Table A.15).
const maxLevels = 32

// A blockCoding is what COD and COC have in common: SPcod or SPcoc and the
// precinct bit of Scod or Scoc.
type blockCoding struct {
	levels     int
	xcb, ycb   int
	style      BlockStyle
	reversible bool
	precincts  []Precinct // levels+1; shared between components
}

// over puts b over the component's coding. Quantisation stays.
func (b *blockCoding) over(c *ComponentCoding) {
	c.Levels, c.XCB, c.YCB = b.levels, b.xcb, b.ycb
	c.Style, c.Reversible, c.Precincts = b.style, b.reversible, b.precincts
}

// parseCOD reads COD. rsiz tells what of Part 2 may be asked for, which makes
// the difference between what Stria does not do and what makes no sense.
func parseCOD(f *fields, rsiz uint16) (Coding, blockCoding, error) {
	scod := f.u8()
	c := Coding{
		SOP:         scod&2 != 0,
		EPH:         scod&4 != 0,
		Progression: Progression(f.u8()),
		Layers:      f.u16(),
	}
	mct := f.u8()
	if f.short {
		return c, blockCoding{}, f.finish()
	}
	if scod&^7 != 0 {
		return c, blockCoding{}, f.part2(rsiz, "Scod is %#02x", scod)
	}
	if c.Progression > CPRL {
		return c, blockCoding{}, f.errorf("progression order %d", c.Progression)
	}
	if c.Layers == 0 {
		return c, blockCoding{}, f.errorf("no layers")
	}
	if mct > 1 {
		return c, blockCoding{}, f.part2(rsiz, "multiple component transformation %d", mct)
	}
	c.MCT = mct == 1
	b, err := parseBlockCoding(f, scod&1 != 0, rsiz)
	return c, b, err
}

// parseCOC reads COC for one of so many components.
func parseCOC(f *fields, components int, rsiz uint16) (int, blockCoding, error) {
	i, scoc := f.component(components), f.u8()
	if f.short {
		return 0, blockCoding{}, f.finish()
	}
	if i >= components {
		return 0, blockCoding{}, f.errorf("component %d of %d", i, components)
	}
	if scoc&^1 != 0 {
		return 0, blockCoding{}, f.part2(rsiz, "Scoc is %#02x", scoc)
	}
	b, err := parseBlockCoding(f, scoc != 0, rsiz)
	return i, b, err
}

func parseBlockCoding(f *fields, precincts bool, rsiz uint16) (blockCoding, error) {
	b := blockCoding{levels: f.u8(), xcb: f.u8() + 2, ycb: f.u8() + 2, style: BlockStyle(f.u8())}
	transform := f.u8()
	if f.short {
		return b, f.finish()
	}
	if b.levels > maxLevels {
		return b, f.part2(rsiz, "%d decomposition levels", b.levels)
	}
	if b.xcb > 10 || b.ycb > 10 || b.xcb+b.ycb > 12 {
		return b, f.errorf("code-blocks of 2^%d by 2^%d", b.xcb, b.ycb)
	}
	if b.style&(HT|HTMixed) == HTMixed {
		return b, f.errorf("code-block style %#02x", uint8(b.style))
	}
	if transform > 1 {
		return b, f.part2(rsiz, "transformation %d", transform)
	}
	b.reversible = transform == 1
	b.precincts = make([]Precinct, b.levels+1)
	for r := range b.precincts {
		p := Precinct{15, 15}
		if precincts {
			v := f.u8()
			p = Precinct{uint8(v & 15), uint8(v >> 4)}
		}
		// Table A.21: only the LL band may have precincts of one sample.
		if r > 0 && (p.PPx == 0 || p.PPy == 0) && !f.short {
			return b, f.errorf("precincts of 2^%d by 2^%d at resolution %d", p.PPx, p.PPy, r)
		}
		b.precincts[r] = p
	}
	return b, f.finish()
}

// part2 is about a value that Part 1 does not have: unsupported where the
// codestream says that it uses Part 2, wrong otherwise.
func (f *fields) part2(rsiz uint16, format string, args ...any) error {
	if rsiz&extended != 0 {
		return unsupported(f.off-4, f.marker.String(), format, args...)
	}
	return f.errorf(format, args...)
}

// appendCOD appends COD with the parameters of c for all components and those of
// cc, of which Quant and ROIShift have no place in it.
func appendCOD(dst []byte, c Coding, cc ComponentCoding) []byte {
	return appendSegment(dst, COD, func(b []byte) []byte {
		scod := precinctBit(cc)
		if c.SOP {
			scod |= 2
		}
		if c.EPH {
			scod |= 4
		}
		b = append(b, scod, byte(c.Progression))
		b = binary.BigEndian.AppendUint16(b, uint16(c.Layers))
		return appendBlockCoding(append(b, bit(c.MCT)), cc)
	})
}

// appendCOC appends COC for component i of so many.
func appendCOC(dst []byte, components, i int, cc ComponentCoding) []byte {
	return appendSegment(dst, COC, func(b []byte) []byte {
		b = appendComponent(b, components, i)
		return appendBlockCoding(append(b, precinctBit(cc)), cc)
	})
}

// precinctBit is 1 when the precincts have to be written: they are not all of
// the default size.
func precinctBit(cc ComponentCoding) byte {
	for _, p := range cc.Precincts {
		if p != (Precinct{15, 15}) {
			return 1
		}
	}
	return 0
}

func appendBlockCoding(b []byte, cc ComponentCoding) []byte {
	b = append(b, byte(cc.Levels), byte(cc.XCB-2), byte(cc.YCB-2), byte(cc.Style), bit(cc.Reversible))
	if precinctBit(cc) != 0 {
		for _, p := range cc.Precincts {
			b = append(b, p.PPy<<4|p.PPx)
		}
	}
	return b
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
