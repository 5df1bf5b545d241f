// This file implements what a run takes in memory: the bound that a plan reserves,
// and the choice of a layout that stays within a budget.

package tile

import (
	"fmt"
	"image"
	"iter"
	"math"
	"slices"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/engine"
	"github.com/stria-j2k/stria/internal/synthesis"
)

// A layout is how the source area is visited. Along is the direction of the
// visit: down for an upright result, up for one turned upside down, and
// sideways where rows become columns, so that the result always comes top to
// bottom. Across is the other direction. Lengths are in reduced pixels; a part
// ends early where its tile ends.
type layout struct {
	slab    int   // length along of a slab
	slabs   int   // that exist at one time: one with the consumer, the others being made
	chunk   int   // length along of a chunk
	workers int   // at once
	ahead   int64 // coded bytes that are fetched and not decoded
	carry   int64 // bytes that were read and may be needed later
	long    int64 // how far reads go on, where the image is wanted whole; else zero
	keep    bool  // carry is enough for most images to be read once
	streams int64 // bytes that streams hold

	threads int // for each walk, if there are processors to spare; 0: one
	walks   int // with an engine at one time
}

const (
	// A source area of at most this many samples is one slab.
	oneSlab = 3 << 19

	// slabBytes is about what a slab of a larger one has.
	slabBytes = 2 << 20

	// chunkBlocks is how many code-blocks a chunk may have, where it is longer than
	// a slab: so many are selected at a time.
	chunkBlocks = 1 << 18

	// mostAhead is the most coded bytes to fetch ahead, mostCarried the most to carry.
	mostAhead   = 16 << 20
	mostCarried = 64 << 20

	// leastLong is how far a read goes on at least, if it does at all.
	leastLong = 16 << 10

	// uncut is a length that nothing has.
	uncut = 1 << 30
)

// cut chooses the layout: the best that leaves most of limit bytes to other runs, and
// failing that the best that fits.
func (p *Plan) cut(limit int64) error {
	p.scaling = p.scalingMemory()
	// The best within a quarter of the limit or half of it that reads bytes once, and
	// then of all layouts.
	var best [5]*layout
	var bytes [5]int64
	least := int64(math.MaxInt64)
	for l := range p.layouts() {
		p.layout = l
		p.memory = p.bound()
		least = min(least, p.memory)
		for i, most := range [...]int64{limit / 4, limit / 2, limit / 4, limit / 2, limit} {
			if l := p.layout; best[i] == nil && p.memory <= most && (l.keep || i > 1) {
				best[i], bytes[i] = &l, p.memory
			}
		}
		if best[0] != nil {
			break
		}
	}
	for i, l := range best {
		if l != nil {
			p.layout, p.memory = *l, bytes[i]
			return nil
		}
	}
	p.memory = least
	return &BudgetError{Need: least, Limit: limit}
}

// layouts yields the layouts to choose from, the best first.
func (p *Plan) layouts() iter.Seq[layout] {
	workers := p.dec.budget().workers()
	across, along := int64(p.across(p.src)), int64(p.along(p.src))
	components := int64(len(p.file.Header.Components))
	l := layout{slab: uncut, slabs: 3, chunk: uncut, workers: workers, keep: true}
	stream := p.file.Header.Span.Len + 64<<10
	return func(yield func(layout) bool) {
		if p.dec.Engine.windows != nil {
			p.walkLayouts(l, yield)
			return
		}
		first := 256
		if across*along*components <= oneSlab {
			first = 2 * first
			l.ahead = min(mostAhead, stream)
			p.carrying(&l)
			if !yield(l) {
				return
			}
		} else {
			for first > 16 && int64(first)*across*int64(p.color.pixelSize()+len(p.file.Header.Components)) > slabBytes {
				first /= 2
			}
		}
		for _, t := range [...]struct {
			ahead int64
			slabs int
			keep  bool
		}{{mostAhead, 3, true}, {4 << 20, 3, true}, {1 << 20, 2, true}, {1 << 19, 2, false}} {
			for slab := first; slab >= 8; slab /= 2 {
				l.slab, l.slabs, l.ahead, l.keep = slab, t.slabs, min(t.ahead, stream), t.keep
				p.carrying(&l)
				rows := min(chunkBlocks*1024/(across*components), l.carry/2/p.rowBytes())
				l.chunk = max(slab, int(rows)&^(slab-1))
				if !yield(l) {
					return
				}
			}
		}
	}
}

