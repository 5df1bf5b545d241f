// This file implements the coding segments of one header, main or tile's, and
// which of them wins (A.6).

package codestream

// A codingSet is the coding segments COD, COC, QCD, QCC, RGN and POC of one
// header: the main header, or the tile-part headers of one tile. Where a segment
// comes twice the later one counts, as in other decoders: files that repeat COD
// exist.
type codingSet struct {
	coding *Coding // with cod: COD; nil when there is none
	cod    blockCoding
	coc    map[int]blockCoding
	qcd    *Quantization
	qcc    map[int]Quantization
	rgn    map[int]int
	poc    []ProgressionChange

	off int64 // of the last of them, for errors about all
}

// add reads a segment into the set and reports whether it belongs there.
func (s *codingSet) add(f *fields, h *Header) (bool, error) {
	n := len(h.Components)
	var err error
	var i int
	switch f.marker {
	case COD:
		var c Coding
		if c, s.cod, err = parseCOD(f, h.Rsiz); err == nil {
			s.coding = &c
		}
	case COC:
		var b blockCoding
		if i, b, err = parseCOC(f, n, h.Rsiz); err == nil {
			set(&s.coc, i, b)
		}
	case QCD:
		var q Quantization
		if q, err = parseQCD(f); err == nil {
			s.qcd = &q
		}
	case QCC:
		var q Quantization
		if i, q, err = parseQCC(f, n); err == nil {
			set(&s.qcc, i, q)
		}
	case RGN:
		var shift int
		if i, shift, err = parseRGN(f, n, h.Rsiz); err == nil {
			set(&s.rgn, i, shift)
		}
	case POC:
		var list []ProgressionChange
		list, err = parsePOC(f, n)
		s.poc = append(s.poc, list...)
	default:
		return false, nil
	}
	s.off = f.off - 4
	return true, err
}

func set[V any](m *map[int]V, i int, v V) {
	if *m == nil {
		*m = make(map[int]V)
	}
	(*m)[i] = v
}

// empty reports whether the header said nothing about coding.
func (s *codingSet) empty() bool {
	return s.coding == nil && s.qcd == nil && s.poc == nil && s.coc == nil &&
		s.qcc == nil && s.rgn == nil
}

// over puts the set over t, which holds what is in effect without it, and checks
// what only all of it together can show. It changes the elements of
// t.Components, which must be t's own; other slices are replaced.
//
// A tile's COC wins over its COD, that over the main header's COC, and that over
// the main header's COD (A.6.1, A.6.2); QCC, QCD and RGN likewise. It follows
// that a COD replaces what every component had, and a COC then one of them.
func (s *codingSet) over(t *TileCoding) error {
	if s.coding != nil {
		t.Coding = *s.coding
	}
	if s.poc != nil {
		t.Progressions = s.poc
	}
	for i := range t.Components {
		c := &t.Components[i]
		if s.coding != nil {
			s.cod.over(c)
		}
		if b, ok := s.coc[i]; ok {
			b.over(c)
		}
		if s.qcd != nil {
			c.Quant = *s.qcd
		}
		if q, ok := s.qcc[i]; ok {
			c.Quant = q
		}
		if shift, ok := s.rgn[i]; ok {
			c.ROIShift = shift
		}
		// More steps than sub-bands are left: one QCD serves all components,
		// and a tile's COD may have more levels.
		if n := 3*c.Levels + 1; c.Quant.Style != Derived && len(c.Quant.Steps) < n {
			return formatError(s.off, "QCD",
				"%d step sizes for the %d sub-bands of component %d",
				len(c.Quant.Steps), n, i)
		}
	}
	// Without three components there is nothing to transform; some encoders set
	// the flag all the same, and decoders skip it.
	t.MCT = t.MCT && len(t.Components) >= 3
	t.Progressions = cutLayers(t.Progressions, t.Layers)
	return nil
}

// cutLayers cuts the ends of progression changes to the number of layers.
func cutLayers(list []ProgressionChange, layers int) []ProgressionChange {
	cut := make([]ProgressionChange, len(list))
	for i, p := range list {
		p.LayerEnd = min(p.LayerEnd, layers)
		cut[i] = p
	}
	if len(cut) == 0 {
		return nil
	}
	return cut
}
