// This file collects what the headers say.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
)

// A Report is what inspect prints. Sizes are in bytes, offsets from the start of
// the file; widths and heights are pixels unless a comment says otherwise.
type Report struct {
	File       string   `json:"file"`
	Bytes      int64    `json:"bytes"`
	Format     string   `json:"format"` // "jp2", another brand, or "codestream"
	Compatible []string `json:"compatible,omitempty"`

	Width       int         `json:"width"`
	Height      int         `json:"height"`
	Resolutions []Size      `json:"resolutions"` // largest first
	Components  []Component `json:"components"`

	Color      string   `json:"color"`
	Colors     []string `json:"colors,omitempty"` // when there are several
	Palette    *Palette `json:"palette,omitempty"`
	Channels   []string `json:"channels,omitempty"` // channel definitions
	Resolution []string `json:"resolution,omitempty"`

	Codestream Codestream `json:"codestream"`
	Boxes      []Box      `json:"boxes,omitempty"`
	Comments   []string   `json:"comments,omitempty"` // encoders sign here

	Warnings []string `json:"warnings,omitempty"` // wrong, but passed over
	Damage   string   `json:"damage,omitempty"`   // the first damage met

	Costs     []Cost     `json:"costs,omitempty"` // of tiles, once the image is indexed
	FirstCost *FirstCost `json:"first_cost,omitempty"`
	NoCosts   string     `json:"no_costs,omitempty"` // why there are none, or no more
	Serving   []Verdict  `json:"serving"`
}

// A Size is a width and a height.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

func sizeOf(p image.Point) Size { return Size{p.X, p.Y} }

func (s Size) String() string { return fmt.Sprintf("%d x %d", s.Width, s.Height) }

// A Component is one component and how the main header says it is coded.
type Component struct {
	Depth       int    `json:"depth"`
	Signed      bool   `json:"signed"`
	Subsampling Size   `json:"subsampling"` // reference grid points a sample
	Levels      int    `json:"levels"`      // of decomposition
	Transform   string `json:"transform"`   // "5/3" or "9/7"
	CodeBlock   Size   `json:"code_block"`  // samples
	Style       string `json:"style,omitempty"`
	Precincts   []Size `json:"precincts"` // lowest resolution first
	Guard       int    `json:"guard_bits"`
	Quantized   string `json:"quantization"`
	ROIShift    int    `json:"roi_shift,omitempty"`
}

// A Palette says how a palette is shaped.
type Palette struct {
	Entries int `json:"entries"`
	Columns int `json:"columns"`
}

// A Codestream is where the codestream is and how it is laid out.
type Codestream struct {
	Offset       int64    `json:"offset"`
	Bytes        int64    `json:"bytes"`
	Capabilities uint16   `json:"rsiz"`
	GridOffset   Size     `json:"grid_offset"` // reference grid: XOsiz, YOsiz
	TileOffset   Size     `json:"tile_offset"` // reference grid: XTOsiz, YTOsiz
	Tile         Size     `json:"tile"`        // reference grid
	TileGrid     Size     `json:"tile_grid"`   // tiles across and down
	Tiles        int      `json:"tiles"`
	TileParts    int      `json:"tile_parts"`
	Interleaved  bool     `json:"tile_parts_interleaved,omitempty"`
	OwnCoding    int      `json:"tiles_with_own_coding,omitempty"`
	Progression  string   `json:"progression"`
	Changes      int      `json:"progression_changes,omitempty"`
	Layers       int      `json:"layers"`
	MCT          bool     `json:"component_transform"`
	SOP          bool     `json:"sop"`
	EPH          bool     `json:"eph"`
	BitsPerPixel float64  `json:"bits_per_pixel"`
	Main         []Marker `json:"main_header"` // every segment, in order
	Parts        []Count  `json:"tile_part_headers"`
}

// A Marker is one marker segment.
type Marker struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
}

// A Count is how often a marker occurs in tile-part headers.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// has reports whether a marker is in the main header or a tile-part header.
func (c *Codestream) has(name string) bool {
	return slices.ContainsFunc(c.Main, func(m Marker) bool { return m.Name == name }) ||
		slices.ContainsFunc(c.Parts, func(m Count) bool { return m.Name == name })
}

// A Box is one box of the file.
type Box struct {
	Type   string `json:"type"`
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	Boxes  []Box  `json:"boxes,omitempty"`
}

