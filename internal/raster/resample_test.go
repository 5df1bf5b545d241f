package raster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// guard is what surrounds a destination in these tests; a kernel that writes
// beside its destination is found out.
const guard = 0xA5

// guarded is n bytes with guards around them, and a check of the guards.
func guarded(t testing.TB, n int) (dst []byte, check func()) {
	const pad = 32
	all := bytes.Repeat([]byte{guard}, n+2*pad)
	return all[pad : pad+n], func() {
		t.Helper()
		for i, v := range all {
			if (i < pad || i >= pad+n) && v != guard {
				require.Failf(t, "wrote beside the destination", "at %d of %d", i-pad, n)
			}
		}
	}
}

func random(r *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// sharp is random bytes of which many are extreme, for the largest overshoots
// and the worst weights.
func sharp(r *rand.Rand, n int) []byte {
	p := random(r, n)
	for i := range p {
		switch r.IntN(3) {
		case 0:
			p[i] = 0
		case 1:
			p[i] = 255
		}
	}
	return p
}

func sampleAt(cfg Resample, src []byte, x, y, c int) float64 {
	i := (y*cfg.Width+x)*cfg.Channels + c
	if cfg.Depth == 16 {
		return float64(binary.BigEndian.Uint16(src[2*i:]))
	}
	return float64(src[i])
}

// plainWeight is how much of source sample s result sample i takes. It is
// written from the definition, sample by sample: the clamped source is endless.
func plainWeight(lo, hi float64, n, size, i int, weigh func(s int, w float64)) {
	scale := (hi - lo) / float64(n)
	from, to := lo+scale*float64(i), lo+scale*float64(i+1)
	if scale > 1 {
		if to <= 0 || from >= float64(size) {
			weigh(min(max(int(from), 0), size-1), 1)
			return
		}
		from, to = max(from, 0), min(to, float64(size))
		for s := int(math.Floor(from)); s <= int(math.Ceil(to)); s++ {
			w := (min(to, float64(s+1)) - max(from, float64(s))) / (to - from)
			if w > 0 {
				weigh(min(max(s, 0), size-1), w)
			}
		}
		return
	}
	c := (from+to)/2 - 0.5
	for s := int(math.Floor(c)) - 3; s <= int(math.Floor(c))+4; s++ {
		d, w := math.Abs(float64(s)-c), 0.0
		switch {
		case d < 1:
			w = 1.5*d*d*d - 2.5*d*d + 1
		case d < 2:
			w = -0.5*d*d*d + 2.5*d*d - 4*d + 2
		}
		weigh(min(max(s, 0), size-1), w)
	}
}

// plainResample is the whole result by the definition, in float64.
func plainResample(cfg Resample, src []byte) []float64 {
	cfg = cfg.normal()
	full := float64(int(1)<<cfg.Depth - 1)
	var out []float64
	for j := cfg.Part.Min.Y; j < cfg.Part.Max.Y; j++ {
		for i := cfg.Part.Min.X; i < cfg.Part.Max.X; i++ {
			var sum [4]float64
			plainWeight(cfg.Y0, cfg.Y1, cfg.Size.Y, cfg.Height, j, func(y int, wy float64) {
				plainWeight(cfg.X0, cfg.X1, cfg.Size.X, cfg.Width, i, func(x int, wx float64) {
					alpha := 1.0
					if cfg.Alpha {
						alpha = sampleAt(cfg, src, x, y, cfg.Channels-1)
					}
					for c := range cfg.Channels {
						v := sampleAt(cfg, src, x, y, c)
						if cfg.Alpha && c == cfg.Channels-1 {
							sum[c] += v * wx * wy
							continue
						}
						if cfg.Linear {
							v = SRGBToLinear(v/full) * full
						}
						sum[c] += v * alpha * wx * wy
					}
				})
			})
			for c := range cfg.Channels {
				v := sum[c]
				if !cfg.Alpha || c < cfg.Channels-1 {
					if cfg.Alpha {
						if v = 0; sum[cfg.Channels-1] >= 0.5 {
							v = sum[c] / sum[cfg.Channels-1]
						}
					}
					v = min(max(v, 0), full)
					if cfg.Linear {
						v = LinearToSRGB(v/full) * full
					}
				}
				out = append(out, min(max(v, 0), full))
			}
		}
	}
	return out
}

// resampleAll pushes src in strips whose heights strip chooses.
func resampleAll(t testing.TB, cfg Resample, src []byte, strip func() int) []byte {
	cfg = cfg.normal()
	r := NewResampler(cfg)
	stride := cfg.Width * cfg.Channels * cfg.Depth / 8
	row := cfg.Part.Dx() * cfg.Channels * cfg.Depth / 8
	var out []byte
	dst, check := guarded(t, row)
	for y := 0; y < cfg.Height; {
		n := min(strip(), cfg.Height-y)
		// A copy, destroyed afterwards: nothing may be read later.
		lent := bytes.Clone(src[y*stride : (y+n)*stride])
		r.Push(lent, stride, n)
		for r.Next(dst) {
			out = append(out, dst...)
		}
		for i := range lent {
			lent[i] = guard
		}
		y += n
	}
	check()
	require.Equal(t, cfg.Part.Max.Y, r.Row(), "%+v", cfg)
	require.Len(t, out, row*cfg.Part.Dy())
	return out
}

func requireWithin1(t testing.TB, cfg Resample, want []float64, got []byte) {
	t.Helper()
	one := cfg
	one.Width = len(want) / cfg.Channels
	tolerance := 1.0
	for i, w := range want {
		if cfg.Alpha {
			// Colour behind little opacity is a quotient of small numbers.
			a := want[i/cfg.Channels*cfg.Channels+cfg.Channels-1]
			tolerance = 1 + 1/max(a, 0.5)
			if a < 0.51 {
				continue
			}
		}
		g := sampleAt(one, got, i/cfg.Channels, 0, i%cfg.Channels)
		if math.Abs(g-w) > tolerance {
			require.Failf(t, "too far", "%+v: sample %d is %v, not %v", cfg, i, g, w)
		}
	}
}

var resampleTests = []struct {
	name           string
	w, h           int
	x0, y0, x1, y1 float64
	size           image.Point
}{
	{"identity", 9, 7, 0, 0, 9, 7, image.Pt(9, 7)},
	{"crop", 9, 7, 2, 1, 7, 5, image.Pt(5, 4)},
	{"half", 22, 14, 0, 0, 22, 14, image.Pt(11, 7)},
	{"half of a part", 23, 17, 3, 1, 21, 15, image.Pt(9, 7)},
	{"half across", 22, 7, 0, 0, 22, 7, image.Pt(11, 7)},
	{"half at odd places", 23, 17, 0.5, 0.25, 22.5, 16.25, image.Pt(11, 8)},
	{"third", 21, 15, 0, 0, 21, 15, image.Pt(7, 5)},
	{"fifth and seventh", 30, 28, 0, 0, 30, 28, image.Pt(6, 4)},
	{"three quarters", 20, 16, 0, 0, 20, 16, image.Pt(15, 12)},
	{"nine tenths", 23, 19, 0, 0, 23, 19, image.Pt(21, 17)},
	{"fractions", 33, 29, 1.37, 2.91, 30.5, 28.99, image.Pt(18, 17)},
	{"four or five to one", 35, 42, 0, 0, 35, 42, image.Pt(10, 12)},
	{"one of all", 31, 37, 0, 0, 31, 37, image.Pt(1, 1)},
	{"one of very many", 300, 70, 0.5, 0, 299, 70, image.Pt(2, 1)},
	{"double", 9, 8, 0, 0, 9, 8, image.Pt(18, 16)},
	{"enlarge a part", 12, 9, 3.3, 2.2, 9.7, 7.1, image.Pt(31, 22)},
	{"enlarge one sample", 3, 3, 1.25, 1.25, 1.5, 1.5, image.Pt(9, 9)},
	{"shift", 12, 9, 0.5, 0.25, 11.5, 8.25, image.Pt(11, 8)},
	{"squeeze", 12, 30, 0, 0, 12, 30, image.Pt(24, 7)},
	{"widen", 40, 6, 0, 0, 40, 6, image.Pt(7, 19)},
	{"beyond the edges", 10, 8, -1.5, -2, 11.5, 10, image.Pt(7, 6)},
	{"beyond when enlarging", 6, 5, -1, -1, 7, 6, image.Pt(20, 15)},
	{"one sample wide", 1, 9, 0, 0, 1, 9, image.Pt(5, 4)},
	{"two samples wide", 2, 2, 0, 0, 2, 2, image.Pt(3, 5)},
	{"one sample high", 9, 1, 0, 0, 9, 1, image.Pt(4, 5)},
	{"two samples to one", 2, 2, 0, 0, 2, 2, image.Pt(1, 1)},
}

func TestResample(t *testing.T) {
	kinds := []Resample{
		{Channels: 1, Depth: 8},
		{Channels: 4, Depth: 8},
		{Channels: 3, Depth: 8},
		{Channels: 2, Depth: 8, Alpha: true},
		{Channels: 4, Depth: 8, Alpha: true},
		{Channels: 4, Depth: 8, Linear: true},
		{Channels: 4, Depth: 8, Alpha: true, Linear: true},
		{Channels: 1, Depth: 16},
		{Channels: 4, Depth: 16},
		{Channels: 3, Depth: 16, Linear: true},
		{Channels: 4, Depth: 16, Alpha: true},
	}
	for _, tt := range resampleTests {
		t.Run(tt.name, func(t *testing.T) {
			for k, cfg := range kinds {
				rnd := rand.New(rand.NewPCG(uint64(k), 1))
				cfg.Width, cfg.Height = tt.w, tt.h
				cfg.X0, cfg.Y0, cfg.X1, cfg.Y1 = tt.x0, tt.y0, tt.x1, tt.y1
				cfg.Size = tt.size
				src := sharp(rnd, tt.w*tt.h*cfg.Channels*cfg.Depth/8)
				all := resampleAll(t, cfg, src, func() int { return tt.h })
				requireWithin1(t, cfg, plainResample(cfg, src), all)

				for range 3 {
					got := resampleAll(t, cfg, src, func() int { return rnd.IntN(4) })
					require.True(t, bytes.Equal(all, got), "depends on the strips: %+v", cfg)
				}

				// A part is that part of the whole.
				part := cfg
				part.Part.Min = image.Pt(rnd.IntN(tt.size.X), rnd.IntN(tt.size.Y))
				part.Part.Max = part.Part.Min.Add(image.Pt(
					1+rnd.IntN(tt.size.X-part.Part.Min.X), 1+rnd.IntN(tt.size.Y-part.Part.Min.Y)))
				got := resampleAll(t, part, src, func() int { return 2 })
				pixel := cfg.Channels * cfg.Depth / 8
				for y := part.Part.Min.Y; y < part.Part.Max.Y; y++ {
					n := part.Part.Dx() * pixel
					at := (y*tt.size.X + part.Part.Min.X) * pixel
					require.Equal(t, all[at:at+n], got[:n], "%+v", part)
					got = got[n:]
				}
			}
		})
	}
}

// TestResampleFlat: a flat image stays exactly what it is, whatever the
// weights.
func TestResampleFlat(t *testing.T) {
	for _, v := range []byte{0, 1, 127, 254, 255} {
		for _, tt := range resampleTests {
			for _, channels := range []int{1, 2, 4} {
				for _, linear := range []bool{false, true} {
					cfg := Resample{Channels: channels, Depth: 8, Width: tt.w, Height: tt.h,
						X0: tt.x0, Y0: tt.y0, X1: tt.x1, Y1: tt.y1, Size: tt.size, Linear: linear}
					src := bytes.Repeat([]byte{v}, tt.w*tt.h*channels)
					got := resampleAll(t, cfg, src, func() int { return 5 })
					require.Equal(t, bytes.Repeat([]byte{v}, len(got)), got, "%s %+v", tt.name, cfg)
				}
			}
		}
	}
}

// TestResampleRandom tries geometry at random against the definition.
func TestResampleRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	for range 400 {
		cfg := Resample{Channels: 1 + 3*rnd.IntN(2), Depth: 8,
			Width: 1 + rnd.IntN(50), Height: 1 + rnd.IntN(50)}
		interval := func(size int) (float64, float64) {
			a, b := rnd.Float64()*float64(size), rnd.Float64()*float64(size)
			if rnd.IntN(2) == 0 {
				a, b = math.Round(a), math.Round(b)
			}
			if b-a < 0.1 && a-b < 0.1 {
				return 0, float64(size)
			}
			return min(a, b), max(a, b)
		}
		cfg.X0, cfg.X1 = interval(cfg.Width)
		cfg.Y0, cfg.Y1 = interval(cfg.Height)
		cfg.Size = image.Pt(1+rnd.IntN(40), 1+rnd.IntN(40))
		src := sharp(rnd, cfg.Width*cfg.Height*cfg.Channels)
		got := resampleAll(t, cfg, src, func() int { return 1 + rnd.IntN(9) })
		requireWithin1(t, cfg, plainResample(cfg, src), got)
	}
}

