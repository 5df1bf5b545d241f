package raster

import "encoding/binary"

// This file implements the float32 arithmetic of the resampler: for 16 bits,
// opacity, linear light, two or three channels, and reductions so large that
// weights of 14 bits would show. Twenty-four bits of mantissa keep 16-bit
// samples exact and the sums of thousands of them well below a step.
//
// A source row is first loaded as numbers in [0, max] (in linear light: [0,
// 1]), multiplied by opacity if there is any, then resampled across; result
// rows are weighted sums of such rows.

// A floating resamples across and downwards in float32.
type floating struct {
	channels int
	color    int // channels that are not opacity
	wide     bool
	lo, hi   int // the pixels of a source row that are used
	taps     int
	start    []int32   // per result column, less lo
	weights  []float32 // taps per result column
	load     []float32 // a source row's pixels [lo, hi)

	decode  *[256]float32 // 8-bit samples to numbers, or to light
	encode  *encode8      // linear: light to 8 bits
	decoder *decode16     // linear: 16-bit samples to light
	encoder *encode16     // and back

	// Downwards, as in packed.
	y           axis
	ring        [][]float32
	acc         []float32
	cur, end    int
	first, held int
	wy          []float64
}

func floatsShape(cfg Resample, x, y axis) (taps, lo, hi, rows int) {
	taps = min(x.taps(), cfg.Width)
	lo, _ = x.span(cfg.Part.Min.X)
	_, hi = x.span(cfg.Part.Max.X - 1)
	// The weights of a column at the edge may begin earlier.
	lo = min(lo, max(hi-taps, 0))
	hi = max(hi, lo+taps)
	rows = y.taps()
	return taps, lo, hi, rows
}

func floatsMemory(cfg Resample, x, y axis) int64 {
	taps, lo, hi, rows := floatsShape(cfg, x, y)
	columns, held := cfg.Part.Dx(), min(rows, 4)
	if rows > 4 {
		held = 2
	}
	n := 4*columns*(1+taps) + 4*(hi-lo)*cfg.Channels +
		4*held*columns*cfg.Channels + 8*(taps+max(rows, 4))
	if cfg.Depth == 8 {
		n += 4 * 256
	}
	return int64(n)
}

func newFloats(cfg Resample, x, y axis) *floating {
	taps, lo, hi, rows := floatsShape(cfg, x, y)
	columns := cfg.Part.Dx()
	f := &floating{
		channels: cfg.Channels,
		color:    cfg.Channels,
		wide:     cfg.Depth == 16,
		lo:       lo,
		hi:       hi,
		taps:     taps,
		start:    make([]int32, columns),
		weights:  make([]float32, columns*taps),
		load:     make([]float32, (hi-lo)*cfg.Channels),
		y:        y,
		cur:      cfg.Part.Min.Y - 1,
		end:      cfg.Part.Max.Y,
		held:     -1,
		wy:       make([]float64, max(rows, 4)),
	}
	if cfg.Alpha {
		f.color--
	}
	if f.wide {
		f.curves16(cfg.Linear)
	} else {
		f.curves8(cfg.Linear)
	}
	w := make([]float64, taps)
	for j := range columns {
		at := x.weigh(w, cfg.Part.Min.X+j)
		// Taps beyond what is loaded have weight zero: begin earlier.
		over := max(at+taps-hi, 0)
		f.start[j] = int32(at - over - lo)
		for i, v := range w[:taps-over] {
			f.weights[j*taps+over+i] = float32(v)
		}
	}
	held := min(rows, 4)
	if rows > 4 {
		held = 1
		f.acc = make([]float32, columns*cfg.Channels)
	}
	for range held {
		f.ring = append(f.ring, make([]float32, columns*cfg.Channels))
	}
	if f.acc != nil {
		f.turn()
	}
	return f
}

// curves8 makes the tables for 8 bits.
func (f *floating) curves8(linear bool) {
	f.decode = new([256]float32)
	for v := range f.decode {
		f.decode[v] = float32(v)
		if linear {
			f.decode[v] = float32(SRGBToLinear(float64(v) / 255))
		}
	}
	if linear {
		f.encode = srgb8()
	}
}

