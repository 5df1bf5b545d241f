package iiif

import (
	"image"
	"sort"
)

// Limits bound the size of a result, before it is turned; in pixels. They are
// stated in the image information document, so a client need not find them out
// by being refused.
type Limits struct {
	// MaxWidth and MaxHeight bound the sides. Zero is 65,500, the most a JPEG
	// can have; negative is no limit. A MaxHeight of zero is as MaxWidth, as
	// clients infer (5.2).
	MaxWidth, MaxHeight int

	// MaxArea bounds width times height. Zero is 2^26, 67 megapixels;
	// negative is no limit.
	MaxArea int64

	// NoUpscale refuses results that are larger than their region.
	NoUpscale bool

	// RefuseLooseBox makes "!w,h" of version 3.0 an error when the box is
	// larger than the region on both sides. The specification has such a
	// request answered with the region's own size (4.2), which is what pages
	// of thumbnails count on; the official validator has it refused.
	RefuseLooseBox bool
}

const (
	defaultMaxSide = 65_500
	defaultMaxArea = 1 << 26
)

// effective is l with defaults filled in; only its positive fields bound.
func (l Limits) effective() Limits {
	if l.MaxHeight == 0 {
		l.MaxHeight = l.MaxWidth
	}
	if l.MaxWidth == 0 {
		l.MaxWidth = defaultMaxSide
	}
	if l.MaxHeight == 0 {
		l.MaxHeight = defaultMaxSide
	}
	if l.MaxArea == 0 {
		l.MaxArea = defaultMaxArea
	}
	return l
}

// Tighter is the stricter of l and m in each respect.
func (l Limits) Tighter(m Limits) Limits {
	l, m = l.effective(), m.effective()
	return Limits{
		MaxWidth:       int(tighter(int64(l.MaxWidth), int64(m.MaxWidth))),
		MaxHeight:      int(tighter(int64(l.MaxHeight), int64(m.MaxHeight))),
		MaxArea:        tighter(l.MaxArea, m.MaxArea),
		NoUpscale:      l.NoUpscale || m.NoUpscale,
		RefuseLooseBox: l.RefuseLooseBox || m.RefuseLooseBox,
	}
}

// tighter is the smaller of two limits of which negative ones do not bind.
func tighter(a, b int64) int64 {
	switch {
	case a < 0:
		return b
	case b < 0:
		return a
	}
	return min(a, b)
}

// sides are the bounds of the sides as numbers that always bind. l is
// effective.
func (l Limits) sides() (w, h int64) {
	w, h = largestSide, largestSide
	if l.MaxWidth > 0 {
		w = min(w, int64(l.MaxWidth))
	}
	if l.MaxHeight > 0 {
		h = min(h, int64(l.MaxHeight))
	}
	return w, h
}

// allow reports whether a result of w x h is within l, which is effective.
func (l Limits) allow(w, h int64) bool {
	maxW, maxH := l.sides()
	return w <= maxW && h <= maxH && (l.MaxArea < 0 || w*h <= l.MaxArea)
}

// Allow reports whether a result of the size p, before it is turned, is within
// the limits.
func (l Limits) Allow(p image.Point) bool {
	return l.effective().allow(int64(p.X), int64(p.Y))
}

// fit is the largest size in the proportions rw:rh that is within the box
// bw x bh and within l, which is effective. All are positive.
func (l Limits) fit(rw, rh, bw, bh int64) (w, h int64) {
	maxW, maxH := l.sides()
	bw, bh = min(bw, maxW), min(bh, maxH)
	// Which side of the box is met first? rw/rh <= bw/bh: the height.
	if rw*bh <= rh*bw {
		w, h = min(bw, proportional(bh, rw, rh)), bh
	} else {
		w, h = bw, min(bh, proportional(bw, rh, rw))
	}
	if l.MaxArea < 0 || w*h <= l.MaxArea {
		return w, h
	}
	// The area grows with the longer side, so search for its largest value.
	if w >= h {
		w = int64(sort.Search(int(w), func(n int) bool {
			return int64(n+1)*proportional(int64(n+1), rh, rw) > l.MaxArea
		}))
		return max(w, 1), proportional(max(w, 1), rh, rw)
	}
	h = int64(sort.Search(int(h), func(n int) bool {
		return int64(n+1)*proportional(int64(n+1), rw, rh) > l.MaxArea
	}))
	return proportional(max(h, 1), rw, rh), max(h, 1)
}

// largest is the largest size in the proportions rw:rh within l, which is
// effective; where nothing bounds it, rw x rh.
func (l Limits) largest(rw, rh int64) (w, h int64) {
	if l.MaxWidth < 0 && l.MaxHeight < 0 && l.MaxArea < 0 {
		return rw, rh
	}
	maxW, maxH := l.sides()
	return l.fit(rw, rh, maxW, maxH)
}
