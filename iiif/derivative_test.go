package iiif

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// What is decoded is what the file holds, without conversions in between; what
// is turned by any angle has 8 bits a sample.
func TestDerivePixels(t *testing.T) {
	lossy := []string{"-I", "-r", "10"}
	for _, c := range []struct {
		spec    testimg.Spec
		args    []string
		request string
		format  encode.Format
		want    tile.PixelFormat
	}{
		{testimg.Spec{Components: 3}, lossy, "0/default", encode.JPEG{}, tile.YCbCr8},
		{testimg.Spec{Components: 3}, lossy, "!90/color", encode.JPEG{}, tile.YCbCr8},
		{testimg.Spec{Components: 3}, lossy, "0/default", encode.PNG{}, tile.RGB8},
		{testimg.Spec{Components: 3}, lossy, "0/gray", encode.JPEG{}, tile.Gray8},
		{testimg.Spec{Components: 3}, lossy, "0/bitonal", encode.JPEG{}, tile.Gray8},
		{testimg.Spec{Components: 3}, lossy, "30/default", encode.JPEG{}, tile.RGB8},
		{testimg.Spec{Components: 3}, nil, "0/default", encode.JPEG{}, tile.RGB8},
		{testimg.Spec{Depth: 16}, nil, "0/default", encode.PNG{}, tile.Gray16},
		{testimg.Spec{Depth: 16}, nil, "0/default", encode.JPEG{}, tile.Gray8},
		{testimg.Spec{Depth: 16}, nil, "30/default", encode.PNG{}, tile.Gray8},
	} {
		c.spec.Width, c.spec.Height = 64, 48
		data := testimg.Compress(t, c.spec, "jp2", c.args...)
		f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		r, err := Parse(V3, "a/full/max/"+c.request+".jpg")
		require.NoError(t, err)
		want, err := r.Resolve(f.Bounds().Size(), Limits{})
		require.NoError(t, err)
		d, err := derive(new(tile.Decoder), f, r, want, c.format, nil)
		require.NoError(t, err)
		require.Equal(t, c.want, d.plan.PixelFormat(), "%+v", c)
	}
}

// Little of an image costs whole code-blocks: what a pixel teaches about time must
// not have tiles look slow, or they are refused when they would be in time.
func TestWorkOfAPixel(t *testing.T) {
	f, err := jp2.Open("../examples/testdata/sample.jp2")
	require.NoError(t, err)
	defer f.Close()
	work := func(request string) int64 {
		r, err := Parse(V3, "a/"+request+"/0/default.jpg")
		require.NoError(t, err)
		want, err := r.Resolve(f.Bounds().Size(), Limits{})
		require.NoError(t, err)
		d, err := derive(new(tile.Decoder), f, r, want, encode.JPEG{}, nil)
		require.NoError(t, err)
		return d.work()
	}
	tileWork, whole := work("512,512,256,256/max"), work("full/max")
	require.Greater(t, work("512,512,1,1/max"), tileWork/16)
	require.Greater(t, work("full/1,1"), tileWork/64)
	require.Less(t, tileWork, whole/8)
	require.InEpsilon(t, tileWork, work("0,0,2048,1536/256,192"), 0.5, "the sample at a quarter of a tile's pixels")
}
