package tile_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// An image that is wanted whole is read once, headers and blocks from the same bytes,
// also when its index is warm.
func TestReadOnce(t *testing.T) {
	for name, args := range map[string][]string{
		"one packet a resolution": nil,
		"precincts":               {"-p", "RPCL", "-c", "[64,64]"},
		"PLT":                     {"-PLT", "-p", "RPCL", "-c", "[64,64]"},
		"layers":                  {"-PLT", "-r", "30,10,4"},
		"tiles":                   {"-t", "128,128", "-TLM"},
	} {
		data := testimg.Compress(t, testimg.Spec{Kind: testimg.Noise, Width: 520, Height: 450, Components: 3}, "jp2", args...)
		f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		for _, index := range []string{"cold", "warm"} {
			var done tile.FinishInfo
			d := &tile.Decoder{Hooks: &tile.Hooks{Finished: func(i tile.FinishInfo) { done = i }}}
			_, err = image1(t, d, f, tile.Request{})
			require.NoError(t, err)
			require.Positive(t, done.Bytes)
			require.LessOrEqual(t, float64(done.Bytes), 1.05*float64(len(data)), "%s, %s index", name, index)
			require.LessOrEqual(t, done.Reads, 60, "%s, %s index", name, index)
		}
	}
}
