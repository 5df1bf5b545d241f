// This file implements the second level of the index: where the packets of a
// tile are, found by reading their headers in order of progression.

package codestream

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"sync"

	"github.com/stria-j2k/stria/internal/grid"
)

// A packetIndex is the packets of all tiles that were asked for. The zero value
// is ready.
type packetIndex struct {
	mu    sync.Mutex
	tiles map[int]*tilePackets
	done  compactTiles // instead of tiles
	held  int64        // bytes that tiles takes, as counted
}

// get gives what is known of a tile's packets: one of the two, or neither.
func (p *packetIndex) get(tile int) (*tilePackets, []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tiles[tile], p.done.get(tile)
}

// A tilePackets is the packets of one tile, as far as they are known. What is
// known is read under mu; whoever adds to it also holds scanning.
type tilePackets struct {
	tile     int
	coding   *TileCoding
	geometry *tileGeometry
	order    *progressionOrder
	stream   *tileStream // the tile-parts' bodies
	packed   *tileStream // packet headers, when they are not among the bodies
	cut      error       // why the stream ends before the tile does, or nil
	fault    error       // of the tile as a whole, from a sidecar; then that is all
	compact  bool        // made of a compact one
	counted  int64       // what it takes, as in the index's sum and under its lock

	// scanning has room for one: whoever put something in may use scan. It is a
	// channel so that waiting for it can be cancelled.
	scanning chan struct{}
	scan     *packetScan // nil before the first and after the last packet
	spare    *packetScan // one that is over, whose memory can be used
	lengths  lengthsUse  // what is made of PLT or PLM

	mu       sync.RWMutex
	store    blockStore
	frontier packetID // the last packet that was read
	begun    bool     // frontier is valid
	done     bool     // there are no more packets
	damage   error    // why there are not, when there should be
	surplus  bool     // there are bytes after the last packet

	// Where PLT or PLM tell the lengths of packets, there are jumps instead of a
	// frontier.
	jumps *packetJumps
	read  directory // layers that were read of a precinct
	heads int64     // packets that were read by jumping

	// What is damaged where the others are not, for lengths or SOP tell.
	bad     directory // 1 + the layer from which on a precinct is damaged
	wrong   error     // what is wrong with the first of them
	plain   bool      // SOP markers are not to be used
	suspect bool      // SOP markers cast doubt on what was read
	resync  bool      // packets are found by SOP markers
}

// packets returns what is known of a tile's packets, which may be nothing yet.
func (x *Index) packets(ctx context.Context, tile int) (*tilePackets, error) {
	t, data := x.packet.get(tile)
	if t != nil {
		return t, t.fault
	}
	if data != nil {
		return x.expand(tile, data)
	}
	t, err := x.newTilePackets(ctx, tile)
	if err != nil {
		return nil, err
	}
	size := t.size()
	x.packet.mu.Lock()
	defer x.packet.mu.Unlock()
	if first := x.packet.tiles[tile]; first != nil {
		return first, nil
	}
	if data := x.packet.done.get(tile); data != nil {
		return x.expand(tile, data)
	}
	if x.packet.tiles == nil {
		x.packet.tiles = make(map[int]*tilePackets)
	}
	x.packet.tiles[tile] = t
	t.counted = size
	x.packet.held += size
	return t, nil
}

// Prepare reads the headers of a tile's parts, unless its packets are known in some
// way. Whoever will soon want many tiles can prepare several at the same time, for
// [Index.Select] reads those of one after the other.
func (x *Index) Prepare(ctx context.Context, tile int) error {
	if err := x.exists(tile); err != nil {
		return err
	}
	if t, data := x.packet.get(tile); t != nil || data != nil {
		return nil
	}
	_, err := x.packets(ctx, tile)
	return err
}

func (x *Index) newTilePackets(ctx context.Context, tile int) (*tilePackets, error) {
	parts, err := x.TileParts(ctx, tile)
	if err != nil {
		return nil, err
	}
	coding, err := x.TileCoding(ctx, tile)
	if err != nil {
		return nil, err
	}
	cut, err := x.tileDamage(ctx, tile)
	if err != nil {
		return nil, err
	}
	heads, packed, err := x.packedHeaders(ctx, tile)
	if err != nil {
		return nil, err
	}
	t, err := newTilePackets(x.h, tile, coding)
	if err != nil {
		return nil, err
	}
	t.cut = cut
	bodies := make([]Span, len(parts))
	for i := range parts {
		bodies[i] = parts[i].Body
	}
	t.stream = newTileStream(x.r, bodies)
	if packed {
		t.packed = newMemoryStream(heads)
	}
	return t, nil
}

