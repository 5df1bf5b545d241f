package encode_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/tile"
)

// decodeTIFF reads with x/image/tiff, which panics on some damaged files and does
// not do CMYK.
func decodeTIFF(r io.Reader) (img image.Image, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("x/image/tiff: %v", p)
		}
	}()
	return tiff.Decode(bytes.NewReader(data))
}

var tiffFormats = []tile.PixelFormat{tile.Gray8, tile.Gray16, tile.RGB8, tile.RGB16, tile.NRGBA8, tile.NRGBA16}

func TestTIFF(t *testing.T) {
	encodetest.Run(t, encode.TIFF{}, encodetest.Options{Decode: decodeTIFF, Formats: tiffFormats})
}

func TestTIFFDeflate(t *testing.T) {
	encodetest.Run(t, encode.TIFF{Compression: encode.Deflate},
		encodetest.Options{Decode: decodeTIFF, Formats: tiffFormats})
}

// A file gets the same bytes as any other Writer, wherever in it they begin.
func TestTIFFDeflateInFile(t *testing.T) {
	img := encodetest.Picture(image.Pt(600, 700), tile.RGB8, 9)
	f := encode.TIFF{Compression: encode.Deflate}
	want := encodeTo(t, f, encodetest.NewSource(img))
	require.Less(t, len(want), 600*700*3)
	name := filepath.Join(t.TempDir(), "x.tif")
	file, err := os.Create(name)
	require.NoError(t, err)
	defer file.Close()
	_, err = file.WriteString("before")
	require.NoError(t, err)
	src := &reserving{Source: encodetest.NewSource(img)}
	require.NoError(t, f.Encode(t.Context(), file, src))
	got, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, append([]byte("before"), want...), got)
	require.Less(t, src.extra, encode.Memory(f, src.Size(), tile.RGB8)-600*700*3,
		"the strips count although they are not held")

	// One that can only be appended to cannot be put right.
	file, err = os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, f.Encode(t.Context(), file, encodetest.NewSource(img)))
	got, err = os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, want, got[6+len(want):])
}

func TestTIFFMetadata(t *testing.T) {
	path, err := exec.LookPath("identify")
	if err != nil {
		t.Skip("identify is not installed (imagemagick)")
	}
	for _, c := range []encode.Compression{encode.Uncompressed, encode.Deflate} {
		src := encodetest.NewSource(encodetest.Picture(image.Pt(31, 17), tile.RGB16, 0))
		src.Profile, src.DPI = profile("RGB ", 1001), 299.5
		data := encodeTo(t, encode.TIFF{Compression: c, Metadata: encode.Metadata{XMP: []byte("<x/>")}}, src)
		require.Equal(t, 1, bytes.Count(data, src.Profile))
		_, err := decodeTIFF(bytes.NewReader(data))
		require.NoError(t, err)
		cmd := exec.Command(path, "-format", "%w %h %z %x %U %[channels]", "tiff:-")
		cmd.Stdin = bytes.NewReader(data)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "31 17 16 299.5 PixelsPerInch")
	}
}

func TestTIFFCMYK(t *testing.T) {
	path := testimg.ImageMagick(t)
	img := encodetest.Picture(image.Pt(50, 40), tile.CMYK8, 30).(*image.CMYK)
	for _, c := range []encode.Compression{encode.Uncompressed, encode.Deflate} {
		data := encodeTo(t, encode.TIFF{Compression: c}, encodetest.NewSource(img))
		cmd := exec.Command(path, "tiff:-", "-depth", "8", "cmyk:-")
		cmd.Stdin = bytes.NewReader(data)
		out, err := cmd.Output()
		require.NoError(t, err)
		require.Equal(t, img.Pix, out)
	}
}

// Beyond 4 GiB the header is that of BigTIFF. Only the beginning is written.
func TestBigTIFF(t *testing.T) {
	for _, c := range []encode.Compression{encode.Uncompressed, encode.Deflate} {
		w := &firstWrite{written: make(chan struct{})}
		stop := errors.New("enough")
		src := &blank{size: image.Pt(100000, 60000), format: tile.Gray8, stop: func() error {
			<-w.written
			return stop
		}}
		require.ErrorIs(t, encode.TIFF{Compression: c}.Encode(t.Context(), w, src), stop)
		require.Equal(t, "MM\x00\x2b\x00\x08\x00\x00", string(w.data[:8]))
	}
}

// A firstWrite is like a file and keeps what is written first.
type firstWrite struct {
	data    []byte
	written chan struct{}
}

func (w *firstWrite) Write(p []byte) (int, error) {
	if w.data == nil {
		w.data = bytes.Clone(p)
		close(w.written)
	}
	return len(p), nil
}
func (w *firstWrite) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (w *firstWrite) Seek(int64, int) (int64, error)         { return 0, nil }

func TestTIFFRefuses(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 8, 8))
	for _, f := range []encode.TIFF{
		{Compression: 7}, {Compression: encode.Deflate, Level: 10}, {Level: 10},
	} {
		err := f.Encode(t.Context(), io.Discard, encodetest.NewSource(gray))
		require.ErrorIs(t, err, tile.ErrRequest)
	}
}
