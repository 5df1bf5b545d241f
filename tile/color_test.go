package tile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// box is a box with a payload.
func box(kind string, payload ...[]byte) []byte {
	b := append(make([]byte, 4), kind...)
	for _, p := range payload {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

func be(size int, values ...int) (b []byte) {
	for _, v := range values {
		for n := size - 1; n >= 0; n-- {
			b = append(b, byte(v>>(8*n)))
		}
	}
	return b
}

// enumerated is a colour specification by number.
func enumerated(space jp2.Space) []byte {
	return box("colr", []byte{1, 0, 0}, be(4, int(space)))
}

// profiled is one by an ICC profile.
func profiled(icc []byte) []byte { return box("colr", []byte{2, 0, 0}, icc) }

// definitions is a channel definition box of Cn, Typ, Asoc.
func definitions(v ...int) []byte {
	return box("cdef", be(2, len(v)/3), be(2, v...))
}

// boxed puts a picture into a JP2 file with more boxes in its header.
func boxed(t testing.TB, s testimg.Spec, args []string, boxes ...[]byte) []byte {
	stream := testimg.Compress(t, s, "j2k", args...)
	h, err := codestream.ReadHeader(source(stream), codestream.Span{Len: int64(len(stream))})
	require.NoError(t, err)
	bits := h.Components[0].Depth - 1
	if h.Components[0].Signed {
		bits |= 0x80
	}
	ihdr := box("ihdr", be(4, h.Bounds.Dy(), h.Bounds.Dx()), be(2, len(h.Components)), []byte{byte(bits), 7, 0, 0})
	data := box("jP  ", []byte{0x0D, 0x0A, 0x87, 0x0A})
	data = append(data, box("ftyp", []byte("jp2 \x00\x00\x00\x00jp2 "))...)
	data = append(data, box("jp2h", append([][]byte{ihdr}, boxes...)...)...)
	return append(data, box("jp2c", stream)...)
}

type source []byte

func (s source) ReadAt(p []byte, off int64) (int, error) {
	return copy(p, s[min(off, int64(len(s))):]), nil
}

// profile is an ICC profile of matrix and curves, or of grey.
func profile(space string, tags map[string][]byte) []byte {
	head := make([]byte, 128)
	copy(head[8:], []byte{4, 0x40})
	copy(head[12:], "mntr"+space+"XYZ ")
	copy(head[36:], "acsp")
	table, data := be(4, len(tags)), []byte(nil)
	at := 128 + 4 + 12*len(tags)
	for name, v := range tags {
		table = append(append(table, name...), be(4, at+len(data), len(v))...)
		data = append(data, v...)
	}
	p := append(append(head, table...), data...)
	binary.BigEndian.PutUint32(p, uint32(len(p)))
	return p
}

// gamma is a curve of a power in 256ths.
func gamma(v int) []byte { return append([]byte("curv\x00\x00\x00\x00\x00\x00\x00\x01"), be(2, v)...) }

func xyz(x, y, z float64) []byte {
	return append([]byte("XYZ \x00\x00\x00\x00"),
		be(4, int(math.Round(x*65536)), int(math.Round(y*65536)), int(math.Round(z*65536)))...)
}

// swapped has sRGB's primaries in another order and a power of 2.
func swapped() []byte {
	return profile("RGB ", map[string][]byte{
		"gXYZ": xyz(0.43607, 0.22249, 0.01392), "bXYZ": xyz(0.38515, 0.71687, 0.09708),
		"rXYZ": xyz(0.14307, 0.06061, 0.71410), "rTRC": gamma(512), "gTRC": gamma(512), "bTRC": gamma(512),
	})
}

func curve(light float64) float64 {
	if light <= 0.0031308 {
		return 12.92 * light
	}
	return 1.055*math.Pow(light, 1/2.4) - 0.055
}

func ycc(v []float64) [4]float64 {
	y, cb, cr := v[0], v[1]-128.0/255, v[2]-128.0/255
	return [4]float64{y + 1.402*cr, y - 0.344136*cb - 0.714136*cr, y + 1.772*cb, 1}
}

func lumaOf(p [4]float64) [4]float64 {
	v := 0.0
	for i, w := range [3]float64{0.299, 0.587, 0.114} {
		v += w * min(max(p[i], 0), 1)
	}
	return [4]float64{v, v, v, p[3]}
}

func gray(v []float64) [4]float64 { return [4]float64{v[0], v[0], v[0], 1} }
func rgb(v []float64) [4]float64  { return [4]float64{v[0], v[1], v[2], 1} }

var (
	pair = []image.Point{{X: 1, Y: 1}, {X: 2, Y: 2}, {X: 2, Y: 2}}
	ict  = []string{"-I", "-r", "4"}
)

// colorCases are images and what they are to look like: a function of the
// components' samples, which are in [0, 1].
var colorCases = []struct {
	name      string
	spec      testimg.Spec
	args      []string
	boxes     [][]byte // nil: a bare codestream
	req       tile.Request
	want      tile.PixelFormat
	show      func(v []float64) [4]float64
	tolerance float64 // in steps; 0: 1
	within    bool    // leaves out what is darkest or brightest and so may have been clipped
}{
	{name: "grey", spec: testimg.Spec{}, boxes: [][]byte{enumerated(jp2.Grey)}, want: tile.Gray8, show: gray},
	{name: "grey, 1 bit", spec: testimg.Spec{Depth: 1}, want: tile.Gray8, show: gray},
	{name: "grey, 5 bits signed", spec: testimg.Spec{Depth: 5, Signed: true}, want: tile.Gray8, show: gray},
	{name: "grey, 9 bits", spec: testimg.Spec{Depth: 9}, want: tile.Gray16, show: gray},
	{name: "grey, 9 bits in 8", spec: testimg.Spec{Depth: 9}, req: tile.Request{Format: tile.Gray8}, want: tile.Gray8, show: gray},
	{name: "grey, 12 bits signed, as colour", spec: testimg.Spec{Depth: 12, Signed: true},
		req: tile.Request{Format: tile.RGB16}, want: tile.RGB16, show: gray},
	{name: "grey as opaque colour", req: tile.Request{Format: tile.NRGBA8}, want: tile.NRGBA8, show: gray},
	{name: "bilevel", spec: testimg.Spec{Depth: 1}, boxes: [][]byte{enumerated(jp2.Bilevel)}, want: tile.Gray8,
		show: func(v []float64) [4]float64 { return gray([]float64{1 - v[0]}) }},
	{name: "grey and opacity", spec: testimg.Spec{Components: 2}, want: tile.NRGBA8,
		show: func(v []float64) [4]float64 { return [4]float64{v[0], v[0], v[0], v[1]} }},
	{name: "rgb", spec: testimg.Spec{Components: 3}, want: tile.RGB8, show: rgb},
	{name: "rgb, 12 bits", spec: testimg.Spec{Components: 3, Depth: 12}, want: tile.RGB16, show: rgb},
	{name: "rgb with two more", spec: testimg.Spec{Components: 5}, want: tile.RGB8, show: rgb},
	{name: "rgb, subsampled apart", spec: testimg.Spec{Components: 3, Width: 60, Height: 60,
		Sub: []image.Point{{X: 2, Y: 3}, {X: 3, Y: 2}, {X: 4, Y: 5}}}, want: tile.RGB8, show: rgb},
	{name: "rgb at an offset, subsampled apart", spec: testimg.Spec{Components: 3, Width: 60, Height: 60,
		Sub: []image.Point{{X: 3, Y: 2}, {X: 5, Y: 4}, {X: 4, Y: 2}}}, args: []string{"-d", "7,5"}, want: tile.RGB8, show: rgb},
	{name: "rgb as ycbcr", spec: testimg.Spec{Components: 3}, req: tile.Request{Format: tile.YCbCr8}, want: tile.YCbCr8, show: rgb, tolerance: 2.5},
	{name: "12 bits as ycbcr", spec: testimg.Spec{Components: 3, Depth: 12}, req: tile.Request{Format: tile.YCbCr8},
		want: tile.YCbCr8, show: rgb, tolerance: 2.5},
	{name: "rgb grey", spec: testimg.Spec{Components: 3}, req: tile.Request{Quality: tile.InGray}, want: tile.Gray8,
		show: func(v []float64) [4]float64 { return lumaOf(rgb(v)) }},
	{name: "rgb grey, 12 bits", spec: testimg.Spec{Components: 3, Depth: 12}, req: tile.Request{Quality: tile.InGray},
		want: tile.Gray16, show: func(v []float64) [4]float64 { return lumaOf(rgb(v)) }, tolerance: 1.5},
	{name: "rgb and opacity, grey", spec: testimg.Spec{Components: 4}, req: tile.Request{Quality: tile.InGray}, want: tile.NRGBA8,
		show: func(v []float64) [4]float64 { return lumaOf([4]float64{v[0], v[1], v[2], v[3]}) }},
	{name: "rgb in another order", spec: testimg.Spec{Components: 3},
		boxes: [][]byte{enumerated(jp2.SRGB), definitions(0, 0, 3, 1, 0, 1, 2, 0, 2)}, want: tile.RGB8,
		show: func(v []float64) [4]float64 { return [4]float64{v[1], v[2], v[0], 1} }},
	{name: "opacity first", spec: testimg.Spec{Components: 4},
		boxes: [][]byte{enumerated(jp2.SRGB), definitions(0, 1, 0, 1, 0, 3, 2, 0, 2, 3, 0, 1)}, want: tile.NRGBA8,
		show: func(v []float64) [4]float64 { return [4]float64{v[3], v[2], v[1], v[0]} }},
	{name: "premultiplied", spec: testimg.Spec{Components: 4},
		boxes: [][]byte{enumerated(jp2.SRGB), definitions(0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 2, 0)}, want: tile.NRGBA8, show: straightened},
	{name: "premultiplied, 12 bits", spec: testimg.Spec{Components: 4, Depth: 12},
		boxes: [][]byte{enumerated(jp2.SRGB), definitions(0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 2, 0)}, want: tile.NRGBA16, show: straightened,
		tolerance: 20},
	{name: "sycc 4:4:4", spec: testimg.Spec{Components: 3}, args: []string{"-mct", "0"}, boxes: [][]byte{enumerated(jp2.SYCC)},
		want: tile.RGB8, show: ycc},
	{name: "sycc 4:2:0", spec: testimg.Spec{Components: 3, Width: 62, Height: 50, Sub: pair},
		boxes: [][]byte{enumerated(jp2.SYCC)}, want: tile.RGB8, show: ycc, tolerance: 2.5},
	{name: "sycc 4:2:0 at an odd offset, tiled", spec: testimg.Spec{Components: 3, Width: 62, Height: 50, Sub: pair},
		args: []string{"-d", "3,5"}, boxes: [][]byte{enumerated(jp2.SYCC)}, want: tile.RGB8, show: ycc, tolerance: 2.5},
	{name: "bare 4:2:0", spec: testimg.Spec{Components: 3, Width: 62, Height: 50, Sub: pair}, want: tile.RGB8, show: ycc, tolerance: 2.5},
	{name: "sycc 4:2:0 as ycbcr", spec: testimg.Spec{Components: 3, Width: 62, Height: 50, Sub: pair},
		req: tile.Request{Format: tile.YCbCr8}, want: tile.YCbCr8, show: ycc, tolerance: 2.5},
	{name: "sycc grey", spec: testimg.Spec{Components: 3}, args: []string{"-mct", "0"}, boxes: [][]byte{enumerated(jp2.SYCC)},
		req: tile.Request{Quality: tile.InGray}, want: tile.Gray8, show: gray},
	{name: "sycc, 12 bits", spec: testimg.Spec{Components: 3, Depth: 12}, args: []string{"-mct", "0"},
		boxes: [][]byte{enumerated(jp2.SYCC)}, want: tile.RGB16, show: func(v []float64) [4]float64 {
			const shift = 128.0/255 - 2048.0/4095
			return ycc([]float64{v[0], v[1] + shift, v[2] + shift})
		}, tolerance: 3},
	{name: "e-srgb", spec: testimg.Spec{Components: 3, Depth: 10}, boxes: [][]byte{enumerated(jp2.ESRGB)}, want: tile.RGB16,
		show: func(v []float64) [4]float64 {
			for i := range v {
				v[i] = (v[i]*1023 - 384) / 510
			}
			return rgb(v)
		}},
	{name: "cmyk", spec: testimg.Spec{Components: 4}, boxes: [][]byte{enumerated(jp2.CMYK)}, want: tile.CMYK8,
		show: func(v []float64) [4]float64 { return [4]float64(v) }},
	{name: "cmyk as rgb", spec: testimg.Spec{Components: 4, Depth: 10}, boxes: [][]byte{enumerated(jp2.CMYK)},
		req: tile.Request{Format: tile.RGB8}, want: tile.RGB8, show: uninked},
	{name: "cmyk grey", spec: testimg.Spec{Components: 4}, boxes: [][]byte{enumerated(jp2.CMYK)},
		req: tile.Request{Quality: tile.InGray}, want: tile.Gray8,
		show: func(v []float64) [4]float64 { return lumaOf(uninked(v)) }},
	{name: "lab", spec: testimg.Spec{Components: 3}, args: []string{"-mct", "0"},
		boxes: [][]byte{box("colr", []byte{1, 0, 0}, be(4, 14, 100, 0, 170, 128, 200, 96, int(jp2.D65)))},
		want:  tile.RGB8, show: fromLab},
	{name: "profile kept", spec: testimg.Spec{Components: 3}, boxes: [][]byte{profiled(swapped())}, want: tile.RGB8, show: rgb},
	{name: "profile to srgb", spec: testimg.Spec{Components: 3}, boxes: [][]byte{profiled(swapped())},
		req: tile.Request{Color: tile.ToSRGB}, want: tile.RGB8, show: unswapped},
	{name: "profile to srgb, 12 bits", spec: testimg.Spec{Components: 3, Depth: 12}, boxes: [][]byte{profiled(swapped())},
		req: tile.Request{Color: tile.ToSRGB}, want: tile.RGB16, show: unswapped, tolerance: 150},
	{name: "profile grey", spec: testimg.Spec{Components: 3}, boxes: [][]byte{profiled(swapped())},
		req: tile.Request{Quality: tile.InGray}, want: tile.Gray8, show: func(v []float64) [4]float64 { return lumaOf(unswapped(v)) }},
	{name: "grey profile with opacity", spec: testimg.Spec{Components: 2},
		boxes: [][]byte{profiled(profile("GRAY", map[string][]byte{"kTRC": gamma(512)})), definitions(0, 0, 1, 1, 1, 0)},
		want:  tile.NRGBA8, show: func(v []float64) [4]float64 { g := curve(v[0] * v[0]); return [4]float64{g, g, g, v[1]} }},
	{name: "transform left out", spec: testimg.Spec{Components: 3}, args: ict, req: tile.Request{Format: tile.YCbCr8},
		want: tile.YCbCr8, show: rgb, tolerance: 2.5, within: true},
	{name: "transform left out, grey", spec: testimg.Spec{Components: 3}, args: ict, req: tile.Request{Quality: tile.InGray},
		want: tile.Gray8, show: func(v []float64) [4]float64 { return lumaOf(rgb(v)) }, tolerance: 1.5, within: true},
	{name: "transform left out, grey, 12 bits", spec: testimg.Spec{Components: 3, Depth: 12}, args: ict,
		req: tile.Request{Quality: tile.InGray}, want: tile.Gray16,
		show: func(v []float64) [4]float64 { return lumaOf(rgb(v)) }, tolerance: 24, within: true},
}

func straightened(v []float64) [4]float64 {
	if v[3] == 0 {
		return [4]float64{}
	}
	return [4]float64{v[0] / v[3], v[1] / v[3], v[2] / v[3], v[3]}
}

func uninked(v []float64) [4]float64 {
	return [4]float64{(1 - v[0]) * (1 - v[3]), (1 - v[1]) * (1 - v[3]), (1 - v[2]) * (1 - v[3]), 1}
}

func unswapped(v []float64) [4]float64 {
	return [4]float64{curve(v[1] * v[1]), curve(v[2] * v[2]), curve(v[0] * v[0]), 1}
}

func fromLab(v []float64) [4]float64 {
	f := func(t float64) float64 {
		if t > 6.0/29 {
			return t * t * t
		}
		return (t - 4.0/29) * 108 / 841
	}
	fy := (v[0]*100 + 16) / 116
	x := f(fy+(v[1]-128.0/255)*170/500) * 0.3127 / 0.3290
	y := f(fy)
	z := f(fy-(v[2]-96.0/255)*200/200) * 0.3583 / 0.3290
	return [4]float64{
		curve(3.2404542*x - 1.5371385*y - 0.4985314*z),
		curve(-0.9692660*x + 1.8760108*y + 0.0415560*z),
		curve(0.0556434*x - 0.2040259*y + 1.0572252*z), 1}
}

// sampleAt is a plane at a point of the reduced reference grid, in [0, 1].
func sampleAt(p *tile.Plane, sub image.Point, x, y float64) float64 {
	fx := min(max(x/float64(sub.X), float64(p.Bounds.Min.X)), float64(p.Bounds.Max.X-1))
	fy := min(max(y/float64(sub.Y), float64(p.Bounds.Min.Y)), float64(p.Bounds.Max.Y-1))
	at := func(x, y int) float64 {
		x, y = min(x, p.Bounds.Max.X-1), min(y, p.Bounds.Max.Y-1)
		return float64(p.I32[(y-p.Bounds.Min.Y)*p.Stride+x-p.Bounds.Min.X])
	}
	ix, iy := int(fx), int(fy)
	fx, fy = fx-float64(ix), fy-float64(iy)
	v := (at(ix, iy)*(1-fx)+at(ix+1, iy)*fx)*(1-fy) + (at(ix, iy+1)*(1-fx)+at(ix+1, iy+1)*fx)*fy
	if p.Signed {
		v += float64(int64(1) << (p.Depth - 1))
	}
	return v / float64(int64(1)<<p.Depth-1)
}

// Pixels are what the definition of their colours makes of the samples.
func TestColors(t *testing.T) {
	for _, c := range colorCases {
		t.Run(c.name, func(t *testing.T) {
			if c.spec.Width == 0 {
				c.spec.Width, c.spec.Height = 66, 53
			}
			var f *jp2.File
			if c.boxes == nil {
				f = open(t, testimg.Compress(t, c.spec, "j2k", c.args...))
			} else {
				f = open(t, boxed(t, c.spec, c.args, c.boxes...))
			}
			dec := &tile.Decoder{Strict: true, Budget: new(tile.Budget)}
			step := f.Header.Components[0].Sub
			for _, comp := range f.Header.Components {
				step.X, step.Y = min(step.X, comp.Sub.X), min(step.Y, comp.Sub.Y)
			}
			for reduce := range 2 {
				p, err := dec.Plan(f, tile.Request{Format: tile.Coded, Reduce: reduce})
				require.NoError(t, err)
				planes := whole(t, p)
				req := c.req
				req.Reduce = reduce
				if p, err = dec.Plan(f, req); err != nil {
					require.NoError(t, err)
				}
				require.Equal(t, c.want, p.PixelFormat())
				img, err := p.Image(t.Context())
				require.NoError(t, err)
				require.Zero(t, dec.Budget.Used())
				corner := image.Pt(
					ceilOf(ceilOf(f.Header.Bounds.Min.X, step.X), 1<<reduce),
					ceilOf(ceilOf(f.Header.Bounds.Min.Y, step.Y), 1<<reduce))
				tolerance := max(c.tolerance, 1) / 255
				if c.want.Depth() == 16 {
					tolerance = max(c.tolerance, 1) / 65535
				}
				for y := range p.Size().Y {
					for x := range p.Size().X {
						v := make([]float64, len(planes.Planes))
						for i := range v {
							v[i] = sampleAt(&planes.Planes[i], f.Header.Components[i].Sub,
								float64((x+corner.X)*step.X), float64((y+corner.Y)*step.Y))
						}
						if c.within && (slices.Contains(v, 0) || slices.Contains(v, 1)) {
							continue
						}
						want, got := c.show(v), pixelAt(img, x, y)
						for i := range want {
							w := min(max(want[i], 0), 1)
							if i < 3 && want[3] < 4.0/255 && c.want.Depth() == 8 && got[3] < 4.0/255 && c.want == tile.NRGBA8 {
								continue // hardly to be seen
							}
							require.InDelta(t, w, got[i], tolerance, "reduce %d, pixel %d,%d, samples %v: %v, not %v", reduce, x, y, v, got, want)
						}
					}
				}
			}
		})
	}
}

func ceilOf(a, b int) int { return (a + b - 1) / b }

// pixelAt is a pixel's colours and opacity, or inks, in [0, 1].
func pixelAt(img image.Image, x, y int) [4]float64 {
	if m, ok := img.(*image.CMYK); ok {
		c := m.CMYKAt(x, y)
		return [4]float64{float64(c.C) / 255, float64(c.M) / 255, float64(c.Y) / 255, float64(c.K) / 255}
	}
	var out [4]float64
	for i, v := range straight(img.At(x, y)) {
		out[i] = float64(v) / 65535
	}
	return out
}

// What cannot be shown is errors.ErrUnsupported, with the reason.
func TestColorsThatCannotBeShown(t *testing.T) {
	table := profile("RGB ", map[string][]byte{"A2B0": make([]byte, 32)})
	press := profile("CMYK", map[string][]byte{"A2B0": make([]byte, 32)})
	for _, c := range []struct {
		name       string
		components int
		depth      int
		boxes      [][]byte
		req        tile.Request
		why        string
	}{
		{"e-sYCC of 7 bits", 3, 7, [][]byte{enumerated(jp2.ESYCC)}, tile.Request{}, "7 bits"},
		{"video of 6 bits", 3, 6, [][]byte{enumerated(jp2.YCbCr3)}, tile.Request{}, "6 bits"},
		{"PhotoYCC", 3, 8, [][]byte{enumerated(jp2.PhotoYCC)}, tile.Request{}, "highlights"},
		{"CIEJab", 3, 8, [][]byte{enumerated(jp2.CIEJab)}, tile.Request{}, "viewing conditions"},
		{"e-sRGB of 8 bits", 3, 8, [][]byte{enumerated(jp2.ESRGB)}, tile.Request{}, "8 bits"},
		{"code points", 3, 8, [][]byte{box("colr", []byte{5, 0, 0}, be(2, 9, 16, 9), []byte{0x80})}, tile.Request{}, "transfer characteristics 16"},
		{"other primaries", 3, 8, [][]byte{parameterized(4, 1, 1, 1)}, tile.Request{}, "primaries 4"},
		{"other matrix", 3, 8, [][]byte{parameterized(1, 1, 8, 1)}, tile.Request{}, "matrix coefficients 8"},
		{"lab profile", 3, 8, [][]byte{profiled(profile("Lab ", nil))}, tile.Request{}, "Lab"},
		{"lab under A", 3, 8, [][]byte{box("colr", []byte{1, 0, 0}, be(4, 14, 100, 0, 170, 128, 200, 96, 0x53412020))}, tile.Request{}, "illuminant"},
		{"table to sRGB", 3, 8, [][]byte{profiled(table)}, tile.Request{Color: tile.ToSRGB}, "colour table"},
		{"table in grey", 3, 8, [][]byte{profiled(table)}, tile.Request{Quality: tile.InGray}, "colour table"},
		{"press as RGB", 4, 8, [][]byte{profiled(press)}, tile.Request{Format: tile.RGB8}, "inks"},
		{"press to sRGB", 4, 8, [][]byte{profiled(press)}, tile.Request{Color: tile.ToSRGB}, "colour table"},
		{"inks with opacity", 5, 8, [][]byte{enumerated(jp2.CMYK), definitions(0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 0, 4, 4, 1, 0)}, tile.Request{}, "opacity"},
		{"inks without black, with opacity", 4, 8, [][]byte{enumerated(jp2.CMY), definitions(0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 1, 0)}, tile.Request{}, "opacity"},
		{"premultiplied sYCC", 4, 8, [][]byte{enumerated(jp2.SYCC), definitions(0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 2, 0)}, tile.Request{}, "premultiplied"},
		{"opacity as RGB8", 4, 8, [][]byte{enumerated(jp2.SRGB), definitions(0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 1, 0)}, tile.Request{Format: tile.RGB8}, "nrgba8 pixels as rgb8"},
		{"colours as CMYK", 3, 8, nil, tile.Request{Format: tile.CMYK8}, "as cmyk8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t, boxed(t, testimg.Spec{Width: 20, Height: 10, Components: c.components, Depth: c.depth},
				[]string{"-n", "2", "-mct", "0"}, c.boxes...))
			_, err := new(tile.Decoder).Plan(f, c.req)
			require.ErrorIs(t, err, errors.ErrUnsupported)
			require.ErrorContains(t, err, c.why)
			// Its samples can be had all the same, and so can those under a
			// profile.
			_, err = new(tile.Decoder).Plan(f, tile.Request{Format: tile.Coded})
			require.NoError(t, err)
		})
	}
}

