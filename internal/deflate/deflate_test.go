package deflate

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// samples are kinds of data, with n bytes of each.
func samples(n int) map[string][]byte {
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	fill := func(f func(i int) byte) []byte {
		p := make([]byte, n)
		for i := range p {
			p[i] = f(i)
		}
		return p
	}
	return map[string][]byte{
		"zeros":     fill(func(int) byte { return 0 }),
		"random":    fill(func(int) byte { return byte(rnd.IntN(256)) }),
		"residuals": fill(func(int) byte { return byte(int8(rnd.NormFloat64() * 3)) }),
		"far":       fill(func(i int) byte { return byte((i % 32768) * (i % 32768) >> 7) }),
		"two":       fill(func(int) byte { return byte(rnd.IntN(2)) }),
		"skewed":    fill(func(int) byte { return byte(min(rnd.ExpFloat64()*3, 255)) }),
		"steps":     fill(func(i int) byte { return byte(i / 1000) }),
		// Counts like Fibonacci's numbers give the longest codes.
		"fibonacci": fill(func(i int) byte {
			a, b, k := 1, 1, byte(0)
			for v := rnd.IntN(1 << 21); v >= a; k++ {
				v -= a
				a, b = b, a+b
			}
			return k
		}),
	}
}

func inflate(t *testing.T, p []byte) []byte {
	t.Helper()
	got, err := io.ReadAll(flate.NewReader(bytes.NewReader(p)))
	require.NoError(t, err)
	return got
}

func TestAppend(t *testing.T) {
	for _, depth := range []int{0, 1, 8, 32} {
		e := New(depth) // used again and again
		for _, n := range []int{0, 1, 2, 3, 4, 5, 257, 258, 259, 1000, blockSize - 1, blockSize, blockSize + 1, 120000} {
			if n > blockSize+1 && depth != 8 {
				continue
			}
			for name, data := range samples(n) {
				out := e.Append([]byte("before"), data, true)
				require.True(t, bytes.HasPrefix(out, []byte("before")))
				require.True(t, bytes.Equal(data, inflate(t, out[6:])), "%s, %d bytes", name, n)
				require.LessOrEqual(t, len(out)-6, n+5*(1+n/blockSize)+5, "%s, %d bytes", name, n)

				// Pieces join at byte boundaries.
				out = e.Append(nil, data, false)
				out = e.Append(out, data, true)
				require.True(t, bytes.Equal(append(bytes.Clone(data), data...), inflate(t, out)))
			}
		}
	}
}

// Bytes must not depend on what an Encoder did before.
func TestAppendForgets(t *testing.T) {
	e := New(8)
	for _, data := range samples(70000) {
		require.Equal(t, New(8).Append(nil, data, true), e.Append(nil, data, true))
	}
}

func TestSymbols(t *testing.T) {
	for l := 3; l <= maxMatch; l++ {
		s := lengthSymbol(l) - 257
		require.LessOrEqual(t, int(lengthBase[s]), l)
		if s < 28 {
			require.Less(t, l, int(lengthBase[s+1]))
			require.Less(t, l-int(lengthBase[s]), 1<<lengthExtra[s])
		}
	}
	for d := 1; d <= window; d++ {
		s := distSymbol(d)
		require.LessOrEqual(t, distBase(s), d)
		require.Less(t, d-distBase(s), 1<<distExtra(s))
		if s < 29 {
			require.Less(t, d, distBase(s+1))
		}
	}
	require.Equal(t, 29, distSymbol(window))
}

// Codes are complete, and no longer than they may be.
func TestMakeCodes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		limit := []int{7, 15}[rnd.IntN(2)]
		count := make([]uint32, 1+rnd.IntN(map[int]int{7: 19, 15: 286}[limit]))
		used := 0
		for i := range count {
			if rnd.IntN(3) > 0 {
				count[i] = 1 << rnd.IntN(24)
				used++
			}
		}
		dst := make([]code, len(count))
		makeCodes(dst, count, limit)
		sum := 0
		for i, c := range dst {
			require.Equal(t, count[i] > 0, c.length > 0)
			require.LessOrEqual(t, int(c.length), limit)
			if c.length > 0 {
				sum += 1 << (limit - int(c.length))
			}
		}
		switch used {
		case 0:
		case 1:
			require.Equal(t, 1<<limit/2, sum)
		default:
			require.Equal(t, 1<<limit, sum)
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, data := range samples(300) {
		f.Add(data, uint8(4))
	}
	f.Fuzz(func(t *testing.T, data []byte, depth uint8) {
		out := New(int(depth)).Append(nil, data, true)
		require.True(t, bytes.Equal(data, inflate(t, out)))
	})
}

func BenchmarkAppend(b *testing.B) {
	data := samples(1 << 18)["residuals"]
	for _, depth := range []int{1, 8} {
		e := New(depth)
		b.Run(map[int]string{1: "fast", 8: "usual"}[depth], func(b *testing.B) {
			b.SetBytes(1 << 18)
			var out []byte
			for b.Loop() {
				out = e.Append(out[:0], data, true)
			}
		})
	}
}
