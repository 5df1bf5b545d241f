// Figures measures what Stria promises: how many bytes, reads, blocks, seconds
// and how much memory its main jobs take, beside OpenJPEG decoding the same
// files in the same process and run.
//
//	figures [-data DIR] [-run REGEXP] [-n RUNS] [-quick] [-crop PROGRAM]
//
// The figures named engines/... compare Stria's engines with each other and with
// OpenJPEG: "-run engines" prints them all, "-run engines -quick" on small images,
// in a minute. "-list" says what figures there are. The one named gigapixels makes
// an image of 2.6 GB, and is left out unless it is asked for.
//
// Images are made when first needed and kept in DIR. Times are medians of runs
// that alternate with the rival's, and only their ratios mean anything. Memory
// is the peak of a process of its own, the crop example.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/stria-j2k/stria/bench/images"
)

// An env is what figures share.
type env struct {
	data  string
	runs  int
	quick bool   // small images
	crop  string // path of the crop example, once it is there
	temp  string // a folder to be removed
	out   *tabwriter.Writer
}

// A figure measures one promise.
type figure struct {
	name string
	run  func(ctx context.Context, e *env) error

	// named says that the figure is only run where -run matches it.
	named bool
}

var figures = []figure{
	{name: "region", run: region},
	{name: "scan", run: scan},
	{name: "tile", run: tiles},
	{name: "cold", run: cold},
	{name: "remote", run: distant},
	{name: "assemble", run: assemble},
	{name: "whole", run: whole},
	{name: "memory", run: memory},
	{name: "first", run: first},
	{name: "overlap", run: overlap},
	{name: "engines/full", run: full},
	{name: "engines/jpeg", run: jpegs},
	{name: "engines/cores", run: cores},
	{name: "engines/cancel", run: cancel},
	{name: "engines/ht", run: highThroughput},
	{name: "engines/blocks", run: kernelBlocks},
	{name: "gigapixels", run: gigapixels, named: true},
}

func main() {
	e := &env{out: tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)}
	flag.StringVar(&e.data, "data", images.Dir(), "`folder` of the images")
	flag.IntVar(&e.runs, "n", 7, "`runs` of what is timed")
	flag.BoolVar(&e.quick, "quick", false, "small images, for the figures of engines")
	flag.StringVar(&e.crop, "crop", "", "the crop `program`; by default it is built")
	only := flag.String("run", "", "only the figures whose names match `regexp`")
	list := flag.Bool("list", false, "only say which figures there are")
	child := flag.String("decode", "", "only write the file that is named as PNM, with the `engine`")
	flag.Parse()
	if *list {
		for _, f := range figures {
			fmt.Println(f.name)
		}
		return
	}
	if *child != "" {
		if err := decodeFile(context.Background(), *child, flag.Arg(0), flag.Arg(1)); err != nil {
			fmt.Fprintln(os.Stderr, "figures:", err)
			os.Exit(1)
		}
		return
	}
	if err := e.all(context.Background(), *only); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func (e *env) all(ctx context.Context, only string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if e.temp, err = os.MkdirTemp("", "figures"); err != nil {
		return err
	}
	defer os.RemoveAll(e.temp)
	for _, f := range figures {
		if !match.MatchString(f.name) || f.named && only == "" {
			continue
		}
		if err := f.run(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		e.out.Flush()
	}
	return nil
}

// cropProgram is the path of the crop example, which is built when first needed.
func (e *env) cropProgram() (string, error) {
	if e.crop == "" {
		e.crop = filepath.Join(e.temp, "crop")
		build := exec.Command("go", "build", "-o", e.crop, "./examples/crop")
		build.Dir = ".."
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
	}
	return e.crop, nil
}

// say prints one line: what, how much, and what it should be.
func (e *env) say(what, target, format string, args ...any) {
	fmt.Fprintf(e.out, "%s\t%s\t%s\n", what, fmt.Sprintf(format, args...), target)
}

// median is the middle one of some durations.
func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}

// versus times two things in turn, after one run of each that does not count,
// and returns their medians.
func (e *env) versus(ours, theirs func() error) (a, b time.Duration, err error) {
	var as, bs []time.Duration
	for i := range e.runs + 1 {
		began := time.Now()
		if err := ours(); err != nil {
			return 0, 0, err
		}
		between := time.Now()
		if err := theirs(); err != nil {
			return 0, 0, err
		}
		if i > 0 {
			as, bs = append(as, between.Sub(began)), append(bs, time.Since(between))
		}
	}
	return median(as), median(bs), nil
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