// A profile stays with the pixels that are in it, and only with these.
func TestProfileStays(t *testing.T) {
	table := profile("RGB ", map[string][]byte{"A2B0": make([]byte, 32)})
	press := profile("CMYK", map[string][]byte{"A2B0": make([]byte, 32)})
	grey := profile("GRAY", map[string][]byte{"kTRC": gamma(512)})
	for _, c := range []struct {
		components int
		profile    []byte
		req        tile.Request
		format     tile.PixelFormat
		kept       bool
	}{
		{3, table, tile.Request{}, tile.RGB8, true},
		{3, table, tile.Request{Format: tile.YCbCr8}, tile.YCbCr8, true},
		{3, table, tile.Request{Format: tile.RGB16}, tile.RGB16, true},
		{3, table, tile.Request{Color: tile.IgnoreProfile, Quality: tile.InGray}, tile.Gray8, false},
		{3, swapped(), tile.Request{Color: tile.ToSRGB}, tile.RGB8, false},
		{4, press, tile.Request{}, tile.CMYK8, true},
		{4, press, tile.Request{Color: tile.IgnoreProfile, Format: tile.RGB8}, tile.RGB8, false},
		{1, grey, tile.Request{}, tile.Gray8, true},
		{1, grey, tile.Request{Quality: tile.InGray}, tile.Gray8, true},
		{1, grey, tile.Request{Format: tile.RGB8}, tile.RGB8, false},
		{3, grey, tile.Request{}, tile.RGB8, false}, // does not fit
	} {
		f := open(t, boxed(t, testimg.Spec{Width: 20, Height: 10, Components: c.components},
			[]string{"-n", "2", "-mct", "0"}, profiled(c.profile)))
		p, err := new(tile.Decoder).Plan(f, c.req)
		require.NoError(t, err)
		require.Equal(t, c.format, p.PixelFormat())
		require.Equal(t, c.kept, p.ICC() != nil, "%+v", c.req)
		if c.kept {
			require.Equal(t, c.profile, p.ICC())
		}
	}
}

