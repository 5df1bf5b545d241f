package encode_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

func TestPNM(t *testing.T) {
	encodetest.Run(t, encode.PNM{}, encodetest.Options{Decode: decodePNM})
}

func TestPAM(t *testing.T) {
	encodetest.Run(t, encode.PNM{PAM: true}, encodetest.Options{Decode: decodePNM})
}

func TestPNMHeaders(t *testing.T) {
	for _, tt := range []struct {
		f    tile.PixelFormat
		pam  bool
		want string
	}{
		{tile.Gray8, false, "P5\n3 2\n255\n"},
		{tile.Gray16, false, "P5\n3 2\n65535\n"},
		{tile.RGB8, false, "P6\n3 2\n255\n"},
		{tile.RGB16, false, "P6\n3 2\n65535\n"},
		{tile.NRGBA8, false, "P7\nWIDTH 3\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"},
		{tile.Gray8, true, "P7\nWIDTH 3\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n"},
		{tile.RGB16, true, "P7\nWIDTH 3\nHEIGHT 2\nDEPTH 3\nMAXVAL 65535\nTUPLTYPE RGB\nENDHDR\n"},
	} {
		img := encodetest.Picture(image.Pt(3, 2), tt.f, 20)
		data := encodeTo(t, encode.PNM{PAM: tt.pam}, encodetest.NewSource(img))
		require.True(t, strings.HasPrefix(string(data), tt.want), "%q", data)
		if path, err := exec.LookPath("pamtopam"); err == nil {
			cmd := exec.Command(path)
			cmd.Stdin = bytes.NewReader(data)
			_, err := cmd.Output()
			require.NoError(t, err, "%q", tt.want)
		}
	}
	err := encode.PNM{}.Encode(t.Context(), io.Discard, encodetest.NewSource(image.NewCMYK(image.Rect(0, 0, 1, 1))))
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// decodePNM reads what PNM writes, and fails on trailing bytes.
func decodePNM(r io.Reader) (image.Image, error) {
	br := bufio.NewReader(r)
	var magic, tuple string
	var w, h, depth, maxval int
	if _, err := fmt.Fscanf(br, "%s\n", &magic); err != nil {
		return nil, err
	}
	var err error
	switch magic {
	case "P5", "P6":
		depth = 1
		if magic == "P6" {
			depth = 3
		}
		_, err = fmt.Fscanf(br, "%d %d\n%d\n", &w, &h, &maxval)
	case "P7":
		_, err = fmt.Fscanf(br, "WIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n",
			&w, &h, &depth, &maxval, &tuple)
	default:
		err = fmt.Errorf("magic %q", magic)
	}
	if err != nil {
		return nil, err
	}
	n := 1
	if maxval > 255 {
		n = 2
	}
	pix := make([]byte, w*h*depth*n)
	if _, err := io.ReadFull(br, pix); err != nil {
		return nil, err
	}
	if _, err := br.ReadByte(); err != io.EOF {
		return nil, errors.New("trailing bytes")
	}
	rect := image.Rect(0, 0, w, h)
	if depth == 3 {
		wide := make([]byte, 0, w*h*4*n)
		for i := 0; i < len(pix); i += 3 * n {
			wide = append(append(wide, pix[i:i+3*n]...), bytes.Repeat([]byte{255}, n)...)
		}
		pix, depth = wide, 4
	}
	switch {
	case tuple == "CMYK":
		return &image.CMYK{Pix: pix, Stride: 4 * w, Rect: rect}, nil
	case depth == 1 && n == 1:
		return &image.Gray{Pix: pix, Stride: w, Rect: rect}, nil
	case depth == 1:
		return &image.Gray16{Pix: pix, Stride: 2 * w, Rect: rect}, nil
	case n == 1:
		return &image.NRGBA{Pix: pix, Stride: 4 * w, Rect: rect}, nil
	}
	return &image.NRGBA64{Pix: pix, Stride: 8 * w, Rect: rect}, nil
}
