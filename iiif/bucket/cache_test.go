package bucket

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/iiiftest"
)

func TestCache(t *testing.T) {
	files, err := fileblob.OpenBucket(t.TempDir(), nil)
	require.NoError(t, err)
	for name, bucket := range map[string]*blob.Bucket{"memory": memblob.OpenBucket(nil), "files": files} {
		t.Run(name, func(t *testing.T) {
			defer bucket.Close()
			iiiftest.TestCache(t, &Cache{Bucket: bucket, Prefix: "derivatives/"})
		})
	}
}

func TestCacheRefusesWhatIsTooLarge(t *testing.T) {
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	key := iiif.NewKey("a")
	open, bounded := &Cache{Bucket: bucket, Largest: -1}, &Cache{Bucket: bucket, Largest: 3}
	require.NoError(t, bounded.Put(t.Context(), key, []byte("four")))
	_, err := open.Get(t.Context(), key)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, open.Put(t.Context(), key, []byte("four")))
	_, err = bounded.Get(t.Context(), key)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestCacheReportsFailure(t *testing.T) {
	bucket := memblob.OpenBucket(nil)
	c := &Cache{Bucket: bucket}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, c.Put(ctx, iiif.NewKey("a"), nil))
	require.NoError(t, bucket.Close())
	_, err := c.Get(t.Context(), iiif.NewKey("a"))
	require.Error(t, err)
	require.False(t, errors.Is(err, fs.ErrNotExist))
}
