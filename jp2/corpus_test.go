package jp2

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/internal/corpus"
)

// describeColor is what the file says about its colours, in the manifest's
// words.
func describeColor(t *testing.T, f *File) string {
	var parts []string
	for _, c := range f.Colors {
		switch c.Method {
		case Enumerated:
			name := c.Space.String()
			parts = append(parts, fmt.Sprintf("enum:%d(%s)", c.Space, name))
		case RestrictedICC, AnyICC:
			// The manifest counts what is in the box, ICC what is in the profile.
			kind := map[Method]string{RestrictedICC: "restricted", AnyICC: "any"}[c.Method]
			p, err := ParseProfile(c.ICC)
			require.NoError(t, err)
			require.Equal(t, p.Size, int64(len(c.ICC)))
			parts = append(parts, fmt.Sprintf("%s-icc:%s:%d", kind, trimSpaces(p.Space), len(c.ICC)))
		default:
			parts = append(parts, fmt.Sprintf("meth%d", c.Method))
		}
	}
	if f.Palette != nil {
		parts = append(parts, fmt.Sprintf("palette=%dx%d", f.Palette.Entries(), len(f.Palette.Columns)))
	}
	if f.Channels != nil {
		var defs []string
		for _, d := range f.Channels {
			defs = append(defs, fmt.Sprintf("%d:%d:%d", d.Index, d.Type, d.Assoc))
		}
		parts = append(parts, "cdef="+strings.Join(defs, ","))
	}
	return strings.Join(parts, ";")
}

// colorExceptions are rows whose colours are not what the manifest says, which
// counts every box in the file.
var colorExceptions = map[string]string{
	// The third colr is that of the second codestream's layer.
	"real/heliov.jpx": "enum:16(sRGB);enum:16(sRGB);palette=256x3",
}

func TestCorpus(t *testing.T) {
	for _, row := range corpus.Manifest(t) {
		if !row.Codestream() {
			continue
		}
		t.Run(row.Path, func(t *testing.T) {
			data := row.Read(t)
			m := &meter{r: bytes.NewReader(data)}
			f, err := NewFile(m, int64(len(data)))
			if err != nil {
				requireKind(t, err)
				require.NotEqual(t, corpus.Decodes, row.Expected, "%v", err)
				t.Log(row.Expected, err)
				return
			}
			checkFile(t, f)
			if len(f.Warnings) > 0 {
				t.Log(row.Expected, f.Warnings)
			}
			if row.Kind == "malformed" {
				return
			}
			require.Equal(t, row.Container == "codestream", f.Boxes == nil)
			require.Equal(t, image.Pt(row.Width, row.Height), f.Header.Bounds.Size())
			want := row.Color
			if e, ok := colorExceptions[row.Path]; ok {
				want = e
			}
			require.Equal(t, want, describeColor(t, f))
			// Profiles are read, and up to a window per box that is larger.
			icc := 0
			for _, c := range f.Colors {
				icc += len(c.ICC)
			}
			require.LessOrEqual(t, m.reads, 8, "%d reads of %d bytes", m.reads, m.bytes)
			require.LessOrEqual(t, m.bytes, int64(firstRead+icc+(m.reads-1)*2*readAhead)+f.Header.FirstPart-f.Header.Span.Off)
		})
	}
}

// Metadata that are there can be read, and stay unread until then.
func TestCorpusMetadata(t *testing.T) {
	for _, row := range corpus.Manifest(t) {
		if !row.Codestream() || row.Kind == "malformed" {
			continue
		}
		f, err := newFile(row.Read(t))
		if err != nil {
			continue
		}
		for _, b := range f.Boxes {
			switch b.Type {
			case typeUUID:
				_, r, err := f.UUID(b)
				require.NoError(t, err, row.Path)
				n, err := io.Copy(io.Discard, r)
				require.NoError(t, err, row.Path)
				require.Equal(t, b.Payload.Len-16, n, row.Path)
			case typeUinf:
				u, err := f.UUIDInfo(b)
				require.NoError(t, err, row.Path)
				require.NotEmpty(t, u.UUIDs, row.Path)
			}
		}
	}
}
