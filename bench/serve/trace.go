package main

import (
	"image"
	"iter"
	"math/rand/v2"
	"slices"
)

// This file makes traces in the shape of OpenSeadragon's: a viewport of some
// pixels that zooms and pans over a pyramid of tiles, wants every tile of the
// best level that it shows, and no longer wants those that it shows no more.

// A tileAt is a tile of a pyramid.
type tileAt struct {
	region image.Rectangle // pixels of the full image
	size   image.Point     // pixels of the tile
}

// A walk is the way of one viewer over an image.
type walk struct {
	full     image.Point // the image, in pixels
	side     int         // of a tile, in pixels
	levels   int         // how often the image can be halved
	viewport image.Point // in pixels of the screen
}

// steps yields what a viewer wants to see, step by step: first the whole image,
// then zooms towards some place and pans around it, now and then back out.
func (w walk) steps(rng *rand.Rand, n int) iter.Seq[[]tileAt] {
	return func(yield func([]tileAt) bool) {
		home := 0
		for home < w.levels && (w.full.X>>home > w.viewport.X || w.full.Y>>home > w.viewport.Y) {
			home++
		}
		level, centre := home, w.full.Div(2)
		for range n {
			if !yield(w.visible(level, centre)) {
				return
			}
			seen := w.viewport.Mul(1 << level)
			switch p := rng.IntN(10); {
			case p < 4 && level > 0:
				level--
				// Towards the pointer, which is somewhere in the viewport.
				centre = centre.Add(image.Pt(rng.IntN(seen.X)-seen.X/2, rng.IntN(seen.Y)-seen.Y/2).Div(2))
			case p == 9:
				level = min(level+2, home)
			default:
				centre = centre.Add(image.Pt(rng.IntN(seen.X)-seen.X/2, rng.IntN(seen.Y)-seen.Y/2))
			}
			centre.X = min(max(centre.X, 0), w.full.X)
			centre.Y = min(max(centre.Y, 0), w.full.Y)
		}
	}
}

// visible are the tiles of a level that a viewport with that centre shows, those
// next to the centre first.
func (w walk) visible(level int, centre image.Point) []tileAt {
	side := w.side << level
	seen := w.viewport.Mul(1 << level)
	corner := centre.Sub(seen.Div(2))
	view := image.Rectangle{corner, corner.Add(seen)}.Intersect(image.Rectangle{Max: w.full})
	var tiles []tileAt
	for y := view.Min.Y / side * side; y < view.Max.Y; y += side {
		for x := view.Min.X / side * side; x < view.Max.X; x += side {
			r := image.Rect(x, y, x+side, y+side).Intersect(image.Rectangle{Max: w.full})
			size := image.Pt((r.Dx()+1<<level-1)>>level, (r.Dy()+1<<level-1)>>level)
			tiles = append(tiles, tileAt{r, size})
		}
	}
	far := func(at tileAt) int {
		d := at.region.Min.Add(at.region.Max).Div(2).Sub(centre)
		return max(d.X, -d.X) + max(d.Y, -d.Y)
	}
	slices.SortStableFunc(tiles, func(a, b tileAt) int { return far(a) - far(b) })
	return tiles
}
