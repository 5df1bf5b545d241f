package corpus

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var pgxCases = []struct {
	name string
	data string
	want Plane
	bad  bool
}{
	{name: "8 bit", data: "PG ML +8 2 1\n\x00\xff",
		want: Plane{Width: 2, Height: 1, Depth: 8, Samples: []int32{0, 255}}},
	{name: "no sign", data: "PG ML 8 2 1\n\x00\xff",
		want: Plane{Width: 2, Height: 1, Depth: 8, Samples: []int32{0, 255}}},
	{name: "sign apart", data: "PG LM - 12 1 2\r\n\xff\x0f\x01\x00",
		want: Plane{Width: 1, Height: 2, Depth: 12, Signed: true, Samples: []int32{-1, 1}}},
	{name: "sign extended", data: "PG ML -4 2 1\n\xfa\x03",
		want: Plane{Width: 2, Height: 1, Depth: 4, Signed: true, Samples: []int32{-6, 3}}},
	{name: "32 bit", data: "PG LM -24 1 1\n\xff\xff\xff\x00",
		want: Plane{Width: 1, Height: 1, Depth: 24, Signed: true, Samples: []int32{-1}}},
	{name: "short", data: "PG ML 8 2 2\n\x00\xff\x01", bad: true},
	{name: "huge", data: "PG ML 8 1000000 1000000\n\x00", bad: true},
	{name: "beyond", data: "PG ML 8 99999999999 1\n\x00", bad: true},
	{name: "order", data: "PG MM 8 1 1\n\x00", bad: true},
	{name: "depth", data: "PG ML 33 1 1\n\x00\x00\x00\x00", bad: true},
	{name: "words", data: "PG ML + 8 1\n\x00", bad: true},
	{name: "empty", data: "", bad: true},
}

func TestParsePGX(t *testing.T) {
	for _, c := range pgxCases {
		got, err := ParsePGX([]byte(c.data))
		if c.bad {
			require.Error(t, err, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, c.name)
	}
}

func FuzzParsePGX(f *testing.F) {
	for _, c := range pgxCases {
		f.Add([]byte(c.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := ParsePGX(data); err == nil {
			require.Len(t, p.Samples, p.Width*p.Height)
			require.LessOrEqual(t, len(p.Samples), len(data))
		}
	})
}

var pnmCases = []struct {
	name string
	data string
	want []Plane
	bad  bool
}{
	{name: "grey", data: "P5\n2 1\n255\n\x01\xff",
		want: []Plane{{Width: 2, Height: 1, Depth: 8, Samples: []int32{1, 255}}}},
	{name: "comment", data: "P5 # by hand\n2 1 255\n\x01\xff",
		want: []Plane{{Width: 2, Height: 1, Depth: 8, Samples: []int32{1, 255}}}},
	{name: "16 bit", data: "P5 1 1 4095\n\x0f\xff",
		want: []Plane{{Width: 1, Height: 1, Depth: 12, Samples: []int32{4095}}}},
	{name: "colour", data: "P6 1 1 255\n\x01\x02\x03",
		want: []Plane{
			{Width: 1, Height: 1, Depth: 8, Samples: []int32{1}},
			{Width: 1, Height: 1, Depth: 8, Samples: []int32{2}},
			{Width: 1, Height: 1, Depth: 8, Samples: []int32{3}}}},
	{name: "short", data: "P6 1 1 255\n\x01\x02", bad: true},
	{name: "plain", data: "P3 1 1 255\n1 2 3", bad: true},
	{name: "no body", data: "P5 1 1 255", bad: true},
	{name: "no size", data: "P5 # 1 1 255\n", bad: true},
	{name: "deep", data: "P5 1 1 65536\n\x00\x00\x00", bad: true},
	{name: "empty", data: "", bad: true},
}

func TestParsePNM(t *testing.T) {
	for _, c := range pnmCases {
		got, err := ParsePNM([]byte(c.data))
		if c.bad {
			require.Error(t, err, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, c.name)
	}
}

func FuzzParsePNM(f *testing.F) {
	for _, c := range pnmCases {
		f.Add([]byte(c.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		planes, err := ParsePNM(data)
		if err != nil {
			return
		}
		for _, p := range planes {
			require.Len(t, p.Samples, p.Width*p.Height)
			require.LessOrEqual(t, len(p.Samples), len(data))
		}
	})
}
