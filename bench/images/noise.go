// This file makes noise: textures with the spectrum of natural pictures, and the
// grain of film as a scanner sees it.

package images

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// hash mixes coordinates; the result is the same everywhere.
func hash(x, y int, seed uint32) uint32 {
	h := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77 ^ seed*0xc2b2ae3d
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	return h ^ h>>15
}

// unit is a number from 0 to 1 for the coordinates.
func unit(x, y int, seed uint32) float32 { return float32(hash(x, y, seed)>>8) / (1 << 24) }

// normal is a number of about the normal distribution, of variance 1.
func normal(x, y int, seed uint32) float32 {
	var sum float32
	for i := range uint32(4) {
		sum += unit(x, y, seed+i*0x1000)
	}
	return (sum - 2) * 1.7320508
}

// A field is a square of random numbers of mean 0 and variance 1 that goes on
// periodically in both directions. Its side is 1<<shift.
type field struct {
	shift  int
	values []float32
}

// natural returns two independent fields whose amplitude falls with the frequency
// as that of photographs does, as 1/f, from so many cycles a side up to where a
// lens has lost all contrast.
func natural(shift int, from float64, seed uint32) (a, b field) {
	n := 1 << shift
	spectrum := make([]complex128, n*n)
	for y := range n {
		fy := float64((y+n/2)&(n-1) - n/2)
		for x := range n {
			fx := float64((x+n/2)&(n-1) - n/2)
			f := math.Hypot(fx, fy)
			if f < 1 {
				continue
			}
			amplitude := math.Exp(-4*(f/float64(n))*(f/float64(n))) / f
			amplitude *= 1 - math.Exp(-(f/from)*(f/from))
			re, im := normal(x, y, seed), normal(x, y, seed+1)
			spectrum[y*n+x] = complex(amplitude*float64(re), amplitude*float64(im))
		}
	}
	transform2(spectrum, n)
	a, b = field{shift, make([]float32, n*n)}, field{shift, make([]float32, n*n)}
	for i, v := range spectrum {
		a.values[i], b.values[i] = float32(real(v)), float32(imag(v))
	}
	a.normalise()
	b.normalise()
	return a, b
}

// normalise makes the mean 0 and the variance 1.
func (f field) normalise() {
	var sum, squares float64
	for _, v := range f.values {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(f.values))
	mean := sum / n
	scale := 1 / math.Sqrt(squares/n-mean*mean)
	for i, v := range f.values {
		f.values[i] = float32((float64(v) - mean) * scale)
	}
}

// pixel is the value at a point of the grid.
func (f *field) pixel(x, y int) float32 {
	mask := 1<<f.shift - 1
	return f.values[(y&mask)<<f.shift+x&mask]
}

// at is the value between points of the grid; x and y are not negative.
func (f *field) at(x, y float32) float32 {
	mask := 1<<f.shift - 1
	ix, iy := int(x), int(y)
	fx, fy := smooth(x-float32(ix)), smooth(y-float32(iy))
	above, below := (iy&mask)<<f.shift, ((iy+1)&mask)<<f.shift
	left, right := ix&mask, (ix+1)&mask
	a := f.values[above+left] + (f.values[above+right]-f.values[above+left])*fx
	b := f.values[below+left] + (f.values[below+right]-f.values[below+left])*fx
	return a + (b-a)*fy
}

// grain returns a field of noise of which neighbours have something in common, as
// the scanner's optics spread each point of the film over a pixel and a half.
func grain(shift int, seed uint32) field {
	n := 1 << shift
	f := field{shift, make([]float32, n*n)}
	white := func(x, y int) float32 { return normal(x&(n-1), y&(n-1), seed) }
	row := make([]float32, n*n)
	for y := range n {
		for x := range n {
			row[y<<shift+x] = white(x, y) + 0.4*(white(x-1, y)+white(x+1, y))
		}
	}
	for y := range n {
		for x := range n {
			above, below := (y-1)&(n-1), (y+1)&(n-1)
			f.values[y<<shift+x] = row[y<<shift+x] + 0.4*(row[above<<shift+x]+row[below<<shift+x])
		}
	}
	f.normalise()
	return f
}

// transform2 is the discrete Fourier transform of n rows of n numbers, n a power
// of two, in place and without scaling.
func transform2(v []complex128, n int) {
	roots := make([]complex128, n/2)
	for i := range roots {
		roots[i] = cmplx.Exp(complex(0, 2*math.Pi*float64(i)/float64(n)))
	}
	for range 2 {
		for y := range n {
			transform(v[y*n:][:n], roots)
		}
		for y := range n {
			for x := range y {
				v[y*n+x], v[x*n+y] = v[x*n+y], v[y*n+x]
			}
		}
	}
}

// transform is that of one row.
func transform(v, roots []complex128) {
	n := len(v)
	for i := range v {
		j := int(bits.Reverse64(uint64(i)) >> (64 - bits.Len(uint(n-1))))
		if i < j {
			v[i], v[j] = v[j], v[i]
		}
	}
	for half := 1; half < n; half *= 2 {
		for start := 0; start < n; start += 2 * half {
			for i := range half {
				a, b := v[start+i], v[start+half+i]*roots[i*(n/2/half)]
				v[start+i], v[start+half+i] = a+b, a-b
			}
		}
	}
}

// smooth goes from 0 to 1 as v does, level at both ends.
func smooth(v float32) float32 { return v * v * (3 - 2*v) }

// ramp is smooth from 0 at a to 1 at b, and level outside.
func ramp(v, a, b float32) float32 { return smooth(min(max((v-a)/(b-a), 0), 1)) }
