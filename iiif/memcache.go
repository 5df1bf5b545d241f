package iiif

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"sync"

	"github.com/maypok86/otter/v2"
)

// A MemoryCache is a [Cache] in memory. The zero value is ready. A visitor who
// looks at everything once does not drive out what many look at: what is kept is
// decided by how often it is used, not only by when.
type MemoryCache struct {
	// Bytes bounds what is kept; zero: 64 MiB. Derivatives larger than an
	// eighth of it are not kept. It must not change after the first use.
	Bytes int64

	once  sync.Once
	cache *otter.Cache[Key, []byte]
}

const (
	defaultMemoryBytes = 64 << 20
	entryOverhead      = 160 // bytes: key, node and hash table, about
)

func (m *MemoryCache) bytes() int64 {
	if m.Bytes <= 0 {
		return defaultMemoryBytes
	}
	return m.Bytes
}

func (m *MemoryCache) setUp() *otter.Cache[Key, []byte] {
	m.once.Do(func() {
		m.cache = otter.Must(&otter.Options[Key, []byte]{
			MaximumWeight: uint64(m.bytes()),
			Weigher: func(_ Key, data []byte) uint32 {
				return uint32(min(int64(len(data))+entryOverhead, math.MaxUint32))
			},
		})
	})
	return m.cache
}

// Get implements [Cache].
func (m *MemoryCache) Get(_ context.Context, key Key) ([]byte, error) {
	if data, ok := m.setUp().GetIfPresent(key); ok {
		return data, nil
	}
	return nil, fmt.Errorf("iiif: memory cache: %w", fs.ErrNotExist)
}

// Put implements [Cache].
func (m *MemoryCache) Put(_ context.Context, key Key, data []byte) error {
	if int64(len(data)) <= m.bytes()/8 {
		m.setUp().Set(key, data)
	}
	return nil
}
