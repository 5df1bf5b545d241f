package encode_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	stdjpeg "image/jpeg"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

func TestJPEG(t *testing.T) {
	encodetest.Run(t, encode.JPEG{Quality: 95}, encodetest.Options{
		Decode:    stdjpeg.Decode,
		Want:      flattened(color.White),
		Tolerance: 14,
	})
}

// flattened lays pictures with alpha over c.
func flattened(c color.Color) func(image.Image) image.Image {
	return func(img image.Image) image.Image {
		if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
			return img
		}
		flat := image.NewNRGBA64(img.Bounds())
		draw.Draw(flat, flat.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		draw.Draw(flat, flat.Rect, img, image.Point{}, draw.Over)
		return flat
	}
}

// djpeg decodes with the program of libjpeg, as PNM.
func djpeg(t *testing.T, data []byte) []byte {
	t.Helper()
	path, err := exec.LookPath("djpeg")
	if err != nil {
		t.Skip("djpeg is not installed (libjpeg-turbo-progs)")
	}
	cmd := exec.Command(path, "-pnm")
	cmd.Stdin = bytes.NewReader(data)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	require.NoError(t, cmd.Run(), msg.String())
	require.Empty(t, msg.String(), "djpeg warns")
	return out.Bytes()
}

func encodeTo(t testing.TB, f encode.Format, src encode.Source) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, f.Encode(context.Background(), &b, src))
	return b.Bytes()
}

// The bytes must not depend on anything but the picture.
func TestJPEGIndependentOfWorkers(t *testing.T) {
	img := encodetest.Picture(image.Pt(517, 1201), tile.RGB8, 30)
	for _, chroma := range []encode.Chroma{encode.Chroma420, encode.Chroma422, encode.Chroma444} {
		if noCgo && chroma != encode.Chroma420 {
			continue
		}
		one := encodeTo(t, encode.JPEG{Workers: 1, Chroma: chroma}, encodetest.NewSource(img, 1201))
		for _, workers := range []int{2, 3, 16} {
			got := encodeTo(t, encode.JPEG{Workers: workers, Chroma: chroma}, encodetest.NewSource(img, 5, 77))
			require.Equal(t, one, got, "%d workers", workers)
		}
	}
}

func TestJPEGFormats(t *testing.T) {
	size := image.Pt(203, 701)
	for pf := tile.Gray8; pf <= tile.YCbCr8; pf++ {
		for _, chroma := range []encode.Chroma{encode.Chroma420, encode.Chroma422, encode.Chroma444} {
			if (noCgo || testing.Short()) && chroma != encode.Chroma420 {
				continue
			}
			img := encodetest.Picture(size, pf, 0)
			back := color.NRGBA{30, 200, 90, 255}
			data := encodeTo(t, encode.JPEG{Quality: 95, Chroma: chroma, Background: back}, encodetest.NewSource(img, 9))
			got, err := stdjpeg.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			most, at, err := encodetest.Difference(got, flattened(back)(img))
			require.NoError(t, err)
			require.LessOrEqual(t, most, 14*257, "%v %v at %v", pf, chroma, at)
			if y, ok := got.(*image.YCbCr); ok {
				want := map[encode.Chroma]image.YCbCrSubsampleRatio{
					encode.Chroma420: image.YCbCrSubsampleRatio420,
					encode.Chroma422: image.YCbCrSubsampleRatio422,
					encode.Chroma444: image.YCbCrSubsampleRatio444,
				}[chroma]
				require.Equal(t, want, y.SubsampleRatio)
			} else {
				require.IsType(t, &image.Gray{}, got)
			}
			djpeg(t, data)
		}
	}
}

// Chroma that is subsampled already is not made up again.
func TestJPEGKeepsSubsampling(t *testing.T) {
	if noCgo {
		t.Skip("4:2:0 only without cgo")
	}
	for _, tt := range []struct {
		in   image.YCbCrSubsampleRatio
		ask  encode.Chroma
		want image.YCbCrSubsampleRatio
		err  error
	}{
		{image.YCbCrSubsampleRatio420, encode.Chroma444, image.YCbCrSubsampleRatio420, nil},
		{image.YCbCrSubsampleRatio422, encode.Chroma444, image.YCbCrSubsampleRatio422, nil},
		{image.YCbCrSubsampleRatio422, encode.Chroma420, image.YCbCrSubsampleRatio420, nil},
		{image.YCbCrSubsampleRatio440, encode.Chroma444, image.YCbCrSubsampleRatio440, nil},
		{image.YCbCrSubsampleRatio440, encode.Chroma422, image.YCbCrSubsampleRatio420, nil},
		{image.YCbCrSubsampleRatio444, encode.Chroma422, image.YCbCrSubsampleRatio422, nil},
		{image.YCbCrSubsampleRatio411, encode.Chroma444, 0, errors.ErrUnsupported},
	} {
		img := image.NewYCbCr(image.Rect(0, 0, 77, 333), tt.in)
		for i := range img.Y {
			img.Y[i] = byte(i % img.YStride)
		}
		for i := range img.Cb {
			img.Cb[i], img.Cr[i] = byte(100+i%img.CStride), byte(180-i%img.CStride)
		}
		var b bytes.Buffer
		err := encode.JPEG{Chroma: tt.ask, Quality: 95}.Encode(t.Context(), &b, encodetest.NewSource(img, 12))
		require.ErrorIs(t, err, tt.err)
		if err != nil {
			require.Zero(t, b.Len())
			continue
		}
		got, err := stdjpeg.Decode(&b)
		require.NoError(t, err)
		require.Equal(t, tt.want, got.(*image.YCbCr).SubsampleRatio)
		most, at, err := encodetest.Difference(got, img)
		require.NoError(t, err)
		require.LessOrEqual(t, most, 10*257, "%v at %v", tt, at)
	}
}

