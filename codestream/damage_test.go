package codestream_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/corpus"
)

// maxTestBlocks is how large a virtual tile the tests of damage give to a
// decoder.
const maxTestBlocks = 1 << 14

// decodeDamaged selects and decodes all tiles of data, which may be anything,
// and checks that nothing but errors of the right kind comes of it.
func decodeDamaged(t *testing.T, data []byte, at codestream.Span) (damaged int) {
	t.Helper()
	x, err := openIndex(data, at)
	if err != nil {
		return 1
	}
	h := x.Header()
	for tile := range min(h.NumTiles(), 40) {
		for _, reduce := range []int{0, min(2, h.Reduces())} {
			s, err := x.Select(t.Context(), codestream.Window{Tile: tile, Area: h.Bounds, Reduce: reduce})
			if err != nil {
				require.True(t, errors.Is(err, codestream.ErrFormat) || errors.Is(err, errors.ErrUnsupported) ||
					errors.Is(err, codestream.ErrWindow), "%v", err)
				damaged++
				continue
			}
			if s.Damage() != nil {
				damaged++
			}
			a, err := s.Assemble()
			require.NoError(t, err)
			b := a.Bounds()
			if a.Blocks() > maxTestBlocks || a.Precincts() > maxTestBlocks ||
				b.Dx()*b.Dy()*len(h.Components) > 1<<22 {
				_, err := a.AppendTo(nil, bytes.NewReader(data))
				require.NoError(t, err)
				continue
			}
			// A damaged block may decode to anything, or be refused.
			_, err = decodeSelection(s, x, data)
			if err != nil {
				require.True(t, errors.Is(err, codestream.ErrFormat) || errors.Is(err, errors.ErrUnsupported), "%v", err)
			}
		}
	}
	return damaged
}

func TestMalformedCorpus(t *testing.T) {
	for _, f := range codestream.CorpusStreams(t) {
		if f.Expected == corpus.Decodes {
			continue
		}
		t.Run(f.Path, func(t *testing.T) {
			begin := time.Now()
			decodeDamaged(t, f.Data, f.At)
			require.Less(t, time.Since(begin), 20*time.Second)
		})
	}
}

// damagedKinds are options of opj_compress for the tests of damage.
var damagedKinds = []string{
	"-t 70,60 -r 20,5 -SOP -EPH",
	"-n 4 -c [64,64] -PLT -p RPCL -r 12,6",
	"-M 5 -b 16,16 -r 4",
	"-TP R -t 100,100 -r 10,4",
	"-I -r 6 -b 8,8 -n 3",
}

func TestTruncatedAndCorrupted(t *testing.T) {
	for _, options := range damagedKinds {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			data := compressed(t, 150, 120, options)
			x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
			require.NoError(t, err)
			first := int(x.Header().FirstPart)
			rng := rand.New(rand.NewPCG(21, uint64(len(data))))
			rounds := 25
			if testing.Short() {
				rounds = 3
			}
			for range rounds {
				n := first + rng.IntN(len(data)-first)
				decodeDamaged(t, data[:n], codestream.Span{Len: int64(n)})
				bad := bytes.Clone(data)
				for range 1 + rng.IntN(4) {
					bad[first+rng.IntN(len(data)-first)] ^= byte(1 + rng.IntN(255))
				}
				decodeDamaged(t, bad, codestream.Span{Len: int64(len(bad))})
			}
		})
	}
}

