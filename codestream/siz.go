// This file implements SIZ, the image and tile size segment (A.5.1).

package codestream

import (
	"encoding/binary"
	"image"
	"math"

	"github.com/stria-j2k/stria/internal/grid"
)

// maxComponents and maxTiles are the largest Csiz (Table A.9) and the number of
// tile indices that Isot can hold (A.4.2).
const (
	maxComponents = 16384
	maxTiles      = 65535
)

// extended is the bit of Rsiz that announces Part 2.
const extended = 0x8000

// parseSIZ reads SIZ into h. Coordinates must fit an int32, which keeps sums of
// two of them within the int64 of all arithmetic below; a tile larger than that
// is cut to it, which changes nothing.
func parseSIZ(f *fields, h *Header) error {
	h.Rsiz = uint16(f.u16())
	x1, y1 := int64(f.u32()), int64(f.u32())
	x0, y0 := int64(f.u32()), int64(f.u32())
	tw, th := int64(f.u32()), int64(f.u32())
	tx, ty := int64(f.u32()), int64(f.u32())
	n := f.u16()
	if f.short {
		return f.finish()
	}
	if x0 >= x1 || y0 >= y1 {
		return f.errorf("empty image: (%d,%d) to (%d,%d)", x0, y0, x1, y1)
	}
	if tw == 0 || th == 0 {
		return f.errorf("empty tiles: %d by %d", tw, th)
	}
	if tx > x0 || ty > y0 || tx+tw <= x0 || ty+th <= y0 {
		return f.errorf("first tile at (%d,%d), %d by %d, does not hold the image's origin (%d,%d)",
			tx, ty, tw, th, x0, y0)
	}
	if n == 0 || n > maxComponents {
		return f.errorf("%d components", n)
	}
	if want := 3 * n; f.left() != want {
		return f.errorf("its length of %d bytes is not that of %d components",
			len(f.data)+2, n)
	}
	if across, down := grid.CeilDiv(x1-tx, tw), grid.CeilDiv(y1-ty, th); across*down > maxTiles {
		return f.errorf("%d by %d tiles are more than %d", across, down, maxTiles)
	}
	const far = math.MaxInt32
	if x1 > far || y1 > far {
		return unsupported(f.off-4, "SIZ", "coordinates up to (%d,%d)", x1, y1)
	}
	h.Bounds = image.Rect(int(x0), int(y0), int(x1), int(y1))
	h.FirstTile = image.Rect(int(tx), int(ty), int(min(tx+tw, far)), int(min(ty+th, far)))
	h.Components = make([]Component, n)
	for i := range h.Components {
		s, dx, dy := f.u8(), f.u8(), f.u8()
		c := Component{Depth: s&0x7F + 1, Signed: s&0x80 != 0, Sub: image.Pt(dx, dy)}
		if c.Depth > 38 {
			return f.errorf("component %d has %d bits", i, c.Depth)
		}
		if dx == 0 || dy == 0 {
			return f.errorf("component %d has a subsampling of %d by %d", i, dx, dy)
		}
		h.Components[i] = c
	}
	return f.finish()
}

// appendSIZ appends SIZ for h's Rsiz, Bounds, FirstTile, and the Depth, Signed
// and Sub of its Components.
func appendSIZ(dst []byte, h *Header) []byte {
	return appendSegment(dst, SIZ, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint16(b, h.Rsiz)
		for _, v := range []int{
			h.Bounds.Max.X, h.Bounds.Max.Y, h.Bounds.Min.X, h.Bounds.Min.Y,
			h.FirstTile.Dx(), h.FirstTile.Dy(), h.FirstTile.Min.X, h.FirstTile.Min.Y,
		} {
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(h.Components)))
		for _, c := range h.Components {
			s := byte(c.Depth - 1)
			if c.Signed {
				s |= 0x80
			}
			b = append(b, s, byte(c.Sub.X), byte(c.Sub.Y))
		}
		return b
	})
}
