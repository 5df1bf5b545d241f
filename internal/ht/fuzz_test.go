package ht

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/codeblock"
)

// Any fields and any bytes: coefficients or an error, the same from all kernels.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(8), uint16(8), uint8(9), uint8(1), false, uint8(2), uint16(6), []byte{1, 2, 0xFF, 0x7F, 0x43, 0x00, 5, 6, 7, 8})
	f.Add(uint16(64), uint16(64), uint8(30), uint8(20), true, uint8(1), uint16(12), []byte("High-Throughput blocks\x01\x00\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, width, height uint16, planes, zero uint8, causal bool, more uint8, cleanup uint16, data []byte) {
		b := &codeblock.Block{Width: int(width), Height: int(height), Planes: int(planes), ZeroPlanes: int(zero), Data: data,
			Segments: []codeblock.Segment{{Passes: 1, Length: int(cleanup)}, {Passes: int(more), Length: len(data) - int(cleanup)}}}
		if causal {
			b.Style = codeblock.VSC
		}
		n := min(int(width)*int(height), 4096)
		want := make([]int32, n)
		d := Decoder{inGo: true}
		err := d.Decode(want, b)
		if err != nil {
			require.True(t, errors.Is(err, codeblock.ErrCorrupt) || errors.Is(err, errors.ErrUnsupported), "%v", err)
		}
		for _, k := range kernels {
			have := make([]int32, n)
			require.Equal(t, err, k.Decode(have, b), k.name)
			if err == nil {
				require.Equal(t, want, have, k.name)
			}
		}
	})
}
