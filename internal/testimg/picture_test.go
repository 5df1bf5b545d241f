package testimg

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pictures are the same on every machine: a digest of the raw form of each kind.
func TestDrawIsTheSameEverywhere(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{Kind: Mixed, Width: 61, Height: 47, Components: 3}, "f5766e00"},
		{Spec{Kind: Gradient, Width: 61, Height: 47, Depth: 12, Signed: true}, "692b6891"},
		{Spec{Kind: Noise, Width: 61, Height: 47, Components: 4, Depth: 16}, "41300fe8"},
		{Spec{Kind: Checkers, Width: 61, Height: 47, Depth: 1}, "c14b24fa"},
		{Spec{Kind: Lettering, Width: 61, Height: 47, Components: 2}, "6b57d2ec"},
		{Spec{Kind: Squares, Width: 100, Height: 50, Components: 3}, "7408384f"},
	} {
		var raw bytes.Buffer
		require.NoError(t, Draw(c.spec).WriteRaw(&raw))
		sum := sha256.Sum256(raw.Bytes())
		require.Equal(t, c.want, hex.EncodeToString(sum[:4]), "%v", c.spec.Kind)
	}
}

func TestSamplesUseTheirRange(t *testing.T) {
	for _, depth := range []int{1, 4, 8, 10, 12, 16, 24, 31} {
		for _, signed := range []bool{false, true} {
			for kind := Mixed; kind <= Squares; kind++ {
				s := Spec{Kind: kind, Width: 64, Height: 64, Depth: depth, Signed: signed}
				low, high := s.Max(), s.Min()
				for _, v := range Draw(s).Planes[0].Samples {
					low, high = min(low, v), max(high, v)
				}
				require.GreaterOrEqual(t, low, s.Min(), "%+v", s)
				require.LessOrEqual(t, high, s.Max(), "%+v", s)
				if depth > 1 {
					require.Less(t, low, high, "%+v is flat", s)
				}
			}
		}
	}
}

func TestSubsampledPlanesAreEverySecondSample(t *testing.T) {
	full := Draw(Spec{Width: 32, Height: 24, Components: 2})
	half := Draw(Spec{Width: 32, Height: 24, Components: 2, Sub: []image.Point{{X: 1, Y: 1}, {X: 2, Y: 4}}})
	require.Equal(t, full.Planes[0], half.Planes[0])
	require.Equal(t, 16, half.Planes[1].Width)
	require.Equal(t, 6, half.Planes[1].Height)
	for i, v := range half.Planes[1].Samples {
		require.Equal(t, full.Planes[1].Samples[i/16*4*32+i%16*2], v)
	}
}

func TestSquaresDiffer(t *testing.T) {
	p := Draw(Spec{Kind: Squares, Width: 1000, Height: 1000, Components: 3})
	seen := map[string]bool{}
	for j := range 10 {
		for i := range 10 {
			at := (j*100+50)*1000 + i*100 + 50
			colour := fmt.Sprint(p.Planes[0].Samples[at], p.Planes[1].Samples[at], p.Planes[2].Samples[at])
			require.False(t, seen[colour], colour)
			seen[colour] = true
			for _, corner := range []int{(j*100)*1000 + i*100, (j*100+99)*1000 + i*100 + 99} {
				require.Equal(t, p.Planes[0].Samples[at], p.Planes[0].Samples[corner])
			}
		}
	}
}

func TestGlyphs(t *testing.T) {
	seen := map[[7]uint8]byte{}
	for ch := range strokes {
		bitmap := glyphs[ch]
		require.NotZero(t, bitmap, "%c is blank", ch)
		if ch != '0' && ch != 'O' {
			require.NotContains(t, seen, bitmap, "%c looks like another", ch)
			seen[bitmap] = ch
		}
	}
}

func TestCompress(t *testing.T) {
	s := Spec{Width: 37, Height: 29, Components: 3}
	data := Compress(t, s, "jp2", "-n", "3")
	require.Equal(t, data, Compress(t, s, "jp2", "-n", "3"))
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.jp2"), filepath.Join(dir, "out.rawl")
	require.NoError(t, os.WriteFile(in, data, 0o600))
	message, err := exec.Command(Program(t, "opj_decompress"), "-i", in, "-o", out).CombinedOutput()
	require.NoError(t, err, "%s", message)
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	var want bytes.Buffer
	require.NoError(t, Draw(s).WriteRaw(&want))
	require.Equal(t, want.Bytes(), got)
}

func TestChart(t *testing.T) {
	m := Chart(320, 240)
	require.Equal(t, image.Rect(0, 0, 320, 240), m.Bounds())
	require.Equal(t, m, Chart(320, 240))
	colours := map[[4]byte]bool{}
	for i := 0; i < len(m.Pix); i += 4 {
		require.EqualValues(t, 255, m.Pix[i+3])
		colours[[4]byte(m.Pix[i:])] = true
	}
	require.Greater(t, len(colours), 5000)
}
