package openjpeg

import (
	"errors"
	"fmt"
	"image"
)

// A Cost is what decides how much memory and time it takes to decode a window
// of a codestream, or all the windows of a walk down it. It is computed from
// what has been selected, before anything is assembled.
type Cost struct {
	// The codestream.
	Components int
	Depth      int             // bits a sample, the largest of the components'
	Bits       int             // Mb, the magnitude bits of a sub-band (Equation E-2), the largest
	Tile       image.Rectangle // the tile, on the grid of the component with most samples
	Levels     int             // wavelet decomposition levels, the most of a component
	Precincts  int64           // of all components and resolutions
	Blocks     int64           // code-blocks of the tile, with bytes and without
	Included   int64           // code-blocks with bytes
	Bytes      int64           // length of the codestream
	Threads    int             // of the decoder's own; 0 and 1: none

	// The window; of a walk, the most that one of its windows has. A window that
	// is the tile is decoded in another way, with less memory.
	Window       image.Rectangle // grid of the component with most samples; of a walk, the largest
	Samples      int64           // of all components
	Coefficients int64           // samples of the code-blocks that it reaches
	Work         int64           // coding passes times samples, of the blocks that are decoded
	Windows      int             // how many there are in a walk; 0 and 1: one
}

// What Check lets pass. OpenJPEG itself has no such limits: header bombs of a
// hundred bytes cost it gigabytes.
const (
	maxComponents = 16384   // Table A.9
	maxDepth      = 31      // of the int32 that a sample is
	maxBits       = 30      // of the 32-bit words that tier-1 works with
	maxBlocks     = 1 << 20 // 420 MB and 0.4 s
	maxPrecincts  = 1 << 18 // 150 MB; each costs an iteration for each window
	maxWork       = 1 << 32 // some 20 s: 5 ns a pass and sample
)

// maxThreads is how many threads a decoder has at most: a window has no more
// work than that for them.
const maxThreads = 16

// Check reports whether OpenJPEG can be given that at all. The error matches
// [errors.ErrUnsupported].
func (c *Cost) Check() error {
	for _, limit := range []struct {
		what    string
		is, max int64
	}{
		{"components", int64(c.Components), maxComponents},
		{"bits a sample", int64(c.Depth), maxDepth},
		{"magnitude bits", int64(c.Bits), maxBits},
		{"code-blocks", c.Blocks, maxBlocks},
		{"precincts", c.Precincts, maxPrecincts},
		{"passes times samples", c.Work, maxWork},
	} {
		if limit.is > limit.max {
			return fmt.Errorf("openjpeg: %d %s, more than %d: %w", limit.is, limit.what, limit.max, errors.ErrUnsupported)
		}
	}
	return nil
}

// Bytes of C memory, as measured with OpenJPEG 2.5.0 on x86-64 by the growth of
// the resident set (TestCostMemory repeats that), and what newer versions add
// by their sources:
//
//   - a code-block: 401, or 411 from 2.5.1 on, most of it ten segments that each
//     block has whether it needs them or not;
//   - a precinct of three sub-bands: 504;
//   - a component: 4,600 with six resolutions;
//   - a chunk, which is 16 bytes: a block with bytes gets another one with each
//     window whose precinct reaches it, and the array doubles;
//   - a decoder: 50,000;
//   - a thread: 35,000.
const (
	memBlock     = 416
	memPrecinct  = 512
	memComponent = 8 << 10
	memChunk     = 16
	memDecoder   = 192 << 10
	memThread    = 128 << 10
)

