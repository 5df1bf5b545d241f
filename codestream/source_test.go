package codestream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever a reader does instead of giving what it promised is its own fault, and
// never the end of the data.
func TestSource(t *testing.T) {
	data := []byte("0123456789")
	lost := errors.New("lost")
	for name, r := range map[string]readFunc{
		"end":            func([]byte, int64) (int, error) { return 0, io.EOF },
		"early end":      func(p []byte, _ int64) (int, error) { return len(p) - 1, io.EOF },
		"unexpected end": func([]byte, int64) (int, error) { return 0, fmt.Errorf("remote: %w", io.ErrUnexpectedEOF) },
		"nothing":        func([]byte, int64) (int, error) { return 0, nil },
		"less than none": func([]byte, int64) (int, error) { return -1, nil },
		"too much":       func(p []byte, _ int64) (int, error) { return len(p) + 1, nil },
		"panic":          func([]byte, int64) (int, error) { panic("lost") },
		"error":          func([]byte, int64) (int, error) { return 0, lost },
	} {
		n, err := NewSource(r, 10).ReadAt(make([]byte, 4), 3)
		var source *SourceError
		require.ErrorAs(t, err, &source, name)
		require.Equal(t, int64(3), source.Offset, name)
		require.NotErrorIs(t, err, io.EOF, name)
		require.NotErrorIs(t, err, io.ErrUnexpectedEOF, name)
		require.Zero(t, n, name)
		require.Equal(t, name == "error", errors.Is(err, lost), name)
	}

	s := NewSource(bytes.NewReader(data), 8)
	p := make([]byte, 4)
	n, err := s.ReadAt(p, 6)
	require.Equal(t, 2, n)
	require.Equal(t, io.EOF, err)
	n, err = s.ReadAt(p, 4)
	require.Equal(t, 4, n)
	require.NoError(t, err)
	for _, off := range []int64{-1, 8, 1 << 40} {
		n, err = s.ReadAt(p, off)
		require.Zero(t, n)
		require.Equal(t, io.EOF, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = NewSource(waiting{}, 8).ReadAtContext(ctx, p, 0)
	require.ErrorIs(t, err, context.Canceled)
}

// waiting reads nothing until its context ends.
type waiting struct{ io.ReaderAt }

func (waiting) ReadAtContext(ctx context.Context, _ []byte, _ int64) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

type readFunc func(p []byte, off int64) (int, error)

func (f readFunc) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }
