package deflate

import "math"

// unit is a bit, in the unit of prices.
const unit = 16

// prices say what each choice costs, extra bits included.
type prices struct {
	lit    [256]uint16
	length [maxMatch + 1]uint16
	dist   [30]uint16
}

// start sets the prices before there has been a block: literals by how often they
// are in data, matches as they usually are.
func (p *prices) start(data []byte) {
	var count [256]int
	for _, v := range data {
		count[v]++
	}
	for v, n := range count {
		share := (float64(n) + 0.5) / (float64(len(data)) + 128)
		p.lit[v] = uint16(min(-math.Log2(share), 14)*unit) + unit/4
	}
	for l := 3; l <= maxMatch; l++ {
		s := lengthSymbol(l)
		p.length[l] = unit * uint16(5+min((s-257)/3, 6)+int(lengthExtra[s-257]))
	}
	for s := range p.dist {
		p.dist[s] = unit * uint16(5+int(distExtra(s)))
	}
}

// learn sets the prices to the code lengths of a block. A symbol that it did not
// have costs a little more than the rarest that it had.
func (p *prices) learn(c *codes) {
	price := func(length uint8) uint16 {
		if length == 0 {
			return 13 * unit
		}
		return unit * uint16(length)
	}
	for v := range p.lit {
		p.lit[v] = price(c.lit[v].length)
	}
	for l := 3; l <= maxMatch; l++ {
		s := lengthSymbol(l)
		p.length[l] = price(c.lit[s].length) + unit*uint16(lengthExtra[s-257])
	}
	for s := range p.dist {
		p.dist[s] = price(c.dist[s].length) + unit*uint16(distExtra(s))
	}
}
