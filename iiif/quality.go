package iiif

// A Quality is what becomes of the colours (4.4).
type Quality uint8

// The qualities. Default is the image's own: all the colour it has.
const (
	Default Quality = iota
	Color
	Gray
	Bitonal
)

// ParseQuality reads the quality of a request. Errors match [ErrSyntax].
func ParseQuality(s string) (Quality, error) {
	for q := Default; q <= Bitonal; q++ {
		if s == q.String() {
			return q, nil
		}
	}
	return Default, syntaxError("quality", s, "not a quality")
}

// String is q in the grammar of a request. What is no quality is the default.
func (q Quality) String() string {
	switch q {
	case Color:
		return "color"
	case Gray:
		return "gray"
	case Bitonal:
		return "bitonal"
	}
	return "default"
}
