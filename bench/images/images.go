// Package images makes the images that the benchmarks decode: a picture drawn
// by this package and compressed with opj_compress (package libopenjp2-tools).
// They are made when first asked for and kept in a folder; the largest take
// opj_compress minutes and gigabytes of memory, so nothing is made in advance.
package images

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// An Image is a file to benchmark with.
type Image struct {
	Name          string // of the file, with its ending
	Width, Height int
	Components    int      // 1 or 3, 8 bits each
	Options       []string // of opj_compress
}

// The options that several images share: what opj_compress writes unless told
// otherwise is six resolutions, LRCP, one layer and code-blocks of 64 x 64.
var (
	lossy     = []string{"-I", "-r", "12"}
	tiles1024 = []string{"-t", "1024,1024", "-TLM"}
	precincts = []string{"-c", "[256,256],[256,256],[256,256],[256,256],[256,256],[256,256]", "-p", "RPCL"}
	plt       = []string{"-PLT"}
)

// The images. Tiled ones are of 35 megapixels, untiled ones of 35 and 201.
var (
	TiledLossy    = rgb35("tiled-lossy-35", lossy, tiles1024)
	TiledLossless = rgb35("tiled-lossless-35", tiles1024)

	UntiledLossy    = rgb35("untiled-lossy-35", lossy)
	UntiledLossless = rgb35("untiled-lossless-35")

	Untiled200          = grey200("untiled-lossy-200", lossy)
	Untiled200PLT       = grey200("untiled-lossy-200-plt", lossy, precincts, plt)
	Untiled200Precincts = grey200("untiled-lossy-200-precincts", lossy, precincts)
	Untiled200Lossless  = grey200("untiled-lossless-200")

	// opj_compress takes some 6 GB for this one.
	Untiled200RGB = named("untiled-lossy-200-rgb", 16384, 12288, 3, [][]string{lossy})
)

// All is every image.
var All = []Image{
	TiledLossy, TiledLossless, UntiledLossy, UntiledLossless,
	Untiled200, Untiled200PLT, Untiled200Precincts, Untiled200Lossless, Untiled200RGB,
}

func rgb35(name string, options ...[]string) Image { return named(name, 7168, 4896, 3, options) }

func grey200(name string, options ...[]string) Image { return named(name, 16384, 12288, 1, options) }

func named(name string, width, height, components int, options [][]string) Image {
	m := Image{Name: name + ".jp2", Width: width, Height: height, Components: components}
	for _, o := range options {
		m.Options = append(m.Options, o...)
	}
	return m
}

// File is the path of the image in the folder dir, where it is made if it is
// not there yet. Another process that makes it at the same time does no harm.
// Without opj_compress the error matches [exec.ErrNotFound].
func (m Image) File(dir string) (string, error) {
	path := filepath.Join(dir, m.Name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	program, err := exec.LookPath("opj_compress")
	if err != nil {
		return "", fmt.Errorf("images: %w (package libopenjp2-tools)", err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(dir, "making")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)

	// opj_compress knows formats by their endings.
	source := filepath.Join(temp, "picture."+map[int]string{1: "pgm", 3: "ppm"}[m.Components])
	if err := m.draw(source); err != nil {
		return "", err
	}
	made := filepath.Join(temp, m.Name)
	args := append([]string{"-i", source, "-o", made, "-threads", strconv.Itoa(runtime.GOMAXPROCS(0))}, m.Options...)
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("images: opj_compress %q: %w\n%s", args, err, out)
	}
	return path, os.Rename(made, path)
}

// draw writes the picture to a file.
func (m Image) draw(name string) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return WritePNM(f, m.Width, m.Height, m.Components)
}
