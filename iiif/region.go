package iiif

import (
	"image"
	"math"
	"strconv"
	"strings"
)

// A Region is the part of the full image that is wanted (4.1). Its values are
// made by [ParseRegion] and [PixelRegion]; the zero value is the full image.
type Region struct {
	form regionForm

	// x, y, w, h; as pixels or as percentages of the full image.
	pixels  [4]int64
	percent [4]decimal
}

type regionForm uint8

const (
	regionFull regionForm = iota
	regionSquare
	regionPixels
	regionPercent
)

// PixelRegion is the region r, in pixels of the full image. Parts of r with
// negative coordinates are left out, for the grammar has none.
func PixelRegion(r image.Rectangle) Region {
	r = r.Intersect(image.Rect(0, 0, math.MaxInt, math.MaxInt))
	return Region{form: regionPixels, pixels: [4]int64{
		int64(r.Min.X), int64(r.Min.Y), int64(r.Dx()), int64(r.Dy())}}
}

// ParseRegion reads the region of a request, percent-encoding undone. Errors
// match [ErrSyntax].
func ParseRegion(s string) (Region, error) {
	switch s {
	case "full":
		return Region{}, nil
	case "square":
		return Region{form: regionSquare}, nil
	}
	r := Region{form: regionPixels}
	numbers, isPercent := strings.CutPrefix(s, "pct:")
	if isPercent {
		r.form = regionPercent
	}
	for i := range 4 {
		number, rest, comma := strings.Cut(numbers, ",")
		if comma != (i < 3) {
			return Region{}, syntaxError("region", s, "not four numbers")
		}
		var ok bool
		if isPercent {
			r.percent[i], ok = parseDecimal(number)
		} else {
			r.pixels[i], ok = parseInteger(number)
		}
		if !ok {
			return Region{}, syntaxError("region", s, "not a number")
		}
		numbers = rest
	}
	return r, nil
}

// String is r in the grammar of a request.
func (r Region) String() string {
	switch r.form {
	case regionSquare:
		return "square"
	case regionPixels:
		b := strconv.AppendInt(nil, r.pixels[0], 10)
		for _, n := range r.pixels[1:] {
			b = append(b, ',')
			b = strconv.AppendInt(b, n, 10)
		}
		return string(b)
	case regionPercent:
		var b strings.Builder
		b.WriteString("pct:")
		for i, d := range r.percent {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(d.String())
		}
		return b.String()
	}
	return "full"
}

// of is r of an image of the size full, cut at its edges; in pixels of the full
// image and never empty.
func (r Region) of(full image.Point) (image.Rectangle, error) {
	all := image.Rectangle{Max: full}
	x, y, w, h := r.pixels[0], r.pixels[1], r.pixels[2], r.pixels[3]
	switch r.form {
	case regionFull:
		return all, nil
	case regionSquare:
		// Centred, as the specification suggests.
		side := min(full.X, full.Y)
		corner := full.Sub(image.Pt(side, side)).Div(2)
		return image.Rectangle{corner, corner.Add(image.Pt(side, side))}, nil
	case regionPercent:
		x, w = r.percent[0].percentOf(int64(full.X)), r.percent[2].percentOf(int64(full.X))
		y, h = r.percent[1].percentOf(int64(full.Y)), r.percent[3].percentOf(int64(full.Y))
	}
	if w == 0 || h == 0 {
		return image.Rectangle{}, requestErrorf(nil, "region %v has no pixels", r)
	}
	if x >= int64(full.X) || y >= int64(full.Y) {
		return image.Rectangle{}, requestErrorf(nil, "region %v is outside the image", r)
	}
	w, h = min(w, int64(full.X)-x), min(h, int64(full.Y)-y)
	return image.Rect(int(x), int(y), int(x+w), int(y+h)), nil
}
