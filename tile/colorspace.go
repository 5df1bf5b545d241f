// This file says what the colours of an image are taken for and how they are
// shown; the package's documentation has it as a table.

package tile

import (
	"errors"
	"fmt"
	"math"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/icc"
	"github.com/stria-j2k/stria/internal/raster"
	"github.com/stria-j2k/stria/jp2"
)

// A meaning is what the colours of an image are.
type meaning struct {
	colors    int    // 1: grey, 3: RGB, 4: cyan, magenta, yellow and black
	steps     []step // that take the samples there
	icc       []byte // the profile that the colours are in; nil for sRGB and its grey
	luma      bool   // the first channel is the luma of BT.601 that grey is
	jpeg      bool   // and the others are the chroma of JPEG
	scaling   scaling
	offset    bool // black is not all zeros
	blackless bool // inks without black, so that there are three channels
}

// channels is how many channels of the image are colours.
func (m *meaning) channels() int {
	if m.blackless {
		return 3
	}
	return m.colors
}

// A scaling is which samples become black and white.
type scaling uint8

const (
	wholeScale    scaling = iota // the smallest and the largest
	extendedScale                // those of e-sRGB, which leave room for more
	videoScale                   // those of video, likewise
)

// colorsOf finds out what f's colours are.
func colorsOf(f *jp2.File, how ColorHandling) (meaning, error) {
	c := &f.Color
	switch c.Method {
	case jp2.Enumerated:
		return spaceOf(f, c.Space)
	case jp2.RestrictedICC, jp2.AnyICC:
		return profileOf(c.ICC, how)
	case jp2.Parameterized:
		return primariesOf(f, c.Primaries)
	}
	return meaning{}, unsupported("colours specified by the method %q", c.Method)
}

// spaceOf is colorsOf for an enumerated colour space (Table M.25 of Part 2).
// Colours of video are taken for those of sRGB, as they are of computers' screens.
func spaceOf(f *jp2.File, s jp2.Space) (meaning, error) {
	full := coding{luma: raster.BT601(), reach: 1}
	video := coding{luma: raster.BT601(), video: true, reach: 1}
	switch s {
	case jp2.Grey, jp2.Bilevel2:
		return meaning{colors: 1}, nil
	case jp2.Bilevel:
		return meaning{colors: 1, steps: []step{inverted{}}, offset: true}, nil
	case jp2.SRGB:
		return meaning{colors: 3}, nil
	case jp2.SYCC, jp2.YCbCr2:
		m, err := full.meaning(f)
		m.luma, m.jpeg = true, true
		return m, err
	case jp2.ESRGB:
		return meaning{colors: 3, scaling: extendedScale, offset: true}, nil
	case jp2.ESYCC:
		// Annex B of PIMA 7667, which is bg-sYCC in annex G of IEC 61966-2-1:
		// luma as in sYCC, chroma of twice the reach.
		full.reach = 2
		m, err := full.meaning(f)
		m.luma = true
		return m, err
	case jp2.YCbCr1, jp2.YCbCr3, jp2.YPbPr1250:
		return video.meaning(f)
	case jp2.YPbPr1125:
		video.luma = raster.BT709()
		return video.meaning(f)
	case jp2.YCCK:
		full.complement = true
		m, err := full.meaning(f)
		m.colors = 4
		return m, err
	case jp2.ROMM:
		return meaning{colors: 3, steps: []step{raster.NewROMM()}}, nil
	case jp2.CMY:
		return meaning{colors: 4, offset: true, blackless: true}, nil
	case jp2.CMYK:
		return meaning{colors: 4}, nil
	case jp2.CIELab:
		lab, err := labOf(f)
		return meaning{colors: 3, steps: []step{lab}, offset: true}, err
	case jp2.PhotoYCC:
		return meaning{}, unsupported("the colour space %v: where its highlights beyond white belong in sRGB is not defined", s)
	case jp2.CIEJab:
		return meaning{}, unsupported("the colour space %v: it depends on viewing conditions that files do not say", s)
	}
	return meaning{}, unsupported("the colour space %v", s)
}

