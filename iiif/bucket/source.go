package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"gocloud.dev/blob"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/jp2/remote"
	"github.com/stria-j2k/stria/jp2/remote/gocloud"
)

// A Source is an [iiif.Source] of the objects in a bucket. An identifier is what
// follows the prefix in a key, if it is [iiif.Visible]. Images are read in parts,
// as they are needed; see package remote for the settings of a tile.Decoder that
// suit it.
//
// A Source must not be copied after its first use.
type Source struct {
	// Bucket is the caller's, who closes it when no image is open any more.
	Bucket *blob.Bucket

	// Prefix is put before each identifier. It may be empty; one that is to be
	// a directory ends with a slash.
	Prefix string

	// Options are how objects are read. Without a Cache, one of 64 MiB is
	// shared by all of them.
	Options remote.Options

	cache remote.Cache
}

// longestKey is how many bytes a key has at most in all stores.
const longestKey = 1024

// key is the key of an identifier.
func (s *Source) key(id string) (string, error) {
	key := s.Prefix + id
	if !iiif.Visible(id) || len(key) > longestKey {
		return "", fmt.Errorf("bucket: %w", fs.ErrNotExist)
	}
	return key, nil
}

// Open implements [iiif.Source].
func (s *Source) Open(ctx context.Context, id string) (*iiif.Image, error) {
	key, err := s.key(id)
	if err != nil {
		return nil, err
	}
	options := s.Options
	if options.Cache == nil {
		options.Cache = &s.cache
	}
	object, err := gocloud.Open(ctx, s.Bucket, key, options)
	if err != nil {
		return nil, err
	}
	// What NewFile still has to read ends with the object.
	stop := context.AfterFunc(ctx, func() { object.Close() })
	file, err := jp2.NewFile(object, object.Size())
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, object.Close())
	}
	return &iiif.Image{File: file, Stamp: stamp(object.Version()), Close: object.Close, Changed: object.Changed}, nil
}

// Stat implements [iiif.Stater].
func (s *Source) Stat(ctx context.Context, id string) (iiif.Stamp, error) {
	key, err := s.key(id)
	if err != nil {
		return iiif.Stamp{}, err
	}
	v, err := gocloud.Stat(ctx, s.Bucket, key)
	if err != nil {
		return iiif.Stamp{}, err
	}
	return stamp(v), nil
}

// stamp is a version as package iiif has it.
func stamp(v remote.Version) iiif.Stamp {
	s := iiif.Stamp{Version: v.ETag, ModTime: v.ModTime}
	if s.Version == "" {
		s.Version = strconv.FormatInt(v.Size, 36) + "-" + strconv.FormatInt(v.ModTime.Unix(), 36)
	}
	return s
}
