package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/internal/raster"
)

// A tag is one entry of a profile made for a test.
type tag struct {
	name string
	data []byte
}

func fixed(v float64) uint32 { return uint32(int32(math.Round(v * 65536))) }

func xyzTag(name string, x, y, z float64) tag {
	d := []byte("XYZ \x00\x00\x00\x00")
	for _, v := range []float64{x, y, z} {
		d = binary.BigEndian.AppendUint32(d, fixed(v))
	}
	return tag{name, d}
}

func curvTag(name string, entries ...uint16) tag {
	d := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), uint32(len(entries)))
	for _, v := range entries {
		d = binary.BigEndian.AppendUint16(d, v)
	}
	return tag{name, d}
}

func paraTag(name string, kind uint16, params ...float64) tag {
	d := binary.BigEndian.AppendUint16([]byte("para\x00\x00\x00\x00"), kind)
	d = append(d, 0, 0)
	for _, v := range params {
		d = binary.BigEndian.AppendUint32(d, fixed(v))
	}
	return tag{name, d}
}

func textTag(name, s string) tag {
	return tag{name, append([]byte("text\x00\x00\x00\x00"), s+"\x00"...)}
}

// descTag is a description as version 2 has it.
func descTag(s string) tag {
	d := binary.BigEndian.AppendUint32([]byte("desc\x00\x00\x00\x00"), uint32(len(s)+1))
	d = append(d, s+"\x00"...)
	return tag{"desc", append(d, make([]byte, 4+4+2+1+67)...)}
}

