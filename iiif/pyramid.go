package iiif

import (
	"image"

	"github.com/stria-j2k/stria/codestream"
)

// This file reads from a codestream what an image information document says
// about pictures that are cheap to make: only what is really there, because a
// viewer that is promised a resolution builds its whole pyramid on it.

// A TileSet is a grid of tiles that are cheap to make (5.4).
type TileSet struct {
	Size         image.Point // of a tile, in pixels of the result
	ScaleFactors []int       // what the full image may be divided by, ascending
}

// resolutions are the sizes of the full image at the resolutions that the
// codestream holds, in pixels of the finest component, largest first.
func resolutions(h *codestream.Header) []image.Point {
	sub := finest(h)
	var sizes []image.Point
	for reduce := range h.Reduces() + 1 {
		size := reduced(h.Bounds, sub, reduce).Size()
		if size.X < 1 || size.Y < 1 {
			break
		}
		sizes = append(sizes, size)
		if size == image.Pt(1, 1) {
			break
		}
	}
	return sizes
}

// finest is the smallest subsampling of any component: reference grid points a
// pixel.
func finest(h *codestream.Header) image.Point {
	sub := image.Pt(255, 255)
	for _, c := range h.Components {
		sub.X, sub.Y = min(sub.X, c.Sub.X), min(sub.Y, c.Sub.Y)
	}
	return sub
}

// reduced is r of the reference grid on the grid of a component subsampled by
// sub, reduce resolutions down (Equations B-12 and B-15).
func reduced(r image.Rectangle, sub image.Point, reduce int) image.Rectangle {
	down := func(n, sub int) int {
		n = (n + sub - 1) / sub
		return (n + 1<<reduce - 1) >> reduce
	}
	return image.Rect(down(r.Min.X, sub.X), down(r.Min.Y, sub.Y),
		down(r.Max.X, sub.X), down(r.Max.Y, sub.Y))
}

// Tiles smaller than smallestTile cost more in requests than in decoding;
// those larger than largestTile keep a viewer waiting.
const (
	smallestTile = 256
	largestTile  = 1024
	usualTile    = 512
)

// tileSize is the size of the tiles of a viewer that waste the least: the
// image's own tiles, or its precincts, or, where there is neither, a size at
// which code-blocks are few enough and large enough.
func tileSize(h *codestream.Header) image.Point {
	sub := finest(h)
	own := image.Pt(h.FirstTile.Dx()/sub.X, h.FirstTile.Dy()/sub.Y)
	exact := h.FirstTile.Dx()%sub.X == 0 && h.FirstTile.Dy()%sub.Y == 0
	if h.NumTiles() > 1 && exact && own.X <= largestTile && own.Y <= largestTile &&
		own.X > 0 && own.Y > 0 {
		return image.Pt(atLeast(smallestTile, own.X), atLeast(smallestTile, own.Y))
	}
	for _, c := range h.Components {
		if c.Sub != sub || len(c.Precincts) == 0 {
			continue
		}
		p := c.Precincts[len(c.Precincts)-1]
		size := image.Pt(1<<min(p.PPx, 15), 1<<min(p.PPy, 15))
		if size.X <= largestTile && size.Y <= largestTile {
			return image.Pt(atLeast(smallestTile, size.X), atLeast(smallestTile, size.Y))
		}
	}
	return image.Pt(usualTile, usualTile)
}

// atLeast is the smallest multiple of n that is not below least.
func atLeast(least, n int) int { return (least + n - 1) / n * n }

// tileSets are the tiles of an image whose resolutions have the given sizes,
// largest first, under the limits.
func tileSets(h *codestream.Header, sizes []image.Point, limits Limits) []TileSet {
	tile := tileSize(h)
	for !limits.Allow(tile) && tile != image.Pt(1, 1) {
		tile = image.Pt(max(tile.X/2, 1), max(tile.Y/2, 1))
	}
	set := TileSet{Size: tile}
	for reduce := range sizes {
		set.ScaleFactors = append(set.ScaleFactors, 1<<reduce)
	}
	return []TileSet{set}
}

// preferredSizes are the sizes of the whole image that are cheap to make and
// within the limits, smallest first; when a limit is below the image's size,
// the largest that it allows is among them.
func preferredSizes(sizes []image.Point, limits Limits) []image.Point {
	full := sizes[0]
	var list []image.Point
	for i := len(sizes) - 1; i >= 0; i-- {
		if limits.Allow(sizes[i]) {
			list = append(list, sizes[i])
		}
	}
	if !limits.Allow(full) {
		w, h := limits.effective().fit(int64(full.X), int64(full.Y), int64(full.X), int64(full.Y))
		if p := image.Pt(int(w), int(h)); len(list) == 0 || list[len(list)-1] != p {
			list = append(list, p)
		}
	}
	return list
}

// describe fills in what the codestream says of the image.
func (i *Info) describe(h *codestream.Header) {
	sizes := resolutions(h)
	i.Size = sizes[0]
	i.Sizes = preferredSizes(sizes, i.Limits)
	i.Tiles = tileSets(h, sizes, i.Limits)
}
