package main

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWalk(t *testing.T) {
	w := walk{full: image.Pt(16384, 12288), side: 512, levels: 5, viewport: image.Pt(1200, 800)}
	n, deepest := 0, w.full.X
	for tiles := range w.steps(rand.New(rand.NewPCG(1, 2)), 40) {
		n++
		require.NotEmpty(t, tiles)
		require.LessOrEqual(t, len(tiles), 4*3+4)
		for _, at := range tiles {
			require.True(t, at.region.In(image.Rectangle{Max: w.full}))
			scale := 1
			for at.region.Dx() > at.size.X*scale {
				scale *= 2
			}
			require.Equal(t, (at.region.Dx()+scale-1)/scale, at.size.X)
			require.Equal(t, (at.region.Dy()+scale-1)/scale, at.size.Y)
			require.Zero(t, at.region.Min.X%(512*scale))
			deepest = min(deepest, scale)
		}
	}
	// OpenSeadragon asks for what is next to the centre first.
	centre := image.Pt(8000, 6000)
	tiles := w.visible(1, centre)
	require.True(t, centre.In(tiles[0].region))
	require.False(t, centre.In(tiles[len(tiles)-1].region))
	require.Equal(t, 40, n)
	require.Equal(t, 1, deepest)
}
