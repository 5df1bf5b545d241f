package encode_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	stdpng "image/png"
	"io"
	"iter"
	"maps"
	"os/exec"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/internal/corpus"
	"github.com/stria-j2k/stria/jp2"
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
	chunks := maps.Collect(chunks(t, data))
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

// Bands are as short as if they were one: each refers to as much as 32 KiB of the
// rows above it, be that a part of a row, several bands' rows, or all there are.
func TestPNGBandsReferToRowsAbove(t *testing.T) {
	period := encodetest.Picture(image.Pt(1, 5003), tile.Gray8, 255).(*image.Gray).Pix
	for _, size := range []image.Point{{600000, 5}, {200000, 7}, {30000, 60}, {1000, 1200}, {1, 400000}} {
		if testing.Short() && size.X > 30000 {
			continue
		}
		img := image.NewGray(image.Rectangle{Max: size})
		for i := range img.Pix {
			img.Pix[i] = period[i%len(period)]
		}
		data := encodeTo(t, encode.PNG{Workers: 1}, encodetest.NewSource(img))
		got, err := stdpng.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		require.True(t, bytes.Equal(img.Pix, got.(*image.Gray).Pix), "%v", size)
		for _, workers := range []int{2, 3} {
			again := encodeTo(t, encode.PNG{Workers: workers}, encodetest.NewSource(img, 1, 150))
			require.True(t, bytes.Equal(data, again), "%v with %d workers", size, workers)
		}

		var idat []byte
		for name, chunk := range chunks(t, data) {
			if name == "IDAT" {
				idat = append(idat, chunk...)
			}
		}
		z, err := zlib.NewReader(bytes.NewReader(idat))
		require.NoError(t, err)
		var one bytes.Buffer
		w, err := flate.NewWriter(&one, 8)
		require.NoError(t, err)
		_, err = io.Copy(w, z)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		t.Logf("%v: %d bytes, at once %d", size, len(data), one.Len())
		require.Less(t, float64(len(data)), 1.01*float64(one.Len())+200, "%v", size)
	}
}

// chunks yields the chunks of a PNG.
func chunks(t *testing.T, data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for p := data[8:]; len(p) > 0; {
			n := binary.BigEndian.Uint32(p)
			require.Equal(t, binary.BigEndian.Uint32(p[8+n:]), crc32.ChecksumIEEE(p[4:8+n]))
			if !yield(string(p[4:8]), p[8:8+n]) {
				return
			}
			p = p[12+n:]
		}
	}
}

// At the default level files are about as long as those of image/png: none of
// these by more than 1 %, and all together no longer.
func TestPNGSize(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	var c comparison
	for pf := tile.Gray8; pf <= tile.NRGBA16; pf++ {
		for _, noise := range []int{0, 20} {
			img := encodetest.Picture(image.Pt(150, 200), pf, noise)
			c.add(t, fmt.Sprintf("%v with noise %d", pf, noise), img, 1.01)
		}
	}
	require.LessOrEqual(t, c.got, c.std)
}

// The same with real images, of which the worst was 4.6 % longer, a dark photograph,
// and all together were 0.7 % shorter.
func TestPNGSizeOfRealImages(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	var c comparison
	for _, r := range corpus.Manifest(t) {
		if r.Kind == "real" && r.Expected == corpus.Decodes {
			c.add(t, r.Path, middle(t, r.Name, image.Pt(640, 480)), 1.05)
		}
	}
	t.Logf("%+.2f %% in all", 100*float64(c.got-c.std)/float64(c.std))
	require.LessOrEqual(t, c.got, c.std)
}

// A comparison is how long files are and how long those of image/png, in bytes.
type comparison struct{ got, std int }

// add adds a picture, whose file may be at most limit times as long.
func (c *comparison) add(t *testing.T, name string, img image.Image, limit float64) {
	t.Helper()
	var std bytes.Buffer
	require.NoError(t, stdpng.Encode(&std, img))
	got := len(encodeTo(t, encode.PNG{}, encodetest.NewSource(img)))
	ratio := float64(got) / float64(std.Len())
	t.Logf("%s: %d bytes, %+.2f %%", name, got, 100*(ratio-1))
	require.LessOrEqual(t, ratio, limit, name)
	c.got += got
	c.std += std.Len()
}

// middle is the middle of a JPEG 2000 file, no larger than most, in the type of
// image that package image encodes fastest.
func middle(tb testing.TB, name string, most image.Point) image.Image {
	tb.Helper()
	f, err := jp2.Open(name)
	require.NoError(tb, err)
	defer f.Close()
	size := f.Bounds().Size()
	part := image.Pt(min(size.X, most.X), min(size.Y, most.Y))
	at := size.Sub(part).Div(2)
	req := tile.Request{Region: image.Rectangle{Min: at, Max: at.Add(part)}}
	plan, err := encode.Plan(new(tile.Decoder), f, req, encode.PNG{})
	require.NoError(tb, err)
	var img image.Image
	collect := func(_ io.Writer, m image.Image) error {
		img = m
		return nil
	}
	require.NoError(tb, encode.Whole(tb.Context(), io.Discard, plan, 0, collect))
	return img
}
