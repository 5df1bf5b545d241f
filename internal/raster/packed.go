package raster

import (
	"encoding/binary"
	"math"
)

// This file implements the packed integer arithmetic of the resampler, for one
// or four 8-bit channels.
//
// Go has no vector instructions, but a 64-bit word is a vector of two 32-bit
// lanes: one multiplication scales both. Samples are taken in groups of four,
// of which the first word holds samples 0 and 2 and the second 1 and 3, which
// is the order in which four bytes come apart with the fewest masks:
//
//	in memory   b0 b1 b2 b3
//	word 0      b0 in lane 0, b2 in lane 1
//	word 1      b1 in lane 0, b3 in lane 1
//
// Lanes are signed: a word stands for lane0 + lane1<<32 in arithmetic modulo
// 2^64, so that negative weights need no care until the lanes are taken apart;
// then a bias makes them positive. Weights have 14 fraction bits, what comes
// out of the first pass has 8, and their products 22: with the overshoot of two
// cubics (-0.28 to 1.28 of 255) they stay within 32 bits.
//
// A result row of up to four source rows is made downwards first, from the
// bytes of those rows: the lanes of that pass need no regard for pixels, and
// the pass across then works on words that are apart already. With more source
// rows than four that would take too many of them to be kept, so each is
// resampled across as it comes and added to the result row in the making.

const (
	weightBits = 14
	midBits    = 8 // between the passes
	sumBits    = weightBits + midBits
	midShift   = weightBits - midBits

	lanes    = 1<<32 | 1    // multiplies: the same in both lanes
	lowBytes = 0xFF * lanes // the low byte of each lane

	// Added to a sum of the first pass, before it is rounded to midBits.
	midBias = 1 << 20 * lanes
	midHalf = 1 << (midShift - 1) * lanes
	midMask = (1<<(32-midShift) - 1) * lanes

	// Added to a sum of the second, before it is rounded to whole samples: a
	// half, and 128 where it may be negative.
	endHalf = 1 << (sumBits - 1) * lanes
	endBias = 128 << sumBits * lanes
)

// A packed resamples across and downwards in packed integers.
type packed struct {
	channels int
	lo, hi   int // the pixels of a source row that are used
	bytes    int // in a result row
	signed   bool
	columns  columns
	clamp    *clamp

	y  axis
	wf []float64
	wy []int32

	// Up to four source rows to a result row: those rows, and the words or the
	// numbers of the result row before the pass across.
	ring [][]byte
	mid4 []uint64
	mid1 []int32

	// More: a row resampled across, and the result row in the making.
	across   []uint64
	acc      []uint64
	cur, end int // the result row that acc is for; the one after the last
	first    int // the source row that wy[0] is for
	held     int // the source row in across, or -1
}

// columns is how the columns of a result are made: where the source pixels of
// each begin, counted from the first that is used, and how much of each it
// takes. One of the forms is used, the first that serves.
type columns struct {
	n       int
	taps    int
	scale   uint64 // all weights are 1/taps; else 0
	fixed3  []taps3
	fixed4  []taps4
	start   []int32
	weights []int32 // taps per column
}

type (
	taps3 struct {
		at int32
		w  [3]int32
	}
	taps4 struct {
		at int32
		w  [4]int32
	}
)

// packedShape is how large the parts of a packed are: of a source row, the
// pixels that are used; weights across; columns, a few more than the result's
// for one channel; source rows to a result row.
func packedShape(cfg Resample, x, y axis) (lo, hi, taps, columns, rows int) {
	taps = x.taps()
	if taps < 3 && cfg.Width >= 3 {
		taps = 3
	}
	lo, _ = x.span(cfg.Part.Min.X)
	_, hi = x.span(cfg.Part.Max.X - 1)
	lo = min(lo, max(hi-taps, 0))
	hi = max(hi, lo+taps)
	columns = cfg.Part.Dx()
	if cfg.Channels == 1 {
		columns = (columns + 3) &^ 3
	}
	return lo, hi, taps, columns, y.taps()
}