func TestJPEGRefuses(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 8, 8))
	for _, tt := range []struct {
		name        string
		f           encode.JPEG
		img         image.Image
		unsupported bool
	}{
		{"too wide", encode.JPEG{}, image.NewGray(image.Rect(0, 0, 65501, 1)), true},
		{"too tall", encode.JPEG{}, image.NewGray(image.Rect(0, 0, 1, 65501)), true},
		{"CMYK", encode.JPEG{}, image.NewCMYK(image.Rect(0, 0, 8, 8)), true},
		{"quality 101", encode.JPEG{Quality: 101}, gray, false},
		{"quality -1", encode.JPEG{Quality: -1}, gray, false},
		{"no profile", encode.JPEG{Metadata: encode.Metadata{ICC: make([]byte, 500)}}, gray, false},
		{"RGB profile", encode.JPEG{Metadata: encode.Metadata{ICC: profile("RGB ", 500)}}, gray, true},
		{"long Exif", encode.JPEG{Metadata: encode.Metadata{Exif: make([]byte, 65530)}}, gray, true},
		{"long ICC", encode.JPEG{Metadata: encode.Metadata{ICC: profile("GRAY", 255*65519+1)}}, gray, true},
	} {
		var b bytes.Buffer
		err := tt.f.Encode(t.Context(), &b, encodetest.NewSource(tt.img))
		require.Error(t, err, tt.name)
		require.Equal(t, tt.unsupported, errors.Is(err, errors.ErrUnsupported), "%s: %v", tt.name, err)
		require.Zero(t, b.Len(), tt.name)
	}
}

// profile returns the header of an ICC profile and n-128 bytes of nothing.
func profile(space string, n int) []byte {
	p := make([]byte, n)
	for i := range p[128:] {
		p[128+i] = byte(i * i >> 4)
	}
	copy(p[16:], space)
	copy(p[36:], "acsp")
	return p
}

// The longest sides that libjpeg takes, and an interval that is as long as can be.
func TestJPEGLongSides(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	for _, size := range []image.Point{{65500, 3}, {3, 65500}, {65500, 40}} {
		img := encodetest.Picture(size, tile.Gray8, 0)
		data := encodeTo(t, encode.JPEG{Quality: 90}, encodetest.NewSource(img, 1000))
		got, err := stdjpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		most, _, err := encodetest.Difference(got, img)
		require.NoError(t, err)
		require.LessOrEqual(t, most, 16*257)
		djpeg(t, data)
	}
}

// The header and the first band are flushed while the source still works.
func TestJPEGFirstByteEarly(t *testing.T) {
	img := encodetest.Picture(image.Pt(512, 2048), tile.RGB8, 0)
	src := encodetest.NewSource(img, 64)
	flushed := make(chan struct{}, 100)
	src.Before = func(_ context.Context, n int, r image.Rectangle) error {
		if r.Min.Y == 1024 { // half of the picture is still to come
			select {
			case <-flushed:
			case <-time.After(10 * time.Second):
				return errors.New("nothing was flushed")
			}
		}
		return nil
	}
	require.NoError(t, encode.JPEG{}.Encode(t.Context(), flushWriter{flushed}, src))
}

type flushWriter struct{ flushed chan struct{} }

func (w flushWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w flushWriter) Flush()                      { w.flushed <- struct{}{} }

// A Writer that hangs holds the source back: what is under way is bounded.
func TestJPEGBackpressure(t *testing.T) {
	img := encodetest.Picture(image.Pt(512, 8192), tile.Gray8, 255)
	src := encodetest.NewSource(img, 64)
	release := make(chan struct{})
	pulled := make(chan int, 200)
	src.Before = func(_ context.Context, n int, _ image.Rectangle) error {
		pulled <- n
		return nil
	}
	j := encode.JPEG{Workers: 2}
	done := make(chan error)
	go func() { done <- j.Encode(t.Context(), hangWriter{release}, src) }()
	last := 0
	for idle := false; !idle; {
		select {
		case last = <-pulled:
		case <-time.After(300 * time.Millisecond):
			idle = true
		}
	}
	// Two halves of the buffer, a band being written, two with workers, one
	// filling: of 256 rows and some 100 KB each.
	require.Less(t, last*64, 256*10)
	close(release)
	for range pulled {
		if len(pulled) == 0 {
			break
		}
	}
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("Encode hangs")
	}
}

