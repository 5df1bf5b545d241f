package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"
)

// ErrChanged is what errors match when an object is not any more what it was
// when it was opened.
var ErrChanged = errors.New("the object has changed")

// errSlow is the cause of a request that took too long.
var errSlow = errors.New("remote: no whole answer in time")

// A StatusError is an answer with a status that is no success. It matches
// [fs.ErrNotExist] (404 and 410) and [fs.ErrPermission] (401 and 403).
type StatusError struct {
	Code int

	// RetryAfter is how long the server wants to be left alone; 0 when it does
	// not say.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("remote: the answer is %d %s", e.Code, http.StatusText(e.Code))
}

// Is reports whether target says the same as the status.
func (e *StatusError) Is(target error) bool {
	switch e.Code {
	case http.StatusNotFound, http.StatusGone:
		return target == fs.ErrNotExist
	case http.StatusUnauthorized, http.StatusForbidden:
		return target == fs.ErrPermission
	}
	return false
}

// passing reports whether what failed with err may succeed when it is tried
// again.
func passing(err error) bool {
	for _, lasting := range []error{ErrChanged, fs.ErrNotExist, fs.ErrPermission, fs.ErrClosed,
		errors.ErrUnsupported, context.Canceled} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	var s *StatusError
	if errors.As(err, &s) {
		return s.Code == http.StatusRequestTimeout || s.Code == http.StatusTooManyRequests ||
			s.Code >= 500 && s.Code != http.StatusNotImplemented
	}
	return true
}
