package encode

import (
	"bytes"
	"math"

	"github.com/stria-j2k/stria/tile"
)

// Metadata is what goes into a file beside the picture. The zero value takes the
// ICC profile and the density from the source and adds nothing else. A format
// that has no place for a field leaves it out and says so in its comment.
type Metadata struct {
	// ICC is the colour profile: nil for that of the source (see [Profiled]),
	// empty but not nil for none.
	ICC []byte

	// Exif is a TIFF structure that starts with its byte order, "II" or "MM",
	// without the "Exif" prefix that JPEG puts before it. Nil: none.
	Exif []byte

	// XMP is an XMP packet in UTF-8. Nil: none.
	XMP []byte

	// Density is in dots per inch. Zero: that of the source (see [Dense]).
	// Negative: none, whatever the source says.
	Density Density
}

// Density is the number of pixels per inch in either direction.
type Density struct{ X, Y float64 }

// known reports whether d says anything that a file can say.
func (d Density) known() bool {
	return d.X > 0 && d.Y > 0 && !math.IsInf(d.X, 1) && !math.IsInf(d.Y, 1)
}

// perMetre returns d in pixels per metre, within what 32 bits hold.
func (d Density) perMetre() (x, y uint32) {
	f := func(v float64) uint32 {
		return uint32(min(max(math.Round(v/0.0254), 1), math.MaxInt32))
	}
	return f(d.X), f(d.Y)
}

// For returns m with what it leaves to src filled in, for a file with pixels in f.
// A profile for other pixels would give wrong colours in some viewers and be
// passed over by others, so it is an error that matches errors.ErrUnsupported.
func (m Metadata) For(src Source, f tile.PixelFormat) (Metadata, error) {
	if p, ok := src.(Profiled); ok && m.ICC == nil {
		m.ICC = p.ICC()
	}
	if d, ok := src.(Dense); ok && m.Density == (Density{}) {
		m.Density.X, m.Density.Y = d.Density()
	}
	if len(m.ICC) == 0 {
		return m, nil
	}
	// ICC.1:2022, 7.2: the data colour space is at 16, "acsp" at 36.
	if len(m.ICC) < 128 || !bytes.Equal(m.ICC[36:40], []byte("acsp")) {
		return m, badSetting("what is given as ICC profile is none")
	}
	want := "RGB "
	switch f {
	case tile.Gray8, tile.Gray16:
		want = "GRAY"
	case tile.CMYK8:
		want = "CMYK"
	}
	if space := string(m.ICC[16:20]); space != want {
		return m, unsupported("an ICC profile for %q cannot describe pixels in %v", space, f)
	}
	return m, nil
}