// TestResampleNeeds: no row outside of what Needs and Reach say is looked at,
// and those before may be skipped.
func TestResampleNeeds(t *testing.T) {
	for _, tt := range resampleTests {
		cfg := Resample{Channels: 1, Depth: 8, Width: tt.w, Height: tt.h,
			X0: tt.x0, Y0: tt.y0, X1: tt.x1, Y1: tt.y1, Size: tt.size}
		cfg.Part = image.Rect(0, tt.size.Y/2, tt.size.X, tt.size.Y)
		src := sharp(rand.New(rand.NewPCG(5, 1)), tt.w*tt.h)
		want := resampleAll(t, cfg, src, func() int { return tt.h })

		r := NewResampler(cfg)
		first, _ := r.Needs(cfg.Part.Min.Y)
		_, last := r.Needs(cfg.Part.Max.Y - 1)
		_, reach := Reach(tt.y0, tt.y1, tt.size.Y, tt.h)
		require.Equal(t, reach, last)
		left, right := Reach(tt.x0, tt.x1, tt.size.X, tt.w)
		for y := range tt.h {
			for x := range tt.w {
				if x < left || x >= right {
					src[y*tt.w+x] ^= 0xFF
				}
			}
		}
		r.Skip(first)
		r.Push(src[first*tt.w:last*tt.w], tt.w, last-first)
		var got []byte
		dst := make([]byte, tt.size.X)
		for r.Next(dst) {
			got = append(got, dst...)
		}
		require.Equal(t, want, got, tt.name)
	}
}

