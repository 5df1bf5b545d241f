// This file implements streams: the samples of one tile, made from top to bottom
// of what a run visits, each code-block decoded once.

package tile

import (
	"cmp"
	"image"
	"slices"
	"sync"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/grid"
	"github.com/stria-j2k/stria/internal/synthesis"
)

// A stream makes the samples of a window of one tile. Its components are
// synthesised row by row out of rows of code-blocks. Those a piece of the window
// needs besides are claimed for it, decoded by any worker, and let go of when the
// wavelet has passed them.
//
// All rectangles of a stream are on its own grids (see visit) unless it is said
// otherwise.
type stream struct {
	tile  int
	visit visit
	err   error // why there are no samples; the tile is grey

	selection  *codestream.Selection // of the chunk that is being claimed
	components []*streamComponent    // as in the selection's window
	last       *piece                // the one that was registered last
	walk       *walk                 // where an engine decodes the window; nil: see components
}

// A streamComponent is one component of a stream.
type streamComponent struct {
	index  int // of the image
	coding *codestream.ComponentCoding
	config synthesis.Config
	synth  *synthesis.Component
	made   int           // the row that is synthesised next
	bands  [][4]*subband // by resolution
	carry  Plane         // rows that the next piece shares with the one before

	mu   sync.Mutex
	free []synthesis.Samples
}

// A subband is one sub-band of a component.
type subband struct {
	resolution int
	band       int             // 0 to 3, in the codestream: LL, HL, LH, HH
	need       image.Rectangle // the coefficients that the window needs
	block      image.Point     // size of a code-block, in the codestream
	planes     int             // magnitude bit-planes, with those of a region of interest
	narrow     bool            // coefficients are kept in 16 bits
	offset     int             // see visit.offset
	next       int             // the first row that is not claimed
	blocks     []uint32        // of the selection: by row along the visit, then across

	mu    sync.Mutex
	lines queue[lines] // claimed and still needed, in order
	free  []lines      // memory for others
}

// A blockRow is the coefficients of a row of code-blocks, as far as they are
// needed. They are cut into lines, which are let go of one after the other, so that
// the rows above are mostly gone when a row is decoded.
type blockRow struct {
	bounds image.Rectangle
	lines  []lines
}

// mostLines is how many rows of coefficients are kept together.
const mostLines = 8

// A lines is a few rows of coefficients. Where no code-block has data it has no memory
// and they are zero.
type lines struct {
	bounds image.Rectangle
	i16    []int16
	i32    []int32
}

// A claim is code-blocks that are to be decoded into a row.
type claim struct {
	part      *piecePart
	selection *codestream.Selection
	band      *subband
	row       *blockRow
	blocks    []uint32 // of the selection
}

// newStream lays out a stream for a window of a tile, of which s selects the first
// part. The window is given on the grid of each component, as in the codestream.
func newStream(v visit, s *codestream.Selection, window func(component int) image.Rectangle) *stream {
	st := &stream{tile: s.Window().Tile, visit: v, selection: s}
	for i, index := range s.Window().Components {
		st.components = append(st.components, newStreamComponent(v, s, i, index, window))
	}
	return st
}

func newStreamComponent(v visit, s *codestream.Selection, i, index int, on func(int) image.Rectangle) *streamComponent {
	c := &streamComponent{index: index, coding: &s.Coding().Components[i]}
	c.config = synthesis.Config{
		Bounds:     v.samples(s.TileBounds(i)),
		Window:     v.samples(on(index)),
		Levels:     c.coding.Levels,
		Reversible: c.coding.Reversible,
		Columns:    v.sideways,
		Narrow:     narrow53(c.coding, s.Depth(i)),
		Bands:      make([][4]synthesis.BandConfig, c.coding.Levels+1),
	}
	c.made = c.config.Window.Min.Y
	c.bands = make([][4]*subband, c.coding.Levels+1)
	need := synthesis.Need(c.config)
	for r := range c.bands {
		for band := range 4 {
			if (r == 0) != (band == 0) {
				continue
			}
			b := &subband{resolution: r, band: band, block: c.coding.BlockSize(r),
				planes: c.coding.BandPlanes(r, band), offset: v.offset(band)}
			at := v.swap(band)
			b.need = need[r][at]
			b.next = b.need.Min.Y
			fraction := codeblock.Fraction(b.planes)
			b.narrow = b.planes-c.coding.ROIShift+fraction <= 15
			c.bands[r][at] = b
			c.config.Bands[r][at] = synthesis.BandConfig{
				Step: float32(c.coding.BandStep(r, band, s.Depth(i))), Fraction: fraction}
		}
	}
	if !c.config.Window.Empty() {
		c.synth = synthesis.New(c.config)
	}
	return c
}

// narrow53 reports whether a component can be synthesised in 16 bits: with the
// reversible transform, where coefficients have as few bits as those of samples
// of 8 bits.
func narrow53(c *codestream.ComponentCoding, depth int) bool {
	if !c.Reversible || depth > 8 {
		return false
	}
	for r := range c.Levels + 1 {
		for band := range 4 {
			if (r == 0) == (band == 0) && c.BandPlanes(r, band)-c.ROIShift > 13 {
				return false
			}
		}
	}
	return true
}

