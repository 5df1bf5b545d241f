package main

import (
	"context"
	"errors"
	"image"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/tile"
)

// A meter counts what a run costs.
type meter struct {
	began       time.Time
	reads, read atomic.Int64
	blocks      atomic.Int64
	damaged     atomic.Int64

	mu     sync.Mutex
	first  time.Duration // until the first byte was written; 0: none yet
	waited time.Duration
}

func newMeter() *meter { return &meter{began: time.Now()} }

func (m *meter) hooks() *tile.Hooks {
	return &tile.Hooks{
		Waited: func(i tile.WaitInfo) {
			m.mu.Lock()
			m.waited += i.Took
			m.mu.Unlock()
		},
		Decoded: func(i tile.JobInfo) { m.blocks.Add(int64(i.Blocks)) },
		Damaged: func(int, error) { m.damaged.Add(1) },
	}
}

// Stats is what -stats prints. Times are in milliseconds, all else in bytes or
// counts.
type Stats struct {
	BytesRead  int64   `json:"bytes_read"`
	Reads      int64   `json:"reads"`
	FileBytes  int64   `json:"file_bytes"`
	PlanMemory int64   `json:"plan_memory"`
	BudgetPeak int64   `json:"budget_peak"`
	PeakRSS    int64   `json:"peak_rss"` // of the process; 0 where unknown
	WaitedMS   float64 `json:"waited_ms"`
	FirstMS    float64 `json:"first_byte_ms"`
	TotalMS    float64 `json:"total_ms"`
	Width      int     `json:"width"`
	Height     int     `json:"height"`
	Reduce     int     `json:"reduce"`
	Region     [4]int  `json:"region"`           // x, y, width and height, in full-resolution pixels
	Blocks     int64   `json:"blocks"`           // decoded
	Redecoded  int64   `json:"redecoded_blocks"` // of these, the ones decoded before
	Damaged    int64   `json:"damaged"`
}

func (m *meter) stats(size int64, plan *tile.Plan, budget *tile.Budget) Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Stats{
		BytesRead:  m.read.Load(),
		Reads:      m.reads.Load(),
		FileBytes:  size,
		PlanMemory: plan.Memory(),
		BudgetPeak: budget.Peak(),
		PeakRSS:    peakMemory(),
		WaitedMS:   milliseconds(m.waited),
		FirstMS:    milliseconds(m.first),
		TotalMS:    milliseconds(time.Since(m.began)),
		Width:      plan.Size().X,
		Height:     plan.Size().Y,
		Reduce:     plan.Reduce(),
		Region:     rectangle(plan.Region()),
		Blocks:     m.blocks.Load(),
		Damaged:    m.damaged.Load(),
	}
}

func rectangle(r image.Rectangle) [4]int {
	return [4]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()}
}

// decoded fills in how many blocks were decoded more than once: those of them
// beyond the ones that the plan needs.
func (s *Stats) decoded(ctx context.Context, plan *tile.Plan) error {
	needed := int64(0)
	for w := range plan.Windows() {
		selection, err := plan.File().Index().Select(ctx, w)
		switch {
		case errors.Is(err, codestream.ErrFormat):
			continue // nothing of it was decoded
		case err != nil:
			return err
		}
		needed += int64(selection.NumBlocks())
	}
	s.Redecoded = max(0, s.Blocks-needed)
	return nil
}

// A meteredReader counts reads.
type meteredReader struct {
	r io.ReaderAt
	m *meter
}

func (r *meteredReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.r.ReadAt(p, off)
	r.m.reads.Add(1)
	r.m.read.Add(int64(n))
	return n, err
}

// A meteredWriter notes when the first byte is written.
type meteredWriter struct {
	w io.Writer
	m *meter
}

func (w *meteredWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.m.mu.Lock()
	if w.m.first == 0 && n > 0 {
		w.m.first = time.Since(w.m.began)
	}
	w.m.mu.Unlock()
	return n, err
}
