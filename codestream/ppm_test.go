package codestream

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// ppmOf splits packed headers, one for each tile-part, into PPM segments of so
// many bytes, and puts these in the wrong order.
func ppmOf(heads [][]byte, size int) []byte {
	var joined []byte
	for _, h := range heads {
		joined = binary.BigEndian.AppendUint32(joined, uint32(len(h)))
		joined = append(joined, h...)
	}
	var segments [][]byte
	for c := range slices.Chunk(joined, size) {
		segments = append(segments, segmentOf(PPM, append([]byte{byte(len(segments))}, c...)...))
	}
	slices.Reverse(segments)
	return slices.Concat(segments...)
}

func TestPackedHeadersInMain(t *testing.T) {
	parts := rounds(2, 2)
	var heads [][]byte
	for i := range parts {
		heads = append(heads, slices.Repeat([]byte{byte(i)}, i*7%5))
	}
	for _, size := range []int{1, 3, 4, 5, 1000} {
		extra := ppmOf(heads, size)
		for _, with := range [][]byte{nil, tlmOf(parts)} {
			x, _ := open(t, build(testHeader(), slices.Concat(with, extra), parts, eoc...))
			for _, tile := range []int{4, 0, 5, 1} {
				got, present, err := x.packedHeaders(t.Context(), tile)
				require.NoError(t, err)
				require.True(t, present)
				require.Len(t, got, 2)
				for i := range got {
					require.Equal(t, heads[6*i+tile], append([]byte{}, got[i]...))
				}
			}
		}
	}
	// The last tile-part's are missing, or cut.
	cut := ppmOf(heads, 1000)
	cut = cut[:len(cut)-1]
	binary.BigEndian.PutUint16(cut[2:], uint16(len(cut)-2))
	for _, short := range [][]byte{ppmOf(heads[:11], 9), cut} {
		x, _ := open(t, build(testHeader(), short, parts, eoc...))
		_, _, err := x.packedHeaders(t.Context(), 5)
		require.ErrorIs(t, err, ErrFormat)
		_, _, err = x.packedHeaders(t.Context(), 4)
		require.NoError(t, err)
	}
	// Two segments with one number; PPM and PPT.
	twice := slices.Concat(segmentOf(PPM, 0, 0, 0, 0, 0), segmentOf(PPM, 0, 0, 0, 0, 0))
	data := build(testHeader(), twice, parts, eoc...)
	_, err := ReadHeader(readerOf(data), Span{Len: int64(len(data))})
	require.ErrorIs(t, err, ErrFormat)
	parts[2].header = segmentOf(PPT, 0, 1)
	x, _ := open(t, build(testHeader(), ppmOf(heads, 9), parts, eoc...))
	_, _, err = x.packedHeaders(t.Context(), 2)
	require.ErrorIs(t, err, ErrFormat)
}

func TestPackedHeadersInTileParts(t *testing.T) {
	parts := rounds(2, 2)
	parts[1].header = slices.Concat(segmentOf(PPT, 2, 5, 6), segmentOf(PPT, 0, 1, 2), segmentOf(PPT, 1, 3, 4))
	parts[7].header = segmentOf(PPT, 3, 7)
	parts[8].header = segmentOf(PPT, 0, 8)
	parts[3].header = slices.Concat(segmentOf(PPT, 0, 1), segmentOf(PPT, 0, 2))
	x, _ := open(t, build(testHeader(), nil, parts, eoc...))
	for tile, want := range [][][]byte{nil, {{1, 2, 3, 4, 5, 6}, {7}}, {nil, {8}}} {
		got, present, err := x.packedHeaders(t.Context(), tile)
		require.NoError(t, err)
		require.Equal(t, want != nil, present)
		require.Equal(t, want, got)
	}
	_, _, err := x.packedHeaders(t.Context(), 3)
	require.ErrorIs(t, err, ErrFormat)
}

func TestPacketLengths(t *testing.T) {
	parts := rounds(2, 2) // bodies of 5 and 6 bytes
	parts[0].header = slices.Concat(segmentOf(PLT, 1, 0), segmentOf(PLT, 0, 2, 3))
	parts[6].header = segmentOf(PLT, 0, 6)
	parts[1].header = segmentOf(PLT, 0, 5) // the second tile-part's are missing
	parts[2].header = segmentOf(PLT, 0, 4) // do not add up
	parts[8].header = segmentOf(PLT, 0, 6)
	parts[3].header = segmentOf(PLT, 0, 5, 0x80) // cut short
	parts[9].header = segmentOf(PLT, 0, 6)
	parts[4].header = slices.Concat(segmentOf(PLT, 0, 5), segmentOf(PLT, 0, 0)) // twice the number
	parts[10].header = segmentOf(PLT, 0, 6)
	x, _ := open(t, build(testHeader(), nil, parts, eoc...))
	for tile := range 6 {
		lists, present, err := x.packetLengths(t.Context(), tile)
		require.NoError(t, err)
		require.Equal(t, tile == 0, present, tile)
		if present {
			require.Equal(t, []int64{2, 3, 0}, slices.Collect(lists[0].all()))
			require.Equal(t, []int64{6}, slices.Collect(lists[1].all()))
		}
	}
	// PLM: one list for each tile-part in order, over two segments.
	plm := slices.Concat(
		segmentOf(PLM, 0, 2, 2, 3, 1, 5, 1, 5, 1, 5, 1, 5, 1),
		segmentOf(PLM, 1, 5, 3, 1, 2, 3, 1, 6),
	)
	x, _ = open(t, build(testHeader(), plm, rounds(2, 2), eoc...))
	for tile, want := range [][][]int64{{{2, 3}, {1, 2, 3}}, {{5}, {6}}} {
		lists, present, err := x.packetLengths(t.Context(), tile)
		require.NoError(t, err)
		require.True(t, present)
		for i, list := range lists {
			require.Equal(t, want[i], slices.Collect(list.all()))
		}
	}
	_, present, err := x.packetLengths(t.Context(), 2) // PLM ends before
	require.NoError(t, err)
	require.False(t, present)
	// Where the data is cut, lengths may say more than there is.
	one := []testPart{{sot: sot{parts: 1}, header: segmentOf(PLT, 0, 50, 50), body: 60,
		psot: to(sotSize + 7 + 2 + 100)}}
	x, _ = open(t, build(testHeader(), nil, one))
	lists, present, err := x.packetLengths(t.Context(), 0)
	require.NoError(t, err)
	require.True(t, present)
	require.Equal(t, int64(100), lists[0].sum)
}
