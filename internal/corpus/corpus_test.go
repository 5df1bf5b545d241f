package corpus

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCorpusIsWhole checks every file against the manifest's digest, and that
// the two tables agree with each other.
func TestCorpusIsWhole(t *testing.T) {
	listed := map[string]Row{}
	for _, r := range Manifest(t) {
		require.NotContains(t, listed, r.Path, "listed twice")
		listed[r.Path] = r
		require.NoError(t, r.Verify())
		switch r.Expected {
		case Decodes:
			require.NotEmpty(t, r.Pixels, "%s decodes to nothing known", r.Path)
			require.Positive(t, r.Width, r.Path)
		case Rejected, Tolerant, Unsupported, "":
		default:
			t.Errorf("%s: expected %q", r.Path, r.Expected)
		}
	}
	for _, tol := range Tolerances(t) {
		require.Contains(t, listed, tol.Codestream)
		require.Contains(t, listed, tol.Reference)
		require.True(t, listed[tol.Codestream].Codestream(), tol.Codestream)
	}
}

func TestReferencesRead(t *testing.T) {
	for _, tol := range Tolerances(t) {
		p := tol.Plane(t)
		require.Len(t, p.Samples, p.Width*p.Height, tol.Reference)
		peak, mse, err := Compare(p, p)
		require.NoError(t, err)
		require.Zero(t, peak)
		require.Zero(t, mse)
	}
}

func TestParseTable(t *testing.T) {
	const heading = "codestream\treference\tcomponent\treduce\tlayers\tref_width\tref_height\tref_depth\tref_sign\t" +
		"max_peak\tmax_mse\tsource\topj_2.5.0_peak\topj_2.5.0_mse\tnote\n"
	rows, err := parseTable[Tolerance]([]byte(heading + "a.j2k\ta.pgx\t1\t2\t\t3\t4\t12\ts\t5\t0.25\tme\t1\t\t\n"))
	require.NoError(t, err)
	require.Equal(t, []Tolerance{{Codestream: "a.j2k", Reference: "a.pgx", Component: 1, Reduce: 2,
		RefWidth: 3, RefHeight: 4, RefDepth: 12, RefSign: "s", MaxPeak: 5, MaxMSE: 0.25, Source: "me", OpjPeak: "1"}}, rows)

	for name, bad := range map[string]string{
		"a column is missing":   strings.Replace(heading, "\tnote", "", 1),
		"a column is new":       strings.Replace(heading, "note", "remark", 1),
		"a row is short":        heading + "a.j2k\n",
		"a number is not one":   heading + "a.j2k\ta.pgx\tone" + strings.Repeat("\t", 12) + "\n",
		"a column comes twice":  strings.Replace(heading, "reduce", "component", 1),
		"there is nothing here": "",
	} {
		_, err := parseTable[Tolerance]([]byte(bad))
		require.Error(t, err, name)
	}
}

func TestDigest(t *testing.T) {
	// The SHA-256 of "2 1 8 False\n" and the bytes 1 0 0 0 255 0 0 0.
	p := Plane{Width: 2, Height: 1, Depth: 8, Samples: []int32{1, 255}}
	require.Equal(t, "df006adb5e07a0a9", Digest(p))
	signed := p
	signed.Signed = true
	require.NotEqual(t, Digest(p), Digest(signed))
	require.NotEqual(t, Digest(p), Digest(p, p))
}

// The digest is the one the manifest was made with.
func TestDigestOfManifest(t *testing.T) {
	rows := Manifest(t)
	program, err := exec.LookPath("opj_decompress")
	if err != nil {
		t.Skip("no opj_decompress")
	}
	found := 0
	for _, r := range rows {
		if r.Path != "conformance/features/bgr-cdef-16x16.jp2" && r.Path != "conformance/iso/p0_03.j2k" &&
			r.Path != "real/issue411-ycc420.jp2" {
			continue
		}
		found++
		dir := t.TempDir()
		out, err := exec.Command(program, "-i", r.Name, "-o", filepath.Join(dir, "c.pgx")).CombinedOutput()
		require.NoError(t, err, "%s", out)
		var planes []Plane
		for c := range r.Components {
			data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("c_%d.pgx", c)))
			require.NoError(t, err)
			p, err := ParsePGX(data)
			require.NoError(t, err)
			planes = append(planes, p)
		}
		require.Equal(t, r.Pixels, Digest(planes...), r.Path)
	}
	require.Equal(t, 3, found)
}

func TestCompare(t *testing.T) {
	a := Plane{Width: 2, Height: 2, Samples: []int32{0, 10, 20, 30}}
	b := Plane{Width: 2, Height: 2, Samples: []int32{0, 12, 17, 30}}
	peak, mse, err := Compare(a, b)
	require.NoError(t, err)
	require.Equal(t, 3, peak)
	require.Equal(t, 13.0/4, mse)
	_, _, err = Compare(a, Plane{Width: 4, Height: 1, Samples: a.Samples})
	require.Error(t, err)
}
