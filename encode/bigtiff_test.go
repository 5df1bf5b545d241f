package encode

import (
	"bytes"
	"context"
	"image"
	"iter"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/tile"
)

// A whole BigTIFF of a few bytes, which Encode would write as TIFF, is read by
// libtiff.
func TestBigTIFFRead(t *testing.T) {
	path := testimg.ImageMagick(t)
	src := oneStrip{Bounds: image.Rect(0, 0, 301, 907), Format: tile.Gray8, Stride: 301, Pix: randomBytes(301 * 907)}
	for _, c := range []Compression{Uncompressed, Deflate} {
		l := TIFF{Compression: c}.layout(src.Size(), src.Format)
		require.False(t, l.big)
		require.Greater(t, l.count(), 1)
		l.big = true
		var b bytes.Buffer
		if c == Uncompressed {
			require.NoError(t, l.encodePlain(t.Context(), &b, src, Metadata{}))
		} else {
			require.NoError(t, l.encodeDeflate(t.Context(), &b, src, Metadata{}, 6))
		}
		cmd := exec.Command(path, "tiff:-", "-depth", "8", "gray:-")
		cmd.Stdin = bytes.NewReader(b.Bytes())
		out, err := cmd.Output()
		require.NoError(t, err)
		require.Equal(t, src.Pix, out)
	}
}

// A oneStrip is a Source that is one strip.
type oneStrip tile.Strip

func (o oneStrip) Size() image.Point             { return o.Bounds.Size() }
func (o oneStrip) PixelFormat() tile.PixelFormat { return o.Format }
func (o oneStrip) Strips(context.Context) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		s := tile.Strip(o)
		yield(&s, nil)
	}
}
