// This file implements what is kept of objects: blocks, each asked for once by
// all who want it.

package remote

import (
	"container/list"
	"context"
	"slices"
	"sync"
)

const (
	blockSize    = 16 << 10
	defaultCache = 64 << 20
	ownCache     = 4 << 20

	// longestAhead is how many blocks are asked for at once to read ahead.
	longestAhead = 64
)

// A Cache keeps parts of objects, which share it. What was not read for longest
// goes first. Its zero value is ready to use, and it is safe for concurrent use.
type Cache struct {
	// Bytes bounds what is kept. What is being read comes on top. Zero: 64 MiB;
	// negative: nothing is kept, only shared by reads at the same time.
	Bytes int64

	mu     sync.Mutex
	recent list.List // of *block, those that are there; the last read first
	held   int64     // bytes of them
}

// A block is a part of an object that is there or on its way.
type block struct {
	of     *Object
	number int64 // its offset, in blocks

	// ready is closed when data or err is set; they do not change any more.
	ready chan struct{}
	data  []byte
	err   error

	// The cache's lock guards the rest.
	flight *flight       // nil when the block is there
	kept   *list.Element // nil when it is not kept
}

// A flight is blocks that follow each other, asked for by one request.
type flight struct {
	blocks  []*block
	ctx     context.Context
	cancel  context.CancelFunc
	waiting int // reads that wait for some of it; guarded by the cache's lock
}

// readBlocks reads through the cache.
func (o *Object) readBlocks(ctx context.Context, p []byte, off int64) (int, error) {
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	blocks, flights, err := o.claim(off/blockSize, (off+int64(len(p))-1)/blockSize)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, b := range blocks {
		select {
		case <-b.ready:
		case <-ctx.Done():
			o.cache.leave(flights, true)
			return n, context.Cause(ctx)
		}
		if err = b.err; err != nil {
			break
		}
		n += copy(p[n:], b.data[off+int64(n)-b.number*blockSize:])
	}
	o.cache.leave(flights, false)
	return n, err
}

// claim gives the blocks from first to last, and the flights among which are
// those that are not there yet, which leave must be called with. Those that
// nobody has asked for are asked for now, with some more behind them.
func (o *Object) claim(first, last int64) ([]*block, []*flight, error) {
	c := o.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.closed {
		return nil, nil, errClosed
	}
	blocks := make([]*block, 0, last-first+1)
	var flights []*flight
	for n := first; n <= last; n++ {
		b := o.blocks[n]
		if b == nil {
			o.depart(n, last)
			b = o.blocks[n]
		}
		blocks = append(blocks, b)
		if b.kept != nil {
			c.recent.MoveToFront(b.kept)
		}
		if f := b.flight; f != nil && !slices.Contains(flights, f) {
			f.waiting++
			flights = append(flights, f)
		}
	}
	return blocks, flights, nil
}

// depart asks for the block n, which is neither there nor asked for, and for those
// after it up to last of which the same is true. If there is none in the way, some
// more follow. The caller holds the cache's lock.
func (o *Object) depart(n, last int64) {
	ahead := o.options.ahead()
	if n == o.follows {
		// Who has read all of the last flight goes on.
		ahead = min(max(2*o.length, ahead), max(longestAhead, ahead))
	}
	last = min(max(last, n+ahead-1), (o.version.Size-1)/blockSize)
	f := &flight{}
	f.ctx, f.cancel = context.WithCancel(o.life)
	for ; n <= last && o.blocks[n] == nil; n++ {
		b := o.block(n)
		b.flight = f
		o.blocks[n] = b
		f.blocks = append(f.blocks, b)
	}
	o.follows, o.length = n, int64(len(f.blocks))
	go o.fly(f)
}

// block makes the block with a number.
func (o *Object) block(n int64) *block {
	return &block{of: o, number: n, ready: make(chan struct{})}
}

// fly gets the blocks of a flight.
func (o *Object) fly(f *flight) {
	defer f.cancel()
	r := o.reader(f.blocks[0].number*blockSize, min((f.blocks[len(f.blocks)-1].number+1)*blockSize, o.version.Size))
	defer r.close()
	for i, b := range f.blocks {
		data := make([]byte, min(blockSize, o.version.Size-b.number*blockSize))
		if err := r.read(f.ctx, data); err != nil {
			for _, b := range f.blocks[i:] {
				o.cache.fail(b, err)
			}
			return
		}
		o.cache.keep(b, data)
	}
}

// keep makes a block be there.
func (c *Cache) keep(b *block, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.data, b.flight = data, nil
	close(b.ready)
	if b.of.blocks[b.number] != b {
		return // it was given up, and came all the same
	}
	b.kept = c.recent.PushFront(b)
	c.held += int64(len(data))
	for limit := c.limit(); c.held > limit; {
		c.drop(c.recent.Back().Value.(*block))
	}
}

// limit is how many bytes are kept.
func (c *Cache) limit() int64 {
	if c.Bytes == 0 {
		return defaultCache
	}
	return max(c.Bytes, 0)
}

// drop lets go of a block that is there.
func (c *Cache) drop(b *block) {
	c.recent.Remove(b.kept)
	b.kept = nil
	c.held -= int64(len(b.data))
	delete(b.of.blocks, b.number)
}

// fail makes a block be an error for those who wait for it.
func (c *Cache) fail(b *block, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(b)
	b.err, b.flight = err, nil
	close(b.ready)
}

// forget has a block that is on its way asked for anew by the next who wants it.
func (c *Cache) forget(b *block) {
	if b.of.blocks[b.number] == b {
		delete(b.of.blocks, b.number)
	}
}

// leave ends the waiting for flights. One that nobody waits for goes on, for those
// who will want what it reads ahead; but not if it was given up.
func (c *Cache) leave(flights []*flight, givenUp bool) {
	if len(flights) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range flights {
		f.waiting--
		if !givenUp || f.waiting > 0 {
			continue
		}
		f.cancel()
		for _, b := range f.blocks {
			if b.flight != nil {
				c.forget(b)
			}
		}
	}
}

// release lets go of all blocks, and no more are asked for.
func (o *Object) release() {
	c := o.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	o.closed = true
	for _, b := range o.blocks {
		if b.kept != nil {
			c.drop(b)
		} else {
			c.forget(b)
		}
	}
}
