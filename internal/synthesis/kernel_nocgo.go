//go:build !cgo

package synthesis

func (m *machine[T]) across(r int, j *acrossJob)          { m.acrossGo(r, j) }
func (m *machine[T]) acrossFinished(l *level, y, end int) { m.acrossFinishedGo(l, y, end) }
func (m *machine[T]) down(l *level, first, last int)      { m.downGo(l, first, last) }

func packC(dst *Plane, src *Samples, width, height int) bool         { return false }
func packRCT(dst *[3]Plane, src *[3]Samples, width, height int) bool { return false }
func packICT(dst *[3]Plane, src *[3]Samples, width, height int) bool { return false }

func store(dst []int16, dstStride int, src []int32, srcStride, width, height int) {
	for y := range height {
		row, from := dst[y*dstStride:][:width], src[y*srcStride:][:width]
		for x, v := range from {
			row[x] = int16(v)
		}
	}
}
