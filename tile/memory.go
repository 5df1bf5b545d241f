// This file implements what a run will cost, from the headers alone: the bound
// that a plan reserves, and the choice of a layout that stays within a budget.

package tile

import (
	"image"
	"iter"
	"slices"

	"github.com/stria-j2k/stria/codestream"
)

// A Cost is what decides how much memory a walk takes. All numbers are upper
// bounds, worked out from headers. Sizes are in samples of the component that
// has most of them.
type Cost struct {
	Components int
	Depth      int         // bits a sample
	Levels     int         // wavelet decomposition levels
	Tile       image.Point // size of the assembled tile
	Blocks     int64       // its code-blocks, with bytes and without
	Included   int64       // its code-blocks with bytes
	Precincts  int64       // its precincts
	Bytes      int64       // length of the assembled codestream

	// HighThroughput says that there may be High-Throughput code-blocks.
	HighThroughput bool

	// The largest area of the walk.
	Window       image.Point // its size
	Samples      int64       // of all components
	Coefficients int64       // of the code-blocks that it depends on
	Areas        int         // how many of the walk's a code-block's precinct lies in
	Threads      int         // that decode it at the same time; 0 and 1: one

	// Resting is between two areas: neither what an area alone takes is held,
	// nor any copy of the codestream but the engine's own.
	Resting bool
}

// reach is how far, in samples of a resolution, the inverse wavelet of the next
// looks beyond a window, with a reserve (Annex F; OpenJPEG needs one more).
const reach = 6

// windowCost bounds the cost of a walk over a window of that size in pieces of
// that size, both in reduced pixels. The number of bytes is a bound too, unless
// typical is set: then it is half as much again as the window would have if the image were
// as detailed everywhere.
func (p *Plan) windowCost(size, piece image.Point, typical bool) Cost {
	h := p.file.Header
	c := Cost{Components: len(h.Components), HighThroughput: h.CAP != nil}
	areas := int64(max(ceilDiv(size.X, max(piece.X, 1)), ceilDiv(size.Y, max(piece.Y, 1))))
	tile := h.FirstTile.Size()
	steps, deepest, block := p.meeting()
	var bytes, coefficients, visits int64
	for i, comp := range h.Components {
		if !p.color.needs(i) {
			continue
		}
		levels := comp.Levels - p.grid.reduce
		// The window, the piece and the tile in samples of the component.
		scale := func(n, step, sub, limit int) int64 {
			limit = ceilShift(ceilDiv(limit, sub), p.grid.reduce) + 1
			return int64(min(ceilDiv(n*step, sub)+2, limit))
		}
		tw := scale(tile.X, 1, comp.Sub.X, tile.X)
		th := scale(tile.Y, 1, comp.Sub.Y, tile.Y)
		ww := scale(size.X, p.grid.step.X, comp.Sub.X, tile.X)
		wh := scale(size.Y, p.grid.step.Y, comp.Sub.Y, tile.Y)
		pw := scale(piece.X, p.grid.step.X, comp.Sub.X, tile.X)
		ph := scale(piece.Y, p.grid.step.Y, comp.Sub.Y, tile.Y)
		c.Samples += pw * ph
		c.HighThroughput = c.HighThroughput || comp.Style&codestream.HT != 0
		c.Depth, c.Levels = max(c.Depth, comp.Depth), max(c.Levels, levels)

		// The assembled tile: the window, the wavelet's reach, snapped
		// outward so that no code-block of any component is cut.
		box := func(n, limit int64, step, cb int) int64 {
			if step > 1<<16 {
				return limit
			}
			unit := int64(step) << (deepest + cb)
			return min(limit, ((n+2*int64(reach*step)<<deepest)/unit+2)*unit)
		}
		// Where all have samples only so far apart, a window of 9/7 is grown by more
		// than a coefficient of the finer ones.
		rx := int64(reach + min(steps.X/comp.Sub.X, 1<<16) - 1)
		ry := int64(reach + min(steps.Y/comp.Sub.Y, 1<<16) - 1)
		bw := box(ww, tw, steps.X/comp.Sub.X, block.X)
		bh := box(wh, th, steps.Y/comp.Sub.Y, block.Y)
		c.Tile = image.Pt(max(c.Tile.X, int(bw)), max(c.Tile.Y, int(bh)))
		c.Window = image.Pt(max(c.Window.X, int(pw)), max(c.Window.Y, int(ph)))

		for r := 0; r <= levels; r++ {
			// Resolution r is 2^(levels-r) times smaller than the window,
			// and its sub-bands once more unless it is the lowest.
			shift, bands := levels-r, int64(1)
			pp := comp.Precincts[r]
			xcb, ycb := min(comp.XCB, int(pp.PPx)), min(comp.YCB, int(pp.PPy))
			if r > 0 {
				shift, bands = shift+1, 3
				xcb, ycb = min(comp.XCB, int(pp.PPx)-1), min(comp.YCB, int(pp.PPy)-1)
			}
			c.Blocks += bands * parts(bw>>shift, xcb) * parts(bh>>shift, ycb)
			pp = comp.AssembledPrecinct(r)
			included := bands * parts(ww>>shift+2*rx, xcb) * parts(wh>>shift+2*ry, ycb)
			c.Included += included
			visits += included * min(areas, 2+max(
				int64(1)<<(int(pp.PPx)+levels-r)/max(pw, 1), int64(1)<<(int(pp.PPy)+levels-r)/max(ph, 1)))
			c.Precincts += bands * parts(bw>>(levels-r), int(pp.PPx)) * parts(bh>>(levels-r), int(pp.PPy))
			held := func(w, h int64) int64 {
				w = min(w>>shift+2*rx+2<<xcb, tw>>shift+1)
				h = min(h>>shift+2*ry+2<<ycb, th>>shift+1)
				return bands * w * h
			}
			c.Coefficients += held(pw, ph)
			bytes += codedBytes(held(ww, wh), comp)
			coefficients += held(ww, wh)
		}
	}
	if typical && p.grid.reduce == 0 {
		var all float64
		for _, comp := range h.Components {
			size := divideCeil(h.Bounds, comp.Sub, 0).Size()
			all += float64(size.X) * float64(size.Y)
		}
		bytes = min(bytes, int64(1.5*float64(coefficients)*float64(h.Span.Len)/all))
	}
	c.Areas = int((visits + c.Included - 1) / c.Included)
	// The blocks, and the headers that the assembled codestream gets.
	c.Bytes = min(bytes, h.Span.Len) + 4*c.Blocks + 64*int64(len(h.Components)) + 1<<12
	return c
}

