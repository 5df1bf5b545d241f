package iiif

import (
	"context"
	"iter"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/internal/raster"
	"github.com/stria-j2k/stria/tile"
)

// A grayed is a picture in RGB8 or NRGBA8 made grey (4.4): its luma, on white
// where it is transparent.
type grayed struct{ encode.Reserver }

// PixelFormat implements [encode.Source].
func (g grayed) PixelFormat() tile.PixelFormat { return tile.Gray8 }

// Strips implements [encode.Source].
func (g grayed) Strips(ctx context.Context) iter.Seq2[*tile.Strip, error] {
	return g.StripsReserving(ctx, 0)
}

// StripsReserving implements [encode.Reserver]. The grey pixels take the place
// of the colours, which are this loop's until the next strip is asked for.
func (g grayed) StripsReserving(ctx context.Context, extra int64) iter.Seq2[*tile.Strip, error] {
	transparent := g.Reserver.PixelFormat() == tile.NRGBA8
	return func(yield func(*tile.Strip, error) bool) {
		for s, err := range g.Reserver.StripsReserving(ctx, extra) {
			if err != nil {
				yield(nil, err)
				return
			}
			gray := &tile.Strip{Bounds: s.Bounds, Format: tile.Gray8, Pix: s.Pix, Stride: s.Bounds.Dx()}
			for y := range s.Bounds.Dy() {
				row := s.Pix[y*s.Stride:][:4*s.Bounds.Dx()]
				if transparent {
					onWhite(row)
				}
				raster.Luma8(gray.Pix[y*gray.Stride:][:gray.Stride], row)
			}
			if !yield(gray, nil) {
				return
			}
		}
	}
}

// onWhite lays pixels in NRGBA8 over white.
func onWhite(row []byte) {
	for i := 0; i+4 <= len(row); i += 4 {
		p := row[i : i+4 : i+4]
		a := uint32(p[3])
		for c := range 3 {
			p[c] = uint8((uint32(p[c])*a + 255*(255-a) + 127) / 255)
		}
		p[3] = 255
	}
}
