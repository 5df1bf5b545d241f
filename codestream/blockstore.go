// This file implements the third level of the index: what the packets of a tile
// say of their code-blocks, in some 5 bytes a block.

package codestream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sort"
)

// A blockStore is the packets of a tile that contribute to any block. It only
// grows: what was put in stays as it is, so slices taken from it remain valid.
//
// A packet is a record in one of the pages:
//
//	flags   1 byte: recordPrev, recordLayer, recordTable; in precincts of up
//	        to fewBlocks blocks the other bits are the mask
//	prev    4 bytes, if flagged: position of the record of an earlier layer
//	layer   varint, if flagged; otherwise 0
//	body    signed varint: offset of the body, from that of the page's first
//	groups  the data of its only group, its mask as short as the precinct
//	        allows; or a varint: the number of its table
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

	recordMask = 3              // the mask's first bit
	fewBlocks  = 8 - recordMask // how many blocks it can have there

	pageSize  = 1 << 16
	firstPage = 1 << 9
	// farBody is how far a page's bodies may lie from its base before another
	// is begun, if it has nearPage bytes, and there are less than nearPages: it
	// keeps their offsets short.
	farBody   = 1 << 20
	nearPage  = 1 << 12
	nearPages = 1 << 14
)

var (
	errStoreFull  = errors.New("an index of more than 4 GiB for one tile")
	errStoreWrong = errors.New("index record out of bounds")
)

// room gives a page with room for n bytes more, at most pageSize-1 of them, and
// the position that they will have. off becomes the base of a new page.
func (s *blockStore) room(n int, off int64) (*storePage, uint32, error) {
	k := len(s.pages) - 1
	if k < 0 || len(s.pages[k].data)+n > pageSize ||
		off-s.pages[k].base >= farBody && len(s.pages[k].data) >= nearPage && k < nearPages {
		if s.clip(); k+1 == pageSize {
			return nil, 0, errStoreFull
		}
		k++
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
	if id.layer != 0 {
		if prev := s.dir.get(id.component, id.resolution, id.precinct); prev != 0 {
			h[0] |= recordPrev
			h = binary.LittleEndian.AppendUint32(h, prev)
		}
		h[0] |= recordLayer
		h = binary.AppendUvarint(h, uint64(id.layer))
	}
	var inline []byte
	if n := maskSize(blocks); blocks <= groupBlocks {
		inline = rec.data[maskBytes-n:]
		if copy(inline[:n], rec.data); n == 0 {
			h[0] |= rec.data[0] << recordMask
		}
	} else {
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

// maskSize is how many bytes a record's mask takes besides its flags.
func maskSize(blocks int64) int {
	switch {
	case blocks <= fewBlocks:
		return 0
	case blocks <= groupBlocks:
		return int(blocks+7) / 8
	}
	return maskBytes
}

// clip gives back memory that was kept for growing.
func (s *blockStore) clip() {
	if k := len(s.pages) - 1; k >= 0 {
		s.pages[k].data = bytes.Clone(s.pages[k].data)
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
	flags  byte
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
		packet := storedPacket{flags: flags}
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

// group gives what the packet has in a group of a precinct with so many blocks:
// a mask of them, their data, and where the bytes of the first are in the tile's
// stream.
func (s *blockStore) group(p *storedPacket, group uint32, blocks int64) (mask uint32, data []byte, off int64, err error) {
	if p.table == nil {
		data, off = p.inline, p.body
		if group != 0 {
			return 0, nil, 0, nil
		}
	} else {
		i := sort.Search(len(p.table), func(i int) bool { return p.table[i].group >= group })
		if i == len(p.table) || p.table[i].group != group {
			return 0, nil, 0, nil
		}
		if _, data, err = s.at(p.table[i].pos); err != nil {
			return 0, nil, 0, err
		}
		off = p.body + int64(p.table[i].off)
	}
	n := maskSize(blocks)
	if n == 0 {
		return uint32(p.flags >> recordMask), data, off, nil
	}
	if len(data) < n {
		return 0, nil, 0, errStoreWrong
	}
	for i := range n {
		mask |= uint32(data[i]) << (8 * i)
	}
	return mask, data[n:], off, nil
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
