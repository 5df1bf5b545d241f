package codestream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/internal/corpus"
)

// A corpusFile is a row of the manifest with its data.
type corpusFile struct {
	corpus.Row
	data []byte
	at   Span // of the first codestream
}

// corpusFiles reads the rows of the manifest that have a codestream. Finding it
// takes a walk over the boxes, which must succeed where the file is sound.
func corpusFiles(t testing.TB) []corpusFile {
	t.Helper()
	var files []corpusFile
	for _, row := range corpus.Manifest(t) {
		if !row.Codestream() {
			continue
		}
		data := row.Read(t)
		at, ok := findCodestream(data)
		if !ok {
			require.NotEqual(t, corpus.Decodes, row.Expected, row.Path)
			continue
		}
		files = append(files, corpusFile{row, data, at})
	}
	return files
}

// findCodestream walks the boxes of a JP2 file to its first jp2c.
func findCodestream(data []byte) (Span, bool) {
	if bytes.HasPrefix(data, []byte{0xFF, 0x4F}) {
		return Span{Len: int64(len(data))}, true
	}
	for pos := 0; pos+8 <= len(data); {
		n, head := uint64(binary.BigEndian.Uint32(data[pos:])), 8
		switch {
		case n == 1 && pos+16 <= len(data):
			n, head = binary.BigEndian.Uint64(data[pos+8:]), 16
		case n == 0:
			n = uint64(len(data) - pos)
		}
		if n < uint64(head) {
			return Span{}, false
		}
		n = min(n, uint64(len(data)-pos))
		if string(data[pos+4:pos+8]) == "jp2c" {
			return Span{Off: int64(pos + head), Len: int64(n) - int64(head)}, true
		}
		pos += int(n)
	}
	return Span{}, false
}

// describe is what the header says, in the manifest's words.
func describe(h *Header) corpus.Row {
	c := h.Components[0].ComponentCoding
	d := corpus.Row{
		Width:       h.Bounds.Dx(),
		Height:      h.Bounds.Dy(),
		Components:  len(h.Components),
		Tiles:       h.NumTiles(),
		Tile:        "untiled",
		Layers:      h.Coding.Layers,
		Levels:      c.Levels,
		CodeBlock:   fmt.Sprintf("%dx%d", 1<<c.XCB, 1<<c.YCB),
		Progression: [...]string{"LRCP", "RLCP", "RPCL", "PCRL", "CPRL"}[h.Coding.Progression],
	}
	if d.Tiles > 1 {
		d.Tile = fmt.Sprintf("%dx%d", h.FirstTile.Dx(), h.FirstTile.Dy())
	}
	if h.Coding.MCT {
		d.MCT = 1
	}
	var depth, sub, transform, style, precincts []string
	for _, c := range h.Components {
		sign := "u"
		if c.Signed {
			sign = "s"
		}
		depth = append(depth, strconv.Itoa(c.Depth)+sign)
		sub = append(sub, fmt.Sprintf("%dx%d", c.Sub.X, c.Sub.Y))
		if c.Reversible {
			transform = append(transform, "5/3")
		} else {
			transform = append(transform, "9/7")
		}
	}
	d.Depth, d.Subsampling = squash(depth), squash(sub)
	slices.Sort(transform)
	d.Transform = strings.Join(slices.Compact(transform), "+")
	for i, name := range []string{"BYPASS", "RESET", "TERMALL", "VSC", "PTERM", "SEGSYM", "HT", "HTMIXED"} {
		if c.Style>>i&1 != 0 {
			style = append(style, name)
		}
	}
	d.BlockStyle = strings.Join(style, "+")
	for _, p := range c.Precincts {
		precincts = append(precincts, fmt.Sprintf("%dx%d", 1<<p.PPx, 1<<p.PPy))
	}
	d.Precincts = strings.Join(precincts, " ")
	if !slices.ContainsFunc(precincts, func(s string) bool { return s != "32768x32768" }) {
		d.Precincts = "none"
	}
	return d
}

// squash is one value for a list of the same, as in the manifest.
func squash(list []string) string {
	if len(slices.Compact(slices.Clone(list))) == 1 {
		return list[0]
	}
	if len(list) > 8 {
		return strings.Join(list[:8], ",") + ",..."
	}
	return strings.Join(list, ",")
}

// expect is the part of a row that describe gives, where h can say it.
func expect(row corpus.Row, h *Header) corpus.Row {
	want := corpus.Row{
		Width: row.Width, Height: row.Height, Components: row.Components,
		Depth: row.Depth, Subsampling: row.Subsampling, Tile: row.Tile, Tiles: row.Tiles,
		Levels: row.Levels, Progression: row.Progression, Transform: row.Transform,
		MCT: row.MCT, Layers: row.Layers, CodeBlock: row.CodeBlock,
		BlockStyle: row.BlockStyle, Precincts: row.Precincts,
	}
	got := describe(h)
	if strings.Contains(row.Markers, "COC(") { // COD is no longer to be seen in it
		want.Levels, want.CodeBlock = got.Levels, got.CodeBlock
		want.BlockStyle, want.Precincts = got.BlockStyle, got.Precincts
		want.Transform = got.Transform
	}
	if strings.Contains(row.Markers, "COD(t)") || strings.Contains(row.Markers, "COC(t)") {
		want.Transform, want.Progression = got.Transform, got.Progression
	}
	if row.Components < 3 {
		want.MCT = 0 // meaningless there
	}
	return want
}

