// Crop cuts a region out of a JPEG 2000 image and writes it in another format.
//
//	crop [flags] IN
//
// It exits with 0 on success, 1 when the image or the work fails, 2 on bad
// usage. A failed run leaves no output file behind.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/webp"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

func main() {
	ctx, stop := interruptible(context.Background())
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// interruptible returns a context that ends when the program is asked to end, so
// that it can take its unfinished output away first. nohup still works.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signal.NotifyContext(ctx, signals...)
}

// errUsage is what is wrong with the command line.
var errUsage = errors.New("bad usage")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if err == nil {
		err = c.run(ctx, stdout, stderr)
	}
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage) || errors.Is(err, tile.ErrRequest):
		fmt.Fprintln(stderr, "crop:", err)
		return 2
	}
	fmt.Fprintln(stderr, "crop:", err)
	return 1
}

// A command is a parsed command line.
type command struct {
	in, out  string
	index    string
	format   string
	quality  int
	stats    bool
	request  tile.Request
	rotate   int
	mirror   bool
	metadata bool
	jpeg     encode.JPEG
	webp     webp.WebP
	copying  encode.JP2
	budget   tile.Budget
	engine   tile.Engine
}

func parse(args []string, stderr io.Writer) (*command, error) {
	c := new(command)
	fs := flag.NewFlagSet("crop", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: crop [flags] IN")
		fs.PrintDefaults()
	}
	fs.Func("region", "`x,y,w,h` in full-resolution pixels (default everything)", func(s string) error {
		n, err := numbers(s, 4)
		if err != nil {
			return err
		}
		if n[2] == 0 || n[3] == 0 {
			return errors.New("empty region")
		}
		c.request.Region = image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3])
		return nil
	})
	fs.Func("size", "`w,h` of the result; 0 keeps the proportions", func(s string) error {
		n, err := numbers(s, 2)
		if err == nil {
			c.request.Size = image.Pt(n[0], n[1])
		}
		return err
	})
	fs.Func("bands", "components to show, `1,2,3` for the first three as red, green and blue: one is grey,\n"+
		"a second or fourth opacity (default what the image says)", func(s string) error {
		n, err := numbers(s, strings.Count(s, ",")+1)
		for i := range n {
			if n[i]--; n[i] < 0 {
				return errors.New("bands are counted from 1")
			}
		}
		c.request.Bands = n
		return err
	})
	fs.IntVar(&c.request.Reduce, "reduce", 0, "`resolutions` to drop, each halving the image")
	fs.IntVar(&c.request.Layers, "layers", 0, "quality `layers` to decode; 0: all")
	fs.IntVar(&c.quality, "quality", 85, "`quality` of JPEG and WebP, 1 to 100")
	fs.StringVar(&c.format, "format", "", "`jpg|webp|png|pnm|tif|gif|pdf|jp2|j2k`, the last two without decoding; by default from the name of the output")
	fs.StringVar(&c.out, "o", "", "output `file`; - is standard output (default: IN's name with the format's ending)")
	fs.StringVar(&c.index, "index", "", "index of the image, a `file` that inspect -index wrote")
	c.lookFlags(fs)
	c.copyFlags(fs)
	fs.BoolVar(&c.stats, "stats", false, "print what it cost as JSON on standard error")
	fs.Func("budget", "memory for the run, such as `64MiB` (default 512MiB)", func(s string) (err error) {
		c.budget.Bytes, err = byteCount(s)
		return err
	})
	fs.Func("engine", "`native|openjpeg`: what decodes (default native)", func(s string) (err error) {
		switch s {
		case "native":
			c.engine = tile.Native()
		case "openjpeg":
			c.engine, err = openJPEG()
		default:
			err = errors.New("native or openjpeg")
		}
		return err
	})
	fs.IntVar(&c.budget.Workers, "workers", 0, "decode with `n` cores; 0: all")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %v", errUsage, err)
	}
	if fs.NArg() != 1 {
		return nil, fmt.Errorf("%w: one image is wanted", errUsage)
	}
	if c.quality < 1 || c.quality > 100 {
		return nil, fmt.Errorf("%w: quality %d", errUsage, c.quality)
	}
	var err error
	if c.request.Orient, err = c.orient(); err != nil {
		return nil, err
	}
	c.in = fs.Arg(0)
	if c.format == "" {
		c.format = strings.TrimPrefix(filepath.Ext(c.out), ".")
	}
	if c.format == "" {
		c.format = "jpg"
	}
	c.format = strings.ToLower(c.format)
	if c.out == "" {
		c.out = strings.TrimSuffix(c.in, filepath.Ext(c.in)) + "." + c.format
	}
	if _, err := c.encoder(encode.Metadata{}); err != nil {
		return nil, err
	}
	if same(c.in, c.out) {
		return nil, fmt.Errorf("%w: the output would replace the image", errUsage)
	}
	return c, nil
}

