// This file builds small codestreams for tests. Their tile-parts hold no real
// packets: nothing here looks into them.

package codestream

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"io"
	"sync/atomic"
)

// testHeader is an image of 3 by 2 tiles with three components, two levels.
func testHeader() *Header {
	c := Component{Depth: 8, Sub: image.Pt(1, 1), ComponentCoding: ComponentCoding{
		Levels: 2, XCB: 6, YCB: 6, Reversible: true, Precincts: []Precinct{{15, 15}, {15, 15}, {15, 15}},
		Quant: testQuant(2, 8),
	}}
	return &Header{
		Bounds:     image.Rect(0, 0, 300, 200),
		FirstTile:  image.Rect(0, 0, 100, 100),
		Components: []Component{c, c, c},
		Coding:     Coding{Layers: 1},
	}
}

// testQuant has steps for so many levels, told apart by their exponent.
func testQuant(levels int, exponent uint8) Quantization {
	q := Quantization{Style: NoQuantization, Guard: 2}
	for range 3*levels + 1 {
		q.Steps = append(q.Steps, Step{Exponent: exponent})
	}
	return q
}

// A testPart is a tile-part to be built.
type testPart struct {
	sot
	header []byte // after SOT
	body   int    // bytes; each is the tile's number
	psot   func(length int64) int64
}

// build writes a codestream: the header, its extra segments, the tile-parts,
// and tail, which is EOC in a sound one.
func build(h *Header, extra []byte, parts []testPart, tail ...byte) []byte {
	b := appendMarker(nil, SOC)
	b = appendSIZ(b, h)
	b = appendCOD(b, h.Coding, h.Components[0].ComponentCoding)
	b = appendQCD(b, h.Components[0].Quant)
	b = append(b, extra...)
	for _, p := range parts {
		b = append(b, p.bytes()...)
	}
	return append(b, tail...)
}

func (p testPart) bytes() []byte {
	s := p.sot
	s.length = int64(sotSize + len(p.header) + 2 + p.body)
	if p.psot != nil {
		s.length = p.psot(s.length)
	}
	b := appendSOT(nil, s)
	b = append(b, p.header...)
	b = appendMarker(b, SOD)
	return append(b, bytes.Repeat([]byte{byte(p.tile)}, p.body)...)
}

// segmentOf wraps a payload.
func segmentOf(m Marker, payload ...byte) []byte {
	return appendSegment(nil, m, func(b []byte) []byte { return append(b, payload...) })
}

// tlmOf is TLM for tile-parts as they are, 16-bit tiles and 32-bit lengths.
func tlmOf(parts []testPart) []byte {
	payload := []byte{0, 0x60}
	for _, p := range parts {
		payload = binary.BigEndian.AppendUint16(payload, uint16(p.tile))
		payload = binary.BigEndian.AppendUint32(payload, uint32(len(p.bytes())))
	}
	return segmentOf(TLM, payload...)
}

// A source counts reads, and fails from a certain one on if told so.
type source struct {
	*bytes.Reader
	reads, bytes atomic.Int64
	failAt       int64 // number of the read that fails, from 1; 0: none
	err          error
	onRead       func()
}

func readerOf(data []byte) *source { return &source{Reader: bytes.NewReader(data)} }

func (s *source) ReadAtContext(ctx context.Context, p []byte, off int64) (int, error) {
	if s.onRead != nil {
		s.onRead()
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.bytes.Add(int64(len(p)))
	if n := s.reads.Add(1); n == s.failAt {
		return 0, s.err
	}
	return s.Reader.ReadAt(p, off)
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	return s.ReadAtContext(context.Background(), p, off)
}

var _ io.ReaderAt = (*source)(nil)
var _ ContextReaderAt = (*source)(nil)
