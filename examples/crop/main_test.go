package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"github.com/stria-j2k/stria/encode/encodetest"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
)

const sample = "../testdata/sample.jp2"

// crop runs the command and returns its exit code and what it wrote.
func crop(t *testing.T, args ...string) (code int, stdout, stderr []byte) {
	t.Helper()
	var out, log bytes.Buffer
	code = run(t.Context(), args, &out, &log)
	return code, out.Bytes(), log.Bytes()
}

// files lists what is in a directory, hidden files too.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestCropWritesEveryFormat(t *testing.T) {
	for _, format := range []string{"jpg", "webp", "png", "pnm", "tif", "gif", "pdf", "jp2", "j2k"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out."+format)
			args := []string{"-region", "1536,512,512,512", "-o", out, sample}
			code, stdout, stderr := crop(t, args...)
			require.Zero(t, code, "%s", stderr)
			require.Empty(t, stdout)
			require.Empty(t, stderr)
			require.Equal(t, []string{"out." + format}, files(t, dir))
			data, err := os.ReadFile(out)
			require.NoError(t, err)

			code, stdout, stderr = crop(t, "-region", "1536,512,512,512", "-format", format, "-o", "-", sample)
			require.Zero(t, code, "%s", stderr)
			require.True(t, bytes.Equal(data, stdout), "standard output is another file")
			var size image.Point
			switch format {
			case "jpg":
				c, err := jpeg.DecodeConfig(bytes.NewReader(data))
				require.NoError(t, err)
				size = image.Pt(c.Width, c.Height)
			case "webp":
				c, err := webp.DecodeConfig(bytes.NewReader(data))
				require.NoError(t, err)
				size = image.Pt(c.Width, c.Height)
			case "png":
				c, err := png.DecodeConfig(bytes.NewReader(data))
				require.NoError(t, err)
				size = image.Pt(c.Width, c.Height)
			case "tif":
				c, err := tiff.DecodeConfig(bytes.NewReader(data))
				require.NoError(t, err)
				size = image.Pt(c.Width, c.Height)
			case "gif":
				c, err := gif.DecodeConfig(bytes.NewReader(data))
				require.NoError(t, err)
				size = image.Pt(c.Width, c.Height)
			case "pdf":
				_, picture, ok := bytes.Cut(data, []byte("\xFF\xD8"))
				require.True(t, ok && bytes.HasPrefix(data, []byte("%PDF-")))
				c, err := jpeg.DecodeConfig(bytes.NewReader(append([]byte("\xFF\xD8"), picture...)))
				require.NoError(t, err)
				size = image.Pt(c.Width, c.Height)
			case "pnm":
				_, err := fmt.Sscanf(string(data[:20]), "P6\n%d %d", &size.X, &size.Y)
				require.NoError(t, err)
			default:
				f, err := jp2.Open(out)
				require.NoError(t, err)
				require.Equal(t, format == "j2k", f.Boxes == nil)
				size = f.Bounds().Size()
				require.NoError(t, f.Close())
			}
			require.Equal(t, image.Pt(512, 512), size)
		})
	}
}

// Without loss a WebP has the pixels of a PNG; with it, -quality counts.
func TestCropWebP(t *testing.T) {
	write := func(args ...string) []byte {
		args = append([]string{"-region", "1536,512,256,200", "-o", "-"}, args...)
		code, out, stderr := crop(t, append(args, sample)...)
		require.Zero(t, code, "%s", stderr)
		return out
	}
	want, err := png.Decode(bytes.NewReader(write("-format", "png")))
	require.NoError(t, err)
	got, err := webp.Decode(bytes.NewReader(write("-format", "webp", "-lossless")))
	require.NoError(t, err)
	most, _, err := encodetest.Difference(got, want)
	require.NoError(t, err)
	require.Zero(t, most)
	small, large := write("-format", "webp", "-quality", "30"), write("-format", "webp", "-quality", "95")
	require.Less(t, len(small), len(large))
}

// Metadata come along on request, and a picture that is turned is not turned again
// by what they say.
func TestCropMetadata(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.jp2")
	exif := "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
	upright := strings.Replace(exif, "\x06", "\x01", 1)
	box := jp2.NewUUID(jp2.EXIF, []byte(exif))
	data, err := os.ReadFile(sample)
	require.NoError(t, err)
	at := bytes.Index(data, []byte("jp2h")) - 4
	at += int(binary.BigEndian.Uint32(data[at:]))
	head := binary.BigEndian.AppendUint32(bytes.Clone(data[:at]), uint32(8+len(box.Data)))
	head = append(append(head, box.Type...), box.Data...)
	require.NoError(t, os.WriteFile(in, append(head, data[at:]...), 0o600))
	for _, format := range []string{"jpg", "png", "webp", "pdf"} {
		write := func(args ...string) string {
			code, out, stderr := crop(t, append(args, "-size", "64,0", "-format", format, "-o", "-", in)...)
			require.Zero(t, code, "%s", stderr)
			return string(out)
		}
		require.NotContains(t, write(), exif)
		require.Contains(t, write("-metadata"), exif)
		require.Contains(t, write("-metadata", "-rotate", "90"), upright)
		require.Contains(t, write("-metadata", "-mirror"), upright)
	}
}

