// This file implements the two-dimensional synthesis: sub-bands are interleaved,
// then rows and then columns are filtered (F.3.2).

package wavelet

import "image"

// Synthesize makes dst.Bounds of a resolution of the four sub-bands LL, HL, LH
// and HH. All of dst.Bounds is of the given resolution; coefficients that the
// bands do not have are zero. Samples nearer than Reach to an edge of dst.Bounds
// are wrong, unless it is the resolution's edge too.
//
// The filter is that of the numbers' type.
func Synthesize[T Number](dst *Plane[T], bands [4]Plane[T]) {
	interleave(dst, &bands)
	b := dst.Bounds
	for y := b.Min.Y; y < b.Max.Y; y++ {
		filterRow(dst.Row(y, b.Min.X, b.Max.X), b.Min.X&1)
	}
	// Some columns at a time, so that they stay in the cache from step to step.
	for x := b.Min.X; x < b.Max.X; x += columns {
		filterColumns(dst, x, min(x+columns, b.Max.X))
	}
}

// columns is how many are filtered at a time: 512 bytes of each row.
const columns = 128

// interleave puts the coefficients where the samples will be (F.3.3). LL has its
// coefficients at even columns and rows, HL at odd columns, LH at odd rows.
func interleave[T Number](dst *Plane[T], bands *[4]Plane[T]) {
	b := dst.Bounds
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := dst.Row(y, b.Min.X, b.Max.X)
		for odd := range 2 {
			band := &bands[y&1<<1|odd]
			first := b.Min.X + (b.Min.X+odd)&1
			spread(row[min(first-b.Min.X, len(row)):], band, first>>1, y>>1, gain[T](b, odd, y&1))
		}
	}
}

// gain is the scaling of coefficients that are high-pass across and down as the
// bits say: with 9/7, Equations F-7 and F-8 for both directions at once.
func gain[T Number](b image.Rectangle, across, down int) T {
	if _, ok := any(T(0)).(int32); ok {
		return 1
	}
	g := 1.0
	for _, d := range [2]struct{ length, high int }{{b.Dx(), across}, {b.Dy(), down}} {
		switch {
		case d.length == 1: // F.3.6
		case d.high != 0:
			g /= kappa
		default:
			g *= kappa
		}
	}
	return T(g)
}

// spread puts a row of a band, from column x on, at every other place of row,
// scaled.
func spread[T Number](row []T, band *Plane[T], x, y int, gain T) {
	n := (len(row) + 1) / 2
	if y < band.Bounds.Min.Y || y >= band.Bounds.Max.Y {
		for i := range n {
			row[2*i] = 0
		}
		return
	}
	first := min(max(band.Bounds.Min.X-x, 0), n)
	end := max(min(band.Bounds.Max.X-x, n), first)
	for i := range first {
		row[2*i] = 0
	}
	if first < end {
		from, to := band.Row(y, x+first, x+end), row[2*first:2*end-1]
		if gain == 1 {
			for i, v := range from {
				to[2*i] = v
			}
		} else {
			for i, v := range from {
				to[2*i] = v * gain
			}
		}
	}
	for i := end; i < n; i++ {
		row[2*i] = 0
	}
}

// filterRow filters a row in place. The first of it is of a column with that
// parity.
func filterRow[T Number](row []T, parity int) {
	switch row := any(row).(type) {
	case []int32:
		row53(row, parity)
	case []float32:
		row97(row, parity)
	}
}

// filterColumns filters the columns from x0 to x1 in place.
func filterColumns[T Number](p *Plane[T], x0, x1 int) {
	switch p := any(p).(type) {
	case *Plane[int32]:
		columns53(p, x0, x1)
	case *Plane[float32]:
		columns97(p, x0, x1)
	}
}

// neighbours gives the rows above and below row y, from column x0 to x1; at an
// edge the row on the other side stands in for the one that is not there (F.3.7).
func (p *Plane[T]) neighbours(y, x0, x1 int) (above, below []T) {
	up, down := y-1, y+1
	if up < p.Bounds.Min.Y {
		up = down
	}
	if down >= p.Bounds.Max.Y {
		down = up
	}
	return p.Row(up, x0, x1), p.Row(down, x0, x1)
}

// firstRow is the first row of that parity.
func firstRow(r image.Rectangle, parity int) int { return r.Min.Y + (r.Min.Y+parity)&1 }