// newTilePackets makes a tilePackets without its streams.
func newTilePackets(h *Header, tile int, coding *TileCoding) (*tilePackets, error) {
	t := &tilePackets{tile: tile, coding: coding, scanning: make(chan struct{}, 1)}
	t.geometry = newTileGeometry(grid.RectOf(h.TileBounds(tile)), h.subsampling(), coding.Components)
	for i := range coding.Components {
		// Part 15, Table A.4: reserved, so that the lengths of blocks tell the kinds
		// apart.
		if s := coding.Components[i].Style; s&HTMixed != 0 && s&(Bypass|TermAll) != 0 {
			return nil, unsupported(h.Span.Off, "COD",
				"code-block style %#02x: blocks of both kinds in one component, and passes that end segments", uint8(s))
		}
	}
	order, ok := newProgressionOrder(t.geometry, coding)
	if !ok {
		return nil, unsupported(h.Span.Off, "POC", "%d progression changes for %d components",
			len(coding.Progressions), len(coding.Components))
	}
	t.order = order
	return t, nil
}

const (
	stateFloor  = 12 << 20
	stateFactor = 64
)

// maxState is what the state of precincts may take while packet headers are
// read: stateFloor, and stateFactor for each byte of the tile.
func maxState(t *tilePackets) int64 {
	return grid.AddSat(stateFloor, grid.MulSat(stateFactor, t.stream.size))
}

// A packetScan reads the packet headers of a tile one after the other.
type packetScan struct {
	t       *tilePackets
	order   *progression
	next    packetID
	pending *packetID // next, when it was taken from order but not read yet
	broken  bool      // a read failed within a packet header
	body    *lookahead
	head    *lookahead // body, unless headers are packed
	bits    bitReader
	rec     packetRecord
	memory  stateMemory

	only   precinctState // with one layer; else state
	state  map[precinctKey]*precinctState
	most   int // that state ever had: a map does not shrink
	spare  []*precinctState
	recent *resolutionCache // nil when it rests

	precinct precinct // the one of the packet
	step     inStep   // with SOP
}

type precinctKey struct {
	component, resolution int32
	precinct              int64
}

// A resolutionCache keeps resolutions that come up again and again.
type resolutionCache struct {
	g    *tileGeometry
	slot [64]struct {
		g            *tileGeometry
		component, r int
		resolution   resolution
	}
}

func (c *resolutionCache) get(component, r int) *resolution {
	s := &c.slot[(component*7+r)%len(c.slot)]
	if s.g != c.g || s.component != component || s.r != r {
		s.g, s.component, s.r = c.g, component, r
		s.resolution = c.g.components[component].resolution(r)
	}
	return &s.resolution
}

// newScan begins a scan of a tile, with the memory of another that is over, or
// nil.
func (t *tilePackets) newScan(s *packetScan) *packetScan {
	if s == nil {
		s = &packetScan{body: &lookahead{}}
	}
	s.t, s.order, s.pending, s.broken = t, t.order.packets(), nil, false
	if s.recent != nil {
		s.recent.g = t.geometry
	}
	s.body.reset(t.stream)
	s.head = s.body
	if t.packed != nil {
		s.head = &lookahead{}
		s.head.reset(t.packed)
	}
	s.bits.src = s.head
	s.step = inStep{yes: t.coding.SOP && t.packed == nil && !t.plain}
	clear(s.state)
	if s.only.size() > maxSpareSize {
		s.only = precinctState{}
	}
	s.memory = stateMemory{left: maxState(t)}
	s.only.memory = &s.memory
	return s
}

// reach reads packet headers until that of the packet is known, or there are no
// more. The caller holds scanning. Errors are of the source or the context, and
// leave what is known as it is; what is wrong with the data is in t.damage.
func (t *tilePackets) reach(ctx context.Context, last packetID) error {
	if t.reached(last) {
		return nil
	}
	if t.scan == nil {
		t.scan, t.spare = t.newScan(t.spare), nil
	}
	var err error
	if !t.resync {
		err = t.scan.run(ctx, last)
	}
	if err == nil && t.resync {
		t.restart()
		t.scan = t.newScan(t.scan)
		err = t.scan.resync(ctx)
		t.scan.broken = err != nil
	}
	if t.scan.broken {
		// The midst of a packet header was lost: begin again.
		t.scan = nil
		t.restart()
	}
	if t.done {
		t.scan, t.spare = nil, t.scan
	} else if t.scan != nil {
		t.scan.rest()
	}
	return err
}

