package openjpeg

import "github.com/stria-j2k/stria/codestream"

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
