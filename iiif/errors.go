package iiif

import (
	"errors"
	"fmt"

	"github.com/stria-j2k/stria/tile"
)

// Errors about requests; all match [tile.ErrRequest] as well, for they are the
// caller's fault.
var (
	// ErrSyntax: the text is not a request of the Image API.
	ErrSyntax = errors.New("not an Image API request")

	// ErrLimit: the result would be larger than the [Limits] allow.
	ErrLimit = errors.New("larger than the server allows")
)

// A SyntaxError says which part of a request breaks the grammar. It matches
// [ErrSyntax] and [tile.ErrRequest].
type SyntaxError struct {
	Part  string // "identifier", "region", "size", ... or "path"
	Value string // what stands there, cut when it is long
	Err   error  // what is wrong with it
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("iiif: %s %q: %v", e.Part, e.Value, e.Err)
}

// Is reports whether target is [ErrSyntax] or [tile.ErrRequest].
func (e *SyntaxError) Is(target error) bool {
	return target == ErrSyntax || target == tile.ErrRequest
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// syntaxError makes a SyntaxError. An error must not carry megabytes of what a
// stranger sent into a log, so the value is cut.
func syntaxError(part, value, reason string) error {
	const longest = 64
	if len(value) > longest {
		value = value[:longest] + "..."
	}
	return &SyntaxError{Part: part, Value: value, Err: errors.New(reason)}
}

// A requestError is a request that is sound but not for this image or this
// server.
type requestError struct {
	reason string
	kind   error // nil, ErrLimit or errors.ErrUnsupported
}

func (e *requestError) Error() string { return "iiif: " + e.reason }

func (e *requestError) Is(target error) bool {
	return target == tile.ErrRequest || e.kind != nil && target == e.kind
}

func requestErrorf(kind error, format string, args ...any) error {
	return &requestError{reason: fmt.Sprintf(format, args...), kind: kind}
}
