// This file implements the third level of the index: what the packets of a tile
// say of their code-blocks, in some 6 bytes a block.

package codestream

import (
	"encoding/binary"
	"errors"
	"sort"
)

// A blockStore is the packets of a tile that contribute to any block. It only
// grows: what was put in stays as it is, so slices taken from it remain valid.
//
// A packet is a record in one of the pages:
//
//	flags   1 byte: recordPrev, recordLayer, recordTable
//	prev    4 bytes, if flagged: position of the record of an earlier layer
//	layer   varint, if flagged; otherwise 0
//	body    signed varint: offset of the body, from that of the page's first
//	groups  the data of its only group, or a varint: the number of its table;
//	        the mask is one byte in precincts of up to 8 blocks
//
// A table has the places of the groups of a packet with more than groupBlocks
// blocks; the directory has the place of the last record of each precinct.
type blockStore struct {
	pages  []storePage
	tables [][]groupMark // pos is a position in the pages
	dir    directory     // positions of the last records
}

type storePage struct {
	base int64 // offset that those of the records are counted from
	data []byte
}

const (
	recordPrev  = 1 << iota // there is an earlier layer's record
	recordLayer             // the layer is not 0
	recordTable             // there is a table

	pageSize  = 1 << 16
	firstPage = 1 << 9
)

var (
	errStoreFull  = errors.New("an index of more than 4 GiB for one tile")
	errStoreWrong = errors.New("index record out of bounds")
)

// room gives a page with room for n bytes more, at most pageSize-1 of them, and
// the position that they will have. off becomes the base of a new page.
func (s *blockStore) room(n int, off int64) (*storePage, uint32, error) {
	k := len(s.pages) - 1
	if k < 0 || len(s.pages[k].data)+n > pageSize {
		if k++; k == pageSize {
			return nil, 0, errStoreFull
		}
		page := storePage{base: off}
		if k == 0 {
			page.data = make([]byte, 1, firstPage) // no record is at 0
		} else {
			page.data = make([]byte, 0, pageSize)
		}
		s.pages = append(s.pages, page)
	}
	p := &s.pages[k]
	return p, uint32(k)<<16 | uint32(len(p.data)), nil
}

// at gives the bytes from a position to the end of its page.
func (s *blockStore) at(pos uint32) (*storePage, []byte, error) {
	k, i := int(pos>>16), int(pos&(pageSize-1))
	if k >= len(s.pages) || i >= len(s.pages[k].data) {
		return nil, nil, errStoreWrong
	}
	return &s.pages[k], s.pages[k].data[i:], nil
}

// add stores what a packet of a precinct with so many blocks says; body is where
// its body begins in the tile's stream.
func (s *blockStore) add(g *tileGeometry, id packetID, blocks, body int64, rec *packetRecord) error {
	if len(rec.groups) == 0 {
		return nil
	}
	var head [32]byte
	h := head[:1]
	if prev := s.dir.get(id.component, id.resolution, id.precinct); prev != 0 {
		h[0] |= recordPrev
		h = binary.LittleEndian.AppendUint32(h, prev)
	}
	if id.layer != 0 {
		h[0] |= recordLayer
		h = binary.AppendUvarint(h, uint64(id.layer))
	}
	inline := rec.data
	if blocks <= 8 {
		// The mask takes one byte.
		inline = inline[1:]
		inline[0] = rec.data[0]
	}
	if blocks > groupBlocks {
		inline = nil
		table := make([]groupMark, len(rec.groups))
		for i, m := range rec.groups {
			end := uint32(len(rec.data))
			if i+1 < len(rec.groups) {
				end = rec.groups[i+1].pos
			}
			page, pos, err := s.room(int(end-m.pos), body)
			if err != nil {
				return err
			}
			page.data = append(page.data, rec.data[m.pos:end]...)
			table[i] = groupMark{m.group, pos, m.off}
		}
		h[0] |= recordTable
		s.tables = append(s.tables, table)
	}
	page, pos, err := s.room(len(head)+len(inline), body)
	if err != nil {
		return err
	}
	h = binary.AppendVarint(h, body-page.base)
	if h[0]&recordTable != 0 {
		h = binary.AppendUvarint(h, uint64(len(s.tables)-1))
	}
	page.data = append(append(page.data, h...), inline...)
	s.dir.set(g, id.component, id.resolution, id.precinct, pos)
	return nil
}

// clip gives back memory that was kept for growing.
func (s *blockStore) clip() {
	if k := len(s.pages) - 1; k >= 0 {
		s.pages[k].data = append([]byte(nil), s.pages[k].data...)
	}
}

// size is how much memory the store takes, in bytes, roughly.
func (s *blockStore) size() int64 {
	n := int64(0)
	for i := range s.pages {
		n += 32 + int64(cap(s.pages[i].data))
	}
	for _, t := range s.tables {
		n += 24 + 12*int64(cap(t))
	}
	return n + s.dir.size()
}

// A storedPacket is a record as read back.
type storedPacket struct {
	layer  int
	body   int64       // where the body begins in the tile's stream
	inline []byte      // the data of group 0, and more; or
	table  []groupMark // the groups there are
}

// packets appends the stored packets of a precinct below a layer, first layer
// first; pos is what the directory has for it.
func (s *blockStore) packets(dst []storedPacket, pos uint32, layers int) ([]storedPacket, error) {
	n := len(dst)
	last := -1
	for pos != 0 {
		page, b, err := s.at(pos)
		if err != nil {
			return dst, err
		}
		r := fieldReader{b: b}
		flags := r.byte()
		pos = 0
		if flags&recordPrev != 0 {
			pos = r.u32()
		}
		var packet storedPacket
		if flags&recordLayer != 0 {
			packet.layer = int(r.uvarint())
		}
		packet.body = page.base + r.varint()
		if flags&recordTable != 0 {
			k := r.uvarint()
			if k >= uint64(len(s.tables)) {
				return dst, errStoreWrong
			}
			packet.table = s.tables[k]
		} else {
			packet.inline = r.b
		}
		// Layers come in ascending order, so a chain cannot go on for ever.
		if r.bad || packet.layer < 0 || last >= 0 && packet.layer >= last {
			return dst, errStoreWrong
		}
		last = packet.layer
		if packet.layer < layers {
			dst = append(dst, packet)
		}
	}
	for i, k := n, len(dst)-1; i < k; i, k = i+1, k-1 {
		dst[i], dst[k] = dst[k], dst[i]
	}
	return dst, nil
}

// group gives the data of a group of the packet, and where its first block's
// bytes are in the tile's stream. It is nil if the packet has nothing there.
func (s *blockStore) group(p *storedPacket, group uint32) ([]byte, int64, error) {
	if p.table == nil {
		if group != 0 {
			return nil, 0, nil
		}
		return p.inline, p.body, nil
	}
	i := sort.Search(len(p.table), func(i int) bool { return p.table[i].group >= group })
	if i == len(p.table) || p.table[i].group != group {
		return nil, 0, nil
	}
	_, b, err := s.at(p.table[i].pos)
	return b, p.body + int64(p.table[i].off), err
}

// A fieldReader takes numbers from the front of b. Once there is not enough it
// gives zeros.
type fieldReader struct {
	b   []byte
	bad bool
}

func (r *fieldReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *fieldReader) u32() uint32 {
	if len(r.b) < 4 {
		r.b, r.bad = nil, true
		return 0
	}
	v := binary.LittleEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *fieldReader) uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *fieldReader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}
