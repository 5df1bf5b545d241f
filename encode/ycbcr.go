package encode

// This file implements the loops over samples that JPEG needs: RGB to YCbCr,
// chroma subsampling, and replication of edges.

import "encoding/binary"

// A ycbcrTable converts by T.871, clause 7: what a sample of red, green or blue
// adds to Y, Cb and Cr, in three lanes of 21 bits of a word, Y lowest, with 13 bits
// of fraction. A pixel is three look-ups and two additions; nine multiplications
// take nearly twice as long. Results are those of color.RGBToYCbCr but for a
// few in a thousand that are off by one.
type ycbcrTable [3][256]uint64

// newYCbCrTable returns the table. It has 6 KiB and belongs to one worker, so that
// it is near.
func newYCbCrTable() *ycbcrTable {
	// lane rounds v to its place. Negative coefficients count down from what
	// they are at 255, so that no lane borrows from the next.
	lane := func(v float64, n int) uint64 { return uint64(v*8192+0.5) << (21 * n) }
	t := new(ycbcrTable)
	for i := range 256 {
		v, down := float64(i), float64(255-i)
		round := 0.5
		if i == 255 { // or 128 + 127.5 would round to 256
			round -= 1.0 / 8192
		}
		t[0][i] = lane(0.299*v, 0) + lane(0.168736*down, 1) + lane(0.5*v+0.5+round, 2)
		t[1][i] = lane(0.587*v, 0) + lane(0.331264*down, 1) + lane(0.418688*down, 2)
		t[2][i] = lane(0.114*v+0.5, 0) + lane(0.5*v+0.5+round, 1) + lane(0.081312*down, 2)
	}
	return t
}

// to444 converts the pixels of rgba, 4 bytes each, of which the last is ignored.
func (t *ycbcrTable) to444(y, cb, cr, rgba []byte) {
	n := len(rgba) / 4
	y, cb, cr = y[:n], cb[:n], cr[:n]
	for i := range y {
		p := binary.LittleEndian.Uint32(rgba[4*i:])
		v := t[0][p&255] + t[1][p>>8&255] + t[2][p>>16&255]
		y[i], cb[i], cr[i] = uint8(v>>13), uint8(v>>34), uint8(v>>55)
	}
}

// to422 converts the same way, with the chroma of each two pixels that of their
// mean. An odd last pixel counts twice.
func (t *ycbcrTable) to422(y, cb, cr, rgba []byte) {
	n := len(rgba) / 4
	y, cb, cr = y[:n], cb[:(n+1)/2], cr[:(n+1)/2]
	for i := range n / 2 {
		p := binary.LittleEndian.Uint64(rgba[8*i:])
		v := t[0][p&255] + t[1][p>>8&255] + t[2][p>>16&255]
		w := t[0][p>>32&255] + t[1][p>>40&255] + t[2][p>>48&255]
		y[2*i], y[2*i+1] = uint8(v>>13), uint8(w>>13)
		const lane = 1<<21 - 1
		cb[i] = uint8((v>>21&lane + w>>21&lane) >> 14)
		cr[i] = uint8((v>>42 + w>>42) >> 14)
	}
	if n%2 == 1 {
		t.to444(y[n-1:], cb[n/2:], cr[n/2:], rgba[4*(n-1):])
	}
}

// shrinkPlane makes each of the w x h samples of dst the rounded mean of fx x fy
// samples of src.
func shrinkPlane(dst []byte, dstStride int, src []byte, srcStride, w, h, fx, fy int) {
	n := fx * fy
	for y := range h {
		d := dst[y*dstStride : y*dstStride+w]
		if fx == 2 && fy == 2 {
			a, b := src[2*y*srcStride:][:2*w], src[(2*y+1)*srcStride:][:2*w]
			for x := range d {
				p, q := a[2*x:2*x+2:2*x+2], b[2*x:2*x+2:2*x+2]
				d[x] = uint8((int(p[0]) + int(p[1]) + int(q[0]) + int(q[1]) + 2) >> 2)
			}
			continue
		}
		for x := range d {
			sum := n / 2
			for v := range fy {
				o := (y*fy+v)*srcStride + x*fx
				for _, s := range src[o : o+fx] {
					sum += int(s)
				}
			}
			d[x] = uint8(sum / n)
		}
	}
}

// padPlane extends w x h samples to pw x ph, repeating the last of each row and
// the last row. Anything else would ring into the picture.
func padPlane(p []byte, stride, w, h, pw, ph int) {
	for y := range h {
		row := p[y*stride : y*stride+pw]
		for x := w; x < pw; x++ {
			row[x] = row[w-1]
		}
	}
	last := p[(h-1)*stride : (h-1)*stride+pw]
	for y := h; y < ph; y++ {
		copy(p[y*stride:y*stride+pw], last)
	}
}
