package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// A counter counts reads, and can make them slow.
type counter struct {
	io.ReaderAt
	delay       time.Duration
	reads, read atomic.Int64

	mu     sync.Mutex
	active int
	busy   time.Duration // during which any read was under way
	since  time.Time
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	c.mu.Lock()
	if c.active++; c.active == 1 {
		c.since = time.Now()
	}
	c.mu.Unlock()
	time.Sleep(c.delay)
	n, err := c.ReaderAt.ReadAt(p, off)
	c.reads.Add(1)
	c.read.Add(int64(n))
	c.mu.Lock()
	if c.active--; c.active == 0 {
		c.busy += time.Since(c.since)
	}
	c.mu.Unlock()
	return n, err
}

func (c *counter) reset() { c.reads.Store(0); c.read.Store(0) }

// An opened image is one over a counting source.
type opened struct {
	*jp2.File
	path  string
	count *counter
	close func() error
}

func (o *opened) Close() error { return o.close() }

// A maker makes a file in a folder, or finds it there.
type maker interface {
	File(dir string) (path string, err error)
}

// open makes an image if need be and opens it. Each of its reads takes delay
// longer.
func (e *env) open(img maker, delay time.Duration) (*opened, error) {
	path, err := img.File(e.data)
	if err != nil {
		return nil, err
	}
	f, err := jp2.Open(path)
	if err != nil {
		return nil, err
	}
	c := &counter{ReaderAt: f.Source(), delay: delay}
	counted, err := jp2.NewFile(c, f.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &opened{counted, path, c, f.Close}, nil
}

// planes runs a plan as far as the samples, which is what the rival does.
func planes(ctx context.Context, dec *tile.Decoder, f *jp2.File, req tile.Request) error {
	req.Format = tile.Coded
	p, err := dec.Plan(f, req)
	if err != nil {
		return err
	}
	for _, err := range p.Planes(ctx) {
		if err != nil {
			return err
		}
	}
	return nil
}

// selected is the blocks that a plan depends on: how many, and their bytes.
func selected(ctx context.Context, p *tile.Plan) (blocks int, bytes int64, err error) {
	var s *codestream.Selection
	for w := range p.Windows() {
		if s, err = p.File().Index().Select(ctx, w); err != nil {
			return 0, 0, err
		}
		blocks, bytes = blocks+s.NumBlocks(), bytes+s.Bytes()
	}
	return blocks, bytes, nil
}