// TestResampleTransparent: the colour of what cannot be seen has no influence.
func TestResampleTransparent(t *testing.T) {
	for _, size := range []image.Point{{5, 5}, {3, 2}, {16, 16}, {1, 1}} {
		cfg := Resample{Channels: 4, Depth: 8, Width: 8, Height: 8, X1: 8, Y1: 8,
			Size: size, Alpha: true}
		src := make([]byte, 8*8*4)
		for i := range 64 {
			if i%3 == 0 {
				copy(src[4*i:], []byte{200, 100, 50, 255})
			} else {
				copy(src[4*i:], []byte{0, 255, 255, 0})
			}
		}
		got := resampleAll(t, cfg, src, func() int { return 3 })
		for ; len(got) > 0; got = got[4:] {
			if got[3] > 0 {
				require.Equal(t, []byte{200, 100, 50}, got[:3])
			}
		}
	}
}

// TestResampleMemory: what is allocated is what was announced.
func TestResampleMemory(t *testing.T) {
	for _, tt := range resampleTests {
		for _, channels := range []int{1, 3, 4} {
			for _, linear := range []bool{false, true} {
				cfg := Resample{Channels: channels, Depth: 8, Width: tt.w, Height: tt.h,
					X0: tt.x0, Y0: tt.y0, X1: tt.x1, Y1: tt.y1, Size: tt.size, Linear: linear}
				var n int
				switch c := NewResampler(cfg).core.(type) {
				case *halver:
					n = 8 * cap(c.upper)
				case *packed:
					n = 16*cap(c.columns.fixed3) + 20*cap(c.columns.fixed4) +
						4*cap(c.columns.start) + 4*cap(c.columns.weights) +
						8*(cap(c.across)+cap(c.acc)+cap(c.wf)+cap(c.mid4)) +
						4*(cap(c.wy)+cap(c.mid1))
					for _, h := range c.ring {
						n += cap(h)
					}
				case *floating:
					n = 4*cap(c.start) + 4*cap(c.weights) + 4*cap(c.load) +
						4*len(c.decode) + 4*cap(c.acc) + 8*cap(c.wy)
					for _, h := range c.ring {
						n += 4 * cap(h)
					}
				}
				require.LessOrEqual(t, int64(n), cfg.Memory(), "%s %+v", tt.name, cfg)
				require.Less(t, cfg.Memory(), int64(n+16*tt.w)+2048, "%s %+v", tt.name, cfg)
			}
		}
	}
}

func TestHalveIsExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 1))
	for _, channels := range []int{1, 4} {
		for w := 1; w < 20; w++ {
			cfg := Resample{Channels: channels, Depth: 8, Width: 2 * w, Height: 4,
				X1: float64(2 * w), Y1: 4, Size: image.Pt(w, 2)}
			require.Equal(t, halving, cfg.arithmetic())
			src := sharp(rnd, 2*w*4*channels)
			got := resampleAll(t, cfg, src, func() int { return 1 })
			for i, v := range got {
				y, x, c := i/(w*channels), i/channels%w, i%channels
				sum := 2
				for j := range 4 {
					sum += int(src[((2*y+j/2)*2*w+2*x+j%2)*channels+c])
				}
				require.Equal(t, sum>>2, int(v))
			}
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, bb := range []struct {
		name string
		cfg  Resample
		size image.Point
	}{
		{"RGBX 2:1", Resample{Channels: 4, Depth: 8}, image.Pt(1024, 256)},
		{"RGBX 3:2", Resample{Channels: 4, Depth: 8}, image.Pt(1365, 341)},
		{"RGBX 1.1:1", Resample{Channels: 4, Depth: 8}, image.Pt(1862, 465)},
		{"RGBX 3:1", Resample{Channels: 4, Depth: 8}, image.Pt(682, 170)},
		{"RGBX 7.3:1", Resample{Channels: 4, Depth: 8}, image.Pt(280, 70)},
		{"RGBX 1:1.5", Resample{Channels: 4, Depth: 8}, image.Pt(3072, 768)},
		{"gray 2:1", Resample{Channels: 1, Depth: 8}, image.Pt(1024, 256)},
		{"gray 3:2", Resample{Channels: 1, Depth: 8}, image.Pt(1365, 341)},
		{"gray 1:1.5", Resample{Channels: 1, Depth: 8}, image.Pt(3072, 768)},
		{"NRGBA 3:2", Resample{Channels: 4, Depth: 8, Alpha: true}, image.Pt(1365, 341)},
		{"linear 3:2", Resample{Channels: 4, Depth: 8, Linear: true}, image.Pt(1365, 341)},
		{"RGBX16 3:2", Resample{Channels: 4, Depth: 16}, image.Pt(1365, 341)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			cfg := bb.cfg
			cfg.Width, cfg.Height = 2048, 512
			cfg.X1, cfg.Y1, cfg.Size = 2048, 512, bb.size
			if bb.name == "RGBX 3:1" {
				cfg.X1, cfg.Y1 = 2046, 510
			}
			stride := cfg.Width * cfg.Channels * cfg.Depth / 8
			src := random(rand.New(rand.NewPCG(9, 1)), stride*cfg.Height)
			dst := make([]byte, cfg.Size.X*cfg.Channels*cfg.Depth/8)
			b.SetBytes(int64(len(dst) * cfg.Size.Y))
			b.ReportAllocs()
			for b.Loop() {
				r := NewResampler(cfg)
				r.Push(src, stride, cfg.Height)
				for r.Next(dst) {
				}
			}
			in := float64(len(src)) * float64(b.N) / b.Elapsed().Seconds() / 1e6
			b.ReportMetric(in, "in-MB/s")
		})
	}
}

func ExampleResampler() {
	// A ramp of four pixels, averaged to two.
	r := NewResampler(Resample{Channels: 1, Depth: 8, Width: 4, Height: 1,
		X1: 4, Y1: 1, Size: image.Pt(2, 1)})
	r.Push([]byte{10, 20, 30, 40}, 4, 1)
	dst := make([]byte, 2)
	for r.Next(dst) {
		fmt.Println(dst)
	}
	// Output: [15 35]
}