// build writes a profile of version 2.
func build(class, space, pcs string, tags ...tag) []byte {
	d := make([]byte, headerSize)
	copy(d[4:], "none")
	d[8] = 2
	copy(d[12:], class)
	copy(d[16:], space)
	copy(d[20:], pcs)
	for i, v := range []uint16{2020, 1, 1} {
		binary.BigEndian.PutUint16(d[24+2*i:], v)
	}
	copy(d[36:], "acsp")
	for i, v := range raster.D50() {
		binary.BigEndian.PutUint32(d[68+4*i:], fixed(v))
	}
	d = binary.BigEndian.AppendUint32(d, uint32(len(tags)))
	at := len(d) + tagSize*len(tags)
	var body []byte
	for _, t := range tags {
		d = append(d, t.name...)
		d = binary.BigEndian.AppendUint32(d, uint32(at+len(body)))
		d = binary.BigEndian.AppendUint32(d, uint32(len(t.data)))
		body = append(body, t.data...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	d = append(d, body...)
	binary.BigEndian.PutUint32(d, uint32(len(d)))
	return d
}

// colorants are the columns of primaries, adapted to D50.
func colorants(m raster.Matrix3, white [3]float64) []tag {
	m = raster.Adapt(white, raster.D50()).Mul(m)
	var tags []tag
	for c, name := range []string{"rXYZ", "gXYZ", "bXYZ"} {
		tags = append(tags, xyzTag(name, m[0][c], m[1][c], m[2][c]))
	}
	return tags
}

func rgb(m raster.Matrix3, white [3]float64, trc func(name string) tag) []byte {
	tags := append(colorants(m, white), descTag("test"), textTag("cprt", "none"),
		xyzTag("wtpt", 0.9642, 1, 0.8249))
	for _, name := range []string{"rTRC", "gTRC", "bTRC"} {
		tags = append(tags, trc(name))
	}
	return build("mntr", "RGB ", "XYZ ", tags...)
}

func gray(pcs string, trc tag) []byte {
	return build("scnr", "GRAY", pcs, trc, descTag("test"), textTag("cprt", "none"),
		xyzTag("wtpt", 0.9642, 1, 0.8249))
}

// srgbTable is sRGB's curve in 1024 entries, as most profiles of it have.
func srgbTable(name string) tag {
	var entries []uint16
	for i := range 1024 {
		entries = append(entries, uint16(math.Round(raster.SRGBToLinear(float64(i)/1023)*65535)))
	}
	return curvTag(name, entries...)
}

func srgbPara(name string) tag {
	return paraTag(name, 3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)
}

var (
	srgb  = raster.Primaries(0.64, 0.33, 0.30, 0.60, 0.15, 0.06, raster.D65())
	p3    = raster.Primaries(0.680, 0.320, 0.265, 0.690, 0.150, 0.060, raster.D65())
	adobe = raster.Primaries(0.64, 0.33, 0.21, 0.71, 0.15, 0.06, raster.D65())
	pro   = raster.Primaries(0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, raster.D50())
)

// profileTests feed the test of what conversions yield, the comparison with
// another implementation, and the fuzz test.
var profileTests = []struct {
	name string
	data []byte
	trc  func(float64) float64 // to light
	m    raster.Matrix3        // to linear sRGB; zero for grey
}{
	{"sRGB by table", rgb(srgb, raster.D65(), srgbTable), raster.SRGBToLinear, identity},
	{"sRGB by function", rgb(srgb, raster.D65(), srgbPara), raster.SRGBToLinear, identity},
	{"Display P3", rgb(p3, raster.D65(), srgbPara), raster.SRGBToLinear,
		raster.SRGBFromXYZ(raster.D65()).Mul(p3)},
	{"Adobe RGB", rgb(adobe, raster.D65(), func(n string) tag { return curvTag(n, 563) }),
		power(563.0 / 256), raster.SRGBFromXYZ(raster.D65()).Mul(adobe)},
	{"ProPhoto", rgb(pro, raster.D50(), func(n string) tag { return paraTag(n, 0, 1.8) }),
		power(1.8), raster.SRGBFromXYZ(raster.D50()).Mul(pro)},
	{"linear", rgb(srgb, raster.D65(), func(n string) tag { return curvTag(n) }), power(1), identity},
	{"two entries", rgb(srgb, raster.D65(), func(n string) tag { return curvTag(n, 65535, 0) }),
		func(v float64) float64 { return 1 - v }, identity},
	{"function 1", rgb(srgb, raster.D65(), func(n string) tag { return paraTag(n, 1, 2, 1.25, -0.25) }),
		func(v float64) float64 {
			if v < 0.2 {
				return 0
			}
			return math.Pow(1.25*v-0.25, 2)
		}, identity},
	{"function 2", rgb(srgb, raster.D65(), func(n string) tag { return paraTag(n, 2, 2, 1, -0.25, 0.125) }),
		func(v float64) float64 {
			if v < 0.25 {
				return 0.125
			}
			return math.Pow(v-0.25, 2) + 0.125
		}, identity},
	{"function 4", rgb(srgb, raster.D65(), func(n string) tag {
		return paraTag(n, 4, 2, 0.5, 0.25, 0.25, 0.5, 0.125, 0.0625)
	}), func(v float64) float64 {
		if v < 0.5 {
			return 0.25*v + 0.0625
		}
		return math.Pow(0.5*v+0.25, 2) + 0.125
	}, identity},
	{"grey", gray("XYZ ", curvTag("kTRC", 563)), power(563.0 / 256), raster.Matrix3{}},
	{"grey by L*", gray("Lab ", curvTag("kTRC")), func(v float64) float64 {
		if v > 0.08 {
			return math.Pow((v+0.16)/1.16, 3)
		}
		return v * 100 / 903.2963
	}, raster.Matrix3{}},
}

var identity = raster.Matrix3{{1}, {0, 1}, {0, 0, 1}}

func power(g float64) func(float64) float64 {
	return func(v float64) float64 { return math.Pow(v, g) }
}

// samples8 is pixels of four bytes, or bytes, that cover the cube coarsely.
func samples8(gray bool) []byte {
	var p []byte
	if gray {
		for v := range 256 {
			p = append(p, byte(v))
		}
		return p
	}
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				p = append(p, byte(r), byte(g), byte(b), 77)
			}
		}
	}
	return p
}

