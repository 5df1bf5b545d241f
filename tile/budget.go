package tile

import (
	"context"
	"runtime"
	"sync"
)

// A Budget bounds what runs may use together: memory and processors. Any number
// of decoders may share one. Its fields must not change once it is in use; the
// zero value is ready and has the defaults. It is safe for concurrent use and
// must not be copied.
//
// Memory is reserved in one piece before a run begins. Reservations are served
// first come, first served, but a small one may pass a large one that waits, a
// limited number of times, so that neither starves the other.
type Budget struct {
	Bytes   int64 // memory for all runs; zero: 512 MiB, negative: no limit
	Workers int   // decoding at once; zero: GOMAXPROCS, negative: one

	mu    sync.Mutex
	used  int64
	lent  map[*Cache]int64 // of used, what caches hold
	peak  int64
	queue []*reservation // waiting, in order of arrival
	slots chan struct{}  // one element for each worker at work
}

// A reservation that waits. grant is closed when its bytes are its own.
type reservation struct {
	n      int64
	grant  chan struct{}
	passed int // how many later ones were served before it
}

const (
	defaultBytes = 512 << 20

	// A reservation of at most 1/smallPart of the budget may pass one that
	// waits, and each can be passed maxPassed times.
	smallPart = 16
	maxPassed = 64
)

func (b *Budget) limit() int64 {
	switch {
	case b.Bytes < 0:
		return 1<<63 - 1
	case b.Bytes == 0:
		return defaultBytes
	}
	return b.Bytes
}

func (b *Budget) workers() int {
	switch {
	case b.Workers < 0:
		return 1
	case b.Workers == 0:
		return runtime.GOMAXPROCS(0)
	}
	return b.Workers
}

// Acquire reserves n bytes and returns the function that gives them back, which
// may be called more than once. It waits until they are free. If n is more than
// the budget has it fails at once with a [*BudgetError]; if ctx ends first, with
// its cause.
func (b *Budget) Acquire(ctx context.Context, n int64) (release func(), err error) {
	if limit := b.limit(); n > limit {
		return nil, &BudgetError{Need: n, Limit: limit}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	r := &reservation{n: n, grant: make(chan struct{})}
	b.mu.Lock()
	b.queue = append(b.queue, r)
	b.serve()
	short := b.shortage()
	b.mu.Unlock()
	b.reclaim(short)
	select {
	case <-r.grant:
	case <-ctx.Done():
		if !b.leave(r) {
			b.release(n) // granted in the meantime
		}
		return nil, context.Cause(ctx)
	}
	var once sync.Once
	return func() { once.Do(func() { b.release(n) }) }, nil
}

// serve grants what can be granted. b.mu is held.
func (b *Budget) serve() {
	limit := b.limit()
	for i := 0; i < len(b.queue); {
		r := b.queue[i]
		if r.n > limit-b.used {
			i++
			continue
		}
		if i > 0 {
			if r.n > limit/smallPart || b.queue[0].passed >= maxPassed {
				i++
				continue
			}
			for _, waiting := range b.queue[:i] {
				waiting.passed++
			}
		}
		b.queue = append(b.queue[:i], b.queue[i+1:]...)
		b.used += r.n
		b.peak = max(b.peak, b.used)
		close(r.grant)
	}
}

// leave takes r out of the queue; false when it is not there any more.
func (b *Budget) leave(r *reservation) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, q := range b.queue {
		if q == r {
			b.queue = append(b.queue[:i], b.queue[i+1:]...)
			b.serve() // it may have been the one in the way
			return true
		}
	}
	return false
}

func (b *Budget) release(n int64) {
	b.mu.Lock()
	b.used -= n
	b.serve()
	b.mu.Unlock()
}

// lend lets a cache hold n bytes more, if nobody waits for them.
func (b *Budget) lend(c *Cache, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) > 0 || n > b.limit()-b.used {
		return false
	}
	if b.lent == nil {
		b.lent = make(map[*Cache]int64)
	}
	b.lent[c] += n
	b.used += n
	return true
}

// returned takes back what a cache no longer holds.
func (b *Budget) returned(c *Cache, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.lent[c] -= n; b.lent[c] == 0 {
		delete(b.lent, c)
	}
	b.serve()
}

// shortage is how many bytes caches would have to give up for those who wait. b.mu is
// held.
func (b *Budget) shortage() int64 {
	var lent, wanted int64
	for _, n := range b.lent {
		lent += n
	}
	for _, r := range b.queue {
		wanted += r.n
	}
	if lent == 0 || len(b.queue) == 0 {
		return 0
	}
	return min(lent, wanted-(b.limit()-b.used))
}

// reclaim has caches give up n bytes.
func (b *Budget) reclaim(n int64) {
	for n > 0 {
		b.mu.Lock()
		var c *Cache
		for c = range b.lent {
			break
		}
		b.mu.Unlock()
		if c == nil {
			return
		}
		got := c.reclaim(n)
		if got == 0 {
			return
		}
		n -= got
	}
}

// Used is the number of bytes reserved now.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Peak is the largest number of bytes that were reserved at one time.
func (b *Budget) Peak() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peak
}

// Waiting is the number of reservations that wait.
func (b *Budget) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}

// places is the channel with one element for each worker at work.
func (b *Budget) places() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.slots == nil {
		b.slots = make(chan struct{}, b.workers())
	}
	return b.slots
}

// work waits for a worker's place and returns the function that gives it back.
func (b *Budget) work(ctx context.Context) (done func(), err error) {
	slots := b.places()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// spare takes up to n workers' places that nobody wants at the moment, without
// waiting. It returns how many there were and the function that gives them back.
func (b *Budget) spare(n int) (got int, done func()) {
	slots := b.places()
	for got < n {
		select {
		case slots <- struct{}{}:
			got++
		default:
			n = got
		}
	}
	return got, func() {
		for range got {
			<-slots
		}
	}
}