// TestTruncationKeepsWhatIsThere cuts a stream that improves by layers: what is
// left of it must still give a picture, and say that something is missing.
func TestTruncationKeepsWhatIsThere(t *testing.T) {
	needsDecoder(t)
	data := compressed(t, 150, 120, "-r 40,20,5,1")
	whole, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	all, err := whole.Select(t.Context(), codestream.Window{Area: whole.Header().Bounds})
	require.NoError(t, err)
	last := 0
	for _, part := range []int{10, 30, 60, 90, 99} {
		n := len(data) * part / 100
		x, err := openIndex(data[:n], codestream.Span{Len: int64(n)})
		require.NoError(t, err)
		s, err := x.Select(t.Context(), codestream.Window{Area: x.Header().Bounds})
		require.NoError(t, err)
		require.ErrorIs(t, s.Damage(), codestream.ErrFormat)
		require.Greater(t, s.NumBlocks(), 0)
		require.Greater(t, int(s.Bytes()), last)
		require.Less(t, s.Bytes(), all.Bytes())
		last = int(s.Bytes())
		_, err = decodeSelection(s, x, data)
		require.NoError(t, err)
		// The first layers may be whole all the same.
		s, err = x.Select(t.Context(), codestream.Window{Area: x.Header().Bounds, Layers: 1})
		require.NoError(t, err)
		if part >= 10 {
			require.NoError(t, s.Damage())
		}
	}
}

// changeLengths makes the PLT of a stream lie: it moves a byte from one packet to
// the next, so that the sum stays right.
func changeLengths(t *testing.T, data []byte, rng *rand.Rand) []byte {
	t.Helper()
	bad := bytes.Clone(data)
	for range 1000 {
		i := bytes.Index(bad, []byte{0xFF, 0x58})
		require.Positive(t, i)
		n := int(binary.BigEndian.Uint16(bad[i+2:]))
		list := bad[i+5 : i+2+n]
		k := rng.IntN(len(list) - 1)
		a, b := list[k], list[k+1]
		// Both must be the last bytes of lengths, and stay so.
		if a&0x80 == 0 && b&0x80 == 0 && a > 1 && b < 0x7F {
			list[k], list[k+1] = a-1, b+1
			return bad
		}
	}
	t.Fatal("no two lengths to change")
	return nil
}

func TestLyingPLTNeverGivesWrongSamples(t *testing.T) {
	for _, options := range []string{"-PLT -p RPCL -c [32,32] -n 4", "-PLT -r 20,10,2 -c [64,64]", "-PLT -t 64,64 -n 3"} {
		data := compressed(t, 150, 120, options)
		want, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		rng := rand.New(rand.NewPCG(31, 32))
		for range 10 {
			bad := changeLengths(t, data, rng)
			x, err := openIndex(bad, codestream.Span{Len: int64(len(bad))})
			require.NoError(t, err)
			for range 5 {
				x0, y0 := rng.IntN(140), rng.IntN(110)
				w := codestream.Window{Area: image.Rect(x0, y0, x0+1+rng.IntN(40), y0+1+rng.IntN(40)), Reduce: rng.IntN(3)}
				for w.Tile = range x.Header().NumTiles() {
					require.Equal(t, assembled(t, want, data, w), assembled(t, x, bad, w))
				}
			}
		}
	}
}

// assembled assembles a window; nil when the tile does not have it.
func assembled(t *testing.T, x *codestream.Index, data []byte, w codestream.Window) []byte {
	t.Helper()
	s, err := x.Select(t.Context(), w)
	if errors.Is(err, codestream.ErrWindow) {
		return nil
	}
	require.NoError(t, err)
	require.NoError(t, s.Damage())
	b, err := s.Assembled(bytes.NewReader(data))
	require.NoError(t, err)
	return b
}

// TestPLTGetsPastDamage corrupts one packet header of a stream with packet
// lengths: the other precincts must stay whole.
func TestPLTGetsPastDamage(t *testing.T) {
	data := compressed(t, 256, 256, "-PLT -p CPRL -c [64,64] -n 1 -b 16,16 -mct 0")
	x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	parts, err := x.TileParts(t.Context(), 0)
	require.NoError(t, err)
	bad := bytes.Clone(data)
	// The first packet's header: all ones mean more missing bit-planes than any.
	copy(bad[parts[0].Body.Off:], []byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	y, err := openIndex(bad, codestream.Span{Len: int64(len(bad))})
	require.NoError(t, err)
	first := codestream.Window{Area: image.Rect(0, 0, 60, 60), Components: []int{0}}
	s, err := y.Select(t.Context(), first)
	require.NoError(t, err)
	require.ErrorIs(t, s.Damage(), codestream.ErrFormat)
	far := codestream.Window{Area: image.Rect(70, 70, 250, 250), Components: []int{0}}
	require.Equal(t, assembled(t, x, data, far), assembled(t, y, bad, far))
}

// A faultyReader fails or cancels at a given read.
type faultyReader struct {
	r      io.ReaderAt
	mu     sync.Mutex
	reads  int
	fail   int // the read that fails, from 1; 0 for none
	cancel context.CancelFunc
}

var errFaulty = errors.New("the disk is on fire")

func (f *faultyReader) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reads++; f.reads == f.fail {
		if f.cancel == nil {
			return 0, errFaulty
		}
		f.cancel()
	}
	return f.r.ReadAt(p, off)
}