func TestCorpusHeaders(t *testing.T) {
	for _, f := range corpusFiles(t) {
		t.Run(f.Path, func(t *testing.T) {
			h, err := ReadHeader(bytes.NewReader(f.data), f.at)
			if f.Expected != corpus.Decodes {
				requireFaultIfAny(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, f.at, h.Span)
			require.Equal(t, expect(f.Row, h), describe(h))
			requireMarkers(t, f.Markers, h)
			if f.Encoder != "" && !strings.Contains(f.Encoder, "?") {
				var text []string
				for _, c := range h.Comments {
					plain := strings.ReplaceAll(string(c.Data), "\x00", "")
					text = append(text, strings.Join(strings.Fields(plain), " "))
				}
				require.Contains(t, strings.Join(text, "\n"), strings.TrimSpace(f.Encoder))
			}
		})
	}
}

// requireMarkers compares the manifest's column of markers with what h has, as
// far as it is about the main header.
func requireMarkers(t *testing.T, column string, h *Header) {
	t.Helper()
	have := make(map[string]bool)
	for _, s := range h.Segments {
		have[s.Marker.String()] = true
	}
	listed := make(map[string]string)
	for m := range strings.FieldsSeq(column) {
		name, where, _ := strings.Cut(strings.TrimSuffix(m, ")"), "(")
		listed[name] = where
	}
	_, sop := listed["SOP"]
	_, eph := listed["EPH"]
	require.Equal(t, [2]bool{sop, eph}, [2]bool{h.Coding.SOP, h.Coding.EPH})
	for _, name := range []string{"TLM", "PLM", "PPM", "CAP"} {
		_, want := listed[name]
		require.Equal(t, want, have[name], name)
	}
	for _, name := range []string{"POC", "RGN", "CRG", "COC", "QCC"} {
		require.Equal(t, strings.Contains(listed[name], "m"), have[name], name)
	}
	require.Equal(t, have["POC"], h.Progressions != nil)
	require.Equal(t, have["CAP"], h.CAP != nil)
	if have["CRG"] {
		require.Len(t, h.Registration, len(h.Components))
	}
}

// walkParts finds the tile-parts as plainly as can be: one after the other, for
// files without faults.
func walkParts(data []byte, at Span, first int64) map[int][]TilePart {
	parts := make(map[int][]TilePart)
	for pos := first; pos+12 <= at.End() && data[pos] == 0xFF && data[pos+1] == 0x90; {
		tile := int(binary.BigEndian.Uint16(data[pos+4:]))
		end := pos + int64(binary.BigEndian.Uint32(data[pos+6:]))
		if end == pos {
			end = at.End()
			if bytes.HasSuffix(data[:end], []byte{0xFF, 0xD9}) {
				end -= 2
			}
		}
		sod := pos
		for data[sod] != 0xFF || data[sod+1] != 0x93 {
			sod += 2 + int64(binary.BigEndian.Uint16(data[sod+2:]))
		}
		parts[tile] = append(parts[tile], TilePart{
			Tile: tile, Part: int(data[pos+10]),
			Header: Span{Off: pos, Len: sod + 2 - pos},
			Body:   Span{Off: sod + 2, Len: end - sod - 2},
		})
		pos = end
	}
	return parts
}

func TestCorpusTileParts(t *testing.T) {
	for _, f := range corpusFiles(t) {
		t.Run(f.Path, func(t *testing.T) {
			h, err := ReadHeader(bytes.NewReader(f.data), f.at)
			if err != nil {
				require.NotEqual(t, corpus.Decodes, f.Expected)
				return
			}
			x := NewIndex(bytes.NewReader(f.data), h)
			if f.Expected != corpus.Decodes {
				for tile := range h.NumTiles() {
					_, err := x.TileParts(t.Context(), tile)
					requireFaultIfAny(t, err)
				}
				return
			}
			want := walkParts(f.data, f.at, h.FirstPart)
			count, hollow := 0, 0
			for tile := range h.NumTiles() {
				parts, err := x.TileParts(t.Context(), tile)
				require.NoError(t, err)
				if len(want[tile]) == 0 {
					hollow++ // with subsampling a tile can be without samples
				}
				require.Equal(t, want[tile], parts)
				count += len(parts)
				coding, err := x.TileCoding(t.Context(), tile)
				require.NoError(t, err)
				require.Len(t, coding.Components, len(h.Components))
			}
			require.Equal(t, f.TileParts, count)
			require.True(t, hollow == 0 || f.Subsampling != "1x1")
		})
	}
}

// TestCorpusDamage truncates and flips the headers of real files, everywhere.
func TestCorpusDamage(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range corpusFiles(t) {
		// One small file for each set of markers.
		if f.Expected != corpus.Decodes || seen[f.Markers] || len(f.data) > 8<<10 {
			continue
		}
		seen[f.Markers] = true
		h, err := ReadHeader(bytes.NewReader(f.data), f.at)
		require.NoError(t, err)
		if h.NumTiles() > 16 {
			continue
		}
		try := func(data []byte) {
			at := Span{Off: f.at.Off, Len: min(f.at.Len, int64(len(data))-f.at.Off)}
			h, err := ReadHeader(bytes.NewReader(data), at)
			if err != nil {
				requireFaultIfAny(t, err)
				return
			}
			x := NewIndex(bytes.NewReader(data), h)
			for tile := range min(h.NumTiles(), 4) {
				_, err := x.TileParts(t.Context(), tile)
				requireFaultIfAny(t, err)
			}
		}
		// A byte past the first tile-part's SOT is the last that matters.
		end := min(int(h.FirstPart)+40, len(f.data))
		for n := int(f.at.Off); n < end; n++ {
			try(f.data[:n])
			bad := bytes.Clone(f.data)
			for bit := range 8 {
				bad[n] = f.data[n] ^ 1<<bit
				try(bad)
			}
		}
	}
}