func packedMemory(cfg Resample, x, y axis) int64 {
	lo, hi, taps, columns, rows := packedShape(cfg, x, y)
	perColumn := 4 * (1 + taps)
	if x.ratio() > 1 && rows > 4 {
		perColumn = 4 // no weights
	}
	n := columns*perColumn + 12*(taps+max(rows, 4))
	used := (hi - lo) * cfg.Channels
	switch {
	case rows > 4:
		n += 2 * 8 * columns * cfg.Channels / 2
	default:
		n += rows*used + 4*used
	}
	return int64(n)
}

func newPacked(cfg Resample, x, y axis) *packed {
	lo, hi, taps, n, rows := packedShape(cfg, x, y)
	p := &packed{
		channels: cfg.Channels,
		lo:       lo,
		hi:       hi,
		bytes:    cfg.Part.Dx() * cfg.Channels,
		signed:   !x.shrinks() || !y.shrinks(),
		clamp:    newClamp(),
		y:        y,
		wf:       make([]float64, max(rows, 4)),
		wy:       make([]int32, max(rows, 4)),
		cur:      cfg.Part.Min.Y - 1,
		end:      cfg.Part.Max.Y,
		held:     -1,
	}
	p.columns.make(cfg, x, lo, hi, taps, n, rows > 4)
	switch {
	case rows > 4:
		p.across = make([]uint64, n*cfg.Channels/2)
		p.acc = make([]uint64, n*cfg.Channels/2)
		p.turn()
		return p
	case cfg.Channels == 4:
		p.mid4 = make([]uint64, 2*(hi-lo))
	default:
		p.mid1 = make([]int32, hi-lo)
	}
	for range rows {
		p.ring = append(p.ring, make([]byte, (hi-lo)*cfg.Channels))
	}
	return p
}

// make makes the weights of n columns. Columns beyond the result's last, if
// any, repeat it.
func (c *columns) make(cfg Resample, x axis, lo, hi, taps, n int, sums bool) {
	*c = columns{n: n, taps: taps}
	if k := x.ratio(); k > 1 && sums {
		c.scale = (1<<sumBits + uint64(k)/2) / uint64(k)
		c.taps = k
		c.start = make([]int32, n)
	} else if taps == 3 {
		c.fixed3 = make([]taps3, n)
	} else if taps == 4 {
		c.fixed4 = make([]taps4, n)
	} else {
		c.start = make([]int32, n)
		c.weights = make([]int32, n*taps)
	}
	wf := make([]float64, c.taps)
	w := make([]int32, c.taps)
	for j := range n {
		at := x.weigh(wf, min(cfg.Part.Min.X+j, cfg.Part.Max.X-1))
		// Taps beyond the last pixel that is used have weight zero: begin
		// earlier.
		over := max(at+len(wf)-hi, 0)
		copy(wf[over:], wf)
		clear(wf[:over])
		fix(w, wf)
		at -= over + lo
		switch {
		case c.fixed3 != nil:
			c.fixed3[j] = taps3{int32(at), [3]int32(w)}
		case c.fixed4 != nil:
			c.fixed4[j] = taps4{int32(at), [4]int32(w)}
		default:
			c.start[j] = int32(at)
			if c.weights != nil {
				copy(c.weights[j*taps:], w)
			}
		}
	}
}

// turn begins the next result row in acc, with the source row that it shares
// with the one before.
func (p *packed) turn() {
	p.cur++
	if p.cur >= p.end {
		return
	}
	p.first = p.y.weigh(p.wf, p.cur)
	fix(p.wy, p.wf)
	clear(p.acc)
	if j := p.held - p.first; p.held >= 0 && j >= 0 && j < len(p.wy) {
		packedAdd(p.acc, p.across, p.wy[j])
	}
}

func (p *packed) row(y int, src []byte) {
	src = src[p.lo*p.channels : p.hi*p.channels]
	if p.acc == nil {
		copy(p.ring[y%len(p.ring)], src)
		return
	}
	if p.channels == 4 {
		p.columns.sum4(p.across, src)
	} else {
		p.columns.sum1(p.across, src)
	}
	p.held = y
	packedAdd(p.acc, p.across, p.wy[y-p.first])
}

