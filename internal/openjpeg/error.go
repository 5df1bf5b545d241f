package openjpeg

import (
	"errors"

	"github.com/stria-j2k/stria/codestream"
)

// An Error is OpenJPEG refusing data. It matches [codestream.ErrFormat].
type Error struct {
	Message string // the first of OpenJPEG's error messages; may be empty
}

func (e *Error) Error() string {
	if e.Message == "" {
		return "openjpeg: the data was refused"
	}
	return "openjpeg: " + e.Message
}

// Is reports whether target is [codestream.ErrFormat].
func (e *Error) Is(target error) bool { return target == codestream.ErrFormat }

// What is wrong with a call, whatever the data.
var (
	errClosed   = errors.New("openjpeg: the decoder is closed")
	errNoMemory = errors.New("openjpeg: out of C memory")
	errMismatch = errors.New("openjpeg: the decoded planes are not those of the header (bug)")
)
