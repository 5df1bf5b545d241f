// This file implements the writing of files: all that comes before the bytes
// of the codestream.

package jp2

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
)

// A Preamble is what a JP2 file has before the bytes of its codestream: the
// signature, the file type, the JP2 header, metadata and the header of the
// codestream's box. [File.Preamble] makes one for a codestream cut out of
// another file.
type Preamble struct {
	// Brand is BR of the file type: "jp2 " if empty. JPH files, which have
	// High-Throughput code-blocks, are "jph ".
	Brand string

	// Size is the extent of the codestream's image area on its reference grid,
	// and Depths has one entry for each of its components.
	Size   image.Point
	Depths []Depth

	// Colors is at least one specification, the best first. UnknownColor says
	// that it is a guess.
	Colors       []Color
	UnknownColor bool

	Palette    *Palette  // nil for none
	Mapping    []Mapping // needed with a palette, and only then
	Channels   []Channel // nil when the channels are the colours in their order
	Resolution Resolution

	// Boxes are written after the JP2 header: "xml ", "uuid" and the like.
	Boxes []RawBox
}

// UnknownLength is the length of a codestream that is not known beforehand. It
// must end the file.
const UnknownLength = -1

// Append appends the preamble of a codestream of so many bytes to dst. The
// error says what is wrong with p; nothing has been appended then.
func (p *Preamble) Append(dst []byte, length int64) ([]byte, error) {
	if err := p.check(length); err != nil {
		return dst, fmt.Errorf("jp2: cannot write: %w", err)
	}
	t := fileType{Brand: p.Brand, Compatible: []string{"jp2 "}}
	if t.Brand == "" {
		t.Brand = "jp2 "
	}
	if t.Brand != "jp2 " {
		// A reader of Part 1 alone cannot do anything with the file.
		t.Compatible = []string{t.Brand}
	}
	h := imageHeader{Size: p.Size, Components: len(p.Depths), Depth: p.Depths[0],
		Compression: jpeg2000, UnknownColor: p.UnknownColor}
	varies := slices.ContainsFunc(p.Depths, func(d Depth) bool { return d != h.Depth })
	if varies {
		h.Depth = Depth{}
	}

	dst = append(dst, signature...)
	dst = t.append(dst)
	dst = appendBox(dst, typeJP2H, func(dst []byte) []byte {
		dst = h.append(dst)
		if varies {
			dst = appendBpcc(dst, p.Depths)
		}
		for _, c := range p.Colors {
			dst = c.append(dst)
		}
		if p.Palette != nil {
			dst = p.Palette.append(dst)
			dst = appendCmap(dst, p.Mapping)
		}
		if p.Channels != nil {
			dst = appendCdef(dst, p.Channels)
		}
		if p.Resolution.Capture.Known() || p.Resolution.Display.Known() {
			dst = p.Resolution.append(dst)
		}
		return dst
	})
	for _, b := range p.Boxes {
		dst = b.append(dst)
	}
	return appendBoxHeader(dst, typeJP2C, length), nil
}

// check finds what cannot be written or would not be read again.
func (p *Preamble) check(length int64) error {
	switch {
	case length < UnknownLength || length > math.MaxInt64-maxBoxHeader:
		return fmt.Errorf("a codestream of %d bytes", length)
	case p.Brand != "" && len(p.Brand) != 4:
		return fmt.Errorf("brand %q", p.Brand)
	case p.Size.X < 1 || p.Size.Y < 1 ||
		int64(p.Size.X) > math.MaxUint32 || int64(p.Size.Y) > math.MaxUint32:
		return fmt.Errorf("an image of %v", p.Size)
	case len(p.Depths) < 1 || len(p.Depths) > maxComponents:
		return fmt.Errorf("%d components", len(p.Depths))
	case len(p.Colors) == 0:
		return errors.New("no colour specification")
	case (p.Palette == nil) != (p.Mapping == nil):
		return errors.New("a palette and a mapping need each other")
	case p.Channels != nil && (len(p.Channels) < 1 || len(p.Channels) > maxChannels):
		return fmt.Errorf("%d channel definitions", len(p.Channels))
	}
	for _, d := range p.Depths {
		if d.Bits < 1 || d.Bits > 38 {
			return fmt.Errorf("components of %d bits", d.Bits)
		}
	}
	for _, c := range p.Colors {
		if c.Method == Vendor && len(c.Vendor) != uuidLen {
			return errors.New("a vendor's colour without a vendor")
		}
		if (c.Method == RestrictedICC || c.Method == AnyICC) && c.Channels() == 0 {
			return errors.New("an ICC profile that is none")
		}
	}
	channels := len(p.Depths)
	if p.Palette != nil {
		if err := p.Palette.check(); err != nil {
			return err
		}
		if _, note, err := checkMapping(p.Mapping, len(p.Depths), p.Palette, 0); err != nil {
			return err
		} else if note != "" || len(p.Mapping) > maxChannels {
			return errors.New("a mapping that leaves palette columns out or is too long")
		}
		channels = len(p.Mapping)
	}
	for _, b := range p.Boxes {
		if len(b.Type) != 4 {
			return fmt.Errorf("box type %q", b.Type)
		}
	}
	if _, note := soundChannels(p.Channels, channels); note != "" {
		return errors.New(note)
	}
	return nil
}

