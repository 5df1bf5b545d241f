package openjpeg

import (
	"fmt"

	"github.com/stria-j2k/stria/codestream"
)

// What CheckHT finds.
var (
	errScup = fmt.Errorf("openjpeg: High-Throughput block: Scup out of range: %w", codestream.ErrFormat)
	errMEL  = fmt.Errorf("openjpeg: High-Throughput block: MEL segment with a byte above 0x8F after 0xFF: %w", codestream.ErrFormat)
)

// CheckHT reports whether the cleanup segment of a High-Throughput code-block,
// all Lcup bytes of it, starts as ISO/IEC 15444-15 demands: its suffix length
// Scup is in range (7.1.1), and the first bytes of its MEL segment are
// bit-stuffed. The error matches [codestream.ErrFormat] and names the block's
// fault only; what it costs is for the caller to say. See the package comment for
// why such a block must not get to OpenJPEG.
func CheckHT(cleanup []byte) error {
	n := len(cleanup)
	if n < 2 {
		return errScup
	}
	scup := int(cleanup[n-1])<<4 | int(cleanup[n-2]&0x0f)
	if scup < 2 || scup > n || scup > 4079 {
		return errScup
	}
	// OpenJPEG's mel_init takes up to four bytes, as many as it needs to reach
	// an aligned address, and looks at the byte after a 0xFF each time. Scup-1
	// bytes count as MEL and VLC; the low bits of the last are Scup's and read
	// as ones.
	stuffed := false
	p, size := n-scup, scup-1
	for range 4 {
		if stuffed && cleanup[p] > 0x8f {
			return errMEL
		}
		b := byte(0xff)
		if size > 0 {
			b = cleanup[p]
			if size == 1 {
				b |= 0x0f
			}
			p++
			size--
		}
		stuffed = b == 0xff
	}
	return nil
}
