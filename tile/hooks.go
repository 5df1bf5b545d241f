package tile

import (
	"image"
	"time"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
)

// Hooks are called at the stages of a run. Any may be nil. They are called from
// many goroutines at once, must be quick, and must not keep pointers into what
// they are given.
type Hooks struct {
	Planned  func(PlanInfo)            // a plan was made
	Waited   func(WaitInfo)            // memory was reserved for a run, or not
	Read     func(ReadInfo)            // a range of the source was read
	Decoded  func(JobInfo)             // a window was decoded
	Damaged  func(tile int, err error) // a part of a tile is missing or wrong
	Finished func(FinishInfo)          // a run ended
}

// PlanInfo describes a plan.
type PlanInfo struct {
	Region image.Rectangle // full-resolution pixels
	Size   image.Point     // of the result
	Reduce int             // resolutions dropped
	Tiles  int             // tiles touched
	Memory int64           // bytes a run reserves

	Warnings []jp2.Warning // see [Plan.Warnings]; must not be changed
}

// WaitInfo describes a reservation of memory.
type WaitInfo struct {
	Bytes int64
	Took  time.Duration
	Err   error // nil when it was granted
}

// ReadInfo describes a read of image data.
type ReadInfo struct {
	Span codestream.Span
	Took time.Duration
	Err  error
}

// JobInfo describes the decoding of one area of one tile.
type JobInfo struct {
	Tile   int
	Area   image.Rectangle // reference grid
	Blocks int             // code-blocks handed to the engine, counted with a walk's first area
	Bytes  int64           // bytes of those code-blocks
	Took   time.Duration
	Err    error
}

// FinishInfo describes a run that ended.
type FinishInfo struct {
	First  time.Duration // until the first strip; 0 when there was none
	Took   time.Duration
	Reads  int
	Bytes  int64 // read
	Blocks int   // code-blocks decoded
	Cached int   // code-blocks that were in the decoder's cache
	Err    error // nil when every strip was taken

	Warnings []jp2.Warning // see [Plan.Warnings]; must not be changed
}
