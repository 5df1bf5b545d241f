package iiif

import (
	"container/list"
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/stria-j2k/stria/codestream"
)

// Files keeps the images of a [Source] open, together with the indexes that
// requests have filled in, so that a tile of an image in use costs no parsing.
// What is kept is bounded; images in use are never closed. Only Source must be
// set, before the first use; it is safe for concurrent use.
//
// Of what has to go, images that were asked for once go first: somebody who
// walks through a whole collection does not close what others look at.
type Files struct {
	Source Source

	// Bytes bounds the memory of headers and indexes that are kept; zero:
	// 256 MiB.
	Bytes int64

	// Most is how many images are kept open at most; zero: 512.
	Most int

	// Fresh is how long an image is taken for unchanged without asking, if the
	// Source is a [Stater]; zero: 2 s; negative: for ever.
	Fresh time.Duration

	// Indexes keeps what [Files.Index] finds out about images, so that it is
	// there when they are opened again, by other servers too; nil: nothing is
	// kept. A cache that fails is done without.
	Indexes Cache

	mu     sync.Mutex
	byID   map[string]*keptFile
	once   list.List // of *keptFile, asked for once; most recent first
	often  list.List // asked for again
	bytes  int64     // of both lists
	closed bool
}

const (
	defaultFilesBytes = 256 << 20
	defaultFilesMost  = 512
	defaultFresh      = 2 * time.Second

	// fileOverhead is what an open image takes at least: a descriptor, the
	// main header, tables.
	fileOverhead = 16 << 10
)

// errClosed is why images cannot be opened any more.
var errClosed = errors.New("iiif: closed")

// A keptFile is an image that is open or being opened. Its fields belong to the
// Files' lock, but those set before ready is closed never change after.
type keptFile struct {
	id     string
	ready  chan struct{} // closed when image and err are set
	image  *Image
	known  bool // its index came from Indexes, or went there
	err    error
	cancel context.CancelFunc // of the opening

	users    int
	in       *list.List    // once or often; nil when it is not kept
	element  *list.Element // in it
	weight   int64         // as counted in Files.bytes
	checked  time.Time     // when it was last known to be unchanged
	checking bool

	facts facts
}

