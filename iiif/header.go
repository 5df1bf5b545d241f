package iiif

// This file reads lists and what is in them out of header fields (RFC 9110, 5.6).

import (
	"iter"
	"mime"
	"strconv"
	"strings"
)

// elements yields the parts of s between separators that are not in quoted
// strings, without the space around them and without empty ones. A quoted string
// that does not end is left out.
func elements(s string, separator byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i <= len(s); i++ {
			switch {
			case i == len(s) && quoted:
				return
			case i == len(s), s[i] == separator && !quoted:
				if part := strings.Trim(s[start:i], " \t"); part != "" && !yield(part) {
					return
				}
				start = i + 1
			case s[i] == '"':
				quoted = !quoted
			case s[i] == '\\' && quoted:
				i++
			}
		}
	}
}

// unquoted is the value of a token or a quoted string.
func unquoted(s string) string {
	inner, ok := strings.CutPrefix(s, `"`)
	if !ok {
		return s
	}
	inner = strings.TrimSuffix(inner, `"`)
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) {
			i++
		}
		b.WriteByte(inner[i])
	}
	return b.String()
}

// accepted is how much a client wants a media type, 0 to 1, that sends these
// Accept headers (RFC 9110, 12.5.1), and whether they name it. Parameters such as
// a profile make no difference.
func accepted(accept []string, mediaType string) (quality float64, named bool) {
	if len(accept) == 0 {
		return 1, false
	}
	kind, _, _ := strings.Cut(mediaType, "/")
	best := 0 // how specific the range is that quality is from
	for element := range elements(strings.Join(accept, ","), ',') {
		have, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		q := 1.0
		if s, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(s, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		specific := 0
		switch have {
		case mediaType:
			specific, named = 3, true
		case kind + "/*":
			specific = 2
		case "*/*":
			specific = 1
		default:
			continue
		}
		if specific > best || specific == best && q > quality {
			best, quality = specific, q
		}
	}
	return quality, named
}
