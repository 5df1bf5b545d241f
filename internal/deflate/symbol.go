package deflate

import "math/bits"

// endOfBlock is the symbol after the last of a block.
const endOfBlock = 256

// 3.2.5: the extra bits and first lengths of symbols 257 to 285.
var (
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
)

// lengthSymbol returns the symbol for a match of l bytes.
func lengthSymbol(l int) int {
	if l == maxMatch {
		return 285
	}
	if l < 11 {
		return 254 + l
	}
	// Four symbols for each power of two of l - 3.
	l -= 3
	e := bits.Len(uint(l)) - 3
	return 257 + 4*e + l>>e
}

// distSymbol returns the symbol for a distance.
func distSymbol(d int) int {
	d--
	if d < 4 {
		return d
	}
	// Two symbols for each power of two.
	e := bits.Len(uint(d)) - 2
	return 2*e + d>>e
}

// distExtra returns the extra bits of a distance symbol.
func distExtra(s int) uint8 { return uint8(max(s/2-1, 0)) }

// distBase returns the first distance of a symbol.
func distBase(s int) int {
	if s < 4 {
		return s + 1
	}
	return (2+s&1)<<distExtra(s) + 1
}
