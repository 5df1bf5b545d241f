// This file implements what a request says about colours: the quality, what
// becomes of a profile, and the pixel formats that can hold the outcome.

package tile

import (
	"github.com/stria-j2k/stria/internal/raster"
)

// A Quality is how much of the colours is wanted.
type Quality uint8

// The qualities. Grey is the luma of BT.601 of sRGB values, which is that of
// JPEG; black and white is white from half of that up. Opacity stays what it
// is, and then the three colours are the same.
const (
	InColor Quality = iota // what there is
	InGray                 // grey
	Bitonal                // black and white, in pixels of 8 bits
)

// A ColorHandling is what becomes of an image's ICC profile.
type ColorHandling uint8

// The ways to handle a profile. Colours without one are in sRGB in any case, or
// inks.
const (
	// KeepProfile leaves the samples as they are; [Plan.ICC] is their profile.
	// Where they must be converted for what is wanted otherwise, such as grey,
	// it is as ToSRGB.
	KeepProfile ColorHandling = iota
	// ToSRGB converts to sRGB. It is errors.ErrUnsupported for profiles that
	// are more than curves and a matrix.
	ToSRGB
	// IgnoreProfile takes RGB for sRGB, and inks for those of no press.
	IgnoreProfile
)

// A kind is what pixels have to hold.
type kind struct {
	colors int
	alpha  bool
	wide   bool // more than 8 bits
	luma   bool // grey of colours
}

// settle adds to m the steps that req makes necessary besides the image's own,
// and notes in k what comes of it.
func (k *kind) settle(m *meaning, req Request, premultiplied bool) error {
	gray := req.Quality != InColor || req.Format == Gray8 || req.Format == Gray16
	if m.colors == 4 && k.alpha {
		return unsupported("inks with opacity")
	}
	if m.colors == 4 && (gray || req.Format != Auto && req.Format != CMYK8) {
		if m.icc != nil {
			return unsupported("inks with a profile as other colours")
		}
		m.colors, m.steps = 3, append(m.steps, inks{})
	}
	k.colors = m.colors
	if premultiplied {
		m.steps = append([]step{unmultiplied{}}, m.steps...)
	}
	switch {
	case m.colors == 3 && gray:
		// Luma is one of sRGB.
		if err := m.toSRGB(); err != nil {
			return err
		}
		k.luma = !k.alpha
		if k.alpha {
			m.steps = append(m.steps, grayed{})
		}
	case m.colors == 1 && (k.alpha || req.Format != Auto && !gray):
		// A profile for grey cannot describe pixels of colours.
		if err := m.toSRGB(); err != nil {
			return err
		}
	}
	if m.colors == 1 && k.alpha {
		for i, s := range m.steps {
			if _, ok := s.(unmultiplied); !ok {
				m.steps[i] = onColors{s}
			}
		}
	}
	return nil
}

// format is the pixel format for req.
func (k *kind) format(req Request) (PixelFormat, error) {
	var small, wide PixelFormat
	gray := k.colors == 1 || k.luma
	switch {
	case k.colors == 4:
		small, wide = CMYK8, CMYK8
	case k.alpha:
		small, wide = NRGBA8, NRGBA16
	case gray:
		small, wide = Gray8, Gray16
	default:
		small, wide = RGB8, RGB16
	}
	own := small
	if k.wide && req.Quality != Bitonal {
		own = wide
	}
	if req.Format == Auto {
		return own, nil
	}
	ok := false
	switch req.Format {
	case Gray8, Gray16:
		ok = gray && !k.alpha
	case RGB8, RGB16:
		ok = !k.alpha && k.colors != 4
	case NRGBA8, NRGBA16:
		ok = k.colors != 4
	case YCbCr8:
		ok = !k.alpha && !gray && k.colors == 3
	case CMYK8:
		ok = k.colors == 4
	}
	if req.Quality == Bitonal && req.Format.Depth() != 8 {
		ok = false
	}
	if !ok {
		return 0, unsupported("%v pixels as %v", own, req.Format)
	}
	return req.Format, nil
}

// inverted is grey whose 0 is white.
type inverted struct{}

func (inverted) Pixels8(pix []byte)  { raster.Invert8(pix) }
func (inverted) Pixels16(pix []byte) { raster.Invert8(pix) }

// inks is cyan, magenta, yellow and black to RGB.
type inks struct{}

func (inks) Pixels8(pix []byte)  { raster.CMYK8(pix) }
func (inks) Pixels16(pix []byte) { raster.CMYK16(pix) }

// unmultiplied takes the opacity out of colours that were multiplied with it.
type unmultiplied struct{}

func (unmultiplied) Pixels8(pix []byte)  { raster.Unpremultiply8(pix) }
func (unmultiplied) Pixels16(pix []byte) { raster.Unpremultiply16(pix) }

// grayed makes colours their luma.
type grayed struct{}

func (grayed) Pixels8(pix []byte)  { raster.Gray8(pix) }
func (grayed) Pixels16(pix []byte) { raster.Gray16(pix) }

// onColors does a step for grey on pixels of three equal colours and opacity.
type onColors struct{ step }

func (s onColors) Pixels8(pix []byte) {
	var gray [256]byte
	for len(pix) >= 4 {
		n := min(len(pix)/4, len(gray))
		raster.Unpack(gray[:n], pix, 4)
		s.step.Pixels8(gray[:n])
		for i, v := range gray[:n] {
			pix[4*i], pix[4*i+1], pix[4*i+2] = v, v, v
		}
		pix = pix[4*n:]
	}
}

func (s onColors) Pixels16(pix []byte) {
	var gray [512]byte
	for len(pix) >= 8 {
		n := min(len(pix)/8, len(gray)/2)
		for i := range n {
			gray[2*i], gray[2*i+1] = pix[8*i], pix[8*i+1]
		}
		s.step.Pixels16(gray[:2*n])
		for i := range n {
			for c := 0; c < 6; c += 2 {
				pix[8*i+c], pix[8*i+c+1] = gray[2*i], gray[2*i+1]
			}
		}
		pix = pix[8*n:]
	}
}
