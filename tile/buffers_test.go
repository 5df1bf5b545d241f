package tile

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A buffer is taken again where it is long enough; where none is, none is kept.
func TestBuffers(t *testing.T) {
	var f buffers
	first := func(p []byte) *byte { return &p[:1][0] }
	a, b := f.take(2*leastKept), f.take(leastKept)
	require.Len(t, a, 2*leastKept)
	for _, p := range [][]byte{a, b, f.take(leastKept - 1)} {
		f.put(p)
	}
	require.Len(t, f.free, 2)

	again := f.take(2*leastKept + leastKept/8)
	require.Len(t, again, 2*leastKept+leastKept/8)
	require.Same(t, first(a), first(again))
	require.Len(t, f.free, 1)
	require.NotSame(t, first(b), first(f.take(2*leastKept)))
	require.Empty(t, f.free)
}
