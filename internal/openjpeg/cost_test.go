package openjpeg

import (
	"errors"
	"image"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCostCheck(t *testing.T) {
	fits := Cost{Components: 16384, Depth: 31, Bits: 30, Blocks: 1 << 20, Precincts: 1 << 18, Work: 1 << 32}
	require.NoError(t, fits.Check())
	for _, c := range []struct {
		name string
		edit func(*Cost)
	}{
		{"components", func(c *Cost) { c.Components++ }},
		{"depth", func(c *Cost) { c.Depth++ }},
		{"magnitude bits", func(c *Cost) { c.Bits++ }},
		{"code-blocks", func(c *Cost) { c.Blocks++ }},
		{"precincts", func(c *Cost) { c.Precincts++ }},
		{"work", func(c *Cost) { c.Work++ }},
	} {
		t.Run(c.name, func(t *testing.T) {
			over := fits
			c.edit(&over)
			require.ErrorIs(t, over.Check(), errors.ErrUnsupported)
		})
	}
}

// More of anything never takes less memory.
func TestCostMemoryGrows(t *testing.T) {
	base := Cost{
		Components: 3, Tile: image.Rect(0, 0, 2000, 1000), Levels: 5, Precincts: 60, Blocks: 1600, Included: 400,
		Bytes: 1 << 18, Window: image.Rect(100, 100, 400, 300), Samples: 180000, Coefficients: 400000,
	}
	for _, c := range []struct {
		name string
		edit func(*Cost)
	}{
		{"components", func(c *Cost) { c.Components++ }},
		{"tile", func(c *Cost) { c.Tile = image.Rect(0, 0, 3000, 3000) }},
		{"levels", func(c *Cost) { c.Levels++ }},
		{"precincts", func(c *Cost) { c.Precincts++ }},
		{"blocks", func(c *Cost) { c.Blocks++ }},
		{"included", func(c *Cost) { c.Included++ }},
		{"bytes", func(c *Cost) { c.Bytes += 1 << 10 }},
		{"window", func(c *Cost) { c.Window.Max.X += 64 }},
		{"samples", func(c *Cost) { c.Samples++ }},
		{"coefficients", func(c *Cost) { c.Coefficients++ }},
		{"windows", func(c *Cost) { c.Windows = 2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			more := base
			c.edit(&more)
			require.Greater(t, more.Memory(), base.Memory())
		})
	}
	whole := base
	whole.Window = whole.Tile
	require.Less(t, whole.Memory(), base.Memory())
}