// Luma and chroma as they are coded are those of the RGB they stand for, within
// 1, wherever that has not been clipped; turned, reduced and in windows, too.
func TestTransformLeftOut(t *testing.T) {
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 300, Height: 211, Components: 3}, "jp2", "-I", "-r", "6", "-t", "128,100"))
	for _, req := range []tile.Request{{}, {Reduce: 1}, {Orient: tile.Rotate90}, {Orient: tile.Mirror180},
		{Region: image.Rect(33, 21, 230, 190)}} {
		p, err := new(tile.Decoder).Plan(f, req)
		require.NoError(t, err)
		require.True(t, p.CodedYCbCr())
		long, err := p.Image(t.Context())
		require.NoError(t, err)
		req.Format = tile.YCbCr8
		p, err = new(tile.Decoder).Plan(f, req)
		require.NoError(t, err)
		short, err := p.Image(t.Context())
		require.NoError(t, err)
		require.Equal(t, long.Bounds(), short.Bounds())
		compared := 0
		for y := range p.Size().Y {
			for x := range p.Size().X {
				c := long.(*image.NRGBA).NRGBAAt(x, y)
				if min(c.R, c.G, c.B) == 0 || max(c.R, c.G, c.B) == 255 {
					continue
				}
				compared++
				cy, cb, cr := color.RGBToYCbCr(c.R, c.G, c.B)
				got := short.(*image.YCbCr).YCbCrAt(x, y)
				require.InDelta(t, cy, got.Y, 1)
				require.InDelta(t, cb, got.Cb, 1)
				require.InDelta(t, cr, got.Cr, 1)
			}
		}
		require.Greater(t, compared, p.Size().X*p.Size().Y/4)
	}
}

