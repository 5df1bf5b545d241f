package tile_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// A faulty source fails once, at its at-th read.
type faulty struct {
	io.ReaderAt
	left  atomic.Int64
	fault func(p []byte) (int, error)
}

func (f *faulty) ReadAt(p []byte, off int64) (int, error) {
	if f.left.Add(-1) == 0 {
		return f.fault(p)
	}
	return f.ReaderAt.ReadAt(p, off)
}

// A source that fails for a moment, in whatever way and at whichever read, makes no
// picture but the right one, and the file that was open then is as good as before.
func TestPassingFaults(t *testing.T) {
	defer goleak.VerifyNone(t)
	faults := map[string]func(p []byte) (int, error){
		"end":            func([]byte) (int, error) { return 0, io.EOF },
		"unexpected end": func([]byte) (int, error) { return 0, fmt.Errorf("connection: %w", io.ErrUnexpectedEOF) },
		"half":           func(p []byte) (int, error) { return len(p) / 2, io.EOF },
		"nothing":        func([]byte) (int, error) { return 0, nil },
		"impossible":     func(p []byte) (int, error) { return len(p) + 1, nil },
		"panic":          func([]byte) (int, error) { panic("a bug of the reader") },
	}
	for name, args := range map[string][]string{
		"untiled": {"-p", "RPCL", "-c", "[64,64]"},
		"PLT":     {"-PLT", "-p", "RPCL", "-c", "[64,64]", "-r", "20,5"},
		"tiled":   {"-t", "70,60", "-TLM"},
	} {
		data := testimg.Compress(t, testimg.Spec{Width: 200, Height: 150, Components: 3}, "jp2", args...)
		whole, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		req := tile.Request{Region: image.Rect(10, 20, 190, 140)}
		dec := func() *tile.Decoder {
			return &tile.Decoder{Cache: &tile.Cache{}, Hooks: &tile.Hooks{Damaged: func(n int, err error) {
				t.Errorf("%s: tile %d: %v", name, n, err)
			}}}
		}
		want, err := image1(t, dec(), whole, req)
		require.NoError(t, err)
		for kind, fault := range faults {
			for at := int64(1); ; at++ {
				src := &faulty{ReaderAt: bytes.NewReader(data), fault: fault}
				src.left.Store(at)
				f, err := jp2.NewFile(src, int64(len(data)))
				d := dec()
				if err == nil {
					var have image.Image
					if have, err = image1(t, d, f, req); err == nil {
						require.True(t, bytes.Equal(pixels(want), pixels(have)), "%s, %s at read %d", name, kind, at)
					}
				}
				if src.left.Load() > 0 {
					break // it was not reached
				}
				if err == nil {
					continue // a read that was not needed
				}
				require.ErrorAs(t, err, new(*codestream.SourceError), "%s, %s at read %d", name, kind, at)
				require.False(t, errors.Is(err, codestream.ErrFormat), "%s, %s at read %d: %v", name, kind, at, err)
				if f == nil {
					continue
				}
				have, err := image1(t, d, f, req)
				require.NoError(t, err, "%s, after %s at read %d", name, kind, at)
				require.True(t, bytes.Equal(pixels(want), pixels(have)), "%s, after %s at read %d", name, kind, at)
			}
		}
	}
}

// pixels are those of an image in colour.
func pixels(m image.Image) []byte { return m.(*image.NRGBA).Pix }
