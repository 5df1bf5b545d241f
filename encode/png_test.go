package encode_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	stdpng "image/png"
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

func TestPNG(t *testing.T) {
	encodetest.Run(t, encode.PNG{}, encodetest.Options{Decode: stdpng.Decode})
}

func TestPNGLevels(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	img := encodetest.Picture(image.Pt(250, 900), tile.RGB8, 10)
	size := map[int]int{}
	for _, level := range []int{-1, 1, 4, 9} {
		data := encodeTo(t, encode.PNG{Level: level}, encodetest.NewSource(img, 33))
		one := encodeTo(t, encode.PNG{Level: level, Workers: 1}, encodetest.NewSource(img))
		require.Equal(t, one, data)
		got, err := stdpng.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		most, _, err := encodetest.Difference(got, img)
		require.NoError(t, err)
		require.Zero(t, most)
		size[level] = len(data)
	}
	require.Greater(t, size[-1], 250*900*3)
	require.Less(t, size[1], size[-1])
	require.Less(t, float64(size[9]), 1.001*float64(size[1]))
	require.Error(t, encode.PNG{Level: 10}.Encode(t.Context(), io.Discard, encodetest.NewSource(img)))
}

func TestPNGMetadata(t *testing.T) {
	src := encodetest.NewSource(encodetest.Picture(image.Pt(9, 9), tile.Gray16, 0))
	src.Profile, src.DPI = profile("GRAY", 3000), 300
	data := encodeTo(t, encode.PNG{Metadata: encode.Metadata{Exif: []byte("II*\x00"), XMP: []byte("<x/>")}}, src)
	chunks := map[string][]byte{}
	for p := data[8:]; len(p) > 0; {
		n := binary.BigEndian.Uint32(p)
		require.Equal(t, binary.BigEndian.Uint32(p[8+n:]), crc32.ChecksumIEEE(p[4:8+n]))
		chunks[string(p[4:8])] = p[8 : 8+n]
		p = p[12+n:]
	}
	require.Equal(t, []byte{0, 0, 0, 9, 0, 0, 0, 9, 16, 0, 0, 0, 0}, chunks["IHDR"])
	require.Equal(t, []byte{0, 0, 0x2e, 0x23, 0, 0, 0x2e, 0x23, 1}, chunks["pHYs"]) // 11811 per metre
	require.Equal(t, "II*\x00", string(chunks["eXIf"]))
	require.Equal(t, "XML:com.adobe.xmp\x00\x00\x00\x00\x00<x/>", string(chunks["iTXt"]))
	z, err := zlib.NewReader(bytes.NewReader(chunks["iCCP"][13:]))
	require.NoError(t, err)
	icc, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, src.Profile, icc)

	// libpng reads it too.
	if path, err := exec.LookPath("pngtopnm"); err == nil {
		cmd := exec.Command(path)
		cmd.Stdin = bytes.NewReader(data)
		var msg bytes.Buffer
		cmd.Stderr = &msg
		out, err := cmd.Output()
		require.NoError(t, err, msg.String())
		require.True(t, bytes.HasPrefix(out, []byte("P5\n9 9\n65535\n")))
	}
}

func TestPNGRefuses(t *testing.T) {
	for _, img := range []image.Image{
		image.NewCMYK(image.Rect(0, 0, 3, 3)),
		image.NewYCbCr(image.Rect(0, 0, 3, 3), image.YCbCrSubsampleRatio444),
	} {
		var b bytes.Buffer
		require.ErrorIs(t, encode.PNG{}.Encode(t.Context(), &b, encodetest.NewSource(img)), errors.ErrUnsupported)
		require.Zero(t, b.Len())
	}
}

// At the default level files are no longer than those of image/png.
func TestPNGSize(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	for pf := tile.Gray8; pf <= tile.NRGBA16; pf++ {
		for _, noise := range []int{0, 20} {
			img := encodetest.Picture(image.Pt(150, 200), pf, noise)
			var std bytes.Buffer
			require.NoError(t, stdpng.Encode(&std, img))
			got := len(encodeTo(t, encode.PNG{}, encodetest.NewSource(img)))
			t.Logf("%v with noise %d: %d bytes, image/png %d: %+.2f %%", pf, noise, got, std.Len(),
				100*float64(got-std.Len())/float64(std.Len()))
			require.LessOrEqual(t, got, std.Len())
		}
	}
}

func BenchmarkPNG(b *testing.B) {
	img := encodetest.Picture(image.Pt(1024, 512), tile.RGB8, 12)
	var std bytes.Buffer
	require.NoError(b, stdpng.Encode(&std, img))
	for name, p := range map[string]encode.PNG{
		"stria-1": {Workers: 1}, "stria-2": {Workers: 2},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(1024 * 512 * 3)
			n := 0
			for b.Loop() {
				n = len(encodeTo(b, p, encodetest.NewSource(img, 64)))
			}
			b.ReportMetric(float64(n)/float64(std.Len()), "size/image-png")
		})
	}
	b.Run("image-png", func(b *testing.B) {
		b.SetBytes(1024 * 512 * 3)
		for b.Loop() {
			require.NoError(b, stdpng.Encode(io.Discard, img))
		}
	})
}