// A coding is how luma and chroma are coded.
type coding struct {
	luma       raster.LumaWeights
	video      bool    // 8 bits have black at 16, white at 235 and chroma from 16 to 240, and more bits multiples of these
	reach      float64 // of chroma, 1 for -0.5 to 0.5
	complement bool    // of RGB, which is cyan, magenta and yellow
}

// meaning is colorsOf for luma and chroma.
func (c coding) meaning(f *jp2.File) (meaning, error) {
	if len(f.Layout.Colors) < 3 {
		return meaning{}, unsupported("%v of %d colours", f.Color, len(f.Layout.Colors))
	}
	r := raster.YCCRange{Luma: c.luma}
	for i, ends := range []*[2]float64{&r.Y, &r.Cb, &r.Cr} {
		d := f.ChannelDepth(f.Layout.Colors[i])
		if d.Bits > 32 || d.Bits < 8 && (c.video || c.reach != 1) {
			return meaning{}, unsupported("%v in samples of %d bits", f.Color, d.Bits)
		}
		// Signed samples come with half of their range added.
		most, zero := math.Ldexp(1, d.Bits)-1, 0.0
		one := most
		if i > 0 {
			zero = math.Ldexp(1, d.Bits-1)
		}
		if c.video {
			step := math.Ldexp(1, d.Bits-8)
			one = 219 * step
			if i > 0 {
				one = 224 * step
			} else {
				zero = 16 * step
			}
		}
		if i > 0 {
			one /= c.reach
		}
		ends[0], ends[1] = -zero/one, (most-zero)/one
		if c.complement {
			ends[0], ends[1] = -ends[0], -ends[1]
		}
	}
	if c.complement {
		r.Y[0], r.Y[1] = 1+r.Y[0], 1+r.Y[1]
	}
	return meaning{colors: 3, steps: []step{raster.NewYCC(r)}, offset: true}, nil
}

// primariesOf is colorsOf for code points of H.273: of its Table 2 the primaries
// under D65, of Table 3 the curves of video and sRGB, which are shown alike, and
// of Table 4 RGB and the non-constant lumas.
func primariesOf(f *jp2.File, p jp2.Primaries) (m meaning, err error) {
	c := coding{luma: raster.BT601(), video: !p.FullRange, reach: 1}
	switch p.Matrix {
	case 0:
		m = meaning{colors: 3}
		if c.video {
			m.scaling, m.offset = videoScale, true
		}
	case 1:
		c.luma = raster.BT709()
	case 5, 6:
	case 9:
		c.luma = raster.BT2020()
	default:
		return meaning{}, unsupported("colours with the matrix coefficients %d", p.Matrix)
	}
	if p.Matrix != 0 {
		if m, err = c.meaning(f); err != nil {
			return meaning{}, err
		}
	}
	switch p.Transfer {
	case 1, 6, 13, 14, 15:
	default:
		return meaning{}, unsupported("colours with the transfer characteristics %d", p.Transfer)
	}
	var rgb raster.Matrix3
	switch d65 := raster.D65(); p.Colors {
	case 1:
		full601 := p.Matrix == 5 || p.Matrix == 6
		m.luma, m.jpeg = p.FullRange && full601, p.FullRange && full601
		return m, nil
	case 5:
		rgb = raster.Primaries(0.64, 0.33, 0.29, 0.60, 0.15, 0.06, d65)
	case 6, 7:
		rgb = raster.Primaries(0.630, 0.340, 0.310, 0.595, 0.155, 0.070, d65)
	case 9:
		rgb = raster.Primaries(0.708, 0.292, 0.170, 0.797, 0.131, 0.046, d65)
	case 12:
		rgb = raster.Primaries(0.680, 0.320, 0.265, 0.690, 0.150, 0.060, d65)
	default:
		return meaning{}, unsupported("colours with the primaries %d", p.Colors)
	}
	m.steps = append(m.steps, raster.NewShaper(raster.SRGBFromXYZ(raster.D65()).Mul(rgb), raster.SRGBToLinear))
	return m, nil
}

