package codestream

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The cases start at Iplt, Zplt being read with the segment's place.
var pltCodec = segmentCodec[[]int64]{
	marker: PLT,
	parse: func(f *fields, _ int, _ uint16) ([]int64, error) {
		p, ok := parsePacketLengths(f.data)
		if !ok {
			return nil, &FormatError{Where: "PLT", Err: errors.New("lengths")}
		}
		list := slices.AppendSeq([]int64{}, p.all())
		sum := int64(0)
		for _, n := range list {
			sum += n
		}
		if len(list) != p.count || sum != p.sum {
			return nil, errors.New("count or sum is wrong")
		}
		return list, nil
	},
}

var pltCases = []segmentCase[[]int64]{
	{name: "none", hex: "FF58 0000", want: []int64{}},
	{name: "one byte each", hex: "FF58 0000 00 01 7F", want: []int64{0, 1, 127}},
	{name: "two bytes", hex: "FF58 0000 8100 FF7F", want: []int64{128, 16383}},
	{name: "32 bits", hex: "FF58 0000 8FFFFFFF7F", want: []int64{1<<32 - 1}},
	{name: "33 bits", hex: "FF58 0000 9FFFFFFF7F", fails: "lengths"},
	{name: "cut short", hex: "FF58 0000 01 81", fails: "lengths"},
}

func TestPLT(t *testing.T) { pltCodec.test(t, pltCases) }

func FuzzPLT(f *testing.F) { pltCodec.fuzz(f, pltCases) }

func TestPacketListStops(t *testing.T) {
	p, ok := parsePacketLengths([]byte{1, 2, 3})
	require.True(t, ok)
	for n := range p.all() {
		require.Equal(t, int64(1), n)
		break
	}
}
