// This file implements what is left of a component's coding parameters when its
// highest resolutions are dropped.

package codestream

import (
	"image"
	"math"
)

// reduce gives the parameters without the n highest resolutions, n at most
// Levels. Sub-bands keep their steps: nothing depends on how many levels are
// above them.
func (c ComponentCoding) reduce(n int) ComponentCoding {
	c.Levels -= n
	if len(c.Precincts) > c.Levels+1 {
		c.Precincts = c.Precincts[:c.Levels+1]
	}
	if k := 3*c.Levels + 1; c.Quant.Style != Derived && len(c.Quant.Steps) > k {
		c.Quant.Steps = c.Quant.Steps[:k]
	}
	return c
}

// BlockSize is the size in coefficients of the code-blocks of resolution r, which
// precincts can limit (B.7).
func (c *ComponentCoding) BlockSize(r int) image.Point {
	p := c.precinct(r)
	if r > 0 {
		p.PPx, p.PPy = max(p.PPx, 1)-1, max(p.PPy, 1)-1
	}
	return image.Pt(1<<min(c.XCB, int(p.PPx)), 1<<min(c.YCB, int(p.PPy)))
}

// PrecinctSize is the size of the precincts of resolution r, on its grid (B.6).
func (c *ComponentCoding) PrecinctSize(r int) image.Point {
	p := c.precinct(r)
	return image.Pt(1<<p.PPx, 1<<p.PPy)
}

func (c *ComponentCoding) precinct(r int) Precinct {
	if r < len(c.Precincts) {
		return c.Precincts[r]
	}
	return Precinct{15, 15}
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

// bandPlanes is the number of magnitude bit-planes of a sub-band (Equation E-2),
// with the shift of a region of interest (Annex H).
func (c *ComponentCoding) bandPlanes(resolution, orient int) int {
	e, _ := c.bandStep(resolution, orient)
	return max(e+c.Quant.Guard-1, 0) + c.ROIShift
}

// bandStep is the exponent, which a damaged header can make negative, and the
// mantissa of a sub-band's step (Equation E-3).
func (c *ComponentCoding) bandStep(resolution, orient int) (exponent, mantissa int) {
	q := &c.Quant
	i, less := bandIndex(resolution, orient), 0
	if q.Style == Derived {
		// Equation E-5: one less for each level below the first.
		i, less = 0, max(resolution-1, 0)
	}
	if i >= len(q.Steps) {
		return 0, 0
	}
	return int(q.Steps[i].Exponent) - less, int(q.Steps[i].Mantissa)
}

// planes is the largest bandPlanes.
func (c *ComponentCoding) planes() int {
	n := c.bandPlanes(0, bandLL)
	for r := 1; r <= c.Levels; r++ {
		for orient := bandHL; orient <= bandHH; orient++ {
			n = max(n, c.bandPlanes(r, orient))
		}
	}
	return n
}
