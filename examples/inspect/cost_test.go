package main

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
)

func TestCoalesce(t *testing.T) {
	const far = readGap + 1
	for _, c := range []struct {
		spans []codestream.Span
		reads int
		bytes int64
	}{
		{nil, 0, 0},
		{[]codestream.Span{{Off: 0, Len: 10}}, 1, 10},
		{[]codestream.Span{{Off: 20, Len: 10}, {Off: 0, Len: 10}}, 1, 30},
		{[]codestream.Span{{Off: 0, Len: 10}, {Off: 10 + far, Len: 5}}, 2, 15},
		{[]codestream.Span{{Off: 0, Len: 10}, {Off: 10 + far - 1, Len: 5}}, 1, 10 + far - 1 + 5},
		{[]codestream.Span{{Off: 0, Len: 100}, {Off: 10, Len: 5}, {Off: 90, Len: 20}}, 1, 110},
	} {
		reads, bytes := coalesce(c.spans)
		require.Equal(t, c.reads, reads, "%v", c.spans)
		require.Equal(t, c.bytes, bytes, "%v", c.spans)
	}
}

// Costs are worked out for every resolution until one tile shows it all, and
// never exceed what the file has.
func TestCosts(t *testing.T) {
	f, err := jp2.Open(sample)
	require.NoError(t, err)
	defer f.Close()
	list, err := costs(context.Background(), f)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, c := range list {
		require.Positive(t, c.Blocks)
		require.LessOrEqual(t, c.Bytes, c.Read)
		require.LessOrEqual(t, c.Read, f.Size())
		require.LessOrEqual(t, c.Reads, c.Blocks)
		require.GreaterOrEqual(t, c.Reads, 1)
	}
	first, last := list[0], list[len(list)-1]
	require.Equal(t, Cost{Resolution: Size{2048, 1536}, Tile: 256, Tiles: 1,
		Blocks: first.Blocks, Bytes: first.Bytes, Reads: 1, Read: first.Read}, first)
	require.Equal(t, Size{256, 192}, last.Resolution)
	require.Equal(t, 12, last.Tiles)

	index, err := firstCost(context.Background(), f)
	require.NoError(t, err)
	require.Positive(t, index.Reads)
	require.Less(t, index.Bytes, f.Size())
}

func TestMiddle(t *testing.T) {
	h := &codestream.Header{
		Bounds:     image.Rect(100, 200, 2100, 1200),
		Components: []codestream.Component{{Sub: image.Pt(2, 2)}, {Sub: image.Pt(1, 2)}},
	}
	require.Equal(t, image.Rect(868, 200, 1124, 712), middle(h, 0, 256))
	require.Equal(t, image.Rect(100, 200, 2100, 1200), middle(h, 3, 1024))
	require.Equal(t, image.Rect(100, 200, 2100, 1200), middle(h, 32, 1024))
}
