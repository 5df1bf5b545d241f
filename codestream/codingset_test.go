package codestream

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// styled is a coding that is told from others by its style.
func styled(s BlockStyle) ComponentCoding {
	c := testHeader().Components[0].ComponentCoding
	c.Style = s
	return c
}

// TestPrecedence holds each component of a tile to the segment that wins: every
// segment leaves a mark of its own (A.6.1 to A.6.5).
func TestPrecedence(t *testing.T) {
	mainCOC := appendCOC(nil, 3, 1, styled(VSC))
	tileCOD := appendCOD(nil, Coding{Layers: 7}, styled(Reset))
	tileCOC := appendCOC(nil, 3, 2, styled(SegSym))
	mainQCC := appendQCC(nil, 3, 1, testQuant(2, 9))
	tileQCD := appendQCD(nil, testQuant(2, 10))
	tileQCC := appendQCC(nil, 3, 2, testQuant(2, 11))
	mainRGN := append(appendRGN(nil, 3, 0, 3), appendRGN(nil, 3, 1, 4)...)
	tileRGN := appendRGN(nil, 3, 1, 5)
	for _, c := range []struct {
		name       string
		main, tile []byte
		style      [3]BlockStyle
		exponent   [3]uint8
		roi        [3]int
		layers     int
	}{
		{name: "defaults", exponent: [3]uint8{8, 8, 8}, layers: 1},
		{
			name: "main COC, QCC, RGN", main: slices.Concat(mainCOC, mainQCC, mainRGN),
			style: [3]BlockStyle{0, VSC, 0}, exponent: [3]uint8{8, 9, 8}, roi: [3]int{3, 4, 0}, layers: 1,
		},
		{
			name: "tile COD, QCD over main COC, QCC", main: slices.Concat(mainCOC, mainQCC),
			tile:  slices.Concat(tileCOD, tileQCD),
			style: [3]BlockStyle{Reset, Reset, Reset}, exponent: [3]uint8{10, 10, 10}, layers: 7,
		},
		{
			name: "tile COC, QCC, RGN over all", main: slices.Concat(mainCOC, mainQCC, mainRGN),
			tile:  slices.Concat(tileCOC, tileQCC, tileRGN, tileCOD, tileQCD), // in any order
			style: [3]BlockStyle{Reset, Reset, SegSym}, exponent: [3]uint8{10, 10, 11},
			roi: [3]int{3, 5, 0}, layers: 7,
		},
		{
			name: "tile COC, QCC beside main COC, QCC", main: slices.Concat(mainCOC, mainQCC),
			tile:  slices.Concat(tileCOC, tileQCC),
			style: [3]BlockStyle{0, VSC, SegSym}, exponent: [3]uint8{8, 9, 11}, layers: 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			parts := sequence()
			parts[2].header = c.tile
			x, _ := open(t, build(testHeader(), c.main, parts, eoc...))
			coding, err := x.TileCoding(t.Context(), 2)
			require.NoError(t, err)
			require.Equal(t, c.layers, coding.Layers)
			for i, got := range coding.Components {
				require.Equal(t, c.style[i], got.Style)
				require.Equal(t, c.exponent[i], got.Quant.Steps[0].Exponent)
				require.Equal(t, c.roi[i], got.ROIShift)
			}
			// Another tile has nothing of it.
			other, err := x.TileCoding(t.Context(), 3)
			require.NoError(t, err)
			for i, got := range other.Components {
				require.Equal(t, x.h.Components[i].ComponentCoding, got)
			}
			require.Equal(t, x.h.Coding, other.Coding)
		})
	}
}

func TestTileHasMoreLevels(t *testing.T) {
	deep := styled(0)
	deep.Levels, deep.Precincts = 4, slices.Repeat([]Precinct{{15, 15}}, 5)
	parts := sequence()
	parts[1].header = appendCOD(nil, Coding{Layers: 1}, deep)
	// The main header's QCD has steps for two levels, which is too few.
	x, _ := open(t, build(testHeader(), nil, parts, eoc...))
	_, err := x.TileCoding(t.Context(), 1)
	require.ErrorIs(t, err, ErrFormat)
	_, err = x.TileParts(t.Context(), 1)
	require.ErrorIs(t, err, ErrFormat)
	_, err = x.TileParts(t.Context(), 2)
	require.NoError(t, err)
	// With steps to spare it serves both.
	x, _ = open(t, build(testHeader(), appendQCD(nil, testQuant(4, 8)), parts, eoc...))
	coding, err := x.TileCoding(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, 4, coding.Components[0].Levels)
	require.Equal(t, 2, x.h.Reduces())
}

func TestProgressionChanges(t *testing.T) {
	change := func(layers, order byte) []byte { return segmentOf(POC, 0, 0, 0, layers, 3, 3, order) }
	parts := rounds(2, 2)
	parts[1].header = change(1, 1)
	parts[7].header = change(5, 2) // of tile 1 as well; layers are cut
	x, _ := open(t, build(testHeader(), change(1, 4), parts, eoc...))
	coding, err := x.TileCoding(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, []ProgressionChange{{CPRL, 0, 3, 0, 3, 1}}, coding.Progressions)
	coding, err = x.TileCoding(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, []ProgressionChange{{RLCP, 0, 3, 0, 3, 1}, {RPCL, 0, 3, 0, 3, 1}}, coding.Progressions)
}

func TestUselessTransformation(t *testing.T) {
	h := testHeader()
	h.Components = h.Components[:1]
	h.Coding.MCT = true
	x, _ := open(t, build(h, nil, sequence(), eoc...))
	require.False(t, x.h.Coding.MCT)
}
