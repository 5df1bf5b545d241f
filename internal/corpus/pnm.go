// This file implements the raw forms of PNM: P5 (PGM) and P6 (PPM).

package corpus

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
)

// ParsePNM reads a raw PGM or PPM picture of 8 or 16 bits a sample: one plane
// or three. The depth is the number of bits of the largest value.
func ParsePNM(data []byte) ([]Plane, error) {
	if len(data) < 2 || data[0] != 'P' || data[1] != '5' && data[1] != '6' {
		return nil, fmt.Errorf("pnm: not a raw PGM or PPM")
	}
	channels := 1
	if data[1] == '6' {
		channels = 3
	}
	pos := 2
	var n [3]int // width, height, largest value
	for i := range n {
		word, next := pnmWord(data, pos)
		v, err := strconv.Atoi(word)
		if err != nil || v < 1 || v > maxReference {
			return nil, fmt.Errorf("pnm: header word %q", word)
		}
		n[i], pos = v, next
	}
	pos++ // the one space after the header
	if n[2] > 65535 || pos > len(data) {
		return nil, fmt.Errorf("pnm: bad header")
	}
	width, height, size := n[0], n[1], 1
	if n[2] > 255 {
		size = 2
	}
	body := data[pos:]
	if int64(len(body)) < int64(width)*int64(height)*int64(channels*size) {
		return nil, fmt.Errorf("pnm: %d bytes for %dx%d pixels", len(body), width, height)
	}
	planes := make([]Plane, channels)
	for c := range planes {
		p := Plane{Width: width, Height: height, Depth: bits.Len(uint(n[2])), Samples: make([]int32, width*height)}
		for i := range p.Samples {
			at := (i*channels + c) * size
			if size == 2 {
				p.Samples[i] = int32(binary.BigEndian.Uint16(body[at:]))
			} else {
				p.Samples[i] = int32(body[at])
			}
		}
		planes[c] = p
	}
	return planes, nil
}

// pnmWord returns the next word of a PNM header from pos and the offset behind
// it. Comments run from # to the end of a line.
func pnmWord(data []byte, pos int) (string, int) {
	space := func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
	for pos < len(data) && (space(data[pos]) || data[pos] == '#') {
		if data[pos] == '#' {
			for pos < len(data) && data[pos] != '\n' {
				pos++
			}
			continue
		}
		pos++
	}
	start := pos
	for pos < len(data) && !space(data[pos]) {
		pos++
	}
	return string(data[start:pos]), pos
}