// examine collects the report. The error is damage met in tile-part headers;
// the report is then about what lies before.
func examine(ctx context.Context, name string, f *jp2.File) (*Report, error) {
	h := f.Header
	r := &Report{
		File:       name,
		Bytes:      f.Size(),
		Format:     "codestream",
		Compatible: f.Compatible,
		Width:      f.Bounds().Dx(),
		Height:     f.Bounds().Dy(),
		Color:      f.Color.String(),
		Boxes:      boxes(f.Boxes),
	}
	if f.Boxes != nil {
		r.Format = cmp.Or(strings.TrimSpace(f.Brand), "boxes")
	}
	if len(f.Colors) > 1 {
		for _, c := range f.Colors {
			r.Colors = append(r.Colors, c.String())
		}
	}
	if f.Palette != nil {
		r.Palette = &Palette{f.Palette.Entries(), len(f.Palette.Columns)}
	}
	for _, c := range f.Channels {
		r.Channels = append(r.Channels, channel(c))
	}
	for _, w := range f.Warnings {
		r.Warnings = append(r.Warnings, w.String())
	}
	r.Resolution = append(density("capture", f.Resolution.Capture), density("display", f.Resolution.Display)...)
	for reduce := range h.Reduces() + 1 {
		r.Resolutions = append(r.Resolutions, resolution(f.Bounds().Size(), reduce))
	}
	for _, c := range h.Components {
		r.Components = append(r.Components, component(c))
	}
	for _, c := range h.Comments {
		if !c.Binary {
			r.Comments = append(r.Comments, latin1(c.Data))
		}
	}
	r.Codestream = layout(h)
	damage := r.Codestream.readParts(ctx, f)
	if damage != nil {
		r.Damage = damage.Error()
	}
	r.Codestream.BitsPerPixel = 8 * float64(h.Span.Len) / (float64(r.Width) * float64(r.Height))
	r.FirstCost, _ = firstCost(ctx, f) // what is wrong shows in costs again
	costs, err := costs(ctx, f)
	if err != nil {
		r.NoCosts = err.Error()
	}
	r.Costs = costs
	r.Serving = judge(r)
	return r, damage
}

// resolution is the size of the image with so many resolutions dropped, give or
// take one where it does not start at the corner of the grid.
func resolution(full image.Point, reduce int) Size {
	up := func(n int) int { return max((n+1<<min(reduce, 32)-1)>>min(reduce, 32), 1) }
	return Size{up(full.X), up(full.Y)}
}

func boxes(list []jp2.Box) []Box {
	var out []Box
	for _, b := range list {
		out = append(out, Box{b.Type, b.Span.Off, b.Span.Len, boxes(b.Children)})
	}
	return out
}

func channel(c jp2.Channel) string {
	of := fmt.Sprintf("of colour %d", c.Assoc)
	switch c.Assoc {
	case jp2.WholeImage:
		of = "of the whole image"
	case jp2.NoColor:
		of = "of nothing"
	}
	if c.Type == jp2.ColorChannel {
		return fmt.Sprintf("%d: colour %d", c.Index, c.Assoc)
	}
	return fmt.Sprintf("%d: %v %s", c.Index, c.Type, of)
}

func density(kind string, d jp2.Density) []string {
	if !d.Known() {
		return nil
	}
	const inch = 0.0254 // metres
	return []string{fmt.Sprintf("%s %.4g x %.4g pixels an inch", kind, d.X.Float()*inch, d.Y.Float()*inch)}
}

func component(c codestream.Component) Component {
	out := Component{
		Depth:       c.Depth,
		Signed:      c.Signed,
		Subsampling: sizeOf(c.Sub),
		Levels:      c.Levels,
		Transform:   "9/7",
		CodeBlock:   Size{1 << c.XCB, 1 << c.YCB},
		Style:       style(c.Style),
		Guard:       c.Quant.Guard,
		Quantized:   "none",
		ROIShift:    c.ROIShift,
	}
	if c.Reversible {
		out.Transform = "5/3"
	}
	switch c.Quant.Style {
	case codestream.Derived:
		out.Quantized = "derived"
	case codestream.Expounded:
		out.Quantized = "expounded"
	}
	for _, p := range c.Precincts {
		out.Precincts = append(out.Precincts, Size{1 << p.PPx, 1 << p.PPy})
	}
	return out
}

