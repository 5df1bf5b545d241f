package tier1

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/internal/tier1/tier1test"
	"github.com/stria-j2k/stria/jp2"
)

// imageBlocks gives the blocks of the first component of an image, in strict mode, and
// where they lie in their sub-bands.
func imageBlocks(tb testing.TB, data []byte) (blocks []codeblock.Block, places []codestream.Block) {
	tb.Helper()
	r := bytes.NewReader(data)
	f, err := jp2.NewFile(r, r.Size())
	require.NoError(tb, err)
	c := f.Header.Components[0]
	w := codestream.Window{Area: f.Header.Bounds, Components: []int{0}}
	for place, err := range f.Index().Blocks(tb.Context(), w) {
		require.NoError(tb, err)
		size := place.Bounds.Size()
		b := codeblock.Block{Width: size.X, Height: size.Y, Orient: int(place.ID.Band),
			Planes:     c.BandPlanes(int(place.ID.Resolution), int(place.ID.Band)),
			ZeroPlanes: place.ZeroPlanes, Style: codeblock.Style(c.Style), Strict: true}
		for _, s := range place.Spans {
			b.Data = append(b.Data, data[s.Off:s.Off+s.Len]...)
		}
		for _, s := range place.Codewords {
			b.Segments = append(b.Segments, codeblock.Segment{Passes: int(s.Passes), Length: int(s.Length)})
		}
		blocks, places = append(blocks, b), append(places, place)
	}
	return blocks, places
}

// reversible is one level of the 5/3 transform (F.4.8.1), on whole numbers from the
// origin: down columns, then along rows. It leaves the sub-bands apart, by number.
func reversible(samples []int32, width, height int) [4][]int32 {
	along := func(n int, at func(i int) *int32) {
		mirror := func(i int) *int32 {
			if i < 0 {
				i = -i
			}
			if i >= n {
				i = 2*(n-1) - i
			}
			return at(i)
		}
		for i := 1; i < n; i += 2 {
			*at(i) -= (*mirror(i - 1) + *mirror(i + 1)) >> 1
		}
		for i := 0; i < n; i += 2 {
			*at(i) += (*mirror(i - 1) + *mirror(i + 1) + 2) >> 2
		}
	}
	all := slices.Clone(samples)
	for x := range width {
		along(height, func(y int) *int32 { return &all[y*width+x] })
	}
	for y := range height {
		along(width, func(x int) *int32 { return &all[y*width+x] })
	}
	var bands [4][]int32
	for i, v := range all {
		band := i%width&1 | i/width&1<<1
		bands[band] = append(bands[band], v)
	}
	return bands
}

// What opj_compress makes of an image without loss is, in all styles and sub-bands, the
// coefficients of that image.
func TestOpenJPEGLossless(t *testing.T) {
	spec := testimg.Spec{Width: 90, Height: 74}
	p := testimg.Draw(spec)
	samples := slices.Clone(p.Planes[0].Samples)
	for i := range samples {
		samples[i] -= 128
	}
	bands := reversible(samples, spec.Width, spec.Height)
	var d Decoder
	for style := range 64 {
		if testing.Short() && style%9 != 0 {
			continue
		}
		size := []string{"64,64", "32,16", "4,64", "64,8"}[style%4]
		data := testimg.Compress(t, spec, "j2k", "-n", "2", "-b", size, "-M", fmt.Sprint(style))
		blocks, places := imageBlocks(t, data)
		seen := 0
		for i := range blocks {
			b := &blocks[i]
			require.EqualValues(t, style, b.Style)
			have, err := decodeAll(t, &d, b)
			require.NoError(t, err, name(b))
			want, _ := tier1test.Decode(b)
			requireSame(t, want, have, b)
			at, stride := places[i].Bounds.Min, (spec.Width+1-b.Orient&1)/2
			for j, v := range have {
				x, y := at.X+j%b.Width, at.Y+j/b.Width
				if bands[b.Orient][y*stride+x] != v/2 {
					t.Fatalf("%d, %d of %s is %d", x, y, name(b), v)
				}
			}
			seen += len(have)
		}
		require.Equal(t, spec.Width*spec.Height, seen)
	}
}

// Blocks of which some passes are coded decode to twice what opj_decompress makes of
// them: an image without transform is its coefficients.
func TestOpenJPEGLossy(t *testing.T) {
	spec := testimg.Spec{Width: 70, Height: 66}
	var d Decoder
	for style := range 64 {
		if testing.Short() && style%9 != 0 {
			continue
		}
		data := testimg.Compress(t, spec, "j2k", "-n", "1", "-b", "32,32", "-M", fmt.Sprint(style),
			"-r", fmt.Sprint(3+style%5))
		blocks, places := imageBlocks(t, data)
		picture := make([]byte, spec.Width*spec.Height)
		for i := range picture {
			picture[i] = 128
		}
		for i := range blocks {
			// Where opj_compress cuts a segment, the segmentation symbol at its end may
			// be damaged.
			blocks[i].Strict = style&(int(codeblock.SegSym|codeblock.TermAll)) != int(codeblock.SegSym)
			have, err := decodeAll(t, &d, &blocks[i])
			require.NoError(t, err, name(&blocks[i]))
			at := places[i].Bounds.Min
			for j, v := range have {
				x, y := at.X+j%blocks[i].Width, at.Y+j/blocks[i].Width
				picture[y*spec.Width+x] = byte(min(max(v/2+128, 0), 255))
			}
		}
		require.Equal(t, decompress(t, data), picture, "style %d", style)
	}
}

// decompress is what opj_decompress makes of an image of one component of 8 bits.
func decompress(t *testing.T, data []byte) []byte {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.j2k"), filepath.Join(dir, "out.raw")
	require.NoError(t, os.WriteFile(in, data, 0o600))
	said, err := exec.Command(testimg.Program(t, "opj_decompress"), "-i", in, "-o", out).CombinedOutput()
	require.NoError(t, err, "%s", said)
	samples, err := os.ReadFile(out)
	require.NoError(t, err)
	return samples
}

// Damage to blocks that opj_compress terminated predictably, or gave segmentation
// symbols, is mostly noticed.
func TestOpenJPEGDamage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 1))
	var d Decoder
	for style, least := range map[int]int{16: 90, 20: 80, 32: 90, 36: 20, 48: 90, 52: 80} {
		data := testimg.Compress(t, testimg.Spec{Width: 128, Height: 128}, "j2k", "-n", "2", "-b", "32,32",
			"-M", fmt.Sprint(style))
		blocks, _ := imageBlocks(t, data)
		noticed, tries := 0, 0
		for range 5 {
			for i := range blocks {
				b := blocks[i]
				if len(b.Data) < 100 {
					continue
				}
				b.Data = slices.Clone(b.Data)
				b.Data[rnd.IntN(len(b.Data))] ^= 1 << rnd.IntN(8)
				tries++
				if _, err := decodeAll(t, &d, &b); err != nil {
					noticed++
				}
			}
		}
		require.GreaterOrEqual(t, noticed*100, least*tries, "style %d: %d of %d", style, noticed, tries)
	}
}
