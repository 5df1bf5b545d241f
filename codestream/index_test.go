package codestream

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var eoc = []byte{0xFF, 0xD9}

// sequence is one tile-part for each of six tiles.
func sequence() []testPart {
	var parts []testPart
	for tile := range 6 {
		parts = append(parts, testPart{sot: sot{tile: tile, parts: 1}, body: 10 + tile})
	}
	return parts
}

// rounds is n tile-parts for each of six tiles, in rounds over the tiles, with
// TNsot as told.
func rounds(n, told int) []testPart {
	var parts []testPart
	for i := range n {
		for tile := range 6 {
			parts = append(parts, testPart{sot: sot{tile: tile, part: i, parts: told}, body: 5 + i})
		}
	}
	return parts
}

// open reads a codestream that lies behind some other bytes.
func open(t testing.TB, data []byte) (*Index, *source) {
	t.Helper()
	const before = 7
	r := readerOf(append(make([]byte, before), data...))
	h, err := ReadHeader(r, Span{before, int64(len(data))})
	require.NoError(t, err)
	return NewIndex(r, h), r
}

// layout is the tile-parts of every tile in a few words: number of tile-parts,
// and whether they are truncated; -1 for a tile with an error.
func layout(t testing.TB, x *Index) (counts [6]int, truncated [6]bool) {
	t.Helper()
	for tile := range 6 {
		parts, err := x.TileParts(t.Context(), tile)
		if err != nil {
			requireFault(t, err)
			counts[tile] = -1
			continue
		}
		counts[tile] = len(parts)
		for i, p := range parts {
			require.Equal(t, tile, p.Tile)
			require.Equal(t, i, p.Part)
			require.Equal(t, p.Header.End(), p.Body.Off)
			require.LessOrEqual(t, p.Body.End(), x.h.Span.End())
			body := make([]byte, p.Body.Len)
			require.NoError(t, readAt(t.Context(), x.r, body, p.Body.Off))
			if i < len(parts)-1 {
				require.False(t, p.Truncated)
			}
		}
		truncated[tile] = parts[len(parts)-1].Truncated
		damage, err := x.tileDamage(t.Context(), tile)
		require.NoError(t, err)
		require.Equal(t, truncated[tile], damage != nil)
		if damage != nil {
			requireFault(t, damage)
		}
	}
	return counts, truncated
}

