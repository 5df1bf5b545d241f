// Package iiiftest checks implementations of the interfaces of package iiif.
package iiiftest

import (
	"bytes"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
)

// TestCache checks the promises of [iiif.Cache] on an empty cache that has room
// for a few hundred kilobytes.
func TestCache(t *testing.T, c iiif.Cache) {
	t.Run("absent", func(t *testing.T) {
		_, err := c.Get(t.Context(), iiif.NewKey("absent"))
		require.ErrorIs(t, err, fs.ErrNotExist)
	})
	t.Run("present", func(t *testing.T) {
		for _, size := range []int{0, 1, 1000, 70_000} {
			key := iiif.NewKey("present", fmt.Sprint(size))
			data := bytes.Repeat([]byte{byte(size), 2, 3}, size/3+1)[:size]
			require.NoError(t, c.Put(t.Context(), key, data))
			for range 2 {
				got, err := c.Get(t.Context(), key)
				require.NoError(t, err)
				require.True(t, bytes.Equal(data, got))
			}
			require.NoError(t, c.Put(t.Context(), key, data), "a second time")
			got, err := c.Get(t.Context(), key)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, got))
		}
	})
	t.Run("concurrent", func(t *testing.T) {
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for i := range 20 {
					name := fmt.Sprint("concurrent", (i+worker)%5)
					data := bytes.Repeat([]byte(name), 50)
					got, err := c.Get(t.Context(), iiif.NewKey(name))
					if err == nil && !bytes.Equal(data, got) {
						t.Errorf("%s holds what was not put there", name)
					}
					if err := c.Put(t.Context(), iiif.NewKey(name), data); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}
