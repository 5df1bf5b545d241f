package synthesis

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// analyze is the forward transform of a signal whose first sample is at
// coordinate first (F.4.8). Its lifting is by definition, on a signal that is
// extended on both sides.
func analyze[T int32 | float64](x []T, first int, reversible bool) {
	n := len(x)
	if n == 1 {
		if first&1 != 0 {
			x[0] *= 2
		}
		return
	}
	at := func(i int) T { // periodic symmetric extension, i from first
		i = ((i-first)%(2*n-2) + 2*n - 2) % (2*n - 2)
		return x[min(i, 2*n-2-i)]
	}
	lift := func(parity int, update func(v, left, right T) T) {
		for i := first; i < first+n; i++ {
			if i&1 == parity {
				x[i-first] = update(x[i-first], at(i-1), at(i+1))
			}
		}
	}
	if reversible {
		lift(1, func(v, l, r T) T { return v - T(math.Floor(float64(l+r)/2)) })
		lift(0, func(v, l, r T) T { return v + T(math.Floor(float64(l+r+2)/4)) })
		return
	}
	for s, f := range []float64{alpha, beta, gamma, delta} {
		lift(1-s&1, func(v, l, r T) T { return T(float64(v) + f*float64(l+r)) })
	}
	for i := range x {
		if (first+i)&1 == 0 {
			x[i] = T(float64(x[i]) / kappa)
		} else {
			x[i] = T(float64(x[i]) * kappa)
		}
	}
}

// A grid is numbers in a rectangle.
type grid[T int32 | float64] struct {
	bounds image.Rectangle
	pix    []T
}

func newGrid[T int32 | float64](b image.Rectangle) grid[T] {
	return grid[T]{b, make([]T, b.Dx()*b.Dy())}
}

func (g *grid[T]) at(x, y int) *T { return &g.pix[(y-g.bounds.Min.Y)*g.bounds.Dx()+x-g.bounds.Min.X] }

// decompose makes the sub-bands of a grid, level by level: down first, then across
// (F.4.2).
func decompose[T int32 | float64](src grid[T], levels int, reversible bool) [][4]grid[T] {
	all := make([][4]grid[T], levels+1)
	for r := levels; r > 0; r-- {
		b := src.bounds
		column := make([]T, b.Dy())
		for x := b.Min.X; x < b.Max.X; x++ {
			for i := range column {
				column[i] = *src.at(x, b.Min.Y+i)
			}
			if len(column) > 0 {
				analyze(column, b.Min.Y, reversible)
			}
			for i := range column {
				*src.at(x, b.Min.Y+i) = column[i]
			}
		}
		for y := b.Min.Y; y < b.Max.Y && b.Dx() > 0; y++ {
			analyze(src.pix[(y-b.Min.Y)*b.Dx():][:b.Dx()], b.Min.X, reversible)
		}
		for band := range 4 {
			g := newGrid[T](subband(b, band))
			for y := g.bounds.Min.Y; y < g.bounds.Max.Y; y++ {
				for x := g.bounds.Min.X; x < g.bounds.Max.X; x++ {
					*g.at(x, y) = *src.at(2*x+band&1, 2*y+band>>1)
				}
			}
			all[r][band] = g
		}
		src, all[r][0] = all[r][0], grid[T]{}
	}
	all[0][0] = src
	return all
}

// transposed exchanges the axes, as whoever visits an image sideways does.
func transposed[T int32 | float64](g grid[T]) grid[T] {
	b := g.bounds
	h := newGrid[T](image.Rect(b.Min.Y, b.Min.X, b.Max.Y, b.Max.X))
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			*h.at(y, x) = *g.at(x, y)
		}
	}
	return h
}

// A gridSource hands out coefficients in pieces of random height, and fails the test
// when it is asked for what is not needed.
type gridSource struct {
	t     testing.TB
	rnd   *rand.Rand
	bands [][4]grid[int32]
	need  [][4]image.Rectangle
	asked [][4]int
	wide  bool
}

func (s *gridSource) Band(r, band, y int) (Band, error) {
	need := s.need[r][band]
	require.True(s.t, y >= need.Min.Y && y < need.Max.Y, "row %d of %v", y, need)
	require.GreaterOrEqual(s.t, y, s.asked[r][band])
	s.asked[r][band] = y
	b := Band{Rect: need, Stride: need.Dx()}
	b.Rect.Min.Y = max(need.Min.Y, y-s.rnd.IntN(3))
	b.Rect.Max.Y = min(need.Max.Y, y+1+s.rnd.IntN(6))
	zero := true
	for y := b.Rect.Min.Y; y < b.Rect.Max.Y; y++ {
		for x := b.Rect.Min.X; x < b.Rect.Max.X; x++ {
			v := *s.bands[r][band].at(x, y)
			zero = zero && v == 0
			if s.wide {
				b.I32 = append(b.I32, v)
			} else {
				b.I16 = append(b.I16, int16(v))
			}
		}
	}
	if zero {
		b.I16, b.I32 = nil, nil
	}
	return b, nil
}

// A picture is random samples with their sub-bands quantised.
type picture struct {
	bounds image.Rectangle
	levels int
	want   grid[float64]
	bands  [][4]grid[int32]
	config Config
}