type hangWriter struct{ release chan struct{} }

func (w hangWriter) Write(p []byte) (int, error) {
	<-w.release
	return len(p), nil
}

func TestJPEGMetadata(t *testing.T) {
	img := encodetest.Picture(image.Pt(30, 30), tile.RGB8, 0)
	src := encodetest.NewSource(img)
	src.Profile = profile("RGB ", 200000)
	src.DPI = 299.7
	exif := []byte("II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	data := encodeTo(t, encode.JPEG{Metadata: encode.Metadata{Exif: exif, XMP: []byte("<x/>")}}, src)
	_, err := stdjpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	djpeg(t, data)

	var icc []byte
	chunks := 0
	segments(t, data, func(marker byte, body []byte) {
		switch {
		case marker == 0xe0:
			require.Equal(t, []byte("JFIF\x00\x01\x02\x01\x01\x2c\x01\x2c\x00\x00"), body)
		case bytes.HasPrefix(body, []byte("Exif\x00\x00")):
			require.Equal(t, exif, body[6:])
		case bytes.HasPrefix(body, []byte("http://ns.adobe.com/xap/1.0/\x00")):
			require.Equal(t, "<x/>", string(body[29:]))
		case marker == 0xe2:
			chunks++
			require.Equal(t, []byte{byte(chunks), 4}, body[12:14])
			icc = append(icc, body[14:]...)
		}
	})
	require.Equal(t, src.Profile, icc)

	// Without anything, and with the profile stripped.
	src.DPI = 0
	data = encodeTo(t, encode.JPEG{Metadata: encode.Metadata{ICC: []byte{}}}, src)
	segments(t, data, func(marker byte, body []byte) {
		require.NotContains(t, []byte{0xe1, 0xe2}, marker)
		if marker == 0xe0 {
			require.Equal(t, []byte("JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00"), body)
		}
	})
}

// XMP that is too long for a segment comes as an extension in pieces, which its
// digest keeps together.
func TestJPEGLongXMP(t *testing.T) {
	const name, extension = "http://ns.adobe.com/xap/1.0/\x00", "http://ns.adobe.com/xmp/extension/\x00"
	src := encodetest.NewSource(encodetest.Picture(image.Pt(30, 30), tile.Gray8, 0))
	for _, n := range []int{65533 - len(name) - 7, 65533 - len(name) - 6, 65533 - 75, 65533 - 74, 200000} {
		body := "<x>" + strings.Repeat("y", n) + "</x>"
		for _, xmp := range []string{body, "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>\n" + body + "  \n  <?xpacket end='w'?>"} {
			data := encodeTo(t, encode.JPEG{Metadata: encode.Metadata{XMP: []byte(xmp)}}, src)
			_, err := stdjpeg.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			var packet, extended, id string
			segments(t, data, func(_ byte, body []byte) {
				if rest, ok := strings.CutPrefix(string(body), name); ok {
					require.Empty(t, packet+extended)
					packet = rest
				}
				if rest, ok := strings.CutPrefix(string(body), extension); ok {
					id = rest[:32]
					require.Contains(t, packet, `xmpNote:HasExtendedXMP="`+id+`"`)
					require.EqualValues(t, len("<x></x>")+n, binary.BigEndian.Uint32([]byte(rest[32:])))
					require.EqualValues(t, len(extended), binary.BigEndian.Uint32([]byte(rest[36:])))
					extended += rest[40:]
				}
			})
			if len(name)+len(xmp) <= 65533 {
				require.Equal(t, xmp, packet)
				require.Empty(t, extended)
				continue
			}
			require.Equal(t, body, extended)
			require.Equal(t, fmt.Sprintf("%X", md5.Sum([]byte(body))), id)
		}
	}
}

// segments calls f with the marker segments before the scan.
func segments(t *testing.T, data []byte, f func(marker byte, body []byte)) {
	for p := data[2:]; p[1] != 0xda; {
		require.EqualValues(t, 0xff, p[0])
		n := int(p[2])<<8 | int(p[3])
		f(p[1], p[4:2+n])
		p = p[2+n:]
	}
}

// What Memory says is not exceeded by much even by noise at quality 100; the
// figure is what servers admit requests by.
func TestJPEGMemory(t *testing.T) {
	size := image.Pt(4096, 100000/4)
	small := encode.Memory(encode.JPEG{Workers: 2}, size, tile.RGB8)
	require.Less(t, small, int64(6<<20))
	require.Equal(t, small, encode.Memory(encode.JPEG{Workers: 2}, size.Mul(1).Add(image.Pt(0, 40000)), tile.RGB8),
		"the height must not matter")
}
