package tier1

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/tier1/tier1test"
)

// A picture is the coefficients of a block.
type picture struct {
	magnitudes []uint32
	negative   []bool
}

// kinds are what blocks may look like.
var kinds = []string{"zeros", "one", "grain", "sparse", "edge", "largest", "rows"}

// draw makes coefficients of at most so many bits.
func draw(rnd *rand.Rand, kind string, width, height, planes int) picture {
	n := width * height
	p := picture{make([]uint32, n), make([]bool, n)}
	top := uint32(1<<planes - 1)
	slope := rnd.IntN(2*width+1) - width
	for i := range n {
		x, y := i%width, i/width
		var v uint32
		switch kind {
		case "grain": // most small, some large
			v = rnd.Uint32() & top >> rnd.IntN(planes+1)
		case "sparse":
			if rnd.IntN(60) == 0 {
				v = rnd.Uint32() & top >> rnd.IntN(planes+1)
			}
		case "edge":
			if d := x - width/2 - (y-height/2)*slope/(height+1); d >= 0 && d < 3 {
				v = top >> d
			}
		case "largest":
			v = top
		case "rows":
			if y%4 == 3 || y%9 == 0 {
				v = rnd.Uint32() & top
			}
		}
		p.magnitudes[i] = v
		p.negative[i] = rnd.IntN(2) == 0
		if kind == "edge" {
			p.negative[i] = x&1 == 0
		}
	}
	if kind == "one" && planes > 0 {
		p.magnitudes[rnd.IntN(n)] = 1 + rnd.Uint32()%top
	}
	return p
}

// decodeAll decodes with each kernel, and holds that nothing beside the coefficients is
// written. It returns what they are and the error, which kernels agree on.
func decodeAll(t *testing.T, d *Decoder, b *codeblock.Block) ([]int32, error) {
	t.Helper()
	const guard = 0x5A5A5A5A
	n := b.Width * b.Height
	var first []int32
	var firstErr error
	for name, k := range kernels() {
		room := make([]int32, n+32)
		for i := range room {
			room[i] = guard
		}
		err := k.decode(d, room[16:16+n:16+n], b)
		for i := range 16 {
			if room[i] != guard || room[16+n+i] != guard {
				t.Fatalf("%s wrote outside of the block", name)
			}
		}
		if first == nil {
			first, firstErr = room[16:16+n], err
			continue
		}
		require.Equal(t, firstErr, err, name)
		if err == nil {
			requireSame(t, first, room[16:16+n], b)
		}
	}
	return first, firstErr
}

func requireSame(t *testing.T, want, have []int32, b *codeblock.Block) {
	t.Helper()
	for i := range want {
		if want[i] != have[i] {
			t.Fatalf("coefficient %d, %d is %d and not %d in %s",
				i%b.Width, i/b.Width, have[i], want[i], name(b))
		}
	}
}

func name(b *codeblock.Block) string {
	return fmt.Sprintf("%dx%d, orient %d, planes %d-%d, style %#x, segments %v, %d bytes",
		b.Width, b.Height, b.Orient, b.Planes, b.ZeroPlanes, b.Style, b.Segments, len(b.Data))
}

// complete are the coefficients when all passes are decoded.
func (p picture) complete(b *codeblock.Block) []int32 {
	out := make([]int32, len(p.magnitudes))
	for i, m := range p.magnitudes {
		if m == 0 {
			continue
		}
		v := int64(m)<<1 | 1
		v >>= 1 - codeblock.Fraction(b.Planes)
		if p.negative[i] {
			v = -v
		}
		out[i] = int32(v)
	}
	return out
}

// shapes are some of those that are legal, the extreme ones among them.
var shapes = [][2]int{{1, 1}, {1, 2}, {2, 1}, {3, 3}, {1, 4}, {4, 1}, {5, 4}, {4, 5}, {7, 9}, {8, 8},
	{17, 6}, {16, 13}, {33, 31}, {64, 64}, {64, 1}, {1, 64}, {1024, 4}, {4, 1024}, {1000, 3},
	{1, 1024}, {1024, 1}, {5, 800}}

// A block that was encoded in whichever style, and decoded in full or in part, is what
// it was, and what the slow decoder makes of it.
func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var d Decoder
	for style := range codeblock.Style(64) {
		if testing.Short() && style%5 != 0 {
			continue
		}
		for range 6 {
			shape := shapes[rnd.IntN(len(shapes))]
			b := &codeblock.Block{Width: shape[0], Height: shape[1], Orient: rnd.IntN(4),
				Planes: 1 + rnd.IntN(12), Style: style, Strict: true}
			if rnd.IntN(8) == 0 {
				b.Planes = 20 + rnd.IntN(12)
			}
			b.ZeroPlanes = rnd.IntN(min(b.Planes, 4))
			planes := b.Planes - b.ZeroPlanes
			p := draw(rnd, kinds[rnd.IntN(len(kinds))], b.Width, b.Height, planes)
			passes := 3*planes - 2
			tier1test.Encode(b, p.magnitudes, p.negative, passes)
			have, err := decodeAll(t, &d, b)
			require.NoError(t, err, name(b))
			requireSame(t, p.complete(b), have, b)

			tier1test.Encode(b, p.magnitudes, p.negative, 1+rnd.IntN(passes))
			have, err = decodeAll(t, &d, b)
			require.NoError(t, err, name(b))
			want, right := tier1test.Decode(b)
			require.True(t, right)
			requireSame(t, want, have, b)
		}
	}
}

