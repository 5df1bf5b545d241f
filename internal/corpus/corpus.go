// Package corpus finds and reads the large test data that are not in git: a
// folder of JPEG 2000 files with a MANIFEST.tsv that says of each what it is
// and what must happen to it, and a TOLERANCES.tsv that pairs codestreams with
// reference pictures.
//
// The folder is the one named by the environment variable STRIA_CORPUS, or
// else ../shared/corpus from the root of the module. Tests that need it skip
// when there is none. A file that is listed but missing, or of another size,
// is a failure and not a reason to skip.
package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// Expected is what a full decode of a file must end in.
type Expected string

// What the manifest expects. In every case there is no crash, no hang, and no
// memory out of proportion to the request.
const (
	Decodes     Expected = "decodes"     // every sample
	Rejected    Expected = "rejected"    // an error; single sound tiles may decode
	Tolerant    Expected = "tolerant"    // an error, part of the picture, or all
	Unsupported Expected = "unsupported" // an error or the right samples
)

// A Row is one line of MANIFEST.tsv. A column that is empty is the zero value;
// for malformed files numbers may be nonsense.
type Row struct {
	Path          string   `tsv:"path"`  // slash-separated, in the corpus
	Bytes         int64    `tsv:"bytes"` // size of the file
	SHA256        string   `tsv:"sha256"`
	Kind          string   `tsv:"kind"` // conformance, real, htj2k, malformed; reference, document
	Source        string   `tsv:"source"`
	Licence       string   `tsv:"licence"`
	Container     string   `tsv:"container"` // codestream, jp2, jph, jpx; pgx, ppm, ...
	Width         int      `tsv:"width"`
	Height        int      `tsv:"height"`
	Components    int      `tsv:"components"`
	Depth         string   `tsv:"depth"`       // "8u", or one a component, "8u,8u,2u"
	Subsampling   string   `tsv:"subsampling"` // "1x1", or one a component
	Tile          string   `tsv:"tile"`        // "untiled" or "1024x1024"
	Tiles         int      `tsv:"tiles"`
	TileParts     int      `tsv:"tileparts"`
	Levels        int      `tsv:"levels"`
	Progression   string   `tsv:"progression"`
	Transform     string   `tsv:"transform"` // 5/3, 9/7, both joined by +, part2:...
	MCT           int      `tsv:"mct"`
	Layers        int      `tsv:"layers"`
	CodeBlock     string   `tsv:"codeblock"`  // "64x64"
	BlockStyle    string   `tsv:"cblk_style"` // "BYPASS+TERMALL"
	Precincts     string   `tsv:"precincts"`  // lowest resolution first, or "none"
	Markers       string   `tsv:"markers"`
	Color         string   `tsv:"colour"`
	Encoder       string   `tsv:"encoder"`
	Expected      Expected `tsv:"expected"`
	OpjDecompress string   `tsv:"opj_decompress"` // what Debian's 2.5.0 did
	SecondDecoder string   `tsv:"second_decoder"`
	Pixels        string   `tsv:"pixels"` // Digest of the decoded components
	Note          string   `tsv:"note"`

	Name string // of the file, for package os
}

// Codestream reports whether the row is a JPEG 2000 file: whether anything is
// expected of it.
func (r Row) Codestream() bool { return r.Expected != "" }

// Read returns the contents of the row's file.
func (r Row) Read(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile(r.Name)
	if err != nil {
		tb.Fatalf("corpus: %v", err)
	}
	return data
}

// Verify reads the file and compares its digest with the manifest's.
func (r Row) Verify() error {
	data, err := os.ReadFile(r.Name)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != r.SHA256 {
		return fmt.Errorf("%s: SHA-256 is %s, the manifest says %s", r.Path, got, r.SHA256)
	}
	return nil
}

// A Tolerance is one line of TOLERANCES.tsv: how far one component of a
// decoded codestream may be from a reference picture.
type Tolerance struct {
	Codestream string  `tsv:"codestream"` // slash-separated, in the corpus
	Reference  string  `tsv:"reference"`
	Component  int     `tsv:"component"` // of the codestream
	Reduce     int     `tsv:"reduce"`    // resolutions dropped
	Layers     int     `tsv:"layers"`    // layers decoded; 0 for all
	RefWidth   int     `tsv:"ref_width"`
	RefHeight  int     `tsv:"ref_height"`
	RefDepth   int     `tsv:"ref_depth"`
	RefSign    string  `tsv:"ref_sign"` // "u" or "s"
	MaxPeak    float64 `tsv:"max_peak"` // largest difference of a sample
	MaxMSE     float64 `tsv:"max_mse"`  // mean of squared differences
	Source     string  `tsv:"source"`
	OpjPeak    string  `tsv:"opj_2.5.0_peak"` // what OpenJPEG 2.5.0 scored
	OpjMSE     string  `tsv:"opj_2.5.0_mse"`
	Note       string  `tsv:"note"`

	Name          string // of the codestream, for package os
	ReferenceName string // of the reference picture, for package os
}