// With the reversible transform there is nothing to leave out: all three
// components come, and are converted.
func TestReversibleTransform(t *testing.T) {
	for _, c := range []struct {
		args  []string
		left  bool
		taken []int
	}{{nil, false, []int{0, 1, 2}}, {ict, true, []int{0}}} {
		f := open(t, testimg.Compress(t, testimg.Spec{Width: 64, Height: 53, Components: 3}, "j2k", c.args...))
		s, err := f.Index().Select(t.Context(), codestream.Window{Area: f.Header.Bounds, Components: []int{0}, NoICT: true})
		require.NoError(t, err)
		require.Equal(t, c.left, s.Window().NoICT)
		require.Equal(t, c.taken, s.Window().Components)
	}
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 300, Height: 211, Components: 3}, "j2k", "-t", "128,100"))
	for _, req := range []tile.Request{{Format: tile.YCbCr8}, {Quality: tile.InGray}} {
		p, err := new(tile.Decoder).Plan(f, req)
		require.NoError(t, err)
		require.False(t, p.CodedYCbCr())
		_, err = p.Image(t.Context())
		require.NoError(t, err)
	}
}

// Black and white is one or the other, after scaling as well.
func TestBitonal(t *testing.T) {
	for _, components := range []int{1, 3, 4} {
		f := open(t, testimg.Compress(t, testimg.Spec{Width: 64, Height: 53, Components: components}, "j2k", "-n", "2"))
		for _, req := range []tile.Request{{}, {Size: image.Pt(50, 0)}, {Size: image.Pt(90, 0), Orient: tile.Rotate90}} {
			req.Quality = tile.InGray
			p, err := new(tile.Decoder).Plan(f, req)
			require.NoError(t, err)
			gray, err := p.Image(t.Context())
			require.NoError(t, err)
			req.Quality = tile.Bitonal
			p, err = new(tile.Decoder).Plan(f, req)
			require.NoError(t, err)
			img, err := p.Image(t.Context())
			require.NoError(t, err)
			for y := range p.Size().Y {
				for x := range p.Size().X {
					got, luma := straight(img.At(x, y)), straight(gray.At(x, y))
					for i := range 3 {
						require.Equal(t, luma[i] >= 0x8000, got[i] == 65535)
						require.True(t, got[i] == 0 || got[i] == 65535)
					}
					require.Equal(t, luma[3], got[3])
				}
			}
		}
	}
}

