package tile_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/codestream"
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

// Code-blocks of every style and of every shape are decoded to what was coded, with both
// of the reversible transform's widths, and whatever is dropped of the passes.
func TestBlockStyles(t *testing.T) {
	shapes := []string{"64,64", "4,1024", "1024,4", "16,32", "32,128"}
	n := 0
	for style := range 64 {
		if testing.Short() && style%7 != 0 {
			continue
		}
		depth := 8 + 4*(style&1)
		spec := testimg.Spec{Width: 150, Height: 130, Components: 1 + style&2, Depth: depth}
		f := open(t, testimg.Compress(t, spec, "j2k", "-M", fmt.Sprint(style), "-b", shapes[style%len(shapes)], "-n", "4"))
		p, err := (&tile.Decoder{Strict: true}).Plan(f, tile.Request{})
		require.NoError(t, err)
		all := whole(t, p)
		for i, c := range testimg.Draw(spec).Planes {
			same(t, all.Planes[i].Bounds, c.Samples, all.Planes[i].I32, "style %d component %d", style, i)
		}
		n++
	}
	require.Positive(t, n)
}

// Without the last layers the segments of blocks are cut off, which is no damage.
func TestFewerLayersAreNoDamage(t *testing.T) {
	for _, style := range []string{"16", "48"} {
		f := open(t, testimg.Compress(t, testimg.Spec{Width: 200, Height: 180}, "j2k", "-M", style, "-r", "20,10,5,1"))
		for layers := range 5 {
			p, err := (&tile.Decoder{Strict: true}).Plan(f, tile.Request{Layers: layers})
			require.NoError(t, err)
			whole(t, p)
		}
	}
}

// Walking the blocks of a selection allocates nothing for each.
func TestBlocksAllocateNothing(t *testing.T) {
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 700, Height: 600, Components: 3}, "j2k", "-b", "16,16"))
	s, err := f.Index().Select(t.Context(), codestream.Window{Area: f.Header.Bounds})
	require.NoError(t, err)
	require.Greater(t, s.NumBlocks(), 1000)
	require.Less(t, testing.AllocsPerRun(3, func() {
		n := 0
		for b := range s.Blocks() {
			n += len(b.Spans) + len(b.Codewords)
		}
		require.Positive(t, n)
	}), 10.0)
}
