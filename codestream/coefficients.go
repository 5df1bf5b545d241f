// This file implements codestreams of coefficients: a part of one sub-band of a
// selection, as an image of its own that has no wavelet transform.

package codestream

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// CoefficientPlanes is the number of magnitude bit-planes of the sub-bands that
// [Selection.Coefficients] makes images of.
const CoefficientPlanes = 30

// Coefficients gives the code-blocks that touch an area of a sub-band as a
// selection of their own: resolution r of component i of Window().Components,
// sub-band 0 to 3 (LL, HL, LH, HH), the area on the sub-band's grid.
//
// That is for High-Throughput blocks. The contexts of others depend on the kind of
// their sub-band (Table D.1), which in what is assembled is LL.
//
// What is assembled has one component of 31 bits, signed, whose samples
// lie where the coefficients do and are the coefficients times 2 to the power of
// CoefficientPlanes-n, n being BandPlanes of the component's coding. Bits below
// that are the decoder's guess of what was not coded. Regions of interest are still shifted up. Bounds is the blocks
// that the area touches, whether they have data or not; nothing lies outside.
//
// The result is nil where no block has data. The error matches
// [errors.ErrUnsupported].
func (s *Selection) Coefficients(i, r, band int, area image.Rectangle) (*Selection, error) {
	res := s.virtual.components[i].resolution(r)
	b := max(band-1, 0)
	box := res.band[b].box
	touched := newBlockGrid(rectOf(area).intersect(box), res.xcb, res.ycb)
	if touched.w == 0 {
		return nil, nil
	}
	grid := newBlockGrid(box, res.xcb, res.ycb)
	first, last := grid.block(touched.x0, touched.y0), grid.block(touched.x0+touched.w-1, touched.y0+touched.h-1)

	k := s.coding.Components[i]
	k.Levels, k.Reversible, k.ROIShift = 0, true, 0
	// The code-blocks' size in effect is that of the precincts where those are
	// smaller.
	k.Precincts = []Precinct{{15, 15}}
	if int(res.xcb) < k.XCB {
		k.Precincts[0].PPx = res.xcb
	}
	if int(res.ycb) < k.YCB {
		k.Precincts[0].PPy = res.ycb
	}
	k.Quant = Quantization{Style: NoQuantization, Guard: 1, Steps: []Step{{Exponent: CoefficientPlanes}}}

	c := &Selection{
		window:     s.window,
		components: []int{s.components[i]},
		bits:       []componentBits{{CoefficientPlanes}},
		box:        rect{first.x0, first.y0, last.x1, last.y1},
		codewords:  s.codewords,
		pieces:     s.pieces,
	}
	c.area, c.decode, c.areas = c.box, c.box, []rect{c.box}
	for _, k := range s.blocksOf(i, r) {
		x, y := int64(k.x), int64(k.y)
		if int(k.band) != b || x < touched.x0 || x >= touched.x0+touched.w || y < touched.y0 || y >= touched.y0+touched.h {
			continue
		}
		for _, w := range s.codewordsOf(&k) {
			c.bytes += int64(w.length)
		}
		size := grid.block(x, y)
		c.work += int64(k.passes) * (size.x1 - size.x0) * (size.y1 - size.y0)
		c.spans = append(c.spans, s.piecesOf(&k)...)
		k.component, k.resolution, k.band = 0, 0, 0
		c.blocks = append(c.blocks, k)
	}
	if len(c.blocks) == 0 {
		return nil, nil
	}
	c.spans = mergeSpans(c.spans)
	v := &view{s: c, coding: TileCoding{Components: []ComponentCoding{k}}, sub: []image.Point{{X: 1, Y: 1}},
		samples: []Component{{Depth: CoefficientPlanes + 1, Signed: true, Sub: image.Pt(1, 1)}}}
	v.sort()
	return c, v.assemble(s.header)
}

// blocksOf gives the blocks of resolution r of component i of the selection.
func (s *Selection) blocksOf(i, r int) []selectedBlock {
	find := func(i, r int) int {
		n, _ := slices.BinarySearchFunc(s.blocks, [2]int{r, i}, func(b selectedBlock, at [2]int) int {
			return cmp.Or(cmp.Compare(int(b.resolution), at[0]), cmp.Compare(int(b.component), at[1]))
		})
		return n
	}
	return s.blocks[find(i, r):find(i+1, r)]
}

// BlockSize is the size in coefficients of the code-blocks of resolution r, which
// precincts can limit (B.7).
func (c *ComponentCoding) BlockSize(r int) image.Point {
	p := c.Precincts[r]
	if r > 0 {
		p.PPx, p.PPy = max(p.PPx, 1)-1, max(p.PPy, 1)-1
	}
	return image.Pt(1<<min(c.XCB, int(p.PPx)), 1<<min(c.YCB, int(p.PPy)))
}

// BandPlanes is Mb, the number of magnitude bit-planes of a sub-band (Equation
// E-2), with the shift of a region of interest: sub-band 0 to 3 (LL, HL, LH, HH)
// of resolution r.
func (c *ComponentCoding) BandPlanes(r, band int) int { return c.bandPlanes(r, band) }

// BandStep is the quantisation step of a sub-band (Equations E-3 to E-5) of a
// component of so many bits; 1 with the reversible transform.
func (c *ComponentCoding) BandStep(r, band, depth int) float64 {
	if c.Reversible {
		return 1
	}
	// Table E.1: the gain is 0 for LL, 2 for HH and 1 for the others.
	gain := band&1 + band>>1
	exponent, mantissa := c.bandStep(r, band)
	return math.Ldexp(1+float64(mantissa)/2048, depth+gain-exponent)
}
