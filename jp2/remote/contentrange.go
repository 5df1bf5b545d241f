package remote

import (
	"strconv"
	"strings"
)

// A contentRange is a Content-Range header field (RFC 9110, 14.4).
type contentRange struct {
	off, n int64 // n is 0 when there is no range, with status 416
	size   int64 // of the whole; -1: not said
}

// parseContentRange reads the value of the field. It reports false when it is
// not in bytes or contradicts itself.
func parseContentRange(s string) (contentRange, bool) {
	unit, rest, ok := strings.Cut(s, " ")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return contentRange{}, false
	}
	part, whole, ok := strings.Cut(strings.Trim(rest, " "), "/")
	if !ok {
		return contentRange{}, false
	}
	r := contentRange{size: -1}
	if whole != "*" {
		if r.size, ok = parseOffset(whole); !ok {
			return contentRange{}, false
		}
	}
	if part == "*" {
		return r, r.size >= 0
	}
	from, to, _ := strings.Cut(part, "-")
	first, ok1 := parseOffset(from)
	last, ok2 := parseOffset(to)
	if !ok1 || !ok2 || last < first || r.size >= 0 && last >= r.size {
		return contentRange{}, false
	}
	r.off, r.n = first, last-first+1
	return r, true
}

// parseOffset reads digits, of a number to which one can be added.
func parseOffset(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 62)
	return int64(n), err == nil
}