// Dir returns the folder of the corpus, or skips the test when there is none.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir := shared(tb, "STRIA_CORPUS", "corpus")
	if _, err := os.Stat(filepath.Join(dir, "MANIFEST.tsv")); err != nil {
		tb.Skipf("no corpus: %v (set STRIA_CORPUS to its folder)", err)
	}
	return dir
}

// Report returns the name of a file of ../shared/reports from the root of the
// module, or of the folder named by STRIA_REPORTS: small images that people reported
// as shown wrongly. It skips the test when there is none.
func Report(tb testing.TB, name string) string {
	tb.Helper()
	name = filepath.Join(shared(tb, "STRIA_REPORTS", "reports"), name)
	if _, err := os.Stat(name); err != nil {
		tb.Skipf("no report: %v (set STRIA_REPORTS to the folder)", err)
	}
	return name
}

// shared is the folder that an environment variable names, or else the one with the
// name in ../shared from the root of the module.
func shared(tb testing.TB, variable, name string) string {
	tb.Helper()
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	root, err := moduleRoot()
	if err != nil {
		tb.Fatalf("corpus: %v", err)
	}
	return filepath.Join(root, "..", "shared", name)
}

// moduleRoot is the nearest folder above the working directory, which for a
// test is its package's, that has a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
}

// Manifest returns the rows of MANIFEST.tsv in their order. It fails the test
// when a file is missing or has another size than the row says, and skips it
// when there is no corpus.
func Manifest(tb testing.TB) []Row {
	tb.Helper()
	dir := Dir(tb)
	rows, err := readTable[Row](filepath.Join(dir, "MANIFEST.tsv"))
	if err != nil {
		tb.Fatalf("corpus: %v", err)
	}
	for i := range rows {
		r := &rows[i]
		r.Name = filepath.Join(dir, filepath.FromSlash(r.Path))
		info, err := os.Stat(r.Name)
		switch {
		case err != nil:
			tb.Errorf("corpus: listed but missing: %v", err)
		case info.Size() != r.Bytes:
			tb.Errorf("corpus: %s has %d bytes, the manifest says %d", r.Path, info.Size(), r.Bytes)
		}
	}
	return rows
}

// Tolerances returns the rows of TOLERANCES.tsv in their order. It skips the
// test when there is no corpus.
func Tolerances(tb testing.TB) []Tolerance {
	tb.Helper()
	dir := Dir(tb)
	rows, err := readTable[Tolerance](filepath.Join(dir, "TOLERANCES.tsv"))
	if err != nil {
		tb.Fatalf("corpus: %v", err)
	}
	for i := range rows {
		r := &rows[i]
		r.Name = filepath.Join(dir, filepath.FromSlash(r.Codestream))
		r.ReferenceName = filepath.Join(dir, filepath.FromSlash(r.Reference))
	}
	return rows
}

// readTable reads a table of tab-separated values with a heading into a slice
// of structs whose fields name their columns. Every column must have a field
// and every field a column, so that a changed manifest is noticed.
func readTable[T any](name string) ([]T, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	rows, err := parseTable[T](data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return rows, nil
}

func parseTable[T any](data []byte) ([]T, error) {
	lines := strings.Split(strings.TrimSuffix(string(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))), "\n"), "\n")
	columns := strings.Split(lines[0], "\t")
	fields, err := columnFields(reflect.TypeFor[T](), columns)
	if err != nil {
		return nil, err
	}
	rows := make([]T, 0, len(lines)-1)
	for n, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) != len(columns) {
			return nil, fmt.Errorf("line %d: %d columns of %d", n+2, len(cells), len(columns))
		}
		var row T
		v := reflect.ValueOf(&row).Elem()
		for i, cell := range cells {
			if err := setField(v.Field(fields[i]), cell); err != nil {
				return nil, fmt.Errorf("line %d, column %s: %w", n+2, columns[i], err)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// columnFields returns for each column the number of the field of t with its
// name.
func columnFields(t reflect.Type, columns []string) ([]int, error) {
	index := map[string]int{}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("tsv"); name != "" {
			index[name] = i
		}
	}
	var fields []int
	for _, c := range columns {
		i, ok := index[c]
		if !ok {
			return nil, fmt.Errorf("column %q is new or named twice", c)
		}
		fields = append(fields, i)
		delete(index, c)
	}
	if len(index) > 0 {
		return nil, fmt.Errorf("columns are missing: %v", index)
	}
	return fields, nil
}

func setField(field reflect.Value, cell string) error {
	if cell == "" {
		return nil
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(cell)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(cell, 10, 64)
		if err != nil {
			return err
		}
		if field.OverflowInt(n) { // nonsense of a malformed file, where int has 32 bits
			n = math.MaxInt32
		}
		field.SetInt(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return err
		}
		field.SetFloat(n)
	default:
		return fmt.Errorf("field of kind %v (bug)", field.Kind())
	}
	return nil
}
