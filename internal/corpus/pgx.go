// This file implements PGX, the one-component picture format of ISO/IEC
// 15444-4: a line "PG ML +8 640 480" and the samples.

package corpus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// maxReference is the largest side of a picture these readers accept.
const maxReference = 1 << 20

// ParsePGX reads a PGX picture. Samples take one byte up to depth 8, two up to
// 16 and else four, in the byte order that the header says ("ML" is big-endian,
// "LM" little-endian). The sign may stand alone: "PG ML - 12 640 480".
func ParsePGX(data []byte) (Plane, error) {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	if !ok {
		return Plane{}, fmt.Errorf("pgx: no header line")
	}
	words := strings.Fields(string(line))
	if len(words) < 3 || words[0] != "PG" {
		return Plane{}, fmt.Errorf("pgx: header %q", line)
	}
	var order binary.ByteOrder
	switch words[1] {
	case "ML":
		order = binary.BigEndian
	case "LM":
		order = binary.LittleEndian
	default:
		return Plane{}, fmt.Errorf("pgx: byte order %q", words[1])
	}
	words = words[2:]
	signed := strings.HasPrefix(words[0], "-")
	if words[0] == "+" || words[0] == "-" {
		words = words[1:]
	} else {
		words[0] = strings.TrimLeft(words[0], "+-")
	}
	if len(words) != 3 {
		return Plane{}, fmt.Errorf("pgx: header %q", line)
	}
	var n [3]int
	for i, w := range words {
		v, err := strconv.Atoi(w)
		if err != nil || v < 1 || v > maxReference {
			return Plane{}, fmt.Errorf("pgx: header %q", line)
		}
		n[i] = v
	}
	p := Plane{Depth: n[0], Signed: signed, Width: n[1], Height: n[2]}
	if p.Depth > 32 {
		return Plane{}, fmt.Errorf("pgx: depth %d", p.Depth)
	}
	size := 4
	switch {
	case p.Depth <= 8:
		size = 1
	case p.Depth <= 16:
		size = 2
	}
	if int64(len(body)) < int64(p.Width)*int64(p.Height)*int64(size) {
		return Plane{}, fmt.Errorf("pgx: %d bytes for %dx%d samples", len(body), p.Width, p.Height)
	}
	p.Samples = make([]int32, p.Width*p.Height)
	for i := range p.Samples {
		var v uint32
		switch size {
		case 1:
			v = uint32(body[i])
		case 2:
			v = uint32(order.Uint16(body[2*i:]))
		case 4:
			v = order.Uint32(body[4*i:])
		}
		// Writers differ in what they put above the depth; the sign is at the
		// top of the depth either way.
		if signed {
			shift := 32 - p.Depth
			p.Samples[i] = int32(v<<shift) >> shift
		} else {
			p.Samples[i] = int32(v)
		}
	}
	return p, nil
}