func newPicture(rnd *rand.Rand, reversible bool) picture {
	at := image.Pt(rnd.IntN(9)-4, rnd.IntN(9)-4)
	b := image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rnd.IntN(40), 1+rnd.IntN(40)))}
	p := picture{bounds: b, levels: rnd.IntN(5), want: newGrid[float64](b)}
	p.config = Config{Bounds: b, Levels: p.levels, Reversible: reversible, Bands: make([][4]BandConfig, p.levels+1)}
	ints, floats := newGrid[int32](b), newGrid[float64](b)
	for i := range ints.pix {
		v := rnd.IntN(256) - 128
		ints.pix[i], floats.pix[i], p.want.pix[i] = int32(v), float64(v), float64(v)
	}
	if reversible {
		p.bands = decompose(ints, p.levels, true)
	} else {
		const step = 1.0 / 32
		for _, bands := range decompose(floats, p.levels, false) {
			var quantised [4]grid[int32]
			for i, g := range bands {
				quantised[i] = newGrid[int32](g.bounds)
				for j, v := range g.pix {
					quantised[i].pix[j] = int32(math.Round(v / step))
				}
			}
			p.bands = append(p.bands, quantised)
		}
		for r := range p.config.Bands {
			for band := range 4 {
				p.config.Bands[r][band].Step = step
			}
		}
	}
	// Some sub-bands have a binary point.
	for r := range p.bands {
		for band := range 4 {
			if rnd.IntN(2) == 0 {
				p.config.Bands[r][band].Fraction = 1
				for i, v := range p.bands[r][band].pix {
					v *= 2
					if reversible && v > 0 {
						v++ // the middle of what is not known
					} else if reversible && v < 0 {
						v--
					}
					p.bands[r][band].pix[i] = v
				}
			}
		}
	}
	return p
}

// samples reads a window in batches of random height.
func samples(t testing.TB, rnd *rand.Rand, c Config, bands [][4]grid[int32], wide bool) []float64 {
	for r := range bands {
		for _, g := range bands[r] {
			for _, v := range g.pix {
				wide = wide || v != int32(int16(v))
			}
		}
	}
	k := New(c)
	src := &gridSource{t: t, rnd: rnd, bands: bands, need: Need(c), wide: wide, asked: make([][4]int, c.Levels+1)}
	for r := range src.asked {
		for b := range src.asked[r] {
			src.asked[r][b] = -1 << 62
		}
	}
	width, height := c.Window.Dx(), c.Window.Dy()
	var out []float64
	for height > 0 {
		n := 1 + rnd.IntN(height)
		height -= n
		stride := width + rnd.IntN(3)
		s := Samples{Stride: stride, I16: make([]int16, stride*n), I32: make([]int32, stride*n), F32: make([]float32, stride*n)}
		require.NoError(t, k.Read(s, n, src))
		for y := range n {
			for x := range width {
				switch k.Kind() {
				case Int16:
					out = append(out, float64(s.I16[y*stride+x]))
				case Int32:
					out = append(out, float64(s.I32[y*stride+x]))
				default:
					out = append(out, float64(s.F32[y*stride+x]))
				}
			}
		}
	}
	return out
}

// Every window of every picture is what was transformed, whatever the order, and the
// numbers are those of the whole.
func TestWindows(t *testing.T) {
	for _, reversible := range []bool{true, false} {
		rnd := rand.New(rand.NewPCG(1, 2))
		for range 1500 {
			p := newPicture(rnd, reversible)
			b := p.bounds
			x, y := b.Min.X+rnd.IntN(b.Dx()), b.Min.Y+rnd.IntN(b.Dy())
			c := p.config
			c.Narrow = rnd.IntN(2) == 0
			c.Window = b
			whole := grid[float64]{b, samples(t, rnd, c, p.bands, rnd.IntN(2) == 0)}
			c.Window = image.Rect(x, y, x+1+rnd.IntN(b.Max.X-x), y+1+rnd.IntN(b.Max.Y-y))
			part := grid[float64]{c.Window, samples(t, rnd, c, p.bands, rnd.IntN(2) == 0)}
			for y := b.Min.Y; y < b.Max.Y; y++ {
				for x := b.Min.X; x < b.Max.X; x++ {
					tolerance := 0.0
					if !reversible {
						tolerance = 0.5
					}
					require.InDelta(t, *p.want.at(x, y), *whole.at(x, y), tolerance, "%d,%d of %v, %d levels", x, y, b, p.levels)
					if image.Pt(x, y).In(c.Window) {
						require.Equal(t, *whole.at(x, y), *part.at(x, y), "%d,%d of %v", x, y, c.Window)
					}
				}
			}

			// Sideways: everything has its axes exchanged.
			side := c
			side.Columns = true
			swap := func(r image.Rectangle) image.Rectangle { return image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X) }
			side.Bounds, side.Window = swap(c.Bounds), swap(c.Window)
			side.Bands = make([][4]BandConfig, p.levels+1)
			bands := make([][4]grid[int32], p.levels+1)
			for r := range bands {
				for band := range 4 {
					to := band>>1 | band&1<<1
					bands[r][to], side.Bands[r][to] = transposed(p.bands[r][band]), c.Bands[r][band]
				}
			}
			turned := transposed(grid[float64]{side.Window, samples(t, rnd, side, bands, true)})
			require.Equal(t, part.pix, turned.pix)
		}
	}
}