// The numbers of a palette are not averaged: a reduced picture has the mean of
// Every sample is handed out, those too that lie before the first pixel of a tile.
func TestPlanesBetweenTiles(t *testing.T) {
	spec := testimg.Spec{Width: 60, Height: 60, Components: 2, Kind: testimg.Noise, Sub: []image.Point{{X: 2, Y: 2}, {X: 3, Y: 3}}}
	want := testimg.Draw(spec)
	f := open(t, testimg.Compress(t, spec, "j2k", "-n", "2", "-t", "33,27"))
	p, err := new(tile.Decoder).Plan(f, tile.Request{Format: tile.Coded})
	require.NoError(t, err)
	for i, got := range whole(t, p).Planes {
		require.Equal(t, want.Planes[i].Samples, got.I32, "component %d", i)
	}
}

// A tile none of whose components has a sample at a resolution is no error.
func TestTileWithoutSamples(t *testing.T) {
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 60, Height: 60, Components: 2,
		Sub: []image.Point{{X: 4, Y: 1}, {X: 1, Y: 4}}}, "j2k", "-n", "3", "-d", "3,3", "-t", "57,57"))
	dec := &tile.Decoder{Strict: true}
	p, err := dec.Plan(f, tile.Request{Reduce: 2})
	require.NoError(t, err)
	_, err = p.Reads(t.Context())
	require.NoError(t, err)
	img, err := p.Image(t.Context())
	require.NoError(t, err)
	last := p.Size().Sub(image.Pt(1, 1))
	require.Equal(t, color.NRGBA{128, 128, 128, 128}, img.At(last.X, last.Y))
}

