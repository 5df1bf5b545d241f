package webp_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	xwebp "golang.org/x/image/webp"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/encode/webp"
	"github.com/stria-j2k/stria/tile"
)

// missing skips in a build without libwebp.
func missing(t *testing.T) {
	_, err := webp.WebP{}.Accept(image.Pt(1, 1), tile.RGB8)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
}

func TestWebP(t *testing.T) {
	missing(t)
	encodetest.Run(t, webp.WebP{Quality: 95}, encodetest.Options{
		Decode: xwebp.Decode, Tolerance: 28, Formats: []tile.PixelFormat{tile.RGB8},
	})
}

func TestWebPLossless(t *testing.T) {
	missing(t)
	encodetest.Run(t, webp.WebP{Lossless: true},
		encodetest.Options{Decode: xwebp.Decode, Largest: image.Pt(100, 300)})
}

func TestWebPMetadata(t *testing.T) {
	missing(t)
	icc := make([]byte, 333)
	copy(icc[16:], "RGB ")
	copy(icc[36:], "acsp")
	for _, pf := range []tile.PixelFormat{tile.RGB8, tile.NRGBA8} {
		for _, f := range []webp.WebP{{}, {Lossless: true}} {
			src := encodetest.NewSource(encodetest.Picture(image.Pt(300, 20), pf, 0))
			src.Profile = icc
			f.Metadata = encode.Metadata{Exif: []byte("II*\x00x"), XMP: []byte("<x/>")}
			var b bytes.Buffer
			require.NoError(t, f.Encode(t.Context(), &b, src))
			data := b.Bytes()
			chunks := map[string][]byte{}
			var names []string
			for p := data[12:]; len(p) > 0; {
				n := int(p[4]) | int(p[5])<<8 | int(p[6])<<16
				chunks[string(p[:4])] = p[8 : 8+n]
				names = append(names, string(p[:4]))
				p = p[8+n+n&1:]
			}
			require.Equal(t, "VP8X", names[0])
			require.Equal(t, "ICCP", names[1])
			require.Equal(t, icc, chunks["ICCP"])
			require.Equal(t, "II*\x00x", string(chunks["EXIF"]))
			require.Equal(t, "<x/>", string(chunks["XMP "]))
			require.Equal(t, []byte{43, 1, 0, 19, 0, 0}, chunks["VP8X"][4:])
			got, err := xwebp.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			require.Equal(t, image.Pt(300, 20), got.Bounds().Size())
		}
	}
}

func TestWebPRefuses(t *testing.T) {
	missing(t)
	for _, img := range []image.Image{
		image.NewGray(image.Rect(0, 0, 3, 3)), image.NewNRGBA(image.Rect(0, 0, 1, 16384)),
	} {
		err := webp.WebP{}.Encode(t.Context(), io.Discard, encodetest.NewSource(img))
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
	err := webp.WebP{Quality: 101}.Encode(t.Context(), io.Discard,
		encodetest.NewSource(encodetest.Picture(image.Pt(3, 3), tile.RGB8, 0)))
	require.ErrorIs(t, err, tile.ErrRequest)
}

func BenchmarkWebP(b *testing.B) {
	img := encodetest.Picture(image.Pt(512, 512), tile.RGB8, 12)
	for name, f := range map[string]webp.WebP{"lossy": {}, "lossless": {Lossless: true}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(512 * 512 * 3)
			for b.Loop() {
				require.NoError(b, f.Encode(context.Background(), io.Discard, encodetest.NewSource(img)))
			}
		})
	}
}
