package iiiftest

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
)

// TestSource checks the promises of [iiif.Source] on a source that has an image
// with the identifier id and none of those that strangers try.
func TestSource(t *testing.T, s iiif.Source, id string) {
	t.Run("present", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				image, err := s.Open(t.Context(), id)
				if err != nil {
					t.Error(err)
					return
				}
				if image.File == nil || image.File.Bounds().Empty() {
					t.Error("an image without pixels")
				}
				if image.Close != nil {
					if err := image.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
	t.Run("stamp", func(t *testing.T) {
		first, err := s.Open(t.Context(), id)
		require.NoError(t, err)
		second, err := s.Open(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, first.Stamp.Version, second.Stamp.Version)
		require.True(t, first.Stamp.ModTime.Equal(second.Stamp.ModTime))
		if stater, ok := s.(iiif.Stater); ok {
			stamp, err := stater.Stat(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, first.Stamp.Version, stamp.Version)
		}
		for _, image := range []*iiif.Image{first, second} {
			if image.Close != nil {
				require.NoError(t, image.Close())
			}
		}
	})
	t.Run("absent", func(t *testing.T) {
		for _, id := range []string{"", ".", "..", "/", "../" + id, "/etc/passwd", id + "\x00", "\x00", "\xff",
			id + "/", id + "/..", strings.Repeat("../", 40) + "etc/passwd", strings.Repeat("a", 100_000)} {
			_, err := s.Open(t.Context(), id)
			require.ErrorIs(t, err, fs.ErrNotExist, "%.80q", id)
			if stater, ok := s.(iiif.Stater); ok {
				_, err := stater.Stat(t.Context(), id)
				require.ErrorIs(t, err, fs.ErrNotExist, "%.80q", id)
			}
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		// It may be quicker than the context, but must not fail otherwise.
		image, err := s.Open(ctx, id)
		if err != nil {
			require.True(t, errors.Is(err, gone) || errors.Is(err, context.Canceled), "%v", err)
		} else if image.Close != nil {
			require.NoError(t, image.Close())
		}
	})
}
