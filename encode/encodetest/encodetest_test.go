package encodetest_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/tile"
)

var fault = flag.String("fault", "", "what is wrong with the format that TestFaulty tries")

// faults are what a format can do wrong, and the test of the kit that notices.
var faults = map[string]string{
	"writes before the first strip":  "NothingBeforeFirstStrip",
	"goes on when the source fails":  "SourceFails",
	"takes too few rows":             "SourceEndsEarly",
	"goes on when the writer fails":  "WriterFails",
	"ignores short writes":           "ShortWrite",
	"ignores failing flushes":        "FlushFails",
	"ignores the context":            "Cancel",
	"ignores the budget":             "Reserve",
	"keeps strips":                   "Pictures",
	"loses the last row":             "Pictures",
	"depends on the strips":          "Pictures",
	"never flushes":                  "Pictures",
	"leaves a goroutine behind":      "Pictures",
	"writes pictures without pixels": "Empty",
}

// TestRunFindsFaults runs the kit in other processes, where it has to fail.
func TestRunFindsFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("runs fifteen processes")
	}
	try := func(fault string) (string, error) {
		out, err := exec.Command(os.Args[0], "-test.run", "^TestFaulty$", "-test.short", "-fault", fault).CombinedOutput()
		return string(out), err
	}
	out, err := try("none")
	require.NoError(t, err, out)
	for name, test := range faults {
		out, err := try(name)
		require.Error(t, err, "a format that %s passes", name)
		require.Contains(t, out, "--- FAIL: TestFaulty/"+test, name)
	}
}

// TestFaulty is what TestRunFindsFaults runs.
func TestFaulty(t *testing.T) {
	if *fault == "" {
		t.Skip("for TestRunFindsFaults")
	}
	encodetest.Run(t, raw{*fault}, encodetest.Options{Decode: decodeRaw, Largest: image.Pt(40, 200)})
}

// A raw is a format as anybody may make one: a line of text and the pixels.
type raw struct{ fault string }

func (r raw) MediaType() string { return "application/x-raw" }

func (r raw) Encode(ctx context.Context, w io.Writer, src encode.Source) error {
	does := func(fault string) bool { return r.fault == fault }
	size, pf := src.Size(), src.PixelFormat()
	head := fmt.Sprintln(size.X, size.Y, pf.Channels()*pf.Depth()/8)
	write := func(p []byte) error {
		n, err := w.Write(p)
		if n < len(p) && err == nil && !does("ignores short writes") {
			err = io.ErrShortWrite
		}
		if does("goes on when the writer fails") {
			return nil
		}
		return err
	}
	if does("writes before the first strip") || does("writes pictures without pixels") && size.X == 0 {
		write([]byte(head))
		head = ""
	}
	if does("leaves a goroutine behind") {
		go func() { select {} }()
	}
	strips := src.Strips(ctx)
	if s, ok := src.(encode.Reserver); ok && !does("ignores the budget") {
		strips = s.StripsReserving(ctx, 0)
	}
	y := 0
	var kept [][]byte
	for s, err := range strips {
		if does("goes on when the source fails") && err != nil {
			break
		}
		if err == nil && ctx.Err() != nil && !does("ignores the context") {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if err := write([]byte(head)); err != nil {
			return err
		}
		for i := range s.Bounds.Dy() {
			row := s.Pix[i*s.Stride:][:size.X*pf.Channels()*pf.Depth()/8]
			switch y++; {
			case does("keeps strips"):
				kept = append(kept, row)
				continue
			case does("loses the last row") && y == size.Y:
				row = make([]byte, len(row))
			case does("depends on the strips") && i == 0:
				row = append([]byte{row[0] ^ 1}, row[1:]...)
			}
			if err := write(row); err != nil {
				return err
			}
		}
		if f, ok := w.(interface{ FlushError() error }); ok && head != "" && !does("never flushes") {
			if err := f.FlushError(); err != nil && !does("ignores failing flushes") {
				return err
			}
		}
		head = ""
	}
	for _, row := range kept {
		if err := write(row); err != nil {
			return err
		}
	}
	if y == 0 || y < size.Y && !does("takes too few rows") {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// decodeRaw reads what raw writes of Gray8 and RGB8.
func decodeRaw(r io.Reader) (image.Image, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	head, pix, _ := bytes.Cut(data, []byte("\n"))
	var w, h, n int
	if _, err := fmt.Sscan(string(head), &w, &h, &n); err != nil {
		return nil, err
	}
	if len(pix) != w*h*n {
		return nil, errors.New("not as long as it says")
	}
	s := &tile.Strip{Bounds: image.Rect(0, 0, w, h), Format: tile.Gray8, Pix: pix, Stride: w * n}
	if n == 4 {
		s.Format = tile.RGB8
	}
	return s.Image(), nil
}
