// This file implements the synthesis of a component out of its resolutions, each of
// which takes rows from the one below.

package synthesis

import (
	"fmt"
	"image"
)

type number interface{ int16 | int32 | float32 }

const (
	// batch is how many rows a resolution makes at a time at most.
	batch = 8
	// ringRows is how many rows a resolution keeps: a batch, those that wait for their
	// neighbours, and one that the next of them needs. It is a power of two.
	ringRows = 16
)

// A machine is a component of one type of numbers.
type machine[T number] struct {
	config Config
	levels []level
	slab   []T // the rings, and two rows to work in
	low    int // where these are in the slab: of low-pass,
	high   int // and of high-pass coefficients
	next   int // row of the window

	inGo bool // not in C where there is C: tests hold the two equal
}

// A level makes one resolution, from 1 on, of the one below and three sub-bands.
type level struct {
	bounds image.Rectangle    // of the resolution
	window image.Rectangle    // what is made of it
	need   [4]image.Rectangle // of the sub-bands; of LL, what is taken of the resolution below
	lows   [2]int             // the columns of the sub-bands that are low-pass across, and
	highs  [2]int             // of those that are high-pass
	lo, hi int                // the rows that are taken in
	in     int                // the row that is taken in next
	done   int                // rows before this are finished

	ring   int // where the rows are in the slab while they are lifted
	stride int
	rows   int // where they are when they are finished; the same without Columns

	step     [4]float32 // of each sub-band: dequantisation and the scaling of all filters
	fraction [4]int
	bands    [4]Band // at hand
}

// layOut lays the levels out in a slab, and says where the rows to work in are and
// how long the slab is.
func layOut(c Config) (levels []level, low, high, n int) {
	levels = make([]level, c.Levels+1)
	need := needs(c)
	window := c.Window.Intersect(c.Bounds)
	if window.Empty() {
		return levels, 0, 0, 0
	}
	widest := 0
	aligned := func(n int) int { return (n + 15) &^ 15 }
	for r := c.Levels; r >= 0; r-- {
		l := &levels[r]
		l.bounds, l.window, l.need = resolution(c.Bounds, c.Levels-r), window, need[r]
		l.done = window.Min.Y
		if r == 0 {
			break
		}
		// Rows of low-pass and of high-pass coefficients come in turn.
		y0, y1 := reached(window.Min.Y, window.Max.Y, 0, c.Reversible)
		z0, z1 := reached(window.Min.Y, window.Max.Y, 1, c.Reversible)
		l.lo = max(min(2*y0, 2*z0+1), l.bounds.Min.Y)
		l.hi = min(max(2*y1-1, 2*z1), l.bounds.Max.Y)
		l.in = l.lo
		l.lows = columns(window, l.bounds, 0, c.Reversible)
		l.highs = columns(window, l.bounds, 1, c.Reversible)
		lows, highs := l.lows[1]-l.lows[0], l.highs[1]-l.highs[0]
		widest = max(widest, lows, highs)
		l.ring, l.stride = n, aligned(max(window.Dx(), lows+highs))
		n += ringRows * l.stride
		l.rows = l.ring
		if c.Columns {
			l.rows = n
			n += ringRows * l.stride
		}
		window = need[r][0]
	}
	low = n + pad
	high = low + aligned(widest) + pad
	return levels, low, high, high + aligned(widest) + pad
}

// pad is the room before and after a row to work in.
const pad = 16

// columns gives the columns of the sub-bands, low-pass across or high-pass, that a
// window depends on.
func columns(window, bounds image.Rectangle, high int, reversible bool) [2]int {
	x0, x1 := reached(window.Min.X, window.Max.X, high, reversible)
	x0, x1 = max(x0, ceilHalf(bounds.Min.X-high)), min(x1, ceilHalf(bounds.Max.X-high))
	return [2]int{x0, max(x0, x1)}
}

func newMachine[T number](c Config) *machine[T] {
	m := &machine[T]{config: c, next: c.Window.Min.Y}
	var n int
	m.levels, m.low, m.high, n = layOut(c)
	m.slab = make([]T, n)
	gain := 1.0 // of the filters above
	for r := c.Levels; r >= 0; r-- {
		l := &m.levels[r]
		across, down := kappa, kappa
		if l.bounds.Dx() == 1 { // F.3.6
			across = 1
		}
		if l.bounds.Dy() == 1 {
			down = 1
		}
		for band := range 4 {
			b := c.Bands[r][band]
			l.fraction[band] = b.Fraction
			g := gain / float64(int(1)<<b.Fraction) * float64(b.Step)
			if r > 0 {
				// Equations F-7 and F-8: low-pass times K, high-pass by K.
				g *= [2]float64{across, 1 / across}[band&1] * [2]float64{down, 1 / down}[band>>1]
			}
			l.step[band] = float32(g)
		}
		gain *= across * down
	}
	return m
}