// labOf is the conversion of CIELab with its parameters (M.11.7.4.1 of Part 2).
func labOf(f *jp2.File) (*raster.Lab, error) {
	p := f.Color.Lab
	if p == nil || len(f.Layout.Colors) < 3 {
		return nil, unsupported("CIELab of %d colours", len(f.Layout.Colors))
	}
	var r raster.LabRange
	for i, v := range []*[2]float64{&r.L, &r.A, &r.B} {
		d := f.ChannelDepth(f.Layout.Colors[i])
		if d.Bits > 32 {
			return nil, unsupported("samples of %d bits", d.Bits)
		}
		most := float64(int64(1)<<d.Bits - 1)
		lo := 0.0
		if d.Signed {
			lo = -float64(int64(1) << (d.Bits - 1))
		}
		v[0] = (lo - float64(p.Offset[i])) * float64(p.Range[i]) / most
		v[1] = v[0] + float64(p.Range[i])
	}
	white, ok := whiteOf(p.Illuminant)
	if !ok {
		return nil, unsupported("CIELab under the illuminant %v", p.Illuminant)
	}
	r.White = white
	return raster.NewLab(r), nil
}

// whiteOf is the white of an illuminant (Table M.29 of Part 2), for the 2 degree
// observer of CIE 15.
func whiteOf(i jp2.Illuminant) (xyz [3]float64, ok bool) {
	var x, y float64
	switch i {
	case jp2.D50, 0:
		return raster.D50(), true
	case jp2.D65:
		return raster.D65(), true
	case jp2.D75:
		x, y = 0.29902, 0.31485
	case jp2.IlluminantA:
		x, y = 0.44757, 0.40745
	case jp2.IlluminantC:
		x, y = 0.31006, 0.31616
	case jp2.IlluminantF2:
		x, y = 0.37208, 0.37529
	case jp2.IlluminantF7:
		x, y = 0.31292, 0.32933
	case jp2.IlluminantF11:
		x, y = 0.38052, 0.37713
	default:
		return xyz, false
	}
	return [3]float64{x / y, 1, (1 - x - y) / y}, true
}

// profileOf is colorsOf for an ICC profile.
func profileOf(data []byte, how ColorHandling) (meaning, error) {
	h, err := jp2.ParseProfile(data)
	if err != nil {
		return meaning{}, unsupported("an ICC profile that is none")
	}
	m := meaning{icc: data}
	switch h.Space {
	case "GRAY":
		m.colors = 1
	case "RGB ":
		m.colors = 3
	case "CMYK":
		m.colors = 4
	default:
		return meaning{}, unsupported("an ICC profile for the colour space %q", h.Space)
	}
	switch how {
	case IgnoreProfile:
		m.icc = nil
	case ToSRGB:
		err = m.toSRGB()
	}
	return m, err
}

// toSRGB adds the step from the profile's colours to sRGB, if there is a
// profile.
func (m *meaning) toSRGB() error {
	if m.icc == nil {
		return nil
	}
	p, err := icc.Parse(m.icc)
	var c *icc.Converter
	if err == nil {
		c, err = p.Converter()
	}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("tile: converting to sRGB: %w", err)
	case err != nil:
		return unsupported("converting to sRGB: %v", err)
	}
	m.icc, m.steps = nil, append(m.steps, c)
	return nil
}

