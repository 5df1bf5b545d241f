package codestream

import (
	"errors"
	"fmt"
	"io"
)

// ErrFormat is what every error about invalid image data matches with
// [errors.Is], in this package and in those above it. A legal feature that is
// not implemented matches [errors.ErrUnsupported] instead.
var ErrFormat = errors.New("not a valid JPEG 2000 image")

// A FormatError says what is wrong with the data and where. It matches
// [ErrFormat] and unwraps to its cause.
type FormatError struct {
	Offset int64  // from the start of the source, in bytes
	Where  string // the structure, by its standard name: "SIZ", "packet header"
	Err    error  // what is wrong with it
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("codestream: %s at offset %d: %v", e.Where, e.Offset, e.Err)
}

// Is reports whether target is [ErrFormat].
func (e *FormatError) Is(target error) bool { return target == ErrFormat }

func (e *FormatError) Unwrap() error { return e.Err }

// formatError makes a FormatError with a formatted cause.
func formatError(off int64, where, format string, args ...any) error {
	return &FormatError{Offset: off, Where: where, Err: fmt.Errorf(format, args...)}
}

// unsupported says that the data at off, in where, is legal or may be, and that
// Stria does not do what it asks for.
func unsupported(off int64, where, format string, args ...any) error {
	return fmt.Errorf("codestream: %s at offset %d: %s: %w",
		where, off, fmt.Sprintf(format, args...), errors.ErrUnsupported)
}

// readError turns an error met while reading where at off into what callers
// see: data that ends too early is the image's fault, all else the source's.
func readError(off int64, where string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &FormatError{Offset: off, Where: where, Err: io.ErrUnexpectedEOF}
	}
	return fmt.Errorf("codestream: reading %s at offset %d: %w", where, off, err)
}
