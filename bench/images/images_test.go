package images

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/bench/rival"
	"github.com/stria-j2k/stria/jp2"
)

var (
	data  = flag.String("data", "", "make the images in this folder, or where figures looks: cache")
	only  = flag.String("image", "", "with -data: make only the image of this name")
	small = flag.Bool("small", false, "with -data: make small ones")
)

// The picture does not depend on how many processors draw it.
func TestWritePNM(t *testing.T) {
	var one, two, deep bytes.Buffer
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	require.NoError(t, WritePNM(&one, 301, 77, 3, 8))
	runtime.GOMAXPROCS(2)
	require.NoError(t, WritePNM(&two, 301, 77, 3, 8))
	require.Equal(t, sha256.Sum256(one.Bytes()), sha256.Sum256(two.Bytes()))
	head := len("P6\n301 77\n255\n")
	require.Len(t, one.Bytes(), head+301*77*3)

	// 16 bits are the same picture, more exactly.
	require.NoError(t, WritePNM(&deep, 301, 77, 3, 16))
	fine := deep.Bytes()[len("P6\n301 77\n65535\n"):]
	for i, v := range one.Bytes()[head:] {
		require.InDelta(t, float64(v), float64(binary.BigEndian.Uint16(fine[2*i:]))/257, 0.51)
	}
	require.Error(t, WritePNM(&deep, 8, 8, 2, 8))
	require.Error(t, WritePNM(&deep, 8, 8, 3, 12))
}

// The picture's neighbours are alike, and its colours too, as a photograph's are.
func TestPictureIsNatural(t *testing.T) {
	const width, height = 640, 448
	var out bytes.Buffer
	require.NoError(t, WritePNM(&out, width, height, 3, 8))
	p := out.Bytes()[len("P6\n640 448\n255\n"):]
	var green, beside, red []float64
	for i := 0; i+3 < len(p); i += 3 {
		red, green = append(red, float64(p[i])), append(green, float64(p[i+1]))
		beside = append(beside, float64(p[i+4]))
	}
	require.Greater(t, correlation(green, beside), 0.85)
	require.Greater(t, correlation(green, red), 0.6)
}

func correlation(a, b []float64) float64 {
	var sa, sb, saa, sbb, sab float64
	for i := range a {
		sa, sb = sa+a[i], sb+b[i]
		saa, sbb, sab = saa+a[i]*a[i], sbb+b[i]*b[i], sab+a[i]*b[i]
	}
	n := float64(len(a))
	return (sab/n - sa/n*sb/n) / math.Sqrt((saa/n-sa/n*sa/n)*(sbb/n-sb/n*sb/n))
}

// A repeated image decodes to repetitions, but for what the wavelet brings over
// the seams.
func TestRepeated(t *testing.T) {
	of := Image{Name: "of.j2k", Width: 300, Height: 280, Components: 3,
		Options: []string{"-n", "3", "-c", "[64,64],[64,64],[32,32]", "-b", "16,16", "-p", "RPCL", "-PLT"}}
	dir := t.TempDir()
	m := Repeated{"repeated.j2k", of, 384, 512}
	path, err := m.File(dir)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	}
	require.NoError(t, err)
	source, err := of.File(dir)
	require.NoError(t, err)
	want, err := rival.OpenJPEG(source, 0, 0)
	require.NoError(t, err)
	got, err := rival.OpenJPEG(path, 0, 0)
	require.NoError(t, err)
	require.Len(t, got, 3)
	for c := range got {
		require.Equal(t, image.Pt(384, 512), image.Pt(got[c].Width, got[c].Height))
		for y := range 512 {
			for x := range 384 {
				// Whole precincts of the lowest resolution reach to 256.
				fx, fy := x%256, y%256
				if min(fx, fy, 255-fx, 255-fy, 383-x) < 16 {
					continue
				}
				require.Equal(t, want[c].Samples[fy*300+fx], got[c].Samples[y*384+x], "%d,%d", x, y)
			}
		}
	}

	// The index has the same packets with and without PLT.
	f, err := jp2.Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Index().Load(t.Context()))

	m.Name, m.Width = "bad.j2k", 400
	_, err = m.File(dir)
	require.Error(t, err)
}

func TestFile(t *testing.T) {
	small := Image{Name: "small.j2k", Width: 100, Height: 60, Components: 3, Options: lossy}
	dir := t.TempDir()
	path, err := small.File(dir)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	}
	require.NoError(t, err)
	first, err := os.Stat(path)
	require.NoError(t, err)
	_, err = small.File(dir)
	require.NoError(t, err)
	again, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, first.ModTime(), again.ModTime(), "made twice")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "temporary files are left")

	bad := small
	bad.Name, bad.Options = "bad.j2k", []string{"-r", "nonsense", "-n", "99"}
	_, err = bad.File(dir)
	require.Error(t, err)
}

// TestMake makes the images in advance, when it is told where.
func TestMake(t *testing.T) {
	if *data == "" {
		t.Skip("only with -data")
	}
	if *data == "cache" {
		*data = Dir()
	}
	for _, m := range All {
		if *small {
			m = m.Small()
		}
		if *only != "" && m.Name != *only {
			continue
		}
		start := time.Now()
		path, err := m.File(*data)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		fmt.Printf("%s: %d bytes, %.2f bits a pixel, %.1f s\n", path, info.Size(),
			8*float64(info.Size())/float64(m.Width*m.Height), time.Since(start).Seconds())
	}
}
