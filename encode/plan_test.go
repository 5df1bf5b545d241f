package encode_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"math"
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

// profiled is a grey image in the colours of a profile.
func profiled(t testing.TB, icc []byte) *jp2.File {
	stream := testimg.Compress(t, testimg.Spec{Width: 64, Height: 48}, "j2k")
	f, err := jp2.NewFile(bytes.NewReader(stream), int64(len(stream)))
	require.NoError(t, err)
	p, err := f.Preamble(f.Bounds().Size(), nil, 0)
	require.NoError(t, err)
	p.Colors, p.UnknownColor = []jp2.Color{{Method: jp2.AnyICC, ICC: icc}}, false
	data, err := p.Append(nil, int64(len(stream)))
	require.NoError(t, err)
	data = append(data, stream...)
	f, err = jp2.NewFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return f
}

// oneTag is a profile for grey with a tag of 12 bytes.
func oneTag(name, data string) []byte {
	p := make([]byte, 128, 156)
	p[3] = 156
	copy(p[12:], "mntrGRAYXYZ ")
	copy(p[36:], "acsp")
	return append(p, "\x00\x00\x00\x01"+name+"\x00\x00\x00\x90\x00\x00\x00\x0c"+data...)
}

// A profile is kept, or there is none to keep: never are there numbers without
// the profile that says what they mean, unless they were asked for.
func TestPlanKeepsColors(t *testing.T) {
	// One tag: a curve without entries, so that numbers are light.
	linear := oneTag("kTRC", "curv\x00\x00\x00\x00\x00\x00\x00\x00")
	light := func(req tile.Request, format encode.Format, f *jp2.File) (*tile.Plan, *image.Gray) {
		p, err := encode.Plan(new(tile.Decoder), f, req, format)
		require.NoError(t, err)
		img, err := p.Image(t.Context())
		require.NoError(t, err)
		return p, img.(*image.Gray)
	}
	f := profiled(t, linear)
	p, kept := light(tile.Request{}, encode.PNG{}, f)
	require.Equal(t, linear, p.ICC())
	for _, format := range []encode.Format{encode.PNM{}, encode.GIF{}} {
		p, img := light(tile.Request{}, format, f)
		require.Nil(t, p.ICC())
		for i, v := range kept.Pix {
			want := 12.92 * float64(v) / 255
			if v > 0 {
				want = 1.055*math.Pow(float64(v)/255, 1/2.4) - 0.055
			}
			require.InDelta(t, 255*want, img.Pix[i], 1)
		}
		p, img = light(tile.Request{Color: tile.IgnoreProfile}, format, f)
		require.Nil(t, p.ICC())
		require.Equal(t, kept.Pix, img.Pix)
	}

	table := oneTag("A2B0", "mft2\x00\x00\x00\x00\x00\x00\x00\x00")
	f = profiled(t, table)
	_, err := encode.Plan(new(tile.Decoder), f, tile.Request{}, encode.GIF{})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	p, _ = light(tile.Request{}, encode.PNG{}, f)
	require.Equal(t, table, p.ICC())
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
			err = encode.JPEG{Quality: 95, Chroma: encode.Chroma444}.Encode(t.Context(), &buf, p)
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip("4:2:0 only without cgo")
			}
			require.NoError(t, err)
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
