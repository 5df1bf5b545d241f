package tile_test

import (
	"image"
	"image/png"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/corpus"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// columns is a palette of columns that are said to have so many bits, and the
// mapping of component 0 through them.
func columns(bits int, entries ...[3]byte) [][]byte {
	values := be(2, len(entries))
	values = append(values, 3, byte(bits-1), byte(bits-1), byte(bits-1))
	for _, e := range entries {
		values = append(values, e[:]...)
	}
	return [][]byte{box("pclr", values), box("cmap", []byte{0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 2})}
}

var (
	sixteen = func() (list [][3]byte) {
		for i := range 16 {
			list = append(list, [3]byte{byte(17 * i), byte(255 - 16*i), byte(i)})
		}
		return list
	}()
	opaque = definitions(0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 1, 0)
)

func first(v []float64) [4]float64 { return gray(v[:1]) }
func paletted(v []float64) [4]float64 {
	e := sixteen[int(v[0]*15+0.5)]
	return [4]float64{float64(e[0]) / 255, float64(e[1]) / 255, float64(e[2]) / 255, 1}
}

// What a file does not say rightly of its colours is shown by the rules of package
// jp2, with one warning, which everyone is told of; strict decoders refuse it. The
// colours as they are right are no trouble to anyone.
func TestColorsThatAreNotSaidRightly(t *testing.T) {
	for _, c := range []struct {
		name       string
		components int
		depth      int
		boxes      [][]byte
		format     tile.PixelFormat
		show       func(v []float64) [4]float64
		box        string // of the warning; empty: there is none
	}{
		{"right", 3, 8, [][]byte{enumerated(jp2.SRGB)}, tile.RGB8, rgb, ""},
		{"METH 0", 3, 8, [][]byte{box("colr", []byte{0, 0, 0}, be(4, 16))}, tile.RGB8, rgb, "colr"},
		{"METH 77, grey", 1, 8, [][]byte{box("colr", []byte{77, 0, 0})}, tile.Gray8, gray, "colr"},
		{"METH 77 beside one that is known", 1, 8, [][]byte{box("colr", []byte{77, 9, 0}), enumerated(jp2.Grey)}, tile.Gray8, gray, ""},
		{"vendor", 3, 8, [][]byte{box("colr", []byte{4, 0, 0}, make([]byte, 20))}, tile.RGB8, rgb, "colr"},
		{"EnumCS 99", 3, 8, [][]byte{enumerated(99)}, tile.RGB8, rgb, "colr"},
		{"EnumCS 99, two", 2, 8, [][]byte{enumerated(99)}, tile.Gray8, first, "colr"},
		{"EnumCS 99, four", 4, 8, [][]byte{enumerated(99)}, tile.RGB8, rgb, "colr"},
		{"EnumCS 99, four with opacity", 4, 8, [][]byte{enumerated(99), opaque}, tile.NRGBA8,
			func(v []float64) [4]float64 { return [4]float64(v) }, "colr"},
		{"no colr", 3, 8, [][]byte{}, tile.RGB8, rgb, "colr"},
		{"empty profile", 3, 8, [][]byte{profiled(nil)}, tile.RGB8, rgb, "colr"},
		{"broken profile", 3, 8, [][]byte{profiled(swapped()[:200])}, tile.RGB8, rgb, "colr"},
		{"broken profile of inks", 4, 8, [][]byte{profiled(profile("CMYK", map[string][]byte{"A2B0": make([]byte, 40)})[:150])},
			tile.CMYK8, func(v []float64) [4]float64 { return [4]float64(v) }, "colr"},
		{"profile for grey", 3, 8, [][]byte{profiled(profile("GRAY", map[string][]byte{"kTRC": gamma(512)}))}, tile.RGB8, rgb, "colr"},
		{"CMYK of three", 3, 8, [][]byte{enumerated(jp2.CMYK)}, tile.RGB8, rgb, "colr"},
		{"sRGB of one", 1, 8, [][]byte{enumerated(jp2.SRGB)}, tile.Gray8, gray, "colr"},
		{"grey of four", 4, 8, [][]byte{enumerated(jp2.Grey)}, tile.Gray8, first, "colr"},
		{"palette", 1, 4, append([][]byte{enumerated(jp2.SRGB)}, columns(8, sixteen...)...), tile.RGB8, paletted, ""},
		{"palette of 4 bits", 1, 4, append([][]byte{enumerated(jp2.SRGB)}, columns(4, sixteen...)...), tile.RGB8, paletted, "pclr"},
		{"palette, grey", 1, 4, append([][]byte{enumerated(jp2.Grey)}, columns(8, sixteen...)...), tile.RGB8, paletted, "colr"},
		{"cdef of a channel too many", 3, 8, [][]byte{enumerated(jp2.SRGB), opaque}, tile.RGB8, rgb, "cdef"},
		{"cdef of a colour too many", 3, 8, [][]byte{enumerated(jp2.SRGB), definitions(0, 0, 1, 1, 0, 2, 2, 0, 3, 2, 0, 9)},
			tile.RGB8, rgb, "cdef"},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := testimg.Spec{Width: 40, Height: 30, Components: c.components, Depth: c.depth}
			f := open(t, boxed(t, spec, []string{"-n", "1", "-mct", "0"}, c.boxes...))
			var planned, finished []jp2.Warning
			dec := &tile.Decoder{Hooks: &tile.Hooks{
				Planned:  func(i tile.PlanInfo) { planned = i.Warnings },
				Finished: func(i tile.FinishInfo) { finished = i.Warnings }}}
			p, err := dec.Plan(f, tile.Request{})
			require.NoError(t, err)
			require.Equal(t, c.format, p.PixelFormat())
			img, err := p.Image(t.Context())
			require.NoError(t, err)
			planes, err := decodePlanes(t, dec, f)
			require.NoError(t, err)
			most := float64(int(1)<<c.depth - 1)
			v := make([]float64, c.components)
			for y := range p.Size().Y {
				for x := range p.Size().X {
					for i := range v {
						v[i] = float64(planes[i][y*p.Size().X+x]) / most
					}
					want, got := c.show(v), pixelAt(img, x, y)
					for i, w := range want {
						require.InDelta(t, w, got[i], 0.003, "at %d,%d", x, y)
					}
				}
			}

			_, err = (&tile.Decoder{Strict: true}).Plan(f, tile.Request{})
			if c.box == "" {
				require.NoError(t, err)
				require.Empty(t, p.Warnings())
				return
			}
			require.Len(t, p.Warnings(), 1)
			require.Equal(t, c.box, p.Warnings()[0].Box)
			require.Equal(t, p.Warnings(), planned)
			require.Equal(t, p.Warnings(), finished)
			var fe *codestream.FormatError
			require.ErrorAs(t, err, &fe)
			require.Equal(t, p.Warnings()[0].Offset, fe.Offset)
			// Where the colours do not matter neither do the warnings.
			for _, req := range []tile.Request{{Format: tile.Coded}, {Bands: []int{0}}} {
				p, err := (&tile.Decoder{Strict: true}).Plan(f, req)
				require.NoError(t, err)
				require.Empty(t, p.Warnings())
			}
		})
	}
}