func style(s codestream.BlockStyle) string {
	names := []string{"BYPASS", "RESET", "TERMALL", "VSC", "PTERM", "SEGSYM", "HT", "HTMIXED"}
	var set []string
	for bit, name := range names {
		if s>>bit&1 != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, " ")
}

func progression(p codestream.Progression) string {
	names := []string{"LRCP", "RLCP", "RPCL", "PCRL", "CPRL"}
	if int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("order %d", p)
}

// latin1 is ISO 8859-15 as codestream comments have it, near enough.
func latin1(data []byte) string {
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

// layout is what the main header says of the codestream.
func layout(h *codestream.Header) Codestream {
	c := Codestream{
		Offset:       h.Span.Off,
		Bytes:        h.Span.Len,
		Capabilities: h.Rsiz,
		GridOffset:   sizeOf(h.Bounds.Min),
		TileOffset:   sizeOf(h.FirstTile.Min),
		Tile:         sizeOf(h.FirstTile.Size()),
		Tiles:        h.NumTiles(),
		Progression:  progression(h.Coding.Progression),
		Changes:      len(h.Progressions),
		Layers:       h.Coding.Layers,
		MCT:          h.Coding.MCT,
		SOP:          h.Coding.SOP,
		EPH:          h.Coding.EPH,
	}
	up := func(a, b int) int { return (a + b - 1) / b }
	c.TileGrid = Size{
		up(h.Bounds.Max.X-h.FirstTile.Min.X, c.Tile.Width),
		up(h.Bounds.Max.Y-h.FirstTile.Min.Y, c.Tile.Height),
	}
	for _, s := range h.Segments {
		c.Main = append(c.Main, Marker{s.Marker.String(), s.Span.Off, s.Span.Len})
	}
	return c
}

// readParts adds what the headers of all tile-parts say. It goes on after
// damage, whose first error it returns.
func (c *Codestream) readParts(ctx context.Context, f *jp2.File) error {
	x := f.Index()
	counts := map[codestream.Marker]int{}
	coding := []codestream.Marker{codestream.COD, codestream.COC, codestream.QCD,
		codestream.QCC, codestream.RGN, codestream.POC}
	var damage error
	var parts []codestream.TilePart
	for tile := range c.Tiles {
		list, err := x.TileParts(ctx, tile)
		if err != nil {
			damage = first(damage, fmt.Errorf("tile %d: %w", tile, err))
			if errors.Is(err, context.Canceled) || !errors.Is(err, codestream.ErrFormat) {
				return damage
			}
			continue
		}
		own := false
		for _, p := range list {
			if p.Truncated {
				damage = first(damage, fmt.Errorf("tile %d: data end early at offset %d", tile, p.Body.End()))
			}
			for m, err := range segments(f.Source(), p.Header) {
				if err != nil {
					damage = first(damage, fmt.Errorf("tile %d: %w", tile, err))
					break
				}
				counts[m]++
				own = own || slices.Contains(coding, m)
			}
		}
		if own {
			c.OwnCoding++
		}
		parts = append(parts, list...)
	}
	c.TileParts = len(parts)
	slices.SortFunc(parts, func(a, b codestream.TilePart) int { return cmp.Compare(a.Header.Off, b.Header.Off) })
	done := map[int]bool{}
	for i, p := range parts {
		if i > 0 && parts[i-1].Tile != p.Tile {
			done[parts[i-1].Tile] = true
		}
		c.Interleaved = c.Interleaved || done[p.Tile]
	}
	for m, n := range counts {
		c.Parts = append(c.Parts, Count{m.String(), n})
	}
	slices.SortFunc(c.Parts, func(a, b Count) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Name, b.Name)) })
	return damage
}

// first is the first error of two.
func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// segments yields the markers of a tile-part header, SOD excluded.
func segments(r io.ReaderAt, header codestream.Span) func(yield func(codestream.Marker, error) bool) {
	return func(yield func(codestream.Marker, error) bool) {
		for off := header.Off; off+4 <= header.End(); {
			var b [4]byte
			if _, err := r.ReadAt(b[:], off); err != nil {
				yield(0, fmt.Errorf("reading tile-part header at offset %d: %w", off, err))
				return
			}
			m := codestream.Marker(b[0])<<8 | codestream.Marker(b[1])
			if m == codestream.SOD || !yield(m, nil) {
				return
			}
			off += 2 + int64(b[2])<<8 + int64(b[3])
		}
	}
}
