package encode

import (
	"hash/adler32"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainFilter is clause 9 of the standard, word for word.
func plainFilter(kind int, cur, above []byte, bpp int) (out []byte, sum int) {
	at := func(p []byte, i int) int {
		if i < 0 || p == nil {
			return 0
		}
		return int(p[i])
	}
	abs := func(v int) int { return max(v, -v) }
	for i := range cur {
		a, b, c := at(cur, i-bpp), at(above, i), at(above, i-bpp)
		p := 0
		switch kind {
		case 1:
			p = a
		case 2:
			p = b
		case 3:
			p = (a + b) / 2
		case 4:
			e := a + b - c
			switch {
			case abs(e-a) <= abs(e-b) && abs(e-a) <= abs(e-c):
				p = a
			case abs(e-b) <= abs(e-c):
				p = b
			default:
				p = c
			}
		}
		d := byte(int(cur[i]) - p)
		out = append(out, d)
		sum += abs(int(int8(d)))
	}
	return out, sum
}

func TestPNGFilters(t *testing.T) {
	for _, bpp := range []int{1, 2, 3, 4, 6, 8} {
		for n := bpp; n < 100; n += bpp {
			cur, above := randomBytes(2 * n)[:n], randomBytes(2 * n)[n:]
			for kind, f := range map[int]func(dst []byte) int{
				0: func(dst []byte) int { copy(dst, cur); return filterNone(cur) },
				1: func(dst []byte) int { return filterSub(dst, cur, bpp) },
				2: func(dst []byte) int { return filterUp(dst, cur, above) },
				3: func(dst []byte) int { return filterAverage(dst, cur, above, bpp) },
				4: func(dst []byte) int { return filterPaeth(dst, cur, above, bpp) },
			} {
				dst, ok := guarded(t, n)
				sum := f(dst)
				want, wantSum := plainFilter(kind, cur, above, bpp)
				require.Equal(t, want, dst, "filter %d, %d bytes a pixel", kind, bpp)
				require.Equal(t, wantSum, sum)
				ok()
			}
		}
	}
}

func TestAdlerCombine(t *testing.T) {
	for _, n := range []int{0, 1, 65520, 65521, 65522, 200000} {
		p := randomBytes(200000)
		got := adlerCombine(adler32.Checksum(p[:n]), adler32.Checksum(p[n:]), len(p)-n)
		require.Equal(t, adler32.Checksum(p), got)
	}
}

func BenchmarkPNGFilter(b *testing.B) {
	f := newPNGFilter(3<<14, 3)
	cur, above := randomBytes(3<<14), randomBytes(3<<14+1)
	b.SetBytes(3 << 14)
	for b.Loop() {
		f.apply(cur, above)
	}
}
