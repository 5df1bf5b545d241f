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

// A matrix is numbers in a rectangle.
type matrix[T int32 | float64] struct {
	bounds image.Rectangle
	pix    []T
}

func newMatrix[T int32 | float64](b image.Rectangle) matrix[T] {
	return matrix[T]{b, make([]T, b.Dx()*b.Dy())}
}

func (g *matrix[T]) at(x, y int) *T { return &g.pix[(y-g.bounds.Min.Y)*g.bounds.Dx()+x-g.bounds.Min.X] }

// decompose makes the sub-bands of a matrix, level by level: down first, then across
// (F.4.2).
func decompose[T int32 | float64](src matrix[T], levels int, reversible bool) [][4]matrix[T] {
	all := make([][4]matrix[T], levels+1)
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
			g := newMatrix[T](subband(b, band))
			for y := g.bounds.Min.Y; y < g.bounds.Max.Y; y++ {
				for x := g.bounds.Min.X; x < g.bounds.Max.X; x++ {
					*g.at(x, y) = *src.at(2*x+band&1, 2*y+band>>1)
				}
			}
			all[r][band] = g
		}
		src, all[r][0] = all[r][0], matrix[T]{}
	}
	all[0][0] = src
	return all
}

// transposed exchanges the axes, as whoever visits an image sideways does.
func transposed[T int32 | float64](g matrix[T]) matrix[T] {
	b := g.bounds
	h := newMatrix[T](image.Rect(b.Min.Y, b.Min.X, b.Max.Y, b.Max.X))
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			*h.at(y, x) = *g.at(x, y)
		}
	}
	return h
}

// A matrixSource hands out coefficients in pieces of random height, and fails the test
// when it is asked for what is not needed.
type matrixSource struct {
	t     testing.TB
	rnd   *rand.Rand
	bands [][4]matrix[int32]
	need  [][4]image.Rectangle
	asked [][4]int
	wide  bool
}

func (s *matrixSource) Band(r, band, y int) (Band, error) {
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
	want   matrix[float64]
	bands  [][4]matrix[int32]
	config Config
}

