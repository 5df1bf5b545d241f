// This file implements the filters (F.3.8) and the loading of coefficients, in Go.

package synthesis

// The parameters of the 9/7 filter (Table F.4).
const (
	alpha = -1.586134342059924
	beta  = -0.052980118572961
	gamma = 0.882911075530934
	delta = 0.443506852043971
	kappa = 1.230174104914001
)

// lifting are the four steps of the 9/7 synthesis in order: what is subtracted of the
// sum of both neighbours, of even places first (Equations F-9 to F-12).
var lifting = [4]float32{delta, gamma, beta, alpha}

// acrossGo filters rows across, or only loads them where that comes last.
func (m *machine[T]) acrossGo(r int, j *acrossJob) {
	l := &m.levels[r]
	for y := j.first; y < j.first+j.rows; y++ {
		row := m.slab[l.ring+y&(ringRows-1)*l.stride:][:l.stride]
		lows, highs := l.lows[1]-l.lows[0], l.highs[1]-l.highs[0]
		low, high := m.slab[m.low:][:lows], m.slab[m.high:][:highs]
		if m.config.Columns {
			low, high = row[:lows], row[lows:lows+highs]
		}
		k, odd := y>>1, y&1
		if odd == 0 && r > 1 {
			below := &m.levels[r-1]
			copy(low, m.slab[below.rows+k&(ringRows-1)*below.stride:])
		} else {
			coefficients(low, j.bands[2*odd], k, l.lows[0], l.step[2*odd], l.fraction[2*odd])
			if odd == 0 {
				base := &m.levels[0]
				coefficients(low, j.bands[0], k, l.lows[0], base.step[0], base.fraction[0])
			}
		}
		coefficients(high, j.bands[2*odd+1], k, l.highs[0], l.step[2*odd+1], l.fraction[2*odd+1])
		if !m.config.Columns {
			m.filter(l, row)
		}
	}
}

// acrossFinishedGo filters the finished rows from y to end across.
func (m *machine[T]) acrossFinishedGo(l *level, y, end int) {
	lows, highs := l.lows[1]-l.lows[0], l.highs[1]-l.highs[0]
	for ; y < end; y++ {
		row := m.slab[l.ring+y&(ringRows-1)*l.stride:]
		copy(m.slab[m.low:][:lows], row)
		copy(m.slab[m.high:][:highs], row[lows:])
		m.filter(l, m.slab[l.rows+y&(ringRows-1)*l.stride:][:l.stride])
	}
}

// filter filters the rows of low-pass and high-pass coefficients to work in, and puts
// the samples into dst.
func (m *machine[T]) filter(l *level, dst []T) {
	lows, highs := l.lows[1]-l.lows[0], l.highs[1]-l.highs[0]
	if l.bounds.Dx() == 1 { // F.3.6
		if lows > 0 {
			dst[0] = m.slab[m.low]
			return
		}
		dst[0] = m.slab[m.high]
		halve(dst[:1])
		return
	}
	// The neighbours of a low-pass coefficient are the high-pass ones at by-1 and at
	// by from its place; beyond the ends the nearer one stands for both (F.3.7).
	by := l.lows[0] - l.highs[0]
	low, high := m.slab[m.low-1:][:lows+2], m.slab[m.high-1:][:highs+2]
	for s := range steps(m.config.Reversible) {
		if s&1 == 0 {
			high[0], high[highs+1] = high[1], high[highs]
			liftRow(low[1:lows+1], high[by:][:lows], high[by+1:][:lows], s)
		} else {
			low[0], low[lows+1] = low[1], low[lows]
			liftRow(high[1:highs+1], low[1-by:][:highs], low[2-by:][:highs], s)
		}
	}
	low, high = low[1:lows+1], high[1:highs+1]
	x0, x1 := l.window.Min.X, l.window.Max.X
	spread(dst[x0&1:x1-x0], low[(x0+1)>>1-l.lows[0]:])
	spread(dst[1-x0&1:x1-x0], high[x0>>1-l.highs[0]:])
}

