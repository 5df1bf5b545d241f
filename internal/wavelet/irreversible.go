// This file implements the irreversible 9/7 filter (F.3.8.1.1).

package wavelet

// The lifting parameters and the scaling factor (Table F.4).
const (
	alpha = -1.586134342059924
	beta  = -0.052980118572961
	gamma = 0.882911075530934
	delta = 0.443506852043971
	kappa = 1.230174104914001
)

// steps are the four lifting steps of the synthesis, in order: what is
// subtracted of the sum of both neighbours, at even places first.
var steps = [4]float32{delta, gamma, beta, alpha}

// row97 is Equations F-9 to F-12 on a row. The coefficients are scaled already.
func row97(row []float32, parity int) {
	if len(row) == 1 {
		if parity != 0 {
			row[0] /= 2 // F.3.6
		}
		return
	}
	for step, factor := range steps {
		lift97(row, (parity+step)&1, factor)
	}
}

// lift97 updates the numbers at first, first+2, ... with their neighbours.
func lift97(row []float32, first int, factor float32) {
	i, last := first, len(row)-1
	if i == 0 {
		row[0] -= factor * (row[1] + row[1])
		i = 2
	}
	for ; i < last; i += 2 {
		row[i] -= factor * (row[i-1] + row[i+1])
	}
	if i == last {
		row[i] -= factor * (row[i-1] + row[i-1])
	}
}

// columns97 is row97 on columns.
func columns97(p *Plane[float32], x0, x1 int) {
	b := p.Bounds
	if b.Dy() == 1 {
		if b.Min.Y&1 != 0 {
			for row, i := p.Row(b.Min.Y, x0, x1), 0; i < len(row); i++ {
				row[i] /= 2
			}
		}
		return
	}
	for step, factor := range steps {
		for y := firstRow(b, step&1); y < b.Max.Y; y += 2 {
			row := p.Row(y, x0, x1)
			above, below := p.neighbours(y, x0, x1)
			above, below = above[:len(row)], below[:len(row)]
			for i := range row {
				row[i] -= factor * (above[i] + below[i])
			}
		}
	}
}
