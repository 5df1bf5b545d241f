package raster

import "math"

// This file computes the weights of the resampler: which source samples a
// result's sample is made of along one axis, and how much of each.

// An axis maps a source interval [lo, hi) onto n result samples, independently
// of the other axis. Sample i of the source covers [i, i+1).
type axis struct {
	lo, hi float64
	n      int // result samples that cover [lo, hi)
	size   int // source samples there are: [0, size)
}

// maxPackedTaps bounds the number of weights for which the rounding errors of
// 14-bit weights cannot add up to anything that shows.
const maxPackedTaps = 32

// shrinks reports whether the axis averages areas; otherwise it interpolates.
func (a axis) shrinks() bool { return a.hi-a.lo > float64(a.n) }

// whole reports whether the axis only moves, by whole samples.
func (a axis) whole() bool {
	return a.hi-a.lo == float64(a.n) && a.lo == math.Trunc(a.lo)
}

// identity reports whether result sample i is source sample lo+i.
func (a axis) identity() bool {
	return a.whole() && a.lo >= 0 && a.hi <= float64(a.size)
}

// ratio is k when each result sample is exactly k whole source samples, all
// of them there; otherwise 0.
func (a axis) ratio() int {
	k := (a.hi - a.lo) / float64(a.n)
	if k != math.Trunc(k) || k > float64(a.size) || a.lo != math.Trunc(a.lo) ||
		a.lo < 0 || a.hi > float64(a.size) {
		return 0
	}
	return int(k)
}

// edge is the source position where result sample i begins. Positions within
// rounding of a whole number are that number, so that a sliver of a sample
// never counts as a tap.
func (a axis) edge(i int) float64 {
	e := a.lo + (a.hi-a.lo)*float64(i)/float64(a.n)
	if r := math.Round(e); math.Abs(e-r) < 1e-9*max(1, math.Abs(e)/1e6) {
		return r
	}
	return e
}

// span is the source samples [first, last) that result sample i is made of.
// It is never empty, and neither end falls when i grows.
func (a axis) span(i int) (first, last int) {
	if a.shrinks() {
		first, last = int(math.Floor(a.edge(i))), int(math.Ceil(a.edge(i+1)))
	} else {
		k, _ := a.centre(i)
		first, last = k-1, k+3
		if a.whole() {
			first, last = k, k+1
		}
	}
	first = min(max(first, 0), a.size-1)
	return first, max(min(last, a.size), first+1)
}

// centre is where the middle of result sample i lies between the middles of
// source samples k and k+1: at k's for t = 0, t < 1.
func (a axis) centre(i int) (k int, t float64) {
	c := (a.edge(i)+a.edge(i+1))/2 - 0.5
	if r := math.Round(c); math.Abs(c-r) < 1e-9*max(1, math.Abs(c)/1e6) {
		c = r
	}
	f := math.Floor(c)
	return int(f), c - f
}

// weigh sets w to the weights of the source samples first, first+1, ... for
// result sample i, zero where w is longer than the span. The weights add up to
// 1. first is at or after the first of the span only in so far as w fits into
// the source, so that first+len(w) <= size whenever len(w) <= size.
func (a axis) weigh(w []float64, i int) (first int) {
	clear(w)
	first, last := a.span(i)
	first = max(min(first, a.size-len(w)), 0)
	if a.shrinks() {
		// How much of each source sample lies within the result sample.
		lo, hi := max(a.edge(i), 0), min(a.edge(i+1), float64(a.size))
		if hi <= lo { // wholly outside: the sample at the edge
			w[last-1-first] = 1
			return first
		}
		for s := max(first, int(lo)); s < last; s++ {
			covered := min(hi, float64(s+1)) - max(lo, float64(s))
			w[s-first] = max(covered, 0) / (hi - lo)
		}
		return first
	}
	k, t := a.centre(i)
	for j, v := range catmullRom(t) {
		// Beyond the edges lies more of the sample at the edge.
		s := min(max(k-1+j, 0), a.size-1)
		if v != 0 {
			w[s-first] += v
		}
	}
	return first
}

// catmullRom is the cubic convolution kernel with a = -1/2 for a point t of
// the way from the second of four samples to the third.
func catmullRom(t float64) [4]float64 {
	t2, t3 := t*t, t*t*t
	return [4]float64{
		(-t3 + 2*t2 - t) / 2,
		(3*t3 - 5*t2 + 2) / 2,
		(-3*t3 + 4*t2 + t) / 2,
		(t3 - t2) / 2,
	}
}

// maxCounted is the longest result of which every span is looked at for taps.
const maxCounted = 1 << 16

// taps is the longest span of a result sample, or a little more. It is that of the whole result
// also where only a part is made, so that the part is made in the same way.
func (a axis) taps() int {
	if k := a.ratio(); k > 0 && a.shrinks() {
		return k
	}
	if a.n > maxCounted {
		switch {
		case a.whole():
			return 1
		case a.shrinks():
			return min(int(math.Ceil((a.hi-a.lo)/float64(a.n)))+2, a.size)
		}
		return min(4, a.size)
	}
	n := 1
	for i := range a.n {
		first, last := a.span(i)
		n = max(n, last-first)
	}
	return n
}

// fix rounds weights that add up to 1 to multiples of 2^-14 that do so too.
// What is left of each weight is carried to the next, so that no error grows.
func fix(dst []int32, w []float64) {
	sum, done := 0.0, int32(0)
	for i, v := range w {
		sum += v
		upto := int32(math.Round(sum * (1 << weightBits)))
		dst[i] = upto - done
		done = upto
	}
}

// Reach is the source samples [first, last) that a Resampler needs along one
// axis to map the source interval [lo, hi) onto n samples, where size samples
// are to be had. It is a few samples more than the interval when enlarging.
func Reach(lo, hi float64, n, size int) (first, last int) {
	a := axis{lo, hi, n, size}
	first, _ = a.span(0)
	_, last = a.span(n - 1)
	return first, last
}
