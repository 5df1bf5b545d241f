package tile_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	libopenjp2 "github.com/stria-j2k/stria/internal/openjpeg"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/tile"
	"github.com/stria-j2k/stria/tile/openjpeg"
)

// The native engine's samples are OpenJPEG's: the same where the transform is
// reversible, within one where it is not.
func TestNativeEqualsOpenJPEG(t *testing.T) {
	if major, _, _ := libopenjp2.Version(); major == 0 {
		t.Skip("OpenJPEG needs cgo")
	}
	for _, pic := range pictures {
		f := open(t, testimg.Compress(t, pic.spec, "jp2", pic.args...))
		for reduce := 0; reduce <= min(3, f.Header.Reduces()); reduce++ {
			var all [2]*tile.Planes
			for i, e := range []tile.Engine{openjpeg.Engine(), tile.Native()} {
				dec := &tile.Decoder{Strict: true, Engine: e}
				p, err := dec.Plan(f, tile.Request{Reduce: reduce})
				require.NoError(t, err)
				all[i] = whole(t, p)
			}
			for i := range all[0].Planes {
				a, b := all[0].Planes[i], all[1].Planes[i]
				require.Equal(t, a.Bounds, b.Bounds)
				most, allowed := int32(0), int32(1)
				if f.Header.Components[i].Reversible {
					allowed = 0
				}
				for k := range a.I32 {
					most = max(most, a.I32[k]-b.I32[k], b.I32[k]-a.I32[k])
				}
				require.LessOrEqual(t, most, allowed, "%s, reduction %d, component %d", pic.name, reduce, i)
			}
		}
	}
}
