package jp2

import "fmt"

// A Warning is something that was wrong with a file and could be passed over.
type Warning struct {
	Offset int64  // in the source, of what the warning is about
	Box    string // its type; "SIZ" where a codestream stands alone
	Text   string // what is wrong and what is done about it, for people to read

	// Colors says that the colours or the opacity of the picture hang on it: the file
	// does not say rightly what they are, and they are what the package's
	// documentation has for that.
	Colors bool
}

func (w Warning) String() string {
	return fmt.Sprintf("%s at offset %d: %s", w.Box, w.Offset, w.Text)
}