// newConversion works out how the pixels that req asks for are made of f.
func newConversion(f *jp2.File, req Request) (*conversion, error) {
	if req.Bands != nil {
		var err error
		if f, err = bandsOf(f, req); err != nil {
			return nil, err
		}
	}
	if req.Format == Coded {
		return &conversion{format: Coded}, nil
	}
	if req.Quality > Bitonal || req.Color > IgnoreProfile {
		return nil, requestError("quality %d, colour handling %d", req.Quality, req.Color)
	}
	m, err := colorsOf(f, req.Color)
	if err != nil {
		return nil, err
	}
	l := f.Layout
	if len(l.Colors) != m.channels() {
		return nil, unsupported("%v with %d colours", f.Color, len(l.Colors))
	}
	m.jpeg = m.jpeg && depthOf(f, l.Colors) >= 8 // fewer bits have no middle there
	c := &conversion{step: newGrid(f.Header, 0).step}
	k := kind{colors: m.colors, alpha: l.Alpha >= 0}
	for _, ch := range l.Colors {
		k.wide = k.wide || f.ChannelDepth(ch).Bits > 8
	}
	if l.Premultiplied && m.offset {
		return nil, unsupported("opacity premultiplied with colours in %v", f.Color)
	}
	if err := k.settle(&m, req, l.Premultiplied); err != nil {
		return nil, err
	}
	if c.format, err = k.format(req); err != nil {
		return nil, err
	}
	c.fringes = k.alpha && !l.Premultiplied
	c.icc, c.bitonal = m.icc, req.Quality == Bitonal
	c.steps, c.luma, c.blackless = m.steps, k.luma, m.blackless
	c.four = m.colors != 1 || k.alpha
	colors := l.Colors
	switch {
	case m.luma && k.luma: // there it is
		colors, c.steps, c.luma, c.four = colors[:1], nil, false, false
	case m.jpeg && !k.alpha && c.format == YCbCr8:
		c.steps, c.planar = nil, true
	}
	c.wide = c.format.Depth() == 16 || k.wide && (len(c.steps) > 0 || c.luma)

	// The channels. Those of grey with opacity are three times the same.
	for i, ch := range colors {
		if err := c.use(f, ch, m.scaling, c.planar && i > 0); err != nil {
			return nil, err
		}
	}
	if m.colors == 1 && c.four {
		c.channels = append(c.channels, c.channels[0], c.channels[0])
	}
	if k.alpha {
		if err := c.use(f, l.Alpha, wholeScale, false); err != nil {
			return nil, err
		}
	}
	for i := range c.channels {
		c.components = append(c.components, c.channels[i].component)
	}
	c.shortcut(f, k, m)
	return c, nil
}

// bandsOf is f as if it had the bands asked for and no others, whatever it says of
// its colours: what newConversion looks at.
func bandsOf(f *jp2.File, req Request) (*jp2.File, error) {
	n := len(req.Bands)
	if req.Format == Coded {
		return nil, requestError("bands of coded samples")
	}
	if n < 1 || n > 4 {
		return nil, requestError("%d bands, 1 to 4 can be shown", n)
	}
	b := &jp2.File{Header: f.Header, Color: jp2.Color{Method: jp2.Enumerated, Space: jp2.Grey, Assumed: true},
		Layout: jp2.Layout{Alpha: -1}}
	for i, band := range req.Bands {
		if band < 0 || band >= len(f.Header.Components) {
			return nil, requestError("band %d, the image has %d and they are counted from 0", band, len(f.Header.Components))
		}
		b.Layout.Channels = append(b.Layout.Channels, jp2.Mapping{Component: band, Column: jp2.Direct})
		if n%2 == 0 && i == n-1 {
			b.Layout.Alpha = i
		} else {
			b.Layout.Colors = append(b.Layout.Colors, i)
		}
	}
	if n > 2 {
		b.Color.Space = jp2.SRGB
	}
	return b, nil
}

// depthOf is the smallest depth of some channels.
func depthOf(f *jp2.File, channels []int) int {
	least := 32
	for _, ch := range channels {
		least = min(least, f.ChannelDepth(ch).Bits)
	}
	return least
}

