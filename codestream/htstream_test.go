package codestream_test

import (
	"bytes"
	"errors"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/internal/testimg/htstream"
)

// A blockKey names a block of an image.
type blockKey struct {
	tile, component, resolution, band int
	x, y                              int // of its bounds
}

// randomHighThroughput is a codestream with High-Throughput blocks, Part 1 ones or both,
// and its blocks.
func randomHighThroughput(rng *rand.Rand) ([]byte, map[blockKey]htstream.Block) {
	at := image.Pt(rng.IntN(20), rng.IntN(20))
	size := image.Pt(30+rng.IntN(60), 30+rng.IntN(60))
	kinds := make([]htstream.Kind, 5)
	for i := range kinds {
		kinds[i] = []htstream.Kind{htstream.Part1, htstream.HT, htstream.Mixed, htstream.Mixed}[rng.IntN(4)]
	}
	spec := htstream.Spec{Bounds: image.Rectangle{Min: at, Max: at.Add(size)}, Components: 1 + rng.IntN(3), Depth: 8 + rng.IntN(5),
		Levels: rng.IntN(4), XCB: 2 + rng.IntN(4), YCB: 2 + rng.IntN(4), Refine: rng.IntN(2) == 0, Placeholders: rng.IntN(4),
		Kind: func(tile, component int) htstream.Kind { return kinds[(2*tile+component)%len(kinds)] }}
	if rng.IntN(2) == 0 {
		spec.Tile = image.Pt(20+rng.IntN(60), 20+rng.IntN(60))
	}
	var samples [][]int32
	for _, p := range testimg.Draw(testimg.Spec{Width: size.X, Height: size.Y, Components: spec.Components, Depth: spec.Depth,
		Kind: []testimg.Kind{testimg.Mixed, testimg.Noise}[rng.IntN(2)]}).Planes {
		samples = append(samples, p.Samples)
	}
	data, list := htstream.Write(spec, samples)
	blocks := make(map[blockKey]htstream.Block)
	for _, b := range list {
		blocks[blockKey{b.Tile, b.Component, b.Resolution, b.Band, b.Bounds.Min.X, b.Bounds.Min.Y}] = b
	}
	return data, blocks
}

// requireBlocks compares the blocks of a codestream with those that were written.
func requireBlocks(t *testing.T, x *codestream.Index, data []byte, blocks map[blockKey]htstream.Block) {
	t.Helper()
	count := 0
	for tile := range x.Header().NumTiles() {
		s, err := x.Select(t.Context(), codestream.Window{Tile: tile, Area: x.Header().TileBounds(tile)})
		require.NoError(t, err)
		require.NoError(t, s.Damage())
		for b := range s.Blocks() {
			want, ok := blocks[blockKey{tile, int(b.ID.Component), int(b.ID.Resolution), int(b.ID.Band), b.Bounds.Min.X, b.Bounds.Min.Y}]
			require.True(t, ok, "%+v", b)
			var bytes []byte
			for _, p := range b.Spans {
				bytes = append(bytes, data[p.Off:p.End()]...)
			}
			require.Equal(t, want.HT, b.HT, "%+v", b)
			require.Equal(t, want.Bounds, b.Bounds)
			require.Equal(t, want.Data, bytes)
			require.Len(t, b.Codewords, len(want.Lengths))
			for i, c := range b.Codewords {
				require.EqualValues(t, want.Lengths[i], c.Length)
			}
			// Placeholders stand for missing bit-planes.
			placeholders := 0
			if want.HT {
				placeholders = (want.Passes - 1) / 3
			}
			require.Equal(t, want.Passes-3*placeholders, b.Passes)
			require.Equal(t, want.ZeroPlanes+placeholders, b.ZeroPlanes)
			count++
		}
	}
	require.Equal(t, len(blocks), count)
}

// The blocks of a codestream are those that were written, each of its kind, and so are
// those of what is made of it without decoding.
func TestHighThroughputBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	var high, part1, refined int
	for range 60 {
		data, blocks := randomHighThroughput(rng)
		for _, b := range blocks {
			switch {
			case !b.HT:
				part1++
			case len(b.Lengths) == 2:
				refined++
			default:
				high++
			}
		}
		x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		requireBlocks(t, x, data, blocks)

		if len(blocks) == 0 {
			continue
		}
		for key, b := range blocks { // placeholders are not kept
			if sets := (b.Passes - 1) / 3; b.HT {
				b.Passes -= 3 * sets
				b.ZeroPlanes += sets
				blocks[key] = b
			}
		}
		_, copied, y := extract(t, x, codestream.Region{Area: x.Header().Bounds})
		requireBlocks(t, y, copied, blocks)
		if x.Header().NumTiles() > 1 {
			continue
		}
		s, err := x.Select(t.Context(), codestream.Window{Area: x.Header().Bounds})
		require.NoError(t, err)
		assembled, err := s.Assembled(bytes.NewReader(data))
		require.NoError(t, err)
		y, err = openIndex(assembled, codestream.Span{Len: int64(len(assembled))})
		require.NoError(t, err)
		requireBlocks(t, y, assembled, blocks)
	}
	require.Greater(t, min(high, part1, refined), 100)
}

// The styles that would give Part 1 blocks several lengths are reserved where there are
// blocks of both kinds (Part 15, Table A.4).
func TestBothKindsReserved(t *testing.T) {
	for _, style := range []codestream.BlockStyle{0, codestream.Bypass, codestream.TermAll} {
		spec := htstream.Spec{Bounds: image.Rect(0, 0, 9, 9), Components: 1, Depth: 8, XCB: 2, YCB: 2,
			Kind: func(int, int) htstream.Kind { return htstream.Mixed | htstream.Kind(style) }}
		data, _ := htstream.Write(spec, [][]int32{make([]int32, 81)})
		x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		_, err = x.Select(t.Context(), codestream.Window{Area: spec.Bounds})
		if style == 0 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, errors.ErrUnsupported)
		}
	}
}

// Damage to packet headers where there are blocks of both kinds ends in errors or other
// blocks.
func TestHighThroughputTruncated(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	for range 40 {
		data, _ := randomHighThroughput(rng)
		for range 10 {
			damaged := bytes.Clone(data[:len(data)/2+rng.IntN(len(data)/2)])
			for range rng.IntN(4) {
				damaged[len(damaged)/4+rng.IntN(3*len(damaged)/4)] ^= byte(1 << rng.IntN(8))
			}
			decodeDamaged(t, damaged, codestream.Span{Len: int64(len(damaged))})
		}
	}
}
