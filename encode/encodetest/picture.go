package encodetest

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/stria-j2k/stria/tile"
)

// Picture returns an image of that size in that pixel format: slow waves, which
// any encoder keeps well, with as much noise on them as asked for, in steps of
// 8 bits. YCbCr8 has all its chroma.
func Picture(size image.Point, f tile.PixelFormat, noise int) image.Image {
	rnd := rand.New(rand.NewPCG(uint64(size.X), uint64(size.Y)))
	// sample returns sample c of a pixel, with 16 bits.
	sample := func(c, x, y int) uint16 {
		v := 128 + 100*math.Sin(float64(x)/(17+5*float64(c))+float64(c))*
			math.Cos(float64(y)/(23-3*float64(c)))
		if noise > 0 {
			v += (rnd.Float64() - 0.5) * float64(noise)
		}
		return uint16(min(max(v, 0), 255) * 257)
	}
	rect := image.Rectangle{Max: size}
	var pix []byte
	var img image.Image
	switch f {
	case tile.Gray8:
		m := image.NewGray(rect)
		img, pix = m, m.Pix
	case tile.Gray16:
		m := image.NewGray16(rect)
		img, pix = m, m.Pix
	case tile.RGB8, tile.NRGBA8:
		m := image.NewNRGBA(rect)
		img, pix = m, m.Pix
	case tile.RGB16, tile.NRGBA16:
		m := image.NewNRGBA64(rect)
		img, pix = m, m.Pix
	case tile.CMYK8:
		m := image.NewCMYK(rect)
		img, pix = m, m.Pix
	case tile.YCbCr8:
		m := image.NewYCbCr(rect, image.YCbCrSubsampleRatio444)
		for i := range m.Y {
			x, y := i%m.YStride, i/m.YStride
			m.Y[i] = byte(sample(0, x, y) >> 8)
			m.Cb[i] = byte(64 + sample(1, x, y)>>9)
			m.Cr[i] = byte(64 + sample(2, x, y)>>9)
		}
		return m
	default:
		panic("encodetest: no picture in " + f.String())
	}
	opaque := f == tile.RGB8 || f == tile.RGB16
	n := f.Channels()
	for i := range len(pix) / (f.Depth() / 8) {
		p := i / n
		v := sample(i%n, p%size.X, p/size.X)
		if opaque && i%n == 3 {
			v = 65535
		}
		if f.Depth() == 8 {
			pix[i] = byte(v >> 8)
		} else {
			pix[2*i], pix[2*i+1] = byte(v>>8), byte(v)
		}
	}
	return img
}