// colours.
func TestPaletteReduced(t *testing.T) {
	const entries = 16
	var values []byte
	for i := range entries {
		values = append(values, byte(i*17), byte(i*i), byte(255-i*17))
	}
	pclr := box("pclr", be(2, entries), []byte{3, 7, 7, 7}, values)
	cmap := box("cmap", be(2, 0), []byte{1, 2}, be(2, 0), []byte{1, 1}, be(2, 0), []byte{1, 0})
	f := open(t, boxed(t, testimg.Spec{Width: 66, Height: 53, Depth: 4}, nil, enumerated(jp2.SRGB), pclr, cmap))
	p, err := new(tile.Decoder).Plan(f, tile.Request{Format: tile.Coded})
	require.NoError(t, err)
	index := whole(t, p).Planes[0]
	at := func(x, y int) [3]int {
		v := int(index.I32[y*index.Stride+x])
		return [3]int{255 - v*17, v * v, v * 17} // cmap turns the columns round
	}
	p, err = new(tile.Decoder).Plan(f, tile.Request{})
	require.NoError(t, err)
	img, err := p.Image(t.Context())
	require.NoError(t, err)
	for y := range 53 {
		for x := range 66 {
			c := img.(*image.NRGBA).NRGBAAt(x, y)
			require.Equal(t, at(x, y), [3]int{int(c.R), int(c.G), int(c.B)})
		}
	}
	for _, req := range []tile.Request{{Reduce: 1, Region: image.Rect(0, 0, 66, 52)}, {Size: image.Pt(33, 26), Region: image.Rect(0, 0, 66, 52)}} {
		p, err = new(tile.Decoder).Plan(f, req)
		require.NoError(t, err)
		require.Equal(t, image.Pt(33, 26), p.Size())
		img, err = p.Image(t.Context())
		require.NoError(t, err)
		for y := range 26 {
			for x := range 33 {
				c := img.(*image.NRGBA).NRGBAAt(x, y)
				var sum [3]int
				for _, d := range [4]image.Point{{}, {X: 1}, {Y: 1}, {X: 1, Y: 1}} {
					for i, v := range at(2*x+d.X, 2*y+d.Y) {
						sum[i] += v
					}
				}
				for i, v := range [3]uint8{c.R, c.G, c.B} {
					require.InDelta(t, float64(sum[i])/4, float64(v), 1.01)
				}
			}
		}
	}
}

