package encode

import (
	"image/color"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNarrow(t *testing.T) {
	for v := range 65536 {
		p := []byte{byte(v >> 8), byte(v)}
		narrow(p[:1], p)
		require.Equal(t, byte(math.Round(float64(v)/257)), p[0])
	}
}

func TestFlatten(t *testing.T) {
	const n = 300
	bg := newBackdrop(color.NRGBA{10, 128, 250, 255})
	row, ok := guarded(t, 4*n)
	copy(row, randomBytes(4*n))
	want := append([]byte(nil), row...)
	bg.flatten8(row)
	ok()
	for i := range n {
		p, a := want[4*i:], float64(want[4*i+3])/255
		for c, back := range []float64{10, 128, 250} {
			require.InDelta(t, float64(p[c])*a+back*(1-a), float64(row[4*i+c]), 0.5001)
		}
		require.EqualValues(t, 255, row[4*i+3])
	}

	row, ok = guarded(t, 8*n)
	copy(row, randomBytes(8*n))
	want = append([]byte(nil), row...)
	bg.flatten16(row)
	ok()
	at := func(p []byte, i int) float64 { return float64(p[2*i])*256 + float64(p[2*i+1]) }
	for i := range n {
		a := at(want, 4*i+3) / 65535
		for c, back := range []float64{10 * 257, 128 * 257, 250 * 257} {
			require.InDelta(t, at(want, 4*i+c)*a+back*(1-a), at(row, 4*i+c), 0.5001)
		}
		require.EqualValues(t, 65535, at(row, 4*i+3))
	}
	require.Equal(t, backdrop{65535, 65535, 65535}, newBackdrop(nil))
}
