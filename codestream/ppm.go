// This file implements packed packet headers: PPM in the main header (A.7.4) and
// PPT in tile-part headers (A.7.5).

package codestream

import "context"

// packedHeaders returns the packet headers of a tile that are not in its bit
// stream: for each of its tile-parts, as TileParts has them, the headers of the
// packets in that tile-part, one after the other. present is false when the tile
// has none and its packet headers are in the bit stream. When it is true and a
// tile-part's entry is nil, that tile-part has no PPT while another one has; its
// headers are either in that other one's or missing, not in the bit stream.
//
// Data is read at each call and is the caller's. The headers of a truncated tile
// are those of the tile-parts that are there. A PPM that ends before the tile's
// last tile-part is a format error.
func (x *Index) packedHeaders(ctx context.Context, tile int) (heads [][]byte, present bool, err error) {
	t, err := x.tile(ctx, tile)
	if err != nil {
		return nil, false, err
	}
	heads = make([][]byte, len(t.parts))
	if len(x.h.ppm) > 0 {
		if err := x.locate(ctx); err != nil {
			return nil, false, err
		}
		defer x.unlocate()
		for i, k := range t.order {
			b, ok, err := x.ppm.piece(ctx, int(k))
			if err != nil {
				return nil, false, err
			}
			if !ok {
				return nil, false, formatError(x.h.ppm[0].Off-5, "PPM",
					"it ends before the headers of tile-part %d of tile %d", i, tile)
			}
			heads[i] = b
		}
		return heads, true, nil
	}
	for i, spans := range t.ppt {
		if len(spans) == 0 {
			continue
		}
		present = true
		if heads[i], err = x.join(ctx, PPT, spans); err != nil {
			return nil, false, err
		}
	}
	if !present {
		return nil, false, nil
	}
	return heads, true, nil
}

// join reads the payloads of segments into one.
func (x *Index) join(ctx context.Context, m Marker, spans []Span) ([]byte, error) {
	n := int64(0)
	for _, s := range spans {
		n += s.Len
	}
	b := make([]byte, n)
	rest := b
	for _, s := range spans {
		if err := readAt(ctx, x.r, rest[:s.Len], s.Off); err != nil {
			return nil, readError(s.Off, m.String(), err)
		}
		rest = rest[s.Len:]
	}
	return b, nil
}