func newPicture(rnd *rand.Rand, reversible bool) picture {
	at := image.Pt(rnd.IntN(9)-4, rnd.IntN(9)-4)
	b := image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rnd.IntN(40), 1+rnd.IntN(40)))}
	p := picture{bounds: b, levels: rnd.IntN(5), want: newMatrix[float64](b)}
	p.config = Config{Bounds: b, Levels: p.levels, Reversible: reversible, Bands: make([][4]BandConfig, p.levels+1)}
	ints, floats := newMatrix[int32](b), newMatrix[float64](b)
	for i := range ints.pix {
		v := rnd.IntN(256) - 128
		ints.pix[i], floats.pix[i], p.want.pix[i] = int32(v), float64(v), float64(v)
	}
	if reversible {
		p.bands = decompose(ints, p.levels, true)
	} else {
		const step = 1.0 / 32
		for _, bands := range decompose(floats, p.levels, false) {
			var quantised [4]matrix[int32]
			for i, g := range bands {
				quantised[i] = newMatrix[int32](g.bounds)
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

// inGo has a component use the kernels in Go.
func (c *Component) inGo() {
	switch c.kind {
	case Int16:
		c.i16.inGo = true
	case Int32:
		c.i32.inGo = true
	default:
		c.float32.inGo = true
	}
}

// samples reads a window in batches of random height, with either kernels.
func samples(t testing.TB, rnd *rand.Rand, c Config, bands [][4]matrix[int32], wide bool) []float64 {
	for r := range bands {
		for _, g := range bands[r] {
			for _, v := range g.pix {
				wide = wide || v != int32(int16(v))
			}
		}
	}
	k := New(c)
	if rnd.IntN(2) == 0 {
		k.inGo()
	}
	src := &matrixSource{t: t, rnd: rnd, bands: bands, need: Need(c), wide: wide, asked: make([][4]int, c.Levels+1)}
	for r := range src.asked {
		for b := range src.asked[r] {
			src.asked[r][b] = math.MinInt
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
			whole := matrix[float64]{b, samples(t, rnd, c, p.bands, rnd.IntN(2) == 0)}
			c.Window = image.Rect(x, y, x+1+rnd.IntN(b.Max.X-x), y+1+rnd.IntN(b.Max.Y-y))
			part := matrix[float64]{c.Window, samples(t, rnd, c, p.bands, rnd.IntN(2) == 0)}
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
			bands := make([][4]matrix[int32], p.levels+1)
			for r := range bands {
				for band := range 4 {
					to := band>>1 | band&1<<1
					bands[r][to], side.Bands[r][to] = transposed(p.bands[r][band]), c.Bands[r][band]
				}
			}
			turned := transposed(matrix[float64]{side.Window, samples(t, rnd, side, bands, true)})
			require.Equal(t, part.pix, turned.pix)
		}
	}
}

// Kernels in Go and in C make the same numbers of any coefficients.
func TestKernels(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 1500 {
		p := newPicture(rnd, rnd.IntN(2) == 0)
		for r := range p.bands {
			for band := range 4 {
				p.config.Bands[r][band].Step = float32(rnd.NormFloat64())
				for i := range p.bands[r][band].pix {
					p.bands[r][band].pix[i] = int32(rnd.Uint32()) >> rnd.IntN(32)
				}
			}
		}
		c := p.config
		c.Window, c.Narrow, c.Columns = p.bounds, rnd.IntN(2) == 0, false
		wide := rnd.IntN(2) == 0
		var all [2]Samples
		for i := range all {
			k := New(c)
			if i == 0 {
				k.inGo()
			}
			src := &matrixSource{t: t, rnd: rand.New(rand.NewPCG(5, 6)), bands: p.bands, need: Need(c), wide: wide, asked: make([][4]int, c.Levels+1)}
			for r := range src.asked {
				for b := range src.asked[r] {
					src.asked[r][b] = math.MinInt
				}
			}
			n := c.Window.Dx() * c.Window.Dy()
			s := Samples{Stride: c.Window.Dx()}
			switch k.Kind() {
			case Int16:
				s.I16 = make([]int16, n)
			case Int32:
				s.I32 = make([]int32, n)
			default:
				s.F32 = make([]float32, n)
			}
			require.NoError(t, k.Read(s, c.Window.Dy(), src))
			all[i] = s
		}
		require.Equal(t, all[0].I16, all[1].I16)
		require.Equal(t, all[0].I32, all[1].I32)
		require.Len(t, all[1].F32, len(all[0].F32))
		for i, v := range all[0].F32 {
			if v == v || all[1].F32[i] == all[1].F32[i] { // not both no number
				require.Equal(t, v, all[1].F32[i])
			}
		}
	}
}

// So does packing, whatever the samples and the depths, and nothing is written beside.
func TestPacking(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		width, height := 1+rnd.IntN(70), 1+rnd.IntN(3)
		kind := Kind(rnd.IntN(3))
		var src [3]Samples
		var dst [2][3]Plane
		for i := range src {
			stride := width + rnd.IntN(3)
			n := stride * height
			src[i].Stride = stride
			for range n {
				v := int32(rnd.Uint32()) >> rnd.IntN(32)
				switch kind {
				case Int16:
					src[i].I16 = append(src[i].I16, int16(v))
				case Int32:
					src[i].I32 = append(src[i].I32, v)
				default:
					f := float32(rnd.NormFloat64()) * float32(math.Exp2(float64(rnd.IntN(40))))
					if rnd.IntN(50) == 0 {
						f = float32(math.NaN())
					}
					src[i].F32 = append(src[i].F32, f)
				}
			}
			depth, signed := 1+rnd.IntN(24), rnd.IntN(5) == 0
			for k := range dst {
				p := Plane{Depth: depth, Signed: signed, Stride: stride}
				switch {
				case signed || depth > 16:
					p.I32 = make([]int32, n+1)
				case depth > 8:
					p.U16 = make([]uint16, n+1)
				default:
					p.U8 = make([]uint8, n+1)
				}
				dst[k][i] = p
			}
		}
		if kind == Float32 {
			PackICT(dst[0], src, width, height)
			packICTGo(dst[1], src, width, height)
		} else {
			PackRCT(dst[0], src, width, height)
			packRCTGo(dst[1], src, width, height)
		}
		require.Equal(t, dst[1], dst[0])
		Pack(dst[0][0], src[1], width, height)
		packGo(dst[1][0], src[1], width, height)
		require.Equal(t, dst[1][0], dst[0][0])
	}
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name             string
		width, height    int
		reversible, inGo bool
	}{
		{"whole/9-7/C", 6000, 256, false, false},
		{"whole/9-7/Go", 6000, 256, false, true},
		{"whole/5-3/C", 6000, 256, true, false},
		{"whole/5-3/Go", 6000, 256, true, true},
		{"window/9-7/C", 320, 320, false, false},
		{"window/9-7/Go", 320, 320, false, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			bounds := image.Rect(0, 0, c.width, c.height)
			config := Config{Bounds: bounds, Window: bounds, Levels: 5, Reversible: c.reversible, Narrow: true, Bands: make([][4]BandConfig, 6)}
			src := make(wholeSource, 6)
			for r := range src {
				for band, rect := range Need(config)[r] {
					config.Bands[r][band].Step = 0.5
					src[r][band] = Band{Rect: rect, Stride: rect.Dx(), I16: make([]int16, rect.Dx()*rect.Dy())}
				}
			}
			n := c.width * c.height
			dst := Samples{Stride: c.width, I16: make([]int16, n), F32: make([]float32, n)}
			b.SetBytes(int64(n))
			for b.Loop() {
				k := New(config)
				if c.inGo {
					k.inGo()
				}
				if err := k.Read(dst, c.height, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A wholeSource has every sub-band in one piece.
type wholeSource [][4]Band

func (s wholeSource) Band(r, band, _ int) (Band, error) { return s[r][band], nil }

// Any geometry and any coefficients: samples, the same from both kernels.
func FuzzRead(f *testing.F) {
	f.Add(uint64(1), false, false)
	f.Add(uint64(2), true, true)
	f.Fuzz(func(t *testing.T, seed uint64, reversible, columns bool) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		p := newPicture(rnd, reversible)
		c := p.config
		c.Window, c.Narrow, c.Columns = p.bounds, rnd.IntN(2) == 0, columns
		var want []float64
		for i := range 2 {
			have := samples(t, rand.New(rand.NewPCG(seed, uint64(i))), c, p.bands, false)
			if want == nil {
				want = have
			}
			require.Equal(t, want, have)
		}
	})
}
