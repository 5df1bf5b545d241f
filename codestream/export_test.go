package codestream

import (
	"testing"

	"github.com/stria-j2k/stria/internal/corpus"
)

// A CorpusStream is a corpusFile, for the tests that need a decoder and so
// cannot be in this package.
type CorpusStream struct {
	corpus.Row
	Data []byte
	At   Span
}

// CorpusStreams is corpusFiles.
func CorpusStreams(t testing.TB) []CorpusStream {
	var list []CorpusStream
	for _, f := range corpusFiles(t) {
		list = append(list, CorpusStream{f.Row, f.data, f.at})
	}
	return list
}
