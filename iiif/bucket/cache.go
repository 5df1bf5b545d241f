package bucket

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/stria-j2k/stria/iiif"
)

// A Cache is an [iiif.Cache] in a bucket: S3, Google Cloud Storage, Azure, a
// directory, or memory. It does not bound what it keeps; a lifecycle rule of the
// bucket does, and may, for a derivative is never out of date.
type Cache struct {
	// Bucket is the caller's, who closes it.
	Bucket *blob.Bucket

	// Prefix is put before each key. It may be empty.
	Prefix string

	// Largest is the size in bytes above which a derivative is neither kept
	// nor read; zero: 32 MiB; negative: no bound.
	Largest int64
}

const defaultLargest = 32 << 20

func (c *Cache) largest() int64 {
	if c.Largest == 0 {
		return defaultLargest
	}
	return c.Largest
}

// Get implements [iiif.Cache].
func (c *Cache) Get(ctx context.Context, key iiif.Key) ([]byte, error) {
	r, err := c.Bucket.NewReader(ctx, c.Prefix+key.String(), nil)
	if err != nil {
		return nil, c.failure(err)
	}
	defer r.Close()
	if limit := c.largest(); limit >= 0 && r.Size() > limit {
		return nil, fmt.Errorf("bucket: %v has %d bytes: %w", key, r.Size(), fs.ErrNotExist)
	}
	data, err := io.ReadAll(io.LimitReader(r, r.Size()))
	if err != nil {
		return nil, c.failure(err)
	}
	if int64(len(data)) != r.Size() {
		return nil, fmt.Errorf("bucket: %v: %w", key, io.ErrUnexpectedEOF)
	}
	return data, nil
}

// Put implements [iiif.Cache].
func (c *Cache) Put(ctx context.Context, key iiif.Key, data []byte) error {
	if limit := c.largest(); limit >= 0 && int64(len(data)) > limit {
		return nil
	}
	err := c.Bucket.WriteAll(ctx, c.Prefix+key.String(), data,
		&blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return c.failure(err)
	}
	return nil
}

func (c *Cache) failure(err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		err = fs.ErrNotExist
	}
	return fmt.Errorf("bucket: %w", err)
}
