package encode

import (
	"context"
	"fmt"
	"image"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// JP2 writes JPEG 2000 without decoding or encoding anything: the code-blocks of
// the source go into a new file as they are, so nothing is lost and it takes
// little more than the time to copy them. Colours, palette, channels and
// resolution, scaled when reduced, are those of the source; of its quality
// layers there is one left. Its source must be [Coded], and Verbatim.
//
// A codestream cannot be cut anywhere. Every tile has a wavelet transform of its
// own, so whole tiles can be taken out and all their samples stay the same. Inside
// of a tile a cut has to go between code-blocks of all resolutions at once: that
// is every 2^(6+5) = 2048 pixels with code-blocks of 64 and five levels. And
// along such a cut the transform lacks what was beyond it, so that samples up to
// 5 * 2^levels pixels away come out a little different. Extent says what to do.
type JP2 struct {
	// Codestream leaves the boxes out: the file is a bare codestream, which has
	// no place for colours, resolution and metadata.
	Codestream bool

	// Extent says how much more than the region asked for may be written.
	Extent Extent

	// Boxes are the types of boxes to copy from the source as they are, of "xml",
	// "uuid", "uinf" and "jp2i". What they say may be about the whole image.
	// Nil: none.
	Boxes []string
}

// An Extent is how a region of JPEG 2000 data may be grown to where it can be cut.
type Extent uint8

// The extents.
const (
	// ExactRegion writes exactly the source's pixels. A region that is not one
	// of whole tiles is an error that matches errors.ErrUnsupported and says
	// which region would be one.
	ExactRegion Extent = iota

	// WholeTiles writes the tiles that the region touches: for an image that is
	// one tile, all of it. All samples are those of the source.
	WholeTiles

	// WholeBlocks cuts tiles between code-blocks, so far outside of the region
	// that all samples in it are those of the source. Those along the edges of
	// the file are close to the source's. The file's image offset says where
	// its pixels were; see [codestream.Extract.Exact] for which are true.
	WholeBlocks
)

// A Coded is a Source that is a part of a JPEG 2000 image. [tile.Plan] is one.
type Coded interface {
	Source

	// File is the image, and Windows are what the picture takes from its
	// codestream.
	File() *jp2.File
	Windows() iter.Seq[codestream.Window]

	// Verbatim reports whether the picture is what the image has there, reduced
	// at most: not scaled, turned or converted.
	Verbatim() bool

	// Reserve reserves so many bytes from the source's budget.
	Reserve(ctx context.Context, bytes int64) (release func(), err error)

	// Damaged is told what went wrong with a tile, and returns an error if that
	// is not to be passed over.
	Damaged(tile int, err error) error
}

// maxBoxBytes is how much of metadata boxes is copied, as they are held in
// memory.
const maxBoxBytes = 16 << 20

// MediaType returns "image/jp2", or "image/j2c" for a codestream.
func (f JP2) MediaType() string {
	if f.Codestream {
		return "image/j2c"
	}
	return "image/jp2"
}

// Accept implements [Accepter]. Pixels do not matter; a source that is made of
// nothing else is refused by Encode.
func (f JP2) Accept(size image.Point, pf tile.PixelFormat) (tile.PixelFormat, error) {
	if pf == tile.YCbCr8 {
		pf = tile.RGB8 // what a source is for that was made for this format
	}
	return pf, checkSize("JPEG 2000", size, 1<<31-1)
}

// Memory implements [Estimator]. It takes the picture to be one tile of three
// components with code-blocks of a thousand samples or more; Encode reserves
// what its source takes.
func (f JP2) Memory(size image.Point, _ tile.PixelFormat) int64 {
	return bufferMemory + copyMemory + int64(size.X)*int64(size.Y)*3*blockMemory/1024
}

const (
	// copyMemory bounds a buffer of packets, what is read for it, and metadata.
	copyMemory = 12<<20 + maxBoxBytes
	// blockMemory is what a code-block takes when it is selected, in bytes.
	blockMemory = 160
)

// memoryOf is what copying tiles of a codestream takes, one at a time.
func memoryOf(h *codestream.Header) int64 {
	tile := h.FirstTile.Intersect(h.Bounds)
	if h.NumTiles() > 1 {
		tile = h.FirstTile
	}
	n := int64(bufferMemory + copyMemory)
	for _, c := range h.Components {
		samples := int64(tile.Dx()/c.Sub.X+1) * int64(tile.Dy()/c.Sub.Y+1)
		n += (samples>>(c.XCB+c.YCB) + 1) * 2 * blockMemory
	}
	return n
}

// Encode implements [Format]. All that can be wrong with the source but a failing
// read is found before anything is written.
func (f JP2) Encode(ctx context.Context, w io.Writer, src Source) error {
	err := f.encode(ctx, w, src)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (f JP2) encode(ctx context.Context, w io.Writer, src Source) error {
	c, err := coded(src)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	release, err := c.Reserve(ctx, memoryOf(c.File().Header))
	if err != nil {
		return err
	}
	defer release()

	e, err := f.Extract(ctx, src)
	if err != nil {
		return err
	}
	for tile, damage := range e.Damage() {
		if err := c.Damaged(tile, damage); err != nil {
			return err
		}
	}
	var head []byte
	if !f.Codestream {
		if head, err = f.preamble(c, e); err != nil {
			return err
		}
	}
	return run(ctx, w, src, 0, func(ctx context.Context, out *buffer, _ iter.Seq2[*tile.Strip, error]) error {
		if _, err := out.Write(head); err != nil {
			return err
		}
		return e.Write(ctx, out)
	})
}

// coded returns src if it can be written without being decoded.
func coded(src Source) (Coded, error) {
	size := src.Size()
	if err := checkSize("JPEG 2000", size, 1<<31-1); err != nil {
		return nil, err
	}
	c, ok := src.(Coded)
	if !ok {
		return nil, unsupported("JPEG 2000 from pixels")
	}
	if !c.Verbatim() {
		return nil, unsupported("JPEG 2000 of a picture that is scaled, turned or converted")
	}
	return c, nil
}

// Extract returns what Encode writes of src, without its boxes: where it lies,
// what of it is exact and how long it is. It reads what the index of src's file
// lacks, but no code-block.
func (f JP2) Extract(ctx context.Context, src Source) (*codestream.Extract, error) {
	c, err := coded(src)
	if err != nil {
		return nil, err
	}
	if f.Extent > WholeBlocks {
		return nil, badSetting("extent %d", f.Extent)
	}
	r := codestream.Region{Blocks: f.Extent == WholeBlocks}
	for w := range c.Windows() {
		r.Area, r.Reduce, r.Layers = r.Area.Union(w.Area), w.Reduce, w.Layers
	}
	e, err := c.File().Index().Extract(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if f.Extent == ExactRegion && pixels(c.File().Header, e.Bounds()).Size() != src.Size() {
		var whole image.Rectangle
		h := c.File().Header
		for tile := range h.TilesIn(r.Area) {
			whole = whole.Union(h.TileBounds(tile))
		}
		p := pixels(h, whole).Sub(pixels(h, h.Bounds).Min)
		return nil, unsupported("only whole tiles can be cut out of JPEG 2000 data and stay exact, "+
			"here the region %d,%d,%d,%d", p.Min.X, p.Min.Y, p.Dx(), p.Dy())
	}
	return e, nil
}

// pixels is an area of the reference grid, which may be reduced, in samples of
// the finest component.
func pixels(h *codestream.Header, area image.Rectangle) image.Rectangle {
	step := h.Components[0].Sub
	for _, c := range h.Components {
		step = image.Pt(min(step.X, c.Sub.X), min(step.Y, c.Sub.Y))
	}
	div := func(a, b int) int { return int((int64(a) + int64(b) - 1) / int64(b)) }
	return image.Rect(div(area.Min.X, step.X), div(area.Min.Y, step.Y),
		div(area.Max.X, step.X), div(area.Max.Y, step.Y))
}

// preamble returns the boxes before the codestream.
func (f JP2) preamble(c Coded, e *codestream.Extract) ([]byte, error) {
	file, reduce := c.File(), 0
	for w := range c.Windows() {
		reduce = w.Reduce
		break
	}
	p, err := file.Preamble(e.Bounds().Size(), e.Components(), reduce)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	var types []string
	for _, t := range f.Boxes {
		switch t = strings.TrimSpace(t); t {
		case "xml", "uuid", "uinf", "jp2i":
			types = append(types, fmt.Sprintf("%-4s", t))
		default:
			return nil, badSetting("boxes of type %q", t)
		}
	}
	left := int64(maxBoxBytes)
	for _, b := range file.Boxes {
		if !slices.Contains(types, b.Type) {
			continue
		}
		if b.Payload.Len > left {
			return nil, unsupported("copying more than %d MiB of metadata boxes", maxBoxBytes>>20)
		}
		raw, err := file.Raw(b, left)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		left -= b.Payload.Len
		p.Boxes = append(p.Boxes, raw)
	}
	head, err := p.Append(nil, e.Size())
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return head, nil
}
