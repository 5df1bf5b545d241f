package iiif

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
)

// A Key names a finished derivative. It is a hash of everything that the bytes
// depend on, so what it names never changes.
type Key [sha256.Size]byte

// String is the key in hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// NewKey is the key of what depends on the given parts, in this order.
func NewKey(parts ...string) Key {
	h := sha256.New()
	var length [8]byte
	for _, p := range parts {
		// With the lengths, no two lists run together.
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		h.Write(length[:])
		h.Write([]byte(p))
	}
	return Key(h.Sum(nil))
}

// A Cache keeps finished derivatives. A derivative never changes, so it may be
// dropped at any time but is never out of date.
//
// Implementations are safe for concurrent use and pass
// [github.com/stria-j2k/stria/iiif/iiiftest.TestCache].
type Cache interface {
	// Get returns what was put under the key. The error matches
	// fs.ErrNotExist when there is nothing. The bytes must not be changed.
	Get(ctx context.Context, key Key) ([]byte, error)

	// Put keeps the bytes, or does not: there may be no room. It must not
	// change them, nor may its caller afterwards.
	Put(ctx context.Context, key Key, data []byte) error
}

// Tiers are caches in front of each other, fastest first. What is found in one
// is put into those before it. A tier that fails is passed over.
type Tiers []Cache

// Get returns what the first tier that has the key has. When none has it, the
// error matches fs.ErrNotExist, and those of tiers that failed.
func (t Tiers) Get(ctx context.Context, key Key) ([]byte, error) {
	var failed error
	for i, c := range t {
		data, err := c.Get(ctx, key)
		if err == nil {
			for _, front := range t[:i] {
				// The answer is there; that it is not kept nearer is no failure.
				_ = front.Put(ctx, key, data)
			}
			return data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return nil, errors.Join(fs.ErrNotExist, failed)
}

// Put puts the bytes into every tier. The errors of those that fail are joined.
func (t Tiers) Put(ctx context.Context, key Key, data []byte) error {
	var failed error
	for _, c := range t {
		failed = errors.Join(failed, c.Put(ctx, key, data))
	}
	return failed
}
