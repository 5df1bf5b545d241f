package raster

import (
	"encoding/binary"
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// pixels8 is every combination of a few values, extremes and neighbours among
// them, for four channels, and some at random.
func pixels8(rnd *rand.Rand) []byte {
	few := []byte{0, 1, 2, 9, 10, 11, 64, 127, 128, 129, 200, 254, 255}
	var p []byte
	for _, a := range few {
		for _, b := range few {
			for _, c := range few {
				for _, d := range few {
					p = append(p, a, b, c, d)
				}
			}
		}
	}
	return append(p, random(rnd, 4*20011)...)
}

func pixels16(rnd *rand.Rand) []byte {
	few := []uint16{0, 1, 2, 300, 32767, 32768, 32769, 50000, 65534, 65535}
	var p []byte
	for _, a := range few {
		for _, b := range few {
			for _, c := range few {
				for _, d := range few {
					for _, v := range []uint16{a, b, c, d} {
						p = binary.BigEndian.AppendUint16(p, v)
					}
				}
			}
		}
	}
	return append(p, random(rnd, 8*10007)...)
}

// plain is a conversion of one pixel of four channels in [0, 1] by the
// definition. Results are clamped and rounded by whoever calls it.
type plain func([4]float64) [4]float64

func unit(v float64) float64 { return min(max(v, 0), 1) }

// requirePixels compares what fast makes of pixels in place with what slow
// makes of each, within a tolerance in steps of the samples.
func requirePixels(t *testing.T, bits int, fast func([]byte), slow plain, tolerance float64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(11, 4))
	src, full := pixels8(rnd), 255.0
	at := func(p []byte, i int) float64 { return float64(p[i]) }
	if bits == 16 {
		src, full = pixels16(rnd), 65535.0
		at = func(p []byte, i int) float64 { return float64(binary.BigEndian.Uint16(p[2*i:])) }
	}
	dst, check := guarded(t, len(src))
	copy(dst, src)
	fast(dst)
	check()
	worst := 0.0
	for i := 0; i < len(src)*8/bits; i += 4 {
		var p [4]float64
		for c := range p {
			p[c] = at(src, i+c) / full
		}
		q := slow(p)
		for c := range q {
			d := math.Abs(at(dst, i+c) - unit(q[c])*full)
			if worst = max(worst, d); d > tolerance {
				require.Failf(t, "too far", "pixel %v: channel %d is %v, not %v",
					[]float64{p[0] * full, p[1] * full, p[2] * full, p[3] * full},
					c, at(dst, i+c), unit(q[c])*full)
			}
		}
	}
	t.Logf("worst: %.4f of a step", worst)
	// Rows of every length, and nothing beside them.
	pixel := bits / 2
	for _, n := range lengths {
		row, check := guarded(t, n*pixel)
		copy(row, src)
		fast(row)
		check()
		require.Equal(t, dst[:n*pixel], row)
	}
}

// exactly is half a step and the errors of the float64 it is compared with.
const exactly = 0.5 + 1e-6

// plainYCC is the definition of luma and chroma.
func plainYCC(r YCCRange) plain {
	kr, kb := r.Luma.Red, r.Luma.Blue
	return func(p [4]float64) [4]float64 {
		at := func(ends [2]float64, v float64) float64 { return ends[0]*(1-v) + ends[1]*v }
		y := at(r.Y, p[0])
		red, blue := y+2*(1-kr)*at(r.Cr, p[2]), y+2*(1-kb)*at(r.Cb, p[1])
		return [4]float64{red, (y - kr*red - kb*blue) / (1 - kr - kb), blue, p[3]}
	}
}

// full8 is sYCC in 8 bits, its chroma reaching so many times as far.
func full8(chroma float64) YCCRange {
	c := [2]float64{-128.0 / 255 * chroma, 127.0 / 255 * chroma}
	return YCCRange{BT601(), [2]float64{0, 1}, c, c}
}

