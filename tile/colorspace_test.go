package tile_test

import (
	"context"
	"fmt"
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/engine"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// sweep is an engine whose images are samples of every kind instead of what is
// coded: along the rows one component goes through its values, the others have
// the same of a few in all of a row.
type sweep struct {
	width, components, depth int
	signed                   bool
}

// newSweep is a sweep through the values of a depth, or some of them.
func newSweep(components, depth int, signed bool) sweep {
	most := 512
	if testing.Short() {
		most = 48
	}
	return sweep{min(1<<depth, most), components, depth, signed}
}

// few are the values that the others have, of the largest.
var few = []float64{0, 0.07, 0.4, 0.5, 0.51, 0.8, 1}

func (s sweep) rows() int {
	n := s.components
	for range s.components - 1 {
		n *= len(few)
	}
	return n
}

// at is a sample, less its smallest, and the largest.
func (s sweep) at(component, x, y int) (v, most int) {
	most = 1<<s.depth - 1
	swept := y % s.components
	y /= s.components
	for c := range s.components {
		if c == swept {
			continue
		}
		if c == component {
			return int(math.Round(few[y%len(few)] * float64(most))), most
		}
		y /= len(few)
	}
	return x * most / (s.width - 1), most
}

func (s sweep) Memory(engine.Shape) int64                               { return 1 }
func (s sweep) Begin(context.Context, *engine.Job) (engine.Walk, error) { return s, nil }
func (s sweep) Close()                                                  {}
func (s sweep) Selects(w codestream.Window, _ *codestream.Header) codestream.Window {
	return w
}
func (s sweep) Decode(_ context.Context, _ image.Rectangle, dst []engine.Plane) error {
	for c := range dst {
		p := &dst[c]
		for y := p.Bounds.Min.Y; y < p.Bounds.Max.Y; y++ {
			for x := p.Bounds.Min.X; x < p.Bounds.Max.X; x++ {
				v, _ := s.at(c, x, y)
				i := (y-p.Bounds.Min.Y)*p.Stride + x - p.Bounds.Min.X
				switch {
				case p.U8 != nil:
					p.U8[i] = uint8(v)
				case p.U16 != nil:
					p.U16[i] = uint16(v)
				case s.signed:
					p.I32[i] = int32(v - 1<<(s.depth-1))
				default:
					p.I32[i] = int32(v)
				}
			}
		}
	}
	return nil
}

// lumaChroma is the definition of luma and chroma by the weights of red and blue.
func lumaChroma(kr, kb, y, cb, cr float64) [4]float64 {
	r, b := y+2*(1-kr)*cr, y+2*(1-kb)*cb
	return [4]float64{r, (y - kr*r - kb*b) / (1 - kr - kb), b, 1}
}

// fullRange and videoRange are luma and chroma of samples v, of which most is the
// largest.
func fullRange(v []float64, most float64) (y, cb, cr float64) {
	none := (most + 1) / 2
	return v[0] / most, (v[1] - none) / most, (v[2] - none) / most
}

func videoRange(v []float64, most float64) (y, cb, cr float64) {
	step := (most + 1) / 256
	return (v[0]/step - 16) / 219, (v[1]/step - 128) / 224, (v[2]/step - 128) / 224
}

// otherPrimaries takes sRGB's curve off, goes through XYZ, and puts it on again.
func otherPrimaries(xyz [3][3]float64, p [4]float64) [4]float64 {
	var light, out [3]float64
	for i := range light {
		v := min(max(p[i], 0), 1)
		if light[i] = v / 12.92; v > 0.04045 {
			light[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	for i, row := range xyz {
		out[i] = row[0]*light[0] + row[1]*light[1] + row[2]*light[2]
	}
	return [4]float64{
		curve(3.2404542*out[0] - 1.5371385*out[1] - 0.4985314*out[2]),
		curve(-0.9692660*out[0] + 1.8760108*out[1] + 0.0415560*out[2]),
		curve(0.0556434*out[0] - 0.2040259*out[1] + 1.0572252*out[2]), 1}
}

func parameterized(colors, transfer, matrix int, full byte) []byte {
	return box("colr", []byte{5, 0, 0}, be(2, colors, transfer, matrix), []byte{full << 7})
}

// Every value of every channel is shown as the definition of the colour space has
// it, at all depths.
func TestColorSpaces(t *testing.T) {
	// Primaries of BT.601 with 625 lines and of BT.2020, to XYZ under D65.
	ebu := [3][3]float64{{0.4305538, 0.3415498, 0.1783523}, {0.2220043, 0.7066548, 0.0713409}, {0.0201822, 0.1295534, 0.9393222}}
	wide := [3][3]float64{{0.6369580, 0.1446169, 0.1688810}, {0.2627002, 0.6779981, 0.0593017}, {0, 0.0280727, 1.0609851}}
	for _, c := range []struct {
		name      string
		colr      []byte
		depths    []int
		signed    bool
		req       tile.Request
		want      tile.PixelFormat // of up to 8 bits
		gain      float64          // by which errors of a sample grow
		show      func(v []float64, most float64) [4]float64
		tolerance float64 // in steps of 8 bits, besides; of curves
	}{
		{"sYCC", enumerated(jp2.SYCC), []int{1, 4, 8, 9, 10, 12, 14, 15, 16}, false, tile.Request{}, tile.RGB8, 2.8,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 0},
		{"sYCC, signed", enumerated(jp2.SYCC), []int{8, 12}, true, tile.Request{}, tile.RGB8, 2.8,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 0},
		{"sYCC as YCbCr", enumerated(jp2.SYCC), []int{4, 8, 9, 10, 12, 16}, false, tile.Request{Format: tile.YCbCr8}, tile.YCbCr8, 2.8,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 2},
		{"e-sYCC", enumerated(jp2.ESYCC), []int{8, 9, 10, 12, 16}, false, tile.Request{}, tile.RGB8, 4.6,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				return lumaChroma(0.299, 0.114, y, 2*cb, 2*cr)
			}, 0},
		{"e-sYCC, signed", enumerated(jp2.ESYCC), []int{8, 10}, true, tile.Request{}, tile.RGB8, 4.6,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				return lumaChroma(0.299, 0.114, y, 2*cb, 2*cr)
			}, 0},
		{"e-sYCC grey", enumerated(jp2.ESYCC), []int{8, 10}, false, tile.Request{Quality: tile.InGray}, tile.Gray8, 1,
			func(v []float64, most float64) [4]float64 { return gray([]float64{v[0] / most}) }, 0},
		{"e-sRGB", enumerated(jp2.ESRGB), []int{10, 11, 12, 14, 15, 16}, false, tile.Request{}, tile.RGB8, 0,
			func(v []float64, most float64) [4]float64 {
				step := (most + 1) / 1024
				return rgb([]float64{(v[0]/step - 384) / 510, (v[1]/step - 384) / 510, (v[2]/step - 384) / 510})
			}, 0},
		{"YCbCr(1)", enumerated(jp2.YCbCr1), []int{8, 10, 16}, false, tile.Request{}, tile.RGB8, 3.2,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 0},
		{"YCbCr(2)", enumerated(jp2.YCbCr2), []int{8, 10}, false, tile.Request{}, tile.RGB8, 2.8,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 0},
		{"YCbCr(3)", enumerated(jp2.YCbCr3), []int{8, 9, 12}, false, tile.Request{}, tile.RGB8, 3.2,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 0},
		{"YCbCr(3), signed", enumerated(jp2.YCbCr3), []int{8, 12}, true, tile.Request{}, tile.RGB8, 3.2,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 0},
		{"YCbCr(3) grey", enumerated(jp2.YCbCr3), []int{8, 12}, false, tile.Request{Quality: tile.InGray}, tile.Gray8, 3.2,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return lumaOf(lumaChroma(0.299, 0.114, y, cb, cr))
			}, 0.5},
		{"YPbPr(1125/60)", enumerated(jp2.YPbPr1125), []int{8, 10}, false, tile.Request{}, tile.RGB8, 3.3,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return lumaChroma(0.2126, 0.0722, y, cb, cr)
			}, 0},
		{"YPbPr(1250/50)", enumerated(jp2.YPbPr1250), []int{8, 10}, false, tile.Request{}, tile.RGB8, 3.2,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 0},
		{"CMY", enumerated(jp2.CMY), []int{4, 8, 12}, false, tile.Request{}, tile.CMYK8, 1,
			func(v []float64, most float64) [4]float64 {
				return [4]float64{v[0] / most, v[1] / most, v[2] / most, 0}
			}, 0},
		{"CMY as RGB", enumerated(jp2.CMY), []int{8, 12}, false, tile.Request{Format: tile.RGB8}, tile.RGB8, 1,
			func(v []float64, most float64) [4]float64 {
				return rgb([]float64{1 - v[0]/most, 1 - v[1]/most, 1 - v[2]/most})
			}, 0},
		{"YCCK", enumerated(jp2.YCCK), []int{8, 10}, false, tile.Request{}, tile.CMYK8, 2.8,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				p := lumaChroma(0.299, 0.114, y, cb, cr)
				return [4]float64{1 - p[0], 1 - p[1], 1 - p[2], v[3] / most}
			}, 0},
		{"YCCK as RGB", enumerated(jp2.YCCK), []int{8}, false, tile.Request{Format: tile.RGB8}, tile.RGB8, 2.8,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				p := lumaChroma(0.299, 0.114, y, cb, cr)
				for i := range 3 {
					p[i] = min(max(p[i], 0), 1) * (1 - v[3]/most)
				}
				return p
			}, 0.5},
		{"code points of sRGB", parameterized(1, 13, 0, 1), []int{8, 10}, false, tile.Request{}, tile.RGB8, 1,
			func(v []float64, most float64) [4]float64 {
				return rgb([]float64{v[0] / most, v[1] / most, v[2] / most})
			}, 0},
		{"code points of sYCC as YCbCr", parameterized(1, 13, 5, 1), []int{8}, false, tile.Request{Format: tile.YCbCr8}, tile.YCbCr8, 1,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				return lumaChroma(0.299, 0.114, y, cb, cr)
			}, 2},
		{"code points of RGB video", parameterized(1, 1, 0, 0), []int{8, 10}, false, tile.Request{}, tile.RGB8, 1,
			func(v []float64, most float64) [4]float64 {
				step := (most + 1) / 256
				return rgb([]float64{(v[0]/step - 16) / 219, (v[1]/step - 16) / 219, (v[2]/step - 16) / 219})
			}, 0},
		{"code points of BT.709", parameterized(1, 1, 1, 0), []int{8, 10}, false, tile.Request{}, tile.RGB8, 3.3,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return lumaChroma(0.2126, 0.0722, y, cb, cr)
			}, 0},
		{"code points of BT.709, full", parameterized(1, 1, 1, 1), []int{8}, false, tile.Request{}, tile.RGB8, 2.9,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := fullRange(v, most)
				return lumaChroma(0.2126, 0.0722, y, cb, cr)
			}, 0},
		{"code points of BT.601, 625 lines", parameterized(5, 6, 5, 0), []int{8, 10}, false, tile.Request{}, tile.RGB8, 3.2,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return otherPrimaries(ebu, lumaChroma(0.299, 0.114, y, cb, cr))
			}, 5},
		{"code points of BT.2020", parameterized(9, 14, 9, 0), []int{10}, false, tile.Request{}, tile.RGB8, 3.2,
			func(v []float64, most float64) [4]float64 {
				y, cb, cr := videoRange(v, most)
				return otherPrimaries(wide, lumaChroma(0.2627, 0.0593, y, cb, cr))
			}, 5},
	} {
		for _, depth := range c.depths {
			t.Run(fmt.Sprintf("%s/%d bits", c.name, depth), func(t *testing.T) {
				components := 3
				if c.want == tile.CMYK8 && c.gain > 1 || c.name == "YCCK as RGB" {
					components = 4
				}
				e := newSweep(components, depth, c.signed)
				f := open(t, boxed(t, testimg.Spec{Width: e.width, Height: e.rows(), Components: components, Depth: depth, Signed: c.signed},
					[]string{"-n", "1", "-mct", "0"}, c.colr))
				p, err := (&tile.Decoder{Engine: tile.NewEngine(e), Strict: true}).Plan(f, c.req)
				require.NoError(t, err)
				img, err := p.Image(t.Context())
				require.NoError(t, err)

				// Half a step of the result, and of the samples if they have been
				// taken to another depth before.
				tolerance := 0.505
				if depth != 8 && depth != 16 {
					tolerance += c.gain / 2
				}
				full := 255.0
				if p.PixelFormat().Depth() == 16 {
					full = 65535
					tolerance += c.tolerance * 257
				} else {
					require.Equal(t, c.want, p.PixelFormat())
					if depth > 8 {
						tolerance = 0.51 // worked out in 16 bits
					}
					tolerance += c.tolerance
				}
				v := make([]float64, components)
				var most int
				for y := range p.Size().Y {
					for x := range p.Size().X {
						for i := range v {
							var s int
							s, most = e.at(i, x, y)
							v[i] = float64(s)
						}
						want, got := c.show(v, float64(most)), pixelAt(img, x, y)
						for i, w := range want {
							if d := math.Abs(min(max(w, 0), 1)-got[i]) * full; d > tolerance {
								require.Failf(t, "too far", "samples %v: %v of %v steps off, %v instead of %v", v, d, tolerance, got, want)
							}
						}
					}
				}
			})
		}
	}
}

