package codestream

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// The codec's component count stands for the tiles of the image; the cases start
// at Stlm, Ztlm being read with the segment's place.
var tlmCodec = segmentCodec[[]tlmEntry]{
	marker: TLM,
	parse: func(f *fields, tiles int, _ uint16) ([]tlmEntry, error) {
		return parseTLM(f, 0, tiles)
	},
}

var tlmCases = []segmentCase[[]tlmEntry]{
	{name: "16-bit lengths", hex: "FF55 0000 00 0010 0020", want: []tlmEntry{{0, 16}, {1, 32}}},
	{name: "32-bit lengths", hex: "FF55 0000 40 00010000", want: []tlmEntry{{0, 1 << 16}}},
	{name: "8-bit tiles", hex: "FF55 0000 10 02 0010 00 0011", want: []tlmEntry{{2, 16}, {0, 17}}},
	{
		name: "16-bit tiles, 32-bit lengths", components: 300,
		hex: "FF55 0000 60 012B FFFFFFFF", want: []tlmEntry{{299, 1<<32 - 1}},
	},
	{name: "none", hex: "FF55 0000 60", want: []tlmEntry{}},
	{name: "no Stlm", hex: "FF55 0000", fails: "Stlm"},
	{name: "ST", hex: "FF55 0000 30", fails: "Stlm is 0x30"},
	{name: "reserved bits", hex: "FF55 0000 80", fails: "Stlm is 0x80"},
	{name: "half an entry", hex: "FF55 0000 40 0001", fails: "whole entries"},
	{name: "no such tile", hex: "FF55 0000 10 03 0010", fails: "tile 3 of 3"},
	{name: "no such tile, counted", hex: "FF55 0000 00 0010 0010 0010 0010", fails: "tile 3 of 3"},
	{name: "too short a tile-part", hex: "FF55 0000 00 000B", fails: "11 bytes"},
}

func TestTLM(t *testing.T) { tlmCodec.test(t, tlmCases) }

func FuzzTLM(f *testing.F) { tlmCodec.fuzz(f, tlmCases) }

// What is written reads back, over as many segments as it takes.
func TestAppendTLM(t *testing.T) {
	for _, n := range []int{0, 1, tlmRoom, tlmRoom + 1, maxTiles} {
		lengths := make([]int64, n)
		for i := range lengths {
			lengths[i] = 1<<32 - 1 - int64(i)
		}
		data := appendTLM(nil, lengths)
		var got []tlmEntry
		for z := 0; len(data) > 0; z++ {
			size := 2 + int(binary.BigEndian.Uint16(data[2:]))
			require.EqualValues(t, TLM, binary.BigEndian.Uint16(data))
			require.EqualValues(t, z, data[4])
			list, err := parseTLM(&fields{marker: TLM, data: data[5:size]}, 0, n)
			require.NoError(t, err)
			got, data = append(got, list...), data[size:]
		}
		require.Len(t, got, n)
		for i, e := range got {
			require.Equal(t, tlmEntry{i, lengths[i]}, e)
		}
	}
}
