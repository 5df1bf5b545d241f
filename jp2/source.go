// This file implements the window through which a file is opened: boxes are
// small and close together, so reading ahead a little makes one read out of
// many, and the codestream's main header usually comes with it.

package jp2

import (
	"io"

	"github.com/stria-j2k/stria/codestream"
)

const (
	firstRead = 8 << 10 // bytes of the first read: usually all that opening takes
	readAhead = 4 << 10 // bytes read beyond what is asked for, later
	readStep  = 1 << 20 // bytes allocated before any of them is known to exist
)

// A window is the part of r that was read last. It belongs to one goroutine.
type window struct {
	r    *codestream.Source
	size int64 // of r
	off  int64 // of buf in r
	buf  []byte
}

// bytes returns the n bytes at off, which must lie within the size. They are
// valid until the next call. The error is the source's.
func (w *window) bytes(off int64, n int) ([]byte, error) {
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		ahead := readAhead
		if w.buf == nil {
			ahead = max(firstRead-n, 0)
		}
		if err := w.load(off, n, int(min(int64(n+ahead), w.size-off))); err != nil {
			return nil, err
		}
	}
	i := off - w.off
	return w.buf[i : i+int64(n) : i+int64(n)], nil
}

// load makes the window want bytes at off, or fewer where the source ends, but
// at least need.
func (w *window) load(off int64, need, want int) error {
	// A source may be shorter than its size says, so memory grows with what has
	// really been read.
	buf := make([]byte, 0, min(want, readStep))
	for len(buf) < want {
		have := len(buf)
		step := min(want-have, max(have, readStep))
		if cap(buf)-have < step {
			buf = append(make([]byte, 0, have+step), buf...)
		}
		n, err := w.r.ReadAt(buf[have:have+step], off+int64(have))
		buf = buf[:have+n]
		if n < step {
			if err != io.EOF || len(buf) < need {
				return err
			}
			break
		}
	}
	w.off, w.buf = off, buf
	return nil
}

// ReadAt reads through the window, so that what is in it is not read again.
func (w *window) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off >= w.off && off < w.off+int64(len(w.buf)) {
		n = copy(p, w.buf[off-w.off:])
	}
	if n == len(p) {
		return n, nil
	}
	m, err := w.r.ReadAt(p[n:], off+int64(n))
	return n + m, err
}
