package images

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	data = flag.String("data", "", "make the images in this folder, and keep them")
	only = flag.String("image", "", "with -data: make only the image of this name")
)

// The picture does not depend on how many processors draw it.
func TestWritePNM(t *testing.T) {
	var one, two, part bytes.Buffer
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	require.NoError(t, WritePNM(&one, 301, 77, 3))
	runtime.GOMAXPROCS(2)
	require.NoError(t, WritePNM(&two, 301, 77, 3))
	require.Equal(t, sha256.Sum256(one.Bytes()), sha256.Sum256(two.Bytes()))
	require.Len(t, one.Bytes(), len("P6\n301 77\n255\n")+301*77*3)

	// Nor do rows on those below them.
	require.NoError(t, WritePNM(&part, 301, 40, 3))
	head := len("P6\n301 40\n255\n")
	require.Equal(t, part.Bytes()[head:], one.Bytes()[head:head+301*40*3])
	require.Error(t, WritePNM(&part, 8, 8, 2))
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
	for _, m := range All {
		if *only != "" && m.Name != *only {
			continue
		}
		start := time.Now()
		path, err := m.File(*data)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		fmt.Printf("%s: %d bytes, %.1f s\n", path, info.Size(), time.Since(start).Seconds())
	}
}