// meeting is what decides where code-blocks of all components end together: the
// least steps of the reference grid at which all have samples, the most levels
// and the longest sides of a code-block, base two.
func (p *Plan) meeting() (steps image.Point, levels int, block image.Point) {
	steps = image.Pt(1, 1)
	for i, comp := range p.file.Header.Components {
		if !p.color.needs(i) {
			continue
		}
		steps = image.Pt(common(steps.X, comp.Sub.X), common(steps.Y, comp.Sub.Y))
		levels = max(levels, comp.Levels-p.grid.reduce)
		block = image.Pt(max(block.X, comp.XCB), max(block.Y, comp.YCB))
	}
	return steps, levels, block
}

// common is the least common multiple, or 1<<30 if it is more than that.
func common(a, b int) int {
	_, n := lowest(a, b)
	return int(min(int64(a)*int64(n), 1<<30))
}

// parts is how many parts of 2^shift a length touches at most.
func parts(n int64, shift int) int64 { return n>>shift + 2 }

// codedBytes bounds the coded size of n coefficients of a component. Coding may
// expand noise a little; a block that claims more than this is not decoded.
func codedBytes(n int64, c codestream.Component) int64 {
	bits := int64(c.Depth + 2)
	return n*bits/8 + n*bits/64 + 1<<10
}