var layoutCases = []struct {
	name      string
	parts     []testPart
	tail      []byte
	want      [6]int
	truncated [6]bool
	lies      bool // about how many tile-parts there are
}{
	{name: "in order", parts: sequence(), tail: eoc, want: [6]int{1, 1, 1, 1, 1, 1}},
	{name: "no EOC", parts: sequence(), want: [6]int{1, 1, 1, 1, 1, 1}},
	{name: "data after EOC", parts: sequence(), tail: append(eoc, 1, 2, 3), want: [6]int{1, 1, 1, 1, 1, 1}},
	{name: "interleaved", parts: rounds(3, 3), tail: eoc, want: [6]int{3, 3, 3, 3, 3, 3}},
	{name: "TNsot is 0", parts: rounds(3, 0), tail: eoc, want: [6]int{3, 3, 3, 3, 3, 3}},
	{name: "TNsot is one too small", lies: true, parts: rounds(3, 2), tail: eoc, want: [6]int{3, 3, 3, 3, 3, 3}},
	{
		name: "TNsot is one too small, in order", lies: true, tail: eoc, want: [6]int{2, 1, 1, 1, 1, 1},
		parts: append([]testPart{
			{sot: sot{tile: 0, part: 0, parts: 1}, body: 3},
			{sot: sot{tile: 0, part: 1, parts: 1}, body: 4},
		}, sequence()[1:]...),
	},
	{
		name: "TNsot only in the last", tail: eoc, want: [6]int{2, 1, 1, 1, 1, 1},
		parts: append([]testPart{
			{sot: sot{tile: 0, part: 0}, body: 3},
			{sot: sot{tile: 0, part: 1, parts: 2}, body: 4},
		}, sequence()[1:]...),
	},
	{
		name: "TNsot grows", lies: true, tail: eoc, want: [6]int{2, 1, 1, 1, 1, 1},
		parts: append([]testPart{
			{sot: sot{tile: 0, part: 0, parts: 1}, body: 3},
			{sot: sot{tile: 0, part: 1, parts: 2}, body: 4},
		}, sequence()[1:]...),
	},
	{
		name: "Psot is 0", tail: eoc, want: [6]int{1, 1, 1, 1, 1, 1},
		parts: append(sequence()[:5:5], testPart{sot: sot{tile: 5, parts: 1}, body: 9, psot: to(0)}),
	},
	{
		name: "Psot is 0, no EOC", want: [6]int{1, 1, 1, 1, 1, 1},
		parts: append(sequence()[:5:5], testPart{sot: sot{tile: 5, parts: 1}, body: 9, psot: to(0)}),
	},
	{
		name: "Psot is past the end", want: [6]int{1, 1, 1, 1, 1, 1},
		truncated: [6]bool{5: true},
		parts:     append(sequence()[:5:5], testPart{sot: sot{tile: 5, parts: 1}, body: 9, psot: to(1 << 20)}),
	},
	{
		name: "a tile is missing", tail: eoc, want: [6]int{1, 1, 1, 1, -1, 1},
		parts: append(sequence()[:4:4], sequence()[5]),
	},
	{
		name: "a tile-part is missing", tail: eoc, want: [6]int{1, 1, 1, 1, 1, 1},
		truncated: [6]bool{2: true},
		parts: append(append(sequence()[:2:2], testPart{sot: sot{tile: 2, parts: 2}, body: 9}),
			sequence()[3:]...),
	},
	{
		name: "the first tile-part is missing", tail: eoc, want: [6]int{1, 1, -1, 1, 1, 1},
		parts: append(append(sequence()[:2:2], testPart{sot: sot{tile: 2, part: 1, parts: 2}, body: 9}),
			sequence()[3:]...),
	},
	{
		name: "no such tile", tail: eoc, want: [6]int{1, 1, 1, 1, 1, 1},
		parts: append(sequence(), testPart{sot: sot{tile: 6, parts: 1}, body: 9}),
	},
	{
		name: "a tile twice", lies: true, tail: eoc, want: [6]int{1, 1, 1, 1, 1, 1},
		parts: append(sequence(), testPart{sot: sot{tile: 0, parts: 1}, body: 9}),
	},
	{
		name: "garbage between tile-parts", tail: eoc, want: [6]int{1, 1, 1, -1, -1, -1},
		parts: append(append(sequence()[:2:2], testPart{sot: sot{tile: 2, parts: 1}, body: 9,
			psot: func(n int64) int64 { return n - 3 }}), sequence()[3:]...),
	},
	{
		name: "a header is wrong", tail: eoc, want: [6]int{1, 1, -1, 1, 1, 1},
		parts: append(append(sequence()[:2:2], testPart{sot: sot{tile: 2, parts: 1},
			header: segmentOf(CRG)}), sequence()[3:]...),
	},
	{
		name: "a later header is wrong", tail: eoc, want: [6]int{1, 1, 1, 1, 1, 1},
		truncated: [6]bool{2: true},
		parts: append(append(sequence()[:2:2],
			testPart{sot: sot{tile: 2, part: 0, parts: 2}},
			testPart{sot: sot{tile: 2, part: 1, parts: 2}, header: segmentOf(COD)},
		), sequence()[3:]...),
	},
}

func to(n int64) func(int64) int64 { return func(int64) int64 { return n } }