// read makes the next rows of the window.
func (m *machine[T]) read(dst []T, stride, rows int, src Source) error {
	window := m.config.Window.Intersect(m.config.Bounds)
	if rows > window.Max.Y-m.next {
		return fmt.Errorf("synthesis: %d rows of %d left (bug)", rows, window.Max.Y-m.next)
	}
	top := &m.levels[m.config.Levels]
	wide := window.Dx()
	for rows > 0 {
		n := min(rows, batch)
		if m.config.Levels == 0 {
			if err := m.copyRows(dst, stride, n, src); err != nil {
				return err
			}
		} else {
			if err := m.make(m.config.Levels, m.next+n, src); err != nil {
				return err
			}
			for i := range n {
				at := top.rows + (m.next+i)&(ringRows-1)*top.stride
				copy(dst[i*stride:][:wide], m.slab[at:])
			}
		}
		m.next += n
		rows -= n
		if rows > 0 {
			dst = dst[n*stride:]
		}
	}
	return nil
}

// copyRows is read for a component without decomposition.
func (m *machine[T]) copyRows(dst []T, stride, n int, src Source) error {
	l := &m.levels[0]
	for i := range n {
		b, err := m.at(0, 0, m.next+i, src)
		if err != nil {
			return err
		}
		coefficients(dst[i*stride:][:l.window.Dx()], b, m.next+i, l.need[0].Min.X, l.step[0], l.fraction[0])
	}
	return nil
}

// at gives the band with row y of a sub-band.
func (m *machine[T]) at(r, band, y int, src Source) (*Band, error) {
	b := &m.levels[r].bands[band]
	if y < b.Rect.Max.Y && y >= b.Rect.Min.Y {
		return b, nil
	}
	next, err := src.Band(r, band, y)
	if err != nil {
		return nil, err
	}
	need := m.levels[r].need[band]
	if y < next.Rect.Min.Y || y >= next.Rect.Max.Y || next.Rect.Min.X > need.Min.X || next.Rect.Max.X < need.Max.X {
		return nil, fmt.Errorf("synthesis: %v of sub-band %d, resolution %d, for row %d of %v (bug)", next.Rect, band, r, y, need)
	}
	*b = next
	return b, nil
}

// make finishes the rows of resolution r before end. Those that the one above has not
// taken are at most a batch.
func (m *machine[T]) make(r, end int, src Source) error {
	l := &m.levels[r]
	for l.done < end {
		// The rows that have to come in: as many as are lifted together.
		need := min(l.hi, arrival(end-1, m.config.Reversible)+1)
		for l.in < need {
			n := min(need-l.in, batch)
			var err error
			if n, err = m.take(r, n, src); err != nil {
				return err
			}
			first := l.in
			l.in += n
			m.lift(l, first)
		}
		if l.in == l.hi && l.done < end {
			return fmt.Errorf("synthesis: row %d of %v is not made (bug)", end-1, l.window)
		}
	}
	return nil
}

// steps is the number of lifting steps of a filter.
func steps(reversible bool) int {
	if reversible {
		return 2
	}
	return 4
}

// arrival is the row with which row y becomes finished. Step s lifts row z-1-s when
// the odd row z comes in.
func arrival(y int, reversible bool) int { return (y + steps(reversible) - 1) | 1 }

// take takes up to n rows in, and says how many. They are filtered across, unless the
// other filter is the first.
func (m *machine[T]) take(r, n int, src Source) (int, error) {
	l := &m.levels[r]
	j := acrossJob{first: l.in}
	// As many rows as lie together in all sub-bands.
	end := l.in + n
	for y := l.in; y < min(end, l.in+2); y++ {
		for side := range 2 {
			band := y&1<<1 | side
			if l.need[band].Empty() || band == 0 && r > 1 {
				continue
			}
			of := r
			if band == 0 {
				of = 0
			}
			b, err := m.at(of, band, y>>1, src)
			if err != nil {
				return 0, err
			}
			j.bands[band] = b
			end = min(end, 2*b.Rect.Max.Y+y&1)
		}
	}
	if last := (end - 1) &^ 1; r > 1 && last >= l.in && !l.need[0].Empty() {
		if err := m.make(r-1, last>>1+1, src); err != nil {
			return 0, err
		}
	}
	j.rows = end - l.in
	m.across(r, &j)
	return j.rows, nil
}

// An acrossJob is rows of a level that are taken in.
type acrossJob struct {
	first, rows int
	bands       [4]*Band // LL of the first level only
}

// lift lifts what the rows from first on, which have come in, make possible.
func (m *machine[T]) lift(l *level, first int) {
	last := l.in - 1
	if l.in == l.hi {
		last += steps(m.config.Reversible) + 1
	}
	if l.bounds.Dy() > 1 {
		m.down(l, first, last)
	} else if l.bounds.Min.Y&1 != 0 {
		halve(m.slab[l.ring+first&(ringRows-1)*l.stride:][:l.stride]) // F.3.6
	}
	from := l.done
	if l.in == l.hi {
		l.done = l.window.Max.Y
	} else {
		odd := (l.in - 2) | 1 // the last odd row before l.in
		l.done = max(l.done, odd-steps(m.config.Reversible)+2)
	}
	if m.config.Columns {
		m.acrossFinished(l, from, min(l.done, l.window.Max.Y))
	}
}
