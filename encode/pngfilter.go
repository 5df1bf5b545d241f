package encode

// This file implements the filters of PNG (ISO/IEC 15948, clause 9), eight bytes
// at a time where they do not depend on each other.

import "encoding/binary"

// A pngFilter chooses a filter for each row: the one with the least sum of
// absolute differences (12.8), as libpng and image/png do.
type pngFilter struct {
	bpp  int       // bytes in a pixel
	none bool      // leave rows as they are
	out  [5][]byte // a row with each filter, its type first
}

func newPNGFilter(n, bpp int) *pngFilter {
	f := &pngFilter{bpp: bpp}
	for i := range f.out {
		f.out[i] = make([]byte, 1+n)
		f.out[i][0] = byte(i)
	}
	return f
}

// apply returns cur, filtered, with the type of the filter before it, valid until
// the next call. above is the row above it, or nil if filters are not to use it.
func (f *pngFilter) apply(cur, above []byte) []byte {
	if f.none {
		copy(f.out[0][1:], cur)
		return f.out[0]
	}
	bpp := f.bpp
	best, least := 1, filterSub(f.out[1][1:], cur, bpp)
	if above == nil {
		return f.out[1]
	}
	if s := filterUp(f.out[2][1:], cur, above); s < least {
		best, least = 2, s
	}
	if least == 0 {
		return f.out[best] // an even row, or one like that above
	}
	if s := filterAverage(f.out[3][1:], cur, above, bpp); s < least {
		best, least = 3, s
	}
	if s := filterPaeth(f.out[4][1:], cur, above, bpp); s < least {
		best, least = 4, s
	}
	if s := filterNone(cur); s < least {
		best = 0
		copy(f.out[0][1:], cur)
	}
	return f.out[best]
}

// magnitude is the distance of d, as a signed byte, from zero.
func magnitude(d byte) int {
	m := int8(d) >> 7
	return int(uint8((int8(d) ^ m) - m))
}

// high has the highest bit of each of eight bytes, even the bytes at even places.
const (
	high = 0x8080808080808080
	even = 0x00ff00ff00ff00ff
)

// sub8 subtracts the bytes of y from those of x.
func sub8(x, y uint64) uint64 { return ((x | high) - (y &^ high)) ^ ((x ^ ^y) & high) }

// average8 returns the means of the bytes of x and y, rounded down.
func average8(x, y uint64) uint64 { return x&y + (x^y)>>1&^high }

// magnitudes returns the sum of the magnitudes of the bytes of d.
func magnitudes(d uint64) int {
	s := d & high >> 7
	d = d ^ s*255 + s // each byte is 128 at most
	d = d&even + d>>8&even
	return int(d * 0x0001000100010001 >> 48)
}

// filterNone returns the sum of the magnitudes of cur. The other filters return
// that of what they put into dst.
func filterNone(cur []byte) int {
	sum := 0
	for ; len(cur) >= 8; cur = cur[8:] {
		sum += magnitudes(binary.LittleEndian.Uint64(cur))
	}
	for _, v := range cur {
		sum += magnitude(v)
	}
	return sum
}

// filterSub subtracts the pixel to the left.
func filterSub(dst, cur []byte, bpp int) int {
	n := min(bpp, len(cur))
	copy(dst, cur[:n])
	return filterNone(cur[:n]) + filterUp(dst[n:], cur[n:], cur)
}

// filterUp subtracts the pixel above.
func filterUp(dst, cur, above []byte) int {
	sum, i := 0, 0
	dst, above = dst[:len(cur)], above[:len(cur)]
	for ; i+8 <= len(cur); i += 8 {
		d := sub8(binary.LittleEndian.Uint64(cur[i:]), binary.LittleEndian.Uint64(above[i:]))
		binary.LittleEndian.PutUint64(dst[i:], d)
		sum += magnitudes(d)
	}
	for ; i < len(cur); i++ {
		d := cur[i] - above[i]
		dst[i] = d
		sum += magnitude(d)
	}
	return sum
}

// filterAverage subtracts the mean, rounded down, of the pixels to the left and
// above.
func filterAverage(dst, cur, above []byte, bpp int) int {
	sum, i := 0, 0
	dst, above = dst[:len(cur)], above[:len(cur)]
	for ; i < min(bpp, len(cur)); i++ {
		d := cur[i] - above[i]/2
		dst[i] = d
		sum += magnitude(d)
	}
	for ; i+8 <= len(cur); i += 8 {
		d := sub8(binary.LittleEndian.Uint64(cur[i:]), average8(
			binary.LittleEndian.Uint64(cur[i-bpp:]), binary.LittleEndian.Uint64(above[i:])))
		binary.LittleEndian.PutUint64(dst[i:], d)
		sum += magnitudes(d)
	}
	for ; i < len(cur); i++ {
		d := cur[i] - uint8((int(cur[i-bpp])+int(above[i]))/2)
		dst[i] = d
		sum += magnitude(d)
	}
	return sum
}

// filterPaeth subtracts whichever of the pixels to the left, above and above left
// is nearest to left + above - above left (9.4).
func filterPaeth(dst, cur, above []byte, bpp int) int {
	sum := 0
	for i := range min(bpp, len(cur)) {
		d := cur[i] - above[i]
		dst[i] = d
		sum += magnitude(d)
	}
	if len(cur) <= bpp {
		return sum
	}
	left := cur[:len(cur)-bpp]
	n := len(left)
	corner := above[:n]
	cur, above, dst = cur[bpp:][:n], above[bpp:][:n], dst[bpp:][:n]
	for i, a8 := range left {
		a, b, c := int32(a8), int32(above[i]), int32(corner[i])
		// Distances of the estimate from each.
		pa, pb := b-c, a-c
		pc := pa + pb
		pa, pb, pc = abs32(pa), abs32(pb), abs32(pc)
		p := c
		if pb <= pc {
			p = b
		}
		if pa <= min(pb, pc) {
			p = a
		}
		d := cur[i] - uint8(p)
		dst[i] = d
		sum += magnitude(d)
	}
	return sum
}

func abs32(v int32) int32 {
	m := v >> 31
	return (v ^ m) - m
}
