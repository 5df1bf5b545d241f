package raster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// lengths are row lengths around every unrolling.
var lengths = []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100}

func random16(r *rand.Rand, n, depth int) []uint16 {
	p := make([]uint16, n)
	for i := range p {
		p[i] = uint16(r.Uint32N(1 << depth))
	}
	return p
}

func TestPack(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range lengths {
		r, g, b, a := random(rnd, n), random(rnd, n), random(rnd, n), random(rnd, n)
		dst, check := guarded(t, 4*n)

		PackRGBX(dst, r, g, b)
		check()
		for i := range n {
			require.Equal(t, []byte{r[i], g[i], b[i], 255}, dst[4*i:4*i+4])
		}
		rgb := make([]byte, 3*n)
		RGB(rgb, dst)
		for i := range n {
			require.Equal(t, []byte{r[i], g[i], b[i]}, rgb[3*i:3*i+3])
		}
		inPlace := bytes.Clone(dst)
		RGB(inPlace[:3*n], inPlace)
		require.Equal(t, rgb, inPlace[:3*n])
		PackNRGBA(dst, r, g, b, a)
		check()
		for i := range n {
			require.Equal(t, []byte{r[i], g[i], b[i], a[i]}, dst[4*i:4*i+4])
		}
		if n > 0 {
			got := make([]byte, n)
			Unpack(got, dst[2:], 4)
			require.Equal(t, b, got)
		}
		if n > 0 {
			Fill(dst[3:], 4, n, 9)
			check()
			for i := range n {
				require.Equal(t, []byte{r[i], g[i], b[i], 9}, dst[4*i:4*i+4])
			}
		}

		x, y, z := random16(rnd, n, 16), random16(rnd, n, 16), random16(rnd, n, 16)
		dst, check = guarded(t, 8*n)
		PackRGBX16(dst, x, y, z)
		check()
		for i := range n {
			for c, v := range []uint16{x[i], y[i], z[i], 65535} {
				require.Equal(t, v, binary.BigEndian.Uint16(dst[8*i+2*c:]))
			}
		}
	}
}

// plainScale is a sample by the definition, with a division.
func plainScale(v int64, depth int, signed bool, to int64) int64 {
	if signed {
		v += 1 << (depth - 1)
	}
	full := int64(1)<<depth - 1
	v = min(max(v, 0), full)
	return (v*to + full/2) / full
}

func testScale[S Sample](t *testing.T, depth int, signed bool, src []S) {
	s := NewScale(depth, signed)
	for _, step := range []int{1, 3, 4} {
		dst, check := guarded(t, len(src)*step)
		Scale8(dst, step, src, s)
		check()
		for i, v := range src {
			want := plainScale(int64(v), depth, signed, 255)
			if want != int64(dst[i*step]) {
				require.Equal(t, want, int64(dst[i*step]), "%v of %d bits", v, depth)
			}
		}
		dst, check = guarded(t, len(src)*step*2)
		Scale16(dst, 2*step, src, s)
		check()
		for i, v := range src {
			want := plainScale(int64(v), depth, signed, 65535)
			got := int64(binary.BigEndian.Uint16(dst[2*i*step:]))
			if want != got {
				require.Equal(t, want, got, "%v of %d bits", v, depth)
			}
		}
	}
}

func TestSpread(t *testing.T) {
	for _, n := range lengths {
		src := random(rand.New(rand.NewPCG(8, 4)), 2*n)
		dst, check := guarded(t, 4*n)
		Spread8(dst, src)
		check()
		for i, v := range dst {
			want := src[i/4]
			if i%4 == 3 {
				want = 255
			}
			require.Equal(t, want, v)
		}
		dst, check = guarded(t, 8*n)
		Spread16(dst, src)
		check()
		for i, v := range dst {
			want := src[i/8*2+i%2]
			if i%8 > 5 {
				want = 255
			}
			require.Equal(t, want, v)
		}
	}
}

func TestScale(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	for depth := 1; depth <= 32; depth++ {
		if depth <= 8 {
			testScale(t, depth, false, random(rnd, 600)) // beyond the depth too
		}
		if depth <= 16 {
			src := make([]uint16, 1<<depth) // every value
			for i := range src {
				src[i] = uint16(i)
			}
			testScale(t, depth, false, append(src, 65535))
		}
		for _, signed := range []bool{false, true} {
			src := []int32{0, 1, -1, 1<<(depth-1) - 1, -1 << (depth - 1),
				math.MaxInt32, math.MinInt32}
			for range 300 {
				src = append(src, int32(rnd.Uint32())>>(32-depth))
			}
			testScale(t, depth, signed, src)
		}
	}
	for v := range 65536 {
		require.Equal(t, scaled(int64(v), 65535, 255), int64(from16(uint16(v))))
	}
}

