package codestream

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRegularGrid(t *testing.T) {
	for _, tt := range []struct {
		lo, hi      int64
		meet        []int64
		first, size int64
		ok          bool
	}{
		{3, 10, nil, 3, 7, true},
		{3, 10, []int64{5}, 0, 5, true},
		{0, 10, []int64{8}, 0, 8, true},
		{7, 30, []int64{10, 20}, 0, 10, true},
		{7, 31, []int64{10, 20}, 0, 0, false},
		{1, 30, []int64{12, 20}, 0, 0, false},
		{7, 30, []int64{13, 25, 38}, 0, 0, false},
		{7, 7, []int64{7, 7}, 0, 0, false},
	} {
		first, size, ok := regularGrid(tt.lo, tt.hi, tt.meet)
		require.Equal(t, tt.ok, ok, "%+v", tt)
		if ok {
			require.Equal(t, [2]int64{tt.first, tt.size}, [2]int64{first, size}, "%+v", tt)
		}
	}
}
