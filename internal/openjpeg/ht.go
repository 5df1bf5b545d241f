package openjpeg

import "errors"

// What CheckHT finds.
var (
	errScup = errors.New("openjpeg: High-Throughput block: Scup out of range")
	errMEL  = errors.New("openjpeg: High-Throughput block: MEL segment with a byte above 0x8F after 0xFF")
)

// SupportsHT reports whether High-Throughput code-blocks are decoded: whether
// the library is 2.5.1 or newer. See the package comment.
func SupportsHT() bool {
	major, minor, patch := Version()
	switch {
	case major != 2:
		return major > 2
	case minor != 5:
		return minor > 5
	default:
		return patch >= 1
	}
}

// CheckHT reports whether the cleanup segment of a High-Throughput code-block,
// all Lcup bytes of it, starts as ISO/IEC 15444-15 demands: its suffix length
// Scup is in range (7.1.1), and the first bytes of its MEL segment are
// bit-stuffed. OpenJPEG 2.5.0 aborts the process where the second is not so.
// The error names the block's fault only; what it costs is for the caller to
// say.
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
