package raster

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// No span is longer than is said, and what is said does not take looking at all of
// them.
func TestAxisTaps(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		a := axis{lo: rnd.Float64() * 10, n: maxCounted + 1 + rnd.IntN(1000)}
		a.hi = a.lo + float64(a.n)*math.Pow(2, 6*rnd.Float64()-3)
		if rnd.IntN(4) == 0 {
			a.lo, a.hi = math.Trunc(a.lo), math.Trunc(a.lo)+float64(a.n*(1+rnd.IntN(3)))
		}
		a.size = int(a.hi) + rnd.IntN(3)
		most := 0
		for i := range a.n {
			first, last := a.span(i)
			most = max(most, last-first)
		}
		require.GreaterOrEqual(t, a.taps(), most, "%+v", a)
		require.LessOrEqual(t, a.taps(), most+3, "%+v", a)
	}
	require.Equal(t, 4, axis{lo: 0, hi: 1000, n: math.MaxInt, size: 1000}.taps())
}