// rest lets go of what was read ahead and of what can be had again: nobody may
// ever want the packets to come, and an index has many tiles.
func (s *packetScan) rest() {
	s.body.drop()
	s.head.drop()
	s.recent, s.rec = nil, packetRecord{}
	s.memory.left += s.only.size()
	s.only = precinctState{memory: &s.memory}
}

// restart forgets all that a scan found.
func (t *tilePackets) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.store, t.begun, t.suspect = blockStore{}, false, false
	t.bad, t.wrong = nil, nil
}

// reached reports whether reach has nothing to do.
func (t *tilePackets) reached(last packetID) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.scanned(last)
}

// scanned is reached for whoever holds mu.
func (t *tilePackets) scanned(last packetID) bool {
	return t.done || t.begun && !t.suspect && !t.resync && t.order.compare(last, t.frontier) <= 0
}

// run is reach, for the holder of scanning.
func (s *packetScan) run(ctx context.Context, last packetID) error {
	s.body.ctx, s.head.ctx = ctx, ctx
	for n := 0; ; n++ {
		if n%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if s.pending == nil {
			id, ok := s.order.next()
			if !ok {
				s.finish(nil)
				return nil
			}
			s.next = id
			s.pending = &s.next
		}
		id := *s.pending
		if s.over() {
			// A stream may end before its last packets: they are empty then, as
			// other decoders have it.
			s.finish(s.t.cut)
			return nil
		}
		damage, err := s.packet(id)
		if err != nil {
			return err
		}
		if damage != nil {
			s.finish(damage)
			return nil
		}
		s.pending = nil
		if id == last && !s.step.lost {
			if s.over() {
				s.finish(s.t.cut)
			}
			return nil
		}
	}
}

// over reports whether there is nothing left to read of the tile.
func (s *packetScan) over() bool { return s.head.offset() >= s.head.limit }

// finish says that there are no more packets, or that the tile must be read once
// more.
func (s *packetScan) finish(damage error) {
	again := s.again(damage)
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if s.t.suspect = false; again {
		s.t.resync = true
		return
	}
	s.t.done, s.t.damage = true, damage
	s.t.surplus = s.body.offset() < s.body.limit
	s.t.store.clip()
}

// skipSOP moves a stream's position past an SOP marker segment. A header cannot
// begin with 0xFF91, and a body neither with that nor with 0xFF92, so the markers
// are seen for what they are, whether COD announces them or not (A.8).
func (l *lookahead) skipSOP() {
	if l.need(6) >= 6 {
		if b := l.buf[l.pos:]; b[0] == 0xFF && b[1] == 0x91 && b[2] == 0 && b[3] == 4 {
			l.pos += 6
		}
	}
}

// skipEPH moves a stream's position past an EPH marker.
func (l *lookahead) skipEPH() {
	if l.need(2) >= 2 {
		if b := l.buf[l.pos:]; b[0] == 0xFF && b[1] == 0x92 {
			l.pos += 2
		}
	}
}

// packet reads the next packet, which is the one with the ID, and stores what it
// says. What is wrong with the data is damage; err is the source's.
func (s *packetScan) packet(id packetID) (damage, err error) {
	t := s.t
	begin := s.body.offset()
	number, marked := s.body.nextSOP()
	if t.packed == nil || t.coding.SOP {
		s.body.skipSOP()
	}
	s.head.need(minAhead)
	if err := s.failed(); err != nil {
		// Nothing is lost: the packet can be tried again.
		s.head.err, s.body.err = nil, nil
		s.body.seek(begin)
		return nil, err
	}
	if s.step.yes && !(marked && number == uint16(s.step.count)) {
		s.loseStep()
	}
	at, bodyAt := s.head.offset(), s.body.offset()
	body, damage := s.header(id)
	if err := s.failed(); err != nil {
		s.broken = true
		return nil, err
	}
	if damage != nil {
		if t.cut != nil && errors.Is(damage, errHeaderShort) {
			return t.cut, nil
		}
		return &FormatError{Offset: t.headOffset(at, bodyAt), Where: "packet header", Err: damage}, nil
	}
	end := body + s.rec.body
	s.step.count++
	if s.step.yes && end < t.stream.size {
		s.body.seek(end)
		number, marked = s.body.nextSOP()
		if err := s.failed(); err != nil {
			s.broken = true
			return nil, err
		}
		if !marked || number != uint16(s.step.count) {
			s.loseStep()
		}
	}
	if damage := s.store(id, body); damage != nil {
		return damage, nil
	}
	if end > t.stream.size {
		if t.cut != nil {
			return t.cut, nil
		}
		return readError(t.stream.offset(t.stream.size), "packet", io.ErrUnexpectedEOF), nil
	}
	s.body.seek(end)
	return nil, nil
}

