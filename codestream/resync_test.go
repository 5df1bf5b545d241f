package codestream_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// sopOffsets finds the packets of a sound stream of one tile by their SOP.
func sopOffsets(t *testing.T, data []byte) []int {
	t.Helper()
	var list []int
	for i := range len(data) - 6 {
		if bytes.HasPrefix(data[i:], []byte{0xFF, 0x91, 0, 4}) {
			require.EqualValues(t, uint16(len(list)), binary.BigEndian.Uint16(data[i+4:]))
			list = append(list, i)
		}
	}
	require.NotEmpty(t, list)
	return list
}

// wholeBlocks gives the blocks of all of an image, by what they are.
func wholeBlocks(t *testing.T, s *codestream.Selection) map[codestream.BlockID]codestream.Block {
	t.Helper()
	all := make(map[codestream.BlockID]codestream.Block)
	for b := range s.Blocks() {
		all[b.ID] = b
	}
	return all
}

// requireTrue holds all blocks of a damaged image against those of the sound one:
// what is there of a block must be what its first layers gave.
func requireTrue(t *testing.T, sound map[codestream.BlockID]codestream.Block, s *codestream.Selection) {
	t.Helper()
	for k, b := range wholeBlocks(t, s) {
		want, ok := sound[k]
		require.True(t, ok, "%v", k)
		require.Equal(t, want.ZeroPlanes, b.ZeroPlanes)
		require.LessOrEqual(t, b.Passes, want.Passes)
		var have, full []int64
		for _, p := range b.Spans {
			for i := range p.Len {
				have = append(have, p.Off+i)
			}
		}
		for _, p := range want.Spans {
			for i := range p.Len {
				full = append(full, p.Off+i)
			}
		}
		require.LessOrEqual(t, len(have), len(full))
		require.Equal(t, full[:len(have)], have, "%v", k)
	}
}

var sopKinds = []string{
	"-SOP -EPH -c [64,64] -p RPCL -n 4",
	"-SOP -c [64,64] -p CPRL -r 20,10,4 -n 3",
	"-SOP -p LRCP -r 40,20,10,4,1 -b 16,16",
	"-SOP -EPH -M 5 -c [32,32] -p PCRL -n 3",
	"-SOP -TP R -p RLCP -r 10,2 -n 3",
}

// TestSOPGetsPastDamage corrupts packet headers, each of one stream: what is
// given of the tile then must be true, and much of it must be there.
func TestSOPGetsPastDamage(t *testing.T) {
	for _, options := range sopKinds {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			data := compressed(t, 200, 150, options)
			x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
			require.NoError(t, err)
			w := codestream.Window{Area: x.Header().Bounds}
			s, err := x.Select(t.Context(), w)
			require.NoError(t, err)
			require.NoError(t, s.Damage())
			sound, size := wholeBlocks(t, s), s.Bytes()
			sops := sopOffsets(t, data)
			rng := rand.New(rand.NewPCG(61, uint64(len(data))))
			kept := int64(0)
			const tries = 40
			for try := range tries {
				bad := bytes.Clone(data)
				k := rng.IntN(len(sops))
				at := sops[k] + 6
				switch try % 4 {
				case 0: // a packet with blocks becomes one without, or the reverse
					bad[at] ^= 0x80
				case 1: // a number
					bad[at-1-rng.IntN(2)] ^= byte(1 + rng.IntN(255))
				case 2: // a header, which may be as long as it was and mean another
					for i := range 4 {
						bad[min(at+i, len(bad)-3)] = byte(rng.Uint32())
					}
				case 3: // some packets are overwritten
					end := sops[min(k+3, len(sops)-1)]
					for i := at; i < end; i++ {
						bad[i] = byte(rng.Uint32() >> 8 & 0x7F)
					}
				}
				y, err := openIndex(bad, codestream.Span{Len: int64(len(bad))})
				require.NoError(t, err)
				// Windows that are needed first must not see what is doubtful.
				for range 3 {
					x0, y0 := rng.IntN(190), rng.IntN(140)
					w := codestream.Window{Area: image.Rect(x0, y0, x0+8+rng.IntN(60), y0+8+rng.IntN(60)),
						Reduce: rng.IntN(3), Layers: rng.IntN(3)}
					s, err := y.Select(t.Context(), w)
					require.NoError(t, err)
					if s.Damage() == nil && try%4 < 2 {
						require.Equal(t, assembled(t, x, data, w), assembled(t, y, data, w))
					}
				}
				s, err := y.Select(t.Context(), w)
				require.NoError(t, err)
				if try%4 < 2 {
					requireTrue(t, sound, s)
				}
				if s.Bytes() < size {
					require.ErrorIs(t, s.Damage(), codestream.ErrFormat)
				}
				kept += s.Bytes()
				// A sidecar keeps what is known of the damage.
				keep, err := y.Sidecar(t.Context(), "")
				require.NoError(t, err)
				z, err := codestream.OpenSidecar(bytes.NewReader(bad), y.Header(), keep, "")
				require.NoError(t, err)
				require.Equal(t, selectAll(t, y, bad, 0), selectAll(t, z, bad, 0))
			}
			t.Logf("%d %% is kept", kept*100/(size*tries))
			require.Greater(t, kept, size*tries*6/10)
		})
	}
}

// TestSomeSOPsMayBeMissing takes out every third SOP, which is legal.
func TestSomeSOPsMayBeMissing(t *testing.T) {
	data := compressed(t, 200, 150, sopKinds[0])
	x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	s, err := x.Select(t.Context(), codestream.Window{Area: x.Header().Bounds})
	require.NoError(t, err)
	sops := sopOffsets(t, data)
	var less []byte
	from, gone := 0, 0
	for i, at := range sops {
		if i%3 == 2 {
			less = append(less, data[from:at]...)
			from = at + 6
			gone += 6
		}
	}
	less = append(less, data[from:]...)
	sot := int(x.Header().FirstPart)
	psot := binary.BigEndian.Uint32(less[sot+6:])
	binary.BigEndian.PutUint32(less[sot+6:], psot-uint32(gone))
	y, err := openIndex(less, codestream.Span{Len: int64(len(less))})
	require.NoError(t, err)
	for _, w := range []codestream.Window{
		{Area: image.Rect(10, 10, 30, 30), Reduce: 1}, {Area: image.Rect(10, 10, 30, 30)}, {Area: y.Header().Bounds},
	} {
		require.Equal(t, assembled(t, x, data, w), assembled(t, y, less, w))
	}
	require.Positive(t, s.NumBlocks())
}

// TestSOPReadErrors fails every read of a damaged stream once.
func TestSOPReadErrors(t *testing.T) {
	data := compressed(t, 200, 150, sopKinds[0])
	sops := sopOffsets(t, data)
	copy(data[sops[len(sops)/3]+6:], []byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0})
	whole, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	want := selectAll(t, whole, data, 0)
	for fail := 1; ; fail++ {
		f := &faultyReader{r: bytes.NewReader(data)}
		h, err := codestream.ReadHeader(f, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		f.reads, f.fail = 0, fail
		x := codestream.NewIndex(f, h)
		_, err = x.Select(context.Background(), codestream.Window{Area: h.Bounds})
		if f.reads < fail {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, errFaulty)
		require.Equal(t, want, selectAll(t, x, data, 0))
	}
}