// carrying chooses how many bytes a layout carries, and how long its reads are.
func (p *Plan) carrying(l *layout) {
	h := p.file.Header
	l.carry, l.long = l.ahead, 0
	if p.grid.reduced(h.Bounds) != p.src || p.grid.reduce > 0 || p.req.Layers > 0 && p.req.Layers < h.Coding.Layers {
		return // bytes that lie between are of no use
	}
	places, precinct := 0, 0
	for i, c := range h.Components {
		if !p.color.needs(i) {
			return
		}
		places += c.Levels + 1
		precinct = max(precinct, c.PrecinctSize(c.Levels).Y*c.Sub.Y)
	}
	// The bytes of a row of tiles may be needed together; else those of a row of
	// precincts, and half as many of lower resolutions.
	tiles := p.rowBytes() * int64(p.along(p.tile()))
	together := tiles
	if h.NumTiles() == 1 {
		together = min(tiles, p.rowBytes()*int64(precinct))
		together += together / 2
	}
	if l.keep {
		l.carry = max(l.carry, min(together+together/8, mostCarried))
	}
	if l.long = longestRead; l.carry < tiles {
		// Each resolution comes from a place of its own, or each component and layer of it.
		if g := h.Coding.Progression; g == codestream.LRCP || g == codestream.RLCP {
			places *= h.Coding.Layers
		} else {
			places /= len(h.Components)
		}
		l.long = l.carry / int64(4*places)
	}
	if l.long < leastLong {
		l.long = 0
	}
}

// rowBytes is about how many bytes of the source a row of pixels takes across the
// visit.
func (p *Plan) rowBytes() int64 {
	h := p.file.Header
	all := p.grid.reduced(h.Bounds)
	share := float64(p.across(p.src)) / float64(p.across(all)) / float64(max(p.along(all), 1))
	return int64(float64(h.Span.Len)*share) + 1
}

// walkLayouts yields layouts for an engine that takes windows: walks as long as
// can be, pieces as long as they may be for it to be interrupted between them.
func (p *Plan) walkLayouts(l layout, yield func(layout) bool) {
	across, along := int64(p.across(p.src)), int64(p.along(p.src))
	components := int64(len(p.file.Header.Components))
	l.ahead = min(32<<20, 2*p.file.Header.Span.Len+64<<10)
	l.carry = min(4<<20, l.ahead)
	if across*along*components <= oneSlab {
		// Where there are fewer walks than workers, they share the walks.
		l.workers = min(l.workers, p.tiles())
		l.threads = p.dec.budget().workers() / l.workers
		if !yield(l) {
			return
		}
		l.workers, l.threads = p.dec.budget().workers(), 0
	}
	tile := int64(min(p.tile().Dx(), p.src.Dx()))
	if p.sideways() {
		tile = int64(min(p.tile().Dy(), p.src.Dy()))
	}
	for _, chunk := range [...]int{8192, 2048, 512, 128, 32} {
		for _, slab := range [...]int{256, 128, 64, 32, 16} {
			if slab > chunk || slab > 16 && tile*int64(slab)*components > oneSlab {
				continue
			}
			l.slab, l.chunk = slab, chunk
			if !yield(l) {
				return
			}
		}
	}
}

// tile bounds the size of a tile in reduced pixels.
func (p *Plan) tile() image.Rectangle {
	first := image.Rectangle{Max: p.file.Header.FirstTile.Size()}
	t := divideCeil(first, p.grid.step, p.grid.reduce)
	t.Max = t.Max.Add(image.Pt(1, 1))
	return t
}

