package iiif

import (
	"net/url"
	"strings"
)

// EscapeID is the identifier id as a segment of a path (section 9): encoded are
// the characters that the specification names, and those that may not stand in
// a URI at all.
func EscapeID(id string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(id) {
		c := id[i]
		if plainInID(c) && !(c == '.' && strings.Trim(id, ".") == "") {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// plainInID reports whether c stands for itself in an identifier: the
// unreserved characters, the sub-delimiters and the colon of RFC 3986.
func plainInID(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$&'()*+,;=:", c) >= 0
}

// unescape undoes the percent-encoding of the segment s of a path.
func unescape(part, s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	plain, err := url.PathUnescape(s)
	if err != nil {
		return "", syntaxError(part, s, "broken percent-encoding")
	}
	return plain, nil
}

// ParseID reads an identifier as it stands in a path, percent-encoded. Errors
// match [ErrSyntax].
func ParseID(s string) (string, error) {
	if s == "" {
		return "", syntaxError("identifier", s, "empty")
	}
	if strings.IndexByte(s, '/') >= 0 {
		return "", syntaxError("identifier", s, "a slash that is not encoded")
	}
	return unescape("identifier", s)
}
