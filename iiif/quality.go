package iiif

// A Quality is what becomes of the colours (4.4). Its values are the four
// below; the zero value is Default.
type Quality struct{ name string }

// The qualities. Default is the image's own: all the colour it has.
var (
	Default = Quality{}
	Color   = Quality{"color"}
	Gray    = Quality{"gray"}
	Bitonal = Quality{"bitonal"}
)

// ParseQuality reads the quality of a request. Errors match [ErrSyntax].
func ParseQuality(s string) (Quality, error) {
	for _, q := range []Quality{Default, Color, Gray, Bitonal} {
		if s == q.String() {
			return q, nil
		}
	}
	return Quality{}, syntaxError("quality", s, "not a quality")
}

// String is q in the grammar of a request.
func (q Quality) String() string {
	if q.name == "" {
		return "default"
	}
	return q.name
}