// Every legal shape, in one style.
func TestShapes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 1))
	var d Decoder
	for _, shape := range shapes {
		for orient := range 4 {
			b := &codeblock.Block{Width: shape[0], Height: shape[1], Orient: orient, Planes: 5}
			p := draw(rnd, "grain", b.Width, b.Height, b.Planes)
			tier1test.Encode(b, p.magnitudes, p.negative, 13)
			have, err := decodeAll(t, &d, b)
			require.NoError(t, err)
			requireSame(t, p.complete(b), have, b)
		}
	}
}

// All numbers of bit-planes, zero ones among them, up to the largest magnitude.
func TestPlanes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	var d Decoder
	for planes := 1; planes <= codeblock.MaxPlanes; planes++ {
		for _, zero := range []int{0, 1, planes / 2, planes - 1} {
			if zero >= planes {
				continue
			}
			b := &codeblock.Block{Width: 9, Height: 7, Planes: planes, ZeroPlanes: zero,
				Style: codeblock.Style(rnd.IntN(64))}
			for _, kind := range []string{"largest", "grain"} {
				p := draw(rnd, kind, b.Width, b.Height, planes-zero)
				tier1test.Encode(b, p.magnitudes, p.negative, 3*planes)
				have, err := decodeAll(t, &d, b)
				require.NoError(t, err)
				requireSame(t, p.complete(b), have, b)
			}
		}
	}
}

// Passes that the bit-planes have no room for are left out, and so are blocks without
// any pass.
func TestPasses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 1))
	var d Decoder
	b := &codeblock.Block{Width: 12, Height: 12, Planes: 3}
	p := draw(rnd, "grain", b.Width, b.Height, b.Planes)
	tier1test.Encode(b, p.magnitudes, p.negative, 7)
	b.Segments[0].Passes = math.MaxInt32
	b.Segments = append(b.Segments, codeblock.Segment{Passes: 3, Length: math.MaxInt32},
		codeblock.Segment{Passes: -1, Length: -1})
	have, err := decodeAll(t, &d, b)
	require.NoError(t, err)
	requireSame(t, p.complete(b), have, b)

	zeros := make([]int32, b.Width*b.Height)
	for _, empty := range []codeblock.Block{
		{Width: 12, Height: 12, Planes: 3},
		{Width: 12, Height: 12, Planes: 3, ZeroPlanes: 3, Segments: b.Segments, Data: b.Data},
		{Width: 12, Height: 12, Segments: b.Segments, Data: b.Data},
		{Width: 12, Height: 12, Planes: 3, Segments: []codeblock.Segment{{Passes: 0, Length: 5}}, Data: b.Data},
	} {
		have, err := decodeAll(t, &d, &empty)
		require.NoError(t, err)
		requireSame(t, zeros, have, &empty)
	}
}

// Data that ends early is decoded as if 0xFF followed (C.3.4).
func TestTruncated(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 1))
	var d Decoder
	for _, style := range []codeblock.Style{0, codeblock.Bypass, codeblock.TermAll,
		codeblock.Bypass | codeblock.TermAll, codeblock.VSC | codeblock.Reset, 63} {
		b := &codeblock.Block{Width: 13, Height: 11, Orient: rnd.IntN(4), Planes: 8, Style: style}
		p := draw(rnd, "grain", b.Width, b.Height, b.Planes)
		tier1test.Encode(b, p.magnitudes, p.negative, 22)
		whole := b.Data
		for n := range whole {
			b.Data = whole[:n:n]
			want, _ := tier1test.Decode(b)
			have, err := decodeAll(t, &d, b)
			require.NoError(t, err)
			requireSame(t, want, have, b)
		}
	}
}

// Bytes that nobody encoded are decoded as Annex C has it, as long as no byte carries
// into 0xFF: an encoder does not make one that changes a decision, and the kernels,
// which resolve carries ahead, do not follow the flow charts there.
func TestRandomBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 1))
	var d Decoder
	for range 400 {
		b := randomBlock(rnd)
		b.Strict = false
		for i := 1; i < len(b.Data); i++ {
			if b.Data[i-1] == 0xFF && b.Data[i]&0xF0 == 0x80 {
				b.Data[i] ^= 0x80
			}
		}
		want, _ := tier1test.Decode(b)
		have, err := decodeAll(t, &d, b)
		require.NoError(t, err)
		requireSame(t, want, have, b)
	}
}

