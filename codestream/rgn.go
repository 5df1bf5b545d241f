// This file implements RGN, the region of interest segment (A.6.3).

package codestream

// parseRGN reads RGN for one of so many components and returns the component and
// the shift.
func parseRGN(f *fields, components int, rsiz uint16) (i, shift int, err error) {
	i = f.component(components)
	style := f.u8()
	shift = f.u8()
	if err := f.finish(); err != nil {
		return 0, 0, err
	}
	if i >= components {
		return 0, 0, f.errorf("component %d of %d", i, components)
	}
	if style != 0 { // Table A.25: implicit (maxshift) is the only one of Part 1
		return 0, 0, f.part2(rsiz, "region of interest style %d", style)
	}
	return i, shift, nil
}

// appendRGN appends RGN for component i of so many.
func appendRGN(dst []byte, components, i, shift int) []byte {
	return appendSegment(dst, RGN, func(b []byte) []byte {
		return append(appendComponent(b, components, i), 0, byte(shift))
	})
}
