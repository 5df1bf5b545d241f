// This file implements the passes after the cleanup pass.

package httest

// Refinement makes the segment of the passes after the cleanup pass, of values
// with one bit-plane more than that has, and gives what is known of them afterwards.
func Refinement(values []int32, w, h, passes int, causal bool) (data []byte, known []int32) {
	known = make([]int32, len(values))
	significant := func(x, y, stripe int) bool {
		return x >= 0 && y >= 0 && x < w && y < h && (!causal || y < stripe+4) && known[y*w+x] != 0
	}
	for i, v := range values {
		if max(v, -v) > 1 {
			known[i] = v
		}
	}
	found := make([]bool, len(values))
	for i, v := range known {
		found[i] = v != 0
	}
	var propagation bitWriter
	for stripe := 0; stripe < h; stripe += 4 {
		for left := 0; left < w; left += 4 {
			var signs []uint64
			for x := left; x < min(left+4, w); x++ {
				for y := stripe; y < min(stripe+4, h); y++ {
					near := false
					for dy := -1; dy <= 1; dy++ {
						for dx := -1; dx <= 1; dx++ {
							near = near || (dx != 0 || dy != 0) && significant(x+dx, y+dy, stripe)
						}
					}
					v := values[y*w+x]
					if known[y*w+x] != 0 || !near {
						continue
					}
					propagation.bits(uint64(max(v, -v)), 1)
					if v != 0 {
						known[y*w+x] = v
						signs = append(signs, uint64(uint32(v)>>31))
					}
				}
			}
			for _, s := range signs {
				propagation.bits(s, 1)
			}
		}
	}
	data = propagation.end()
	if passes < 2 {
		return data, known
	}
	refinement := wordWriter{begun: true, last: 0xFF}
	for stripe := 0; stripe < h; stripe += 4 {
		for x := range w {
			for y := stripe; y < min(stripe+4, h); y++ {
				if found[y*w+x] {
					refinement.bits(uint32(max(values[y*w+x], -values[y*w+x])), 1)
				}
			}
		}
	}
	refinement.end()
	for i := range refinement.out {
		data = append(data, refinement.out[len(refinement.out)-1-i])
	}
	return data, known
}
