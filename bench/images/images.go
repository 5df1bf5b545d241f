// Package images makes the images that the benchmarks decode: a picture drawn
// by this package and compressed with opj_compress (package libopenjp2-tools), or
// with ojph_compress (openjph-tools) for High-Throughput blocks. They are made
// when first asked for and kept in a folder; some take minutes and gigabytes of
// memory, so nothing is made in advance.
package images

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// edition changes with the picture, so that files of another are not taken for it.
const edition = "2"

// Dir is where images are kept unless a folder is named: in the user's cache.
func Dir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "stria-bench", edition)
}

// An Image is a file to benchmark with.
type Image struct {
	Name          string // of the file, with its ending
	Width, Height int
	Components    int      // 1 or 3
	Depth         int      // bits a sample, 8 or 16; 0 is 8
	HT            bool     // has High-Throughput code-blocks
	Options       []string // of opj_compress, or of ojph_compress for HT
}

// The options that several images share: what opj_compress writes unless told
// otherwise is six resolutions, LRCP, one layer and code-blocks of 64 x 64.
//
// Precincts are smaller at the two lowest resolutions, whose code-blocks they do
// not divide either, so that an image can be repeated every 2048 pixels.
var (
	lossy     = []string{"-I", "-r", "12"} // 2 bits a pixel of colour
	lossyGrey = []string{"-I", "-r", "4"}  // and of grey
	tiles1024 = []string{"-t", "1024,1024", "-TLM"}
	precincts = []string{"-p", "RPCL",
		"-c", "[256,256],[256,256],[256,256],[256,256],[128,128],[64,64]"}
	plt = []string{"-PLT"}

	reversibleHT = []string{"-reversible", "true"}
	lossyHT      = []string{"-qstep", "0.015"}
)

// The images of 35 megapixels. Those with PLT have precincts as well.
var (
	TiledLossy    = rgb35("tiled-lossy-35", lossy, tiles1024)
	TiledLossless = rgb35("tiled-lossless-35", tiles1024)

	UntiledLossy       = rgb35("untiled-lossy-35", lossy)
	UntiledLossless    = rgb35("untiled-lossless-35")
	UntiledLossyPLT    = rgb35("untiled-lossy-35-plt", lossy, precincts, plt)
	UntiledLosslessPLT = rgb35("untiled-lossless-35-plt", precincts, plt)

	GreyTiledLossy         = grey35("grey-tiled-lossy-35", lossyGrey, tiles1024)
	GreyTiledLossless      = grey35("grey-tiled-lossless-35", tiles1024)
	GreyUntiledLossyPLT    = grey35("grey-untiled-lossy-35-plt", lossyGrey, precincts, plt)
	GreyUntiledLosslessPLT = grey35("grey-untiled-lossless-35-plt", precincts, plt)

	Deep     = deep(rgb35("deep-tiled-lossless-35", tiles1024))
	DeepGrey = deep(grey35("deep-grey-tiled-lossless-35", tiles1024))

	HTLossless     = ht(rgb35("ht-lossless-35", reversibleHT))
	HTLossy        = ht(rgb35("ht-lossy-35", lossyHT))
	GreyHTLossless = ht(grey35("grey-ht-lossless-35", reversibleHT))
)

// The images of 201 megapixels, untiled.
var (
	Untiled200          = grey200("untiled-lossy-200", lossy)
	Untiled200PLT       = grey200("untiled-lossy-200-plt", lossy, precincts, plt)
	Untiled200Precincts = grey200("untiled-lossy-200-precincts", lossy, precincts)
	Untiled200Lossless  = grey200("untiled-lossless-200")

	// opj_compress takes some 6 GB for this one.
	Untiled200RGB = named("untiled-lossy-200-rgb", 16384, 12288, 3, [][]string{lossy})
)

// All is every image.
var All = []Image{
	TiledLossy, TiledLossless,
	UntiledLossy, UntiledLossless, UntiledLossyPLT, UntiledLosslessPLT,
	GreyTiledLossy, GreyTiledLossless, GreyUntiledLossyPLT, GreyUntiledLosslessPLT,
	Deep, DeepGrey, HTLossless, HTLossy, GreyHTLossless,
	Untiled200, Untiled200PLT, Untiled200Precincts, Untiled200Lossless, Untiled200RGB,
}

func rgb35(name string, options ...[]string) Image {
	return named(name, 7168, 4896, 3, options)
}

func grey35(name string, options ...[]string) Image {
	return named(name, 7168, 4896, 1, options)
}

func grey200(name string, options ...[]string) Image {
	return named(name, 16384, 12288, 1, options)
}

func named(name string, width, height, components int, options [][]string) Image {
	m := Image{Name: name + ".jp2", Width: width, Height: height, Components: components}
	for _, o := range options {
		m.Options = append(m.Options, o...)
	}
	return m
}

func deep(m Image) Image {
	m.Depth = 16
	return m
}

// ht makes an image's file a bare codestream, which is what ojph_compress writes.
func ht(m Image) Image {
	m.HT, m.Name = true, strings.TrimSuffix(m.Name, ".jp2")+".j2c"
	return m
}

// Small is the same kind of image with 4 megapixels, made in seconds.
func (m Image) Small() Image {
	m.Name, m.Width, m.Height = "small-"+m.Name, 2048, 2048
	return m
}

// File is the path of the image in the folder dir, where it is made if it is
// not there yet. Another process that makes it at the same time does no harm.
// Without the program that compresses it the error matches [exec.ErrNotFound].
func (m Image) File(dir string) (string, error) {
	path := filepath.Join(dir, m.Name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	program, from := "opj_compress", "libopenjp2-tools"
	if m.HT {
		program, from = "ojph_compress", "openjph-tools"
	}
	program, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("images: %w (package %s)", err, from)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(dir, "making")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)

	// Both programs know formats by their endings.
	source := filepath.Join(temp, "picture."+map[int]string{1: "pgm", 3: "ppm"}[m.Components])
	if err := m.draw(source); err != nil {
		return "", err
	}
	made := filepath.Join(temp, m.Name)
	args := append([]string{"-i", source, "-o", made}, m.Options...)
	if !m.HT {
		args = append(args, "-threads", strconv.Itoa(runtime.GOMAXPROCS(0)))
	}
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("images: %s %q: %w\n%s", program, args, err, out)
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
	depth := m.Depth
	if depth == 0 {
		depth = 8
	}
	return WritePNM(f, m.Width, m.Height, m.Components, depth)
}
