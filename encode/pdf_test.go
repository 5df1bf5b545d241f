package encode_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"image/png"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

func TestPDF(t *testing.T) {
	encodetest.Run(t, encode.PDF{JPEG: encode.JPEG{Quality: 95}}, encodetest.Options{
		Decode: decodePDF, Want: flattened(color.White), Tolerance: 14,
	})
}

var (
	pdfStart  = regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`)
	pdfEntry  = regexp.MustCompile(`^(\d{10}) (\d{5}) ([nf]) \n`)
	pdfLength = regexp.MustCompile(`^8 0 obj\n(\d+)\nendobj\n`)
)

// decodePDF checks the cross-references and decodes the image.
func decodePDF(r io.Reader) (image.Image, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	m := pdfStart.FindSubmatch(data)
	if m == nil {
		return nil, errors.New("no end")
	}
	at, _ := strconv.Atoi(string(m[1]))
	table, ok := bytes.CutPrefix(data[at:], []byte("xref\n0 9\n"))
	if !ok {
		return nil, errors.New("no table")
	}
	offsets := map[int]int{}
	for n := range 9 {
		m := pdfEntry.FindSubmatch(table)
		if m == nil {
			return nil, fmt.Errorf("bad entry %d", n)
		}
		table = table[20:]
		if string(m[3]) == "n" {
			offsets[n], _ = strconv.Atoi(string(m[1]))
			if !bytes.HasPrefix(data[offsets[n]:], fmt.Appendf(nil, "%d 0 obj\n", n)) {
				return nil, fmt.Errorf("no object %d at %d", n, offsets[n])
			}
		}
	}
	m = pdfLength.FindSubmatch(data[offsets[8]:])
	if m == nil {
		return nil, errors.New("no length")
	}
	length, _ := strconv.Atoi(string(m[1]))
	start := bytes.Index(data[offsets[7]:], []byte("\nstream\n"))
	p := data[offsets[7]+start+8:]
	if !bytes.HasPrefix(p[length:], []byte("\nendstream\nendobj\n")) {
		return nil, errors.New("wrong length")
	}
	return stdjpeg.Decode(bytes.NewReader(p[:length]))
}

// Ghostscript shows the page as the picture.
func TestPDFRendered(t *testing.T) {
	path, err := exec.LookPath("gs")
	if err != nil {
		t.Skip("gs is not installed (ghostscript)")
	}
	for _, pf := range []tile.PixelFormat{tile.Gray8, tile.RGB8} {
		src := encodetest.NewSource(encodetest.Picture(image.Pt(300, 150), pf, 0))
		src.DPI = 144
		data := encodeTo(t, encode.PDF{JPEG: encode.JPEG{Quality: 95, Metadata: encode.Metadata{XMP: []byte("<x/>")}}}, src)
		require.Contains(t, string(data), "/MediaBox [0 0 150.000 75.000]")
		cmd := exec.Command(path, "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=png16m", "-r144",
			"-sOutputFile=-", "-")
		cmd.Stdin = bytes.NewReader(data)
		out, err := cmd.Output()
		require.NoError(t, err, "%s", out)
		got, err := png.Decode(bytes.NewReader(out))
		require.NoError(t, err, "%.200s", out)
		want, err := decodePDF(bytes.NewReader(data))
		require.NoError(t, err)
		most, at, err := encodetest.Difference(got, want)
		require.NoError(t, err)
		require.LessOrEqual(t, most, 10*257, "%v", at)
	}
}

func TestPDFProfile(t *testing.T) {
	src := encodetest.NewSource(encodetest.Picture(image.Pt(30000, 3), tile.Gray8, 0))
	src.Profile = profile("GRAY", 999)
	data := encodeTo(t, encode.PDF{}, src)
	require.Equal(t, 1, bytes.Count(data, src.Profile))
	require.Contains(t, string(data), "/ColorSpace [/ICCBased 5 0 R]")
	require.Contains(t, string(data), "/MediaBox [0 0 14400.000 1.440]")
	_, err := decodePDF(bytes.NewReader(data))
	require.NoError(t, err)
}