func (p *packed) emit(dst []byte, i, first, last int) {
	dst = dst[:p.bytes:p.bytes]
	if p.acc != nil {
		packedFinish(dst, p.acc, p.clamp)
		p.turn()
		return
	}
	wf, wy := p.wf[:last-first], p.wy[:last-first]
	at := p.y.weigh(wf, i)
	fix(wy, wf)
	var h [4][]byte
	var w [4]int32
	for j := range h {
		h[j] = p.ring[at%len(p.ring)]
		if j < len(wy) {
			h[j], w[j] = p.ring[(at+j)%len(p.ring)], wy[j]
		}
	}
	if p.channels == 4 {
		packedDown4(p.mid4, h, w)
		p.columns.across4(dst, p.mid4, p.signed, p.clamp)
		return
	}
	packedDown1(p.mid1, h, w)
	p.columns.across1(dst, p.mid1, p.clamp)
}

// apart is the two words of a group of four bytes.
func apart(v uint32) (even, odd uint64) {
	x := uint64(v)
	return (x | x<<16) & lowBytes, (x>>8 | x<<8) & lowBytes
}

// roundMid rounds sums of the first pass to midBits fraction bits.
func roundMid(v uint64) uint64 {
	return (v+midBias+midHalf)>>midShift&midMask - midBias>>midShift
}

// packedDown4 makes two words of every four bytes of up to four rows. Weights
// that are not used are zero.
func packedDown4(dst []uint64, h [4][]byte, w [4]int32) {
	n := len(dst) / 2 * 4
	h0, h1, h2, h3 := h[0][:n], h[1][:n], h[2][:n], h[3][:n]
	w0, w1, w2, w3 := uint64(w[0]), uint64(w[1]), uint64(w[2]), uint64(w[3])
	switch {
	case w3 != 0:
		for i := 0; i <= n-4; i += 4 {
			e0, o0 := apart(binary.LittleEndian.Uint32(h0[i:]))
			e1, o1 := apart(binary.LittleEndian.Uint32(h1[i:]))
			e2, o2 := apart(binary.LittleEndian.Uint32(h2[i:]))
			e3, o3 := apart(binary.LittleEndian.Uint32(h3[i:]))
			d := (*[2]uint64)(dst[i/2:])
			d[0] = roundMid(e0*w0 + e1*w1 + e2*w2 + e3*w3)
			d[1] = roundMid(o0*w0 + o1*w1 + o2*w2 + o3*w3)
		}
	case w2 != 0:
		packedDown4x3(dst, h0, h1, h2, w0, w1, w2)
	default:
		for i := 0; i <= n-4; i += 4 {
			e0, o0 := apart(binary.LittleEndian.Uint32(h0[i:]))
			e1, o1 := apart(binary.LittleEndian.Uint32(h1[i:]))
			d := (*[2]uint64)(dst[i/2:])
			d[0] = roundMid(e0*w0 + e1*w1)
			d[1] = roundMid(o0*w0 + o1*w1)
		}
	}
}

// packedDown4x3 is packedDown4 for three rows, two pixels at a time.
func packedDown4x3(dst []uint64, h0, h1, h2 []byte, w0, w1, w2 uint64) {
	for len(h0) >= 8 && len(h1) >= 8 && len(h2) >= 8 && len(dst) >= 4 {
		x0 := binary.LittleEndian.Uint64(h0)
		x1 := binary.LittleEndian.Uint64(h1)
		x2 := binary.LittleEndian.Uint64(h2)
		e0, o0 := apart(uint32(x0))
		e1, o1 := apart(uint32(x1))
		e2, o2 := apart(uint32(x2))
		d := (*[4]uint64)(dst)
		d[0] = roundMid(e0*w0 + e1*w1 + e2*w2)
		d[1] = roundMid(o0*w0 + o1*w1 + o2*w2)
		e0, o0 = apart(uint32(x0 >> 32))
		e1, o1 = apart(uint32(x1 >> 32))
		e2, o2 = apart(uint32(x2 >> 32))
		d[2] = roundMid(e0*w0 + e1*w1 + e2*w2)
		d[3] = roundMid(o0*w0 + o1*w1 + o2*w2)
		dst, h0, h1, h2 = dst[4:], h0[8:], h1[8:], h2[8:]
	}
	if len(dst) >= 2 {
		e0, o0 := apart(binary.LittleEndian.Uint32(h0))
		e1, o1 := apart(binary.LittleEndian.Uint32(h1))
		e2, o2 := apart(binary.LittleEndian.Uint32(h2))
		dst[0] = roundMid(e0*w0 + e1*w1 + e2*w2)
		dst[1] = roundMid(o0*w0 + o1*w1 + o2*w2)
	}
}