func TestYCC(t *testing.T) {
	narrow := [2]float64{-128.0 / 224, 127.0 / 224}
	for name, r := range map[string]YCCRange{
		"full":      full8(1),
		"wide":      full8(2),
		"narrow":    {BT709(), [2]float64{-16.0 / 219, 239.0 / 219}, narrow, narrow},
		"BT.2020":   {BT2020(), [2]float64{-16.0 / 219, 239.0 / 219}, narrow, narrow},
		"inverted":  {BT601(), [2]float64{1, 0}, [2]float64{0.5, -0.5}, [2]float64{0.5, -0.5}},
		"different": {BT601(), [2]float64{0, 1}, [2]float64{-0.25, 1}, [2]float64{-0.75, 0.5}},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewYCC(r)
			requirePixels(t, 8, c.Pixels8, plainYCC(r), 0.501)
			requirePixels(t, 16, c.Pixels16, plainYCC(r), 0.51)
		})
	}
	// The standard library agrees, within its own rounding.
	c := NewYCC(full8(1))
	for i := range 1 << 15 {
		y, cb, cr := uint8(i<<3), uint8(i>>5<<3), uint8(i>>10<<3)
		r, g, b := color.YCbCrToRGB(y, cb, cr)
		p := []byte{y, cb, cr, 255}
		c.Pixels8(p)
		require.InDeltaSlice(t, []byte{r, g, b, 255}, p, 1)
	}
}

func TestToYCC(t *testing.T) {
	pix := pixels8(rand.New(rand.NewPCG(5, 4)))
	n := len(pix) / 4
	y, checkY := guarded(t, n)
	cb, checkCb := guarded(t, n)
	cr, checkCr := guarded(t, n)
	ToYCC8(y, cb, cr, pix)
	checkY()
	checkCb()
	checkCr()
	for i := range n {
		a, b, c := color.RGBToYCbCr(pix[4*i], pix[4*i+1], pix[4*i+2])
		require.Equal(t, [3]byte{a, b, c}, [3]byte{y[i], cb[i], cr[i]})
	}
}

func TestCMYK(t *testing.T) {
	slow := func(p [4]float64) [4]float64 {
		k := 1 - p[3]
		return [4]float64{(1 - p[0]) * k, (1 - p[1]) * k, (1 - p[2]) * k, 1}
	}
	requirePixels(t, 8, CMYK8, slow, exactly)
	requirePixels(t, 16, CMYK16, slow, exactly)
}

func TestUnpremultiply(t *testing.T) {
	slow := func(p [4]float64) [4]float64 {
		if p[3] == 0 {
			return p8(0, 0, 0, 0)
		}
		return p8(p[0]/p[3], p[1]/p[3], p[2]/p[3], p[3])
	}
	requirePixels(t, 8, Unpremultiply8, slow, exactly)
	requirePixels(t, 16, Unpremultiply16, slow, exactly)
}

func p8(v ...float64) [4]float64 { return [4]float64(v) }

func TestFlatten(t *testing.T) {
	for _, b := range [][3]uint8{{255, 255, 255}, {0, 0, 0}, {10, 128, 250}} {
		slow := func(p [4]float64) [4]float64 {
			q := [4]float64{3: 1}
			for c := range b {
				q[c] = p[c]*p[3] + float64(b[c])/255*(1-p[3])
			}
			return q
		}
		requirePixels(t, 8, func(p []byte) { Flatten8(p, b) }, slow, exactly)
		wide := [3]uint16{uint16(b[0]) * 257, uint16(b[1]) * 257, uint16(b[2]) * 257}
		requirePixels(t, 16, func(p []byte) { Flatten16(p, wide) }, slow, exactly)
	}
}

