// This file implements packet lengths: PLT in tile-part headers (A.7.3) and PLM
// in the main header (A.7.2).

package codestream

import (
	"context"
	"iter"
)

// A packetList is the lengths of the packets of one tile-part in their order, as
// they are in the file. The zero value has none.
type packetList struct {
	data  []byte // Iplt or Iplm
	count int
	sum   int64 // of all lengths
}

// maxPacketLength keeps a sum of lengths from overflowing. Longer packets do not
// fit the 32 bits of Psot anyway.
const maxPacketLength = 1<<32 - 1

// parsePacketLengths checks a list and counts it. It reports false when a length
// is cut short or absurd.
func parsePacketLengths(data []byte) (packetList, bool) {
	p := packetList{data: data}
	var n int64
	for i, b := range data {
		n = n<<7 | int64(b&0x7F)
		if n > maxPacketLength {
			return packetList{}, false
		}
		if b&0x80 == 0 {
			p.count++
			p.sum += n
			n = 0
		} else if i == len(data)-1 {
			return packetList{}, false
		}
	}
	return p, true
}

// all yields the lengths in bytes. Equation in A.7.3: 7 bits a byte, the first
// ones highest, and the top bit set in all bytes but the last.
func (p packetList) all() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		var n int64
		for _, b := range p.data {
			n = n<<7 | int64(b&0x7F)
			if b&0x80 == 0 {
				if !yield(n) {
					return
				}
				n = 0
			}
		}
	}
}

// packetLengths returns the lengths of the packets of each of the tile's
// tile-parts, as TileParts has them. A length is of all that the packet has in
// the tile-part's Body: SOP, header and EPH unless packed away, and data.
//
// present is true only when every tile-part has a list that adds up to its Body
// (or to no less, in the last one of a truncated tile). Lists that are missing,
// damaged or do not add up are no error but not present either: the lengths are
// an aid, and packets can be found without. A present list may still be wrong
// about where one packet ends and the next starts.
//
// Lists are read at each call.
func (x *Index) packetLengths(ctx context.Context, tile int) (lists []packetList, present bool, err error) {
	t, err := x.tile(ctx, tile)
	if err != nil {
		return nil, false, err
	}
	lists = make([]packetList, len(t.parts))
	for i, p := range t.parts {
		var data []byte
		switch {
		case len(t.plt[i]) > 0:
			data, err = x.join(ctx, PLT, t.plt[i])
		case len(x.h.plm) > 0:
			data, err = x.plmPiece(ctx, int(t.order[i]))
		case p.Body.Len > 0:
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		list, ok := parsePacketLengths(data)
		if !ok || list.sum != p.Body.Len && !(p.Truncated && list.sum > p.Body.Len) {
			return nil, false, nil
		}
		lists[i] = list
	}
	return lists, true, nil
}

// plmPiece is Iplm of the k-th tile-part of the codestream; nil when PLM ends
// before it.
func (x *Index) plmPiece(ctx context.Context, k int) ([]byte, error) {
	if err := x.locate(ctx); err != nil {
		return nil, err
	}
	defer x.unlocate()
	b, _, err := x.plm.piece(ctx, k)
	return b, err
}