func TestTileParts(t *testing.T) {
	for _, c := range layoutCases {
		t.Run(c.name, func(t *testing.T) {
			data := build(testHeader(), nil, c.parts, c.tail...)
			x, _ := open(t, data)
			counts, truncated := layout(t, x)
			require.Equal(t, c.want, counts)
			require.Equal(t, c.truncated, truncated)

			// The order of asking makes no difference, nor does a TLM: one of
			// the tile-parts as they are, one with an error in it.
			y, _ := open(t, data)
			for tile := 5; tile >= 0; tile-- {
				requireSameParts(t, x, y, tile, 0)
			}
			tlm := tlmOf(c.parts)
			z, _ := open(t, build(testHeader(), tlm, c.parts, c.tail...))
			for tile := range 6 {
				requireSameParts(t, x, z, tile, int64(len(tlm)))
			}
			// Where SOT and TLM are both wrong, nothing is left to tell.
			for i := 6; i < len(tlm) && !c.lies; i++ {
				wrong := append([]byte(nil), tlm...)
				wrong[i] ^= 5
				z, _ := open(t, build(testHeader(), wrong, c.parts, c.tail...))
				for tile := range 6 {
					requireSameParts(t, x, z, tile, int64(len(tlm)))
				}
			}
		})
	}
}

// requireSameParts compares a tile of two indexes, the second one's codestream
// being shifted by so much.
func requireSameParts(t *testing.T, x, y *Index, tile int, shift int64) {
	t.Helper()
	a, errA := x.TileParts(t.Context(), tile)
	b, errB := y.TileParts(t.Context(), tile)
	require.Equal(t, errA == nil, errB == nil)
	require.Equal(t, len(a), len(b), "tile %d", tile)
	for i := range a {
		p := a[i]
		p.Header.Off += shift
		p.Body.Off += shift
		require.Equal(t, p, b[i])
	}
}

// many is more tiles than one read of the walk can pass.
func many(t testing.TB) (*Header, []testPart) {
	t.Helper()
	h := testHeader()
	h.Bounds.Max.X = 100 * 500
	var parts []testPart
	for tile := range h.NumTiles() {
		parts = append(parts, testPart{sot: sot{tile: tile, parts: 1}, body: 2000})
	}
	return h, parts
}

func TestIndexReadsLittle(t *testing.T) {
	h, parts := many(t)
	plain := build(h, nil, parts, eoc...)
	x, r := open(t, plain)
	require.LessOrEqual(t, r.bytes.Load(), int64(16<<10))

	// The walk reads one SOT a tile-part, stops, and goes on from there.
	before := r.bytes.Load()
	_, err := x.TileParts(t.Context(), 99)
	require.NoError(t, err)
	require.LessOrEqual(t, r.bytes.Load()-before, int64(101*sotSize+partChunk))
	before = r.bytes.Load()
	_, err = x.TileParts(t.Context(), 100)
	require.NoError(t, err)
	require.LessOrEqual(t, r.bytes.Load()-before, int64(2*sotSize+partChunk))
	before = r.reads.Load()
	_, err = x.TileParts(t.Context(), 99)
	require.NoError(t, err)
	require.Equal(t, before, r.reads.Load())

	// With TLM there is no walk.
	tlm := tlmOf(parts)
	x, r = open(t, build(h, tlm, parts, eoc...))
	before = r.bytes.Load()
	_, err = x.TileParts(t.Context(), 999)
	require.NoError(t, err)
	require.LessOrEqual(t, r.bytes.Load()-before, int64(len(tlm)+partChunk))
	require.True(t, x.list.fromTLM)
}

func TestIndexIsShared(t *testing.T) {
	h, parts := many(t)
	x, r := open(t, build(h, nil, parts, eoc...))
	before := r.bytes.Load()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for k := range 50 {
				tile := (i*131 + k*37) % h.NumTiles()
				p, err := x.TileParts(t.Context(), tile)
				if err != nil || len(p) != 1 || p[0].Tile != tile {
					t.Errorf("tile %d: %v, %v", tile, p, err)
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, r.bytes.Load()-before, int64(1001*sotSize+400*partChunk))
}

func TestIndexIsNotPoisoned(t *testing.T) {
	h, parts := many(t)
	data := build(h, nil, parts, eoc...)
	lost := errors.New("lost")
	for _, failAt := range []int64{1, 2, 50, 402, 403} {
		x, r := open(t, data)
		r.err, r.failAt = lost, r.reads.Load()+failAt
		_, err := x.TileParts(t.Context(), 400)
		require.ErrorIs(t, err, lost)
		require.NotErrorIs(t, err, ErrFormat)
		p, err := x.TileParts(t.Context(), 400)
		require.NoError(t, err)
		require.Len(t, p, 1)
		require.False(t, p[0].Truncated)
	}
	// Cancelled in the middle of the walk, which goes on from there.
	x, r := open(t, data)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	r.onRead = func() {
		if n++; n == 200 {
			cancel()
		}
	}
	_, err := x.TileParts(ctx, 400)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 200, n)
	_, err = x.TileParts(ctx, 400)
	require.ErrorIs(t, err, context.Canceled)
	_, err = x.TileParts(t.Context(), 400)
	require.NoError(t, err)
	require.Less(t, n, 420)
	// Waiting for another's walk can be cancelled too.
	require.NoError(t, x.locate(t.Context()))
	_, err = x.TileParts(ctx, 401)
	require.ErrorIs(t, err, context.Canceled)
	x.unlocate()
}

