// This file implements the tile-part headers of a tile (A.2, A.4.2, A.4.3).

package codestream

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"unsafe"
)

// A tileHeaders is what the tile-part headers of one tile say. It is immutable.
type tileHeaders struct {
	parts  []TilePart
	order  []int32 // of each part, its place among all of the codestream
	coding *TileCoding
	plt    [][]Span // of each part: the payloads of PLT after Zplt, in order
	ppt    [][]Span // of each part: the payloads of PPT after Zppt, in order

	damage error // why the last part is truncated, or nil
	err    error // what is wrong with the tile as a whole; then the rest is empty
}

// size is roughly how many bytes t takes.
func (t *tileHeaders) size() int {
	n := int(unsafe.Sizeof(*t)) + 64 // and its place in a map
	n += len(t.parts) * int(unsafe.Sizeof(TilePart{})+unsafe.Sizeof(int32(0))+48)
	for i := range t.parts {
		n += (len(t.plt[i]) + len(t.ppt[i])) * int(unsafe.Sizeof(Span{}))
	}
	return n + t.coding.size()
}

func (t *TileCoding) size() int {
	if t == nil {
		return 0
	}
	// Steps and precincts are mostly shared with other components or tiles.
	return len(t.Components)*int(unsafe.Sizeof(ComponentCoding{})) +
		len(t.Progressions)*int(unsafe.Sizeof(ProgressionChange{}))
}

// errTLM says that TLM does not tell the truth.
var errTLM = errors.New("TLM is wrong (bug)")

// load finds a tile's parts and reads their headers. The error is of the source
// or the context; what is wrong with the data is in the result.
func (x *Index) load(ctx context.Context, tile int) (*tileHeaders, error) {
	t, err := x.tryLoad(ctx, tile)
	if err == errTLM {
		if err := x.locate(ctx); err != nil {
			return nil, err
		}
		x.list.distrust()
		x.unlocate()
		t, err = x.tryLoad(ctx, tile)
	}
	return t, err
}

func (x *Index) tryLoad(ctx context.Context, tile int) (*tileHeaders, error) {
	if err := x.locate(ctx); err != nil {
		return nil, err
	}
	order, short, err := x.list.find(ctx, tile)
	if err != nil {
		x.unlocate()
		return nil, err
	}
	parts := make([]part, len(order))
	for i, k := range order {
		parts[i] = x.list.parts[k]
	}
	tlm := x.list.fromTLM
	stop, fault, at := x.list.stop, x.list.faults, max(x.list.next, x.h.FirstPart)
	x.unlocate()

	t := &tileHeaders{order: order}
	var set codingSet
	told := 0 // the largest TNsot
	for i, p := range parts {
		poc := len(set.poc)
		s, err := x.readPart(ctx, p, t, &set)
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
		if tlm {
			if !s.is(p, x.h.Span.End()) {
				return nil, errTLM
			}
			told = max(told, s.parts)
		}
		if err != nil {
			if i == 0 || errors.Is(err, errors.ErrUnsupported) {
				return &tileHeaders{err: err}, nil
			}
			// What came before can be used.
			t.order = order[:i]
			if set.poc = set.poc[:poc]; poc == 0 {
				set.poc = nil
			}
			t.damage = err
			break
		}
		if p.cut {
			t.damage = readError(p.off+p.len, "tile-part", io.ErrUnexpectedEOF)
		}
	}
	// TLM may name too few, which only TNsot can show. Where that says nothing,
	// the walk is the safe way.
	if tlm && (len(parts) < told || told == 0) {
		return nil, errTLM
	}
	if t.damage == nil && short {
		t.damage = cmp.Or(stop, fault,
			formatError(at, "SOT", "a tile-part of tile %d is missing", tile))
	}
	if len(parts) == 0 && !x.h.hollow(tile) {
		err := cmp.Or(stop, fault, formatError(at, "SOT", "tile %d has no tile-part", tile))
		return &tileHeaders{err: err}, nil
	}
	if len(t.parts) > 0 {
		t.parts[len(t.parts)-1].Truncated = t.damage != nil
	}
	t.coding = x.base()
	if !set.empty() {
		own := *t.coding
		own.Components = slices.Clone(own.Components)
		if err := set.over(&own); err != nil {
			return &tileHeaders{err: err}, nil
		}
		t.coding = &own
	}
	return t, nil
}

// readPart reads the header of one tile-part, appends what it says to t and adds
// its coding segments to set. SOT is returned even when what follows is wrong.
func (x *Index) readPart(ctx context.Context, p part, t *tileHeaders, set *codingSet) (sot, error) {
	d := &headerReader{
		ctx: ctx, r: x.r, where: partHeader,
		pos: p.off, end: p.off + p.len, chunk: partChunk,
	}
	first, err := d.next()
	if err != nil {
		return sot{}, err
	}
	if first.Marker != SOT {
		return sot{}, formatError(p.off, "SOT", "there is %v in its place", first.Marker)
	}
	f, err := d.fields(first)
	if err != nil {
		return sot{}, err
	}
	s, err := parseSOT(f)
	if err != nil {
		return sot{}, err
	}
	var plt, ppt []numbered
	// A tile-part of nothing but SOT has no SOD either.
	for s.length != sotSize {
		seg, err := d.next()
		if err != nil {
			return s, err
		}
		if seg.Marker == SOD {
			break
		}
		if name := seg.Marker.foreign(); name != "" {
			return s, unsupported(seg.Span.Off, partHeader, "%s", name)
		}
		switch m := seg.Marker; m {
		case SOC, SIZ, CAPMarker, CPF, PRF, TLM, PLM, PPM, CRG, SOT, SOP, EPH, EOC:
			return s, formatError(seg.Span.Off, partHeader, "%v does not belong there", m)
		case PLT, PPT:
			n, err := d.number(seg)
			if err != nil {
				return s, err
			}
			if m == PLT {
				plt = append(plt, n)
			} else {
				ppt = append(ppt, n)
			}
		case COD, COC, QCD, QCC, RGN, POC:
			if s.part > 0 && m != POC {
				return s, formatError(seg.Span.Off, partHeader,
					"%v belongs in the first tile-part", m)
			}
			f, err := d.fields(seg)
			if err != nil {
				return s, err
			}
			if _, err := set.add(f, x.h); err != nil {
				return s, err
			}
		}
	}
	if len(ppt) > 0 && len(x.h.ppm) > 0 {
		return s, formatError(ppt[0].span.Off, "PPT", "PPM is there already")
	}
	heads, once := inOrder(ppt)
	if !once {
		return s, formatError(p.off, "PPT", "two segments have the same number")
	}
	lengths, once := inOrder(plt)
	if !once { // contradictory ones are as good as none
		lengths = nil
	}
	t.parts = append(t.parts, TilePart{
		Tile: int(p.tile), Part: int(p.num),
		Header: Span{p.off, d.pos - p.off},
		Body:   Span{d.pos, p.off + p.len - d.pos},
	})
	t.plt, t.ppt = append(t.plt, lengths), append(t.ppt, heads)
	return s, nil
}
