// This file implements the walk over the boxes of a file.

package jp2

import (
	"errors"
	"fmt"

	"github.com/stria-j2k/stria/codestream"
)

const (
	maxBoxes    = 4096 // listed; a file can have more
	maxDepth    = 8    // of boxes in boxes
	maxWarnings = 64
)

// A parser opens one file.
type parser struct {
	window
	boxes    int // met so far
	warnings []Warning
	colors   []Color // every colr box, wherever it is
	colored  int64   // bytes of their contents

	ftyp      *fileType
	jp2h      *header
	jpch      *header            // the first: it is about the first codestream
	jplh      *header            // the first
	stray     header             // what should have been in jp2h
	stream    *codestream.Header // of the first codestream
	fragments bool               // a fragment table or a movie: codestreams are elsewhere
}

func (p *parser) warn(off int64, where, format string, args ...any) {
	if len(p.warnings) < maxWarnings {
		p.warnings = append(p.warnings,
			Warning{Offset: off, Box: where, Text: fmt.Sprintf(format, args...)})
	}
}

// warnColors is warn for what the colours hang on. It is called a few times at most,
// when everything has been read, and there is always room.
func (p *parser) warnColors(off int64, where, format string, args ...any) {
	p.warnings = append(p.warnings,
		Warning{Offset: off, Box: where, Text: fmt.Sprintf(format, args...), Colors: true})
}

// warnError notes an error about the data that is not worth failing for.
func (p *parser) warnError(err error) {
	var fe *codestream.FormatError
	if errors.As(err, &fe) {
		p.warn(fe.Offset, fe.Where, "%v", fe.Err)
	} else {
		p.warn(0, "box", "%v", err)
	}
}

// imageFault reports whether err is about the data, not about reading them.
func imageFault(err error) bool {
	return errors.Is(err, codestream.ErrFormat) || errors.Is(err, errors.ErrUnsupported)
}

// complete reports whether all that the picture needs has been met.
func (p *parser) complete() bool {
	return p.stream != nil && (p.jp2h != nil || p.jpch != nil)
}

// next reads the box header at off, inside something that ends at end.
func (p *parser) next(off, end int64) (Box, uint64, error) {
	if p.boxes++; p.boxes > maxBoxes {
		return Box{}, 0, formatError(off, "box", "more than %d boxes", maxBoxes)
	}
	head, err := p.bytes(off, int(min(end-off, maxBoxHeader)))
	if err != nil {
		return Box{}, 0, readError(off, "box", err)
	}
	return parseBoxHeader(head, off, end)
}

// file walks the boxes of the file. It ends at a second codestream: the boxes
// there are about other images.
func (p *parser) file() ([]Box, error) {
	var list []Box
	for off := int64(len(signature)); off < p.size; {
		b, over, err := p.next(off, p.size)
		if err != nil {
			if p.complete() && imageFault(err) {
				p.warnError(err)
				break
			}
			return nil, err
		}
		if over > 0 {
			p.warn(off, b.Type, "runs %d bytes past the end of the file", over)
		}
		if b.Type == typeJP2C && p.complete() {
			p.warn(off, typeJP2C, "further codestreams are left out")
			break
		}
		if err := p.top(&b); err != nil {
			return nil, err
		}
		list = append(list, b)
		off = b.Span.End()
	}
	return list, nil
}

