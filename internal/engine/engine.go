// Package engine is the seam between a run of package tile and decoders other than
// its own, which take a window of a tile as a whole: code-blocks in, samples out.
package engine

import (
	"context"
	"image"
	"io"

	"github.com/stria-j2k/stria/codestream"
)

// An Engine decodes windows of tiles. Implementations must be safe for concurrent
// use.
type Engine interface {
	// Memory bounds the bytes that a Walk holds at one time, the C heap included.
	Memory(s Shape) int64

	// Selects gives the window that must be selected so that want comes out right.
	Selects(want codestream.Window, h *codestream.Header) codestream.Window

	// Begin takes up a job. It may keep the job until the walk is closed, but reads
	// job.Data only before Begin returns. The error matches [codestream.ErrFormat] or
	// [errors.ErrUnsupported].
	Begin(ctx context.Context, job *Job) (Walk, error)
}

// A Walk decodes the window of one job, area by area. It is for one goroutine at a
// time.
type Walk interface {
	// Decode fills dst, one plane for each component of the selection's window, with
	// the samples of area, which is on the reference grid and inside the job's
	// window. Consecutive areas that are neighbours share work. After an error only
	// Close may follow.
	//
	// It cannot be interrupted inside an area: callers keep areas small.
	Decode(ctx context.Context, area image.Rectangle, dst []Plane) error

	// Close frees what the walk holds. It may be called more than once.
	Close()
}

// A Job is one window of one tile at one reduction, with the code-blocks it
// depends on.
type Job struct {
	Selection *codestream.Selection
	Data      io.ReaderAt // holds the bytes of Selection.Spans, at their offsets in the source
	Threads   int         // how many may decode it at the same time, at least 1
	Once      bool        // Decode will be called for one area only
}

// A Shape is the size of a walk, of which its memory follows. Lengths are upper
// bounds.
type Shape struct {
	Header     *codestream.Header
	Reduce     int
	Components func(i int) bool // the components that are decoded
	Step       image.Point      // reference grid points a pixel
	Window     image.Point      // size of the window, in reduced pixels
	Area       image.Point      // of the largest area that is decoded in one go
	Threads    int              // that decode it at the same time

	// Resting is between two Decode calls; only state kept across areas counts.
	Resting bool
}

// A Plane is the samples of one component. Exactly one of U8, U16 and I32 is used:
// U8 for unsigned samples of at most 8 bits, U16 for unsigned ones of at most 16,
// I32 for all others.
type Plane struct {
	Bounds image.Rectangle // component grid, at the reduction
	Depth  int             // bits a sample
	Signed bool
	Stride int // samples from a row to the one below
	U8     []uint8
	U16    []uint16
	I32    []int32
}