func TestCropNamesItsOutput(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile(sample)
	require.NoError(t, err)
	in := filepath.Join(dir, "in.jp2")
	require.NoError(t, os.WriteFile(in, data, 0o600))
	code, _, stderr := crop(t, "-size", "40,", "-size", "40,0", in)
	require.Equal(t, 2, code, "%s", stderr) // "40,"
	code, _, stderr = crop(t, "-size", "40,0", in)
	require.Zero(t, code, "%s", stderr)
	require.Equal(t, []string{"in.jp2", "in.jpg"}, files(t, dir))

	code, _, stderr = crop(t, "-size", "40,0", "-o", filepath.Join(dir, "SCAN.PNG"), in)
	require.Zero(t, code, "%s", stderr)
	f, err := os.Open(filepath.Join(dir, "SCAN.PNG"))
	require.NoError(t, err)
	_, err = png.Decode(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	code, _, _ = crop(t, "-format", "jp2", in)
	require.Equal(t, 2, code, "the image would have been replaced")
	left, err := os.ReadFile(in)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, left))
}

// A run that fails says so by its exit code and on standard error, and leaves no
// file behind.
func TestCropFails(t *testing.T) {
	bad := t.TempDir()
	write := func(name string, data []byte) string {
		name = filepath.Join(bad, name)
		require.NoError(t, os.WriteFile(name, data, 0o600))
		return name
	}
	whole, err := os.ReadFile(sample)
	require.NoError(t, err)
	cutOff := write("cut.jp2", whole[:100])
	text := write("text.jp2", []byte("this is not an image, whatever its name says"))

	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no image", nil, 2, "one image"},
		{"two images", []string{sample, sample}, 2, "one image"},
		{"unknown flag", []string{"-what", sample}, 2, "-what"},
		{"region", []string{"-region", "1,2,3", sample}, 2, "4 numbers"},
		{"empty region", []string{"-region", "1,2,0,3", sample}, 2, "empty"},
		{"region outside", []string{"-region", "90000,0,5,5", sample}, 2, "outside"},
		{"size", []string{"-size", "a,b", sample}, 2, "size"},
		{"reduction", []string{"-reduce", "20", sample}, 2, "reduction"},
		{"quality", []string{"-quality", "0", sample}, 2, "quality"},
		{"background", []string{"-background", "fff", sample}, 2, "six"},
		{"background in words", []string{"-background", "yellow", sample}, 2, "six"},
		{"format", []string{"-format", "bmp", sample}, 2, "bmp"},
		{"extent", []string{"-extent", "some", sample}, 2, "some"},
		{"boxes", []string{"-format", "jp2", "-boxes", "jp2h", sample}, 2, "jp2h"},
		{"no such file", []string{filepath.Join(bad, "missing.jp2")}, 1, "missing.jp2"},
		{"truncated", []string{cutOff}, 1, "offset"},
		{"no image at all", []string{text}, 1, "offset 0"},
		{"budget", []string{"-budget", "1", sample}, 1, "over budget"},
		{"no such index", []string{"-index", filepath.Join(bad, "no.idx"), sample}, 1, "no.idx"},
		{"not an index", []string{"-index", text, sample}, 1, "sidecar"},
		{"jp2 between tiles", []string{"-format", "jp2", "-region", "5,5,500,500", sample}, 1, "0,0,512,512"},
		{"jp2 scaled", []string{"-format", "jp2", "-size", "99,0", sample}, 1, "scaled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			code, stdout, stderr := crop(t, append([]string{"-o", filepath.Join(dir, "out.jpg")}, tt.args...)...)
			require.Equal(t, tt.code, code, "%s", stderr)
			require.Contains(t, string(stderr), tt.says)
			require.Empty(t, stdout)
			require.Empty(t, files(t, dir))
		})
	}
	code, _, stderr := crop(t, "-o", filepath.Join(bad, "no", "such", "directory.jpg"), sample)
	require.Equal(t, 1, code)
	require.Contains(t, string(stderr), "no such file")
	code, _, stderr = crop(t, "-h")
	require.Zero(t, code)
	require.Contains(t, string(stderr), "usage: crop")
}

// statistics runs the command with -stats.
func statistics(t *testing.T, args ...string) (Stats, map[string]any) {
	t.Helper()
	code, _, stderr := crop(t, append([]string{"-stats", "-o", filepath.Join(t.TempDir(), "out")}, args...)...)
	require.Zero(t, code, "%s", stderr)
	var s Stats
	require.NoError(t, json.Unmarshal(stderr, &s))
	var all map[string]any
	require.NoError(t, json.Unmarshal(stderr, &all))
	return s, all
}