func TestNarrow(t *testing.T) {
	src := make([]byte, 2*65536)
	for v := range 65536 {
		binary.BigEndian.PutUint16(src[2*v:], uint16(v))
	}
	Narrow(src[:65535], src) // the last one alone
	Narrow(src[65535:65536], src[2*65535:])
	for v, got := range src[:65536] {
		require.Equal(t, plainScale(int64(v), 16, false, 255), int64(got))
	}
}

// plainUpsample is the value at position x by the definition.
func plainUpsample(src []int32, x, at, sub int) float64 {
	p := float64(x-at) / float64(sub)
	p = min(max(p, 0), float64(len(src)-1))
	i := int(p)
	if i == len(src)-1 {
		return float64(src[i])
	}
	return float64(src[i]) + float64(src[i+1]-src[i])*(p-float64(i))
}

func TestUpsample(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 2))
	for _, sub := range []int{1, 2, 3, 4, 7, 255} {
		for range 200 {
			src := make([]int32, 1+rnd.IntN(12))
			for i := range src {
				src[i] = int32(rnd.IntN(512) - 256)
			}
			at := rnd.IntN(9)
			x := at + rnd.IntN(3*sub+2) - sub - 1
			dst := make([]int32, rnd.IntN(len(src)*sub+2*sub))
			UpsampleRow(dst, src, x, at, sub)
			for i, v := range dst {
				require.InDelta(t, plainUpsample(src, x+i, at, sub), v, 0.5+1e-9,
					"%v at %d by %d, position %d", src, at, sub, x+i)
			}

			// At every step-th position of it.
			for _, step := range []int{1, 2, 5} {
				UpsampleRowBy(dst, src, x, at, step, sub)
				for i, v := range dst {
					require.InDelta(t, plainUpsample(src, x+i*step, at, sub), v, 0.5+1e-9)
				}
			}
			UpsampleRow(dst, src, x, at, sub)

			// Downwards, one column of the same.
			for y := x; y < x+10; y++ {
				upper, lower, phase := UpsampleRows(y, at, sub, len(src))
				got := []int32{0}
				MixRows(got, src[upper:upper+1], src[lower:lower+1], phase, sub)
				require.InDelta(t, plainUpsample(src, y, at, sub), got[0], 0.5+1e-9)
			}

			// The same in bytes.
			narrow, wide := make([]uint8, len(src)), make([]int32, len(src))
			for i, v := range src {
				narrow[i], wide[i] = uint8(v), int32(uint8(v))
			}
			bytes8 := make([]uint8, len(dst))
			UpsampleRow(bytes8, narrow, x, at, sub)
			UpsampleRow(dst, wide, x, at, sub)
			for i, v := range dst {
				require.Equal(t, uint8(v), bytes8[i])
			}
		}
	}
}

func BenchmarkPack(b *testing.B) {
	const n = 4096
	rnd := rand.New(rand.NewPCG(4, 2))
	x, y, z := random(rnd, n), random(rnd, n), random(rnd, n)
	dst := make([]byte, 8*n)
	b.Run("RGBX", func(b *testing.B) {
		b.SetBytes(4 * n)
		for b.Loop() {
			PackRGBX(dst[:4*n], x, y, z)
		}
	})
	b.Run("NRGBA", func(b *testing.B) {
		b.SetBytes(4 * n)
		for b.Loop() {
			PackNRGBA(dst[:4*n], x, y, z, x)
		}
	})
	r, g, bl := random16(rnd, n, 16), random16(rnd, n, 16), random16(rnd, n, 16)
	b.Run("RGBX16", func(b *testing.B) {
		b.SetBytes(8 * n)
		for b.Loop() {
			PackRGBX16(dst, r, g, bl)
		}
	})
	b.Run("spread", func(b *testing.B) {
		b.SetBytes(4 * n)
		for b.Loop() {
			Spread8(dst[:4*n], x)
		}
	})
	b.Run("RGB", func(b *testing.B) {
		b.SetBytes(3 * n)
		for b.Loop() {
			RGB(dst[:3*n], dst[4*n:])
		}
	})
	for _, depth := range []int{10, 12, 14, 16} {
		src := random16(rnd, n, depth)
		s := NewScale(depth, false)
		b.Run(fmt.Sprint("gray from ", depth), func(b *testing.B) {
			b.SetBytes(n)
			for b.Loop() {
				Scale8(dst, 1, src, s)
			}
		})
	}
	b.Run("signed 8", func(b *testing.B) {
		src := make([]int32, n)
		for i := range src {
			src[i] = int32(int8(x[i]))
		}
		s := NewScale(8, true)
		b.SetBytes(n)
		for b.Loop() {
			Scale8(dst, 1, src, s)
		}
	})
	b.Run("upsample 2", func(b *testing.B) {
		b.SetBytes(n)
		for b.Loop() {
			UpsampleRow(dst[:n], x, 0, 0, 2)
		}
	})
}