// A layout is how the source area is visited. Along is the direction of the
// visit: down for an upright result, up for one turned upside down, and
// sideways where rows become columns, so that the result always comes top to
// bottom. Across is the other direction. Lengths are in reduced pixels; a part
// ends early where its tile ends.
type layout struct {
	slab    int   // length along of a slab
	chunk   int   // length along of a walk; a multiple of slab, or one of them
	column  int   // length across of a walk
	workers int   // decoding at once
	threads int   // for each walk, if there are processors to spare; 0: one
	walks   int   // with an engine at one time
	most    Cost  // of what a walk may have: Bytes, Blocks, Precincts and HighThroughput
	walk    int64 // coded bytes of a walk of more than one slab
	ahead   int64 // coded bytes that are fetched and wait for the engine
	record  int64 // bytes kept of what the index reads
}

const (
	// Engines cannot be interrupted: a piece has at most this many samples,
	// which take tens of milliseconds. A source area as small is one slab.
	pieceSamples = 3 << 19

	// uncut is a length that nothing has.
	uncut = 1 << 30
)

// Lengths to choose from, in reduced pixels, best first.
var (
	slabLengths   = [...]int{256, 128, 64, 32, 16}
	chunkLengths  = [...]int{8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16}
	columnLengths = [...]int{8192, 4096, 2048, 1024, 512}
)

// overhead is what the plan's layout costs in time, as a factor: short slabs for
// what is done once a window (with OpenJPEG, 64 rows take a quarter longer than
// one window), and the seams between walks for the code-blocks that are decoded
// on both sides, about two rows or columns of them at each resolution.
func (p *Plan) overhead() float64 {
	const blocks = 380 // their length at full size, all resolutions together
	seams := func(total, length int) float64 {
		return 1 + blocks*float64(ceilDiv(total, length)-1)/float64(total)
	}
	return (1 + 16/float64(p.layout.slab)) *
		seams(p.along(p.src), p.layout.chunk) * seams(p.across(p.src), p.layout.column)
}

// acceptable is the factor of overhead that is gladly borne to leave most of the
// budget to other runs.
const acceptable = 1.08

// cut chooses the layout: one of little overhead in a quarter of limit bytes,
// failing that the one of least overhead that fits at all.
func (p *Plan) cut(limit int64) error {
	p.scaling = p.scalingMemory()
	workers := p.dec.budget().workers()
	across, along := p.across(p.src), p.along(p.src)
	components := int64(len(p.file.Header.Components))
	if int64(across)*int64(along)*components <= pieceSamples {
		// Where there are fewer walks than workers, they share the walks.
		p.layout = layout{slab: uncut, chunk: uncut, column: uncut, workers: min(workers, p.tiles())}
		p.layout.threads = workers / p.layout.workers
		if p.memory = p.bound(); p.memory <= limit {
			return nil
		}
	}

	var best, small Plan
	least := int64(-1)
	better := func(than *Plan, q *Plan, room int64) bool {
		return q.memory <= room && (than.memory == 0 || q.overhead() < than.overhead())
	}
	for l := range p.layouts(workers) {
		q := *p
		q.layout = l
		q.memory = q.bound()
		if better(&best, &q, limit) {
			best = q
		}
		if better(&small, &q, limit/4) {
			small = q
		}
		if least < 0 || q.memory < least {
			least = q.memory
		}
	}
	switch {
	case small.memory > 0 && small.overhead() <= acceptable*best.overhead():
		*p = small
	case best.memory > 0:
		*p = best
	default:
		return &BudgetError{Need: least, Limit: limit}
	}
	return nil
}

