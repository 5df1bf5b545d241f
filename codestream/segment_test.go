package codestream

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A segmentCase is one marker segment as bytes and as a value. The table of
// cases of a structure feeds its decoding test, its encoding test and its fuzz
// target.
type segmentCase[T any] struct {
	name       string
	hex        string // from the marker on; spaces are for the reader
	want       T
	components int    // of the image; 0 means 3
	rsiz       uint16 // of the image
	fails      string // what the error says; empty when there is none
	oneWay     bool   // not what Stria would write for the value
}

func (c segmentCase[T]) count() int {
	if c.components == 0 {
		return 3
	}
	return c.components
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	require.NoError(t, err)
	return b
}

// A segmentCodec is how a structure is read and, unless nil, written.
type segmentCodec[T any] struct {
	marker Marker
	parse  func(f *fields, components int, rsiz uint16) (T, error)
	append func(dst []byte, components int, v T) []byte
}

// fields wraps a segment's payload the way the walk over a header does.
func (s segmentCodec[T]) fields(payload []byte) *fields {
	return &fields{marker: s.marker, off: 104, data: payload}
}

func (s segmentCodec[T]) test(t *testing.T, cases []segmentCase[T]) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			v, err := s.parse(s.fields(b[4:]), c.count(), c.rsiz)
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				requireFault(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, v)
			if s.append != nil && !c.oneWay {
				got := s.append([]byte("before"), c.count(), v)
				require.Equal(t, append([]byte("before"), b...), got)
			}
		})
	}
}

func (s segmentCodec[T]) fuzz(f *testing.F, cases []segmentCase[T]) {
	for _, c := range cases {
		f.Add(unhex(f, c.hex)[4:], uint16(c.count()), c.rsiz)
	}
	f.Fuzz(func(t *testing.T, payload []byte, components, rsiz uint16) {
		if components == 0 || components > maxComponents || len(payload) > 0xFFFD {
			return
		}
		v, err := s.parse(s.fields(payload), int(components), rsiz)
		if err != nil {
			requireFault(t, err)
			return
		}
		if s.append == nil {
			return
		}
		b := s.append(nil, int(components), v)
		again, err := s.parse(s.fields(b[4:]), int(components), rsiz)
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}

// requireFault holds an error about data to what callers are promised.
func requireFault(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	require.ErrorIs(t, err, ErrFormat)
	var format *FormatError
	require.ErrorAs(t, err, &format)
	require.GreaterOrEqual(t, format.Offset, int64(0))
	require.NotEmpty(t, format.Where)
	require.Error(t, format.Err)
}

func requireFaultIfAny(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		requireFault(t, err)
	}
}

func TestHeaderReaderLimits(t *testing.T) {
	// Segments of nothing are cheap in the file; a list of them must end.
	data := []byte{0xFF, 0x4F}
	data = appendSIZ(data, testHeader())
	for range maxSegments + 1 {
		data = append(data, 0xFF, 0x40, 0, 2)
	}
	_, err := ReadHeader(readerOf(data), Span{Len: int64(len(data))})
	require.ErrorIs(t, err, errors.ErrUnsupported)
}
