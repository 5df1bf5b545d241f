// This file implements the coding passes (D.3) and the sequence of them (D.4, D.5).

package tier1

import (
	"github.com/stria-j2k/stria/internal/codeblock"
)

// A flag word has what the contexts of the four coefficients of a stripe's column
// need. The one in row r of them has all of its own at 3*r, so that one mask or shift
// serves the four alike:
//
//	bits 0 to 17    significance of the rows -1 to 4, of three columns each: the one
//	                to the left, this one, the one to the right
//	18, 21, 24, 27  the coefficient was coded in this bit-plane
//	19, 22, 25, 28  it was refined before
//
// Signs are apart, since few decisions look at them: bit r+1 of a column's byte.
const (
	fourRows     = 0x249 // what the first row has at bit 0, of all four
	sixRows      = 0x9249
	around       = 0x1EF // the neighbours' significance
	significance = 1<<18 - 1
	codedShift   = 18
	refinedShift = 19
	allCoded     = fourRows << codedShift
)

func significant(f uint32) uint32 { return f >> 4 & fourRows }
func coded(f uint32) uint32       { return f >> codedShift & fourRows }

// lonely gives the coefficients that are not significant and have a neighbour that
// is.
func touched(f uint32) uint32 {
	any := f | f>>1 | f>>2 // bit 3*r: row r-1 has a significant one of three
	any = any&sixRows | any>>3&sixRows | any>>6&sixRows
	return any &^ significant(f) & fourRows
}

// A pass is what all passes over a block have at hand.
type pass struct {
	*Decoder
	mq
	raw      rawBits
	contexts [256]context // of which numContexts are used, by any byte
	zero     *[512]uint8  // of the sub-band
	width    int
	height   int
	stride   int  // of flags and signs
	causal   bool // contexts do not reach into the next stripe
}

// rowsAt gives the mask of the rows that the stripe at y has.
func (p *pass) rowsAt(y int) uint32 {
	if n := p.height - y; n < 4 {
		return fourRows & (1<<(3*n) - 1)
	}
	return fourRows
}

// become makes the coefficient at bit of column at significant.
func (p *pass) become(at int, bit int, sign uint32) {
	f, row := p.flags, rowAt(bit)
	f[at-1] |= 1 << 5 << bit
	f[at] |= 1 << 4 << bit
	f[at+1] |= 1 << 3 << bit
	p.signs[at] |= uint8(sign << (row + 1))
	switch {
	case row == 0 && !p.causal:
		at -= p.stride
		f[at-1] |= 1 << 17
		f[at] |= 1 << 16
		f[at+1] |= 1 << 15
		p.signs[at] |= uint8(sign << 5)
	case row == 3:
		at += p.stride
		f[at-1] |= 1 << 2
		f[at] |= 1 << 1
		f[at+1] |= 1
		p.signs[at] |= uint8(sign)
	}
}

// signIndex is the index into signContexts of the coefficient at bit of a column, of its
// flags and of the signs of the columns left of it, its own and right of it.
func signIndex(f uint32, bit int, left, here, right uint8) uint8 {
	row := rowAt(bit)
	own := here >> row
	return uint8(f>>bit)&0xAA | own&1 | own<<4&0x40 |
		left>>row<<1&4 | right>>row<<3&0x10
}

// rowAt is the row of the coefficient that has all of its own at bit.
func rowAt(bit int) int { return bit * 11 >> 5 }

// reset gives the contexts what they begin with.
func (p *pass) reset() { copy(p.contexts[:], initialContexts[:]) }

// decodeGo decodes a block that was checked.
func (d *Decoder) decodeGo(dst []int32, b *codeblock.Block) error {
	clear(d.flags)
	clear(d.signs)
	clear(d.magnitudes)
	p := pass{Decoder: d, zero: &zeroContexts[b.Orient&3],
		width: b.Width, height: b.Height, stride: b.Width + 2, causal: b.Style&codeblock.VSC != 0}
	p.reset()
	planes := b.Planes - b.ZeroPlanes
	plane := planes - 1 + codeblock.Fraction(b.Planes)
	done, most := 0, 3*planes-2
	data := b.Data
	var err error
	for _, s := range b.Segments {
		if done >= most {
			break
		}
		n := min(max(s.Length, 0), len(data))
		raw := b.Style&codeblock.Bypass != 0 && done >= 10 && done%3 != 0
		if raw {
			p.raw = rawBits{data: data[:n]}
		} else {
			p.start(data[:n])
		}
		data = data[n:]
		for range s.Passes {
			if done >= most || raw != (b.Style&codeblock.Bypass != 0 && done >= 10 && done%3 != 0) {
				break // the segment says more passes than the style allows
			}
			one := uint32(1) << plane
			switch done % 3 {
			case 1:
				if raw {
					p.significancePassRaw(one | one>>1)
				} else {
					p.significancePass(one | one>>1)
				}
			case 2:
				if raw {
					p.refinementPassRaw(one, one>>1)
				} else {
					p.refinementPass(one, one>>1)
				}
			default:
				p.cleanupPass(one | one>>1)
				if b.Style&codeblock.SegSym != 0 && p.symbol() != 0xA && err == nil {
					err = errSegmentation
				}
				plane--
			}
			if b.Style&codeblock.Reset != 0 {
				p.reset()
			}
			done++
		}
		if b.Style&codeblock.PTerm != 0 && !raw && err == nil && !p.predictable() {
			err = errTermination
		}
	}
	d.output(dst, b)
	if b.Strict {
		return err
	}
	return nil
}

// symbol decodes a segmentation symbol (D.5).
func (p *pass) symbol() (v uint32) {
	for range 4 {
		v = v<<1 | p.decide(&p.contexts[uniformContext])
	}
	return v
}

// predictable reports whether the segment ends as predictable termination has it
// (D.4.2): all of its bytes were needed, and one to four that are made up. An encoder
// leaves no more than three to be made up; the fourth is for blocks that opj_compress
// cuts to a rate, whose last segment it does not terminate again.
func (p *pass) predictable() bool {
	needed := p.made - p.valid/8 // valid bits were not
	return len(p.mq.data) == 0 && needed >= 1 && needed <= 4
}

// output puts the coefficients into rows and gives them their signs.
func (d *Decoder) output(dst []int32, b *codeblock.Block) {
	for y := range b.Height {
		signs := d.signs[(y/4+1)*(b.Width+2)+1:]
		row := dst[y*b.Width:][:b.Width]
		m := d.magnitudes[y/4*4*b.Width+y%4:]
		for x := range row {
			v := int32(m[4*x])
			if signs[x]>>(y%4+1)&1 != 0 {
				v = -v
			}
			row[x] = v
		}
	}
}
