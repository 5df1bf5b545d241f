// This file says what the colours of an image are taken for and how they are
// shown; the package's documentation has it as a table.

package tile

import (
	"errors"
	"fmt"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/icc"
	"github.com/stria-j2k/stria/internal/raster"
	"github.com/stria-j2k/stria/jp2"
)

// A meaning is what the colours of an image are.
type meaning struct {
	colors   int    // 1: grey, 3: RGB, 4: cyan, magenta, yellow and black
	steps    []step // that take the samples there
	icc      []byte // the profile that the colours are in; nil for sRGB and its grey
	ycc      bool   // the steps are those of YCbCr, and the first channel is the luma
	extended bool   // black and white leave room for more, as in e-sRGB
	offset   bool   // black is not all zeros
}

// colorsOf finds out what f's colours are.
func colorsOf(f *jp2.File, how ColorHandling) (meaning, error) {
	c := &f.Color
	switch c.Method {
	case jp2.Enumerated:
		return spaceOf(f, c.Space)
	case jp2.RestrictedICC, jp2.AnyICC:
		return profileOf(c.ICC, how)
	case jp2.Parameterized:
		// Of the code points of H.273 those that are sRGB: its primaries and
		// its curve, as RGB or as full-range YCbCr of BT.601.
		p := c.Primaries
		if p.Colors == 1 && p.Transfer == 13 && p.FullRange {
			switch p.Matrix {
			case 0:
				return spaceOf(f, jp2.SRGB)
			case 5, 6:
				return spaceOf(f, jp2.SYCC)
			}
		}
		return meaning{}, unsupported("colours with primaries %d, transfer characteristics %d and matrix %d",
			p.Colors, p.Transfer, p.Matrix)
	}
	return meaning{}, unsupported("colours specified by the method %q", c.Method)
}

// spaceOf is colorsOf for an enumerated colour space.
func spaceOf(f *jp2.File, s jp2.Space) (meaning, error) {
	switch s {
	case jp2.Grey, jp2.Bilevel2:
		return meaning{colors: 1}, nil
	case jp2.Bilevel:
		return meaning{colors: 1, steps: []step{inverted{}}, offset: true}, nil
	case jp2.SRGB:
		return meaning{colors: 3}, nil
	case jp2.SYCC, jp2.YCbCr2:
		return meaning{colors: 3, steps: []step{raster.NewYCC(1)}, ycc: true, offset: true}, nil
	case jp2.ESRGB:
		return meaning{colors: 3, extended: true, offset: true}, nil
	case jp2.ROMM:
		return meaning{colors: 3, steps: []step{raster.NewROMM()}}, nil
	case jp2.CMYK:
		return meaning{colors: 4}, nil
	case jp2.CIELab:
		lab, err := labOf(f)
		return meaning{colors: 3, steps: []step{lab}, offset: true}, err
	}
	return meaning{}, unsupported("the colour space %v", s)
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
	switch p.Illuminant {
	case jp2.D50, 0:
		r.White = raster.D50()
	case jp2.D65:
		r.White = raster.D65()
	default:
		return nil, unsupported("CIELab under the illuminant %v", p.Illuminant)
	}
	return raster.NewLab(r), nil
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
	if len(l.Colors) != m.colors {
		return nil, unsupported("%v with %d colours", f.Color, len(l.Colors))
	}
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
	c.icc, c.bitonal = m.icc, req.Quality == Bitonal
	c.steps, c.luma = m.steps, k.luma
	c.four = m.colors != 1 || k.alpha
	colors := l.Colors
	if m.ycc && !k.alpha {
		switch {
		case k.luma: // there it is
			colors, c.steps, c.luma, c.four = colors[:1], nil, false, false
		case c.format == YCbCr8:
			c.steps, c.planar = nil, true
		}
	}
	c.wide = c.format.Depth() == 16 || k.wide && (len(c.steps) > 0 || c.luma)

	// The channels. Those of grey with opacity are three times the same.
	for _, ch := range colors {
		if err := c.use(f, ch, m.extended); err != nil {
			return nil, err
		}
	}
	if m.colors == 1 && c.four {
		c.channels = append(c.channels, c.channels[0], c.channels[0])
	}
	if k.alpha {
		if err := c.use(f, l.Alpha, false); err != nil {
			return nil, err
		}
	}
	for i := range c.channels {
		c.components = append(c.components, c.channels[i].component)
	}
	c.shortcut(f, k, m)
	return c, nil
}

// use makes a channel of the image the next of the conversion.
func (c *conversion) use(f *jp2.File, ch int, extended bool) error {
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
	case extended && (depth.Signed || depth.Bits < 10 || depth.Bits > 16):
		return unsupported("%v in samples of %d bits, signed %t", f.Color.Space, depth.Bits, depth.Signed)
	case extended:
		to.scale = raster.NewExtendedScale(depth.Bits)
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
	c.cheap = small && m.ycc
	h, l := f.Header, f.Layout
	if m.extended || m.colors != 3 || len(m.steps) > 0 || k.alpha || !h.Coding.MCT || len(h.Components) < 3 {
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
