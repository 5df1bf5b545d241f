package wavelet

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// analyze is the forward transform of a signal whose first sample is at
// coordinate first (F.4.8): all low-pass coefficients are at even coordinates.
// Its lifting is by definition, on a signal that is extended on both sides.
func analyze[T Number](x []T, first int) {
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
	switch x := any(x).(type) {
	case []int32:
		lift(1, func(v, left, right T) T { return v - T(math.Floor(float64(left+right)/2)) })
		lift(0, func(v, left, right T) T { return v + T(math.Floor(float64(left+right+2)/4)) })
	case []float32:
		for step, factor := range []float64{alpha, beta, gamma, delta} {
			lift(1-step&1, func(v, left, right T) T { return T(float64(v) + factor*float64(left+right)) })
		}
		for i := range x {
			if (first+i)&1 == 0 {
				x[i] /= kappa
			} else {
				x[i] *= kappa
			}
		}
	}
}

// analyze2 makes the sub-bands of a plane: columns first, then rows (F.4.2).
func analyze2[T Number](src *Plane[T]) (bands [4]Plane[T]) {
	b := src.Bounds
	var p Plane[T]
	p.Reshape(b)
	copy(p.Pix, src.Pix)
	column := make([]T, b.Dy())
	for x := range b.Dx() {
		for y := range column {
			column[y] = p.Pix[y*b.Dx()+x]
		}
		analyze(column, b.Min.Y)
		for y := range column {
			p.Pix[y*b.Dx()+x] = column[y]
		}
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		analyze(p.Row(y, b.Min.X, b.Max.X), b.Min.X)
	}
	for i := range bands {
		q := &bands[i]
		q.Reshape(Band(b, i, 1))
		for y := q.Bounds.Min.Y; y < q.Bounds.Max.Y; y++ {
			for x := q.Bounds.Min.X; x < q.Bounds.Max.X; x++ {
				q.Row(y, x, x+1)[0] = p.Row(2*y+i>>1, 2*x+i&1, 2*x+i&1+1)[0]
			}
		}
	}
	return bands
}

// window is the part of a plane inside r.
func window[T Number](p *Plane[T], r image.Rectangle) Plane[T] {
	var q Plane[T]
	r = r.Intersect(p.Bounds)
	q.Reshape(r)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(q.Row(y, r.Min.X, r.Max.X), p.Row(y, r.Min.X, r.Max.X))
	}
	return q
}

// check synthesizes windows of random planes out of no more of the sub-bands
// than they need.
func check[T Number](t *testing.T, reversible bool, tolerance float64) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		at := image.Pt(rnd.IntN(5), rnd.IntN(5))
		var src, dst Plane[T]
		src.Reshape(image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rnd.IntN(30), 1+rnd.IntN(30)))})
		for i := range src.Pix {
			src.Pix[i] = T(rnd.IntN(512) - 256)
		}
		bands := analyze2(&src)
		b := src.Bounds
		x, y := b.Min.X+rnd.IntN(b.Dx()), b.Min.Y+rnd.IntN(b.Dy())
		want := image.Rect(x, y, x+1+rnd.IntN(b.Max.X-x), y+1+rnd.IntN(b.Max.Y-y))
		need := Need(want, b, reversible)
		for i := range bands {
			bands[i] = window(&bands[i], Band(need, i, 1))
		}
		guard := make([]T, need.Dx()*need.Dy()+1)
		guard[len(guard)-1] = 77
		dst.Pix = guard[:0]
		dst.Reshape(need)
		Synthesize(&dst, bands)
		require.EqualValues(t, 77, guard[len(guard)-1])
		for y := want.Min.Y; y < want.Max.Y; y++ {
			for x := want.Min.X; x < want.Max.X; x++ {
				have, want := dst.Row(y, x, x+1)[0], src.Row(y, x, x+1)[0]
				if math.Abs(float64(have-want)) > tolerance {
					require.Equal(t, want, have, "%d,%d of %v", x, y, b)
				}
			}
		}
	}
}

