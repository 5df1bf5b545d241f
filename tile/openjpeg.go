package tile

import (
	"context"
	"image"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/openjpeg"
)

// OpenJPEG returns the engine that decodes with the C library of that name. It
// hands over only codestreams that package codestream has assembled. Samples of
// more than 31 bits are [errors.ErrUnsupported]; in a build without cgo everything
// is. Of tiles with High-Throughput blocks, the library decodes the blocks only:
// the inverse transforms are Stria's own.
func OpenJPEG() Engine { return openJPEG{} }

type openJPEG struct{}

func (openJPEG) Memory(c Cost) int64 {
	if c.HighThroughput {
		return subbandMemory(c)
	}
	// What the transform takes depends a little on how a window lies.
	at := image.Pt(33, 33)
	cost := openjpeg.Cost{
		Components:   c.Components,
		Depth:        c.Depth,
		Levels:       c.Levels,
		Tile:         image.Rectangle{Max: c.Tile.Add(at)},
		Precincts:    c.Precincts,
		Blocks:       c.Blocks,
		Included:     c.Included,
		Bytes:        c.Bytes,
		Window:       image.Rectangle{Min: at, Max: at.Add(c.Window)},
		Samples:      c.Samples,
		Coefficients: c.Coefficients,
		Windows:      c.Areas,
		Threads:      c.Threads,
	}
	if c.Resting {
		return cost.Memory()
	}
	return cost.Memory() + c.Bytes // the assembled codestream
}

func (openJPEG) Begin(ctx context.Context, job *Job) (Walk, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	window := job.Selection.Window()
	w := &openJPEGWalk{selection: job.Selection, components: window.Components,
		reduce: window.Reduce, once: job.Once}
	for _, c := range job.Selection.Coding().Components {
		if c.Style&codestream.HT != 0 {
			return beginSubbands(job)
		}
		if !c.Reversible {
			w.margin = max(w.margin, 1<<c.Levels)
		}
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	stream, err := job.Selection.AppendTo(make([]byte, 0, job.Selection.AssembledSize()), job.Data)
	if err != nil {
		return nil, err
	}
	w.decoder, err = openjpeg.Open(stream, min(job.Threads, job.Selection.NumBlocks()/blocksAThread))
	if err != nil {
		return nil, err
	}
	return w, nil
}

// blocksAThread is how many code-blocks a thread should have at least: making
// one takes as long as decoding a small block.
const blocksAThread = 4

// An openJPEGWalk is one codec on one assembled tile.
type openJPEGWalk struct {
	selection  *codestream.Selection
	components []int // of the image, in the assembled codestream's order
	decoder    *openjpeg.Decoder
	reduce     int
	once       bool
	margin     int // reduced reference grid: see Decode
	planes     []openjpeg.Plane
}

// check refuses what OpenJPEG must not be given: it has no limits of its own.
func (w *openJPEGWalk) check() error {
	s := w.selection
	cost := openjpeg.Cost{
		Components: len(w.components),
		Blocks:     s.VirtualBlocks(),
		Precincts:  s.VirtualPrecincts(),
		Included:   int64(s.NumBlocks()),
		Bytes:      s.AssembledSize(),
		Work:       s.Work(),
	}
	for i := range w.components {
		cost.Bits = max(cost.Bits, s.Planes(i))
	}
	return cost.Check()
}

func (w *openJPEGWalk) Decode(ctx context.Context, area image.Rectangle, dst *Planes) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	// OpenJPEG's 9/7 windows reach one coefficient too short at each level: a
	// larger window is decoded, and what is too much thrown away.
	window := divideCeil(area, image.Pt(1, 1), w.reduce)
	window = window.Inset(-w.margin).Intersect(w.decoder.Bounds())
	w.planes = w.planes[:0]
	for _, c := range w.components {
		w.planes = append(w.planes, openjpeg.Plane(dst.Planes[c]))
	}
	if w.once && window == w.decoder.Bounds() {
		return w.decoder.DecodeAll(w.planes)
	}
	return w.decoder.Decode(window, w.planes)
}

func (w *openJPEGWalk) Close() { w.decoder.Close() }