// header reads a packet header and what is around it, and gives where the
// packet's body begins.
func (s *packetScan) header(id packetID) (body int64, damage error) {
	if s.recent == nil {
		s.recent = &resolutionCache{g: s.t.geometry}
	}
	r := s.recent.get(id.component, id.resolution)
	p := &s.precinct
	r.place(p, id.precinct)
	state := s.take(id, p, r.style)
	s.head.mark = s.head.pos
	damage = readPacketHeader(&s.bits, state, uint32(id.layer), &s.rec)
	if damage == nil {
		s.head.skipEPH()
		if s.failed() == nil {
			s.put(id, state)
		}
	}
	return s.body.offset(), damage
}

// store stores what a packet header says that was read.
func (s *packetScan) store(id packetID, body int64) error {
	t := s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.store.add(t.geometry, id, s.precinct.blocks, body, &s.rec)
	t.frontier, t.begun = id, true
	if err != nil {
		return errors.Join(err, errors.ErrUnsupported)
	}
	return nil
}

// failed is the error of a read, if there was one.
func (s *packetScan) failed() error {
	if s.head.err != nil {
		return s.head.err
	}
	return s.body.err
}

// take gives the state with which a packet header is to be read.
func (s *packetScan) take(id packetID, p *precinct, style BlockStyle) *precinctState {
	if s.t.coding.Layers == 1 {
		s.only.reset(p, style)
		return &s.only
	}
	if state := s.state[id.key()]; state != nil {
		return state
	}
	var state *precinctState
	if n := len(s.spare); n > 0 {
		state = s.spare[n-1]
		s.spare = s.spare[:n-1]
	} else {
		state = &precinctState{memory: &s.memory}
	}
	state.reset(p, style)
	return state
}

// maxSpare is how many states, and of what size, are kept for other precincts.
const (
	maxSpare     = 16
	maxSpareSize = 64 << 10
)

// put takes back what take gave. It is kept as long as there are layers to come
// that depend on it.
func (s *packetScan) put(id packetID, state *precinctState) {
	if s.t.coding.Layers == 1 {
		return
	}
	if id.layer+1 < s.t.coding.Layers && state.used {
		if s.state == nil {
			s.state = make(map[precinctKey]*precinctState)
		}
		s.state[id.key()] = state
		s.most = max(s.most, len(s.state))
		return
	}
	delete(s.state, id.key())
	if size := state.size(); len(s.spare) < maxSpare && size <= maxSpareSize {
		s.spare = append(s.spare, state)
	} else {
		s.memory.left += size
	}
}

func (id packetID) key() precinctKey {
	return precinctKey{int32(id.component), int32(id.resolution), id.precinct}
}

// headOffset gives where a packet header is in the source. For packed headers it
// is where the body is.
func (t *tilePackets) headOffset(head, body int64) int64 {
	if t.packed != nil {
		return t.stream.offset(body)
	}
	return t.stream.offset(head)
}

// subsampling is XRsiz and YRsiz of all components.
func (h *Header) subsampling() []image.Point {
	sub := make([]image.Point, len(h.Components))
	for i := range h.Components {
		sub[i] = h.Components[i].Sub
	}
	return sub
}

// newMemoryStream is a stream of data that has been read.
func newMemoryStream(pieces [][]byte) *tileStream {
	all := bytes.Join(pieces, nil)
	return newTileStream(memory{bytes.NewReader(all)}, []Span{{0, int64(len(all))}})
}