// tilesAcross is how many tiles lie side by side across the visit.
func (p *Plan) tilesAcross() int {
	n := 0
	for range p.cuts(!p.sideways()) {
		n++
	}
	return n
}

// bound is the memory of a run with the plan's layout.
func (p *Plan) bound() int64 {
	l := &p.layout
	across, along := int64(p.across(p.src)), int64(p.along(p.src))
	slab := min(int64(l.slab), int64(p.along(p.tile())), along)
	columns := int64(p.tilesAcross())
	tileAcross := min(int64(p.across(p.tile())), across)

	l.streams = p.streamMemory(p.file.Header.Components)
	engines := l.streams
	if p.dec.Engine.windows != nil {
		engines = p.walkMemory(slab, columns)
	}
	fetched := l.ahead + l.ahead/keptShare + l.carry
	if l.long > 0 {
		fetched += l.ahead // on its way out of what is carried
	}

	components := int64(len(p.file.Header.Components))
	var sample int64
	for _, c := range p.file.Header.Components {
		sample = max(sample, int64(sampleSize(c.Depth, c.Signed)))
	}
	pixel := int64(p.color.pixelSize())
	margin := int64(2*p.color.reach() + 1)
	planes := components * (tileAcross + 2*margin) * (slab + 2*margin)
	turned := int64(0)
	if p.turn != 0 {
		turned = planes*sample + tileAcross*slab*pixel
	}
	scratch := int64(l.workers) * (planes*sample + turned + workerMemory +
		p.color.scratch(int(tileAcross+slab), len(p.file.Header.Components)))
	slabs := int64(l.slabs) * across * slab * max(pixel, sample*components)
	return engines + fetched + scratch + slabs + p.color.tables() + p.scaling
}

// workerMemory is what a worker has of its own for decoding blocks.
const workerMemory = 128 << 10

// walkMemory is what engines hold that decode windows.
func (p *Plan) walkMemory(slab, columns int64) int64 {
	l := &p.layout
	point := func(across, along int64) image.Point {
		if p.sideways() {
			return image.Pt(int(along), int(across))
		}
		return image.Pt(int(across), int(along))
	}
	tileAcross := int64(min(p.across(p.tile()), p.across(p.src)))
	chunk := int64(min(l.chunk, p.along(p.tile()), p.along(p.src)))
	s := engine.Shape{Header: p.file.Header, Reduce: p.grid.reduce, Components: p.color.needs, Step: p.grid.step,
		Window: point(tileAcross, chunk), Area: point(tileAcross, slab), Threads: l.threads}
	l.walks = l.workers
	if slab < chunk {
		l.walks = max(l.workers, int(columns))
	}
	resting := s
	resting.Resting = true
	e := p.dec.Engine.windows
	return int64(l.workers)*e.Memory(s) + int64(l.walks-l.workers)*e.Memory(resting)
}

