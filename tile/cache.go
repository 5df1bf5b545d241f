// This file implements the cache of decoded code-blocks, and the sharing of blocks
// that are being decoded.

package tile

import (
	"slices"
	"sync"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/synthesis"
	"github.com/stria-j2k/stria/jp2"
)

// A Cache keeps the coefficients of decoded code-blocks, so that tiles, strips and
// zoom levels that depend on the same block decode it once. Any number of decoders
// and images may share one. Its zero value is ready; its fields must not change
// once it is in use. It is safe for concurrent use and must not be copied.
//
// What it holds counts as used in the [Budget] of the decoder that put it there,
// and is given up before a run has to wait for memory. Blocks that were needed
// once only are the first to go, and a run over more than the cache could hold
// passes by: so one pass over a large image does not empty it.
type Cache struct {
	Bytes int64 // at most; zero: 64 MiB, negative: none

	mu      sync.Mutex
	entries map[blockKey]*cacheEntry
	small   fifo // entries that were not needed again yet
	main    fifo // entries that were
	ghosts  ghostList
	held    int64
	stats   CacheStats
}

// CacheStats counts what a cache has done.
type CacheStats struct {
	Hits, Misses, Evictions int64
	Entries                 int
	Bytes                   int64 // held now
}

// A blockKey names a decoded block: the image, the block, and how much of it was
// decoded, which with quality layers depends on the request. Strict decoders refuse
// blocks that others take.
type blockKey struct {
	image  any // a *jp2.File, or what its Tag says
	block  codestream.BlockID
	passes int
	strict bool
}

// An imageTag identifies an image that says what it is.
type imageTag struct {
	tag  string
	size int64
}

// imageOf is how the blocks of a file are known.
func imageOf(f *jp2.File) any {
	if f.Tag != "" {
		return imageTag{f.Tag, f.Size()}
	}
	return f
}

// A cacheEntry is the coefficients of one block, as they are before
// dequantisation, or why there are none.
type cacheEntry struct {
	key    blockKey
	budget *Budget
	coefs  coefficients
	err    error // the block is damaged; its coefficients are zero
	uses   uint8 // since it was last looked at for eviction
}

// coefficients are those of a block, row by row, in 16 bits where they fit.
type coefficients struct {
	i16 []int16
	i32 []int32
}

const (
	defaultCacheBytes = 64 << 20

	// entryBytes is what an entry takes besides its coefficients.
	entryBytes = 160

	// smallShare is the part of the cache, one in so many bytes, that entries get
	// which were needed once only.
	smallShare = 10

	// mostUses is how many uses are remembered of an entry.
	mostUses = 3
)

// newCoefficients is a copy of the coefficients of a block.
func newCoefficients(coef []int32, narrow bool) (c coefficients) {
	if !narrow {
		c.i32 = slices.Clone(coef)
		return c
	}
	c.i16 = make([]int16, len(coef))
	synthesis.Store(c.i16, len(coef), coef, len(coef), len(coef), 1)
	return c
}

// into puts them into dst.
func (c *coefficients) into(dst []int32) []int32 {
	if c.i32 != nil {
		return append(dst[:0], c.i32...)
	}
	dst = resize(dst, len(c.i16))
	for i, v := range c.i16 {
		dst[i] = int32(v)
	}
	return dst
}

func (e *cacheEntry) size() int64 {
	return entryBytes + 2*int64(len(e.coefs.i16)) + 4*int64(len(e.coefs.i32))
}

func (c *Cache) limit() int64 {
	switch {
	case c.Bytes < 0:
		return 0
	case c.Bytes == 0:
		return defaultCacheBytes
	}
	return c.Bytes
}

// Stats is what the cache has done so far.
func (c *Cache) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Entries, s.Bytes = len(c.entries), c.held
	return s
}

// get gives the entry of a block, or nil.
func (c *Cache) get(k blockKey) *cacheEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[k]
	if e == nil {
		c.stats.Misses++
		return nil
	}
	c.stats.Hits++
	e.uses = min(e.uses+1, mostUses)
	return e
}

// put keeps an entry as far as the cache and the budget have room.
func (c *Cache) put(e *cacheEntry) {
	limit := c.limit()
	size := e.size()
	if size > limit/smallShare {
		return
	}
	c.mu.Lock()
	if c.entries[e.key] != nil {
		c.mu.Unlock()
		return
	}
	for c.held+size > limit && c.evict() {
	}
	c.mu.Unlock()
	if !e.budget.lend(c, size) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.key] != nil {
		e.budget.returned(c, size)
		return
	}
	for c.held+size > limit && c.evict() { // others came in between
	}
	if c.entries == nil {
		c.entries = make(map[blockKey]*cacheEntry)
	}
	c.entries[e.key] = e
	c.held += size
	if c.ghosts.take(e.key) {
		c.main.push(e)
	} else {
		c.small.push(e)
	}
}

// reclaim evicts entries of a budget until so many bytes are given back or none is
// left, and returns how many were. The budget's lock is not held.
func (c *Cache) reclaim(n int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.held
	for before-c.held < n && c.evict() {
	}
	return before - c.held
}

// evict gives up one entry; false if there is none. c.mu is held.
//
// This is S3-FIFO (Yang and others, 2023): new entries queue in a small part, from
// where those that were used go on to the main one and the others leave a ghost
// behind, which lets them into the main part when they come again.
func (c *Cache) evict() bool {
	for c.small.bytes > c.limit()/smallShare || c.main.len() == 0 {
		e := c.small.pop()
		if e == nil {
			break
		}
		if e.uses > 0 {
			e.uses = 0
			c.main.push(e)
			continue
		}
		c.ghosts.add(e.key, len(c.entries))
		c.drop(e)
		return true
	}
	for {
		e := c.main.pop()
		if e == nil {
			break
		}
		if e.uses > 0 {
			e.uses--
			c.main.push(e)
			continue
		}
		c.drop(e)
		return true
	}
	if e := c.small.pop(); e != nil {
		c.drop(e)
		return true
	}
	return false
}

func (c *Cache) drop(e *cacheEntry) {
	delete(c.entries, e.key)
	c.held -= e.size()
	c.stats.Evictions++
	e.budget.returned(c, e.size())
}

// A fifo is entries in the order in which they came.
type fifo struct {
	queue[*cacheEntry]
	bytes int64
}

func (f *fifo) len() int { return len(f.items) - f.first }

func (f *fifo) push(e *cacheEntry) {
	f.queue.push(e)
	f.bytes += e.size()
}

func (f *fifo) pop() *cacheEntry {
	e, ok := f.queue.pop()
	if !ok {
		return nil
	}
	f.bytes -= e.size()
	return e
}

// A ghostList is the keys of entries that left the small part, as many as there
// are entries.
type ghostList struct {
	keys  map[blockKey]struct{}
	order queue[blockKey]
}

func (g *ghostList) add(k blockKey, most int) {
	if g.keys == nil {
		g.keys = make(map[blockKey]struct{})
	}
	g.keys[k] = struct{}{}
	g.order.push(k)
	for len(g.order.items)-g.order.first > max(most, 64) {
		old, _ := g.order.pop()
		delete(g.keys, old)
	}
}

func (g *ghostList) take(k blockKey) bool {
	_, ok := g.keys[k]
	delete(g.keys, k)
	return ok
}
