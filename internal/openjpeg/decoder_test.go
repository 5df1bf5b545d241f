//go:build cgo

package openjpeg

import (
	"errors"
	"image"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/codestream"
)

// open opens the stream for the test, at whose end the decoder is closed.
func open(t testing.TB, stream []byte) *Decoder {
	t.Helper()
	return openThreads(t, stream, 1)
}

// openThreads is open for a decoder with threads of its own.
func openThreads(t testing.TB, stream []byte, threads int) *Decoder {
	t.Helper()
	d, err := Open(stream, threads)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// decodeWhole is the planes of all of the stream.
func decodeWhole(t testing.TB, a *asset, stream []byte) []Plane {
	t.Helper()
	d, err := Open(stream, 1)
	require.NoError(t, err)
	defer d.Close()
	require.Equal(t, a.bounds, d.Bounds())
	planes := a.planes(a.bounds)
	require.NoError(t, d.DecodeAll(planes))
	requireGuards(t, planes)
	return planes
}

func TestDecodeWhole(t *testing.T) {
	for _, a := range assets {
		t.Run(a.name, func(t *testing.T) {
			live := Live()
			whole := decodeWhole(t, &a, a.stream(t))
			worst := 0
			for c := range whole {
				p := &whole[c]
				for y := p.Bounds.Min.Y; y < p.Bounds.Max.Y; y++ {
					for x := p.Bounds.Min.X; x < p.Bounds.Max.X; x++ {
						e := int(p.at(x, y) - a.sample(c, x, y))
						worst = max(worst, e, -e)
					}
				}
			}
			require.LessOrEqual(t, worst, a.lossy, "difference from the picture")
			require.Equal(t, live, Live())
		})
	}
}

func TestDecodeWindow(t *testing.T) {
	for _, a := range assets {
		t.Run(a.name, func(t *testing.T) {
			stream := a.stream(t)
			whole := decodeWhole(t, &a, stream)
			r := rand.New(rand.NewPCG(1, 2))
			for range 20 {
				area := randomArea(r, a.bounds)
				d := open(t, stream)
				part := a.planes(area)
				require.NoError(t, d.Decode(area, part), "%v", area)
				requireGuards(t, part)
				require.LessOrEqual(t, difference(part, whole), slack(&a), "%v", area)
				d.Close()
			}
		})
	}
}

// slack is the difference that OpenJPEG's windows may have from the whole.
func slack(a *asset) int32 {
	if a.lossy > 0 {
		return 1
	}
	return 0
}

// Strips of one decoder are those of the whole, whatever their height, and also
// when they are visited in another order.
func TestDecodeStrips(t *testing.T) {
	for _, a := range assets {
		t.Run(a.name, func(t *testing.T) {
			stream := a.stream(t)
			whole := decodeWhole(t, &a, stream)
			r := rand.New(rand.NewPCG(3, 4))
			for _, height := range []int{1, 7, 16, 32} {
				d := open(t, stream)
				left := a.bounds.Min.X + r.IntN(a.bounds.Dx()-1)
				for y := a.bounds.Min.Y; y < a.bounds.Max.Y; y += height {
					area := image.Rect(left, y, a.bounds.Max.X, y+height).Intersect(a.bounds)
					if area.Min.X == a.bounds.Min.X && area.Dy() == a.bounds.Dy() {
						continue
					}
					part := a.planes(area)
					require.NoError(t, d.Decode(area, part), "%v", area)
					requireGuards(t, part)
					require.LessOrEqual(t, difference(part, whole), slack(&a), "%v", area)
				}
				d.Close()
			}
			d := open(t, stream)
			for range 20 {
				area := randomArea(r, a.bounds)
				part := a.planes(area)
				require.NoError(t, d.Decode(area, part), "%v", area)
				require.LessOrEqual(t, difference(part, whole), slack(&a), "%v", area)
			}
		})
	}
}

// The planes may be smaller than the area, and some may be empty: the 9/7
// margin that is decoded and not wanted.
func TestDecodeCropped(t *testing.T) {
	a := &assets[8]
	require.Equal(t, "rgb97", a.name)
	stream := a.stream(t)
	whole := decodeWhole(t, a, stream)
	d := open(t, stream)
	part := a.planes(image.Rect(20, 20, 40, 50))
	part[1] = Plane{Depth: 8}
	require.NoError(t, d.Decode(image.Rect(12, 12, 48, 58), part))
	requireGuards(t, part)
	require.Zero(t, difference(part, whole))
}

func TestDecodeParallel(t *testing.T) {
	a := &assets[7]
	require.Equal(t, "rgb", a.name)
	stream := a.stream(t)
	whole := decodeWhole(t, a, stream)
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(worker)))
			for range 25 {
				area := randomArea(r, a.bounds)
				d, err := Open(stream, 1)
				if err != nil {
					t.Error(err)
					return
				}
				part := a.planes(area)
				err = d.Decode(area, part)
				d.Close()
				if err != nil || difference(part, whole) != 0 {
					t.Errorf("worker %d, %v: %v", worker, area, err)
				}
			}
		})
	}
	workers.Wait()
}