// Headers that promise much are answered by an error or a picture, within the
// budget.
func TestHostileColors(t *testing.T) {
	stream := testimg.Compress(t, testimg.Spec{Width: 64, Height: 53, Components: 3}, "j2k", "-n", "2")
	patched := func(edit func(siz []byte)) []byte {
		b := append([]byte(nil), stream...)
		edit(b[4:]) // Lsiz
		return b
	}
	many := append([]byte(nil), stream[:4]...)
	many = append(many, be(2, 38+3*16384)...)
	many = append(many, stream[6:40]...)
	many = append(many, be(2, 16384)...)
	for range 16384 {
		many = append(many, 7, 1, 1)
	}
	many = append(many, stream[42+9:]...)
	spec := testimg.Spec{Width: 64, Height: 53, Components: 3}
	lying := swapped()
	binary.BigEndian.PutUint32(lying, 1<<30)
	cut := swapped()
	binary.BigEndian.PutUint32(cut[128+4+8:], 1<<31) // a tag's size
	for name, data := range map[string][]byte{
		"16384 components":   many,
		"depth 0":            patched(func(siz []byte) { siz[38] = 0xFF }),
		"subsampled 255x255": patched(func(siz []byte) { siz[42], siz[43] = 255, 255 }),
		"nothing sampled":    patched(func(siz []byte) { siz[39], siz[40] = 0, 0 }),
		"lying profile":      boxed(t, spec, nil, profiled(lying)),
		"cut profile":        boxed(t, spec, nil, profiled(cut)),
		"cdef of channel 9":  boxed(t, spec, nil, enumerated(jp2.SRGB), definitions(0, 0, 1, 9, 0, 2)),
		"cdef of colour 9":   boxed(t, spec, nil, enumerated(jp2.SRGB), definitions(0, 0, 9, 1, 0, 2)),
		"cmap of column 7": boxed(t, spec, nil, enumerated(jp2.SRGB), box("pclr", be(2, 2), []byte{1, 7, 0, 255}),
			box("cmap", be(2, 0), []byte{1, 7})),
		"cmap of component 7": boxed(t, spec, nil, enumerated(jp2.SRGB), box("pclr", be(2, 2), []byte{1, 7, 0, 255}),
			box("cmap", be(2, 7), []byte{1, 0})),
		"palette of 2": boxed(t, spec, nil, enumerated(jp2.Grey), box("pclr", be(2, 2), []byte{1, 7, 0, 255}),
			box("cmap", be(2, 0), []byte{1, 0})),
	} {
		t.Run(name, func(t *testing.T) {
			for _, req := range []tile.Request{{}, {Color: tile.ToSRGB}, {Quality: tile.Bitonal}, {Format: tile.YCbCr8}, {Size: image.Pt(7, 5)}} {
				f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
				if err != nil {
					require.ErrorIs(t, kind(err), errImage)
					continue
				}
				dec := &tile.Decoder{Budget: &tile.Budget{Bytes: 64 << 20}}
				if _, err := rendered(t, dec, f, req); err != nil {
					require.ErrorIs(t, kind(err), errImage)
				}
				require.Zero(t, dec.Budget.Used())
			}
		})
	}
}