// streamMemory is what the streams of a run hold: rows of code-blocks, the lines
// of the synthesis, samples, and the lists of blocks.
func (p *Plan) streamMemory(components []codestream.Component) int64 {
	const blockList = 112 // a block in a selection, in a list and in a claim
	v := p.visit()
	along := int64(p.along(p.src))
	slab := min(int64(p.layout.slab), int64(p.along(p.tile())), along)
	columns := int64(p.tilesAcross())
	tileAlong := int64(p.along(p.tile()))
	// Slabs do not reach from one row of tiles to the next, but slabs of several
	// rows may be at work.
	ahead := int64(p.layout.slabs)
	flight := min(ahead*slab, along)
	rows := int64(1)
	if tileAlong < along {
		rows = min((flight+tileAlong-1)/tileAlong+1, ahead)
	}
	chunk := min(int64(p.layout.chunk), tileAlong, along)
	var total int64
	for i, comp := range components {
		if !p.color.needs(i) {
			continue
		}
		levels := comp.Levels - p.grid.reduce
		sub := image.Pt(max(comp.Sub.X/p.grid.step.X, 1), max(comp.Sub.Y/p.grid.step.Y, 1))
		margin := int64(2*p.color.reach()+2) + 1
		wide := int64(p.across(p.src))/int64(v.across(sub)) + margin
		high := func(n int64) int64 { return n/int64(v.along(sub)) + margin }
		var blocks int64
		for r := 0; r <= levels; r++ {
			shift, bands := levels-r, int64(1)
			if r > 0 {
				shift, bands = shift+1, 3
			}
			size := comp.BlockSize(r)
			bw, bh := int64(v.across(size)), int64(v.along(size))
			w := wide>>shift + columns*2*reach
			// The rows that the samples in flight need, on to where a row of blocks
			// ends and back to where lines begin, or all that the window has.
			touched := high(flight)>>shift + 2*reach
			held := min(touched+bh+mostLines, (high(min(tileAlong, along))>>shift)+2*reach) * min(rows, touched/bh+2)
			total += bands * w * held * p.coefficientSize(&comp, r)
			blocks += bands * (w/bw + 2*columns) * ((high(chunk)>>shift+2*reach)/bh + 2)
		}
		total += blocks * blockList * min(rows, 2)
		config := synthesis.Config{Levels: max(levels, 0), Reversible: comp.Reversible,
			Narrow: narrow53(&comp.ComponentCoding, comp.Depth), Columns: v.sideways}
		config.Window = image.Rect(0, 0, int(min(wide, int64(v.across(p.tile().Max))+margin)), int(high(min(tileAlong, along))))
		config.Bounds = config.Window
		config.Bands = make([][4]synthesis.BandConfig, config.Levels+1)
		total += columns * rows * synthesis.Memory(config)
		total += ahead * high(slab) * (wide + columns*margin) * 4
	}
	return total
}

// coefficientBytes is about what the coefficients of a run take in a cache.
func (p *Plan) coefficientBytes() int64 {
	return 2 * int64(p.src.Dx()) * int64(p.src.Dy()) * int64(len(p.file.Header.Components))
}

// reach is how far, in samples of a resolution, the inverse wavelet of the next
// looks beyond a window, with a reserve (Annex F).
const reach = 6

// coefficientSize is how many bytes a coefficient takes in a row of blocks.
func (p *Plan) coefficientSize(c *codestream.Component, r int) int64 {
	for band := range 4 {
		if (r == 0) != (band == 0) {
			continue
		}
		planes := c.BandPlanes(r, band)
		if planes-c.ROIShift+codeblock.Fraction(planes) > 15 {
			return 4
		}
	}
	return 2
}

// scalingMemory is what scaling takes, whatever the layout.
func (p *Plan) scalingMemory() int64 {
	if !p.scaled || p.color.format == Coded {
		return 0
	}
	stride := p.Size().X * p.color.pixelSize()
	return int64(p.color.planes())*p.resample().Memory() + int64(stripRows(p.Size(), stride))*int64(stride)
}

// mostDepth is the most bits that samples may have: those of an int32 without a sign.
const mostDepth = 31

// bounded holds a selection against what the plan's memory is for. The plan knows the
// main header; a tile's own may ask for more: smaller code-blocks, more levels or more
// bit-planes.
func (p *Plan) bounded(s *codestream.Selection) error {
	components := slices.Clone(p.file.Header.Components)
	for i, index := range s.Window().Components {
		c := &components[index]
		if c.Depth > mostDepth {
			return unsupported("samples of %d bits", c.Depth)
		}
		if n := s.Planes(i); n > codeblock.MaxPlanes {
			return unsupported("%d magnitude bit-planes in component %d of tile %d", n, index, s.Window().Tile)
		}
		c.ComponentCoding = s.Coding().Components[i]
		c.Levels += p.grid.reduce
	}
	if need := p.streamMemory(components); need > p.layout.streams {
		return fmt.Errorf("tile: tile %d is coded in smaller parts than the main header says: %w", s.Window().Tile,
			&BudgetError{Need: p.memory - p.layout.streams + need, Limit: p.memory})
	}
	return nil
}
