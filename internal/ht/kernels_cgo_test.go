//go:build cgo

package ht

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/codeblock"
)

// kernels are the ways to decode; all make the same of the same bytes.
var kernels = []kernel{{"C", Decoder{}}, {"plain C", Decoder{plain: true}}, {"Go", Decoder{inGo: true}}}

// All kernels make the same of any bytes.
func TestKernels(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	decoded := 0
	for range 20000 {
		n := 2 + rnd.IntN(300)
		b := &codeblock.Block{Width: 1 + rnd.IntN(70), Height: 1 + rnd.IntN(50), Planes: 2 + rnd.IntN(30),
			Style: codeblock.Style(rnd.IntN(2)) * codeblock.VSC}
		if rnd.IntN(20) == 0 { // the longest rows and the most of them
			shape := [][2]int{{1024, 4}, {1023, 3}, {1, 1024}, {2, 1024}, {5, 819}, {819, 5}}[rnd.IntN(6)]
			b.Width, b.Height = shape[0], shape[1]
		}
		b.ZeroPlanes = rnd.IntN(b.Planes)
		b.Data = make([]byte, n+rnd.IntN(100))
		for i := range b.Data {
			b.Data[i] = byte(rnd.Uint32()) >> (rnd.IntN(2) * rnd.IntN(8))
			if rnd.IntN(8) == 0 {
				b.Data[i] = 0xFF
			}
		}
		// Mostly lengths of the streams that fit.
		if back := 2 + rnd.IntN(n-1); rnd.IntN(10) > 0 {
			b.Data[n-1], b.Data[n-2] = byte(back>>4), b.Data[n-2]&0xF0|byte(back&15)
		}
		b.Segments = []codeblock.Segment{{Passes: 1, Length: n}, {Passes: rnd.IntN(3), Length: len(b.Data) - n}}[:1+rnd.IntN(2)]
		size := b.Width * b.Height
		want := make([]int32, size)
		d := Decoder{inGo: true}
		err := d.Decode(want, b)
		if err == nil {
			decoded++
		}
		for _, k := range kernels {
			have := slices.Repeat([]int32{77}, size+8)
			require.Equal(t, err, k.Decode(have, b), "%s: %+v", k.name, b)
			if err == nil {
				require.Equal(t, want, have[:size], "%s: %+v", k.name, b)
			}
			require.Equal(t, slices.Repeat([]int32{77}, 8), have[size:])
		}
	}
	require.Greater(t, decoded, 1000)
}
