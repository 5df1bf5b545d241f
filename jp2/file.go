package jp2

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"sync/atomic"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/grid"
)

// A File is an open image: the headers of a JP2, JPX or JPH file or of a
// codestream that stands alone. Its exported fields are the inspection and must
// not be changed. It is safe for concurrent use if its source is.
type File struct {
	Header *codestream.Header

	// Tag may be set, before the file is used, to what identifies the content of the
	// source, such as an ETag: files of the same size and Tag are taken for the same
	// image by caches of decoded blocks. Empty: each File is an image of its own.
	Tag string

	// Brand is BR of the file type box ("jp2 ", "jpx ", "jph "), Compatible its
	// compatibility list. Both are empty for a bare codestream.
	Brand      string
	Compatible []string

	// Boxes is what the file is made of, in order, up to its second codestream
	// if it has several; nil for a bare codestream.
	Boxes []Box

	// Color is what the colours are. Of several specifications it is the one
	// that can be made most use of, then the one with the highest precedence,
	// then the one with the best approximation, then the first; a JPX
	// compositing layer's own come before those of the JP2 header. A
	// specification for more colours than the image has channels is passed over,
	// and so are one that is not known, one with a broken profile and a profile for
	// grey of an image with three or more. If none is left, or there are no boxes,
	// Color is assumed, as the package's documentation says, and never has a Box.
	Color Color
	// Colors is all specifications, in the order of the file.
	Colors []Color

	Palette    *Palette  // nil without
	Mapping    []Mapping // component mapping, nil without
	Channels   []Channel // channel definitions, nil without
	Layout     Layout    // what follows from these and Color
	Resolution Resolution

	// Warnings is what was wrong and could be passed over.
	Warnings []Warning

	// choices is what Color was chosen from.
	choices []Color

	r     *codestream.Source
	size  int64
	owned *os.File // closed by Close
	index atomic.Pointer[codestream.Index]
}

// NewFile opens the image in r, which has size bytes. It reads headers only, in
// as few reads as it can; contents of boxes that do not concern the image are
// not read. r stays the caller's and must work as long as the File is used.
//
// Errors about the image match [codestream.ErrFormat], those about legal things
// that Stria does not do match [errors.ErrUnsupported], and whatever r fails with,
// the end of its data before size included, is a [codestream.SourceError].
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	source := codestream.NewSource(r, size)
	f := &File{r: source, size: size}
	p := &parser{window: window{r: source, size: size}}
	start, err := p.bytes(0, int(min(max(size, 0), int64(len(signature)))))
	if err != nil {
		return nil, readError(0, "signature", err)
	}
	switch {
	case len(start) >= 4 && string(start[:4]) == "\xFF\x4F\xFF\x51": // SOC, SIZ
		err = f.bare(p)
	case string(start) == signature:
		err = f.boxed(p)
	default:
		err = formatError(0, "signature", "neither a JP2 file nor a codestream")
	}
	if err != nil {
		return nil, err
	}
	if f.Bounds().Empty() {
		return nil, formatError(f.Header.Span.Off, "SIZ", "the image has no samples")
	}
	f.index.Store(codestream.NewIndex(source, f.Header))
	return f, nil
}

// bare opens a codestream that stands alone.
func (f *File) bare(p *parser) error {
	h, err := codestream.ReadHeader(p, codestream.Span{Off: 0, Len: f.size})
	if err != nil {
		return err
	}
	f.Header = h
	f.interpret(p, &header{}, identity(len(h.Components)))
	return nil
}

// boxed opens a file made of boxes.
func (f *File) boxed(p *parser) error {
	boxes, err := p.file()
	if err != nil {
		return err
	}
	if p.stream == nil {
		if p.fragments {
			return unsupported(0, "file", "the codestream is in fragments or a movie")
		}
		return formatError(f.size, typeJP2C, "the file has none")
	}
	f.Boxes = boxes
	if p.ftyp != nil {
		f.Brand, f.Compatible = p.ftyp.Brand, p.ftyp.Compatible
	} else {
		p.warn(0, typeFtyp, "the file has none")
	}

	// Layer by layer, from what gives way to what prevails.
	h := p.stray
	for _, over := range []*header{p.jp2h, p.jpch, p.jplh} {
		if over != nil {
			h = over.over(h)
		}
	}
	if h.ihdr == nil {
		return formatError(f.size, typeIhdr, "the file has none")
	}

	f.Header = p.stream
	if err := p.checkComponents(&h, f.Header); err != nil {
		return err
	}
	channels, err := p.channels(&h, len(f.Header.Components))
	if err != nil {
		return err
	}
	f.interpret(p, &h, channels)
	return nil
}

