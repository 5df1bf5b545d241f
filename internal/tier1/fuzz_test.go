package tier1

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/tier1/tier1test"
)

// Any fields and any bytes: coefficients within their bit-planes or an error, the same
// from both kernels.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(8), uint16(8), uint8(0), uint8(9), uint8(1), uint8(0), []byte{22, 40, 0},
		[]byte("some bytes of a code-block, of which there are a few"))
	f.Add(uint16(1024), uint16(4), uint8(3), uint8(31), uint8(0), uint8(63), []byte{1, 3, 2, 9, 1, 1},
		[]byte{0xFF, 0x90, 0xFF, 0x8F, 0xFF, 0xFF, 0, 0, 1, 2, 3})
	f.Add(uint16(1), uint16(1), uint8(1), uint8(12), uint8(0), uint8(1), []byte{10, 5, 2, 4, 1, 3},
		[]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	rnd := rand.New(rand.NewPCG(10, 1))
	for _, style := range []codeblock.Style{0, codeblock.Bypass, codeblock.TermAll | codeblock.VSC, 63} {
		b := &codeblock.Block{Width: 16, Height: 10, Orient: int(style) % 4, Planes: 8, Style: style}
		p := draw(rnd, "grain", b.Width, b.Height, b.Planes)
		tier1test.Encode(b, p.magnitudes, p.negative, 22)
		var segments []byte
		for _, s := range b.Segments {
			segments = append(segments, byte(s.Passes), byte(min(s.Length+1, 255)))
		}
		f.Add(uint16(16), uint16(10), uint8(style%4), uint8(8), uint8(0), uint8(style), segments, b.Data)
	}
	f.Fuzz(func(t *testing.T, width, height uint16, orient, planes, zero, style uint8, segments, data []byte) {
		// The two bits that no style has are left to say what else is looked at.
		b := &codeblock.Block{Width: int(width), Height: int(height), Orient: int(orient),
			Planes: int(planes), ZeroPlanes: int(zero), Style: codeblock.Style(style & 63),
			Strict: style&64 != 0, Data: data}
		for i := 0; i+1 < len(segments); i += 2 {
			b.Segments = append(b.Segments,
				codeblock.Segment{Passes: int(segments[i]), Length: int(segments[i+1]) - 1})
		}
		if err := b.Check(make([]int32, 4096)); err != nil {
			require.True(t, errors.Is(err, codeblock.ErrCorrupt) || errors.Is(err, errors.ErrUnsupported))
			return
		}
		var d Decoder
		have, err := decodeAll(t, &d, b)
		if err != nil {
			require.ErrorIs(t, err, codeblock.ErrCorrupt)
			return
		}
		requireBounded(t, have, b)
	})
}

func BenchmarkDecode(b *testing.B) {
	// Bytes that look random are those of grain: every decision is worth a bit.
	data := make([]byte, 2500)
	for i, v := 0, uint32(1); i < len(data); i++ {
		v = v*1664525 + 1013904223
		data[i] = byte(v >> 24)
	}
	k := &codeblock.Block{Width: 64, Height: 64, Planes: 9, ZeroPlanes: 1, Data: data,
		Segments: []codeblock.Segment{{Passes: 22, Length: len(data)}}}
	dst := make([]int32, 4096)
	var d Decoder
	for _, c := range []struct {
		name   string
		decode func([]int32, *codeblock.Block) error
	}{{"built", d.Decode}, {"Go", d.decodeGo}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.decode(dst, k); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
