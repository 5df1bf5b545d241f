package blocks

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/bench/images"
	"github.com/stria-j2k/stria/bench/rival"
	"github.com/stria-j2k/stria/jp2"
)

// The blocks of an image without transform are an image that decodes to the same
// samples, whatever style they have.
func TestCodestream(t *testing.T) {
	for _, m := range []images.Image{
		{Name: "plain.j2k", Options: []string{"-n", "1"}},
		{Name: "segments.j2k", Options: []string{"-n", "1", "-M", "5"}}, // BYPASS, TERMALL
		{Name: "lossy.j2k", Options: []string{"-n", "1", "-r", "5"}},
		{Name: "ht.j2c", HT: true, Options: []string{"-reversible", "true", "-num_decomps", "0"}},
	} {
		t.Run(m.Name, func(t *testing.T) {
			m.Width, m.Height, m.Components = 256, 256, 1
			dir := t.TempDir()
			path := file(t, m, dir)
			f, err := jp2.Open(path)
			require.NoError(t, err)
			defer f.Close()
			set, err := Take(t.Context(), f)
			require.NoError(t, err)
			require.Len(t, set.Blocks, 16)
			require.Equal(t, m.HT, set.HT)

			want, err := rival.OpenJPEG(path, 0, 0)
			require.NoError(t, err)
			got := decode(t, set, dir)
			for i, v := range want[0].Samples {
				// What is lossy may lie beyond the samples' range, where want is clipped.
				require.EqualValues(t, v, min(max(got.Samples[i]+128, 0), 255))
			}
		})
	}
}

// LH blocks can be taken for LL ones: they are coefficients around zero.
func TestTakeLH(t *testing.T) {
	m := images.Image{Name: "lh.j2k", Width: 700, Height: 400, Components: 3}
	dir := t.TempDir()
	f, err := jp2.Open(file(t, m, dir))
	require.NoError(t, err)
	defer f.Close()
	set, err := Take(context.Background(), f)
	require.NoError(t, err)
	require.Len(t, set.Blocks, 5*3)
	require.Positive(t, set.Bytes())
	got := decode(t, set, dir)
	require.Equal(t, 3*Side, got.Width)
	require.Equal(t, 5*Side, got.Height)
	var sum, most int32
	for _, v := range got.Samples {
		sum, most = sum+v, max(most, v, -v)
	}
	require.InDelta(t, 0, float64(sum)/float64(len(got.Samples)), 2)
	require.Less(t, most, int32(512))
}

func TestTakeNothing(t *testing.T) {
	m := images.Image{Name: "tiny.j2k", Width: 60, Height: 60, Components: 1}
	f, err := jp2.Open(file(t, m, t.TempDir()))
	require.NoError(t, err)
	defer f.Close()
	_, err = Take(t.Context(), f)
	require.Error(t, err)
}

func file(t *testing.T, m images.Image, dir string) string {
	path, err := m.File(dir)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return path
}

func decode(t *testing.T, s *Set, dir string) rival.Plane {
	data, err := s.Codestream()
	require.NoError(t, err)
	path := filepath.Join(dir, "blocks.j2k")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	planes, err := rival.OpenJPEG(path, 0, 0)
	require.NoError(t, err)
	require.Len(t, planes, 1)
	return planes[0]
}

// A byte 0xFF is followed by a bit that says nothing (B.10.1).
func TestBitWriter(t *testing.T) {
	var w bitWriter
	w.put(0xFFFF, 16)
	require.Equal(t, []byte{0xFF, 0x7F, 0x80}, w.end())
	w = bitWriter{}
	w.put(0xFF, 8)
	require.Equal(t, []byte{0xFF, 0}, w.end())
}
