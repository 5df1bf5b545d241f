// This file implements crops that stay JPEG 2000: nothing is decoded.

package main

import (
	"context"
	"flag"
	"fmt"
	"image"
	"strings"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/tile"
)

// copyFlags are the flags for -format jp2 and j2k.
func (c *command) copyFlags(fs *flag.FlagSet) {
	fs.Func("extent", "with jp2 and j2k: `exact|tiles|blocks`, how far the region may be grown to where "+
		"it can be cut: not at all, to whole tiles, or within tiles to where code-blocks end, "+
		"with edges that are not exact (default exact)", func(s string) error {
		switch s {
		case "exact":
			c.copying.Extent = encode.ExactRegion
		case "tiles":
			c.copying.Extent = encode.WholeTiles
		case "blocks":
			c.copying.Extent = encode.WholeBlocks
		default:
			return fmt.Errorf("no extent %q", s)
		}
		return nil
	})
	fs.Func("boxes", "with jp2: `types` of metadata boxes to copy, such as xml,uuid", func(s string) error {
		c.copying.Boxes = strings.Split(s, ",")
		return nil
	})
}

// copier is the format that copies, if one is wanted.
func (c *command) copier() (encode.JP2, bool) {
	f := c.copying
	switch c.format {
	case "j2k", "j2c", "jpc":
		f.Codestream = true
		return f, true
	case "jp2", "jph":
		return f, true
	}
	return f, false
}

// copied fills in what was written instead of the region asked for.
func (s *Stats) copied(ctx context.Context, format encode.JP2, plan *tile.Plan) error {
	e, err := format.Extract(ctx, plan)
	if err != nil {
		return err
	}
	h := plan.File().Header
	step := h.Components[0].Sub
	for _, c := range h.Components {
		step = image.Pt(min(step.X, c.Sub.X), min(step.Y, c.Sub.Y))
	}
	pixels := func(r image.Rectangle) image.Rectangle {
		up := func(v, step int) int { return (v + step - 1) / step }
		return image.Rect(up(r.Min.X, step.X), up(r.Min.Y, step.Y), up(r.Max.X, step.X), up(r.Max.Y, step.Y))
	}
	n := plan.Reduce()
	b := e.Bounds()
	s.Width, s.Height = pixels(b).Dx(), pixels(b).Dy()
	full := image.Rect(b.Min.X<<n, b.Min.Y<<n, b.Max.X<<n, b.Max.Y<<n).Intersect(h.Bounds)
	s.Region = rectangle(pixels(full).Sub(pixels(h.Bounds).Min))
	return nil
}