func TestConverter(t *testing.T) {
	for _, tt := range profileTests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.data)
			require.NoError(t, err)
			c, err := p.Converter()
			require.NoError(t, err)
			isGray := tt.m == raster.Matrix3{}
			require.Equal(t, isGray, c.Gray())

			src := samples8(isGray)
			dst := append([]byte(nil), src...)
			c.Pixels8(dst)
			wide := make([]byte, 2*len(src))
			for i, v := range src {
				wide[2*i], wide[2*i+1] = v, v
			}
			c.Pixels16(wide)
			want := func(i int) float64 {
				light := [3]float64{}
				if isGray {
					return raster.LinearToSRGB(tt.trc(float64(src[i]) / 255))
				}
				for k := range light {
					light[k] = tt.trc(float64(src[i/4*4+k]) / 255)
				}
				if i%4 == 3 {
					return 77.0 / 255
				}
				v := tt.m.Apply(light)[i%4]
				return raster.LinearToSRGB(min(max(v, 0), 1))
			}
			for i := range src {
				// Numbers in profiles have 16 fraction bits, which sRGB's
				// steep beginning makes more of.
				require.InDelta(t, want(i)*255, dst[i], 1, "%v", src[i/4*4:i/4*4+4])
				require.InDelta(t, want(i)*65535, binary.BigEndian.Uint16(wide[2*i:]), 80)
			}
		})
	}
}

// TestAgainstLittleCMS compares with what ImageMagick makes of the same
// profiles by Little CMS.
func TestAgainstLittleCMS(t *testing.T) {
	convert, err := exec.LookPath("convert")
	if err != nil {
		t.Skip("no ImageMagick")
	}
	version, _ := exec.Command(convert, "-version").Output()
	if !strings.Contains(string(version), "lcms") {
		t.Skip("ImageMagick without Little CMS")
	}
	dir := t.TempDir()
	target := filepath.Join(dir, "srgb.icc")
	require.NoError(t, os.WriteFile(target, rgb(srgb, raster.D65(), srgbPara), 0o600))
	for _, tt := range profileTests {
		if tt.name == "grey by L*" || tt.name == "two entries" {
			// ImageMagick writes grey as grey, and Little CMS takes falling
			// curves apart differently.
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.data)
			require.NoError(t, err)
			c, err := p.Converter()
			require.NoError(t, err)
			src := samples8(c.Gray())
			magic, channels := "P6", 3
			body := make([]byte, len(src)/4*3)
			if c.Gray() {
				magic, channels, body = "P5", 1, src
			} else {
				raster.RGB(body, src)
			}
			n := len(body) / channels
			in := append(fmt.Appendf(nil, "%s %d 1 255\n", magic, n), body...)
			profile := filepath.Join(dir, "in.icc")
			require.NoError(t, os.WriteFile(profile, tt.data, 0o600))
			cmd := exec.Command(convert, "pnm:-", "-intent", "relative",
				"+black-point-compensation", "-profile", profile, "-profile", target,
				"-depth", "8", "rgb:-")
			cmd.Stdin = strings.NewReader(string(in))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			require.NoError(t, err)
			require.Len(t, out, 3*n)
			c.Pixels8(src)
			worst := 0.0
			for i := range n {
				for k := range 3 {
					got := src[i]
					if !c.Gray() {
						got = src[4*i+k]
					}
					worst = max(worst, math.Abs(float64(got)-float64(out[3*i+k])))
				}
			}
			t.Logf("largest difference: %v", worst)
			require.LessOrEqual(t, worst, 2.0)
		})
	}
}