func TestLuma(t *testing.T) {
	slow := func(p [4]float64) [4]float64 {
		y := 0.299*p[0] + 0.587*p[1] + 0.114*p[2]
		return [4]float64{y, y, y, y}
	}
	requirePixels(t, 8, func(p []byte) {
		y := make([]byte, len(p)/4)
		Luma8(y, p)
		PackNRGBA(p, y, y, y, y)
	}, slow, 0.505)
	requirePixels(t, 16, func(p []byte) {
		y := make([]byte, len(p)/4)
		Luma16(y, p)
		for i := range p {
			p[i] = y[i/8*2+i%2]
		}
	}, slow, 1)
	gray := func(p [4]float64) [4]float64 {
		q := slow(p)
		q[3] = p[3]
		return q
	}
	requirePixels(t, 8, Gray8, gray, 0.505)
	requirePixels(t, 16, Gray16, gray, 1)
	// In place, and grey stays what it is.
	for v := range 256 {
		p := []byte{byte(v), byte(v), byte(v), 255}
		Luma8(p[:1], p)
		require.Equal(t, byte(v), p[0])
	}
}

func TestThreshold(t *testing.T) {
	for _, n := range lengths {
		src := random(rand.New(rand.NewPCG(6, 4)), n)
		dst, check := guarded(t, n)
		copy(dst, src)
		Threshold(dst)
		check()
		for i, v := range src {
			if v >= 128 {
				require.EqualValues(t, 255, dst[i])
			} else {
				require.EqualValues(t, 0, dst[i])
			}
		}
		copy(dst, src)
		Invert8(dst)
		check()
		for i, v := range src {
			require.Equal(t, 255-v, dst[i])
		}
		dst, check = guarded(t, 4*(n/4))
		copy(dst, src)
		ThresholdColors(dst)
		check()
		for i, v := range dst {
			want := src[i]
			if i%4 < 3 {
				want = want >> 7 * 255
			}
			require.Equal(t, want, v)
		}
	}
}

func TestLookup(t *testing.T) {
	table8, table16 := []uint8{7, 8, 9}, []uint16{0x0102, 0x0304, 0x0506}
	src := []int32{-5, 0, 1, 2, 3, math.MaxInt32, math.MinInt32}
	dst, check := guarded(t, len(src)*2)
	Lookup8(dst, 2, src, table8)
	check()
	for i, v := range src {
		require.Equal(t, table8[min(max(v, 0), 2)], dst[2*i])
	}
	Lookup16(dst, 2, src, table16)
	check()
	for i, v := range src {
		require.Equal(t, table16[min(max(v, 0), 2)], binary.BigEndian.Uint16(dst[2*i:]))
	}
}

func plainShaper(trc func(float64) float64, m Matrix3) plain {
	return func(p [4]float64) [4]float64 {
		q := m.Apply([3]float64{trc(p[0]), trc(p[1]), trc(p[2])})
		for i := range q {
			q[i] = LinearToSRGB(unit(q[i]))
		}
		return [4]float64{q[0], q[1], q[2], p[3]}
	}
}