// curves16 makes the tables for 16 bits.
func (f *floating) curves16(linear bool) {
	if linear {
		f.decoder, f.encoder = srgbLight(), srgb16()
	}
}

func (f *floating) turn() {
	f.cur++
	if f.cur >= f.end {
		return
	}
	f.first = f.y.weigh(f.wy, f.cur)
	clear(f.acc)
	if j := f.held - f.first; f.held >= 0 && j >= 0 && j < len(f.wy) {
		floatAdd(f.acc, f.ring[0], float32(f.wy[j]))
	}
}

func (f *floating) row(y int, src []byte) {
	f.loadRow(src)
	if f.acc == nil {
		f.across(f.ring[y%len(f.ring)])
		return
	}
	f.across(f.ring[0])
	f.held = y
	floatAdd(f.acc, f.ring[0], float32(f.wy[y-f.first]))
}

// loadRow makes load of a source row.
func (f *floating) loadRow(src []byte) {
	d := f.load
	switch {
	case f.wide:
		f.load16(src[2*f.lo*f.channels:])
	case f.color == f.channels:
		table := f.decode
		for i, v := range src[f.lo*f.channels:][:len(d)] {
			d[i] = table[v]
		}
		return
	case f.channels == 4:
		table := f.decode
		src = src[f.lo*4:][:len(d)]
		for len(d) >= 4 && len(src) >= 4 {
			p, q := (*[4]byte)(src), (*[4]float32)(d)
			a := float32(p[3])
			q[0], q[1], q[2], q[3] = table[p[0]]*a, table[p[1]]*a, table[p[2]]*a, a
			d, src = d[4:], src[4:]
		}
		return
	default:
		src = src[f.lo*f.channels:][:len(d)]
		for i, v := range src {
			d[i] = f.decode[v]
		}
		for i := f.color; i < len(d); i += f.channels {
			d[i] = float32(src[i])
		}
	}
	if f.color < f.channels {
		for i := 0; i < len(d); i += f.channels {
			a := d[i+f.color]
			for j := range d[i : i+f.color] {
				d[i+j] *= a
			}
		}
	}
}

// load16 loads 16-bit samples, decoded but not multiplied by opacity.
func (f *floating) load16(src []byte) {
	d := f.load
	for i, p := 0, src[:2*len(d)]; i < len(d) && len(p) >= 2; i, p = i+1, p[2:] {
		d[i] = float32(binary.BigEndian.Uint16(p))
	}
	if f.decoder != nil {
		for i := 0; i < len(d); i += f.channels {
			for j, v := range d[i : i+f.color] {
				d[i+j] = f.decoder.at(uint16(v))
			}
		}
	}
}

func (f *floating) across(dst []float32) {
	switch f.channels {
	case 1:
		floatAcross1(dst, f.load, f.start, f.weights)
	case 2:
		floatAcross2(dst, f.load, f.start, f.weights)
	case 3:
		floatAcross3(dst, f.load, f.start, f.weights)
	case 4:
		floatAcross4(dst, f.load, f.start, f.weights)
	}
}

func floatAcross1(dst, src []float32, start []int32, weights []float32) {
	taps := len(weights) / len(start)
	for j, at := range start {
		w := weights[j*taps : (j+1)*taps]
		s := src[at:][:len(w)]
		var a float32
		for i, v := range w {
			a += s[i] * v
		}
		dst[j] = a
	}
}

func floatAcross2(dst, src []float32, start []int32, weights []float32) {
	taps := len(weights) / len(start)
	for j, at := range start {
		s := src[2*int(at):]
		var a, b float32
		for _, v := range weights[j*taps : (j+1)*taps] {
			p := (*[2]float32)(s)
			a += p[0] * v
			b += p[1] * v
			s = s[2:]
		}
		d := (*[2]float32)(dst[2*j:])
		d[0], d[1] = a, b
	}
}

func floatAcross3(dst, src []float32, start []int32, weights []float32) {
	taps := len(weights) / len(start)
	for j, at := range start {
		s := src[3*int(at):]
		var a, b, c float32
		for _, v := range weights[j*taps : (j+1)*taps] {
			p := (*[3]float32)(s)
			a += p[0] * v
			b += p[1] * v
			c += p[2] * v
			s = s[3:]
		}
		d := (*[3]float32)(dst[3*j:])
		d[0], d[1], d[2] = a, b, c
	}
}

func floatAcross4(dst, src []float32, start []int32, weights []float32) {
	taps := len(weights) / len(start)
	for j, at := range start {
		s := src[4*int(at):]
		var a, b, c, e float32
		for _, v := range weights[j*taps : (j+1)*taps] {
			p := (*[4]float32)(s)
			a += p[0] * v
			b += p[1] * v
			c += p[2] * v
			e += p[3] * v
			s = s[4:]
		}
		d := (*[4]float32)(dst[4*j:])
		d[0], d[1], d[2], d[3] = a, b, c, e
	}
}

func floatAdd(acc, h []float32, w float32) {
	h = h[:len(acc)]
	for k := range acc {
		acc[k] += h[k] * w
	}
}

func (f *floating) emit(dst []byte, i, first, last int) {
	if f.acc != nil {
		f.store(dst, f.acc)
		f.turn()
		return
	}
	wy := f.wy[:last-first]
	at := f.y.weigh(wy, i)
	n := len(f.start) * f.channels
	var h [4][]float32
	var w [4]float32
	for j := range h {
		h[j] = f.ring[at%len(f.ring)][:n]
		if j < len(wy) {
			h[j], w[j] = f.ring[(at+j)%len(f.ring)][:n], float32(wy[j])
		}
	}
	// Sums are made a stretch at a time, which stays in the nearest cache.
	var sum [256 * 12 / 4]float32 // whole pixels of 1 to 4 channels
	size := f.channels
	if f.wide {
		size *= 2
	}
	for k := 0; k < n; k += len(sum) {
		s := sum[:min(len(sum), n-k)]
		floatDown(s, h[0][k:], h[1][k:], h[2][k:], h[3][k:], w)
		f.store(dst[k/f.channels*size:], s)
	}
}

func floatDown(dst, h0, h1, h2, h3 []float32, w [4]float32) {
	n := len(dst)
	h0, h1, h2, h3 = h0[:n], h1[:n], h2[:n], h3[:n]
	if w[3] == 0 {
		for k := range dst {
			dst[k] = h0[k]*w[0] + h1[k]*w[1] + h2[k]*w[2]
		}
		return
	}
	for k := range dst {
		dst[k] = h0[k]*w[0] + h1[k]*w[1] + h2[k]*w[2] + h3[k]*w[3]
	}
}

// store rounds whole pixels to dst and may change them.
func (f *floating) store(dst []byte, s []float32) {
	if f.color < f.channels {
		for i := 0; i < len(s); i += f.channels {
			// Half a step of opacity rounds to none, and then no colour is
			// left.
			a := s[i+f.color]
			scale := float32(0)
			if a >= 0.5 {
				scale = 1 / a
			}
			for j := i; j < i+f.color; j++ {
				s[j] *= scale
			}
		}
	}
	switch {
	case f.encode != nil:
		f.encodeStretch(dst, s)
		return
	case f.encoder != nil:
		for i := 0; i < len(s); i += f.channels {
			for j, v := range s[i : i+f.color] {
				s[i+j] = float32(f.encoder.of(v))
			}
		}
	}
	if f.wide {
		dst = dst[:2*len(s)]
		for _, v := range s {
			binary.BigEndian.PutUint16(dst, uint16(round(v, 65535)))
			dst = dst[2:]
		}
		return
	}
	dst = dst[:len(s)]
	for i, v := range s {
		dst[i] = uint8(round(v, 255))
	}
}

// encodeStretch stores 8-bit pixels of linear light.
func (f *floating) encodeStretch(dst []byte, s []float32) {
	dst = dst[:len(s)]
	for i, v := range s {
		dst[i] = f.encode.of(v)
	}
	if f.color < f.channels {
		for i := f.color; i < len(s); i += f.channels {
			dst[i] = uint8(round(s[i], 255))
		}
	}
}

// round is v rounded to nearest and clamped to [0, full].
func round(v float32, full int32) int32 {
	return min(max(int32(v+0.5), 0), full)
}
