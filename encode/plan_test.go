package encode_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

func generated(t testing.TB, s testimg.Spec, args ...string) *jp2.File {
	data := testimg.Compress(t, s, "jp2", args...)
	f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return f
}

func TestPlan(t *testing.T) {
	lossy := []string{"-I", "-r", "10"}
	for _, c := range []struct {
		spec   testimg.Spec
		args   []string
		req    tile.Request
		format encode.Format
		want   tile.PixelFormat
	}{
		{testimg.Spec{}, nil, tile.Request{}, encode.JPEG{}, tile.Gray8},
		{testimg.Spec{Depth: 16}, nil, tile.Request{}, encode.JPEG{}, tile.Gray8},
		{testimg.Spec{Depth: 16}, nil, tile.Request{}, encode.PNG{}, tile.Gray16},
		{testimg.Spec{Components: 3}, nil, tile.Request{}, encode.JPEG{}, tile.RGB8},
		{testimg.Spec{Components: 3}, lossy, tile.Request{}, encode.JPEG{}, tile.YCbCr8},
		{testimg.Spec{Components: 3}, lossy, tile.Request{}, encode.PNG{}, tile.RGB8},
		{testimg.Spec{Components: 3}, lossy, tile.Request{}, encode.JP2{}, tile.RGB8},
		{testimg.Spec{Components: 3}, lossy, tile.Request{Format: tile.RGB8}, encode.JPEG{}, tile.RGB8},
		{testimg.Spec{Components: 3}, lossy, tile.Request{Quality: tile.InGray}, encode.JPEG{}, tile.Gray8},
	} {
		c.spec.Width, c.spec.Height = 64, 48
		p, err := encode.Plan(new(tile.Decoder), generated(t, c.spec, c.args...), c.req, c.format)
		require.NoError(t, err)
		require.Equal(t, c.want, p.PixelFormat(), "%+v", c)
	}
}

// The JPEG of luma and chroma as they are coded is that of RGB, but for
// rounding.
func TestPlanYCbCr(t *testing.T) {
	f := generated(t, testimg.Spec{Width: 301, Height: 211, Components: 3, Kind: testimg.Gradient}, "-I", "-r", "10", "-t", "128,128")
	for _, req := range []tile.Request{{}, {Orient: tile.Rotate90}, {Size: image.Pt(100, 0)}} {
		var got [2]image.Image
		for i, format := range []tile.PixelFormat{tile.YCbCr8, tile.RGB8} {
			req.Format = format
			p, err := new(tile.Decoder).Plan(f, req)
			require.NoError(t, err)
			var buf bytes.Buffer
			require.NoError(t, encode.JPEG{Quality: 95, Chroma: encode.Chroma444}.Encode(t.Context(), &buf, p))
			got[i], err = jpeg.Decode(&buf)
			require.NoError(t, err)
		}
		short, long := got[0].(*image.YCbCr), got[1].(*image.YCbCr)
		require.Equal(t, long.Rect, short.Rect)
		for i := range short.Y {
			require.InDelta(t, long.Y[i], short.Y[i], 4)
		}
	}
}

func BenchmarkPlanJPEG(b *testing.B) {
	f := generated(b, testimg.Spec{Width: 2048, Height: 2048, Components: 3}, "-I", "-r", "12", "-t", "512,512")
	for _, format := range []tile.PixelFormat{tile.RGB8, tile.YCbCr8, tile.Gray8} {
		b.Run(format.String(), func(b *testing.B) {
			dec := &tile.Decoder{Budget: &tile.Budget{Workers: 1}}
			p, err := dec.Plan(f, tile.Request{Format: format})
			require.NoError(b, err)
			b.SetBytes(3 * 2048 * 2048)
			for b.Loop() {
				require.NoError(b, encode.JPEG{Workers: 1}.Encode(b.Context(), io.Discard, p))
			}
		})
	}
}

// Scaled YCbCr comes in several slabs, all of whose planes must be used up.
func TestPlanYCbCrScaled(t *testing.T) {
	f := generated(t, testimg.Spec{Width: 600, Height: 500, Components: 3}, "-I", "-r", "10", "-t", "128,128")
	for _, width := range []int{100, 77, 500, 700} {
		for _, orient := range []tile.Orient{tile.Rotate0, tile.Rotate90, tile.Rotate180} {
			req := tile.Request{Size: image.Pt(width, 0), Orient: orient}
			p, err := encode.Plan(new(tile.Decoder), f, req, encode.JPEG{})
			require.NoError(t, err)
			require.Equal(t, tile.YCbCr8, p.PixelFormat())
			var out bytes.Buffer
			require.NoError(t, encode.JPEG{}.Encode(t.Context(), &out, p))
			c, err := jpeg.DecodeConfig(&out)
			require.NoError(t, err)
			require.Equal(t, p.Size(), image.Pt(c.Width, c.Height))
		}
	}
}
