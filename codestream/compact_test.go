package codestream_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// TestTilesBecomeCompact selects all of each tile, which makes the index know
// all of it: then it must keep little, and give the same again.
func TestTilesBecomeCompact(t *testing.T) {
	for _, options := range []string{
		"-t 64,64", "-t 64,64 -PLT", "-t 64,64 -PLT -p RPCL -r 20,5 -c [32,32]", "-t 64,64 -SOP -r 9,2", "-t 64,64 -TP R",
	} {
		data := compressed(t, 200, 150, options)
		x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		require.Zero(t, codestream.Compact(x))
		want := selectAll(t, x, data, 0)
		require.Equal(t, x.Header().NumTiles(), codestream.Compact(x), options)
		require.Equal(t, want, selectAll(t, x, data, 0))
		require.NoError(t, x.Load(t.Context()))
		require.Equal(t, want, selectAll(t, x, data, 0))
		keep, err := x.Sidecar(t.Context(), "")
		require.NoError(t, err)
		y, err := codestream.OpenSidecar(bytes.NewReader(data), x.Header(), keep, "")
		require.NoError(t, err)
		require.Equal(t, x.Header().NumTiles(), codestream.Compact(y))
		require.Equal(t, want, selectAll(t, y, data, 0))
	}
}
