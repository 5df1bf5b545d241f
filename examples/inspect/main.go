// Command inspect says everything that the headers of a JPEG 2000 image say,
// and what makes it fast or slow to serve.
//
//	inspect [-json] IN
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
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: inspect [-json] IN")
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
	if damage != nil {
		fmt.Fprintf(stderr, "inspect: %s: %v\n", name, damage)
		return 1
	}
	return 0
}
