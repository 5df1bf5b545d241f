package codestream_test

import (
	"bytes"
	"errors"
	"image"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/corpus"
)

// A noReader is a source that must not be read.
type noReader struct{ t testing.TB }

func (r noReader) ReadAt([]byte, int64) (int, error) {
	require.FailNow(r.t, "the source is read")
	return 0, io.EOF
}

// selectAll selects all tiles and returns what was assembled, errors and
// damage included.
func selectAll(t testing.TB, x *codestream.Index, data []byte, reduce int) [][]byte {
	var all [][]byte
	for tile := range x.Header().NumTiles() {
		s, err := x.Select(t.Context(), codestream.Window{Tile: tile, Area: x.Header().Bounds, Reduce: reduce})
		if err != nil {
			all = append(all, []byte(err.Error()))
			continue
		}
		b, err := s.Assembled(bytes.NewReader(data))
		require.NoError(t, err)
		if s.Damage() != nil {
			b = append(b, s.Damage().Error()...)
		}
		all = append(all, b)
	}
	return all
}

func TestSidecarNeedsNoReads(t *testing.T) {
	for _, f := range codestream.CorpusStreams(t) {
		if f.Bytes > 300<<10 {
			continue
		}
		t.Run(f.Path, func(t *testing.T) {
			x, err := openIndex(f.Data, f.At)
			if err != nil {
				require.NotEqual(t, corpus.Decodes, f.Expected)
				return
			}
			if x.Header().NumTiles() > 1000 {
				t.Skip("many tiles")
			}
			data, err := x.Sidecar(t.Context(), "tag")
			require.NoError(t, err)
			y, err := codestream.OpenSidecar(noReader{t}, x.Header(), data, "tag")
			require.NoError(t, err)
			fresh, err := openIndex(f.Data, f.At)
			require.NoError(t, err)
			want := selectAll(t, x, f.Data, 0)
			require.Equal(t, want, selectAll(t, y, f.Data, 0))
			if f.Expected == corpus.Decodes {
				require.Equal(t, want, selectAll(t, fresh, f.Data, 0), "index that was not loaded")
			}
			again, err := y.Sidecar(t.Context(), "tag")
			require.NoError(t, err)
			require.Equal(t, data, again)
		})
	}
}

// sidecarSample is a small image and its sidecar.
func sidecarSample(t testing.TB) (*codestream.Header, []byte) {
	data := compressed(t, 90, 70, "-t 50,50 -r 20,5 -n 3 -c [32,32] -b 4,4 -POC T1=0,0,1,3,3,LRCP/T1=0,0,2,3,3,RPCL")
	x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
	require.NoError(t, err)
	b, err := x.Sidecar(t.Context(), "etag")
	require.NoError(t, err)
	return x.Header(), b
}

func TestSidecarRefusesWhatIsNotItsOwn(t *testing.T) {
	h, data := sidecarSample(t)
	open := func(h *codestream.Header, b []byte, tag string) error {
		x, err := codestream.OpenSidecar(noReader{t}, h, b, tag)
		require.Equal(t, err == nil, x != nil)
		return err
	}
	require.NoError(t, open(h, data, "etag"))
	require.ErrorIs(t, open(h, data, "other"), codestream.ErrSidecar)
	for n := range data {
		require.ErrorIs(t, open(h, data[:n], "etag"), codestream.ErrSidecar, "first %d bytes", n)
		bad := bytes.Clone(data)
		bad[n] ^= 0x10
		require.ErrorIs(t, open(h, bad, "etag"), codestream.ErrSidecar, "byte %d", n)
	}
	require.ErrorIs(t, open(h, append(bytes.Clone(data), 0), "etag"), codestream.ErrSidecar)
	for name, change := range map[string]func(h *codestream.Header){
		"size":    func(h *codestream.Header) { h.Span.Len++ },
		"place":   func(h *codestream.Header) { h.Span.Off++ },
		"bounds":  func(h *codestream.Header) { h.Bounds.Max.X-- },
		"layers":  func(h *codestream.Header) { h.Coding.Layers++ },
		"tile":    func(h *codestream.Header) { h.FirstTile = h.FirstTile.Add(image.Pt(0, -1)) },
		"segment": func(h *codestream.Header) { h.FirstPart++ },
	} {
		other := *h
		change(&other)
		require.ErrorIs(t, open(&other, data, "etag"), codestream.ErrSidecar, name)
	}
}

func FuzzSidecar(f *testing.F) {
	h, data := sidecarSample(f)
	f.Add(data)
	body := codestream.SidecarBody(data)
	f.Add(body)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, b := range [][]byte{data, codestream.SidecarOf(h, data, "etag")} {
			x, err := codestream.OpenSidecar(eofReader{}, h, b, "etag")
			if err != nil {
				require.ErrorIs(t, err, codestream.ErrSidecar)
				continue
			}
			for tile := range h.NumTiles() {
				s, err := x.Select(t.Context(), codestream.Window{Tile: tile, Area: h.Bounds})
				if err != nil {
					require.False(t, strings.Contains(err.Error(), "(bug)"))
					continue
				}
				_, err = s.Assembled(eofReader{})
				require.True(t, err == nil || errors.Is(err, codestream.ErrFormat))
			}
		}
	})
}

// An eofReader is a source without data.
type eofReader struct{}

func (eofReader) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }
