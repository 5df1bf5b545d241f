// This file implements the main header as a whole (A.2).

package codestream

import (
	"context"
	"io"
)

// ReadHeader reads the main header of the codestream that lies at the given
// span of r, which must not reach past the end of r's data. It reads little more
// than the header, in few and small reads.
//
// Errors match [ErrFormat], [errors.ErrUnsupported] or are those of r.
func ReadHeader(r io.ReaderAt, at Span) (*Header, error) {
	d := &headerReader{
		ctx: context.Background(), r: sourceOf(r, at), where: mainHeader,
		pos: at.Off, end: at.End(), chunk: mainChunk,
	}
	h := &Header{Span: at}
	// A.4.1, A.5.1: SOC is first and SIZ second. What follows depends on SIZ.
	for _, want := range []Marker{SOC, SIZ} {
		s, err := d.next()
		if err != nil {
			return nil, err
		}
		if s.Marker != want {
			return nil, formatError(s.Span.Off, want.String(), "there is %v in its place", s.Marker)
		}
		h.Segments = append(h.Segments, s)
		if want == SIZ {
			f, err := d.fields(s)
			if err != nil {
				return nil, err
			}
			if err := parseSIZ(f, h); err != nil {
				return nil, err
			}
		}
	}
	var set codingSet
	var tlm, plm, ppm []numbered
	for {
		s, err := d.next()
		if err != nil {
			return nil, err
		}
		if s.Marker == SOT {
			h.FirstPart = s.Span.Off
			break
		}
		h.Segments = append(h.Segments, s)
		if name := s.Marker.foreign(); name != "" {
			return nil, unsupported(s.Span.Off, mainHeader, "%s", name)
		}
		switch s.Marker {
		case SOC, SIZ, PLT, PPT, SOP, EPH, SOD, EOC:
			return nil, formatError(s.Span.Off, mainHeader, "%v does not belong there", s.Marker)
		case COD, COC, QCD, QCC, RGN, POC, CAPMarker, CPF, CRG, COM:
			f, err := d.fields(s)
			if err != nil {
				return nil, err
			}
			if err := h.add(f, &set); err != nil {
				return nil, err
			}
		case TLM, PLM, PPM:
			n, err := d.number(s)
			if err != nil {
				return nil, err
			}
			switch s.Marker {
			case TLM:
				tlm = append(tlm, n)
			case PLM:
				plm = append(plm, n)
			case PPM:
				ppm = append(ppm, n)
			}
		}
	}
	return h, h.finish(&set, tlm, plm, ppm)
}

// add takes in a segment that is read at once.
func (h *Header) add(f *fields, set *codingSet) (err error) {
	if own, err := set.add(f, h); own {
		return err
	}
	switch f.marker {
	case CAPMarker:
		h.CAP, err = parseCAP(f)
	case CPF:
		h.CPF, err = parseCPF(f)
	case CRG:
		h.Registration, err = parseCRG(f, len(h.Components))
	case COM:
		var c Comment
		c, err = parseCOM(f)
		h.Comments = append(h.Comments, c)
	}
	return err
}

// finish puts together what does not come in one piece.
func (h *Header) finish(set *codingSet, tlm, plm, ppm []numbered) error {
	if set.coding == nil {
		return formatError(h.FirstPart, mainHeader, "no COD before the first tile-part")
	}
	if set.qcd == nil {
		return formatError(h.FirstPart, mainHeader, "no QCD before the first tile-part")
	}
	t := TileCoding{Components: make([]ComponentCoding, len(h.Components))}
	if err := set.over(&t); err != nil {
		return err
	}
	h.Coding, h.Progressions = t.Coding, t.Progressions
	for i, c := range t.Components {
		h.Components[i].ComponentCoding = c
	}
	var once bool
	// TLM and PLM are aids: contradictory ones are as good as none.
	if h.tlm, once = inOrder(tlm); !once {
		h.tlm = nil
	}
	if h.plm, once = inOrder(plm); !once {
		h.plm = nil
	}
	if h.ppm, once = inOrder(ppm); !once {
		return formatError(h.FirstPart, "PPM", "two segments have the same number")
	}
	return nil
}

// coding is what is in effect for a tile that says nothing itself.
func (h *Header) coding() *TileCoding {
	t := &TileCoding{
		Coding:       h.Coding,
		Components:   make([]ComponentCoding, len(h.Components)),
		Progressions: h.Progressions,
	}
	for i := range h.Components {
		t.Components[i] = h.Components[i].ComponentCoding
	}
	return t
}

// Reduces is how many resolutions can be dropped from every component: the
// smallest number of decomposition levels. A tile with coding parameters of its
// own may have fewer.
func (h *Header) Reduces() int {
	n := maxLevels
	for i := range h.Components {
		n = min(n, h.Components[i].Levels)
	}
	return n
}
