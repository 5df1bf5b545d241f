package remote

import (
	"math"
	"math/big"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var contentRanges = []struct {
	value string
	want  contentRange
	ok    bool
}{
	{"bytes 0-0/1", contentRange{0, 1, 1}, true},
	{"bytes 42-1233/1234", contentRange{42, 1192, 1234}, true},
	{"BYTES  42-1233/*", contentRange{42, 1192, -1}, true},
	{"bytes */0", contentRange{0, 0, 0}, true},
	{"bytes */1234", contentRange{0, 0, 1234}, true},
	{"bytes */*", contentRange{}, false},
	{"", contentRange{}, false},
	{"bytes", contentRange{}, false},
	{"bytes ", contentRange{}, false},
	{"bytes 0-1", contentRange{}, false},
	{"bytes 0-1/", contentRange{}, false},
	{"bytes 0-1/1", contentRange{}, false},
	{"bytes 1-0/2", contentRange{}, false},
	{"bytes -1-0/2", contentRange{}, false},
	{"bytes +0-1/2", contentRange{}, false},
	{"bytes 0-1/-2", contentRange{}, false},
	{"bytes 0--1/2", contentRange{}, false},
	{"bytes 0 - 1 / 2", contentRange{}, false},
	{"bytes 0-0x1/2", contentRange{}, false},
	{"bytes 0-1_0/20", contentRange{}, false},
	{"items 0-1/2", contentRange{}, false},
	{"bytes 0-1/2, 4-5/6", contentRange{}, false},
	{"bytes 0-9223372036854775807/*", contentRange{}, false},
	{"bytes 0-1/99999999999999999999", contentRange{}, false},
}

func TestContentRange(t *testing.T) {
	for _, c := range contentRanges {
		got, ok := parseContentRange(c.value)
		require.Equal(t, c.ok, ok, c.value)
		if ok {
			require.Equal(t, c.want, got, c.value)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	for _, c := range contentRanges {
		f.Add(c.value)
	}
	// RFC 9110, 14.4, for ranges in bytes; more than one space is taken for one.
	grammar := regexp.MustCompile(`^(?i:bytes) +(?:(\d+)-(\d+)/(\d+|\*)|\*/(\d+)) *$`)
	number := func(s string) *big.Int {
		n, _ := new(big.Int).SetString(s, 10)
		return n
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := parseContentRange(s)
		if !ok {
			return
		}
		require.Regexp(t, grammar, s)
		m := grammar.FindStringSubmatch(s)
		if m[4] != "" {
			require.Equal(t, contentRange{size: number(m[4]).Int64()}, r)
			return
		}
		require.Zero(t, number(m[1]).Cmp(big.NewInt(r.off)))
		require.Zero(t, number(m[2]).Cmp(big.NewInt(r.off+r.n-1)))
		require.Positive(t, r.n)
		require.LessOrEqual(t, r.off, int64(math.MaxInt64)-r.n)
		if m[3] != "*" {
			require.Zero(t, number(m[3]).Cmp(big.NewInt(r.size)))
			require.LessOrEqual(t, r.off+r.n, r.size)
		}
	})
}
