// This file implements buffers for fetched bytes that are used more than once.

package tile

import (
	"slices"
	"sync"
)

// buffers are the memory of batches that are done, which others take again: writing to
// memory for the first time costs more than reading into it. There are never more bytes
// of them than were fetched at one time.
type buffers struct {
	mu   sync.Mutex
	free [][]byte
}

// leastKept is the length from which on buffers are kept.
const leastKept = 64 << 10

func (f *buffers) put(p []byte) {
	if len(p) < leastKept {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = append(f.free, p)
}

// take gives a buffer of length n. Where a new one is needed, those that are kept have
// shown to be too short, and are given up.
func (f *buffers) take(n int64) []byte {
	if n < leastKept {
		return make([]byte, n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, p := range f.free {
		if int64(cap(p)) >= n {
			f.free = slices.Delete(f.free, i, i+1)
			return p[:n]
		}
	}
	f.free = nil
	return make([]byte, n, n+n/keptShare)
}

// keptShare is the part that is added to a buffer for the ones after it to fit.
const keptShare = 8