func TestShaper(t *testing.T) {
	identity := Matrix3{{1}, {0, 1}, {0, 0, 1}}
	p3 := SRGBFromXYZ(D65()).Mul(Primaries(0.680, 0.320, 0.265, 0.690, 0.150, 0.060, D65()))
	gamma := func(g float64) func(float64) float64 {
		return func(v float64) float64 { return math.Pow(v, g) }
	}
	for _, tt := range []struct {
		name string
		trc  func(float64) float64
		m    Matrix3
	}{
		{"sRGB", SRGBToLinear, identity},
		{"P3", SRGBToLinear, p3},
		{"gamma 2.2", gamma(2.2), p3},
		{"gamma 1.8", gamma(1.8), identity},
		{"linear", gamma(1), p3},
		{"ACES", gamma(1), SRGBFromXYZ(D50()).Mul(Primaries(0.7347, 0.2653, 0, 1, 0.0001, -0.077, D50()))},
		{"extreme", gamma(2.2), Matrix3{{1.9, 1.9, 0}, {-1.9, -1.9, 0}, {-1.2, 3.6, -1.1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			slow := plainShaper(tt.trc, tt.m)
			for _, s := range []*Shaper{NewShaper(tt.m, tt.trc), NewShaper(tt.m, tt.trc, tt.trc, tt.trc)} {
				requirePixels(t, 8, s.Pixels8, slow, 0.6)
				requirePixels(t, 16, s.Pixels16, slow, 0.75)
			}
		})
	}

	// Each channel has its own curve.
	m := Matrix3{{0.5, 0.25, 0.25}, {0.125, 0.5, 0.25}, {0, 0.25, 0.75}}
	s := NewShaper(m, gamma(1), gamma(2), gamma(3))
	slow := func(p [4]float64) [4]float64 {
		q := m.Apply([3]float64{p[0], p[1] * p[1], p[2] * p[2] * p[2]})
		return [4]float64{LinearToSRGB(q[0]), LinearToSRGB(q[1]), LinearToSRGB(q[2]), p[3]}
	}
	requirePixels(t, 8, s.Pixels8, slow, 0.6)
	requirePixels(t, 16, s.Pixels16, slow, 0.75)

	// Curves that are not numbers, or without bound, make some colour.
	for _, f := range []func(float64) float64{math.Log, func(float64) float64 { return math.NaN() },
		func(v float64) float64 { return 1 / v }} {
		s := NewShaper(p3, f)
		s.Pixels8(pixels8(rand.New(rand.NewPCG(1, 1))))
		s.Pixels16(pixels16(rand.New(rand.NewPCG(1, 1))))
	}

	// sRGB to sRGB changes nothing.
	s = NewShaper(identity, SRGBToLinear)
	p := pixels8(rand.New(rand.NewPCG(8, 4)))
	want := append([]byte(nil), p...)
	s.Pixels8(p)
	require.Equal(t, want, p)
}

func TestROMM(t *testing.T) {
	s := NewROMM()
	// White and grey stay neutral; a ROMM colour known from its XYZ.
	for v := range 256 {
		p := []byte{byte(v), byte(v), byte(v), 9}
		s.Pixels8(p)
		require.InDelta(t, p[0], p[1], 1)
		require.InDelta(t, p[1], p[2], 1)
		light := math.Pow(float64(v)/255, 1.8)
		if v < 8 {
			light = float64(v) / 255 / 16
		}
		require.InDelta(t, LinearToSRGB(light)*255, float64(p[1]), 1)
	}
}

func TestTone(t *testing.T) {
	trc := func(v float64) float64 { return math.Pow(v, 1.8) }
	f := func(v float64) float64 { return LinearToSRGB(trc(v)) }
	tone := NewTone(trc)
	slow := func(p [4]float64) [4]float64 {
		return [4]float64{f(p[0]), f(p[1]), f(p[2]), f(p[3])}
	}
	requirePixels(t, 8, tone.Pixels8, slow, exactly)
	requirePixels(t, 16, tone.Pixels16, slow, 0.75)
	// A row may end anywhere.
	src := pixels16(rand.New(rand.NewPCG(2, 2)))[:2*99]
	all := append([]byte(nil), src...)
	tone.Pixels16(all)
	for n := range 10 {
		row, check := guarded(t, 2*n)
		copy(row, src)
		tone.Pixels16(row)
		check()
		require.Equal(t, all[:2*n], row)
	}
}

func TestLab(t *testing.T) {
	r := LabRange{L: [2]float64{0, 100}, A: [2]float64{-128, 127}, B: [2]float64{-128, 127}}
	slow := func(p [4]float64) [4]float64 {
		fy := (p[0]*100 + 16) / 116
		f := [3]float64{fy + (p[1]*255-128)/500, fy, fy - (p[2]*255-128)/200}
		var xyz [3]float64
		for i, v := range f {
			if v > 6.0/29 {
				xyz[i] = D50()[i] * v * v * v
			} else {
				xyz[i] = D50()[i] * 3 * 6.0 / 29 * 6.0 / 29 * (v - 4.0/29)
			}
		}
		rgb := SRGBFromXYZ(D50()).Apply(xyz)
		return [4]float64{LinearToSRGB(unit(rgb[0])), LinearToSRGB(unit(rgb[1])),
			LinearToSRGB(unit(rgb[2])), p[3]}
	}
	c := NewLab(r)
	requirePixels(t, 8, c.Pixels8, slow, 0.6)
	requirePixels(t, 16, c.Pixels16, slow, 1)

	// Known colours, computed elsewhere: CIELab under D50 to sRGB.
	for _, tt := range []struct{ l, a, b, red, green, blue float64 }{
		{100, 0, 0, 255, 255, 255},
		{0, 0, 0, 0, 0, 0},
		{53.585, 0, 0, 128, 128, 128},
		{54.29, 80.81, 69.89, 255, 0, 0}, // sRGB's red, adapted to D50
		{87.82, -79.27, 80.99, 0, 255, 0},
		{29.57, 68.30, -112.03, 0, 0, 255},
	} {
		var p []byte
		for _, v := range []float64{tt.l / 100, (tt.a + 128) / 255, (tt.b + 128) / 255, 0} {
			p = binary.BigEndian.AppendUint16(p, uint16(math.Round(v*65535)))
		}
		c.Pixels16(p)
		for i, want := range []float64{tt.red, tt.green, tt.blue} {
			require.InDelta(t, want, float64(binary.BigEndian.Uint16(p[2*i:]))/257, 1.2)
		}
	}
}

// Conversions take no more memory than is said, and those that are made but not
// used hardly any.
func TestStepMemory(t *testing.T) {
	srgb8()
	srgb16()
	pix := make([]byte, 64)
	gamma := func(v float64) float64 { return v * v }
	r := LabRange{L: [2]float64{0, 100}, A: [2]float64{-128, 127}, B: [2]float64{-128, 127}}
	for name, c := range map[string]struct {
		most int64
		make func() func()
	}{
		"shaper": {StepMemory, func() func() {
			s := NewShaper(Matrix3{{1}, {0, 1}, {0, 0, 1}}, gamma, gamma, gamma)
			return func() { s.Pixels8(pix); s.Pixels16(pix) }
		}},
		"tone":     {StepMemory, func() func() { s := NewTone(gamma); return func() { s.Pixels8(pix); s.Pixels16(pix) } }},
		"Lab":      {StepMemory, func() func() { s := NewLab(r); return func() { s.Pixels8(pix); s.Pixels16(pix) } }},
		"YCC":      {StepMemory, func() func() { s := NewYCC(full8(1)); return func() { s.Pixels8(pix) } }},
		"scale 8":  {ScaleMemory, func() func() { s := NewScale(8, false); return func() { Scale8(pix, 1, pix, s) } }},
		"scale 14": {ScaleMemory, func() func() { s := NewScale(14, false); return func() { Scale8(pix, 1, pix, s) } }},
	} {
		t.Run(name, func(t *testing.T) {
			allocated := func(f func()) int64 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for range 8 {
					f()
				}
				runtime.ReadMemStats(&after)
				return int64(after.TotalAlloc-before.TotalAlloc) / 8
			}
			idle := allocated(func() { c.make() })
			used := allocated(func() { c.make()() })
			require.LessOrEqual(t, used, c.most)
			if name != "scale 8" && name != "scale 14" {
				require.LessOrEqual(t, idle, int64(6<<10))
			}
		})
	}
}

