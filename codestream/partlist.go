// This file implements the first level of the index: where the tile-parts are,
// from TLM or from a walk from SOT to SOT.

package codestream

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// A partList is the tile-parts known so far, in codestream order. It grows while
// tiles are asked for, and is not safe for concurrent use.
type partList struct {
	r io.ReaderAt
	h *Header

	parts []part
	tiles []partTile // by tile; nil before the first tile-part

	fromTLM bool // parts are TLM's, and not yet seen to be there
	noTLM   bool // TLM is not there, or is known to be wrong

	next   int64        // where the walk goes on
	done   bool         // the walk is over
	stop   error        // what ended it, if it was not the end of the codestream
	faults error        // the first tile-part that had to be left out
	last   int          // tile of the tile-part passed last
	ahead  headerReader // the walk's reads
}

// A part is one tile-part; there may be millions.
type part struct {
	off, len int64  // within the codestream; cut to it
	prev     int32  // 1 + the one before it of the same tile, or 0
	tile     uint16 // Isot
	num      uint8  // TPsot
	cut      bool   // Psot reaches past the end of the codestream
}

// A partTile is what is known of one tile's tile-parts.
type partTile struct {
	last  int32 // 1 + the last one found, or 0
	n     uint8 // found
	total uint8 // TNsot, when told
	bad   bool  // one came that cannot follow those found
	split bool  // others lie between those found
}

// maxParts is how many tile-parts a codestream can have: 255 a tile.
const maxParts = maxTiles * maxTileParts

// maxTileParts is how many tile-parts a tile can have: TPsot is less than 255
// (Table A.6).
const maxTileParts = 255

// After a tile-part no longer than tinyPart the walk reads walkChunk bytes, as
// the next SOTs are likely to be among them, otherwise one SOT.
const (
	tinyPart  = 1 << 10
	walkChunk = 4 << 10
)

// find returns the indices in l.parts of the tile's parts, in order, and whether
// that is fewer than there should be. Before a format error ends the walk, all
// that was found stays; other errors change nothing, and the next find goes on
// where this one stopped.
func (l *partList) find(ctx context.Context, tile int) (list []int32, short bool, err error) {
	if !l.fromTLM && !l.noTLM {
		if err := l.readTLM(ctx); err != nil {
			return nil, false, err
		}
	}
	if !l.fromTLM {
		for !l.known(tile) {
			if err := l.step(ctx); err != nil {
				return nil, false, err
			}
		}
	}
	if l.tiles == nil {
		return nil, false, nil
	}
	t := l.tiles[tile]
	for i := t.last; i > 0; i = l.parts[i-1].prev {
		list = append(list, i-1)
	}
	slices.Reverse(list)
	return list, t.bad || t.n < t.total, nil
}

// known reports whether the walk can stop because nothing after it is of the
// tile.
//
// TNsot alone does not tell: Adobe's writer counts one too few, and the surplus
// tile-part of every tile is real. Where the tile-parts of a tile follow each
// other, the surplus one would be next, so the walk goes one further; where
// others lie between them, it goes to the end.
func (l *partList) known(tile int) bool {
	if l.done {
		return true
	}
	if l.tiles == nil {
		return false
	}
	t := l.tiles[tile]
	return t.bad || t.total > 0 && t.n >= t.total && !t.split && l.last != tile
}

// link appends a part; one that is not linked to its tile still counts in the
// order of tile-parts, which PPM and PLM follow.
func (l *partList) link(p part, toTile bool) {
	if l.tiles == nil {
		l.tiles = make([]partTile, l.h.NumTiles())
	}
	if toTile {
		t := &l.tiles[p.tile]
		p.prev = t.last
		t.last = int32(len(l.parts) + 1)
		t.n++
	}
	l.parts = append(l.parts, p)
}

// readTLM fills the list from TLM if there is one that makes sense. Whether it
// is true is seen when a tile-part is used, by [Index.load].
func (l *partList) readTLM(ctx context.Context) error {
	// PPM and PLM count tile-parts, which takes more trust than one SOT can
	// give: then the walk is used.
	if len(l.h.tlm) == 0 || len(l.h.ppm) > 0 || len(l.h.plm) > 0 {
		l.noTLM = true
		return nil
	}
	tiles := l.h.NumTiles()
	off, end := l.h.FirstPart, l.h.Span.End()
	t := partList{r: l.r, h: l.h, fromTLM: true}
	for _, span := range l.h.tlm {
		buf := make([]byte, span.Len)
		if err := readAt(ctx, l.r, buf, span.Off); err != nil {
			return readError(span.Off, "TLM", err)
		}
		// Entries that name no tile are of tiles with one tile-part each.
		list, err := parseTLM(&fields{marker: TLM, off: span.Off, data: buf}, len(t.parts), tiles)
		if err != nil {
			l.noTLM = true
			return nil
		}
		for _, e := range list {
			p := part{off: off, len: e.length, tile: uint16(e.tile)}
			if t.tiles != nil {
				p.num = t.tiles[e.tile].n
			}
			if p.num == 255 {
				l.noTLM = true
				return nil
			}
			if off += e.length; off > end {
				p.cut, p.len = true, max(end-p.off, 0)
			}
			t.link(p, true)
		}
	}
	*l = t
	return nil
}