// extend makes s, which selects the blocks of the window's next part, what is
// claimed from.
func (st *stream) extend(s *codestream.Selection) {
	st.selection = s
	for _, c := range st.components {
		for r := range c.bands {
			for _, b := range c.bands[r] {
				if b != nil {
					b.blocks = nil
				}
			}
		}
	}
	for i := range s.NumBlocks() {
		id := s.BlockID(i)
		c := st.component(int(id.Component))
		b := c.bands[id.Resolution][st.visit.swap(int(id.Band))]
		b.blocks = append(b.blocks, uint32(i))
	}
	order := func(i, j uint32) int {
		a, b := st.place(s.BlockID(int(i))), st.place(s.BlockID(int(j)))
		return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
	}
	for _, c := range st.components {
		for r := range c.bands {
			for _, b := range c.bands[r] {
				if b != nil && !slices.IsSortedFunc(b.blocks, order) {
					slices.SortFunc(b.blocks, order)
				}
			}
		}
	}
}

// component finds a component of the image.
func (st *stream) component(index int) *streamComponent {
	for _, c := range st.components {
		if c.index == index {
			return c
		}
	}
	return nil
}

// place is the column and row of a block in its sub-band, by how they lie to the
// visit but counted as in the codestream.
func (st *stream) place(id codestream.BlockID) image.Point {
	p := image.Pt(int(id.X), int(id.Y))
	return image.Pt(st.visit.across(p), st.visit.along(p))
}

// claim claims the blocks that the rows of the component up to end need and that
// no piece before has claimed.
func (st *stream) claim(part *piecePart, end int) []claim {
	c := part.component
	config := c.config
	config.Window.Max.Y = min(config.Window.Max.Y, end)
	if config.Window.Empty() {
		return nil
	}
	var claims []claim
	need := synthesis.Need(config)
	// The lowest resolutions first: the synthesis asks for them first.
	for r := range c.bands {
		for at, b := range c.bands[r] {
			for b != nil && b.next < need[r][at].Max.Y {
				claims = append(claims, st.claimRow(part, b))
			}
		}
	}
	return claims
}

// claimRow claims the next row of blocks of a sub-band.
func (st *stream) claimRow(part *piecePart, b *subband) claim {
	v := st.visit
	size := v.along(b.block)
	number := grid.FloorDiv(v.source(b.next, b.offset), size)
	// The row as a whole, on the codestream's grid and then on the stream's.
	whole := image.Rect(0, number*size, 1, (number+1)*size)
	if v.sideways {
		whole = image.Rect(whole.Min.Y, 0, whole.Max.Y, 1)
	}
	bounds := b.need
	bounds.Min.Y = b.next
	bounds.Max.Y = min(b.need.Max.Y, v.turn(whole, b.offset).Max.Y)
	b.next = bounds.Max.Y
	first, _ := slices.BinarySearchFunc(b.blocks, number, func(i uint32, number int) int {
		return cmp.Compare(st.place(st.selection.BlockID(int(i))).Y, number)
	})
	end := first
	for end < len(b.blocks) && st.place(st.selection.BlockID(int(b.blocks[end]))).Y == number {
		end++
	}
	return claim{part: part, selection: st.selection, band: b,
		row: &blockRow{bounds: bounds}, blocks: b.blocks[first:end]}
}

// hold makes room for a claimed row, which is in the hands of the synthesis from
// then on. The coefficients are zero.
func (b *subband) hold(row *blockRow, empty bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for y := row.bounds.Min.Y; y < row.bounds.Max.Y; y += mostLines {
		var l lines
		bounds := row.bounds
		bounds.Min.Y, bounds.Max.Y = y, min(y+mostLines, row.bounds.Max.Y)
		if !empty {
			l = b.room(bounds.Dx() * bounds.Dy())
		}
		l.bounds = bounds
		b.lines.push(l)
		row.lines = append(row.lines, l)
	}
}

// room gives memory for n coefficients, which are zero. b.mu is held.
func (b *subband) room(n int) (l lines) {
	if n := len(b.free); n > 0 {
		l = b.free[n-1]
		b.free = b.free[:n-1]
	}
	if b.narrow {
		l.i16 = resize(l.i16, n)
		clear(l.i16)
	} else {
		l.i32 = resize(l.i32, n)
		clear(l.i32)
	}
	return l
}

// linesAt gives the lines with row y of the coefficients, and lets go of those
// above.
func (b *subband) linesAt(y int) (lines, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		l, ok := b.lines.peek()
		if !ok || y < l.bounds.Max.Y {
			return l, ok
		}
		b.lines.pop()
		if l.i16 != nil || l.i32 != nil {
			b.free = append(b.free, l)
		}
	}
}

// Band implements [synthesis.Source]: what is asked for was claimed and decoded
// before.
func (c *streamComponent) Band(resolution, band, y int) (synthesis.Band, error) {
	l, ok := c.bands[resolution][band].linesAt(y)
	if !ok {
		return synthesis.Band{}, errUnclaimed
	}
	return synthesis.Band{Rect: l.bounds, Stride: l.bounds.Dx(), I16: l.i16, I32: l.i32}, nil
}

// samples gives memory for rows of samples; keep takes it back.
func (c *streamComponent) samples(rows int) synthesis.Samples {
	c.mu.Lock()
	var s synthesis.Samples
	if n := len(c.free); n > 0 {
		s, c.free = c.free[n-1], c.free[:n-1]
	}
	c.mu.Unlock()
	s.Stride = c.config.Window.Dx()
	n := s.Stride * rows
	switch c.synth.Kind() {
	case synthesis.Int16:
		s.I16 = resize(s.I16, n)
	case synthesis.Int32:
		s.I32 = resize(s.I32, n)
	default:
		s.F32 = resize(s.F32, n)
	}
	return s
}

func (c *streamComponent) keep(s synthesis.Samples) {
	c.mu.Lock()
	c.free = append(c.free, s)
	c.mu.Unlock()
}