// check finds what a palette box cannot hold.
func (p *Palette) check() error {
	if len(p.Columns) < 1 || len(p.Columns) > maxColumns ||
		p.Entries() < 1 || p.Entries() > maxEntries {
		return errors.New("a palette of no size or too large")
	}
	for _, c := range p.Columns {
		if c.Bits < 1 || c.Bits > maxColumnBits || len(c.Values) != p.Entries() {
			return errors.New("a palette column of another length or too deep")
		}
	}
	return nil
}

// Preamble is what belongs before a codestream that has components of f's, the
// numbers of which are in components (nil for all), with so many resolutions
// dropped. size is the extent of its image area on its own reference grid. The
// result may be added to; it shares slices with f that must not be changed.
//
// Without some of the colours what is left is grey if it is one channel;
// otherwise the error matches [errors.ErrUnsupported].
func (f *File) Preamble(size image.Point, components []int, reduce int) (*Preamble, error) {
	if components == nil {
		for i := range f.Header.Components {
			components = append(components, i)
		}
	}
	p := &Preamble{Size: size, Resolution: f.Resolution, UnknownColor: f.Color.Assumed}
	if c := f.Header.CAP; c != nil && c.Pcap&pcapHT != 0 {
		p.Brand = "jph "
	}
	// Reduced by n, a pixel is 2^n times as large.
	if s := math.Ldexp(1, -reduce); s != 1 {
		p.Resolution.Capture = p.Resolution.Capture.Scaled(s, s)
		p.Resolution.Display = p.Resolution.Display.Scaled(s, s)
	}
	for _, n := range components {
		if n < 0 || n >= len(f.Header.Components) {
			return nil, fmt.Errorf("jp2: component %d of %d", n, len(f.Header.Components))
		}
		c := f.Header.Components[n]
		p.Depths = append(p.Depths, Depth{Bits: c.Depth, Signed: c.Signed})
	}

	// The channels that are left, by their old numbers.
	var kept []int
	for i, m := range f.Layout.Channels {
		if to := slices.Index(components, m.Component); to >= 0 {
			kept = append(kept, i)
			if f.Palette != nil {
				p.Mapping = append(p.Mapping, Mapping{Component: to, Column: m.Column})
			}
		}
	}
	if f.Palette == nil {
		// Channels are components, in the new order.
		kept = kept[:0]
		for _, n := range components {
			kept = append(kept, slices.IndexFunc(f.Layout.Channels,
				func(m Mapping) bool { return m.Component == n }))
		}
	} else if !slices.ContainsFunc(p.Mapping, func(m Mapping) bool { return m.Column != Direct }) {
		p.Mapping = nil // the palette's component is gone
	} else {
		p.Palette = f.Palette
	}
	if err := f.colorsOf(p, kept); err != nil {
		return nil, err
	}
	return p, nil
}

// pcapHT is the bit of Pcap for Part 15.
const pcapHT = 1 << (32 - 15)

// colorsOf gives p the colours and channel definitions of f, of whose channels
// only those in kept are left.
func (f *File) colorsOf(p *Preamble, kept []int) error {
	colors := f.Layout.Colors
	whole := true
	left := 0
	for _, c := range colors {
		if slices.Contains(kept, c) {
			left++
		} else {
			whole = false
		}
	}
	switch {
	case whole:
		p.Colors = append(p.Colors, f.Color)
		for i := range f.choices {
			c := &f.choices[i]
			// Beside colours that are assumed, only what others may know is kept.
			profile := c.Method == RestrictedICC || c.Method == AnyICC
			if c.Box != f.Color.Box && !(profile && c.ICC == nil) && !(f.Color.Assumed && c.Channels() > 0) {
				p.Colors = append(p.Colors, *c)
			}
		}
	case len(kept) > 0 && left <= 1:
		p.Colors, p.UnknownColor = []Color{{Method: Enumerated, Space: Grey}}, true
		colors = []int{kept[0]}
		for _, c := range kept {
			if slices.Contains(f.Layout.Colors, c) {
				colors[0] = c
			}
		}
	default:
		return fmt.Errorf("jp2: %d of the %d colours of %v: %w",
			left, len(colors), f.Color, errors.ErrUnsupported)
	}
	plain := true // the channels are the colours in their order
	for i, c := range kept {
		d := Channel{Index: i, Type: Unspecified, Assoc: NoColor}
		n := slices.Index(colors, c)
		if n >= 0 {
			d.Type, d.Assoc = ColorChannel, n+1
		} else if c == f.Layout.Alpha {
			d.Type, d.Assoc = Opacity, WholeImage
			if f.Layout.Premultiplied {
				d.Type = Premultiplied
			}
		}
		plain = plain && n == i
		p.Channels = append(p.Channels, d)
	}
	if plain {
		p.Channels = nil
	}
	return nil
}