// TestReadErrorsLeaveTheIndexUsable fails every single read once, and cancels
// at it.
func TestReadErrorsLeaveTheIndexUsable(t *testing.T) {
	for _, options := range []string{"-PLT -p RPCL -c [32,32] -n 3", "-r 20,5 -t 100,80", "-M 4 -n 2"} {
		data := compressed(t, 200, 150, options)
		whole, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		w := codestream.Window{Area: image.Rect(90, 40, 150, 90)}
		want := assembled(t, whole, data, w)
		for _, cancel := range []bool{false, true} {
			for fail := 1; ; fail++ {
				f := &faultyReader{r: bytes.NewReader(data)}
				h, err := codestream.ReadHeader(f, codestream.Span{Len: int64(len(data))})
				require.NoError(t, err)
				ctx, stop := context.WithCancel(t.Context())
				f.reads, f.fail = 0, fail
				if cancel {
					f.cancel = stop
				}
				x := codestream.NewIndex(f, h)
				_, err = x.Select(ctx, w)
				stop()
				if f.reads < fail {
					require.NoError(t, err)
					break
				}
				if cancel {
					if err != nil {
						require.ErrorIs(t, err, context.Canceled)
					}
				} else {
					require.ErrorIs(t, err, errFaulty)
					require.NotErrorIs(t, err, codestream.ErrFormat)
				}
				require.Equal(t, want, assembled(t, x, data, w))
			}
		}
	}
}

func TestConcurrentSelections(t *testing.T) {
	for _, options := range []string{"-PLT -p RPCL -c [32,32] -n 4 -r 20,5", "-r 20,5 -p PCRL -c [64,64]", "-t 64,64"} {
		data := compressed(t, 200, 150, options)
		if options[1] == 'P' {
			data = changeLengths(t, data, rand.New(rand.NewPCG(1, 1)))
		}
		whole, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		require.NoError(t, whole.Load(t.Context()))
		shared, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		var group sync.WaitGroup
		for worker := range 4 {
			group.Go(func() {
				rng := rand.New(rand.NewPCG(41, uint64(worker)))
				for range 15 {
					w := codestream.Window{Reduce: rng.IntN(3), Layers: rng.IntN(3)}
					w.Tile = rng.IntN(shared.Header().NumTiles())
					x0, y0 := rng.IntN(190), rng.IntN(140)
					w.Area = image.Rect(x0, y0, x0+1+rng.IntN(100), y0+1+rng.IntN(100))
					if !slices.Equal(assembled(t, whole, data, w), assembled(t, shared, data, w)) {
						t.Errorf("%+v differs", w)
					}
				}
			})
		}
		group.Wait()
	}
}

