package grid

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Sub-bands are the even and the odd columns and rows of the resolution above, step by
// step, wherever it lies.
func TestBand(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		at := image.Pt(rnd.IntN(100)-50, rnd.IntN(100)-50)
		r := RectOf(image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rnd.IntN(100), 1+rnd.IntN(100)))})
		n := 1 + rnd.IntN(5)
		require.Equal(t, r.CeilShift(n), r.Band(0, n))
		require.Equal(t, r, r.Band(3, 0))
		above := r.CeilShift(n - 1)
		half := func(v int64, odd int) int64 { return int64(math.Ceil(float64(v-int64(odd)) / 2)) }
		for band := range 4 {
			x, y := band&1, band>>1
			require.Equal(t, Rect{half(above.X0, x), half(above.Y0, y), half(above.X1, x), half(above.Y1, y)}, r.Band(band, n))
		}
	}
}

func TestSaturates(t *testing.T) {
	require.Equal(t, int64(math.MaxInt64), MulSat(1<<40, 1<<40))
	require.Equal(t, int64(math.MaxInt64), AddSat(math.MaxInt64-1, 2))
	require.EqualValues(t, 12, Common(4, 6))
	require.Equal(t, int64(math.MaxInt64), Common(1<<40, 1<<40-1))
	require.Equal(t, -2, FloorDiv(-5, 3))
}
