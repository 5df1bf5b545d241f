package encode_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
)

// exif is a TIFF structure of two fields: a width and an orientation.
func exif(order interface {
	binary.AppendByteOrder
	String() string
}, orientation uint16) []byte {
	p := []byte("MM")
	if order.String() == "LittleEndian" {
		p = []byte("II")
	}
	p = order.AppendUint16(p, 42)
	p = order.AppendUint32(p, 10)
	p = append(p, 0, 0) // the directory need not come at once
	p = order.AppendUint16(p, 2)
	for tag, value := range []uint16{256: 500, 274: orientation} {
		if value > 0 {
			p = order.AppendUint16(p, uint16(tag))
			p = order.AppendUint16(p, 3)
			p = order.AppendUint32(p, 1)
			p = order.AppendUint16(p, value)
			p = append(p, 0, 0)
		}
	}
	return append(p, 0, 0, 0, 0)
}

// carrying is an image with boxes.
func carrying(t testing.TB, boxes ...jp2.RawBox) *jp2.File {
	f := generated(t, testimg.Spec{Width: 64, Height: 64})
	p, err := f.Preamble(f.Bounds().Size(), nil, 0)
	require.NoError(t, err)
	p.Boxes = boxes
	stream := make([]byte, f.Header.Span.Len)
	_, err = f.Source().ReadAt(stream, f.Header.Span.Off)
	require.NoError(t, err)
	data, err := p.Append(nil, int64(len(stream)))
	require.NoError(t, err)
	data = append(data, stream...)
	f, err = jp2.NewFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return f
}

// Exif and XMP are found in the boxes that writers of JP2 put them into.
func TestMetadataOf(t *testing.T) {
	little, big := exif(binary.LittleEndian, 6), exif(binary.BigEndian, 6)
	prefixed := append([]byte("Exif\x00\x00"), big...)
	xmp := jp2.NewUUID(jp2.XMP, []byte("<x/>"))
	for _, c := range []struct {
		name      string
		boxes     []jp2.RawBox
		exif, xmp []byte
	}{
		{"nothing", nil, nil, nil},
		{"as it is written by most", []jp2.RawBox{jp2.NewUUID(jp2.EXIF, little), xmp}, little, []byte("<x/>")},
		{"with the prefix of a JPEG", []jp2.RawBox{xmp, jp2.NewUUID(jp2.EXIF, prefixed)}, big, []byte("<x/>")},
		{"as Photoshop writes it", []jp2.RawBox{jp2.NewUUID(jp2.AdobeEXIF, big)}, big, nil},
		{"one of two is none", []jp2.RawBox{jp2.NewUUID(jp2.EXIF, []byte("II+\x00\x08\x00\x00\x00")),
			jp2.NewUUID(jp2.AdobeEXIF, little)}, little, nil},
		{"empty", []jp2.RawBox{jp2.NewUUID(jp2.EXIF, nil), jp2.NewUUID(jp2.XMP, nil)}, nil, nil},
	} {
		m, err := encode.MetadataOf(carrying(t, c.boxes...))
		require.NoError(t, err, c.name)
		require.Equal(t, encode.Metadata{Exif: c.exif, XMP: c.xmp}, m, c.name)
	}
	_, err := encode.MetadataOf(carrying(t, jp2.NewUUID(jp2.XMP, make([]byte, 16<<20+1))))
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// A source that ends early is one that fails.
func TestMetadataOfFails(t *testing.T) {
	f := carrying(t, jp2.NewUUID(jp2.EXIF, make([]byte, 1<<20)))
	cut, err := jp2.NewFile(short{f.Source(), 1 << 19}, f.Size())
	if err == nil {
		_, err = encode.MetadataOf(cut)
	}
	require.Error(t, err)
}

// A short is a source that ends too early.
type short struct {
	io.ReaderAt
	size int64
}

func (s short) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.ReaderAt.ReadAt(p[:min(max(s.size-off, 0), int64(len(p)))], off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// What is upright is not to be turned again, and is otherwise as it was.
func TestUpright(t *testing.T) {
	for o := range uint16(9) {
		m := encode.Metadata{Exif: exif(binary.LittleEndian, o), Density: encode.Density{X: 1, Y: 2}}
		want := exif(binary.LittleEndian, min(o, 1)) // 0 leaves the field out
		require.Equal(t, want, m.Upright().Exif)
		require.Equal(t, exif(binary.LittleEndian, o), m.Exif, "the caller's own was changed")
		require.Equal(t, m.Density, m.Upright().Density)
		require.Equal(t, exif(binary.BigEndian, min(o, 1)), encode.Metadata{Exif: exif(binary.BigEndian, o)}.Upright().Exif)
	}
	xmp := []byte(`<a tiff:Orientation="6" b="6"/><tiff:Orientation>3</tiff:Orientation>`)
	m := encode.Metadata{XMP: xmp}
	require.Equal(t, `<a tiff:Orientation="1" b="6"/><tiff:Orientation>1</tiff:Orientation>`, string(m.Upright().XMP))
	require.Contains(t, string(xmp), `"6"`)
}

func FuzzUpright(f *testing.F) {
	f.Add(exif(binary.LittleEndian, 6))
	f.Add(exif(binary.BigEndian, 3))
	f.Add([]byte("II*\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		got := encode.Metadata{Exif: data}.Upright()
		require.Equal(t, before, data)
		require.Len(t, got.Exif, len(data))
		changed := 0
		for i := range data {
			if data[i] != got.Exif[i] {
				changed++
			}
		}
		require.LessOrEqual(t, changed, 2)
		require.Equal(t, got, got.Upright())
	})
}
