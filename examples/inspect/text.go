// This file prints a report for people.

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// print writes the report as text.
func (r *Report) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s, %s bytes\n", quote(r.File), quote(r.Format), thousands(r.Bytes))

	section(w, "Image")
	line(w, "size", fmt.Sprintf("%d x %d pixels (%.3g megapixels)", r.Width, r.Height, float64(r.Width)*float64(r.Height)/1e6))
	line(w, "resolutions", join(r.Resolutions, ", "))
	line(w, "components", r.samples())
	line(w, "colour", quote(r.Color))
	for _, c := range r.Colors {
		line(w, "", "specified: "+quote(c))
	}
	if r.Palette != nil {
		line(w, "palette", fmt.Sprintf("%d entries of %d columns", r.Palette.Entries, r.Palette.Columns))
	}
	if len(r.Channels) > 0 {
		line(w, "channels", strings.Join(r.Channels, ", "))
	}
	for _, d := range r.Resolution {
		line(w, "density", d)
	}

	c := &r.Codestream
	section(w, "Codestream")
	line(w, "bytes", fmt.Sprintf("%s from offset %d, %.3g bits a pixel", thousands(c.Bytes), c.Offset, c.BitsPerPixel))
	line(w, "tiles", c.tiles())
	if (c.GridOffset != Size{}) || (c.TileOffset != Size{}) {
		line(w, "grid", fmt.Sprintf("image at %d,%d, tiles from %d,%d",
			c.GridOffset.Width, c.GridOffset.Height, c.TileOffset.Width, c.TileOffset.Height))
	}
	r.coding(w)
	progression := fmt.Sprintf("%s, %s", c.Progression, plural(c.Layers, "layer"))
	if c.Changes > 0 {
		progression += fmt.Sprintf(", %s (POC)", plural(c.Changes, "change"))
	}
	line(w, "progression", progression)
	line(w, "main header", markers(c.Main))
	line(w, "tile-parts", counts(c.Parts))
	var flags []string
	if c.SOP {
		flags = append(flags, "SOP")
	}
	if c.EPH {
		flags = append(flags, "EPH")
	}
	if len(flags) > 0 {
		line(w, "packets", strings.Join(flags, " "))
	}
	for _, text := range r.Comments {
		line(w, "comment", quote(text))
	}

	if len(r.Boxes) > 0 {
		section(w, "Boxes")
		printBoxes(w, r.Boxes, 1)
	}
	if len(r.Warnings) > 0 {
		section(w, "Warnings")
		for _, text := range r.Warnings {
			fmt.Fprintf(w, "  %s\n", quote(text))
		}
	}
	r.printCosts(w)
	section(w, "Serving")
	for _, v := range r.Serving {
		sign := "-"
		if v.Good {
			sign = "+"
		}
		fmt.Fprintf(w, "  %s %s: %s\n", sign, v.What, quote(v.Why))
	}
}

// printCosts prints what tiles cost, a line for each resolution and tile.
func (r *Report) printCosts(w io.Writer) {
	section(w, "Cost of a tile in the middle")
	if len(r.Costs) > 0 {
		fmt.Fprintf(w, "  %-16s %5s %6s %7s %11s %6s %11s\n", "resolution", "tile", "tiles", "blocks", "bytes", "reads", "read")
	}
	for _, c := range r.Costs {
		fmt.Fprintf(w, "  %-16v %5d %6d", c.Resolution, c.Tile, c.Tiles)
		if c.Tiles > mostTiles {
			fmt.Fprintln(w, "  too many tiles")
			continue
		}
		fmt.Fprintf(w, " %7d %11s %6d %11s\n", c.Blocks, thousands(c.Bytes), c.Reads, thousands(c.Read))
	}
	if r.FirstCost != nil {
		fmt.Fprintf(w, "  and the first time %s bytes in %s, to open and index\n",
			thousands(r.FirstCost.Bytes), plural(int(r.FirstCost.Reads), "read"))
	}
	if r.NoCosts != "" {
		fmt.Fprintf(w, "  %s\n", quote(r.NoCosts))
	}
}