// decodePlanes is the samples of each component of an image without subsampling.
func decodePlanes(t *testing.T, dec *tile.Decoder, f *jp2.File) ([][]int32, error) {
	p, err := (&tile.Decoder{Engine: dec.Engine}).Plan(f, tile.Request{Format: tile.Coded})
	require.NoError(t, err)
	size := f.Bounds().Size()
	all := make([][]int32, len(f.Header.Components))
	for i := range all {
		all[i] = make([]int32, size.X*size.Y)
	}
	for planes, err := range p.Planes(t.Context()) {
		if err != nil {
			return nil, err
		}
		for i, pl := range planes.Planes {
			for y := pl.Bounds.Min.Y; y < pl.Bounds.Max.Y; y++ {
				for x := pl.Bounds.Min.X; x < pl.Bounds.Max.X; x++ {
					at := (y-pl.Bounds.Min.Y)*pl.Stride + x - pl.Bounds.Min.X
					to := &all[i][y*size.X+x]
					switch {
					case pl.U8 != nil:
						*to = int32(pl.U8[at])
					case pl.U16 != nil:
						*to = int32(pl.U16[at])
					default:
						*to = pl.I32[at]
					}
				}
			}
		}
	}
	return all, nil
}

// Bands are chosen and ordered before anything is made of what the file says.
func TestBands(t *testing.T) {
	spec := testimg.Spec{Width: 41, Height: 30, Components: 5}
	plain := open(t, boxed(t, spec, []string{"-n", "2", "-mct", "0"}, enumerated(jp2.Grey)))
	// Three components coded together, of which some are left out.
	coded := open(t, testimg.Compress(t, testimg.Spec{Width: 41, Height: 30, Components: 3}, "j2k", "-n", "2", "-I", "-r", "3"))
	indexes := open(t, boxed(t, testimg.Spec{Width: 41, Height: 30, Depth: 4}, []string{"-n", "2"},
		append([][]byte{enumerated(jp2.SRGB)}, columns(8, sixteen...)...)...))
	for _, c := range []struct {
		f      *jp2.File
		bands  []int
		format tile.PixelFormat
		err    error
	}{
		{plain, []int{3}, tile.Gray8, nil},
		{plain, []int{2, 1, 0}, tile.RGB8, nil},
		{plain, []int{4, 3, 4}, tile.RGB8, nil},
		{plain, []int{1, 2}, tile.NRGBA8, nil},
		{plain, []int{3, 2, 1, 0}, tile.NRGBA8, nil},
		{plain, []int{}, 0, tile.ErrRequest},
		{plain, []int{0, 1, 2, 3, 4}, 0, tile.ErrRequest},
		{plain, []int{5}, 0, tile.ErrRequest},
		{plain, []int{-1}, 0, tile.ErrRequest},
		{coded, []int{1}, tile.Gray8, nil},
		{coded, []int{2, 0, 1}, tile.RGB8, nil},
		{indexes, []int{0}, tile.Gray8, nil},
	} {
		p, err := new(tile.Decoder).Plan(c.f, tile.Request{Bands: c.bands})
		if c.err != nil {
			require.ErrorIs(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.format, p.PixelFormat())
		require.False(t, p.Verbatim())
		require.Empty(t, p.Warnings())
		img, err := p.Image(t.Context())
		require.NoError(t, err)
		planes, err := decodePlanes(t, new(tile.Decoder), c.f)
		require.NoError(t, err)
		most := float64(int(1)<<c.f.Header.Components[0].Depth - 1)
		for y := range p.Size().Y {
			for x := range p.Size().X {
				v := make([]float64, 0, 4)
				for _, b := range c.bands {
					v = append(v, float64(planes[b][y*p.Size().X+x])/most)
				}
				want := [4]float64{0, 0, 0, 1}
				switch len(v) {
				case 1, 2:
					want = gray(v)
				default:
					copy(want[:], v)
				}
				if len(v) == 2 {
					want[3] = v[1]
				}
				got := pixelAt(img, x, y)
				for i, w := range want {
					require.InDelta(t, w, got[i], 0.003, "bands %v at %d,%d", c.bands, x, y)
				}
			}
		}
	}
	_, err := new(tile.Decoder).Plan(plain, tile.Request{Bands: []int{0}, Format: tile.Coded})
	require.ErrorIs(t, err, tile.ErrRequest)
}

// The images that people reported.
func TestReports(t *testing.T) {
	for _, c := range []struct {
		name   string
		req    tile.Request
		format tile.PixelFormat
		box    string
	}{
		{"04-pclr-4bit-pdfjs12213.jp2", tile.Request{}, tile.RGB8, "pclr"},
		{"05b-colr-meth0-exiv2-1236.jp2", tile.Request{}, tile.RGB8, "colr"},
		{"05c-colr-enum99-openjpeg247.jp2", tile.Request{}, tile.RGB8, "colr"},
		{"09-grey-colr-4comp-openjpeg1464.jp2", tile.Request{}, tile.Gray8, "colr"},
		{"09-grey-colr-4comp-openjpeg1464.jp2", tile.Request{Bands: []int{0, 1, 2}}, tile.RGB8, ""},
		{"17-palette-grey-colr-pillow9455.jp2", tile.Request{}, tile.RGB8, "colr"},
		{"18-nitf-ms-4band.j2c", tile.Request{}, tile.NRGBA8, "SIZ"},
		{"18-nitf-ms-4band.j2c", tile.Request{Bands: []int{0, 1, 2}}, tile.RGB8, ""},
		{"19-cdef-too-many-hayro653.jp2", tile.Request{}, tile.RGB8, "cdef"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := jp2.Open(corpus.Report(t, c.name))
			require.NoError(t, err)
			defer f.Close()
			p, err := new(tile.Decoder).Plan(f, c.req)
			require.NoError(t, err)
			require.Equal(t, c.format, p.PixelFormat())
			require.Equal(t, c.box != "", slices.ContainsFunc(p.Warnings(), func(w jp2.Warning) bool { return w.Box == c.box }))
			_, err = p.Image(t.Context())
			require.NoError(t, err)
		})
	}
	file, err := os.Open(corpus.Report(t, "04-right.png"))
	require.NoError(t, err)
	defer file.Close()
	want, err := png.Decode(file)
	require.NoError(t, err)
	f, err := jp2.Open(corpus.Report(t, "04-pclr-4bit-pdfjs12213.jp2"))
	require.NoError(t, err)
	defer f.Close()
	p, err := new(tile.Decoder).Plan(f, tile.Request{})
	require.NoError(t, err)
	img, err := p.Image(t.Context())
	require.NoError(t, err)
	require.Equal(t, want.Bounds(), img.Bounds())
	for y := range p.Size().Y {
		for x := range p.Size().X {
			r, g, b, _ := want.At(x, y).RGBA()
			r2, g2, b2, _ := img.At(x, y).RGBA()
			require.Equal(t, [3]uint32{r, g, b}, [3]uint32{r2, g2, b2}, image.Pt(x, y))
		}
	}
}

