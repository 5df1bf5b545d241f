// This file calls opj_compress, so that tests and benchmarks get codestreams
// with whatever features its options offer.

package testimg

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// compressed remembers what Compress made, for the life of the test process.
var compressed sync.Map // from string to []byte

// Compress returns the picture compressed with opj_compress and args as a
// "j2k" or "jp2" file. It skips the test when opj_compress is not installed,
// and fails it instead in CI. The result is shared: do not change it.
func Compress(tb testing.TB, s Spec, format string, args ...string) []byte {
	tb.Helper()
	key := fmt.Sprintf("%+v %s %q", s, format, args)
	if data, ok := compressed.Load(key); ok {
		return data.([]byte)
	}
	p := Draw(s)
	dir := tb.TempDir()
	in := filepath.Join(dir, "in.rawl")
	var raw bytes.Buffer
	if err := p.WriteRaw(&raw); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(in, raw.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	args = append([]string{"-F", p.rawFormat()}, args...)
	if p.Sub != nil {
		args = append(args, "-mct", "0")
	}
	out := filepath.Join(dir, "out."+format)
	CompressFile(tb, in, out, args...)
	data, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	compressed.Store(key, data)
	return data
}

// CompressFile runs opj_compress from in to out with args. It skips or fails
// the test as Compress does.
func CompressFile(tb testing.TB, in, out string, args ...string) {
	tb.Helper()
	args = append([]string{"-i", in, "-o", out}, args...)
	message, err := exec.Command(Program(tb, "opj_compress"), args...).CombinedOutput()
	if err != nil {
		tb.Fatalf("opj_compress %s: %v\n%s", strings.Join(args, " "), err, message)
	}
}

// Program returns the path of a program that a test compares with. When it is
// not installed the test skips, or fails where the environment variable CI is
// "true".
func Program(tb testing.TB, name string) string {
	tb.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("%v (run make testdeps)", err)
		}
		tb.Skipf("%v (run make testdeps)", err)
	}
	return program
}

// ImageMagick returns the path of its convert; a test that compares with it skips
// where there is none, or only another program of that name.
func ImageMagick(tb testing.TB) string {
	tb.Helper()
	program, err := exec.LookPath("convert")
	if err != nil {
		tb.Skip("convert is not installed (imagemagick)")
	}
	if version, err := exec.Command(program, "-version").Output(); err != nil || !strings.Contains(string(version), "ImageMagick") {
		tb.Skip("convert is not that of imagemagick")
	}
	return program
}

// rawFormat is the description of the picture's raw file for option -F.
func (p *Picture) rawFormat() string {
	sign := "u"
	if p.Signed {
		sign = "s"
	}
	var f strings.Builder
	f.WriteString(fmt.Sprintf("%d,%d,%d,%d,%s", p.Width, p.Height, p.Components, p.Depth, sign))
	for c, sub := range p.Sub {
		separator := ":"
		if c == 0 {
			separator = "@"
		}
		f.WriteString(fmt.Sprintf("%s%dx%d", separator, sub.X, sub.Y))
	}
	return f.String()
}