// top takes in one box of the file.
func (p *parser) top(b *Box) error {
	var err error
	switch b.Type {
	case typeFtyp:
		if p.ftyp != nil {
			p.warn(b.Span.Off, typeFtyp, "left out, there is one already")
			return nil
		}
		n := int(min(b.Payload.Len, 8+4*maxCompatible))
		data, err := p.bytes(b.Payload.Off, n)
		if err != nil {
			return readError(b.Payload.Off, typeFtyp, err)
		}
		t, err := parseFtyp(data, b.Payload.Off)
		if err != nil {
			return err
		}
		p.ftyp = &t
	case typeJP2H:
		b.Children, err = p.headerBox(b, &p.jp2h, 1)
	case typeJpch:
		b.Children, err = p.headerBox(b, &p.jpch, 1)
	case typeJplh:
		b.Children, err = p.headerBox(b, &p.jplh, 1)
	case typeJP2C:
		// At once, while it is in the window.
		if p.stream == nil {
			p.stream, err = codestream.ReadHeader(p, b.Payload)
		}
	case typeFtbl, typeMoov:
		p.fragments = true
	case typeRes:
		b.Children, err = p.children(*b, 1, func(c Box) error { return p.misplaced(c) })
	case typeIhdr, typeBpcc, typeColr, typePclr, typeCmap, typeCdef:
		err = p.misplaced(*b)
	default:
		if superbox(b.Type) {
			b.Children, err = p.list(*b, 1)
		}
	}
	return err
}

// misplaced reads a box of jp2h that is beside it: some encoders write such
// files and other readers take them.
func (p *parser) misplaced(b Box) error {
	if contentLimit(b.Type) == 0 {
		return nil
	}
	p.warn(b.Span.Off, b.Type, "outside jp2h")
	err := p.read(&p.stray, b)
	if err != nil && imageFault(err) {
		p.warnError(err)
		return nil
	}
	return err
}

// headerBox reads a header superbox, the first of its kind into *h, and lists
// the boxes in it.
func (p *parser) headerBox(b *Box, h **header, depth int) ([]Box, error) {
	into := new(header)
	if *h == nil {
		*h = into
	} else if b.Type == typeJP2H {
		p.warn(b.Span.Off, b.Type, "left out, there is one already")
	}
	return p.headerChildren(*b, into, depth)
}

// headerChildren reads the boxes in b into h.
func (p *parser) headerChildren(b Box, h *header, depth int) ([]Box, error) {
	var list []Box
	for off, end := b.Payload.Off, b.Payload.End(); off < end; {
		if end-off < 8 {
			p.warn(off, b.Type, "%d stray bytes at its end", end-off)
			break
		}
		c, over, err := p.next(off, end)
		if err != nil {
			return nil, err
		}
		if over > 0 {
			return nil, formatError(off, c.Type, "runs %d bytes past the end of %s", over, b.Type)
		}
		switch c.Type {
		case typeRes:
			c.Children, err = p.children(c, depth+1, func(r Box) error { return p.read(h, r) })
		case typeCgrp: // colr boxes of a compositing layer
			c.Children, err = p.children(c, depth+1, func(r Box) error { return p.read(h, r) })
		default:
			err = p.read(h, c)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		off = c.Span.End()
	}
	return list, nil
}

// list lists the boxes in b and in those.
func (p *parser) list(b Box, depth int) ([]Box, error) {
	return p.children(b, depth, func(Box) error { return nil })
}

// children lists the boxes in b, which the picture does not hang on, and calls
// each with them: what is wrong with them becomes a warning.
func (p *parser) children(b Box, depth int, each func(Box) error) ([]Box, error) {
	if depth > maxDepth {
		p.warn(b.Span.Off, b.Type, "boxes in it are not listed, they are too deep")
		return nil, nil
	}
	var list []Box
	for off, end := b.Payload.Off, b.Payload.End(); off < end; {
		c, over, err := p.next(off, end)
		if err == nil {
			if over > 0 {
				p.warn(off, c.Type, "runs %d bytes past the end of %s", over, b.Type)
			}
			err = each(c)
		}
		if err == nil && superbox(c.Type) {
			c.Children, err = p.children(c, depth+1, each)
		}
		if err != nil {
			if !imageFault(err) || p.boxes > maxBoxes {
				return nil, err
			}
			p.warnError(err)
			break
		}
		list = append(list, c)
		off = c.Span.End()
	}
	return list, nil
}