func TestReversible(t *testing.T)   { check[int32](t, true, 0) }
func TestIrreversible(t *testing.T) { check[float32](t, false, 1e-3) }

// Coefficients that are not there are zero, wherever the plane ends.
func TestMissing(t *testing.T) {
	for x0 := range 4 {
		for x1 := x0; x1 < 6; x1++ {
			var part, whole [4]Plane[int32]
			for i := range whole {
				whole[i].Reshape(image.Rect(0, 0, 6, 6))
				part[i].Reshape(image.Rect(x0, x0, x1, x1))
				for y := x0; y < x1; y++ {
					for x := x0; x < x1; x++ {
						whole[i].Row(y, x, x+1)[0] = int32(10*y + x)
						part[i].Row(y, x, x+1)[0] = int32(10*y + x)
					}
				}
			}
			for _, b := range []image.Rectangle{image.Rect(0, 0, 12, 12), image.Rect(3, 3, 8, 5), image.Rect(0, 1, 1, 2)} {
				var want, have Plane[int32]
				want.Reshape(b)
				have.Reshape(b)
				for i := range have.Pix {
					have.Pix[i] = -1
				}
				Synthesize(&want, whole)
				Synthesize(&have, part)
				require.Equal(t, want, have)
			}
		}
	}
}

// What is in both bounds stays, and all else is zero, whether there is memory
// enough or not.
func TestMove(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	var p Plane[int32]
	for range 3000 {
		old := window(&p, p.Bounds)
		b := image.Rect(rnd.IntN(3), rnd.IntN(9), 2+rnd.IntN(3), 9+rnd.IntN(9))
		if rnd.IntN(4) > 0 {
			b.Min.X, b.Max.X = p.Bounds.Min.X, p.Bounds.Max.X
		}
		p.Move(b)
		require.Equal(t, b, p.Bounds)
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				want := int32(0)
				if image.Pt(x, y).In(old.Bounds) {
					want = old.Row(y, x, x+1)[0]
				}
				require.Equal(t, want, p.Row(y, x, x+1)[0])
				p.Row(y, x, x+1)[0] = rnd.Int32()
			}
		}
	}
}

// Sub-bands lie where Equation B-15 has them.
func TestBand(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		at := image.Pt(rnd.IntN(100), rnd.IntN(100))
		c := image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rnd.IntN(100), 1+rnd.IntN(100)))}
		n := 1 + rnd.IntN(5)
		require.Equal(t, Resolution(c, n), Band(c, 0, n))
		for band := range 4 {
			// Step by step: the sub-bands of a resolution are its even and its odd
			// columns and rows.
			r := Resolution(c, n-1)
			half := func(v, odd int) int { return int(math.Ceil(float64(v-odd) / 2)) }
			require.Equal(t, image.Rect(half(r.Min.X, band&1), half(r.Min.Y, band>>1),
				half(r.Max.X, band&1), half(r.Max.Y, band>>1)), Band(c, band, n))
		}
	}
}

func BenchmarkSynthesize(b *testing.B) {
	run := func(b *testing.B, synthesize func()) {
		b.SetBytes(4 << 20)
		for b.Loop() {
			synthesize()
		}
	}
	b.Run("5/3", func(b *testing.B) {
		dst, bands := benchmark[int32]()
		run(b, func() { Synthesize(dst, *bands) })
	})
	b.Run("9/7", func(b *testing.B) {
		dst, bands := benchmark[float32]()
		run(b, func() { Synthesize(dst, *bands) })
	})
}

func benchmark[T Number]() (*Plane[T], *[4]Plane[T]) {
	dst, bands := new(Plane[T]), new([4]Plane[T])
	dst.Reshape(image.Rect(0, 0, 1024, 1024))
	for i := range bands {
		bands[i].Reshape(Band(dst.Bounds, i, 1))
	}
	return dst, bands
}