// Any bytes come to an end and to the same one in all kernels, with coefficients of no
// more bit-planes than the block has.
func TestHostileBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 1))
	var d Decoder
	for range 3000 {
		b := randomBlock(rnd)
		have, err := decodeAll(t, &d, b)
		if err != nil {
			require.ErrorIs(t, err, codeblock.ErrCorrupt)
			require.True(t, b.Strict)
			continue
		}
		requireBounded(t, have, b)
	}
}

func requireBounded(t *testing.T, have []int32, b *codeblock.Block) {
	t.Helper()
	most := b.Planes - b.ZeroPlanes + codeblock.Fraction(b.Planes)
	for _, v := range have {
		if bits.Len64(uint64(max(int64(v), -int64(v)))) > most {
			t.Fatalf("%d in %s", v, name(b))
		}
	}
}

// randomBlock is a block of random fields and bytes, many of them 0xFF.
func randomBlock(rnd *rand.Rand) *codeblock.Block {
	b := &codeblock.Block{Width: 1 + rnd.IntN(40), Height: 1 + rnd.IntN(40), Orient: rnd.IntN(4),
		Planes: 1 + rnd.IntN(31), Style: codeblock.Style(rnd.IntN(64)), Strict: rnd.IntN(2) == 0}
	b.ZeroPlanes = rnd.IntN(b.Planes)
	b.Data = make([]byte, rnd.IntN(500))
	for i := range b.Data {
		b.Data[i] = byte(rnd.Uint32())
		if rnd.IntN(5) == 0 {
			b.Data[i] = 0xFF
		}
		if i > 0 && b.Data[i-1] == 0xFF && rnd.IntN(4) == 0 {
			b.Data[i] = 0x80 | byte(rnd.IntN(20))
		}
	}
	left := len(b.Data)
	for range 1 + rnd.IntN(4) {
		n := rnd.IntN(left + 1)
		b.Segments = append(b.Segments, codeblock.Segment{Passes: rnd.IntN(20), Length: n})
		left -= n
	}
	return b
}

// A block that cannot be taken up is refused, and why is said.
func TestRefused(t *testing.T) {
	good := codeblock.Block{Width: 64, Height: 64, Planes: 3, Data: []byte{1},
		Segments: []codeblock.Segment{{Passes: 1, Length: 1}}}
	for _, c := range []struct {
		change func(b *codeblock.Block)
		kind   error
	}{
		{func(b *codeblock.Block) { b.Width = 0 }, codeblock.ErrCorrupt},
		{func(b *codeblock.Block) { b.Height = -1 }, codeblock.ErrCorrupt},
		{func(b *codeblock.Block) { b.Width = 65 }, codeblock.ErrCorrupt},
		{func(b *codeblock.Block) { b.Width, b.Height = 1<<30, 1<<30 }, codeblock.ErrCorrupt},
		{func(b *codeblock.Block) { b.Width, b.Height = 1025, 1 }, codeblock.ErrCorrupt},
		{func(b *codeblock.Block) { b.ZeroPlanes = 4 }, codeblock.ErrCorrupt},
		{func(b *codeblock.Block) { b.ZeroPlanes = -1 }, codeblock.ErrCorrupt},
		{func(b *codeblock.Block) { b.Planes = 32 }, errors.ErrUnsupported},
	} {
		b := good
		c.change(&b)
		var d Decoder
		require.ErrorIs(t, d.Decode(make([]int32, 4096), &b), c.kind, name(&b))
	}
	var d Decoder
	require.Error(t, d.Decode(make([]int32, 4095), &good))
	require.NoError(t, d.Decode(make([]int32, 4096), &good))
}

// A segmentation symbol that is wrong is told of in strict mode only (D.5).
func TestSegmentationSymbol(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 1))
	var d Decoder
	found := 0
	for range 50 {
		b := &codeblock.Block{Width: 16, Height: 16, Planes: 6, Style: codeblock.SegSym}
		p := draw(rnd, "grain", b.Width, b.Height, b.Planes)
		tier1test.Encode(b, p.magnitudes, p.negative, 16)
		b.Data[rnd.IntN(len(b.Data)/2)] ^= 1 << rnd.IntN(7)
		want, right := tier1test.Decode(b)
		have, err := decodeAll(t, &d, b)
		require.NoError(t, err)
		requireSame(t, want, have, b)
		b.Strict = true
		_, err = decodeAll(t, &d, b)
		if right {
			require.NoError(t, err)
			continue
		}
		found++
		require.ErrorIs(t, err, codeblock.ErrCorrupt)
	}
	require.Greater(t, found, 40)
}

// After the first block of a size nothing is allocated.
func TestNoAllocation(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 1))
	b := &codeblock.Block{Width: 32, Height: 32, Planes: 6, Style: codeblock.TermAll}
	p := draw(rnd, "grain", b.Width, b.Height, b.Planes)
	tier1test.Encode(b, p.magnitudes, p.negative, 16)
	dst := make([]int32, 1024)
	for name, k := range kernels() {
		var d Decoder
		require.NoError(t, k.decode(&d, dst, b))
		require.Zero(t, testing.AllocsPerRun(10, func() { k.decode(&d, dst, b) }), name)
	}
}