// bomb is a stream of a header and few bytes.
func bomb(size uint32, levels, xcb, pp int, layers uint16, order codestream.Progression, components int, body []byte) []byte {
	be16, be32 := binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	b := []byte{0xFF, 0x4F, 0xFF, 0x51}
	b = be16(b, uint16(38+3*components))
	b = be16(b, 0)
	for _, v := range []uint32{size, size, 0, 0, size, size, 0, 0} {
		b = be32(b, v)
	}
	b = be16(b, uint16(components))
	for range components {
		b = append(b, 7, 1, 1)
	}
	b = append(b, 0xFF, 0x52)
	b = be16(b, uint16(12+levels+1))
	b = append(b, 1, byte(order))
	b = be16(b, layers)
	b = append(b, 0, byte(levels), byte(xcb-2), byte(xcb-2), 0, 1)
	for r := range levels + 1 {
		p := max(pp, min(r, 1))
		b = append(b, byte(p<<4|p))
	}
	b = append(b, 0xFF, 0x5C)
	b = be16(b, uint16(3+3*levels+1))
	b = append(b, 0x40)
	for range 3*levels + 1 {
		b = append(b, 8<<3)
	}
	b = append(b, 0xFF, 0x90, 0, 10, 0, 0)
	b = be32(b, uint32(14+len(body)))
	b = append(b, 0, 1, 0xFF, 0x93)
	return append(append(b, body...), 0xFF, 0xD9)
}

func TestHeaderBombsCostNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	random := make([]byte, 200)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	bodies := map[string][]byte{
		"none": nil, "zeros": make([]byte, 200), "ones": bytes.Repeat([]byte{0xFF, 0x7F}, 100),
		"not included": bytes.Repeat([]byte{0x80}, 200), "random": random,
	}
	for name, body := range bodies {
		for order := codestream.LRCP; order <= codestream.CPRL; order++ {
			for _, k := range []struct {
				size       uint32
				levels, pp int
				layers     uint16
				components int
				blocks     int
			}{
				{1<<31 - 1, 32, 1, 65535, 3, 2},
				{1<<31 - 1, 5, 15, 1, 3, 2},
				{1<<31 - 1, 0, 0, 65535, 1, 2},
				{100000, 5, 15, 1, 3, 6},
				{2000, 5, 15, 65535, 100, 2},
			} {
				data := bomb(k.size, k.levels, k.blocks, k.pp, k.layers, order, k.components, body)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				begin := time.Now()
				x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
				require.NoError(t, err)
				for _, area := range []image.Rectangle{x.Header().Bounds, image.Rect(1000, 1000, 1256, 1256)} {
					s, err := x.Select(t.Context(), codestream.Window{Area: area})
					if err != nil {
						require.ErrorIs(t, err, errors.ErrUnsupported, "%s %v %+v", name, order, k)
						continue
					}
					require.LessOrEqual(t, s.NumBlocks(), 2000)
				}
				took := time.Since(begin)
				runtime.ReadMemStats(&after)
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), "%s %v %+v", name, order, k)
				require.Less(t, took, time.Second, "%s %v %+v", name, order, k)
			}
		}
	}
}

