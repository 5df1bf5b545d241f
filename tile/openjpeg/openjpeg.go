// Package openjpeg is the engine that decodes with the C library of that name,
// libopenjp2. A program that imports it needs the library to build and to run;
// package tile alone does not.
//
//	dec := tile.Decoder{Engine: openjpeg.Engine()}
//
// It hands over only codestreams that Stria has assembled. High-Throughput blocks
// and samples of more than 31 bits are [errors.ErrUnsupported]; in a build without
// cgo everything is.
//
// The engine takes a window of a tile as a whole: it cannot share a decoded block
// with other windows, and cannot be interrupted inside of one. It is here to be
// compared with.
package openjpeg

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/engine"
	"github.com/stria-j2k/stria/internal/grid"
	"github.com/stria-j2k/stria/internal/openjpeg"
	"github.com/stria-j2k/stria/tile"
)

// Engine returns the engine.
func Engine() tile.Engine { return tile.NewEngine(adapter{}) }

type adapter struct{}

// Selects implements [engine.Engine]. OpenJPEG's 9/7 windows reach one coefficient
// too short at each level: a larger window is selected and decoded, and what is too
// much thrown away.
func (adapter) Selects(want codestream.Window, h *codestream.Header) codestream.Window {
	step, levels := image.Pt(1, 1), 0
	for _, c := range h.Components {
		step = image.Pt(common(step.X, c.Sub.X), common(step.Y, c.Sub.Y))
		levels = max(levels, c.Levels)
	}
	// That many points of the reference grid, whatever the tile's own header says of
	// the levels: too many do no harm.
	r := want.Area
	dx, dy := step.X<<min(levels, 20), step.Y<<min(levels, 20)
	r.Min.X, r.Min.Y = max(r.Min.X-dx, 0), max(r.Min.Y-dy, 0)
	r.Max.X, r.Max.Y = r.Max.X+dx, r.Max.Y+dy
	want.Area = r.Intersect(h.TileBounds(want.Tile))
	return want
}

// common is the least common multiple, or 1<<30 if it is more than that.
func common(a, b int) int { return int(min(grid.Common(int64(a), int64(b)), 1<<30)) }

func (adapter) Begin(ctx context.Context, job *engine.Job) (engine.Walk, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	s := job.Selection
	w := &walk{once: job.Once, reduce: s.Window().Reduce}
	cost := openjpeg.Cost{Components: len(s.Window().Components), Included: int64(s.NumBlocks()), Work: s.Work()}
	for i, c := range s.Coding().Components {
		if c.Style&codestream.HT != 0 {
			return nil, fmt.Errorf("tile/openjpeg: High-Throughput blocks: %w", errors.ErrUnsupported)
		}
		if !c.Reversible {
			w.margin = max(w.margin, 1<<c.Levels)
		}
		cost.Bits = max(cost.Bits, s.Planes(i))
	}
	a, err := s.Assemble()
	if err != nil {
		return nil, err
	}
	// OpenJPEG has no limits of its own.
	cost.Blocks, cost.Precincts, cost.Bytes = a.Blocks(), a.Precincts(), a.Size()
	if err := cost.Check(); err != nil {
		return nil, err
	}
	stream, err := a.AppendTo(make([]byte, 0, a.Size()), job.Data)
	if err != nil {
		return nil, err
	}
	w.decoder, err = openjpeg.Open(stream, min(job.Threads, s.NumBlocks()/blocksAThread))
	if err != nil {
		return nil, err
	}
	return w, nil
}

// blocksAThread is how many code-blocks a thread should have at least: making
// one takes as long as decoding a small block.
const blocksAThread = 4

// A walk is one codec on one assembled tile.
type walk struct {
	decoder *openjpeg.Decoder
	reduce  int
	once    bool
	margin  int // reduced reference grid: see adapter.Selects
	planes  []openjpeg.Plane
}

func (w *walk) Decode(ctx context.Context, area image.Rectangle, dst []engine.Plane) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	down := func(p image.Point) image.Point {
		return image.Pt(-(-p.X >> w.reduce), -(-p.Y >> w.reduce))
	}
	window := image.Rectangle{Min: down(area.Min), Max: down(area.Max)}
	window = window.Inset(-w.margin).Intersect(w.decoder.Bounds())
	w.planes = w.planes[:0]
	for _, p := range dst {
		w.planes = append(w.planes, openjpeg.Plane(p))
	}
	if w.once && window == w.decoder.Bounds() {
		return w.decoder.DecodeAll(w.planes)
	}
	return w.decoder.Decode(window, w.planes)
}

func (w *walk) Close() { w.decoder.Close() }