// spread puts src at every other place of dst.
func spread[T number](dst, src []T) {
	src = src[:(len(dst)+1)/2]
	for i, v := range src {
		dst[2*i] = v
	}
}

// downGo does the lifting steps that rows first to last make possible as they come in,
// those beyond the last row of all included.
func (m *machine[T]) downGo(l *level, first, last int) {
	row := func(y int) []T { return m.slab[l.ring+y&(ringRows-1)*l.stride:][:l.stride] }
	for z := first | 1; z <= last; z += 2 {
		for s := range steps(m.config.Reversible) {
			y := z - 1 - s
			if y < l.lo || y >= l.hi {
				continue
			}
			above, below := y-1, y+1
			if above < l.lo {
				above = below
			}
			if below >= l.hi {
				below = y - 1
			}
			if above >= l.hi {
				above = below
			}
			liftRow(row(y), row(above), row(below), s)
		}
	}
}

// liftRow does lifting step s on a row, whose neighbours in that direction are given.
func liftRow[T number](row, before, after []T, s int) {
	before, after = before[:len(row)], after[:len(row)]
	switch row := any(row).(type) {
	case []float32:
		factor := lifting[s]
		before, after := any(before).([]float32), any(after).([]float32)
		for i := range row {
			row[i] -= float32(factor * (before[i] + after[i]))
		}
	case []int32:
		lift53(row, any(before).([]int32), any(after).([]int32), s)
	case []int16:
		lift53(row, any(before).([]int16), any(after).([]int16), s)
	}
}

// lift53 is Equations F-5 and F-6.
func lift53[T int16 | int32](row, before, after []T, s int) {
	before, after = before[:len(row)], after[:len(row)]
	if s == 0 {
		for i := range row {
			row[i] -= (before[i] + after[i] + 2) >> 2
		}
		return
	}
	for i := range row {
		row[i] += (before[i] + after[i]) >> 1
	}
}

// halve is what the filters do with a single sample at an odd place (F.3.6): it was
// doubled. Where it was not coded to the end it may be odd, and is cut towards zero.
func halve[T number](row []T) {
	switch row := any(row).(type) {
	case []float32:
		for i := range row {
			row[i] /= 2
		}
	case []int32:
		for i := range row {
			row[i] /= 2
		}
	case []int16:
		for i := range row {
			row[i] /= 2
		}
	}
}

// coefficients loads row y of a sub-band, from column x on, and dequantises it
// (E.1.1): reversible coefficients lose what is below their binary point.
func coefficients[T number](dst []T, b *Band, y, x int, step float32, fraction int) {
	if b == nil || b.I16 == nil && b.I32 == nil {
		clear(dst)
		return
	}
	at := (y-b.Rect.Min.Y)*b.Stride + x - b.Rect.Min.X
	if b.I16 != nil {
		load(dst, b.I16[at:at+len(dst)], step, fraction)
	} else {
		load(dst, b.I32[at:at+len(dst)], step, fraction)
	}
}

func load[T number, C int16 | int32](dst []T, src []C, step float32, fraction int) {
	dst = dst[:len(src)]
	switch dst := any(dst).(type) {
	case []float32:
		for i, v := range src {
			dst[i] = float32(v) * step
		}
	case []int32:
		for i, v := range src {
			dst[i] = cut(int32(v), fraction)
		}
	case []int16:
		for i, v := range src {
			dst[i] = int16(cut(int32(v), fraction))
		}
	}
}

// cut divides by 2 to the power of fraction, which is 0 or 1, towards zero.
func cut(v int32, fraction int) int32 {
	if fraction == 0 {
		return v
	}
	return (v + v>>31&1) >> 1
}

// Store puts the coefficients of a block into rows of 16 bits, which have to be enough
// for them.
func Store(dst []int16, dstStride int, src []int32, srcStride, width, height int) {
	if width <= 0 || height <= 0 {
		return
	}
	_, _ = dst[(height-1)*dstStride+width-1], src[(height-1)*srcStride+width-1]
	store(dst, dstStride, src, srcStride, width, height)
}
