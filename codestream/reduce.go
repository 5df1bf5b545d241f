// This file implements what is left of a component's coding parameters when its
// highest resolutions are dropped.

package codestream

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