// layouts yields the layouts to choose from. Columns are as narrow as it takes
// for every worker to have one.
func (p *Plan) layouts(workers int) iter.Seq[layout] {
	components := int64(len(p.file.Header.Components))
	tile, enough := p.tileAcross(), p.tilesAcross() >= workers
	columns := []int{uncut}
	if !enough || tile > columnLengths[0] {
		share := max(512, (ceilDiv(tile, workers)+255)&^255)
		columns = slices.DeleteFunc(append(columnLengths[:], share), func(n int) bool {
			return n > columnLengths[0] || !enough && n > share
		})
	}
	return func(yield func(layout) bool) {
		for _, column := range columns {
			for i, slab := range slabLengths {
				samples := int64(min(column, tile)) * int64(slab) * components
				if samples > pieceSamples && i < len(slabLengths)-1 {
					continue
				}
				for _, chunk := range chunkLengths {
					if chunk < slab {
						break
					}
					if !yield(layout{slab: slab, chunk: chunk, column: column, workers: workers}) {
						return
					}
				}
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

// tileAcross bounds the length of a tile across the visit.
func (p *Plan) tileAcross() int { return min(p.across(p.tile()), p.across(p.src)) }

// tilesAcross is how many tiles lie side by side across the visit.
func (p *Plan) tilesAcross() int {
	n := 0
	for range p.cuts(!p.sideways(), uncut) {
		n++
	}
	return n
}

// bound is the memory of a run with the plan's layout. It sets what the layout
// may have in coded bytes.
func (p *Plan) bound() int64 {
	l := &p.layout
	across, along := p.across(p.src), p.along(p.src)
	tileAcross, tileAlong := p.tileAcross(), min(p.along(p.tile()), along)
	column := min(l.column, tileAcross)
	slab, chunk := min(l.slab, tileAlong), min(l.chunk, tileAlong)
	point := func(across, along int) image.Point {
		if p.sideways() {
			return image.Pt(along, across)
		}
		return image.Pt(across, along)
	}

	// One walk of a single piece lives as long as a worker is at it, others
	// until the chunk's last slab.
	workers := int64(l.workers)
	l.walks = l.workers
	if slab < chunk {
		n := 0
		for range p.cuts(!p.sideways(), l.column) {
			n++
		}
		l.walks = max(n, l.workers)
	}
	engine := p.dec.engine()
	walks := func(c Cost) int64 {
		resting := c
		resting.Samples, resting.Window, resting.Resting = 0, image.Point{}, true
		return workers*engine.Memory(c) + (int64(l.walks)-workers)*engine.Memory(resting)
	}
	// A walk of one slab is allowed whatever the bound says, a longer one what
	// is typical; a run splits the longer ones that have more.
	one := p.windowCost(point(column, slab), point(column, slab), false)
	many := p.windowCost(point(column, chunk), point(column, slab), true)
	one.Threads, many.Threads = l.threads, l.threads
	l.walk = many.Bytes
	l.most = Cost{Bytes: max(one.Bytes, many.Bytes), Blocks: max(one.Blocks, many.Blocks),
		Precincts: max(one.Precincts, many.Precincts), HighThroughput: one.HighThroughput}
	l.ahead = min(max(one.Bytes, many.Bytes, 1<<20), 32<<20)
	stream := p.file.Header.Span.Len
	// Walks of one tile are fetched together. What the index reads is kept for
	// those that are selected together: one, or all of a chunk.
	columns := int64(1)
	if column < tileAcross {
		columns = int64(ceilDiv(tileAcross, column) + 1)
	}
	fetched := max(l.ahead, min(columns*max(one.Bytes, many.Bytes), stream+4<<10))
	l.record = min(4<<20, 2*stream/int64(p.file.Header.NumTiles())+4<<10)
	if slab < chunk {
		l.record /= int64(l.walks)
		fetched += int64(l.walks) * l.record
	} else {
		fetched += columns * l.record
	}

	var sample int64
	for _, c := range p.file.Header.Components {
		sample = max(sample, int64(sampleSize(c.Depth, c.Signed)))
	}
	pixel := int64(p.color.pixelSize())
	margin := int64(2*p.color.reach() + 1)
	planes := one.Samples + margin*int64(len(p.file.Header.Components))*int64(column+slab)
	scratch := workers * (planes*sample + int64(column)*int64(slab)*pixel + p.color.scratch(column+slab, len(p.file.Header.Components)))
	slabs := slabsAhead * int64(across) * int64(min(slab, along)) * max(pixel, sample*int64(len(p.file.Header.Components)))
	total := max(walks(one), walks(many)) + fetched + scratch + slabs + p.color.tables()
	return total + p.scaling
}

// scalingMemory is what scaling takes, whatever the layout.
func (p *Plan) scalingMemory() int64 {
	if !p.scaled || p.color.format == Coded {
		return 0
	}
	stride := p.Size().X * p.color.pixelSize()
	return int64(p.color.planes())*p.resample().Memory() + int64(stripRows(p.Size(), stride))*int64(stride)
}
