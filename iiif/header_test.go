package iiif

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestElements(t *testing.T) {
	for list, want := range map[string][]string{
		"":                         nil,
		" , ,":                     nil,
		"a":                        {"a"},
		"a, b ,\tc":                {"a", "b", "c"},
		`for="a,b;c", x`:           {`for="a,b;c"`, "x"},
		`a="\",", b`:               {`a="\","`, "b"},
		`a="not ended, b`:          nil,
		`a, b="\`:                  {"a"},
		`a="\\", b`:                {`a="\\"`, "b"},
		`back\slash, "in \" it",c`: {`back\slash`, `"in \" it"`, "c"},
	} {
		require.Equal(t, want, slices.Collect(elements(list, ',')), list)
	}
}

func TestUnquoted(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "a": "a", `"`: "", `""`: "", `"a b"`: "a b", `"a\"b\\c"`: `a"b\c`, `"a\`: `a\`, `a"b"`: `a"b"`,
	} {
		require.Equal(t, want, unquoted(s), s)
	}
}

func TestAccepted(t *testing.T) {
	for _, test := range []struct {
		accept  []string
		quality float64
		named   bool
	}{
		{nil, 1, false},
		{[]string{""}, 0, false},
		{[]string{"*/*"}, 1, false},
		{[]string{"application/*;q=0.3, */*"}, 0.3, false},
		{[]string{"text/html, */*;q=0.1"}, 0.1, false},
		{[]string{"*/*", "application/json;q=0"}, 0, true},
		{[]string{"Application/JSON; q=.5"}, 0.5, true},
		{[]string{`application/json;profile="a,b";q=0.7, image/png`}, 0.7, true},
		{[]string{`application/json;q=0.2;profile="x"`, "application/json;q=0.4"}, 0.4, true},
		{[]string{"application/json;q=2"}, 0, false},
		{[]string{"application/json;q=NaN, */*;q=0.1"}, 0.1, false},
		{[]string{"application/json;q=, /, *, ;;"}, 0, false},
		{[]string{"application/ld+json"}, 0, false},
	} {
		quality, named := accepted(test.accept, "application/json")
		require.Equal(t, test.quality, quality, test.accept)
		require.Equal(t, test.named, named, test.accept)
	}
}

// Whatever clients say that they accept, it is a weight.
func FuzzAccepted(f *testing.F) {
	f.Add("application/json;q=0.5", `application/*;q=1e9, */*;q="0.2"`)
	f.Add(`application/json;profile="a\",b`, ";q=-1,=,\"")
	f.Fuzz(func(t *testing.T, one, other string) {
		quality, _ := accepted([]string{one, other}, "application/json")
		require.True(t, quality >= 0 && quality <= 1, quality)
	})
}