func TestIndexForgets(t *testing.T) {
	x, _ := open(t, build(testHeader(), nil, sequence(), eoc...))
	first, err := x.TileParts(t.Context(), 0)
	require.NoError(t, err)
	x.held = maxHeld
	_, err = x.TileParts(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, x.tiles, 1)
	again, err := x.TileParts(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = x.TileParts(t.Context(), 6)
	require.Error(t, err)
}

func TestHostileHeadersAreCheap(t *testing.T) {
	wide := testHeader()
	wide.Bounds.Max.X, wide.FirstTile.Max.X = 65535, 1
	wide.Bounds.Max.Y, wide.FirstTile.Max.Y = 1, 1
	last := []testPart{{sot: sot{tile: 65534, parts: 255}, psot: to(1<<32 - 1)}}
	manyComps := build(testHeader(), nil, nil)
	binary.BigEndian.PutUint16(manyComps[40:], 16384)
	ppm := segmentOf(PPM, 0, 0xFF, 0xFF, 0xFF, 0xFF)
	longCOM := []byte{0xFF, 0x64, 0xFF, 0xFF, 0, 1}
	for name, data := range map[string][]byte{
		"65535 tiles":          build(wide, nil, last),
		"65535 tiles, TLM":     build(wide, segmentOf(TLM, 0, 0x60, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF), last),
		"16384 components":     manyComps,
		"4 GB of headers, PPM": build(testHeader(), ppm, sequence()),
		"long comment":         build(testHeader(), longCOM, sequence()),
		"long tile-part":       build(testHeader(), nil, []testPart{{psot: to(1<<32 - 1)}}),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if h, err := ReadHeader(readerOf(data), Span{Len: int64(len(data))}); err == nil {
				x := NewIndex(readerOf(data), h)
				for _, tile := range []int{0, 1, h.NumTiles() - 1} {
					_, _ = x.TileParts(t.Context(), tile)
					_, _ = x.TileCoding(t.Context(), tile)
					_, _, _ = x.packedHeaders(t.Context(), tile)
					_, _, _ = x.packetLengths(t.Context(), tile)
				}
			}
			runtime.ReadMemStats(&after)
			require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20+len(data)))
		})
	}
}

// exercise asks for everything that headers say and holds it to what callers are
// promised.
func exercise(t testing.TB, data []byte) {
	t.Helper()
	h, err := ReadHeader(readerOf(data), Span{Len: int64(len(data))})
	if err != nil {
		requireFault(t, err)
		return
	}
	require.Less(t, h.FirstPart, int64(len(data)))
	require.GreaterOrEqual(t, h.Reduces(), 0)
	x := NewIndex(readerOf(data), h)
	for tile := range min(h.NumTiles(), 8) {
		require.False(t, h.TileBounds(tile).Empty())
		parts, err := x.TileParts(t.Context(), tile)
		if err != nil {
			requireFault(t, err)
			continue
		}
		end := h.FirstPart
		for i, p := range parts {
			require.Equal(t, [2]int{tile, i}, [2]int{p.Tile, p.Part})
			require.GreaterOrEqual(t, p.Header.Off, end)
			require.Equal(t, p.Header.End(), p.Body.Off)
			end = p.Body.End()
			require.GreaterOrEqual(t, p.Body.Len, int64(0))
		}
		require.LessOrEqual(t, end, int64(len(data)))
		c, err := x.TileCoding(t.Context(), tile)
		require.NoError(t, err)
		require.Len(t, c.Components, len(h.Components))
		for _, c := range c.Components {
			require.Len(t, c.Precincts, c.Levels+1)
			require.True(t, c.Quant.Style == Derived || len(c.Quant.Steps) > 3*c.Levels)
		}
		heads, ok, err := x.packedHeaders(t.Context(), tile)
		if err != nil {
			requireFault(t, err)
		} else if ok {
			require.Len(t, heads, len(parts))
		}
		lists, ok, err := x.packetLengths(t.Context(), tile)
		require.NoError(t, err)
		if ok {
			require.Len(t, lists, len(parts))
		}
	}
}