func TestColorimetry(t *testing.T) {
	m := Primaries(0.64, 0.33, 0.30, 0.60, 0.15, 0.06, D65())
	inv, ok := m.Inverse()
	require.True(t, ok)
	p := m.Mul(inv)
	for i := range 3 {
		for j := range 3 {
			want := 0.0
			if i == j {
				want = 1
			}
			require.InDelta(t, want, p[i][j], 1e-12)
		}
	}
	_, ok = Matrix3{}.Inverse()
	require.False(t, ok)
	// IEC 61966-2-1: Y of the primaries. ICC: D65 adapted to D50.
	require.InDelta(t, 0.2126, m[1][0], 1e-4)
	require.InDelta(t, 0.7152, m[1][1], 1e-4)
	require.InDelta(t, 0.0722, m[1][2], 1e-4)
	white := Adapt(D65(), D50()).Apply(D65())
	for i, v := range D50() {
		require.InDelta(t, v, white[i], 1e-9)
	}
	for v := range 1000 {
		x := float64(v) / 999
		require.InDelta(t, x, LinearToSRGB(SRGBToLinear(x)), 1e-6)
	}
}

func TestExtendedScale(t *testing.T) {
	for depth := 10; depth <= 16; depth++ {
		s := NewExtendedScale(depth)
		k, w := 384<<(depth-10), 894<<(depth-10)
		src := []uint16{0, uint16(k - 1), uint16(k), uint16((k + w) / 2), uint16(w),
			uint16(min(w+1, 65535)), uint16(1<<depth - 1)}
		dst := make([]byte, len(src))
		Scale8(dst, 1, src, s)
		require.Equal(t, []byte{0, 0, 0, 128, 255, 255, 255}, dst, "%d bits", depth)
	}
}

