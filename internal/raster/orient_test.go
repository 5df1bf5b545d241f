package raster

import (
	"fmt"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainTurn is one of EXIF's eight, by what the tag says of row 0 and column 0:
// the result's pixel (x, y) for a source of w by h.
func plainTurn(tag, x, y, w, h int) (sx, sy int) {
	switch tag {
	case 1: // top, left side
		return x, y
	case 2: // top, right side
		return w - 1 - x, y
	case 3: // bottom, right side
		return w - 1 - x, h - 1 - y
	case 4: // bottom, left side
		return x, h - 1 - y
	case 5: // left side, top
		return y, x
	case 6: // right side, top
		return y, h - 1 - x
	case 7: // right side, bottom
		return w - 1 - y, h - 1 - x
	default: // left side, bottom
		return w - 1 - y, x
	}
}

func TestOrient(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 3))
	for _, pixel := range []int{1, 2, 3, 4, 6, 8} {
		for tag := 1; tag <= 8; tag++ {
			for range 8 {
				w, h := 1+rnd.IntN(80), 1+rnd.IntN(80)
				o := EXIF(tag)
				size := o.Size(image.Pt(w, h))
				srcStride, dstStride := w*pixel+rnd.IntN(9), size.X*pixel+rnd.IntN(9)
				src := random(rnd, h*srcStride)
				dst, check := guarded(t, (size.Y-1)*dstStride+size.X*pixel)
				Orient(dst, dstStride, src, srcStride, w, h, pixel, o)
				check()
				for y := range size.Y {
					for x := range size.X {
						sx, sy := plainTurn(tag, x, y, w, h)
						s := src[sy*srcStride+sx*pixel:][:pixel]
						d := dst[y*dstStride+x*pixel:][:pixel]
						if string(s) != string(d) {
							require.Equal(t, s, d, "tag %d of %dx%d at %d,%d", tag, w, h, x, y)
						}
					}
					if y < size.Y-1 {
						for _, v := range dst[y*dstStride+size.X*pixel : (y+1)*dstStride] {
							require.EqualValues(t, guard, v, "wrote between the rows")
						}
					}
				}
			}
		}
	}
}

func TestOrientationGroup(t *testing.T) {
	const w, h = 5, 3
	size := image.Pt(w, h)
	turn := func(src []byte, size image.Point, o Orientation) []byte {
		dst := make([]byte, len(src))
		Orient(dst, o.Size(size).X, src, size.X, size.X, size.Y, 1, o)
		return dst
	}
	src := make([]byte, w*h)
	for i := range src {
		src[i] = byte(i)
	}
	for o := range Orientation(8) {
		once := turn(src, size, o)
		require.Equal(t, src, turn(once, o.Size(size), o.Inverse()))
		require.Equal(t, Orientation(0), o.Then(o.Inverse()))
		for p := range Orientation(8) {
			require.Equal(t, turn(src, size, o.Then(p)), turn(once, o.Size(size), p))
		}
		for y := range h {
			for x := range w {
				one := image.Rect(x, y, x+1, y+1)
				at := o.Result(one, size)
				require.Equal(t, src[y*w+x], once[at.Min.Y*o.Size(size).X+at.Min.X])
				require.Equal(t, one, o.Source(at, size))
			}
		}
	}
	require.Equal(t, Orientation(0), EXIF(0))
	require.Equal(t, Orientation(0), EXIF(9))
	require.Equal(t, EXIF(6), Turn90)
}

func BenchmarkOrient(b *testing.B) {
	const n = 1024
	src, dst := make([]byte, n*n*4), make([]byte, n*n*4)
	for _, pixel := range []int{1, 3, 4} {
		for _, tag := range []int{2, 3, 6} {
			b.Run(fmt.Sprintf("EXIF %d of %d bytes", tag, pixel), func(b *testing.B) {
				b.SetBytes(int64(n * n * pixel))
				for b.Loop() {
					Orient(dst, n*pixel, src, n*pixel, n, n, pixel, EXIF(tag))
				}
			})
		}
	}
}