// distrust throws away what TLM said.
func (l *partList) distrust() {
	if l.fromTLM {
		clear(l.tiles)
		*l = partList{r: l.r, h: l.h, noTLM: true, tiles: l.tiles}
	}
}

// fault remembers the first error that is about one tile-part only.
func (l *partList) fault(err error) {
	if l.faults == nil {
		l.faults = err
	}
}

// step passes one tile-part, or ends the walk. Errors of the data go to l.stop
// and l.faults; those returned are the source's or the context's, and change
// nothing.
func (l *partList) step(ctx context.Context) error {
	off, end := l.next, l.h.Span.End()
	if off == 0 {
		off = l.h.FirstPart
		l.last = -1
		l.ahead = headerReader{r: l.r, where: "SOT", end: end}
	}
	if end-off < 2 { // no EOC: not worth an error
		l.finish(nil)
		return nil
	}
	if len(l.parts) == maxParts {
		l.finish(unsupported(off, "SOT", "more than %d tile-parts", maxParts))
		return nil
	}
	l.ahead.chunk = sotSize
	if n := len(l.parts); n > 0 && l.parts[n-1].len <= tinyPart {
		l.ahead.chunk = walkChunk
	}
	l.ahead.ctx = ctx
	b, err := l.ahead.at(off, int(min(sotSize, end-off)))
	if err != nil {
		if errors.Is(err, ErrFormat) {
			l.finish(err)
			return nil
		}
		return err
	}
	switch m := Marker(binary.BigEndian.Uint16(b)); {
	case m == EOC:
		l.finish(nil)
		return nil
	case m != SOT:
		l.finish(formatError(off, "SOT", "there is %v in its place", m))
		return nil
	case len(b) < sotSize:
		l.finish(readError(end, "SOT", io.ErrUnexpectedEOF))
		return nil
	}
	if n := binary.BigEndian.Uint16(b[2:]); n != sotSize-2 {
		l.finish(formatError(off, "SOT", "length %d", n))
		return nil
	}
	s, err := parseSOT(&fields{marker: SOT, off: off + 4, data: b[4:]})
	if err != nil {
		l.finish(err)
		return nil
	}
	p := part{off: off, len: s.length, tile: uint16(s.tile), num: uint8(s.part)}
	switch {
	case s.length == 0:
		if p.len, err = l.rest(ctx, off); err != nil {
			return err
		}
	case off+s.length > end:
		p.len, p.cut = end-off, true
	}
	l.add(p, s)
	l.last, l.next = s.tile, off+p.len
	if s.length == 0 || p.cut {
		l.finish(nil)
	}
	return nil
}

// add takes in a tile-part that the walk found, if it can follow those of its
// tile that were found before: TPsot counts up from 0 (A.4.2).
func (l *partList) add(p part, s sot) {
	if s.tile >= l.h.NumTiles() {
		l.fault(formatError(p.off, "SOT", "tile %d of %d", s.tile, l.h.NumTiles()))
		l.link(p, false)
		return
	}
	var t partTile
	if l.tiles != nil {
		t = l.tiles[s.tile]
	}
	whole := t.total > 0 && t.n >= t.total
	if t.bad || s.part != int(t.n) || whole && !t.split && l.last != s.tile {
		l.fault(formatError(p.off, "SOT", "tile-part %d of tile %d, where %d is next",
			s.part, s.tile, t.n))
		l.link(p, false)
		l.tiles[s.tile].bad = t.bad || !whole
		return
	}
	l.link(p, true)
	r := &l.tiles[s.tile]
	r.split = t.split || t.n > 0 && l.last != s.tile
	if r.total = max(r.total, uint8(s.parts)); r.total > 0 {
		r.total = max(r.total, r.n)
	}
}

// rest is the length of a tile-part at off whose Psot is 0: to the end of the
// codestream without EOC, if that is there.
func (l *partList) rest(ctx context.Context, off int64) (int64, error) {
	n := l.h.Span.End() - off
	if n < sotSize+4 {
		return n, nil
	}
	var b [2]byte
	got, err := readUpTo(ctx, l.r, b[:], l.h.Span.End()-2)
	if err != nil {
		return 0, readError(l.h.Span.End()-2, "EOC", err)
	}
	if got == 2 && Marker(binary.BigEndian.Uint16(b[:])) == EOC {
		n -= 2
	}
	return n, nil
}

func (l *partList) finish(err error) {
	l.done, l.stop = true, err
	l.ahead = headerReader{}
	l.parts = slices.Clip(l.parts)
}
