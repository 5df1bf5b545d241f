package codestream

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadHeader(t *testing.T) {
	data := rich()[0]
	h, err := ReadHeader(readerOf(data), Span{Len: int64(len(data))})
	require.NoError(t, err)
	var markers []Marker
	end := int64(0)
	for _, s := range h.Segments {
		require.Equal(t, end, s.Span.Off)
		end = s.Span.End()
		markers = append(markers, s.Marker)
	}
	require.Equal(t, end, h.FirstPart)
	require.Equal(t, []Marker{SOC, SIZ, COD, QCD, TLM, CAPMarker, COM, CRG, 0xFF41}, markers)
	want := testHeader()
	require.Equal(t, want.Bounds, h.Bounds)
	require.Equal(t, want.Components, h.Components)
	require.Equal(t, []Comment{{Data: []byte("hi")}}, h.Comments)
	require.Equal(t, &CAP{1 << 17, []uint16{1}}, h.CAP)
	require.Len(t, h.Registration, 3)
}

func TestReadHeaderRefuses(t *testing.T) {
	h := testHeader()
	soc, siz := appendMarker(nil, SOC), appendSIZ(nil, h)
	cod := appendCOD(nil, h.Coding, h.Components[0].ComponentCoding)
	qcd := appendQCD(nil, h.Components[0].Quant)
	first := appendSOT(nil, sot{length: 14, parts: 1})
	for _, c := range []struct {
		name        string
		data        []byte
		offset      int64
		says        string
		unsupported bool
	}{
		{name: "nothing", says: "unexpected EOF"},
		{name: "no SOC", data: siz, says: "SIZ in its place"},
		{name: "no SIZ", data: slices.Concat(soc, cod), offset: 2, says: "COD in its place"},
		{name: "two SIZ", data: slices.Concat(soc, siz, siz), offset: 51, says: "SIZ does not belong"},
		{name: "no COD", data: slices.Concat(soc, siz, qcd, first), offset: 63, says: "no COD"},
		{name: "no QCD", data: slices.Concat(soc, siz, cod, first), offset: 65, says: "no QCD"},
		{name: "no tile-part", data: slices.Concat(soc, siz, cod, qcd, eoc), offset: 77, says: "EOC does not belong"},
		{name: "the end", data: slices.Concat(soc, siz, cod, qcd), offset: 77, says: "unexpected EOF"},
		{name: "no marker", data: slices.Concat(soc, siz, []byte{0, 1, 2, 3}), offset: 51, says: "0001 is not a marker"},
		{name: "length 1", data: slices.Concat(soc, siz, []byte{0xFF, 0x64, 0, 1}), offset: 51, says: "length 1"},
		{name: "past the end", data: slices.Concat(soc, siz, []byte{0xFF, 0x64, 0, 9}), offset: 51, says: "7 bytes past the end of the codestream"},
		{name: "no number", data: slices.Concat(soc, siz, []byte{0xFF, 0x60, 0, 2}), offset: 51, says: "no room for its number"},
		{name: "Part 2", data: slices.Concat(soc, siz, segmentOf(0xFF74, 0, 0)), says: "MCT (Part 2)", unsupported: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadHeader(readerOf(c.data), Span{Len: int64(len(c.data))})
			require.ErrorContains(t, err, c.says)
			if c.unsupported {
				require.ErrorIs(t, err, errors.ErrUnsupported)
				return
			}
			var format *FormatError
			require.ErrorAs(t, err, &format)
			require.Equal(t, c.offset, format.Offset)
		})
	}
}

func TestReadHeaderReads(t *testing.T) {
	// Payloads that are of no use yet are passed over.
	var extra []byte
	for z := range byte(20) {
		extra = append(extra, segmentOf(PPM, append([]byte{z}, make([]byte, 60000)...)...)...)
	}
	data := build(testHeader(), extra, sequence(), eoc...)
	r := readerOf(data)
	_, err := ReadHeader(r, Span{Len: int64(len(data))})
	require.NoError(t, err)
	require.Less(t, r.bytes.Load(), int64(21*maxChunk))

	data = build(testHeader(), nil, sequence(), eoc...)
	r = readerOf(data)
	_, err = ReadHeader(r, Span{Len: int64(len(data))})
	require.NoError(t, err)
	require.Equal(t, int64(1), r.reads.Load())

	lost := errors.New("lost")
	for failAt := range int64(20) {
		r := readerOf(build(testHeader(), extra, sequence(), eoc...))
		r.failAt, r.err = failAt+1, lost
		_, err := ReadHeader(r, Span{Len: r.Size()})
		require.ErrorIs(t, err, lost)
		require.NotErrorIs(t, err, ErrFormat)
	}
	// A source that is shorter than the caller says.
	_, err = ReadHeader(readerOf(data[:60]), Span{Len: 1 << 40})
	require.ErrorAs(t, err, new(*SourceError))
	require.NotErrorIs(t, err, ErrFormat)
	require.NotErrorIs(t, err, io.EOF)
}

func TestMarkerNames(t *testing.T) {
	require.Equal(t, "CAP", CAPMarker.String())
	require.Equal(t, "FF41", Marker(0xFF41).String())
}
