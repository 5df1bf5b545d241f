// This file implements the JP2 header superbox (I.5.3) and what JPX adds to
// it: the codestream header (jpch) and compositing layer header (jplh) boxes,
// whose contents take the place of the JP2 header's for one codestream and one
// layer (M.5.2 and M.11.6 of Part 2).

package jp2

import "github.com/stria-j2k/stria/codestream"

// A header is what one header superbox says. Nil fields were not in it.
type header struct {
	ihdr       *imageHeader
	ihdrOff    int64
	bpcc       []Depth
	colors     []Color
	broken     []Space // what profiles that were left out say they are for
	palette    *Palette
	paletteOff int64  // of the pclr box
	deeper     string // a warning about its columns; empty: none
	mapping    []Mapping
	mappingOff int64 // of the cmap box
	defs       []Channel
	defsOff    int64 // of the cdef box
	unread     bool  // there is one that cannot be read; defs is nil
	resolution Resolution
}

// contentLimit is how many bytes the contents of a header box can have by the
// standard; 0 for boxes that are not read.
func contentLimit(t string) int64 {
	switch t {
	case typeIhdr:
		return ihdrLen
	case typeBpcc:
		return maxComponents + 1 // one more, to be noticed
	case typeColr:
		return maxColr
	case typePclr:
		return maxPclrLen
	case typeCmap:
		return maxCmapLen + 4 // likewise
	case typeCdef:
		return maxCdefLen
	case typeResc, typeResd:
		return resLen
	}
	return 0
}

// read parses box b into h, if it is one that belongs there and h has none
// yet. Boxes that the picture does not hang on become warnings when they are
// wrong.
func (p *parser) read(h *header, b Box) error {
	limit := contentLimit(b.Type)
	if limit == 0 {
		return nil
	}
	off := b.Payload.Off
	if b.Type == typeColr {
		if b.Payload.Len > limit-p.colored {
			p.warn(off, typeColr, "left out, it has %d bytes", b.Payload.Len)
			return nil
		}
		p.colored += b.Payload.Len
	}
	data, err := p.bytes(off, int(min(b.Payload.Len, limit)))
	if err != nil {
		return readError(off, b.Type, err)
	}
	again := false
	switch b.Type {
	case typeIhdr:
		if again = h.ihdr != nil; again {
			break
		}
		ihdr, err := parseIhdr(data, off)
		if err != nil {
			return err
		}
		h.ihdr, h.ihdrOff = &ihdr, off
		if ihdr.Compression != jpeg2000 {
			p.warn(off, typeIhdr, "compression type %d", ihdr.Compression)
		}
	case typeBpcc:
		if again = h.bpcc != nil; again {
			break
		}
		depths, err := parseBpcc(data, off)
		if err != nil {
			p.warnError(err)
		}
		h.bpcc = depths
	case typeColr:
		c, note, err := parseColr(data, off)
		if err != nil {
			p.warnError(err)
			break
		}
		if note != "" {
			p.warn(off, typeColr, "%s", note)
		}
		c.Box = b.Span
		if (c.Method == RestrictedICC || c.Method == AnyICC) && c.ICC == nil {
			if profile, err := ParseProfile(data[colrHead:]); err == nil && profile.device() != 0 {
				h.broken = append(h.broken, profile.device())
			}
		}
		h.colors = append(h.colors, c)
		p.colors = append(p.colors, c)
	case typePclr:
		if again = h.palette != nil; again {
			break
		}
		h.palette, h.deeper, err = parsePclr(data, off)
		h.paletteOff = off
	case typeCmap:
		if again = h.mapping != nil; again {
			break
		}
		h.mapping, err = parseCmap(data, off)
		h.mappingOff = off
	case typeCdef:
		if again = h.defs != nil; again {
			break
		}
		defs, err := parseCdef(data, off)
		if err != nil {
			p.warnError(err)
			h.unread, h.defsOff = true, off
			break
		}
		h.defs, h.defsOff, h.unread = defs, off, false
	case typeResc, typeResd:
		d, err := parseDensity(data, b.Type, off)
		if err != nil {
			p.warnError(err)
		} else if b.Type == typeResc {
			h.resolution.Capture = d
		} else {
			h.resolution.Display = d
		}
	}
	if again {
		p.warn(off, b.Type, "left out, there is one already")
	}
	return err
}

// over lays h over base: what h has takes the place of what base has.
func (h header) over(base header) header {
	if h.ihdr != nil {
		base.ihdr, base.ihdrOff, base.bpcc = h.ihdr, h.ihdrOff, h.bpcc
	}
	if h.bpcc != nil {
		base.bpcc = h.bpcc
	}
	if h.colors != nil {
		base.colors, base.broken = h.colors, h.broken
	}
	if h.palette != nil {
		base.palette, base.paletteOff, base.deeper = h.palette, h.paletteOff, h.deeper
	}
	if h.mapping != nil {
		base.mapping, base.mappingOff = h.mapping, h.mappingOff
	}
	if h.defs != nil {
		base.defs, base.defsOff, base.unread = h.defs, h.defsOff, false
	} else if h.unread && base.defs == nil {
		base.defsOff, base.unread = h.defsOff, true
	}
	if h.resolution.Capture.Known() {
		base.resolution.Capture = h.resolution.Capture
	}
	if h.resolution.Display.Known() {
		base.resolution.Display = h.resolution.Display
	}
	return base
}

// checkComponents compares the headers of file and codestream. Two sizes mean
// that one of them is damaged, and nothing says which: an error. About the
// components the codestream knows better.
func (p *parser) checkComponents(h *header, cs *codestream.Header) error {
	if h.ihdr.Size != cs.Bounds.Size() {
		return formatError(h.ihdrOff, typeIhdr, "the image is %dx%d, in the codestream %dx%d",
			h.ihdr.Size.X, h.ihdr.Size.Y, cs.Bounds.Dx(), cs.Bounds.Dy())
	}
	if h.ihdr.Components != len(cs.Components) {
		p.warn(h.ihdrOff, typeIhdr, "%d components, the codestream has %d",
			h.ihdr.Components, len(cs.Components))
		return nil
	}
	for i, c := range cs.Components {
		d := h.ihdr.Depth
		if d.Bits == 0 {
			if i >= len(h.bpcc) {
				p.warn(h.ihdrOff, typeIhdr, "nothing says the depth of component %d", i)
				return nil
			}
			d = h.bpcc[i]
		}
		if d != (Depth{Bits: c.Depth, Signed: c.Signed}) {
			p.warn(h.ihdrOff, typeIhdr, "component %d is not as deep as in the codestream", i)
			return nil
		}
	}
	return nil
}

// channels finds the image's channels: what h and its palette make of the
// codestream's components.
func (p *parser) channels(h *header, components int) ([]Mapping, error) {
	if h.mapping == nil {
		if h.palette == nil {
			return identity(components), nil
		}
		// I.5.3.4 wants a cmap with every palette. With one component it is clear
		// what would be in it.
		if components == 1 {
			p.warnColors(h.paletteOff, typePclr, "no cmap, every column is taken to be a channel")
			h.mapping = wholePalette(h.palette)
			return h.mapping, nil
		}
		p.warnColors(h.paletteOff, typePclr, "left out, there is no cmap")
		h.palette = nil
		return identity(components), nil
	}
	ms, note, err := checkMapping(h.mapping, components, h.palette, h.mappingOff)
	if note != "" {
		p.warnColors(h.mappingOff, typeCmap, "%s", note)
	}
	h.mapping = ms
	return ms, err
}