// midPair is the two lanes of a sum of the first pass, rounded to midBits.
func midPair(v uint64) (lane0, lane1 int32) {
	v += midBias + midHalf
	return int32(uint32(v)>>midShift) - 1<<(20-midShift),
		int32(v>>(32+midShift)) - 1<<(20-midShift)
}

// packedDown1 makes a number with midBits fraction bits of every byte of up to
// four rows.
func packedDown1(dst []int32, h [4][]byte, w [4]int32) {
	n := len(dst)
	h0, h1, h2, h3 := h[0][:n], h[1][:n], h[2][:n], h[3][:n]
	w0, w1, w2, w3 := uint64(w[0]), uint64(w[1]), uint64(w[2]), uint64(w[3])
	i := 0
	for ; i <= n-8; i += 8 {
		a := binary.LittleEndian.Uint64(h0[i:])
		b := binary.LittleEndian.Uint64(h1[i:])
		c := binary.LittleEndian.Uint64(h2[i:])
		e := binary.LittleEndian.Uint64(h3[i:])
		d := (*[8]int32)(dst[i:])
		if w3 != 0 {
			d[0], d[4] = midPair(a&lowBytes*w0 + b&lowBytes*w1 + c&lowBytes*w2 + e&lowBytes*w3)
			d[1], d[5] = midPair(a>>8&lowBytes*w0 + b>>8&lowBytes*w1 + c>>8&lowBytes*w2 + e>>8&lowBytes*w3)
			d[2], d[6] = midPair(a>>16&lowBytes*w0 + b>>16&lowBytes*w1 + c>>16&lowBytes*w2 + e>>16&lowBytes*w3)
			d[3], d[7] = midPair(a>>24&lowBytes*w0 + b>>24&lowBytes*w1 + c>>24&lowBytes*w2 + e>>24&lowBytes*w3)
			continue
		}
		d[0], d[4] = midPair(a&lowBytes*w0 + b&lowBytes*w1 + c&lowBytes*w2)
		d[1], d[5] = midPair(a>>8&lowBytes*w0 + b>>8&lowBytes*w1 + c>>8&lowBytes*w2)
		d[2], d[6] = midPair(a>>16&lowBytes*w0 + b>>16&lowBytes*w1 + c>>16&lowBytes*w2)
		d[3], d[7] = midPair(a>>24&lowBytes*w0 + b>>24&lowBytes*w1 + c>>24&lowBytes*w2)
	}
	for ; i < n; i++ {
		s := int32(h0[i])*w[0] + int32(h1[i])*w[1] + int32(h2[i])*w[2] + int32(h3[i])*w[3]
		dst[i] = (s + 1<<(midShift-1)) >> midShift
	}
}

// across4 makes a row of pixels of the words of the source's.
func (c *columns) across4(dst []byte, src []uint64, signed bool, clamp *clamp) {
	switch {
	case c.fixed3 != nil && !signed:
		packedAcross4x3(dst, src, c.fixed3)
	case c.fixed4 != nil:
		packedAcross4x4(dst, src, c.fixed4, clamp)
	default:
		for j := range c.n {
			at, w := c.column(j)
			var even, odd uint64
			for i, f := range w {
				p := (*[2]uint64)(src[2*(at+i):])
				even += p[0] * uint64(f)
				odd += p[1] * uint64(f)
			}
			binary.LittleEndian.PutUint32(dst[4*j:], clamp.together(even, odd))
		}
	}
}

