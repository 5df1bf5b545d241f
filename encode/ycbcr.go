package encode

// This file implements the loops over samples that JPEG needs: RGB to YCbCr,
// chroma subsampling, and replication of edges.

// The conversion is that of T.871, clause 7, in 16-bit fixed point, rounded:
// the same numbers as color.RGBToYCbCr.
const (
	yR, yG, yB    = 19595, 38470, 7471
	cbR, cbG, cbB = -11056, -21712, 32768
	crR, crG, crB = 32768, -27440, -5328
	half          = 1 << 15
	centre        = 128<<16 + half
)

// toYCbCr444 converts the pixels of rgba, 4 bytes each, of which the last is
// ignored.
func toYCbCr444(y, cb, cr, rgba []byte) {
	n := len(rgba) / 4
	y, cb, cr = y[:n], cb[:n], cr[:n]
	for i := range y {
		p := rgba[4*i : 4*i+4 : 4*i+4]
		r, g, b := int32(p[0]), int32(p[1]), int32(p[2])
		y[i] = uint8((yR*r + yG*g + yB*b + half) >> 16)
		cb[i] = clamp8((cbR*r + cbG*g + cbB*b + centre) >> 16)
		cr[i] = clamp8((crR*r + crG*g + crB*b + centre) >> 16)
	}
}

// toYCbCr422 converts the same way, with the chroma of each two pixels that of
// their mean. An odd last pixel counts twice.
func toYCbCr422(y, cb, cr, rgba []byte) {
	n := len(rgba) / 4
	y, cb, cr = y[:n], cb[:(n+1)/2], cr[:(n+1)/2]
	for i := range cb {
		p := rgba[8*i : min(8*i+8, len(rgba))]
		r0, g0, b0 := int32(p[0]), int32(p[1]), int32(p[2])
		r1, g1, b1 := r0, g0, b0
		y[2*i] = uint8((yR*r0 + yG*g0 + yB*b0 + half) >> 16)
		if len(p) == 8 {
			r1, g1, b1 = int32(p[4]), int32(p[5]), int32(p[6])
			y[2*i+1] = uint8((yR*r1 + yG*g1 + yB*b1 + half) >> 16)
		}
		r, g, b := r0+r1, g0+g1, b0+b1
		cb[i] = clamp8((cbR*r + cbG*g + cbB*b + 2*centre) >> 17)
		cr[i] = clamp8((crR*r + crG*g + crB*b + 2*centre) >> 17)
	}
}

// clamp8 limits v, which is 256 at most, to 255.
func clamp8(v int32) uint8 { return uint8(v - v>>8) }

// shrinkPlane makes each of the w x h samples of dst the rounded mean of fx x fy
// samples of src.
func shrinkPlane(dst []byte, dstStride int, src []byte, srcStride, w, h, fx, fy int) {
	n := fx * fy
	for y := range h {
		d := dst[y*dstStride : y*dstStride+w]
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