// The samples are the same with any number of threads, in one window and in
// several.
func TestDecodeThreads(t *testing.T) {
	for _, a := range assets {
		t.Run(a.name, func(t *testing.T) {
			stream := a.stream(t)
			whole := decodeWhole(t, &a, stream)
			for _, threads := range []int{2, 5, 1000} {
				d := openThreads(t, stream, threads)
				planes := a.planes(a.bounds)
				require.NoError(t, d.DecodeAll(planes))
				require.Zero(t, difference(planes, whole))
				d.Close()
			}
			top, bottom := halves(a.bounds)
			one, many := open(t, stream), openThreads(t, stream, 3)
			for _, area := range []image.Rectangle{top, bottom} {
				want, got := a.planes(area), a.planes(area)
				require.NoError(t, one.Decode(area, want))
				require.NoError(t, many.Decode(area, got))
				requireGuards(t, got)
				require.Zero(t, difference(got, want))
			}
		})
	}
}

// OpenJPEG has the body in memory of its own once the first window is decoded.
func TestDecodeLetsGoOfTheStream(t *testing.T) {
	a := &assets[8]
	stream := a.stream(t)
	d := open(t, stream)
	area := image.Rect(3, 3, 30, 30)
	require.NoError(t, d.Decode(area, a.planes(area)))
	require.Zero(t, d.held())
}