// column is where column j begins and its weights, whatever the form.
func (c *columns) column(j int) (at int, w []int32) {
	switch {
	case c.fixed3 != nil:
		return int(c.fixed3[j].at), c.fixed3[j].w[:]
	case c.fixed4 != nil:
		return int(c.fixed4[j].at), c.fixed4[j].w[:]
	}
	return int(c.start[j]), c.weights[j*c.taps : (j+1)*c.taps]
}

func packedAcross4x3(dst []byte, src []uint64, taps []taps3) {
	dst = dst[:4*len(taps)]
	for j := range taps {
		t := &taps[j]
		s := (*[6]uint64)(src[2*int(t.at):])
		w0, w1, w2 := uint64(t.w[0]), uint64(t.w[1]), uint64(t.w[2])
		binary.LittleEndian.PutUint32(dst[4*j:], together(
			s[0]*w0+s[2]*w1+s[4]*w2, s[1]*w0+s[3]*w1+s[5]*w2))
	}
}

func packedAcross4x4(dst []byte, src []uint64, taps []taps4, clamp *clamp) {
	dst = dst[:4*len(taps)]
	for j := range taps {
		t := &taps[j]
		s := (*[8]uint64)(src[2*int(t.at):])
		w0, w1 := uint64(t.w[0]), uint64(t.w[1])
		w2, w3 := uint64(t.w[2]), uint64(t.w[3])
		binary.LittleEndian.PutUint32(dst[4*j:], clamp.together(
			s[0]*w0+s[2]*w1+s[4]*w2+s[6]*w3, s[1]*w0+s[3]*w1+s[5]*w2+s[7]*w3))
	}
}

// across1 makes a row of pixels of the numbers of the source's.
func (c *columns) across1(dst []byte, src []int32, clamp *clamp) {
	switch {
	case c.fixed3 != nil:
		taps := c.fixed3[:len(dst)]
		for j := range taps {
			t := &taps[j]
			s := (*[3]int32)(src[t.at:])
			dst[j] = clamp.one(int64(s[0])*int64(t.w[0]) +
				int64(s[1])*int64(t.w[1]) + int64(s[2])*int64(t.w[2]))
		}
	case c.fixed4 != nil:
		taps := c.fixed4[:len(dst)]
		for j := range taps {
			t := &taps[j]
			s := (*[4]int32)(src[t.at:])
			dst[j] = clamp.one(int64(s[0])*int64(t.w[0]) +
				int64(s[1])*int64(t.w[1]) + int64(s[2])*int64(t.w[2]) +
				int64(s[3])*int64(t.w[3]))
		}
	default:
		for j := range dst {
			at, w := c.column(j)
			s := int64(0)
			for i, v := range src[at:][:len(w)] {
				s += int64(v) * int64(w[i])
			}
			dst[j] = clamp.one(s)
		}
	}
}

// sum4 resamples a source row of four channels across, into two words a pixel.
func (c *columns) sum4(dst []uint64, src []byte) {
	if c.scale != 0 {
		packedMean4(dst, src, c.start, c.taps, c.scale)
		return
	}
	for j := range c.n {
		at, w := c.column(j)
		s := src[4*at:][:4*len(w)]
		var even, odd uint64
		for i, f := range w {
			e, o := apart(binary.LittleEndian.Uint32(s[4*i:]))
			even += e * uint64(f)
			odd += o * uint64(f)
		}
		d := (*[2]uint64)(dst[2*j:])
		d[0], d[1] = roundMid(even), roundMid(odd)
	}
}

