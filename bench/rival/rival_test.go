package rival

import (
	"image"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The codestreams that the OpenJPEG binding is tested with.
func asset(name string) string {
	return filepath.Join("..", "..", "internal", "openjpeg", "testdata", name+".j2k")
}

func TestOpenJPEG(t *testing.T) {
	whole, err := OpenJPEG(asset("rgb"), 0, 0)
	require.NoError(t, err)
	require.Len(t, whole, 3)
	require.Equal(t, 48, whole[0].Width)
	require.Equal(t, 57, whole[0].Height)

	area := image.Rect(5, 6, 40, 30)
	part, err := OpenJPEGWindow(asset("rgb"), area, 0, 2)
	require.NoError(t, err)
	for c, p := range part {
		require.Equal(t, area.Size(), image.Pt(p.Width, p.Height))
		for i, v := range p.Samples {
			x, y := area.Min.X+i%p.Width, area.Min.Y+i/p.Width
			require.Equal(t, whole[c].Samples[y*whole[c].Width+x], v)
		}
	}

	reduced, err := OpenJPEGWindow(asset("rgb"), area, 1, 0)
	require.NoError(t, err)
	require.Equal(t, 17, reduced[0].Width) // from ceil(5/2) to ceil(40/2)
	require.Equal(t, 12, reduced[0].Height)
}

func TestOpenJPEGFails(t *testing.T) {
	_, err := OpenJPEG(filepath.Join(t.TempDir(), "none"), 0, 0)
	require.Error(t, err)
	_, err = OpenJPEG("rival_test.go", 0, 0)
	require.ErrorContains(t, err, "rival_test.go")
}