func TestOpenRefuses(t *testing.T) {
	stream := assets[0].stream(t)
	// Offsets are of payloads: SIZ's is at 6, right after SOC.
	edit := func(off int, b ...byte) func([]byte) []byte {
		return func(s []byte) []byte {
			copy(s[off:], b)
			return s
		}
	}
	for _, c := range []struct {
		name string
		edit func([]byte) []byte
		kind error
	}{
		{"empty", func([]byte) []byte { return nil }, codestream.ErrFormat},
		{"SOC only", func(s []byte) []byte { return s[:2] }, codestream.ErrFormat},
		{"no SOC", edit(0, 0), codestream.ErrFormat},
		{"half a header", func(s []byte) []byte { return s[:40] }, codestream.ErrFormat},
		{"no end", func(s []byte) []byte { return s[:len(s)-2] }, codestream.ErrFormat},
		{"half a body", func(s []byte) []byte { return s[:len(s)/2] }, codestream.ErrFormat},
		{"more than a body", func(s []byte) []byte { return append(s, 0xff, 0xd9) }, codestream.ErrFormat},
		{"grid beyond int32", edit(8, 0x80), errors.ErrUnsupported},
		{"two tiles", edit(24, 0, 0, 0, 32), codestream.ErrFormat},
		{"no tile size", edit(24, 0, 0, 0, 0), codestream.ErrFormat},
		{"empty image", edit(16, 0, 0, 0, 61), codestream.ErrFormat},
		{"no components", edit(40, 0, 0), codestream.ErrFormat},
		{"38 bits", edit(42, 37), errors.ErrUnsupported},
		{"subsampling 0", edit(43, 0), codestream.ErrFormat},
		{"33 levels", edit(54, 33), codestream.ErrFormat},
		{"block of 2048", edit(55, 9), codestream.ErrFormat},
		{"High-Throughput blocks", edit(57, 0x40), errors.ErrUnsupported},
		{"no wavelet", edit(58, 7), codestream.ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := Live()
			d, err := Open(c.edit(append([]byte(nil), stream...)), 1)
			require.ErrorIs(t, err, c.kind)
			require.Nil(t, d)
			require.Equal(t, live, Live())
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	a := &assets[10]
	require.Equal(t, "sub420", a.name)
	d := open(t, a.stream(t))
	area := image.Rect(4, 4, 24, 24)
	for _, c := range []struct {
		name string
		area image.Rectangle
		edit func([]Plane) []Plane
	}{
		{"empty area", image.Rect(4, 4, 4, 9), nil},
		{"area outside", image.Rect(4, 4, 63, 9), nil},
		{"two planes", area, func(p []Plane) []Plane { return p[:2] }},
		{"four planes", area, func(p []Plane) []Plane { return append(p, p[0]) }},
		{"no slice", area, func(p []Plane) []Plane { p[1].U8 = nil; return p }},
		{"two slices", area, func(p []Plane) []Plane { p[1].I32 = make([]int32, 900); return p }},
		{"wrong slice", area, func(p []Plane) []Plane { p[1].U8, p[1].I32 = nil, make([]int32, 900); return p }},
		{"short slice", area, func(p []Plane) []Plane { p[2].U8 = p[2].U8[:len(p[2].U8)-4]; return p }},
		{"stride", area, func(p []Plane) []Plane { p[0].Stride = 19; return p }},
		{"negative stride", area, func(p []Plane) []Plane { p[0].Stride = -20; return p }},
		{"depth", area, func(p []Plane) []Plane { p[0].Depth = 7; return p }},
		{"sign", area, func(p []Plane) []Plane { p[0].Signed = true; return p }},
		{"bounds to the left", area, func(p []Plane) []Plane { p[1].Bounds.Min.X--; return p }},
		{"bounds of the reference grid", area, func(p []Plane) []Plane { p[1].Bounds = area; return p }},
	} {
		t.Run(c.name, func(t *testing.T) {
			planes := a.planes(c.area)
			if c.edit != nil {
				planes = c.edit(planes)
			}
			require.Error(t, d.Decode(c.area, planes))
		})
	}
	// None of that has done it harm.
	require.NoError(t, d.Decode(area, a.planes(area)))
	require.Error(t, d.DecodeAll(a.planes(a.bounds)), "the whole after a part")
	d.Close()
	d.Close()
	require.ErrorIs(t, d.Decode(area, a.planes(area)), errClosed)
}

// The whole can be an area like any other, again and again, with the samples of
// one that is decoded at once.
func TestDecodeWholeAmongAreas(t *testing.T) {
	for _, a := range assets {
		t.Run(a.name, func(t *testing.T) {
			stream := a.stream(t)
			whole := decodeWhole(t, &a, stream)
			top, bottom := halves(a.bounds)
			d := open(t, stream)
			for _, area := range []image.Rectangle{a.bounds, top, a.bounds, a.bounds, bottom} {
				part := a.planes(area)
				require.NoError(t, d.Decode(area, part), "%v", area)
				requireGuards(t, part)
				if area == a.bounds {
					require.Zero(t, difference(part, whole))
				}
				require.LessOrEqual(t, difference(part, whole), slack(&a), "%v", area)
			}
		})
	}
}

// An area between the samples of a subsampled component is decoded for the
// components that have samples there.
func TestDecodeBetweenSamples(t *testing.T) {
	a := &assets[10]
	whole := decodeWhole(t, a, a.stream(t))
	d := open(t, a.stream(t))
	area := image.Rect(5, 7, 6, 8)
	part := a.planes(area)
	require.True(t, part[1].Bounds.Empty())
	require.NoError(t, d.Decode(area, part))
	require.Zero(t, difference(part, whole))
}

// A body that is not what its packet headers say ends in an error, and the
// decoder stays failed.
func TestDecodeDamagedBody(t *testing.T) {
	a := &assets[0]
	stream := append([]byte(nil), a.stream(t)...)
	body := bodyOf(stream)
	for i := range body {
		body[i] = 0xff // packets that claim more than there is
	}
	live := Live()
	d := open(t, stream)
	err := d.DecodeAll(a.planes(a.bounds))
	require.ErrorIs(t, err, codestream.ErrFormat)
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.NotEmpty(t, refused.Message)
	require.Equal(t, err, d.Decode(image.Rect(0, 0, 5, 5), a.planes(image.Rect(0, 0, 5, 5))))
	d.Close()
	require.Equal(t, live, Live())
}

// FuzzDecode damages bodies. Headers are Stria's own, so they are left alone.
// Whatever the bytes, there is an error or there are samples, with threads or
// without.
func FuzzDecode(f *testing.F) {
	for i := range assets {
		f.Add(uint8(i), uint16(0), []byte{})
		f.Add(uint8(i), uint16(40), []byte{0xff, 0xff, 0x7f})
		f.Add(uint8(i+len(assets)), uint16(3), []byte{0x80, 0x00, 0xc0, 0x55})
	}
	f.Fuzz(func(t *testing.T, which uint8, off uint16, xor []byte) {
		a := &assets[int(which)%len(assets)]
		stream := a.stream(t)
		body := bodyOf(stream)
		for i, b := range xor {
			body[(int(off)+i)%len(body)] ^= b
		}
		live := Live()
		d, err := Open(stream, 1+int(which)/len(assets)%4)
		require.NoError(t, err)
		top, bottom := halves(a.bounds)
		for _, area := range []image.Rectangle{top, bottom} {
			planes := a.planes(area)
			if err := d.Decode(area, planes); err != nil {
				require.ErrorIs(t, err, codestream.ErrFormat)
			}
			requireGuards(t, planes)
		}
		d.Close()
		require.Equal(t, live, Live())
	})
}

func TestVersion(t *testing.T) {
	major, minor, patch := Version()
	t.Logf("OpenJPEG %d.%d.%d", major, minor, patch)
	require.Equal(t, 2, major)
	require.GreaterOrEqual(t, minor, 5)
}

// halves cuts r in two.
func halves(r image.Rectangle) (top, bottom image.Rectangle) {
	top, bottom = r, r
	top.Max.Y = (r.Min.Y + r.Max.Y) / 2
	bottom.Min.Y = top.Max.Y
	return top, bottom
}

// bodyOf is the tile-part's body: what is between SOD and EOC.
func bodyOf(stream []byte) []byte {
	off := 2
	for be16(stream[off:]) != markerSOT {
		off += 2 + be16(stream[off+2:])
	}
	return stream[off+14 : len(stream)-2]
}
