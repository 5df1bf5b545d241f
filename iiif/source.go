package iiif

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stria-j2k/stria/jp2"
)

// A Source finds images by their identifiers. Implementations are safe for
// concurrent use.
type Source interface {
	// Open opens the image with the identifier id, which is any string that a
	// stranger likes to send. The error matches fs.ErrNotExist when there is no
	// such image and fs.ErrPermission when it must not be read.
	Open(ctx context.Context, id string) (*Image, error)
}

// A Stater is a Source that can say cheaply whether an image has changed.
type Stater interface {
	Source

	// Stat is the stamp of the image. Errors are as with Open.
	Stat(ctx context.Context, id string) (Stamp, error)
}

// SourceFunc is a function as a [Source].
type SourceFunc func(ctx context.Context, id string) (*Image, error)

// Open calls f.
func (f SourceFunc) Open(ctx context.Context, id string) (*Image, error) { return f(ctx, id) }

// An Image is an open image and what tells it from earlier and later images of
// the same identifier.
type Image struct {
	File  *jp2.File
	Stamp Stamp

	// Close is called once, when nobody uses the image any more; nil: nothing
	// is.
	Close func() error

	// Changed reports whether a read has found that there is another version,
	// so that the image is of no use any more; nil: that is not noticed. It is
	// called at every use.
	Changed func() bool
}

// A Stamp tells versions of an image apart.
type Stamp struct {
	// Version is a string that changes whenever a byte of the image does: an
	// ETag of where it came from, or its size and time. Empty: the image never
	// changes.
	Version string

	// ModTime is when it last changed; zero: not known.
	ModTime time.Time
}

// Dir is a [Source] of the files below a directory, of nothing outside it and
// of nothing that is hidden: identifiers are their slash-separated paths.
// Symbolic links are followed as long as they stay inside.
type Dir string

// Open implements [Source].
func (d Dir) Open(_ context.Context, id string) (*Image, error) {
	if !Visible(id) {
		return nil, &fs.PathError{Op: "open", Path: short(id), Err: fs.ErrNotExist}
	}
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, fmt.Errorf("iiif: %w", err)
	}
	defer root.Close()
	name := filepath.FromSlash(id)
	// A file that is not a regular one may block for ever when it is opened.
	info, err := root.Stat(name)
	if err != nil {
		return nil, notThere(id, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: short(id), Err: fs.ErrNotExist}
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, notThere(id, err)
	}
	if info, err = f.Stat(); err != nil {
		return nil, errors.Join(notThere(id, err), f.Close())
	}
	file, err := jp2.NewFile(f, info.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Image{File: file, Stamp: fileStamp(info), Close: f.Close}, nil
}

// Stat implements [Stater].
func (d Dir) Stat(_ context.Context, id string) (Stamp, error) {
	if !Visible(id) {
		return Stamp{}, &fs.PathError{Op: "stat", Path: short(id), Err: fs.ErrNotExist}
	}
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return Stamp{}, fmt.Errorf("iiif: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(filepath.FromSlash(id))
	if err != nil {
		return Stamp{}, notThere(id, err)
	}
	if !info.Mode().IsRegular() {
		return Stamp{}, notThere(id, fs.ErrNotExist)
	}
	return fileStamp(info), nil
}

// Visible reports whether id is the path of something that may be shown: clean,
// relative, slash-separated, and without a hidden part, which begins with a dot.
func Visible(id string) bool {
	if !fs.ValidPath(id) || id == "." || strings.IndexByte(id, 0) >= 0 ||
		!filepath.IsLocal(filepath.FromSlash(id)) {
		return false
	}
	for part := range strings.SplitSeq(id, "/") {
		if part[0] == '.' {
			return false
		}
	}
	return true
}

// notThere is the error of a file that cannot be opened: what a stranger can
// bring about by choosing a name says that there is no such file.
func notThere(id string, err error) error {
	var number syscall.Errno
	switch {
	case errors.Is(err, fs.ErrPermission):
	case errors.As(err, &number) && (number.Temporary() || number == syscall.EIO):
	default:
		return &fs.PathError{Op: "open", Path: short(id), Err: fs.ErrNotExist}
	}
	return fmt.Errorf("iiif: %w", err)
}

// short is id, cut when it is long: it goes into error messages.
func short(id string) string {
	const longest = 256
	if len(id) > longest {
		return id[:longest] + "..."
	}
	return id
}

func fileStamp(info fs.FileInfo) Stamp {
	return Stamp{
		Version: strconv.FormatInt(info.Size(), 36) + "-" +
			strconv.FormatInt(info.ModTime().UnixNano(), 36),
		ModTime: info.ModTime(),
	}
}
