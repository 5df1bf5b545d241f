package iiif

import (
	"image"
	"strings"
)

// A Request is an image request (section 4). The types of its fields hold
// nothing that the grammar does not allow; only ID can be anything.
type Request struct {
	Version  Version
	ID       string // the identifier, percent-encoding undone
	Region   Region
	Size     Size
	Rotation Rotation
	Quality  Quality
	Format   Format
}

// Parse reads the path of an image request of version v, as it stands in the
// URL, percent-encoded:
//
//	{identifier}/{region}/{size}/{rotation}/{quality}.{format}
//
// Errors match [ErrSyntax]. It takes time linear in the length of the path, of
// which it keeps only the identifier.
func Parse(v Version, path string) (Request, error) {
	r := Request{Version: v}
	if strings.Count(path, "/") != 4 {
		return Request{}, syntaxError("path", path, "not five segments")
	}
	id, rest, _ := strings.Cut(path, "/")
	var err error
	if r.ID, err = ParseID(id); err != nil {
		return Request{}, err
	}
	region, rest, _ := strings.Cut(rest, "/")
	if region, err = unescape("region", region); err == nil {
		r.Region, err = ParseRegion(region)
	}
	if err != nil {
		return Request{}, err
	}
	size, rest, _ := strings.Cut(rest, "/")
	if size, err = unescape("size", size); err == nil {
		r.Size, err = ParseSize(v, size)
	}
	if err != nil {
		return Request{}, err
	}
	rotation, rest, _ := strings.Cut(rest, "/")
	if rotation, err = unescape("rotation", rotation); err == nil {
		r.Rotation, err = ParseRotation(rotation)
	}
	if err != nil {
		return Request{}, err
	}
	file, err := unescape("quality", rest)
	if err != nil {
		return Request{}, err
	}
	quality, format, ok := strings.Cut(file, ".")
	if !ok {
		return Request{}, syntaxError("format", file, "missing")
	}
	if r.Quality, err = ParseQuality(quality); err != nil {
		return Request{}, err
	}
	if r.Format, err = ParseFormat(format); err != nil {
		return Request{}, err
	}
	return r, nil
}

// String is the path of r, percent-encoded, without a leading slash. Parse
// reads it back.
func (r Request) String() string { return EscapeID(r.ID) + "/" + r.parameters() }

// parameters is the path of r behind the identifier.
func (r Request) parameters() string {
	return r.Region.String() + "/" + escapeSize(r.Size.Text(r.Version)) + "/" +
		r.Rotation.String() + "/" + r.Quality.String() + "." + r.Format.String()
}

// escapeSize encodes the one character of the grammar that may not stand in a
// URI as it is (RFC 3986, appendix A).
func escapeSize(s string) string {
	if rest, up := strings.CutPrefix(s, "^"); up {
		return "%5E" + rest
	}
	return s
}

// frame is what r asks of an image of the size full: the region, in pixels of
// the full image, and the size that it is scaled to.
func (r Request) frame(full image.Point, limits Limits) (image.Rectangle, image.Point, error) {
	region, err := r.Region.of(full)
	if err != nil {
		return image.Rectangle{}, image.Point{}, err
	}
	size, err := r.Size.of(r.Version, region.Size(), limits)
	if err != nil {
		return image.Rectangle{}, image.Point{}, err
	}
	return region, size, nil
}

// Canonical is the canonical form of r (4.8; 2.1, 4.7) for an image of the size
// full: all requests for the same picture have the same. It resolves to what r
// resolves to, and its own canonical form is itself. Errors are those of
// [Request.Resolve].
func (r Request) Canonical(full image.Point, limits Limits) (Request, error) {
	region, size, err := r.frame(full, limits)
	if err != nil {
		return Request{}, err
	}
	r.Region = Region{}
	if region != (image.Rectangle{Max: full}) {
		r.Region = PixelRegion(region)
	}
	r.Size = canonicalSize(r.Version, region.Size(), size, limits)
	r.Rotation = r.Rotation.canonical()
	if r.Quality == Color {
		// The default is all the colour that there is.
		r.Quality = Default
	}
	return r, nil
}

// canonicalSize is the canonical spelling of the size that a region is scaled
// to.
func canonicalSize(v Version, region, size image.Point, limits Limits) Size {
	exact := ExactSize(size)
	exact.up = size.X > region.X || size.Y > region.Y
	if v == V2 {
		exact.up = true
		if size == region {
			return Size{form: sizeFull}
		}
		width := Size{form: sizeWidth, up: true, w: exact.w}
		if same, err := width.of(v, region, limits); err == nil && same == size {
			return width
		}
		return exact
	}
	for _, largest := range []Size{{}, {up: true}} {
		if same, err := largest.of(v, region, limits); err == nil && same == size {
			return largest
		}
	}
	return exact
}