// packedMean4 averages n whole pixels; scale is 2^sumBits/n. Sums are kept in
// four lanes of 16 bits, which is enough for n <= 256.
func packedMean4(dst []uint64, src []byte, start []int32, n int, scale uint64) {
	const (
		bytes16 = 0x00FF00FF00FF00FF
		words32 = 0xFFFF * lanes
		half    = 1 << (weightBits - 1) * lanes
		mask    = (1<<(32-weightBits) - 1) * lanes
	)
	dst = dst[:2*len(start)]
	for j, at := range start {
		s := src[4*int(at):][:4*n]
		var even, odd uint64
		for ; len(s) >= 8; s = s[8:] {
			x := binary.LittleEndian.Uint64(s)
			even += x & bytes16
			odd += x >> 8 & bytes16
		}
		even = even&0xFFFFFFFF + even>>32
		odd = odd&0xFFFFFFFF + odd>>32
		if len(s) >= 4 {
			x := uint64(binary.LittleEndian.Uint32(s))
			even += x & bytes16
			odd += x >> 8 & bytes16
		}
		even = (even | even<<16) & words32
		odd = (odd | odd<<16) & words32
		d := (*[2]uint64)(dst[2*j:])
		d[0] = (even*scale + half) >> weightBits & mask
		d[1] = (odd*scale + half) >> weightBits & mask
	}
}

// sum1 resamples a source row of one channel across, into two words for every
// four columns.
func (c *columns) sum1(dst []uint64, src []byte) {
	for j := 0; j+4 <= c.n; j += 4 {
		var s [4]uint64
		for k := range s {
			if c.scale != 0 {
				s[k] = mean1(src[c.start[j+k]:][:c.taps], c.scale)
				continue
			}
			at, w := c.column(j + k)
			sum := 0
			for i, v := range src[at:][:len(w)] {
				sum += int(v) * int(w[i])
			}
			s[k] = uint64((sum + 1<<(midShift-1)) >> midShift)
		}
		d := (*[2]uint64)(dst[j/2:])
		d[0], d[1] = s[0]+s[2]<<32, s[1]+s[3]<<32
	}
}

// mean1 averages bytes; scale is 2^sumBits/len(src).
func mean1(src []byte, scale uint64) uint64 {
	sum := uint64(0)
	for _, v := range src {
		sum += uint64(v)
	}
	return (sum*scale + 1<<(weightBits-1)) >> weightBits
}

// together rounds a group of sums that are not negative to four bytes.
func together(even, odd uint64) uint32 {
	even = (even + endHalf) >> sumBits & lowBytes
	odd = (odd + endHalf) >> sumBits & lowBytes
	x := even | odd<<8
	return uint32(x | x>>16)
}

// together rounds a group of sums to four bytes, clamped.
func (c *clamp) together(even, odd uint64) uint32 {
	even += endBias + endHalf
	odd += endBias + endHalf
	return uint32(c[even>>sumBits&511]) | uint32(c[odd>>sumBits&511])<<8 |
		uint32(c[even>>(sumBits+32)&511])<<16 | uint32(c[odd>>(sumBits+32)&511])<<24
}

// one rounds a sum of the second pass to a byte, clamped.
func (c *clamp) one(v int64) uint8 {
	return c[uint64(v+endBias&math.MaxUint32+endHalf&math.MaxUint32)>>sumBits&511]
}

// A clamp maps v+128 to v clamped to a byte, for v in [-128, 384).
type clamp [512]uint8

func newClamp() *clamp {
	c := new(clamp)
	for i := range c {
		c[i] = uint8(min(max(i-128, 0), 255))
	}
	return c
}

// putGroup stores the first len(dst) bytes of a group.
func putGroup(dst []byte, v uint32) {
	for i := range dst {
		dst[i] = byte(v >> (8 * i))
	}
}

// packedAdd adds a row, weighted, to the result row in the making.
func packedAdd(acc, h []uint64, w int32) {
	h = h[:len(acc)]
	f := uint64(w)
	for k := range acc {
		acc[k] += h[k] * f
	}
}

// packedFinish rounds a result row.
func packedFinish(dst []byte, acc []uint64, clamp *clamp) {
	for k := 0; k < len(acc); k += 2 {
		v := clamp.together(acc[k], acc[k+1])
		if len(dst) < 4 {
			putGroup(dst, v)
			return
		}
		binary.LittleEndian.PutUint32(dst, v)
		dst = dst[4:]
	}
}
