package codestream_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// Whatever the size of the buffer, the packets are the same, and so are they
// when the source is in another order than they are.
func TestCopyBody(t *testing.T) {
	for _, options := range []string{"", "-p CPRL -b 8,8 -c [32,32]", "-r 20,10,1 -p RLCP"} {
		data := compressed(t, 301, 217, options)
		x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		s, err := x.Select(t.Context(), codestream.Window{Area: x.Header().Bounds, Reduce: 1})
		require.NoError(t, err)
		a, err := s.Assemble()
		require.NoError(t, err)
		whole, err := a.AppendTo(nil, bytes.NewReader(data))
		require.NoError(t, err)
		whole = bytes.TrimSuffix(whole, []byte{0xFF, 0xD9})
		reads := 1 << 30
		for _, buffer := range []int64{1, 2, 3, 100, 4096, 50_000, 1 << 30} {
			src := &failingReader{r: bytes.NewReader(data), left: 1 << 30}
			var out bytes.Buffer
			require.NoError(t, a.CopyBody(t.Context(), &out, src, buffer))
			require.True(t, bytes.HasSuffix(whole, out.Bytes()), "%q by %d", options, buffer)
			require.Positive(t, out.Len())
			n := 1<<30 - src.left
			require.LessOrEqual(t, n, reads, "a larger buffer does not mean more reads")
			reads = n
		}
		require.Less(t, reads, 20, "%q", options)
	}
}
