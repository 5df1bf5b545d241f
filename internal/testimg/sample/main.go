// Command sample draws the chart and compresses it into the sample image that
// ships with the repository, with opj_compress:
//
//	go run ./internal/testimg/sample examples/testdata/sample.jp2
//
// It is tiled, and has tile-part lengths (TLM), packet lengths (PLT) and
// precincts, so that it is cheap to take any part of at any size. An output
// that ends in .png is the picture before compression.
package main

import (
	"bufio"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/stria-j2k/stria/internal/testimg"
)

// options are those of opj_compress that make the sample.
const options = "-I -r 26 -n 6 -t 512,512 -c [256,256],[256,256],[256,256],[256,256],[256,256],[256,256] -p RPCL -TLM -PLT"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sample OUT.jp2|OUT.png")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "sample:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	chart := testimg.Chart(2048, 1536)
	if filepath.Ext(out) == ".png" {
		return writePNG(out, chart)
	}
	dir, err := os.MkdirTemp("", "sample")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	in := filepath.Join(dir, "chart.png")
	if err := writePNG(in, chart); err != nil {
		return err
	}
	args := append([]string{"-i", in, "-o", out}, strings.Fields(options)...)
	fmt.Println("opj_compress", strings.Join(args, " "))
	cmd := exec.Command("opj_compress", args...)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func writePNG(name string, m image.Image) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := png.Encode(w, m); err != nil {
		f.Close()
		return err
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