func FuzzAssemble(f *testing.F) {
	for _, options := range []string{"-n 3 -r 8", "-n 2 -t 20,20 -PLT -c [16,16] -b 8,8 -r 8", "-M 5 -r 20,5 -SOP -EPH -n 2"} {
		f.Add(compressed(f, 40, 36, options), uint16(3), uint16(5), uint16(20), uint16(12), uint8(1))
	}
	rng := rand.New(rand.NewPCG(35, 36))
	for range 4 {
		data, _ := randomHighThroughput(rng)
		f.Add(data, uint16(3), uint16(5), uint16(20), uint16(12), uint8(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, x0, y0, w, h uint16, reduce uint8) {
		x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		if err != nil {
			return
		}
		area := image.Rect(int(x0), int(y0), int(x0)+int(w), int(y0)+int(h))
		for tile := range x.Header().TilesIn(area) {
			s, err := x.Select(t.Context(), codestream.Window{Tile: tile, Area: area, Reduce: int(reduce)})
			if err != nil {
				require.True(t, errors.Is(err, codestream.ErrFormat) || errors.Is(err, errors.ErrUnsupported) ||
					errors.Is(err, codestream.ErrWindow), "%v", err)
				continue
			}
			a, err := s.Assemble()
			if err != nil {
				require.ErrorIs(t, err, errors.ErrUnsupported)
				continue
			}
			b := a.Bounds()
			if a.Blocks() > 1<<12 || s.Work() > 1<<24 || int64(b.Dx())*int64(b.Dy())*int64(len(s.Window().Components)) > 1<<20 {
				continue
			}
			if _, err := decodeSelection(s, x, data); err != nil {
				require.True(t, errors.Is(err, codestream.ErrFormat) || errors.Is(err, errors.ErrUnsupported), "%v", err)
			}
		}
	})
}

// TestDamagedBlocks damages blocks of a stream with packet lengths: none of it
// may cost more than these blocks.
func TestDamagedBlocks(t *testing.T) {
	needsDecoder(t)
	data := compressed(t, 256, 256, "-PLT -p RPCL -c [64,64] -n 3 -b 16,16 -mct 0")
	whole := codestream.Span{Len: int64(len(data))}
	x, err := openIndex(data, whole)
	require.NoError(t, err)
	w := codestream.Window{Area: x.Header().Bounds}
	sound, err := x.Select(t.Context(), w)
	require.NoError(t, err)
	blocks := wholeBlocks(t, sound)
	want, err := decodeSelection(sound, x, data)
	require.NoError(t, err)

	t.Run("bytes", func(t *testing.T) {
		// The bytes of a block of the highest resolution: only samples around it
		// may change, whatever they become.
		rng := rand.New(rand.NewPCG(71, 72))
		list := slices.Collect(sound.Blocks())
		for range 20 {
			b := list[rng.IntN(len(list))]
			if b.ID.Resolution != 2 {
				continue
			}
			bad := bytes.Clone(data)
			for _, p := range b.Spans {
				for i := range p.Len {
					bad[p.Off+i] = byte(rng.Uint32())
				}
			}
			y, err := openIndex(bad, whole)
			require.NoError(t, err)
			s, err := y.Select(t.Context(), w)
			require.NoError(t, err)
			require.NoError(t, s.Damage(), "the bytes of a block say nothing about it")
			require.Equal(t, blocks, wholeBlocks(t, s))
			have, err := decodeSelection(s, y, bad)
			require.NoError(t, err)
			near := image.Rectangle{Min: b.Bounds.Min.Mul(2), Max: b.Bounds.Max.Mul(2)}.Inset(-4)
			for i := range have {
				for py := range 256 {
					for px := range 256 {
						if i == int(b.ID.Component) && image.Pt(px, py).In(near) {
							continue
						}
						if v := at(&have[i], px, py); v != at(&want[i], px, py) {
							require.Equal(t, at(&want[i], px, py), v, "component %d at %d,%d", i, px, py)
						}
					}
				}
			}
		}
	})
	t.Run("truncated", func(t *testing.T) {
		for cut := range 40 {
			n := len(data) - 3 - 17*cut
			y, err := openIndex(data[:n], codestream.Span{Len: int64(n)})
			require.NoError(t, err)
			s, err := y.Select(t.Context(), w)
			require.NoError(t, err)
			require.ErrorIs(t, s.Damage(), codestream.ErrFormat)
			requireTrue(t, blocks, s)
			require.Greater(t, s.NumBlocks(), sound.NumBlocks()*9/10)
			_, err = decodeSelection(s, y, data[:n])
			require.NoError(t, err)
		}
	})
	t.Run("bit-planes", func(t *testing.T) {
		// The last sub-band has fewer bit-planes than its blocks say are missing.
		bad := bytes.Clone(data)
		qcd := bytes.Index(bad, []byte{0xFF, 0x5C})
		require.Positive(t, qcd)
		bad[qcd+4+int(binary.BigEndian.Uint16(bad[qcd+2:]))-3] = 0
		y, err := openIndex(bad, whole)
		require.NoError(t, err)
		s, err := y.Select(t.Context(), w)
		require.NoError(t, err)
		require.ErrorIs(t, s.Damage(), codestream.ErrFormat)
		have := wholeBlocks(t, s)
		for k, b := range blocks {
			if k.Resolution != 2 || k.Band != 3 {
				require.Equal(t, b, have[k])
			}
		}
		require.Less(t, len(have), len(blocks))
		_, err = decodeSelection(s, y, bad)
		require.NoError(t, err)
	})
}
