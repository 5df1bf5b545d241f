package tile_test

import (
	"bytes"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

func TestPlanVerbatim(t *testing.T) {
	data := testimg.Compress(t, testimg.Spec{Width: 100, Height: 60, Components: 3}, "jp2")
	f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	for _, tt := range []struct {
		req  tile.Request
		want bool
	}{
		{tile.Request{}, true},
		{tile.Request{Reduce: 2, Region: image.Rect(3, 4, 50, 51)}, true},
		{tile.Request{Size: image.Pt(50, 30)}, true}, // what a reduction gives
		{tile.Request{Size: image.Pt(50, 31)}, false},
		{tile.Request{Size: image.Pt(99, 0)}, false},
		{tile.Request{Orient: tile.Mirror0}, false},
		{tile.Request{Format: tile.RGB8}, true},
		{tile.Request{Format: tile.RGB16}, false},
		{tile.Request{Format: tile.Coded}, true},
		{tile.Request{Format: tile.Coded, Size: image.Pt(99, 0)}, false},
	} {
		p, err := new(tile.Decoder).Plan(f, tt.req)
		require.NoError(t, err, "%+v", tt.req)
		require.Equal(t, tt.want, p.Verbatim(), "%+v", tt.req)
	}
}
