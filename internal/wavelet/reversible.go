// This file implements the reversible 5/3 filter (F.3.8.2.1). Sums of damaged
// coefficients wrap around.

package wavelet

// row53 is Equations F-5 and F-6 on a row.
func row53(row []int32, parity int) {
	if len(row) == 1 {
		row[0] >>= parity // F.3.6
		return
	}
	even53(row, parity)
	odd53(row, 1-parity)
}

// even53 updates the numbers at first, first+2, ... with their neighbours.
func even53(row []int32, first int) {
	i, last := first, len(row)-1
	if i == 0 {
		row[0] -= (row[1] + row[1] + 2) >> 2
		i = 2
	}
	for ; i < last; i += 2 {
		row[i] -= (row[i-1] + row[i+1] + 2) >> 2
	}
	if i == last {
		row[i] -= (row[i-1] + row[i-1] + 2) >> 2
	}
}

// odd53 is even53 for the other half.
func odd53(row []int32, first int) {
	i, last := first, len(row)-1
	if i == 0 {
		row[0] += row[1]
		i = 2
	}
	for ; i < last; i += 2 {
		row[i] += (row[i-1] + row[i+1]) >> 1
	}
	if i == last {
		row[i] += row[i-1]
	}
}

// columns53 is row53 on columns.
func columns53(p *Plane[int32], x0, x1 int) {
	b := p.Bounds
	if b.Dy() == 1 {
		if b.Min.Y&1 != 0 {
			row := p.Row(b.Min.Y, x0, x1)
			for i := range row {
				row[i] >>= 1
			}
		}
		return
	}
	for y := firstRow(b, 0); y < b.Max.Y; y += 2 {
		row := p.Row(y, x0, x1)
		above, below := p.neighbours(y, x0, x1)
		above, below = above[:len(row)], below[:len(row)]
		for i := range row {
			row[i] -= (above[i] + below[i] + 2) >> 2
		}
	}
	for y := firstRow(b, 1); y < b.Max.Y; y += 2 {
		row := p.Row(y, x0, x1)
		above, below := p.neighbours(y, x0, x1)
		above, below = above[:len(row)], below[:len(row)]
		for i := range row {
			row[i] += (above[i] + below[i]) >> 1
		}
	}
}
