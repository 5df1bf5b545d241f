package iiif

import (
	"errors"
	"image"
	"math"
	"strconv"
	"strings"
)

// A Size is how large the region is to become, before it is turned (4.2). Its
// values are made by [ParseSize] and [ExactSize]; the zero value is the largest
// size available without scaling up ("max").
//
// A Size means the same in both versions, and only its spelling differs: what
// version 2.1 writes "w," may scale up and is "^w," in version 3.0.
type Size struct {
	form    sizeForm
	up      bool // may become larger than the region
	w, h    int64
	percent decimal
}

type sizeForm uint8

const (
	sizeMax      sizeForm = iota // as large as the limits allow
	sizeFull                     // as large as the region: 2.1 only
	sizeWidth                    // w,
	sizeHeight                   // ,h
	sizePercent                  // pct:n
	sizeExact                    // w,h
	sizeConfined                 // !w,h
)

// ExactSize is the size p, which may distort the region and may scale it up.
// Negative sides count as 0.
func ExactSize(p image.Point) Size {
	return Size{form: sizeExact, up: true, w: int64(max(p.X, 0)), h: int64(max(p.Y, 0))}
}

// ParseSize reads the size of a request of version v, percent-encoding undone.
// Errors match [ErrSyntax].
func ParseSize(v Version, s string) (Size, error) {
	text := s
	size := Size{}
	if v == V3 {
		text, size.up = strings.CutPrefix(s, "^")
	}
	if text == "max" {
		return size, nil
	}
	if v == V2 {
		if text == "full" {
			return Size{form: sizeFull}, nil
		}
		// 2.1, 4.2: scaling up needs no mark. It leaves open what becomes of
		// a region that is smaller than the box of !w,h; the region's own
		// size fits the box and invents no pixels.
		size.up = !strings.HasPrefix(text, "!")
	}
	if number, ok := strings.CutPrefix(text, "pct:"); ok {
		size.form = sizePercent
		if size.percent, ok = parseDecimal(number); !ok {
			return Size{}, syntaxError("size", s, "not a percentage")
		}
		return size, nil
	}
	text, confined := strings.CutPrefix(text, "!")
	w, h, comma := strings.Cut(text, ",")
	switch {
	case !comma || w == "" && h == "":
		return Size{}, syntaxError("size", s, "neither a keyword nor w,h")
	case confined && (w == "" || h == ""):
		return Size{}, syntaxError("size", s, "a box needs both sides")
	case confined:
		size.form = sizeConfined
	case h == "":
		size.form = sizeWidth
	case w == "":
		size.form = sizeHeight
	default:
		size.form = sizeExact
	}
	okW, okH := true, true
	if w != "" {
		size.w, okW = parseInteger(w)
	}
	if h != "" {
		size.h, okH = parseInteger(h)
	}
	if !okW || !okH {
		return Size{}, syntaxError("size", s, "not a number")
	}
	return size, nil
}

// Text is s in the grammar of version v. Two sizes of 3.0 have no spelling in
// 2.1: "^max" becomes "max", and a size that must not scale up loses that.
func (s Size) Text(v Version) string {
	up := ""
	if v == V3 && s.up {
		up = "^"
	}
	w, h := strconv.FormatInt(s.w, 10), strconv.FormatInt(s.h, 10)
	switch s.form {
	case sizeFull:
		if v == V3 {
			return "pct:100"
		}
		return "full"
	case sizeWidth:
		return up + w + ","
	case sizeHeight:
		return up + "," + h
	case sizePercent:
		return up + "pct:" + s.percent.String()
	case sizeExact:
		return up + w + "," + h
	case sizeConfined:
		return up + "!" + w + "," + h
	}
	return up + "max"
}

// String is s in the grammar of version 3.0.
func (s Size) String() string { return s.Text(V3) }

// largestSide is more than any format can hold, and small enough that the area
// of such a picture fits an int64.
const largestSide = math.MaxInt32

// of is what a region of the given size becomes under the limits. Neither side
// is 0.
func (s Size) of(v Version, region image.Point, limits Limits) (image.Point, error) {
	limits = limits.effective()
	rw, rh := int64(region.X), int64(region.Y)
	w, h := rw, rh
	switch s.form {
	case sizeMax:
		if s.up && !limits.NoUpscale {
			w, h = limits.largest(rw, rh)
		} else {
			w, h = limits.fit(rw, rh, rw, rh)
		}
	case sizeFull:
	case sizeWidth:
		w, h = s.w, proportional(s.w, rh, rw)
	case sizeHeight:
		w, h = proportional(s.h, rw, rh), s.h
	case sizePercent:
		w, h = s.percent.percentOf(rw), s.percent.percentOf(rh)
	case sizeExact:
		w, h = s.w, s.h
	case sizeConfined:
		bw, bh := s.w, s.h
		if !s.up || limits.NoUpscale && v == V2 {
			if limits.RefuseLooseBox && v == V3 && bw > rw && bh > rh {
				return image.Point{}, requestErrorf(nil,
					"size %s is larger than the region and has no ^", s.Text(v))
			}
			bw, bh = min(bw, rw), min(bh, rh)
		}
		if bw > 0 && bh > 0 {
			w, h = limits.fit(rw, rh, bw, bh)
		} else {
			w, h = bw, bh
		}
	}
	switch {
	case w < 1 || h < 1:
		return image.Point{}, requestErrorf(nil, "size %s leaves no pixels", s.Text(v))
	case (w > rw || h > rh) && !s.up:
		return image.Point{}, requestErrorf(nil,
			"size %s is larger than the region and has no ^", s.Text(v))
	case (w > rw || h > rh) && limits.NoUpscale:
		return image.Point{}, requestErrorf(errors.ErrUnsupported,
			"size %s is larger than the region", s.Text(v))
	case !limits.allow(w, h):
		return image.Point{}, requestErrorf(ErrLimit,
			"size %s is larger than the server allows", s.Text(v))
	}
	return image.Pt(int(w), int(h)), nil
}

// proportional is side*b/a, the other side of a picture whose sides are as a to
// b; but at least 1, for a line of pixels has no thinner likeness, and viewers
// ask for the edges of pyramids like this.
func proportional(side, b, a int64) int64 {
	if side == 0 {
		return 0
	}
	return max(1, mulDiv(side, b, a))
}
