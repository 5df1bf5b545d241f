package main

import (
	"context"
	"log/slog"
	"strings"

	"gocloud.dev/blob"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/bucket"
)

// openCache is the cache in a directory, or in a bucket if the name is a URL; none
// if it is empty.
func openCache(ctx context.Context, name string) (iiif.Cache, error) {
	switch {
	case name == "":
		return nil, nil
	case !strings.Contains(name, "://"):
		return &iiif.DirCache{Dir: name}, nil
	}
	b, err := blob.OpenBucket(ctx, name)
	if err != nil {
		return nil, err
	}
	return &bucket.Cache{Bucket: b}, nil
}

// index finds out where everything is in all images, one after the other, and
// keeps that.
func (s *server) index(ctx context.Context) {
	err := s.images.walk(ctx, func(id string) error {
		if err := s.files.Index(ctx, id); err != nil && ctx.Err() == nil {
			slog.Warn("no index", "image", id, "error", err)
		}
		return ctx.Err()
	})
	slog.Info("indexed", "error", err)
}
