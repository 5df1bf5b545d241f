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
	e := 0
	switch i := bandIndex(resolution, orient); {
	case c.Quant.Style == Derived && len(c.Quant.Steps) > 0:
		// Equation E-5: one less for each level below the first.
		e = int(c.Quant.Steps[0].Exponent) - max(resolution-1, 0)
	case i < len(c.Quant.Steps):
		e = int(c.Quant.Steps[i].Exponent)
	}
	return max(e+c.Quant.Guard-1, 0) + c.ROIShift
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