// CIELab is shown as its definition has it under every illuminant with a code:
// XYZ goes to D65 by the cone responses of Bradford.
func TestLabUnderIlluminants(t *testing.T) {
	cones := func(v [3]float64) [3]float64 {
		return [3]float64{0.8951*v[0] + 0.2664*v[1] - 0.1614*v[2],
			-0.7502*v[0] + 1.7135*v[1] + 0.0367*v[2],
			0.0389*v[0] - 0.0685*v[1] + 1.0296*v[2]}
	}
	back := func(v [3]float64) [3]float64 {
		return [3]float64{0.9869929*v[0] - 0.1470543*v[1] + 0.1599627*v[2],
			0.4323053*v[0] + 0.5183603*v[1] + 0.0492912*v[2],
			-0.0085287*v[0] + 0.0400428*v[1] + 0.9684867*v[2]}
	}
	d65 := [3]float64{0.95047, 1, 1.08883}
	for name, c := range map[string]struct {
		code  int
		white [3]float64 // of ASTM E308
	}{
		"D50": {0x00443530, [3]float64{0.96422, 1, 0.82521}},
		"D65": {0x00443635, d65},
		"D75": {0x00443735, [3]float64{0.94972, 1, 1.22638}},
		"A":   {0x00005341, [3]float64{1.09850, 1, 0.35585}},
		"C":   {0x00005343, [3]float64{0.98074, 1, 1.18232}},
		"F2":  {0x00004632, [3]float64{0.99186, 1, 0.67393}},
		"F7":  {0x00004637, [3]float64{0.95041, 1, 1.08747}},
		"F11": {0x00463131, [3]float64{1.00962, 1, 0.64350}},
	} {
		for _, depth := range []int{8, 10, 16} {
			t.Run(fmt.Sprintf("%s/%d bits", name, depth), func(t *testing.T) {
				none := 1 << (depth - 1)
				e := newSweep(3, depth, false)
				f := open(t, boxed(t, testimg.Spec{Width: e.width, Height: e.rows(), Components: 3, Depth: depth}, []string{"-n", "1", "-mct", "0"},
					box("colr", []byte{1, 0, 0}, be(4, 14, 100, 0, 170, none, 200, none, c.code))))
				p, err := (&tile.Decoder{Engine: tile.NewEngine(e)}).Plan(f, tile.Request{})
				require.NoError(t, err)
				img, err := p.Image(t.Context())
				require.NoError(t, err)
				// Of light: sRGB's steep beginning makes much of the few places that
				// the numbers above have.
				light := func(v float64) float64 {
					if v <= 0.04045 {
						return v / 12.92
					}
					return math.Pow((v+0.055)/1.055, 2.4)
				}
				tolerance := 0.002
				if depth == 8 {
					tolerance = 0.006
				}
				for y := range p.Size().Y {
					for x := range p.Size().X {
						var v [3]float64
						for i := range v {
							s, most := e.at(i, x, y)
							if v[i] = float64(s) / float64(most); i > 0 {
								v[i] = float64(s-none) / float64(most)
							}
						}
						fy := (v[0]*100 + 16) / 116
						var xyz [3]float64
						for i, f := range [3]float64{fy + v[1]*170/500, fy, fy - v[2]*200/200} {
							if xyz[i] = c.white[i] * f * f * f; f <= 6.0/29 {
								xyz[i] = c.white[i] * (f - 4.0/29) * 108 / 841
							}
						}
						lms, from, to := cones(xyz), cones(c.white), cones(d65)
						for i := range lms {
							lms[i] *= to[i] / from[i]
						}
						xyz = back(lms)
						want := [3]float64{
							3.2404542*xyz[0] - 1.5371385*xyz[1] - 0.4985314*xyz[2],
							-0.9692660*xyz[0] + 1.8760108*xyz[1] + 0.0415560*xyz[2],
							0.0556434*xyz[0] - 0.2040259*xyz[1] + 1.0572252*xyz[2]}
						got := pixelAt(img, x, y)
						for i, w := range want {
							if math.Abs(min(max(w, 0), 1)-light(got[i])) > tolerance {
								require.Failf(t, "too far", "Lab %v: %v instead of %v", v, light(got[i]), w)
							}
						}
						if v[1] == 0 && v[2] == 0 {
							require.InDeltaSlice(t, []float64{got[1], got[1]}, []float64{got[0], got[2]}, 3.0/65535)
						}
					}
				}
			})
		}
	}
}