func TestCropStats(t *testing.T) {
	info, err := os.Stat(sample)
	require.NoError(t, err)
	s, all := statistics(t, "-format", "jpg", "-region", "1536,768,512,256", "-reduce", "1", sample)
	for _, name := range []string{"bytes_read", "reads", "file_bytes", "plan_memory", "budget_peak",
		"peak_rss", "waited_ms", "first_byte_ms", "total_ms", "width", "height", "reduce", "region",
		"blocks", "redecoded_blocks", "damaged"} {
		require.Contains(t, all, name)
	}
	require.Equal(t, info.Size(), s.FileBytes)
	require.Positive(t, s.BytesRead)
	require.Less(t, s.BytesRead, s.FileBytes/2)
	require.Positive(t, s.Reads)
	require.Positive(t, s.Blocks)
	require.Positive(t, s.PlanMemory)
	require.GreaterOrEqual(t, s.BudgetPeak, s.PlanMemory)
	require.Positive(t, s.FirstMS)
	require.GreaterOrEqual(t, s.TotalMS, s.FirstMS)
	require.Equal(t, [3]int{256, 128, 1}, [3]int{s.Width, s.Height, s.Reduce})
	require.Equal(t, [4]int{1536, 768, 512, 256}, s.Region)
	require.Zero(t, s.Damaged)

	s, _ = statistics(t, "-format", "jp2", "-extent", "tiles", "-region", "1536,768,512,256", "-reduce", "1", sample)
	require.Equal(t, [2]int{256, 256}, [2]int{s.Width, s.Height})
	require.Equal(t, [4]int{1536, 512, 512, 512}, s.Region)
	require.Zero(t, s.Blocks)
}

// However little memory there is, no block is decoded twice.
func TestCropDecodesBlocksOnce(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.j2k")
	data := testimg.Compress(t, testimg.Spec{Width: 600, Height: 3000}, "j2k", "-b", "32,32")
	require.NoError(t, os.WriteFile(in, data, 0o600))
	much, _ := statistics(t, "-format", "pnm", "-workers", "1", in)
	little, _ := statistics(t, "-format", "pnm", "-budget", "5MiB", "-workers", "1", in)
	require.Less(t, little.PlanMemory, much.PlanMemory)
	require.Equal(t, much.Blocks, little.Blocks)
	require.Zero(t, little.Redecoded)
	require.Zero(t, much.Redecoded)
}

// With an index the first crop reads no more than the blocks and the headers.
func TestCropWithIndex(t *testing.T) {
	dir := t.TempDir()
	in, index := filepath.Join(dir, "in.j2k"), filepath.Join(dir, "in.idx")
	data := testimg.Compress(t, testimg.Spec{Width: 1500, Height: 1200, Components: 3}, "j2k")
	require.NoError(t, os.WriteFile(in, data, 0o600))
	f, err := jp2.Open(in)
	require.NoError(t, err)
	sidecar, err := f.Index().Sidecar(t.Context(), "")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(index, sidecar, 0o600))

	args := []string{"-format", "png", "-region", "600,500,64,64", in}
	without, _ := statistics(t, args...)
	with, _ := statistics(t, append([]string{"-index", index}, args...)...)
	require.Equal(t, without.Blocks, with.Blocks)
	require.Less(t, with.BytesRead, without.BytesRead/2)
	_, a, _ := crop(t, append([]string{"-o", "-"}, args...)...)
	_, b, _ := crop(t, append([]string{"-o", "-", "-index", index}, args...)...)
	require.True(t, bytes.Equal(a, b))

	code, _, stderr := crop(t, "-o", filepath.Join(dir, "x.jpg"), "-index", index, sample)
	require.Equal(t, 1, code)
	require.Contains(t, string(stderr), "sidecar")
	require.Equal(t, []string{"in.idx", "in.j2k"}, files(t, dir))
}

// What an image does not say rightly is said on standard error, and bands that are
// chosen make it plain.
func TestCropWarns(t *testing.T) {
	data := testimg.Compress(t, testimg.Spec{Width: 64, Height: 48, Components: 3}, "jp2")
	at := bytes.Index(data, []byte("colr"))
	require.Positive(t, at)
	data[at+4] = 77 // METH
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.jp2"), filepath.Join(dir, "out.png")
	require.NoError(t, os.WriteFile(in, data, 0o600))
	code, _, stderr := crop(t, "-o", out, in)
	require.Zero(t, code)
	require.Contains(t, string(stderr), fmt.Sprintf("warning: colr at offset %d: method 77 cannot be used for 3 channels", at-4))
	whole, err := os.ReadFile(out)
	require.NoError(t, err)
	for bands, same := range map[string]bool{"1,2,3": true, "3,2,1": false, "2": false} {
		code, _, stderr := crop(t, "-bands", bands, "-o", out, in)
		require.Zero(t, code)
		require.Empty(t, stderr)
		got, err := os.ReadFile(out)
		require.NoError(t, err)
		require.Equal(t, same, bytes.Equal(whole, got), bands)
	}
	for _, bands := range []string{"0", "4", "", "1,1,1,1,1", "x"} {
		code, _, _ := crop(t, "-bands", bands, "-o", out, in)
		require.Equal(t, 2, code, bands)
	}
	code, _, stderr = crop(t, "-bands", "1", "-o", filepath.Join(dir, "out.jp2"), in)
	require.NotZero(t, code, "%s", stderr)
}
