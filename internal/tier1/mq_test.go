package tier1

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// The test sequence of ISO/IEC 14492, H.2, which has the same arithmetic decoder: one
// context.
func TestSequence(t *testing.T) {
	data, err := hex.DecodeString("84C73BFCE1A1430402200000410DBB86F4317FFF88FF37471ADB6ADFFFAC")
	require.NoError(t, err)
	var q mq
	q.start(data)
	cx := entry(0, 0)
	var out []byte
	for range 32 {
		var b byte
		for range 8 {
			b = b<<1 | byte(q.decide(&cx))
		}
		out = append(out, b)
	}
	require.Equal(t, "00020051000000c00352872aaaaaaaaa82c02000fcd79ef6bf7fed904f46a3bf", hex.EncodeToString(out))
}