func BenchmarkColor(b *testing.B) {
	const n = 4096
	rnd := rand.New(rand.NewPCG(4, 2))
	x, y, z := random(rnd, n), random(rnd, n), random(rnd, n)
	pix, fresh := random(rnd, 8*n), random(rnd, 8*n)
	ycc, romm := NewYCC(full8(1)), NewROMM()
	tone := NewTone(SRGBToLinear)
	lab := NewLab(LabRange{L: [2]float64{0, 100}, A: [2]float64{-128, 127}, B: [2]float64{-128, 127}})
	white := [3]uint8{255, 255, 255}
	for _, bb := range []struct {
		name string
		size int
		f    func()
	}{
		{"YCC", 4 * n, func() { ycc.Pixels8(pix[:4*n]) }},
		{"YCC 16", 8 * n, func() { ycc.Pixels16(pix) }},
		{"CMYK", 4 * n, func() { CMYK8(pix[:4*n]) }},
		{"CMYK 16", 8 * n, func() { CMYK16(pix) }},
		{"shaper", 4 * n, func() { romm.Pixels8(pix[:4*n]) }},
		{"shaper 16", 8 * n, func() { romm.Pixels16(pix) }},
		{"Lab", 4 * n, func() { lab.Pixels8(pix[:4*n]) }},
		{"Lab 16", 8 * n, func() { lab.Pixels16(pix) }},
		{"tone", 4 * n, func() { tone.Pixels8(pix[:4*n]) }},
		{"tone 16", 8 * n, func() { tone.Pixels16(pix) }},
		{"flatten", 4 * n, func() { Flatten8(pix[:4*n], white) }},
		{"luma", n, func() { Luma8(x, pix[:4*n]) }},
		{"grey of colours", 4 * n, func() { Gray8(pix[:4*n]) }},
		{"to YCC", 4 * n, func() { ToYCC8(x, y, z, pix[:4*n]) }},
		{"unpremultiply", 4 * n, func() { Unpremultiply8(pix[:4*n]) }},
		{"threshold", n, func() { Threshold(x) }},
		{"narrow", 4 * n, func() { Narrow(pix[:4*n], pix) }},
		{"palette", n, func() { Lookup8(pix, 1, x, y[:256]) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(bb.size))
			for b.Loop() {
				// What has been converted often enough no longer changes.
				copy(pix, fresh)
				bb.f()
			}
		})
	}
}

func ExampleFlatten8() {
	pixel := []byte{255, 0, 0, 51} // a fifth of red
	Flatten8(pixel, [3]uint8{255, 255, 255})
	fmt.Println(pixel)
	// Output: [255 204 204 255]
}