// Memory bounds the C memory that a decoder of this cost holds at its worst, in
// bytes, from Open to Close. It does not include the planes that the samples go
// to, nor the caller's codestream.
//
// Measured peaks are between 0.75 and 1 of it where there is anything to speak
// of (above 1 MB). For a walk add 32 MB once for the process, however many
// decoders there are: what C may have freed and not given back yet.
func (c *Cost) Memory() int64 {
	windows := int64(max(c.Windows, 1))
	structs := memDecoder + memComponent*int64(c.Components) +
		memPrecinct*c.Precincts + memBlock*c.Blocks +
		memChunk*(2*windows+1)*c.Included +
		64*int64(c.Tile.Dx()+c.Tile.Dy()) // lines of the wavelet transform
	if c.Threads > 1 {
		structs += memThread * int64(min(c.Threads, maxThreads))
	}
	samples := 4 * c.Samples
	if c.Window != c.Tile {
		// Coefficients of all components are held until the transform has
		// spread those of one at a time over a sparse array.
		samples += 4*c.Coefficients + c.sparse()
	}
	// While the tile-part is read it exists twice. There are no blocks then.
	total := max(2*c.Bytes, c.Bytes+structs+samples)
	return total + total/64 // and what pages and malloc's own headers round up to
}

// sparse bounds the sparse array of one component: cells of 64 x 64 words, and
// a pointer for each, touched or not. It is as large as the tile. A level of
// the transform finds the sub-bands in its quadrants, joins left and right ones
// to rows of the resolution, which lie in its upper and lower half still, and
// then those to the resolution.
func (c *Cost) sparse() int64 {
	const cell = 6 // log2
	all := cells(c.Tile.Sub(c.Tile.Min), cell)
	touched := 0
	for n := range c.Levels {
		res, low := reduced(c.Tile, n), reduced(c.Tile, n+1)
		win := reduced(c.Window, n)
		if n > 0 {
			win = win.Inset(-filterReach)
		}
		win = win.Intersect(res).Sub(res.Min)

		// The window in a sub-band, in whole code-blocks of the usual size; where
		// that is in the upper left quadrant, and the offset of the others.
		band := cells(reduced(c.Window, n+1).Inset(-filterReach), cell)
		band = image.Rect(band.Min.X<<cell, band.Min.Y<<cell, band.Max.X<<cell, band.Max.Y<<cell)
		band = band.Intersect(low).Sub(low.Min)
		if c.Windows > 1 {
			// Other windows may lie across the cells less well.
			win.Max.Y += 1 << cell
			band.Max.Y += 1 << cell
		}
		left, right := cells(band, cell), cells(band.Add(low.Size()), cell)
		result := cells(win, cell)
		upper := result.Dx() + right.Dx() - overlap(result.Min.X, result.Max.X, right.Min.X, right.Max.X)
		lower := upper + left.Dx() - overlap(result.Min.X, result.Max.X, left.Min.X, left.Max.X)
		rest := result.Dy() - overlap(result.Min.Y, result.Max.Y, left.Min.Y, left.Max.Y) -
			overlap(result.Min.Y, result.Max.Y, right.Min.Y, right.Max.Y)
		touched += left.Dy()*upper + right.Dy()*lower + max(rest, 0)*result.Dx()
	}
	total := all.Dx() * all.Dy()
	return int64(total)*8 + int64(min(touched, total))*4<<(2*cell)
}

// filterReach is how far beyond its window a resolution is needed, in samples.
const filterReach = 5

// overlap is how much two ranges have in common.
func overlap(lo1, hi1, lo2, hi2 int) int { return max(0, min(hi1, hi2)-max(lo1, lo2)) }

// cells is the range of cells of 1<<n samples that r touches.
func cells(r image.Rectangle, n int) image.Rectangle {
	return image.Rect(r.Min.X>>n, r.Min.Y>>n, (r.Max.X+1<<n-1)>>n, (r.Max.Y+1<<n-1)>>n)
}

// reduced is r on the grid of n resolutions below (Equation B-14).
func reduced(r image.Rectangle, n int) image.Rectangle {
	up := func(v int) int { return (v + 1<<n - 1) >> n }
	return image.Rect(up(r.Min.X), up(r.Min.Y), up(r.Max.X), up(r.Max.Y))
}
