package codestream

import (
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTileGrid compares with the plainest way there is: asking each point of a
// small reference grid which tile it lies in.
func TestTileGrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		tx, ty, tw, th := rng.IntN(9), rng.IntN(9), 1+rng.IntN(12), 1+rng.IntN(12)
		x0, y0 := tx+rng.IntN(tw), ty+rng.IntN(th)
		h := &Header{
			Bounds:    image.Rect(x0, y0, x0+1+rng.IntN(30), y0+1+rng.IntN(30)),
			FirstTile: image.Rect(tx, ty, tx+tw, ty+th),
		}
		across := (h.Bounds.Max.X - tx + tw - 1) / tw
		tileAt := func(x, y int) int { return (x-tx)/tw + (y-ty)/th*across }

		area := image.Rect(rng.IntN(50)-5, rng.IntN(50)-5, rng.IntN(50)-5, rng.IntN(50)-5)
		touched := make(map[int]bool)
		bounds := make(map[int]image.Rectangle)
		for y := h.Bounds.Min.Y; y < h.Bounds.Max.Y; y++ {
			for x := h.Bounds.Min.X; x < h.Bounds.Max.X; x++ {
				tile := tileAt(x, y)
				bounds[tile] = bounds[tile].Union(image.Rect(x, y, x+1, y+1))
				if image.Pt(x, y).In(area) {
					touched[tile] = true
				}
			}
		}
		require.Equal(t, len(bounds), h.NumTiles())
		for tile, want := range bounds {
			require.Equal(t, want, h.TileBounds(tile))
		}
		require.True(t, h.TileBounds(-1).Empty())
		require.True(t, h.TileBounds(h.NumTiles()).Empty())
		got := slices.Collect(h.TilesIn(area))
		require.True(t, slices.IsSorted(got))
		require.Len(t, got, len(touched))
		for _, tile := range got {
			require.True(t, touched[tile])
		}
		for range h.TilesIn(h.Bounds) {
			break
		}
	}
}

func TestHollowTiles(t *testing.T) {
	h := &Header{
		Bounds:     image.Rect(1, 0, 12, 4),
		FirstTile:  image.Rect(0, 0, 3, 4),
		Components: []Component{{Sub: image.Pt(5, 3)}},
	}
	// Samples lie at x = 5 and 10.
	for tile, want := range []bool{true, false, true, false} {
		require.Equal(t, want, h.hollow(tile), tile)
	}
	h.Components = append(h.Components, Component{Sub: image.Pt(1, 1)})
	require.False(t, h.hollow(0))
}

func TestTileGridAtTheEnd(t *testing.T) {
	const far = 1<<31 - 1
	h := &Header{
		Bounds:    image.Rect(far-10, far-10, far, far),
		FirstTile: image.Rect(far-12, far-12, far-4, far-4),
	}
	require.Equal(t, 4, h.NumTiles())
	require.Equal(t, image.Rect(far-4, far-4, far, far), h.TileBounds(3))
	require.Equal(t, []int{0, 1, 2, 3}, slices.Collect(h.TilesIn(h.Bounds)))
}
