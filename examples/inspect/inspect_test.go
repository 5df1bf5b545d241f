package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/corpus"
	"github.com/stria-j2k/stria/jp2"
)

// inspect runs the program and returns its exit code and what it printed.
func inspect(args ...string) (code int, stdout, stderr string) {
	var out, message bytes.Buffer
	code = run(context.Background(), args, &out, &message)
	return code, out.String(), message.String()
}

const sample = "../testdata/sample.jp2"

func TestSampleAsText(t *testing.T) {
	code, out, message := inspect(sample)
	require.Zero(t, code, message)
	require.Empty(t, message)
	for _, want := range []string{
		"2048 x 1536 pixels", "3: 8 bits unsigned", "sRGB", "4 x 3 of 512 x 512, 12 tile-parts",
		"9/7, 5 levels, components transformed together", "RPCL, 1 layer", "PLT (12) SOT (12)",
		"Created by OpenJPEG", "jp2c", "+ TLM",
	} {
		require.Contains(t, out, want)
	}
}

func TestSampleAsJSON(t *testing.T) {
	code, out, message := inspect("-json", sample)
	require.Zero(t, code, message)
	var r Report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	info, err := os.Stat(sample)
	require.NoError(t, err)
	require.Equal(t, info.Size(), r.Bytes)
	require.Equal(t, 12, r.Codestream.TileParts)
	require.Equal(t, Size{64, 48}, r.Resolutions[len(r.Resolutions)-1])
	require.Len(t, r.Components, 3)
	end := r.Boxes[len(r.Boxes)-1]
	require.Equal(t, info.Size(), end.Offset+end.Bytes)
}

// The index that is written gives the same answers, and reads nothing.
func TestIndex(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sample.index")
	code, _, message := inspect("-index", name, sample)
	require.Zero(t, code, message)
	data, err := os.ReadFile(name)
	require.NoError(t, err)

	f, err := jp2.Open(sample)
	require.NoError(t, err)
	defer f.Close()
	want, err := costs(context.Background(), f)
	require.NoError(t, err)
	counter := &countingReader{r: f.Source()}
	again, err := jp2.NewFile(counter, f.Size())
	require.NoError(t, err)
	opening := counter.reads.Load()
	x, err := codestream.OpenSidecar(counter, again.Header, data, "")
	require.NoError(t, err)
	require.NoError(t, again.SetIndex(x))
	got, err := costs(context.Background(), again)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, opening, counter.reads.Load())
}

func TestIndexThatCannotBeWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none", "sample.index")
	code, _, message := inspect("-index", name, sample)
	require.Equal(t, 1, code)
	require.Contains(t, message, "none")
}

func TestBadUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"a", "b"}, {"-nonsense", sample}} {
		code, out, message := inspect(args...)
		require.Equal(t, 2, code)
		require.Empty(t, out)
		require.Contains(t, message, "usage: inspect")
	}
	code, _, _ := inspect("-h")
	require.Zero(t, code)
}

func TestMissingFile(t *testing.T) {
	code, out, message := inspect(filepath.Join(t.TempDir(), "none.jp2"))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, message, "none.jp2")
}

// A file cut anywhere is a bad image, and the message says where.
func TestTruncatedSample(t *testing.T) {
	data, err := os.ReadFile(sample)
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "cut.jp2")
	for _, size := range []int{0, 1, 11, 12, 40, 84, 90, 140, 200, 400, len(data) / 2, len(data) - 10} {
		require.NoError(t, os.WriteFile(name, data[:size], 0o600))
		code, _, message := inspect(name)
		require.Equal(t, 1, code, "%d bytes", size)
		require.Contains(t, message, "offset", "%d bytes", size)
	}
}

// The corpus manifest was made by another parser: both must see the same.
func TestCorpus(t *testing.T) {
	for i, row := range corpus.Manifest(t) {
		if !row.Codestream() || testing.Short() && i%8 != 0 {
			continue
		}
		code, out, message := inspect("-json", row.Name)
		require.LessOrEqual(t, code, 1, row.Path)
		require.Equal(t, code == 1, message != "", row.Path)
		if row.Expected != corpus.Decodes {
			continue
		}
		require.Zero(t, code, "%s: %s", row.Path, message)
		var r Report
		require.NoError(t, json.Unmarshal([]byte(out), &r), row.Path)
		c := r.Codestream
		require.Equal(t, row.Components, len(r.Components), row.Path)
		require.Equal(t, row.Tiles, c.Tiles, row.Path)
		require.Equal(t, row.Tiles, c.TileGrid.Width*c.TileGrid.Height, row.Path)
		require.Equal(t, row.TileParts, c.TileParts, row.Path)
		require.Equal(t, row.Layers, c.Layers, row.Path)
		require.Equal(t, row.MCT != 0, c.MCT, row.Path)
		require.True(t, strings.HasPrefix(row.Progression, c.Progression), "%s: %s", row.Path, c.Progression)
		require.Equal(t, strings.Contains(row.Markers, "tiles-interleaved"), c.Interleaved, row.Path)
		for _, marker := range []string{"PLT", "TLM", "PPM", "PPT", "POC", "RGN", "CRG"} {
			require.Equal(t, strings.Contains(row.Markers, marker), c.has(marker), "%s: %s", row.Path, marker)
		}
		// The manifest has what COD says, whatever COC may say over it.
		if !strings.Contains(row.Markers, "COC") {
			first := r.Components[0]
			require.Equal(t, row.Levels, first.Levels, row.Path)
			require.Equal(t, row.CodeBlock, narrow(first.CodeBlock), row.Path)
			require.Equal(t, row.BlockStyle, strings.ReplaceAll(first.Style, " ", "+"), row.Path)
			if row.Precincts != "none" {
				require.Equal(t, row.Precincts, strings.ReplaceAll(join(first.Precincts, " "), " x ", "x"), row.Path)
			}
		}
		code, _, message = inspect(row.Name)
		require.Zero(t, code, "%s: %s", row.Path, message)
	}
}

func narrow(s Size) string { return strings.ReplaceAll(s.String(), " ", "") }

// Nothing that a file says reaches the terminal as control characters.
func TestQuote(t *testing.T) {
	require.Equal(t, "[2J red", quote("\x1b[2J\nred\x00"))
	require.Equal(t, "größer", quote("größer"))
	require.Less(t, len(quote(strings.Repeat("x", 10000))), 400)
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		require.Equal(t, want, thousands(n))
	}
}

// Colours that the file does not say rightly are warned of.
func TestInspectWarns(t *testing.T) {
	data, err := os.ReadFile(sample)
	require.NoError(t, err)
	at := bytes.Index(data, []byte("colr"))
	data[at+4] = 77 // METH
	name := filepath.Join(t.TempDir(), "in.jp2")
	require.NoError(t, os.WriteFile(name, data, 0o600))
	code, out, _ := inspect(name)
	require.Zero(t, code)
	require.Contains(t, out, "method 77 cannot be used for 3 channels: the colours are taken for sRGB")
	require.Contains(t, out, "sRGB (assumed)")
}