// rich is codestreams that together have every marker segment.
func rich() [][]byte {
	parts := rounds(2, 2)
	parts[0].header = append(appendCOC(nil, 3, 1, testHeader().Components[0].ComponentCoding),
		appendQCC(nil, 3, 1, testQuant(2, 7))...)
	parts[1].header = segmentOf(PLT, 0, 5)
	parts[2].header = append(segmentOf(PPT, 1, 2, 3), segmentOf(PPT, 0, 1)...)
	parts[3].header = append(appendRGN(nil, 3, 0, 4), segmentOf(COM, 0, 1, 'x')...)
	parts[9].header = segmentOf(POC, 0, 0, 0, 1, 3, 3, 0)
	extra := append(tlmOf(parts), appendCAP(nil, &CAP{Pcap: 1 << 17, Ccap: []uint16{1}})...)
	extra = append(extra, segmentOf(COM, 0, 1, 'h', 'i')...)
	extra = append(extra, segmentOf(CRG, make([]byte, 12)...)...)
	extra = append(extra, segmentOf(0xFF41, 1, 2, 3)...)
	var ppm []byte
	for range 12 {
		ppm = append(ppm, 0, 0, 0, 2, 0x80, 0)
	}
	packed := append(segmentOf(PPM, append([]byte{1}, ppm[31:]...)...),
		segmentOf(PPM, append([]byte{0}, ppm[:31]...)...)...)
	packed = append(packed, segmentOf(PLM, 0, 1, 5, 2, 1, 4)...)
	return [][]byte{
		build(testHeader(), extra, parts, eoc...),
		build(testHeader(), packed, rounds(2, 2), eoc...),
		build(testHeader(), nil, sequence(), eoc...),
	}
}

func TestDamagedHeaders(t *testing.T) {
	for _, data := range rich() {
		exercise(t, data)
		for n := range data {
			exercise(t, data[:n])
		}
		bad := append([]byte(nil), data...)
		for i := range bad {
			for _, bit := range []int{0, 1, 4, 7} {
				bad[i] ^= 1 << bit
				exercise(t, bad)
				bad[i] ^= 1 << bit
			}
		}
		rng := rand.New(rand.NewPCG(2, 3))
		for range 500 {
			bad := append([]byte(nil), data...)
			for range 1 + rng.IntN(4) {
				bad[rng.IntN(len(bad))] = byte(rng.Uint32())
			}
			exercise(t, bad)
		}
	}
}

func FuzzReadHeader(f *testing.F) {
	for _, data := range rich() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ReadHeader(readerOf(data), Span{Len: int64(len(data))})
		if err != nil {
			requireFault(t, err)
			return
		}
		require.Less(t, h.FirstPart, int64(len(data)))
	})
}

// FuzzTileParts puts fuzzed tile-parts behind a sound main header.
func FuzzTileParts(f *testing.F) {
	head := build(testHeader(), nil, nil)
	for _, c := range layoutCases {
		f.Add(build(testHeader(), nil, c.parts, c.tail...)[len(head):], []byte{0})
		f.Add(build(testHeader(), nil, c.parts, c.tail...)[len(head):], tlmOf(c.parts)[4:])
	}
	f.Fuzz(func(t *testing.T, parts, tlm []byte) {
		if len(tlm) > 1000 {
			return
		}
		exercise(t, append(build(testHeader(), nil, nil), parts...))
		exercise(t, append(build(testHeader(), segmentOf(TLM, tlm...), nil), parts...))
	})
}
