package jp2

import (
	"errors"
	"fmt"
	"io"

	"github.com/stria-j2k/stria/codestream"
)

// formatError makes an error that matches [codestream.ErrFormat], about the
// structure where, which is at off in the source.
func formatError(off int64, where, format string, args ...any) error {
	return &codestream.FormatError{Offset: off, Where: where,
		Err: fmt.Errorf(format, args...)}
}

// unsupported makes an error that matches [errors.ErrUnsupported].
func unsupported(off int64, where, format string, args ...any) error {
	return fmt.Errorf("jp2: %s at offset %d: %s: %w", where, off,
		fmt.Sprintf(format, args...), errors.ErrUnsupported)
}

// readError turns an error met while reading where at off into what callers
// see: data that ends too early is the image's fault, all else the source's.
func readError(off int64, where string, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &codestream.FormatError{Offset: off, Where: where,
			Err: io.ErrUnexpectedEOF}
	}
	return fmt.Errorf("jp2: reading %s at offset %d: %w", where, off, err)
}
