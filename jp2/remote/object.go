package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"
)

// A Getter gets parts of one object. Implementations are safe for concurrent
// use.
type Getter interface {
	// Get asks once for the n bytes from off on, n > 0; of the object there
	// may be fewer. It asks for the version of, and an error that matches
	// [ErrChanged] says that there is another; nil: any, and off is 0.
	//
	// The context is for the part as well. Errors that match [fs.ErrNotExist],
	// [fs.ErrPermission], [errors.ErrUnsupported] or ErrChanged are final, and
	// so is a [StatusError] of most statuses; after others it is called again.
	Get(ctx context.Context, off, n int64, of *Version) (*Part, error)
}

// A Part is an answer of a [Getter].
type Part struct {
	Body    io.ReadCloser // closed by the caller, who may not have read all of it
	Len     int64         // what Body gives if nothing fails; at most what was asked for
	Version Version       // of the object that it is a part of
}

// A Version tells versions of an object apart.
type Version struct {
	Size    int64     // in bytes; negative: a [Getter] was not told
	ETag    string    // as it was given, quotes included; empty: there is none
	ModTime time.Time // zero: not known
}

// same reports whether w may be v.
func (v *Version) same(w *Version) bool {
	switch {
	case v.Size != w.Size:
		return false
	case v.ETag != "" && w.ETag != "":
		return v.ETag == w.ETag
	case !v.ModTime.IsZero() && !w.ModTime.IsZero():
		return v.ModTime.Equal(w.ModTime)
	}
	return true
}

// Options are how an object is read. The zero value is ready to use.
type Options struct {
	// Cache keeps what was read; nil: one of the object's own, of 4 MiB.
	Cache *Cache

	// Ahead is how many bytes are asked for at least; zero: 80 KiB, for the
	// 64 KiB with which packet headers begin to be read, wherever they lie in
	// blocks of 16; negative: no more than the blocks that are read.
	Ahead int64

	// Retries is how often a read tries again without getting any further;
	// zero: 3; negative: never.
	Retries int

	// Backoff is the time before the first of these, about. It doubles with
	// each; zero: 100 ms.
	Backoff time.Duration

	// Timeout bounds one request with its answer, of which is kept what has
	// arrived; zero: 30 s; negative: none.
	Timeout time.Duration
}

const (
	defaultAhead   = 64<<10 + blockSize
	defaultRetries = 3
	defaultBackoff = 100 * time.Millisecond
	defaultTimeout = 30 * time.Second

	// direct is how long a read must be to go past the cache.
	direct = 256 << 10
)

// ahead is Ahead in blocks.
func (o *Options) ahead() int64 {
	switch {
	case o.Ahead < 0:
		return 1
	case o.Ahead == 0:
		return defaultAhead / blockSize
	}
	return (o.Ahead-1)/blockSize + 1
}

// An Object is something of which parts are asked for as they are read. Besides
// an [io.ReaderAt] it is what packages codestream and tile read through when
// reading shall end with a context. It is safe for concurrent use.
type Object struct {
	getter  Getter
	options Options
	cache   *Cache
	version Version

	// life is the context of what is read into the cache. It ends with Close,
	// and not with the read that began it, which others may wait for too.
	life    context.Context
	end     context.CancelCauseFunc
	changed atomic.Bool

	// What follows is guarded by the cache's lock.
	blocks  map[int64]*block // by number
	follows int64            // the block after the last flight
	length  int64            // of it, in blocks
	closed  bool
}

var errClosed = fmt.Errorf("remote: the object: %w", fs.ErrClosed)

// Open opens what g gets parts of, and reads the first of them. The context is
// for opening only.
func Open(ctx context.Context, g Getter, o Options) (*Object, error) {
	obj := &Object{getter: g, options: o, cache: o.Cache, blocks: make(map[int64]*block)}
	if obj.cache == nil {
		obj.cache = &Cache{Bytes: ownCache}
	}
	obj.life, obj.end = context.WithCancelCause(context.Background())
	r := &reader{obj: obj, end: o.ahead() * blockSize}
	defer r.close()
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	obj.version = *r.of
	for r.off < r.end {
		b := obj.block(r.off / blockSize)
		data := make([]byte, min(blockSize, r.end-r.off))
		if err := r.read(ctx, data); err != nil {
			obj.release()
			return nil, err
		}
		obj.blocks[b.number] = b
		obj.cache.keep(b, data)
	}
	return obj, nil
}

// Version is what the object was when it was opened, and is.
func (o *Object) Version() Version { return o.version }

// Size is the size in bytes.
func (o *Object) Size() int64 { return o.version.Size }

// Changed reports whether a read has found that there is another version: all
// reads fail with [ErrChanged] then.
func (o *Object) Changed() bool { return o.changed.Load() }

// Close ends all reads, without waiting for that: they fail, and the getter is
// used until they have. What is kept of the object in the cache is let go.
func (o *Object) Close() error {
	o.end(errClosed)
	o.release()
	return nil
}

// ReadAt implements [io.ReaderAt].
func (o *Object) ReadAt(p []byte, off int64) (int, error) {
	return o.ReadAtContext(context.Background(), p, off)
}

// ReadAtContext is ReadAt that ends with the context.
func (o *Object) ReadAtContext(ctx context.Context, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("remote: negative offset")
	}
	var end error
	if rest := o.version.Size - off; int64(len(p)) > rest {
		p, end = p[:max(rest, 0)], io.EOF
	}
	if o.changed.Load() {
		return 0, fmt.Errorf("remote: %w", ErrChanged)
	}
	if len(p) == 0 {
		return 0, end
	}
	read := o.readBlocks
	if len(p) >= direct {
		read = o.readDirect
	}
	n, err := read(ctx, p, off)
	if err == nil {
		err = end
	}
	return n, err
}

// readDirect reads with one request of its own.
func (o *Object) readDirect(ctx context.Context, p []byte, off int64) (int, error) {
	if o.life.Err() != nil {
		return 0, errClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(o.life, func() { cancel(errClosed) })()
	r := o.reader(off, off+int64(len(p)))
	defer r.close()
	err := r.read(ctx, p)
	return int(r.off - off), err
}
