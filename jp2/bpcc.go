package jp2

// parseBpcc parses the contents of the bits per component box (I.5.3.2) at off:
// the depth of every component.
func parseBpcc(p []byte, off int64) ([]Depth, error) {
	if len(p) == 0 || len(p) > maxComponents {
		return nil, formatError(off, typeBpcc, "%d components", len(p))
	}
	depths := make([]Depth, len(p))
	for i, b := range p {
		depths[i] = depthOf(b)
	}
	return depths, nil
}

// maxComponents is the largest Csiz (A.5.1).
const maxComponents = 16384

func appendBpcc(dst []byte, depths []Depth) []byte {
	return appendBox(dst, typeBpcc, func(dst []byte) []byte {
		for _, d := range depths {
			dst = append(dst, d.wire())
		}
		return dst
	})
}
