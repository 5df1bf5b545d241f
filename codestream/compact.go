// This file implements tiles about which everything is known, in the little
// memory that they then need.

package codestream

import "encoding/binary"

// A compactTiles is the packets of tiles that are finished and small, each as in
// a sidecar: a tilePackets takes more than its blocks do when there are few. What
// was put in stays as it is, so slices taken from it remain valid.
type compactTiles struct {
	place []uint32 // by tile: 1 + where it is, or 0; nil before the first
	pages [][]byte // a tile is its length, as an unsigned varint, and its data
	size  int      // of all pages, as far as they are used
	held  int64    // bytes that the pages take
}

const (
	// maxCompact is the memory of the largest block stores that are kept so: what
	// more they take hardly counts beyond it, and taking them apart takes time.
	maxCompact = 16 << 10

	compactPage  = 1 << 16
	compactFirst = 1 << 10
)

// get gives the data of a tile, or nil.
func (c *compactTiles) get(tile int) []byte {
	if tile >= len(c.place) || c.place[tile] == 0 {
		return nil
	}
	at := c.place[tile] - 1
	page := c.pages[at/compactPage][at%compactPage:]
	n, k := binary.Uvarint(page)
	return page[k:][:n:n]
}

// put keeps the data of one of so many tiles, and reports whether it could.
func (c *compactTiles) put(tiles, tile int, data []byte) bool {
	var head [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(head[:], uint64(len(data)))
	need := size + len(data)
	k := len(c.pages) - 1
	if k < 0 || len(c.pages[k])+need > cap(c.pages[k]) {
		if k++; need > compactPage || k == compactPage-1 {
			return false
		}
		// Pages grow with what there is, so that little of it is unused.
		room := max(need, min(compactPage, compactFirst+c.size/8))
		c.pages = append(c.pages, make([]byte, 0, room))
		c.held += int64(room) + 24
	}
	if c.place == nil {
		c.place = make([]uint32, tiles)
	}
	c.place[tile] = uint32(k*compactPage+len(c.pages[k])) + 1
	c.size += need
	c.pages[k] = append(append(c.pages[k], head[:size]...), data...)
	return true
}

// compact keeps a tile in less memory if it is finished and small. Those who use
// it can go on doing so.
func (x *Index) compact(t *tilePackets) {
	if !t.small() {
		return
	}
	x.keepCompact(t.tile, appendTileIndex(nil, x, t, t.fault))
}

// small reports whether compact applies to a tile.
func (t *tilePackets) small() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.fault != nil || t.done && !t.compact && t.jumps == nil && t.store.size() <= maxCompact
}

// keepCompact keeps what appendTileIndex made of a tile in place of all else that
// is known of it.
func (x *Index) keepCompact(tile int, data []byte) {
	x.packet.mu.Lock()
	done := x.packet.done.get(tile) != nil || x.packet.done.put(x.h.NumTiles(), tile, data)
	if t := x.packet.tiles[tile]; done && t != nil {
		x.packet.held -= t.counted
		delete(x.packet.tiles, tile)
	}
	x.packet.mu.Unlock()
	if done {
		x.forget(tile)
	}
}

// expand makes a tile's packets of what keepCompact was given.
func (x *Index) expand(tile int, data []byte) (*tilePackets, error) {
	f := sidecarReader{fieldReader: fieldReader{b: data}, shared: true}
	t, err := f.tile(x, tile)
	if err != nil {
		return nil, err
	}
	t.compact = true
	return t, t.fault
}