// samples describes the components, those that are alike together.
func (r *Report) samples() string {
	return runs(r.Components, func(c Component) string {
		sign := "unsigned"
		if c.Signed {
			sign = "signed"
		}
		s := fmt.Sprintf("%s %s", plural(c.Depth, "bit"), sign)
		if (c.Subsampling != Size{1, 1}) {
			s += fmt.Sprintf(" at every %v", c.Subsampling)
		}
		return s
	})
}

// coding prints how the components are coded, those that are alike together.
func (r *Report) coding(w io.Writer) {
	describe := []struct {
		name string
		of   func(c Component) string
	}{
		{"transform", func(c Component) string { return fmt.Sprintf("%s, %s", c.Transform, plural(c.Levels, "level")) }},
		{"quantisation", func(c Component) string {
			s := fmt.Sprintf("%s, %s", c.Quantized, plural(c.Guard, "guard bit"))
			if c.ROIShift > 0 {
				s += fmt.Sprintf(", region of interest shifted by %d", c.ROIShift)
			}
			return s
		}},
		{"code-blocks", func(c Component) string { return strings.TrimSpace(c.CodeBlock.String() + " " + c.Style) }},
		{"precincts", precincts},
	}
	for _, d := range describe {
		text := runs(r.Components, d.of)
		if _, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(text, "; ") {
			text = rest
		}
		if d.name == "transform" && r.Codestream.MCT {
			text += ", components transformed together"
		}
		line(w, d.name, text)
	}
}

func precincts(c Component) string {
	largest := Size{1 << 15, 1 << 15}
	if !slices.ContainsFunc(c.Precincts, func(s Size) bool { return s != largest }) {
		return "none (one a resolution)"
	}
	return join(c.Precincts, ", ") + " (lowest resolution first)"
}

func (c *Codestream) tiles() string {
	if c.Tiles == 1 {
		return "untiled, " + plural(c.TileParts, "tile-part")
	}
	s := fmt.Sprintf("%v of %v, %s", c.TileGrid, c.Tile, plural(c.TileParts, "tile-part"))
	if c.Interleaved {
		s += ", interleaved"
	}
	if c.OwnCoding > 0 {
		s += fmt.Sprintf(", %d with coding parameters of their own", c.OwnCoding)
	}
	return s
}

// runs describes components in order, "3: ..." for three that are alike.
func runs(list []Component, describe func(Component) string) string {
	var out []string
	for i := 0; i < len(list); {
		text := describe(list[i])
		n := 1
		for i+n < len(list) && describe(list[i+n]) == text {
			n++
		}
		out = append(out, fmt.Sprintf("%d: %s", n, text))
		i += n
		if len(out) == 8 && i < len(list) {
			out = append(out, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
	}
	return strings.Join(out, "; ")
}

func markers(list []Marker) string {
	var counted []Count
	for _, m := range list {
		if n := len(counted); n > 0 && counted[n-1].Name == m.Name {
			counted[n-1].Count++
			continue
		}
		counted = append(counted, Count{m.Name, 1})
	}
	return counts(counted)
}

func counts(list []Count) string {
	var out []string
	for _, c := range list {
		if c.Count == 1 {
			out = append(out, c.Name)
			continue
		}
		out = append(out, fmt.Sprintf("%s (%d)", c.Name, c.Count))
	}
	return strings.Join(out, " ")
}

func printBoxes(w io.Writer, list []Box, depth int) {
	for _, b := range list {
		name := strings.Repeat("  ", depth) + quote(b.Type)
		fmt.Fprintf(w, "%-16s %12s bytes at %d\n", name, thousands(b.Bytes), b.Offset)
		printBoxes(w, b.Boxes, depth+1)
	}
}

func section(w io.Writer, name string) { fmt.Fprintf(w, "\n%s\n", name) }

func line(w io.Writer, name, text string) { fmt.Fprintf(w, "  %-14s%s\n", name, text) }

func join[T fmt.Stringer](list []T, separator string) string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return strings.Join(out, separator)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// thousands is a number with its digits in groups.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// quote is text from a file as it may go to a terminal: on one line, without
// control characters, and not endless.
func quote(s string) string {
	const longest = 300
	var out strings.Builder
	for i, r := range s {
		if i > longest {
			out.WriteString("...")
			break
		}
		if r < ' ' || r >= 0x7F && r < 0xA0 || r == 0xFFFD {
			r = ' '
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}
