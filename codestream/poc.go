// This file implements POC, the progression order changes (A.6.6).

package codestream

import "encoding/binary"

// parsePOC reads the changes of one POC segment. Ends past what the image has
// are cut to it: of components here, of layers by [codingSet.over].
func parsePOC(f *fields, components int) ([]ProgressionChange, error) {
	size := 7
	if components >= 257 {
		size = 9
	}
	if n := f.left(); n == 0 || n%size != 0 {
		return nil, f.errorf("its length of %d bytes is not that of whole changes", n+2)
	}
	list := make([]ProgressionChange, 0, f.left()/size)
	for f.left() > 0 {
		p := ProgressionChange{ResolutionStart: f.u8(), ComponentStart: f.component(components)}
		p.LayerEnd, p.ResolutionEnd = f.u16(), f.u8()
		p.ComponentEnd = f.component(components)
		p.Progression = Progression(f.u8())
		if p.ComponentEnd == 0 { // Table A.32: 256 or 16384 do not fit
			p.ComponentEnd = components
		}
		p.ComponentEnd = min(p.ComponentEnd, components)
		if p.Progression > CPRL {
			return nil, f.errorf("change %d has progression order %d", len(list), p.Progression)
		}
		if p.LayerEnd == 0 || p.ResolutionStart >= p.ResolutionEnd ||
			p.ResolutionEnd > maxLevels+1 || p.ComponentStart >= p.ComponentEnd {
			return nil, f.errorf("change %d has layers to %d, resolutions %d to %d, components %d to %d",
				len(list), p.LayerEnd, p.ResolutionStart, p.ResolutionEnd,
				p.ComponentStart, p.ComponentEnd)
		}
		list = append(list, p)
	}
	return list, f.finish()
}

// appendPOC appends as many POC segments as the list needs for so many
// components.
func appendPOC(dst []byte, components int, list []ProgressionChange) []byte {
	const most = 7000 // in one segment
	for len(list) > 0 {
		n := min(len(list), most)
		dst = appendSegment(dst, POC, func(b []byte) []byte {
			for _, p := range list[:n] {
				b = append(b, byte(p.ResolutionStart))
				b = appendComponent(b, components, p.ComponentStart)
				b = binary.BigEndian.AppendUint16(b, uint16(p.LayerEnd))
				b = append(b, byte(p.ResolutionEnd))
				b = appendComponent(b, components, p.ComponentEnd)
				b = append(b, byte(p.Progression))
			}
			return b
		})
		list = list[n:]
	}
	return dst
}
