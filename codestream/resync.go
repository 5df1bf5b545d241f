// This file implements going on after a damaged packet where SOP markers tell
// which packet begins where (A.8.1).

package codestream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
)

const (
	sopSize = 6
	// sopPacket is the least a packet with SOP takes.
	sopPacket = sopSize + 1
	// maxAhead is by how much a number may be ahead of the one expected, which
	// tells it from one that is behind: numbers have 16 bits.
	maxAhead = 1 << 15
)

var (
	errNoSOP   = errors.New("its end is not where the next SOP is")
	errLostSOP = errors.New("lost between SOP markers")
)

// inStep is whether a scan may judge packets by SOP: COD announces it, headers
// are not packed away, and so far each packet had one, numbered as it should be.
//
// That is checked before a packet is believed. A marker that is missing can be
// legal, since not every packet needs one; so then the rest of the tile is read,
// and nobody is given any of it before. If it all fits it was legal. Otherwise
// the tile is read again by its SOP markers.
type inStep struct {
	yes   bool
	lost  bool  // it was, and then not
	count int64 // packets that were read
}

// loseStep says that a packet has no SOP, or a wrong one.
func (s *packetScan) loseStep() {
	if s.step.yes = false; s.step.count == 0 {
		return
	}
	s.step.lost = true
	s.t.mu.Lock()
	s.t.suspect = true
	s.t.mu.Unlock()
}

// again reports whether a tile that ends so should be read by its SOP markers.
func (s *packetScan) again(damage error) bool {
	if s.t.resync || s.t.plain {
		return false
	}
	if s.step.lost {
		return damage != nil || s.body.offset() < s.body.limit
	}
	return s.step.yes && s.step.count > 0 && damage != nil && damage != s.t.cut
}

// nextSOP is the number of the SOP marker segment at a stream's position.
func (l *lookahead) nextSOP() (number uint16, ok bool) {
	if l.need(sopSize) < sopSize || !bytes.HasPrefix(l.buf[l.pos:], sopPrefix()) {
		return 0, false
	}
	return binary.BigEndian.Uint16(l.buf[l.pos+4:]), true
}

// sopPrefix is what comes before the number.
func sopPrefix() []byte { return []byte{0xFF, 0x91, 0, 4} }

// findSOP moves to the next SOP marker segment from off on. It reports false if
// there is none.
func (l *lookahead) findSOP(off int64) (at int64, number uint16, ok bool) {
	for l.seek(off); l.need(sopSize) >= sopSize; l.seek(off) {
		b := l.buf[l.pos:]
		if i := bytes.Index(b[:len(b)-2], sopPrefix()); i >= 0 {
			return l.offset() + int64(i), binary.BigEndian.Uint16(b[i+4:]), true
		}
		off = l.offset() + int64(len(b)) - sopSize + 1
	}
	return 0, 0, false
}

// findPacket finds the first SOP from off on that can be that of packet n or a
// later one. It believes one that is where it should be; any other only if the
// one after it has the next number.
func (l *lookahead) findPacket(off, n int64) (at int64, ahead int64, ok bool) {
	at, number, ok := l.findSOP(off)
	for ok {
		if at == off && number == uint16(n) {
			return at, 0, true
		}
		next, after, more := l.findSOP(at + sopSize)
		ahead = int64(number - uint16(n))
		// So many packets need their bytes.
		if fits := ahead < maxAhead && (n+ahead)*sopPacket <= at; fits && (more && after == number+1 || !more && ahead == 0) {
			return at, ahead, true
		}
		at, number, ok = next, after, more
	}
	return 0, 0, false
}

// resync reads all packets of the tile by their SOP markers. Of a precinct with
// a packet that is lost or damaged nothing is read from its layer on.
func (s *packetScan) resync(ctx context.Context) error {
	s.body.ctx = ctx
	t, l := s.t, s.body
	spent := int64(0) // on headers that proved to be wrong
	off, n := int64(0), int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if off >= l.limit {
			s.finish(t.cut)
			return nil
		}
		at, ahead, ok := l.findPacket(off, n)
		if l.err != nil {
			return l.err
		}
		for range ahead {
			id, exists := s.order.next()
			if !exists {
				s.finish(t.wrong)
				return nil
			}
			s.lose(id, off, errLostSOP)
		}
		id, exists := s.order.next()
		switch {
		case !exists:
			s.finish(nil)
			return nil
		case !ok || spent > 4*l.limit:
			s.lose(id, off, errLostSOP)
			s.finish(t.wrong)
			return nil
		}
		n += ahead + 1
		off = at + sopSize
		if t.bad.get(id.component, id.resolution, id.precinct) != 0 {
			continue
		}
		l.seek(off)
		body, err := s.header(id)
		if l.err != nil {
			return l.err
		}
		end := body + s.rec.body
		if err == nil && end != l.limit {
			err = errNoSOP
			if end < l.limit {
				l.seek(end)
				if number, ok := l.nextSOP(); ok && number == uint16(n) {
					err = nil
				}
			}
			if l.err != nil {
				return l.err
			}
		}
		if err != nil {
			spent += max(body-off, 0) + sopSize
			s.lose(id, off, err)
			delete(s.state, id.key())
			continue
		}
		if err := s.store(id, body); err != nil {
			s.finish(err)
			return nil
		}
		off = end
	}
}

// lose says that a packet is damaged or lost, and that this is at off.
func (s *packetScan) lose(id packetID, off int64, err error) {
	t := s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bad.get(id.component, id.resolution, id.precinct) == 0 {
		t.bad.set(t.geometry, id.component, id.resolution, id.precinct, uint32(id.layer+1))
	}
	if t.wrong == nil {
		t.wrong = &FormatError{Offset: t.stream.offset(off), Where: "packet header", Err: err}
	}
	t.frontier, t.begun = id, true
}
