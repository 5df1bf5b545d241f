package ht

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/ht/httest"
)

// What was encoded comes back, with the bit below the last bit-plane set.
func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for range 3000 {
		w, h := 1+rnd.IntN(40), 1+rnd.IntN(24)
		planes := 1 + rnd.IntN(27) // down to the last that is coded
		dense := rnd.IntN(8)
		values := make([]int32, w*h)
		for i := range values {
			if rnd.IntN(8) <= dense {
				v := rnd.Int32N(1 << (1 + rnd.IntN(planes)))
				values[i] = min(v, 1<<planes-1) * (1 - 2*rnd.Int32N(2))
			}
		}
		data := httest.Cleanup(w, h, func(x, y int) int32 { return values[y*w+x] })
		back := int(data[len(data)-1])<<4 | int(data[len(data)-2]&15)
		if back > 4079 {
			continue
		}
		rest := rnd.IntN(min(28-planes, 6))
		b := &codeblock.Block{Width: w, Height: h, Planes: planes + rest, ZeroPlanes: planes - 1, Data: data,
			Segments: []codeblock.Segment{{Passes: 1, Length: len(data)}}}
		want := make([]int32, w*h)
		for i, v := range values {
			m := max(v, -v)<<(rest+1) | 1<<rest
			if v < 0 {
				m = -m
			}
			if v != 0 {
				want[i] = m
			}
		}
		for _, k := range kernels {
			have := make([]int32, w*h)
			require.NoError(t, k.Decode(have, b))
			require.Equal(t, want, have, "%dx%d, %d planes, %s kernel", w, h, planes, k.name)
		}
	}
}

// The passes after the cleanup pass bring one bit-plane more.
func TestRefinement(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for range 2000 {
		w, h := 1+rnd.IntN(30), 1+rnd.IntN(20)
		passes, causal := 1+rnd.IntN(2), rnd.IntN(2) == 0
		values := make([]int32, w*h) // with the bit-plane that is added
		for i := range values {
			if rnd.IntN(3) == 0 {
				values[i] = rnd.Int32N(1<<(1+rnd.IntN(8))) * (1 - 2*rnd.Int32N(2))
			}
		}
		data := httest.Cleanup(w, h, func(x, y int) int32 { return values[y*w+x] / 2 })
		more, known := httest.Refinement(values, w, h, passes, causal)
		b := &codeblock.Block{Width: w, Height: h, Planes: 9, ZeroPlanes: 7, Data: append(data, more...),
			Segments: []codeblock.Segment{{Passes: 1, Length: len(data)}, {Passes: passes, Length: len(more)}}}
		if causal {
			b.Style = codeblock.VSC
		}
		for _, k := range kernels {
			have := make([]int32, w*h)
			require.NoError(t, k.Decode(have, b))
			for i, v := range known {
				m := max(v, -v)
				want := 2*m + 1 // the bit below the last one
				switch {
				case v == 0:
					want = 0
				case passes < 2 && m > 1:
					want = 4*(m/2) + 2
				}
				if v < 0 {
					want = -want
				}
				require.Equal(t, want, have[i], "%d of %dx%d, %d passes, %s kernel", i, w, h, passes, k.name)
			}
		}
	}
}

// Blocks of the longest rows and of the most of them, with as many bits in each sample as
// there can be and streams that end early, are the same from all kernels.
func TestEnds(t *testing.T) {
	for _, shape := range []struct{ w, h int }{{1024, 4}, {1023, 3}, {1, 1024}, {5, 819}, {64, 64}, {62, 66}} {
		for _, planes := range []int{9, 22, 23, 24, 29} {
			most := int32(1)<<planes - 1
			whole := httest.Cleanup(shape.w, shape.h, func(x, y int) int32 { return most - 2*most*int32((x^y)&1) })
			back := int(whole[len(whole)-1])<<4 | int(whole[len(whole)-2]&15)
			require.Less(t, back, 4080)
			for _, n := range []int{len(whole), len(whole) - 100, back + 100, back + 9, back} {
				data := append(append([]byte{}, whole[:n-back]...), whole[len(whole)-back:]...)
				b := &codeblock.Block{Width: shape.w, Height: shape.h, Planes: planes, ZeroPlanes: planes - 1, Data: data,
					Segments: []codeblock.Segment{{Passes: 1, Length: n}}}
				want := make([]int32, shape.w*shape.h)
				d := Decoder{inGo: true}
				require.NoError(t, d.Decode(want, b))
				for _, k := range kernels {
					have := make([]int32, len(want))
					require.NoError(t, k.Decode(have, b))
					require.Equal(t, want, have, "%v, %d planes, %d bytes, %s kernel", shape, planes, n, k.name)
				}
			}
		}
	}
}