// same reports whether two names are of one file. There is none yet for most
// outputs.
func same(a, b string) bool {
	i, err := os.Stat(a)
	if err != nil {
		return false
	}
	j, err := os.Stat(b)
	return err == nil && os.SameFile(i, j)
}

// numbers parses n comma-separated numbers that are not negative.
func numbers(s string, n int) ([]int, error) {
	fields := strings.Split(s, ",")
	if len(fields) != n {
		return nil, fmt.Errorf("%d numbers are wanted", n)
	}
	out := make([]int, n)
	for i, f := range fields {
		v, err := strconv.ParseUint(f, 10, 31)
		if err != nil {
			return nil, err
		}
		out[i] = int(v)
	}
	return out, nil
}

// byteCount parses a number of bytes with an optional unit.
func byteCount(s string) (int64, error) {
	shift := 0
	for unit, n := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if t, ok := strings.CutSuffix(s, unit); ok {
			s, shift = t, n
			break
		}
	}
	v, err := strconv.ParseUint(s, 10, 62-shift)
	if err == nil && v == 0 {
		err = errors.New("nothing")
	}
	return int64(v) << shift, err
}

// encoder is the format asked for, whose files are to hold meta.
func (c *command) encoder(meta encode.Metadata) (encode.Format, error) {
	j := c.jpeg
	j.Quality, j.Workers, j.Metadata = c.quality, c.budget.Workers, meta
	switch c.format {
	case "jpg", "jpeg":
		return j, nil
	case "webp":
		w := c.webp
		w.Quality, w.Metadata = c.quality, meta
		return w, nil
	case "png":
		return encode.PNG{Workers: c.budget.Workers, Metadata: meta}, nil
	case "pnm", "pgm", "ppm", "pam":
		return encode.PNM{PAM: c.format == "pam"}, nil
	case "tif", "tiff":
		return encode.TIFF{Workers: c.budget.Workers, Metadata: meta}, nil
	case "gif":
		return encode.GIF{}, nil
	case "pdf":
		return encode.PDF{JPEG: j}, nil
	}
	if format, ok := c.copier(); ok {
		return format, nil
	}
	return nil, fmt.Errorf("%w: no format %q", errUsage, c.format)
}

func (c *command) run(ctx context.Context, stdout, stderr io.Writer) error {
	m := newMeter()
	f, err := os.Open(c.in)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := jp2.NewFile(&meteredReader{f, m}, info.Size())
	if err != nil {
		return err
	}
	if c.index != "" {
		if err := useIndex(file, c.index); err != nil {
			return err
		}
	}

	meta, err := c.carry(file)
	if err != nil {
		return err
	}
	format, err := c.encoder(meta)
	if err != nil {
		return err
	}
	copier, copying := format.(encode.JP2)
	if copying && c.request.Quality == tile.InColor && c.request.Color == tile.KeepProfile && c.request.Bands == nil {
		c.request.Format = tile.Coded // whatever its colours are
	}
	dec := &tile.Decoder{Engine: c.engine, Budget: &c.budget, Hooks: m.hooks()}
	plan, err := encode.Plan(dec, file, c.request, format)
	if err != nil {
		return err
	}
	for _, w := range plan.Warnings() {
		fmt.Fprintf(stderr, "crop: %s: warning: %v\n", c.in, w)
	}

	if c.out == "-" {
		err = format.Encode(ctx, &meteredWriter{stdout, m}, plan)
	} else {
		err = writeFile(c.out, func(w io.Writer) error {
			return format.Encode(ctx, &meteredWriter{w, m}, plan)
		})
	}
	if err != nil {
		return err
	}
	if c.stats {
		s := m.stats(info.Size(), plan, &c.budget)
		if copying {
			err = s.copied(ctx, copier, plan)
		} else {
			err = s.decoded(ctx, plan)
		}
		if err != nil {
			return err
		}
		return json.NewEncoder(stderr).Encode(s)
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
