package encode

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// guarded returns n bytes with others before and after, and a check that those
// are as they were.
func guarded(t *testing.T, n int) ([]byte, func()) {
	p := make([]byte, n+32)
	for i := range p {
		p[i] = 0x5a
	}
	return p[16 : 16+n : 16+n], func() {
		t.Helper()
		for i := range 16 {
			require.EqualValues(t, 0x5a, p[i])
			require.EqualValues(t, 0x5a, p[16+n+i])
		}
	}
}

func randomBytes(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	p := make([]byte, n)
	for i := range p {
		switch rnd.IntN(3) {
		case 0:
			p[i] = byte(rnd.IntN(2) * 255)
		default:
			p[i] = byte(rnd.IntN(256))
		}
	}
	return p
}

func TestToYCbCr(t *testing.T) {
	table := newYCbCrTable()
	total, off := 0, 0
	// same counts samples that are off by one; none is by more.
	same := func(want, got uint8) {
		total++
		if want != got {
			off++
			require.InDelta(t, int(want), int(got), 1)
		}
	}
	for n := range 140 {
		rgba := randomBytes(4 * n)
		y, ok1 := guarded(t, n)
		cb, ok2 := guarded(t, n)
		cr, ok3 := guarded(t, n)
		table.to444(y, cb, cr, rgba)
		for i := range n {
			wy, wcb, wcr := color.RGBToYCbCr(rgba[4*i], rgba[4*i+1], rgba[4*i+2])
			same(wy, y[i])
			same(wcb, cb[i])
			same(wcr, cr[i])
		}
		ok1()
		ok2()
		ok3()

		y, ok1 = guarded(t, n)
		cb, ok2 = guarded(t, (n+1)/2)
		cr, ok3 = guarded(t, (n+1)/2)
		table.to422(y, cb, cr, rgba)
		for i := range n {
			wy, _, _ := color.RGBToYCbCr(rgba[4*i], rgba[4*i+1], rgba[4*i+2])
			same(wy, y[i])
		}
		for i := range cb {
			p, q := rgba[8*i:], rgba[4*min(2*i+1, n-1):]
			mean := func(c int) float64 { return (float64(p[c]) + float64(q[c])) / 2 }
			r, g, b := mean(0), mean(1), mean(2)
			require.InDelta(t, min(128-0.168736*r-0.331264*g+0.5*b, 255), float64(cb[i]), 0.51)
			require.InDelta(t, min(128+0.5*r-0.418688*g-0.081312*b, 255), float64(cr[i]), 0.51)
		}
		ok1()
		ok2()
		ok3()
	}
	require.Less(t, off*200, total, "%d of %d off by one", off, total)
}

// Every lane stays within its bits at the corners of the cube, and greys are grey.
func TestToYCbCrLimits(t *testing.T) {
	table := newYCbCrTable()
	var y, cb, cr [1]byte
	for i := range 256 {
		table.to444(y[:], cb[:], cr[:], []byte{byte(i), byte(i), byte(i), 0})
		require.Equal(t, [3]byte{byte(i), 128, 128}, [3]byte{y[0], cb[0], cr[0]})
	}
	for i := range 8 {
		r, g, b := byte(i&1)*255, byte(i>>1&1)*255, byte(i>>2)*255
		table.to444(y[:], cb[:], cr[:], []byte{r, g, b, 0})
		wy, wcb, wcr := color.RGBToYCbCr(r, g, b)
		require.Equal(t, [3]byte{wy, wcb, wcr}, [3]byte{y[0], cb[0], cr[0]}, "%d %d %d", r, g, b)
	}
}

func TestShrinkAndPadPlane(t *testing.T) {
	const w, h, stride = 7, 5, 19
	for _, f := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}} {
		src := randomBytes(stride * h * f[1])
		dst, ok := guarded(t, 16*8)
		shrinkPlane(dst, 16, src, stride, w, h, f[0], f[1])
		ok()
		padPlane(dst, 16, w, h, 16, 8)
		ok()
		for y := range 8 {
			for x := range 16 {
				sum, sx, sy := 0, min(x, w-1), min(y, h-1)
				for v := range f[1] {
					for u := range f[0] {
						sum += int(src[(sy*f[1]+v)*stride+sx*f[0]+u])
					}
				}
				require.InDelta(t, float64(sum)/float64(f[0]*f[1]), float64(dst[y*16+x]), 0.5)
			}
		}
	}
}

func BenchmarkToYCbCr(b *testing.B) {
	rgba := randomBytes(4 << 16)
	var c jpegConverter
	c.makePlanes(1<<10, 1<<6, image.YCbCrSubsampleRatio444)
	y, cb, cr := c.planes.Y, c.planes.Cb, c.planes.Cr
	table := newYCbCrTable()
	for name, f := range map[string]func(y, cb, cr, rgba []byte){"444": table.to444, "422": table.to422} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(3 << 16)
			for b.Loop() {
				f(y, cb, cr, rgba)
			}
		})
	}
}