func TestFormatErrors(t *testing.T) {
	good := rgb(srgb, raster.D65(), srgbTable)
	change := func(at int, v ...byte) []byte {
		d := append([]byte(nil), good...)
		copy(d[at:], v)
		return d
	}
	without := func(name string) []byte {
		return []byte(strings.ReplaceAll(string(good), name, "none"))
	}
	for name, data := range map[string][]byte{
		"empty":             nil,
		"short":             good[:131],
		"cut":               good[:len(good)-1],
		"longer than it is": change(0, 0xFF),
		"size of a header":  change(0, 0, 0, 0, 128),
		"signature":         change(36, 'x'),
		"tags":              change(128, 0xFF, 0xFF, 0xFF, 0xFF),
		"more tags":         change(128, 0, 0, 0x20, 0),
		"tag beyond":        change(132+4, 0x7F),
		"tag too long":      change(132+8, 0xFF, 0xFF, 0xFF, 0xFF),
		"no curve":          without("gTRC"),
		"no colorant":       without("bXYZ"),
		"curve too long": []byte(strings.ReplaceAll(string(good),
			"curv\x00\x00\x00\x00\x00\x00\x04", "curv\x00\x00\x00\x00\xFF\x00\x04")),
		"colorant of another type": []byte(strings.ReplaceAll(string(good),
			"XYZ \x00\x00\x00\x00", "Xyz \x00\x00\x00\x00")),
		"short function":  rgb(srgb, raster.D65(), func(n string) tag { return paraTag(n, 4, 1, 2) }),
		"divides by zero": rgb(srgb, raster.D65(), func(n string) tag { return paraTag(n, 1, 1, 0, 1) }),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse(data)
			if err == nil {
				_, err = p.Converter()
			}
			require.ErrorIs(t, err, ErrFormat)
			require.False(t, errors.Is(err, errors.ErrUnsupported))
		})
	}
}

func TestUnsupported(t *testing.T) {
	curve := curvTag("rTRC")
	lut := rgb(srgb, raster.D65(), srgbTable)
	for name, data := range map[string][]byte{
		"device link":           build("link", "RGB ", "XYZ "),
		"CMYK":                  build("prtr", "CMYK", "Lab ", textTag("A2B0", "")),
		"no table":              build("prtr", "CMYK", "Lab "),
		"RGB by Lab":            build("mntr", "RGB ", "Lab ", curve),
		"table beside a matrix": []byte(strings.ReplaceAll(string(lut), "wtpt", "A2B0")),
		"curve of another type": []byte(strings.ReplaceAll(string(lut), "curv", "cxrv")),
		"function 5":            rgb(srgb, raster.D65(), func(n string) tag { return paraTag(n, 5, 1) }),
		"beyond all colours":    rgb(raster.Matrix3{{999}, {0, 999}, {0, 0, 999}}, raster.D50(), srgbTable),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse(data)
			require.NoError(t, err)
			_, err = p.Converter()
			require.ErrorIs(t, err, errors.ErrUnsupported)
			require.False(t, errors.Is(err, ErrFormat))
		})
	}
}

func TestHeader(t *testing.T) {
	p, err := Parse(append(rgb(srgb, raster.D65(), srgbTable), "behind the end"...))
	require.NoError(t, err)
	require.Equal(t, "mntr", p.Class)
	require.Equal(t, "RGB ", p.Space)
	require.Equal(t, "XYZ ", p.PCS)
	require.EqualValues(t, 2, p.Version[0])
	require.True(t, p.Has("wtpt"))
	require.False(t, p.Has("A2B0"))
}

func FuzzProfile(f *testing.F) {
	for _, tt := range profileTests {
		f.Add(tt.data)
	}
	// Curves that are not numbers, or without bound.
	f.Add(rgb(srgb, raster.D65(), func(n string) tag { return paraTag(n, 0, -30000) }))
	f.Add(rgb(srgb, raster.D65(), func(n string) tag { return paraTag(n, 3, 0.5, -9, 1, -9, 0) }))
	f.Add(gray("Lab ", paraTag("kTRC", 4, 0.3, -30000, 1, 1, 1, 1, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err == nil {
			var c *Converter
			if c, err = p.Converter(); err == nil {
				pix := samples8(false)[:1024]
				c.Pixels8(pix)
				c.Pixels16(pix)
				return
			}
		}
		require.True(t, errors.Is(err, ErrFormat) != errors.Is(err, errors.ErrUnsupported), "%v", err)
	})
}
