//go:build cgo

package tier1

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/codeblock"
)

// Both kernels make the same of any bytes.
func TestKernels(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		b := &codeblock.Block{Width: 1 + rnd.IntN(70), Height: 1 + rnd.IntN(50), Orient: rnd.IntN(4),
			Planes: 1 + rnd.IntN(31), Style: codeblock.Style(rnd.IntN(64)), Strict: rnd.IntN(2) == 0}
		b.ZeroPlanes = rnd.IntN(b.Planes)
		b.Data = make([]byte, rnd.IntN(500))
		for i := range b.Data {
			b.Data[i] = byte(rnd.Uint32())
			if rnd.IntN(5) == 0 {
				b.Data[i] = 0xFF
			}
		}
		left := len(b.Data)
		for range 1 + rnd.IntN(4) {
			n := rnd.IntN(left + 1)
			b.Segments = append(b.Segments, codeblock.Segment{Passes: rnd.IntN(20), Length: n})
			left -= n
		}
		n := b.Width * b.Height
		want, have := make([]int32, n), make([]int32, n+1)
		have[n] = 77
		var d, e Decoder
		err := d.Decode(have, b)
		e.Decode(make([]int32, n), b)
		require.Equal(t, e.decodeGo(want, b), err)
		require.EqualValues(t, 77, have[n])
		if err == nil {
			require.Equal(t, want, have[:n], "%+v", b)
		}
	}
}
