package corpus

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// A Plane is the samples of one component, row by row without gaps.
type Plane struct {
	Width, Height int
	Depth         int
	Signed        bool
	Samples       []int32
}

// Digest is the manifest's column "pixels" for components in order: the first
// 16 hex digits of the SHA-256 over a line "WIDTH HEIGHT DEPTH SIGNED" (True or
// False) and the samples as little-endian 32-bit integers of each.
func Digest(planes ...Plane) string {
	h := sha256.New()
	var buf []byte
	for _, p := range planes {
		signed := "False"
		if p.Signed {
			signed = "True"
		}
		fmt.Fprintf(h, "%d %d %d %s\n", p.Width, p.Height, p.Depth, signed)
		buf = buf[:0]
		for _, v := range p.Samples {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(v))
		}
		h.Write(buf)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Compare returns the largest difference of two samples and the mean of the
// squared differences. Planes of different size do not compare.
func Compare(a, b Plane) (peak int, mse float64, err error) {
	if a.Width != b.Width || a.Height != b.Height || len(a.Samples) != len(b.Samples) {
		return 0, 0, fmt.Errorf("%dx%d and %dx%d samples do not compare", a.Width, a.Height, b.Width, b.Height)
	}
	if len(a.Samples) == 0 {
		return 0, 0, nil
	}
	var sum float64
	for i, v := range a.Samples {
		d := int(v) - int(b.Samples[i])
		peak = max(peak, d, -d)
		sum += float64(d) * float64(d)
	}
	return peak, sum / float64(len(a.Samples)), nil
}