// use makes a channel of the image the next of the conversion; chroma says that
// it is one of JPEG's, without a step to come.
func (c *conversion) use(f *jp2.File, ch int, s scaling, chroma bool) error {
	m, depth := f.Layout.Channels[ch], f.ChannelDepth(ch)
	comp := &f.Header.Components[m.Component]
	if depth.Bits > 32 || comp.Depth > 32 {
		return unsupported("samples of %d bits", max(depth.Bits, comp.Depth))
	}
	if divideCeil(f.Header.Bounds, comp.Sub, 0).Empty() {
		return unsupported("component %d, subsampled %dx%d, has no sample in the image",
			m.Component, comp.Sub.X, comp.Sub.Y)
	}
	to := channel{component: m.Component, sub: comp.Sub}
	switch {
	case s == extendedScale && (depth.Signed || depth.Bits < 10 || depth.Bits > 16):
		return unsupported("%v in samples of %d bits, signed %t", f.Color.Space, depth.Bits, depth.Signed)
	case s == extendedScale:
		to.scale = raster.NewExtendedScale(depth.Bits)
	case s == videoScale && (depth.Signed || depth.Bits < 8):
		return unsupported("RGB of video in samples of %d bits, signed %t", depth.Bits, depth.Signed)
	case s == videoScale:
		to.scale = raster.NewScaleBetween(16<<(depth.Bits-8), 235<<(depth.Bits-8))
	case chroma:
		to.scale = raster.NewChromaScale(depth.Bits, depth.Signed)
	default:
		for _, d := range c.channels {
			// Tables are shared.
			n := f.Header.Components[d.component]
			if d.palette == nil && m.Column == jp2.Direct && n.Depth == depth.Bits && n.Signed == depth.Signed {
				to.scale = d.scale
			}
		}
		if to.scale == nil {
			to.scale = raster.NewScale(depth.Bits, depth.Signed)
		}
	}
	if m.Column != jp2.Direct {
		c.palettes = true
		to.palette = f.Palette.Columns[m.Column].Values
		to.to8 = make([]uint8, len(to.palette))
		to.to16 = make([]uint16, len(to.palette))
		wide := make([]byte, 2*len(to.palette))
		raster.Scale8(to.to8, 1, to.palette, to.scale)
		raster.Scale16(wide, 2, to.palette, to.scale)
		for i := range to.to16 {
			to.to16[i] = uint16(wide[2*i])<<8 | uint16(wide[2*i+1])
		}
	}
	if to.sub != c.step {
		c.far = max(c.far, to.sub.X, to.sub.Y)
	}
	c.channels = append(c.channels, to)
	return nil
}

// shortcut finds out whether luma and chroma as they are coded will do: where
// the irreversible component transform is left out, component 0 is the luma of
// BT.601 and, with 8 bits, 1 and 2 are the Cb and Cr of JPEG.
func (c *conversion) shortcut(f *jp2.File, k kind, m meaning) {
	small := !k.wide && !k.alpha && !k.luma
	c.cheap = small && m.jpeg
	h, l := f.Header, f.Layout
	if m.scaling != wholeScale || m.colors != 3 || len(m.steps) > 0 || k.alpha || !h.Coding.MCT || len(h.Components) < 3 {
		return
	}
	first := &h.Components[0]
	for i, ch := range l.Colors {
		comp := &h.Components[i]
		if l.Channels[ch] != (jp2.Mapping{Component: i, Column: jp2.Direct}) || comp.Reversible ||
			comp.Sub != first.Sub || comp.Depth != first.Depth || comp.Signed != first.Signed {
			return
		}
	}
	c.cheap = c.cheap || small && first.Depth == 8 && !first.Signed
	direct := *c
	switch {
	case k.luma:
		direct.channels, direct.luma, direct.four = c.channels[:1], false, false
		direct.wide = c.format.Depth() == 16
	case c.format == YCbCr8 && first.Depth == 8 && !first.Signed:
		direct.planar = true
	default:
		return
	}
	if k.luma {
		c.components = []int{0}
	}
	c.coded = &direct
}

// of returns the conversion for the samples of a selection.
func (c *conversion) of(s *codestream.Selection) *conversion {
	if c.coded != nil && s != nil && s.Window().NoICT {
		return c.coded
	}
	return c
}