// interpret fills in what the colours and channels are.
func (f *File) interpret(p *parser, h *header, channels []Mapping) {
	bare := f.Boxes == nil
	if h.palette != nil && h.deeper != "" {
		p.warnColors(h.paletteOff, typePclr, "%s", h.deeper)
	}
	if h.unread {
		p.warnColors(h.defsOff, typeCdef, "passed over, the channels are taken in order")
	}
	defs, note := soundChannels(h.defs, len(channels))
	if note != "" {
		p.warnColors(h.defsOff, typeCdef, "%s", note)
	}
	h.defs = defs
	n := colorChannels(len(channels), defs)
	if i := chooseColor(h.colors, n); i >= 0 {
		f.Color = h.colors[i]
	} else {
		f.Color = assumedColor(f.Header, h.palette, h.broken, n)
		switch {
		case len(h.colors) > 0:
			p.warnColors(h.colors[0].Box.Off, typeColr, "%v cannot be used for %s: the colours are taken for %v",
				h.colors[0], plural(n, "channel"), f.Color.Space)
		case !bare:
			p.warnColors(f.Header.Span.Off, typeColr, "the file has none: the colours are taken for %v", f.Color.Space)
		}
	}
	typed := colorTyped(len(channels), defs)
	switch said := f.Color; {
	case said.Assumed:
	case said.Channels() == 1 && fromPalette(channels) >= 3 && typed >= 3:
		// The columns say what they are (I.5.3.4), and three are not grey.
		f.Color = Color{Method: Enumerated, Space: SRGB, Assumed: true}
		p.warnColors(said.Box.Off, typeColr, "%v with a palette of %d columns, which are taken for sRGB", said, fromPalette(channels))
	case said.Channels() < typed:
		p.warnColors(said.Box.Off, typeColr, "%v for %d channels: %d shown, the others are not",
			said, typed, said.Channels())
	}
	// Nobody subsamples green and blue: such files have YCbCr and the wrong
	// number, and other readers take them so.
	if f.Color.Method == Enumerated && f.Color.Space == SRGB && h.palette == nil &&
		chromaSubsampled(f.Header) {
		p.warnColors(f.Color.Box.Off, typeColr, "sRGB with subsampled components is taken as sYCC")
		f.Color.Space, f.Color.Assumed = SYCC, true
	}

	f.Colors, f.choices = p.colors, h.colors
	f.Palette, f.Mapping, f.Channels = h.palette, h.mapping, h.defs
	f.Resolution = h.resolution
	f.Layout, note = newLayout(channels, defs, &f.Color, bare)
	switch {
	case note != "" && bare:
		p.warnColors(f.Header.Span.Off, "SIZ", "%s", note)
	case note != "":
		p.warnColors(h.defsOff, typeCdef, "%s", note)
	}
	if f.Color.Lab == nil && f.Color.Space.params() > 0 && f.Color.Method == Enumerated {
		depths := make([]Depth, len(f.Layout.Colors))
		for i, c := range f.Layout.Colors {
			depths[i] = f.ChannelDepth(c)
		}
		f.Color.Lab = defaultLab(f.Color.Space, depths)
	}
	f.Warnings = p.warnings
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Open opens the image in the named file. Close closes it.
func Open(name string) (*File, error) {
	o, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("jp2: %w", err)
	}
	info, err := o.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		o.Close()
		return nil, fmt.Errorf("jp2: %s: %w", name, err)
	}
	f, err := NewFile(o, info.Size())
	if err != nil {
		o.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.owned = o
	return f, nil
}

// Close closes the file if Open opened it. Closing it again is harmless.
func (f *File) Close() error {
	if f.owned == nil {
		return nil
	}
	if err := f.owned.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("jp2: %w", err)
	}
	return nil
}

// Bounds is the image in pixels, its Min at (0,0). A pixel is a sample of the
// finest component: the one with the smallest XRsiz, and likewise for YRsiz.
func (f *File) Bounds() image.Rectangle {
	g := f.Header.Components[0].Sub
	for _, c := range f.Header.Components {
		g.X, g.Y = min(g.X, c.Sub.X), min(g.Y, c.Sub.Y)
	}
	b := f.Header.Bounds
	r := grid.RectOf(b).CeilDiv(int64(g.X), int64(g.Y)).Rectangle()
	return r.Sub(r.Min)
}

// ChannelDepth is the depth of the samples of a channel: those of its palette
// column, or of its component.
func (f *File) ChannelDepth(channel int) Depth {
	m := f.Layout.Channels[channel]
	if m.Column != Direct {
		return f.Palette.Columns[m.Column].Depth
	}
	c := f.Header.Components[m.Component]
	return Depth{Bits: c.Depth, Signed: c.Signed}
}

// Data gives the contents of a box, one of f's.
func (f *File) Data(b Box) *io.SectionReader {
	return io.NewSectionReader(f.r, b.Payload.Off, b.Payload.Len)
}

// Source reads what f was opened from, and fails as NewFile does.
func (f *File) Source() *codestream.Source { return f.r }

// Size is the size of the source in bytes.
func (f *File) Size() int64 { return f.size }

// Index is the index of the codestream, shared by everyone who holds f.
func (f *File) Index() *codestream.Index { return f.index.Load() }

// SetIndex makes x the index of the codestream, for one that was kept from
// another time. It fails when x is not of this codestream.
func (f *File) SetIndex(x *codestream.Index) error {
	if x == nil || !sameStream(x.Header(), f.Header) {
		return errors.New("jp2: the index is that of another image")
	}
	f.index.Store(x)
	return nil
}

// sameStream reports whether two headers can be of the same codestream.
func sameStream(a, b *codestream.Header) bool {
	return a == b || a.Span == b.Span && a.FirstPart == b.FirstPart &&
		a.Bounds == b.Bounds && a.FirstTile == b.FirstTile &&
		len(a.Components) == len(b.Components)
}
