// This file implements POC, the progression order changes (A.6.6).

package codestream

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
