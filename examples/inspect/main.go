// Command inspect says everything that the headers of a JPEG 2000 image say,
// and what makes it fast or slow to serve.
//
//	inspect [-json] [-index OUT] IN
//
// With -index it also writes the image's index, which crop -index takes so that
// it need not be found out again.
//
// It exits with 0, with 1 when the image is bad (saying what and at which
// offset), and with 2 when it is used wrongly. Of an image whose headers can be
// read but that is damaged further on, the report is printed all the same.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stria-j2k/stria/jp2"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program; its result is the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("inspect", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print JSON instead of text")
	sidecar := flags.String("index", "", "write the index of the image to this `file`")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: inspect [-json] [-index OUT] IN")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
	}
	name := flags.Arg(0)

	file, err := jp2.Open(name)
	if err != nil {
		fmt.Fprintf(stderr, "inspect: %s: %v\n", name, err)
		return 1
	}
	defer file.Close()
	report, damage := examine(ctx, name, file)

	out := bufio.NewWriter(stdout)
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		report.print(out)
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		fmt.Fprintf(stderr, "inspect: %v\n", err)
		return 1
	}
	if *sidecar != "" {
		if err := writeIndex(ctx, *sidecar, file); err != nil {
			fmt.Fprintf(stderr, "inspect: %v\n", err)
			return 1
		}
	}
	if damage != nil {
		fmt.Fprintf(stderr, "inspect: %s: %v\n", name, damage)
		return 1
	}
	return 0
}

// writeIndex writes the index of the image to a file, which exists only when
// all of it is written. Its tag is empty: the size of the codestream and its
// headers tell whether the image is the same.
func writeIndex(ctx context.Context, name string, f *jp2.File) error {
	data, err := f.Index().Sidecar(ctx, "")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), ".index-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // fails once it is renamed
	_, err = temporary.Write(data)
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}
