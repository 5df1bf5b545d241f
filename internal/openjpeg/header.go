//go:build cgo

// This file implements the check of a codestream before C sees it: that it is
// of the form that codestream.Assemble gives it, as far as OpenJPEG's soundness
// depends on that. It is a guard against mistakes of ours, not a parser.

package openjpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/stria-j2k/stria/codestream"
)

// The markers that the check looks at (Table A.2).
const (
	markerSOC = 0xff4f
	markerSIZ = 0xff51
	markerCOD = 0xff52
	markerCOC = 0xff53
	markerSOT = 0xff90
	markerSOD = 0xff93
	markerEOC = 0xffd9
)

// styleHT is the bit of a code-block style that says High-Throughput.
const styleHT = byte(codestream.HT)

// checkStream reports whether the codestream is one of one tile and one
// tile-part, complete to its EOC, that OpenJPEG can be trusted with.
func checkStream(s []byte) error {
	if len(s) < 4 || be16(s) != markerSOC {
		return malformed("no SOC marker")
	}
	components := 0
	style := byte(0) // of all components together
	off := 2
	for {
		if len(s)-off < 12 {
			return malformed("main header cut short")
		}
		marker, length := be16(s[off:]), be16(s[off+2:])
		if marker == markerSOT {
			break
		}
		if marker < 0xff00 || length < 2 || len(s)-off-2 < length {
			return malformed("main header with a segment that does not fit")
		}
		segment := s[off+4 : off+2+length]
		off += 2 + length
		switch marker {
		case markerSIZ:
			if err := checkSIZ(segment); err != nil {
				return err
			}
			components = be16(segment[34:])
		case markerCOD:
			if len(segment) < 10 {
				return malformed("COD too short")
			}
			style |= segment[8]
		case markerCOC:
			n := 4 // to SPcoc's code-block style
			if components > 256 {
				n++
			}
			if len(segment) < n+2 {
				return malformed("COC too short")
			}
			style |= segment[n+1]
		}
	}
	switch {
	case components == 0:
		return malformed("no SIZ")
	case style&styleHT != 0:
		// See the package comment.
		return fmt.Errorf("openjpeg: High-Throughput blocks: %w", errors.ErrUnsupported)
	}
	// A.4.2: SOT, Lsot, Isot, Psot, TPsot, TNsot.
	part := int64(binary.BigEndian.Uint32(s[off+6:]))
	if be16(s[off+4:]) != 0 || s[off+10] != 0 || part != int64(len(s)-off-2) {
		return malformed("not one tile-part from SOT to EOC")
	}
	if part < 14 || be16(s[off+12:]) != markerSOD {
		return malformed("tile-part header with marker segments")
	}
	if be16(s[len(s)-2:]) != markerEOC {
		return malformed("no EOC marker")
	}
	return nil
}

// checkSIZ checks the payload of SIZ (A.5.1).
func checkSIZ(s []byte) error {
	if len(s) < 36 || len(s) != 36+3*be16(s[34:]) || be16(s[34:]) == 0 {
		return malformed("SIZ of the wrong length")
	}
	var v [8]int64 // Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz
	for i := range v {
		v[i] = int64(binary.BigEndian.Uint32(s[2+4*i:]))
	}
	for i := range 2 {
		if v[i] > math.MaxInt32 {
			return fmt.Errorf("openjpeg: reference grid beyond 2^31-1: %w", errors.ErrUnsupported)
		}
		if v[6+i] > v[2+i] || v[2+i] >= v[i] || v[6+i]+v[4+i] < v[i] {
			return malformed("not one tile")
		}
	}
	for c := s[36:]; len(c) > 0; c = c[3:] {
		if depth := c[0]&0x7f + 1; depth > maxDepth {
			return fmt.Errorf("openjpeg: samples of %d bits: %w", depth, errors.ErrUnsupported)
		}
		if c[1] == 0 || c[2] == 0 {
			return malformed("subsampling of 0")
		}
	}
	return nil
}

// malformed says what is wrong with a codestream as a whole.
func malformed(what string) error { return &Error{Message: what} }

func be16(b []byte) int { return int(binary.BigEndian.Uint16(b)) }
