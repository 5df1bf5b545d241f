package raster

// This file implements bringing subsampled components to a finer grid. Sample i
// of a component that is subsampled by n lies at i*n of the reference grid: at
// the first of the positions it stands for, not in their middle. Positions
// between two samples are interpolated linearly; beyond the outermost sample it
// is repeated.

// UpsampleRow writes the values at positions x, x+1, ... of a row whose sample
// src[0] lies at position at and each next sub positions on. It writes len(dst)
// values. Positions may lie before src[0] and beyond the last.
//
// To upsample to a grid that is itself coarser than the reference grid, give
// all numbers in its units: for a component subsampled by 4 beside one
// subsampled by 2, sub is 2.
func UpsampleRow[S Sample](dst, src []S, x, at, sub int) {
	if len(dst) == 0 {
		return
	}
	last := len(src) - 1
	// Before the first sample, and at the last and beyond.
	for len(dst) > 0 && x < at {
		dst[0] = src[0]
		dst, x = dst[1:], x+1
	}
	if beyond := x + len(dst) - (at + last*sub); beyond > 0 {
		n := max(len(dst)-beyond, 0)
		for i := n; i < len(dst); i++ {
			dst[i] = src[last]
		}
		dst = dst[:n]
	}
	if len(dst) == 0 {
		return
	}
	src = src[(x-at)/sub:]
	phase := (x - at) % sub
	switch {
	case sub == 1:
		copy(dst, src)
	case sub == 2:
		if phase == 1 {
			dst[0] = between(src[0], src[1])
			dst, src = dst[1:], src[1:]
		}
		n := len(dst) / 2
		if odd := len(dst) & 1; odd != 0 {
			dst[2*n] = src[n]
		}
		if n == 0 {
			return
		}
		dst, src = dst[:2*n], src[:n+1]
		left := src[0]
		for i, right := range src[1:] {
			dst[2*i] = left
			dst[2*i+1] = between(left, right)
			left = right
		}
	default:
		left, right := int64(src[0]), int64(src[1])
		for i := range dst {
			dst[i] = S(mix(left, right, phase, sub))
			if phase++; phase == sub && i+1 < len(dst) {
				phase, src = 0, src[1:]
				left, right = int64(src[0]), int64(src[1])
			}
		}
	}
}

// UpsampleRowBy is UpsampleRow for positions x, x+step, x+2*step, ...: for a
// component whose subsampling is no multiple of that of the pixels. Positions
// and sub are in units of which the pixels are step apart.
func UpsampleRowBy[S Sample](dst, src []S, x, at, step, sub int) {
	if step == 1 {
		UpsampleRow(dst, src, x, at, sub)
		return
	}
	last := len(src) - 1
	for i := range dst {
		d := x - at + i*step
		switch n := d / sub; {
		case d <= 0:
			dst[i] = src[0]
		case n >= last:
			dst[i] = src[last]
		default:
			dst[i] = S(mix(int64(src[n]), int64(src[n+1]), d%sub, sub))
		}
	}
}

// between is the middle of two samples; halves go up.
func between[S Sample](a, b S) S { return S((int64(a) + int64(b) + 1) >> 1) }

// mix is the value phase/sub of the way from a to b, rounded; halves go up.
func mix(a, b int64, phase, sub int) int64 {
	n := int64(sub)
	v := 2*(a*(n-int64(phase))+b*int64(phase)) + n
	// Rounded down also when negative.
	if v < 0 {
		v -= 2*n - 1
	}
	return v / (2 * n)
}

// UpsampleRows is the two samples' rows that position y lies between, counted
// from a component's first, which lies at position at, and how far from the
// first to the second, in parts of sub. There are rows rows.
func UpsampleRows(y, at, sub, rows int) (upper, lower, phase int) {
	if y < at {
		return 0, 0, 0
	}
	upper, phase = (y-at)/sub, (y-at)%sub
	if upper >= rows-1 {
		return rows - 1, rows - 1, 0
	}
	if phase == 0 {
		return upper, upper, 0
	}
	return upper, upper + 1, phase
}

// MixRows writes the row phase/sub of the way from upper to lower. It writes
// len(dst) samples; dst may be either source.
func MixRows[S Sample](dst, upper, lower []S, phase, sub int) {
	upper, lower = upper[:len(dst)], lower[:len(dst)]
	switch {
	case phase == 0:
		copy(dst, upper)
	case sub == 2:
		for i, v := range upper {
			dst[i] = between(v, lower[i])
		}
	default:
		for i, v := range upper {
			dst[i] = S(mix(int64(v), int64(lower[i]), phase, sub))
		}
	}
}
