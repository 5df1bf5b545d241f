package codestream

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/stria-j2k/stria/internal/corpus"
)

// A CorpusStream is a corpusFile, for the tests that need a decoder and so
// cannot be in this package.
type CorpusStream struct {
	corpus.Row
	Data []byte
	At   Span
}

// CorpusStreams is corpusFiles; in a short run, a few small ones of them.
func CorpusStreams(t testing.TB) []CorpusStream {
	var list []CorpusStream
	for _, f := range corpusFiles(t) {
		if testing.Short() && (len(f.data) > 32<<10 || len(f.data)%5 != 0) {
			continue
		}
		list = append(list, CorpusStream{f.Row, f.data, f.at})
	}
	return list
}

// SidecarOf makes a sidecar, sound from outside, of any content.
func SidecarOf(h *Header, body []byte, tag string) []byte {
	data, err := sealSidecar(h, tag, body)
	if err != nil {
		panic(err)
	}
	return data
}

// SidecarBody is the content of a sidecar.
func SidecarBody(data []byte) []byte {
	z, err := zstd.NewReader(nil)
	if err != nil {
		panic(err)
	}
	defer z.Close()
	i := bytes.Index(data, []byte{0x28, 0xB5, 0x2F, 0xFD})
	body, err := z.DecodeAll(data[i:len(data)-4], nil)
	if err != nil {
		panic(err)
	}
	return body
}

// CopyBody is copyBody.
func (a *Assembly) CopyBody(ctx context.Context, dst io.Writer, src io.ReaderAt, buffer int64) error {
	return a.copyBody(ctx, dst, src, buffer)
}

// Compact is the number of tiles that are kept in little memory.
func Compact(x *Index) int {
	n := 0
	for tile := range x.h.NumTiles() {
		if _, data := x.packet.get(tile); data != nil {
			n++
		}
	}
	return n
}

// Assembled is the codestream of a selection.
func (s *Selection) Assembled(data io.ReaderAt) ([]byte, error) {
	a, err := s.Assemble()
	if err != nil {
		return nil, err
	}
	return a.AppendTo(nil, data)
}
