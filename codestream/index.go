// This file implements the index as a whole, and its first level as seen from
// outside; partlist.go has the work.

package codestream

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"unsafe"
)

// An Index says which bytes of a codestream hold what. It is made without
// reading anything and learns what it is asked for: the tile-parts from TLM or
// from a walk over their headers, which goes no further than needed. It is safe
// for concurrent use; callers who need the same thing share the work.
//
// A cancelled context and errors of the source leave it as it was, so that the
// next caller can go on. What is wrong with the data stays wrong, for the tiles
// that it concerns.
type Index struct {
	r io.ReaderAt
	h *Header

	base func() *TileCoding // of tiles that say nothing themselves

	// locating has room for one: whoever put something in may use what follows.
	// It is a channel so that waiting for it can be cancelled.
	locating chan struct{}
	list     partList
	ppm, plm partStream
	located  atomic.Int64 // bytes that these take

	packet packetIndex

	mu    sync.Mutex
	tiles map[int]*tileHeaders
	held  int // what tiles holds, in bytes, roughly
}

// maxHeld is how much of the tile headers an index remembers. It is enough for
// some 65,000 tiles without coding parameters of their own.
const maxHeld = 24 << 20

// NewIndex makes the index of the codestream in r whose main header is h.
// Nothing is read.
func NewIndex(r io.ReaderAt, h *Header) *Index {
	r = sourceOf(r, h.Span)
	return &Index{
		r: r, h: h,
		base:     sync.OnceValue(h.coding),
		locating: make(chan struct{}, 1),
		list:     partList{r: r, h: h},
		ppm:      partStream{r: r, marker: PPM, spans: h.ppm, prefix: 4},
		plm:      partStream{r: r, marker: PLM, spans: h.plm, prefix: 1},
		tiles:    make(map[int]*tileHeaders),
	}
}

// Header is the main header that the index was made with.
func (x *Index) Header() *Header { return x.h }

// TileParts returns the tile-parts of a tile in their order: at least one, or an
// error; but a tile in which no component has a sample may have none. Where the
// data ends early or a tile-part is not as it must be, the ones before it are
// returned and the last says that it is truncated. The slice is shared and must
// not be changed.
func (x *Index) TileParts(ctx context.Context, tile int) ([]TilePart, error) {
	t, err := x.tile(ctx, tile)
	if err != nil {
		return nil, err
	}
	return t.parts, nil
}

// TileCoding returns the coding parameters in effect for a tile: those of the
// main header with those of the tile's own headers over them. The value is
// shared and must not be changed.
func (x *Index) TileCoding(ctx context.Context, tile int) (*TileCoding, error) {
	t, err := x.tile(ctx, tile)
	if err != nil {
		return nil, err
	}
	return t.coding, nil
}

// tileDamage is why the last of TileParts is truncated, as a format error, or
// nil when it is not. The second result is an error of TileParts.
func (x *Index) tileDamage(ctx context.Context, tile int) (damage, err error) {
	t, err := x.tile(ctx, tile)
	if err != nil {
		return nil, err
	}
	return t.damage, nil
}

// tile returns the headers of a tile, read now if they are not known.
func (x *Index) tile(ctx context.Context, tile int) (*tileHeaders, error) {
	if err := x.exists(tile); err != nil {
		return nil, err
	}
	x.mu.Lock()
	t := x.tiles[tile]
	x.mu.Unlock()
	if t == nil {
		var err error
		if t, err = x.load(ctx, tile); err != nil {
			return nil, err
		}
		x.keep(tile, t)
	}
	return t, t.err
}

// exists is an error unless there is such a tile.
func (x *Index) exists(tile int) error {
	if tile < 0 || tile >= x.h.NumTiles() {
		return fmt.Errorf("codestream: no tile %d in an image of %d (bug)", tile, x.h.NumTiles())
	}
	return nil
}

// keep remembers the headers of a tile, and forgets all others first when there
// is too much of them: what is forgotten is read again.
func (x *Index) keep(tile int, t *tileHeaders) {
	size := t.size()
	if t.coding == x.base() {
		size -= t.coding.size()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.held += size; x.held > maxHeld {
		clear(x.tiles)
		x.held = size
	}
	x.tiles[tile] = t
}

// forget drops what keep remembers of a tile.
func (x *Index) forget(tile int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := x.tiles[tile]
	if t == nil {
		return
	}
	if x.held -= t.size(); t.coding == x.base() {
		x.held += t.coding.size()
	}
	delete(x.tiles, tile)
}

// locate takes the part of the index that learns where tile-parts are. The
// caller gives it back with unlocate.
func (x *Index) locate(ctx context.Context) error {
	select {
	case x.locating <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *Index) unlocate() {
	pieces := int64(cap(x.ppm.pieces) + cap(x.plm.pieces))
	x.located.Store(x.list.size() + pieces*int64(unsafe.Sizeof(Span{})))
	<-x.locating
}