// Open returns the image with the identifier id, opening it when it is not, and
// a function that must be called when it is no longer used; calling it again
// does nothing. Concurrent calls for one image share its opening, which ends
// when none of them waits for it any more.
func (f *Files) Open(ctx context.Context, id string) (image *Image, release func(), err error) {
	k, release, err := f.open(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return k.image, release, nil
}

func (f *Files) open(ctx context.Context, id string) (*keptFile, func(), error) {
	for {
		k, err := f.use(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		select {
		case <-k.ready:
		case <-ctx.Done():
			f.release(k)
			return nil, nil, context.Cause(ctx)
		}
		if k.err != nil {
			f.release(k)
			return nil, nil, k.err
		}
		changed, err := f.stale(ctx, k)
		if err != nil {
			f.release(k)
			return nil, nil, err
		}
		if changed {
			f.forget(k)
			f.release(k)
			continue
		}
		return k, sync.OnceFunc(func() { f.release(k) }), nil
	}
}

// use finds or starts an entry and counts a user.
func (f *Files) use(ctx context.Context, id string) (*keptFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	if k := f.byID[id]; k != nil {
		k.users++
		if k.in != nil {
			f.move(k, &f.often)
		}
		return k, nil
	}
	if f.byID == nil {
		f.byID = make(map[string]*keptFile)
	}
	opening, cancel := context.WithCancel(context.WithoutCancel(ctx))
	k := &keptFile{id: id, ready: make(chan struct{}), cancel: cancel, users: 1}
	f.byID[id] = k
	go f.load(opening, k)
	return k, nil
}

// load opens the image of k and keeps it.
func (f *Files) load(ctx context.Context, k *keptFile) {
	var image *Image
	var known bool
	err := caught(func() (err error) {
		image, err = f.Source.Open(ctx, k.id)
		if err == nil {
			known = f.recall(ctx, k.id, image)
		}
		return err
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	k.image, k.known, k.err = image, known, err
	k.checked = time.Now()
	close(k.ready)
	k.cancel()
	if err != nil || f.byID[k.id] != k {
		f.drop(k)
		return
	}
	k.in = &f.once
	k.element = k.in.PushFront(k)
	f.weigh(k)
	f.shrink()
}

// indexKey names the index of an image.
func indexKey(id string, stamp Stamp) Key { return NewKey("stria index 1", id, stamp.Version) }

// recall gives an image the index that was kept of it, and reports whether there
// is one. Without, requests find out what they need.
func (f *Files) recall(ctx context.Context, id string, image *Image) bool {
	if f.Indexes == nil || image.File == nil {
		return false
	}
	data, err := f.Indexes.Get(ctx, indexKey(id, image.Stamp))
	if err != nil {
		return false
	}
	index, err := codestream.OpenSidecar(image.File.Source(), image.File.Header, data, image.Stamp.Version)
	return err == nil && image.File.SetIndex(index) == nil
}

// Index finds out where all code-blocks of an image are, and keeps that in
// Indexes: the first tile of an image is then as quick as the next, whatever
// the file. It reads the image once from end to end, unless the index is there
// already, so it is for when an image is put in place, not for when it is asked for.
func (f *Files) Index(ctx context.Context, id string) error {
	k, release, err := f.open(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	f.mu.Lock()
	known := k.known
	f.mu.Unlock()
	if known {
		return nil
	}
	data, err := k.image.File.Index().Sidecar(ctx, k.image.Stamp.Version)
	if err != nil || f.Indexes == nil {
		return err
	}
	if err := f.Indexes.Put(ctx, indexKey(id, k.image.Stamp), data); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	k.known = true
	return nil
}

// stale reports whether the image of k is not what its source has now.
func (f *Files) stale(ctx context.Context, k *keptFile) (bool, error) {
	if k.image.Changed != nil && k.image.Changed() {
		return true, nil
	}
	stater, ok := f.Source.(Stater)
	fresh := f.Fresh
	if fresh == 0 {
		fresh = defaultFresh
	}
	if !ok || fresh < 0 {
		return false, nil
	}
	f.mu.Lock()
	check := !k.checking && time.Since(k.checked) > fresh
	k.checking = k.checking || check
	f.mu.Unlock()
	if !check {
		return false, nil
	}
	stamp, err := stater.Stat(ctx, k.id)
	f.mu.Lock()
	k.checking = false
	if err == nil {
		k.checked = time.Now()
	}
	f.mu.Unlock()
	switch {
	case err == nil:
		return stamp.Version != k.image.Stamp.Version, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		f.forget(k)
		return false, err
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	return false, nil // better what was there a moment ago than nothing
}

// forget makes k unknown, so that the next call opens the image anew.
func (f *Files) forget(k *keptFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(k)
}

// retain adds a use of k, which is in use, and returns what ends it; calling
// that again does nothing.
func (f *Files) retain(k *keptFile) (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k.users++
	return sync.OnceFunc(func() { f.release(k) })
}

// release ends a use of k.
func (f *Files) release(k *keptFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k.users--
	if k.in != nil {
		f.weigh(k) // its index may have grown
		f.shrink()
	} else if k.users == 0 {
		select {
		case <-k.ready:
			k.close()
		default:
			// Nobody waits for the opening any more; load closes what comes.
			k.cancel()
			f.drop(k)
		}
	}
}

// drop takes k out of what is known and kept, and closes its image when nobody
// uses it.
func (f *Files) drop(k *keptFile) {
	if f.byID[k.id] == k {
		delete(f.byID, k.id)
	}
	if k.in != nil {
		k.in.Remove(k.element)
		k.in, k.element = nil, nil
		f.bytes -= k.weight
		k.weight = 0
	}
	if k.users == 0 {
		select {
		case <-k.ready:
			k.close()
		default:
		}
	}
}

// close closes the image, once.
func (k *keptFile) close() {
	if k.image != nil && k.image.Close != nil {
		closeImage := k.image.Close
		k.image.Close = nil
		_ = closeImage() // it was only read from
	}
}

// move puts k at the front of list to.
func (f *Files) move(k *keptFile, to *list.List) {
	if k.in == to {
		to.MoveToFront(k.element)
		return
	}
	k.in.Remove(k.element)
	k.in, k.element = to, to.PushFront(k)
}

// weigh counts what k takes now.
func (f *Files) weigh(k *keptFile) {
	f.bytes -= k.weight
	k.weight = fileOverhead
	if file := k.image.File; file != nil {
		k.weight += fileBytes(file)
	}
	f.bytes += k.weight
}

// shrink closes images until what is kept is within the bounds, or all that is
// left is in use.
func (f *Files) shrink() {
	most, limit := f.Most, f.Bytes
	if most <= 0 {
		most = defaultFilesMost
	}
	if limit <= 0 {
		limit = defaultFilesBytes
	}
	// Those asked for again may fill four fifths; then they must prove
	// themselves anew.
	for f.often.Len() > most*4/5 {
		f.move(f.often.Back().Value.(*keptFile), &f.once)
	}
	for _, from := range []*list.List{&f.once, &f.often} {
		for e := from.Back(); e != nil; {
			if f.bytes <= limit && f.once.Len()+f.often.Len() <= most {
				return
			}
			k := e.Value.(*keptFile)
			e = e.Prev()
			if k.users == 0 {
				f.drop(k)
			}
		}
	}
}

// Close closes all images that are not in use, and the others when they are not
// any more. Nothing can be opened after it.
func (f *Files) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, k := range f.byID {
		f.drop(k)
	}
	return nil
}
