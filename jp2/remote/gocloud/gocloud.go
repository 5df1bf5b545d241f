// Package gocloud reads objects in buckets: those of S3, Google Cloud Storage and
// Azure, and all others that [gocloud.dev/blob] has a driver for, which is the
// program's choice. It is a package of its own so that package remote does not
// import gocloud.dev.
package gocloud

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/stria-j2k/stria/jp2/remote"
)

// Open opens the object with the key. The context is for opening only; the bucket
// must stay open as long as the object. There are two requests, at the same time:
// for the object's attributes, among which is its ETag, and for its first part.
//
// That an object has changed is told by its size and time of change, which come
// with every part. Most stores keep the time to the second, so one of the same
// size within the same second is not noticed.
func Open(ctx context.Context, b *blob.Bucket, key string, o remote.Options) (*remote.Object, error) {
	return remote.Open(ctx, &object{b, key}, o)
}

// Stat gives the version of the object with the key. Its size and ETag are those
// that Open gives.
func Stat(ctx context.Context, b *blob.Bucket, key string) (remote.Version, error) {
	a, err := b.Attributes(ctx, key)
	if err != nil {
		return remote.Version{}, failure(err)
	}
	return remote.Version{Size: a.Size, ETag: a.ETag, ModTime: a.ModTime}, nil
}

// An object is a [remote.Getter] of an object in a bucket.
type object struct {
	bucket *blob.Bucket
	key    string
}

// Get implements [remote.Getter].
func (o *object) Get(ctx context.Context, off, n int64, of *remote.Version) (*remote.Part, error) {
	if of == nil {
		return o.first(ctx, n)
	}
	part, err := o.part(ctx, off, n)
	if gcerrors.Code(err) == gcerrors.Unknown {
		// Stores have no common word for a range beyond the end.
		if now, err := Stat(ctx, o.bucket, o.key); err == nil && now.ETag != of.ETag {
			return nil, fmt.Errorf("gocloud: %w", remote.ErrChanged)
		}
	}
	return part, err
}

// part gets a part. Its version has no ETag.
func (o *object) part(ctx context.Context, off, n int64) (*remote.Part, error) {
	r, err := o.bucket.NewRangeReader(ctx, o.key, off, n, nil)
	if err != nil {
		return nil, failure(err)
	}
	v := remote.Version{Size: r.Size(), ModTime: r.ModTime()}
	return &remote.Part{Body: r, Len: min(n, max(v.Size-off, 0)), Version: v}, nil
}

// first gets the first part, its version with the ETag.
func (o *object) first(ctx context.Context, n int64) (*remote.Part, error) {
	var part *remote.Part
	var failed error
	got := make(chan struct{})
	go func() {
		defer close(got)
		part, failed = o.part(ctx, 0, n)
	}()
	v, err := Stat(ctx, o.bucket, o.key)
	<-got
	switch {
	case err == nil && v.Size == 0 && failed != nil:
		// There are stores that have no part of nothing.
		return &remote.Part{Body: http.NoBody, Version: v}, nil
	case err == nil && failed == nil && part.Version.Size == v.Size:
		part.Version.ETag = v.ETag
		return part, nil
	case err == nil && failed == nil:
		err = errors.New("gocloud: the object has changed while it was opened")
	case err == nil:
		err = failed
	}
	if part != nil {
		err = errors.Join(err, part.Body.Close())
	}
	return nil, err
}

// failure is an error of a bucket that matches what package remote and others
// know. In a bucket that is a directory there are keys that no file can have.
func failure(err error) error {
	for _, impossible := range []error{syscall.ENAMETOOLONG, syscall.ENOTDIR, syscall.ELOOP, syscall.EINVAL} {
		if errors.Is(err, impossible) {
			return fmt.Errorf("gocloud: %w: %w", fs.ErrNotExist, err)
		}
	}
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fmt.Errorf("gocloud: %w: %w", fs.ErrNotExist, err)
	case gcerrors.PermissionDenied:
		return fmt.Errorf("gocloud: %w: %w", fs.ErrPermission, err)
	case gcerrors.InvalidArgument, gcerrors.Unimplemented:
		return fmt.Errorf("gocloud: %w: %w", errors.ErrUnsupported, err)
	}
	return fmt.Errorf("gocloud: %w", err)
}
