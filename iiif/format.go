package iiif

// A Format is the extension that names a file format (4.5): letters and
// digits in lower case, such as "jpg". Its values are made by [ParseFormat]; the
// zero value is "jpg". The grammar is open to further formats, so whether a
// server has one is not a matter of syntax.
type Format struct{ extension string }

const (
	defaultFormat = "jpg"
	longestFormat = 16
)

// ParseFormat reads the format of a request. Errors match [ErrSyntax].
func ParseFormat(s string) (Format, error) {
	if s == "" || len(s) > longestFormat {
		return Format{}, syntaxError("format", s, "not a file extension")
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return Format{}, syntaxError("format", s, "not a file extension")
		}
	}
	if s == defaultFormat {
		return Format{}, nil
	}
	return Format{s}, nil
}

// String is f in the grammar of a request.
func (f Format) String() string {
	if f.extension == "" {
		return defaultFormat
	}
	return f.extension
}
