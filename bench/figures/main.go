// Figures measures what Stria promises: how many bytes, reads, blocks, seconds
// and how much memory its main jobs take, beside OpenJPEG decoding the same
// files in the same process and run.
//
//	figures [-data DIR] [-run REGEXP] [-n RUNS] [-crop PROGRAM]
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
)

// An env is what figures share.
type env struct {
	data string
	runs int
	crop string // path of the crop example
	out  *tabwriter.Writer
}

// A figure measures one promise.
type figure struct {
	name string
	run  func(ctx context.Context, e *env) error
}

var figures = []figure{
	{"region", region},
	{"scan", scan},
	{"tile", tiles},
	{"cold", cold},
	{"remote", distant},
	{"assemble", assemble},
	{"whole", whole},
	{"memory", memory},
	{"first", first},
	{"overlap", overlap},
	{"cores", cores},
	{"cancel", cancel},
}

func main() {
	e := &env{out: tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)}
	flag.StringVar(&e.data, "data", "data", "`folder` of the images")
	flag.IntVar(&e.runs, "n", 5, "`runs` of what is timed")
	flag.StringVar(&e.crop, "crop", "", "the crop `program`; by default it is built")
	only := flag.String("run", "", "only the figures whose names match `regexp`")
	flag.Parse()
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
	if e.crop == "" {
		dir, err := os.MkdirTemp("", "figures")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		e.crop = filepath.Join(dir, "crop")
		build := exec.Command("go", "build", "-o", e.crop, "./examples/crop")
		build.Dir = ".."
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	for _, f := range figures {
		if !match.MatchString(f.name) {
			continue
		}
		if err := f.run(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		e.out.Flush()
	}
	return nil
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
