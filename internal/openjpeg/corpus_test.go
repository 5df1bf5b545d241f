//go:build cgo

package openjpeg

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/corpus"
)

// Codestreams of one tile and one tile-part decode to what opj_decompress made
// of them. Those that are not of the form that Stria assembles are refused.
func TestCorpus(t *testing.T) {
	decoded := 0
	for _, row := range corpus.Manifest(t) {
		if row.Container != "codestream" || row.Expected != corpus.Decodes || row.Tiles != 1 || row.TileParts != 1 ||
			row.Pixels == "" || strings.Contains(row.Subsampling, "2") {
			continue // the program converts three subsampled components to RGB
		}
		t.Run(row.Path, func(t *testing.T) {
			d, err := Open(row.Read(t), 1)
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				require.ErrorContains(t, err, "tile-part")
				t.Skip(err)
			}
			defer d.Close()
			planes := make([]Plane, len(d.parts))
			for i, c := range d.parts {
				planes[i] = newPlane(window(d.Bounds(), c.sub), c.depth, c.signed)
			}
			require.NoError(t, d.DecodeAll(planes))
			requireGuards(t, planes)
			digested := make([]corpus.Plane, len(planes))
			for i, p := range planes {
				b := p.Bounds
				c := &digested[i]
				*c = corpus.Plane{Width: b.Dx(), Height: b.Dy(), Depth: p.Depth, Signed: p.Signed}
				for y := b.Min.Y; y < b.Max.Y; y++ {
					for x := b.Min.X; x < b.Max.X; x++ {
						c.Samples = append(c.Samples, p.at(x, y))
					}
				}
			}
			if row.Transform == "5/3" {
				require.Equal(t, row.Pixels, corpus.Digest(digested...))
			}
			decoded++
		})
	}
	require.Greater(t, decoded, 30)
}