// A white disc on black that cannot be seen has no dark edge when it is shown on
// white, whatever size it is scaled to: the average is weighted by opacity.
func TestOpacityLeavesNoFringe(t *testing.T) {
	for _, size := range []int{400, 401, 300, 201, 100, 37, 1200} {
		f, err := jp2.Open(corpus.Report(t, "33-alpha-fringe.jp2"))
		require.NoError(t, err)
		requireNoFringe(t, f, size)
		require.NoError(t, f.Close())
	}
}

// The same of an image in which every pixel is either white or cannot be seen.
func TestOpacityWeighsColours(t *testing.T) {
	spec := testimg.Spec{Width: 120, Height: 90, Components: 4, Depth: 1}
	f := open(t, boxed(t, spec, []string{"-n", "4", "-mct", "0"}, enumerated(jp2.SRGB), opaque))
	whole, err := plannedImage(t, f, tile.Request{})
	require.NoError(t, err)
	for _, side := range []int{60, 40, 24} {
		got, err := plannedImage(t, f, tile.Request{Size: image.Pt(side, side*3/4)})
		require.NoError(t, err)
		size := got.Bounds().Size()
		kx, ky := 120/size.X, 90/size.Y
		for y := range size.Y {
			for x := range size.X {
				var sum [4]float64
				for j := range ky {
					for i := range kx {
						v := pixelAt(whole, x*kx+i, y*ky+j)
						for c := range 3 {
							sum[c] += v[c] * v[3]
						}
						sum[3] += v[3]
					}
				}
				v := pixelAt(got, x, y)
				require.InDelta(t, sum[3]/float64(kx*ky), v[3], 0.003)
				if sum[3] == 0 {
					continue
				}
				for c := range 3 {
					require.InDelta(t, sum[c]/sum[3], v[c], 0.003, "at %d,%d", x, y)
				}
			}
		}
	}
}

func plannedImage(t *testing.T, f *jp2.File, req tile.Request) (image.Image, error) {
	p, err := new(tile.Decoder).Plan(f, req)
	require.NoError(t, err)
	return p.Image(t.Context())
}

func requireNoFringe(t *testing.T, f *jp2.File, size int) {
	img, err := plannedImage(t, f, tile.Request{Size: image.Pt(size, size)})
	require.NoError(t, err)
	for y := range size {
		for x := range size {
			v := pixelAt(img, x, y)
			require.Greater(t, v[0]*v[3]+1-v[3], 0.97, "at %d,%d of %d", x, y, size)
		}
	}
}
