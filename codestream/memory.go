// This file implements the accounting of the memory that an index holds.

package codestream

import "unsafe"

// Memory is about how many bytes of memory the index holds, besides its header.
// It grows with what is asked for, and what a call that is under way has found
// counts when it returns. Nothing is gone through to know it.
func (x *Index) Memory() int64 {
	const around = 512 // maps, a channel, what is made of the header
	n := int64(unsafe.Sizeof(*x)) + around + x.located.Load()
	x.mu.Lock()
	n += int64(x.held)
	x.mu.Unlock()
	x.packet.mu.Lock()
	defer x.packet.mu.Unlock()
	return n + x.packet.held + x.packet.done.held + 4*int64(cap(x.packet.done.place))
}

// size is about how many bytes what is known of tile-parts takes. The caller has
// it to itself.
func (l *partList) size() int64 {
	return int64(cap(l.parts))*int64(unsafe.Sizeof(part{})) +
		int64(cap(l.tiles))*int64(unsafe.Sizeof(partTile{})) + int64(cap(l.ahead.buf))
}

// weigh counts what is known of a tile, if it still is that of the index. The
// caller holds scanning.
func (x *Index) weigh(t *tilePackets) {
	size := t.size()
	x.packet.mu.Lock()
	defer x.packet.mu.Unlock()
	if x.packet.tiles[t.tile] == t {
		x.packet.held += size - t.counted
		t.counted = size
	}
}

// size is about how many bytes t takes. The caller holds scanning, or nobody
// else knows t.
func (t *tilePackets) size() int64 {
	const around = 256 // its channel, its place in a map, what is rounded up
	n := int64(unsafe.Sizeof(*t)) + around
	if t.fault != nil {
		return n
	}
	n += int64(unsafe.Sizeof(*t.geometry)) + int64(unsafe.Sizeof(*t.order)) +
		int64(len(t.geometry.components))*int64(unsafe.Sizeof(componentGeometry{})) +
		int64(len(t.order.steps))*int64(unsafe.Sizeof(ProgressionChange{})) + t.stream.memory()
	if t.packed != nil {
		n += t.packed.memory() + t.packed.size
	}
	if s := t.scan; s != nil {
		n += s.size()
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	n += t.store.size() + t.read.size() + t.bad.size()
	if t.jumps != nil {
		n += (&blockStore{pages: t.jumps.pages, dir: t.jumps.dir}).size()
	}
	return n
}

// memory is about how many bytes a stream takes, without its data.
func (s *tileStream) memory() int64 {
	return int64(unsafe.Sizeof(*s)) + int64(cap(s.spans))*int64(unsafe.Sizeof(Span{})) + 8*int64(cap(s.start))
}

// size is about how many bytes a resting scan takes.
func (s *packetScan) size() int64 {
	// With a precinct there are the levels of its tag trees.
	const word = int64(unsafe.Sizeof(uintptr(0)))
	const place, around = 8 * word, 44 * word
	order := int64(unsafe.Sizeof(*s.order)) + int64(cap(s.order.walks))*int64(unsafe.Sizeof(precinctWalk{}))
	states := int64(len(s.state) + len(s.spare))
	return int64(unsafe.Sizeof(*s)) + 2*int64(unsafe.Sizeof(lookahead{})) + order +
		place*int64(s.most) + states*(int64(unsafe.Sizeof(precinctState{}))+around) + maxState(s.t) - s.memory.left
}
