package iiif

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"iter"
	"math"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/tile"
)

// A rotated is a picture turned by any angle (4.3): as large as it needs to
// be, its corners transparent or of one colour. Every row of it comes from all
// over the picture, so that is held as a whole; what is made of it comes in
// strips.
type rotated struct {
	of         encode.Reserver
	degrees    float64     // clockwise
	size       image.Point // of the result
	background color.Color // of the corners; nil: they are transparent
	bitonal    bool        // grey becomes black or white, the corners' too
}

// rotatedStrip is how many rows are made at a time.
const rotatedStrip = 64

// rotatedSize is the size of the smallest box around a picture of the given
// size that is turned by degrees.
func rotatedSize(size image.Point, degrees float64) image.Point {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	sin, cos = math.Abs(sin), math.Abs(cos)
	w, h := float64(size.X), float64(size.Y)
	side := func(v float64) int { return max(1, int(math.Ceil(v-1e-6))) }
	return image.Pt(side(w*cos+h*sin), side(w*sin+h*cos))
}

// memory is how many bytes are held besides what the picture takes to make.
func (r *rotated) memory() int64 {
	size := r.of.Size()
	return int64(size.X)*int64(size.Y)*int64(r.of.PixelFormat().Channels()) +
		2*4*int64(r.size.X)*rotatedStrip
}

// Size implements [encode.Source].
func (r *rotated) Size() image.Point { return r.size }

// PixelFormat implements [encode.Source].
func (r *rotated) PixelFormat() tile.PixelFormat { return tile.NRGBA8 }

// ICC implements [encode.Profiled]. Grey has become colour, for which a profile
// of grey does not do.
func (r *rotated) ICC() []byte {
	if p, ok := r.of.(encode.Profiled); ok && r.of.PixelFormat() != tile.Gray8 {
		return p.ICC()
	}
	return nil
}

// Strips implements [encode.Source].
func (r *rotated) Strips(ctx context.Context) iter.Seq2[*tile.Strip, error] {
	return r.StripsReserving(ctx, 0)
}

// StripsReserving implements [encode.Reserver].
func (r *rotated) StripsReserving(ctx context.Context, extra int64) iter.Seq2[*tile.Strip, error] {
	return func(yield func(*tile.Strip, error) bool) {
		// The picture's own memory is given back when its loop ends, and the
		// picture outlives that loop by the turning alone; so the turning is
		// done inside, after the last strip.
		var whole draw.Image
		bottom := r.of.Size().Y
		for s, err := range r.of.StripsReserving(ctx, extra+r.memory()) {
			if err != nil {
				yield(nil, err)
				return
			}
			if whole == nil {
				whole = newImage(s.Format, r.of.Size())
			}
			draw.Draw(whole, s.Bounds, s.Image(), s.Bounds.Min, draw.Src)
			if s.Bounds.Max.Y < bottom {
				continue
			}
			if err := r.turn(ctx, whole, yield); err != nil {
				yield(nil, err)
			}
			return
		}
	}
}

// newImage is an image in the layout of f, one of those that are turned.
func newImage(f tile.PixelFormat, size image.Point) draw.Image {
	all := image.Rectangle{Max: size}
	switch f {
	case tile.Gray8:
		return image.NewGray(all)
	case tile.RGB8, tile.NRGBA8:
		return image.NewNRGBA(all)
	}
	panic("iiif: no turning of " + f.String() + " (bug)")
}

// turn yields the strips of whole, turned.
func (r *rotated) turn(ctx context.Context, whole image.Image, yield func(*tile.Strip, error) bool) error {
	from := whole.Bounds().Size()
	sin, cos := math.Sincos(r.degrees * math.Pi / 180)
	// Centre on centre; y points down, so this turns clockwise.
	cx, cy := float64(from.X)/2, float64(from.Y)/2
	m := f64.Aff3{
		cos, -sin, float64(r.size.X)/2 - cos*cx + sin*cy,
		sin, cos, float64(r.size.Y)/2 - sin*cx - cos*cy,
	}
	background, op := image.Transparent, xdraw.Src
	if r.background != nil {
		background, op = image.NewUniform(r.background), xdraw.Over
	}
	premultiplied := image.NewRGBA(image.Rect(0, 0, r.size.X, min(rotatedStrip, r.size.Y)))
	straight := make([]byte, len(premultiplied.Pix))
	for y := 0; y < r.size.Y; y += rotatedStrip {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows := image.Rect(0, y, r.size.X, min(y+rotatedStrip, r.size.Y))
		band := &image.RGBA{Stride: premultiplied.Stride, Rect: rows,
			Pix: premultiplied.Pix[:premultiplied.Stride*rows.Dy()]}
		draw.Draw(band, rows, background, image.Point{}, draw.Src)
		xdraw.BiLinear.Transform(band, m, whole, whole.Bounds(), op, nil)
		unmultiply(straight[:len(band.Pix)], band.Pix)
		if r.bitonal {
			blackOrWhite(straight[:len(band.Pix)])
		}
		strip := &tile.Strip{Bounds: rows, Format: tile.NRGBA8, Stride: band.Stride, Pix: straight[:len(band.Pix)]}
		if !yield(strip, nil) {
			return nil
		}
	}
	return nil
}

// unmultiply undoes the premultiplication by alpha of 8-bit RGBA pixels.
func unmultiply(dst, src []byte) {
	for i := 0; i+4 <= len(src); i += 4 {
		s, d := src[i:i+4:i+4], dst[i:i+4:i+4]
		a := uint32(s[3])
		switch a {
		case 255:
			copy(d, s)
		case 0:
			clear(d)
		default:
			for c := range 3 {
				d[c] = uint8(min(255, (uint32(s[c])*255+a/2)/a))
			}
			d[3] = s[3]
		}
	}
}

// blackOrWhite makes grey NRGBA pixels black or white as [tile.Bitonal] does.
// Opacity stays what it is.
func blackOrWhite(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		level := byte(0)
		if pix[i] >= 128 {
			level = 255
		}
		pix[i], pix[i+1], pix[i+2] = level, level, level
	}
}
