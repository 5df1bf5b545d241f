package encode

// This file implements the choice of the pixels that a format is best handed.

import (
	"errors"

	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// Plan plans req with the pixels that format takes without converting them
// again: narrowed to what the file can hold (see [Accept]), inks as RGB where it
// holds none, and luma and chroma where the image is coded so and the file is,
// too. A request that says which pixels it wants gets these.
//
// Where the file has no place for the profile that the colours are in (see
// [Embedder]), they are converted to sRGB, and it is an error that matches
// errors.ErrUnsupported if they cannot be. A request with [tile.IgnoreProfile]
// is one for the numbers as they are.
func Plan(dec *tile.Decoder, f *jp2.File, req tile.Request, format Format) (*tile.Plan, error) {
	plan, err := dec.Plan(f, req)
	if e, ok := format.(Embedder); ok && err == nil && plan.ICC() != nil && !e.EmbedsICC() {
		req.Color = tile.ToSRGB
		plan, err = dec.Plan(f, req)
	}
	if err != nil || req.Format != tile.Auto {
		return plan, err
	}
	size, own := plan.Size(), plan.PixelFormat()
	want, err := Accept(format, size, own)
	if own == tile.CMYK8 && errors.Is(err, errors.ErrUnsupported) {
		want, err = Accept(format, size, tile.RGB8)
	}
	if err != nil {
		return nil, err
	}
	if want == tile.RGB8 && plan.CodedYCbCr() {
		if f, err := Accept(format, size, tile.YCbCr8); err == nil && f == tile.YCbCr8 {
			want = f
		}
	}
	if want == own {
		return plan, nil
	}
	req.Format = want
	return dec.Plan(f, req)
}
