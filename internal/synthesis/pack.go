// This file implements the inverse component transforms and the level shift
// (Annex G), down to samples of the component's depth.

package synthesis

// A Plane is where the samples of a component go. Exactly one slice is used: U8 for
// unsigned samples of at most 8 bits, U16 for unsigned ones of at most 16, I32 for all
// others.
type Plane struct {
	Depth  int // bits a sample
	Signed bool
	Stride int
	U8     []uint8
	U16    []uint16
	I32    []int32
}

// Pack shifts the samples of one component to their range (G.1.2), rounds those of the
// irreversible transform to the nearest, and clamps them.
func Pack(dst Plane, src Samples, width, height int) {
	if !packC(&dst, &src, width, height) {
		packGo(dst, src, width, height)
	}
}

func packGo(dst Plane, src Samples, width, height int) {
	for y := range height {
		from, to := src.from(y, width), dst.from(y, width)
		switch {
		case from.I16 != nil:
			packInts(&to, from.I16)
		case from.I32 != nil:
			packInts(&to, from.I32)
		default:
			packFloats(&to, from.F32)
		}
	}
}

// PackRCT is Pack for three components with the reversible component transform
// (Equations G-6 to G-8).
func PackRCT(dst [3]Plane, src [3]Samples, width, height int) {
	if !packRCT(&dst, &src, width, height) {
		packRCTGo(dst, src, width, height)
	}
}

func packRCTGo(dst [3]Plane, src [3]Samples, width, height int) {
	var wide [3]Samples
	for i := range wide {
		wide[i] = Samples{Stride: width, I32: make([]int32, width)}
	}
	for y := range height {
		for i, s := range src {
			if s.I16 != nil {
				for x, v := range s.I16[y*s.Stride:][:width] {
					wide[i].I32[x] = int32(v)
				}
			} else {
				copy(wide[i].I32, s.I32[y*s.Stride:][:width])
			}
		}
		a, b, c := wide[0].I32, wide[1].I32, wide[2].I32
		for x, luma := range a {
			g := luma - (b[x]+c[x])>>2
			a[x], b[x], c[x] = c[x]+g, g, b[x]+g
		}
		for i := range dst {
			to := dst[i].from(y, width)
			packInts(&to, wide[i].I32)
		}
	}
}

// PackICT is Pack for three components with the irreversible component transform
// (Equations G-12 to G-14).
func PackICT(dst [3]Plane, src [3]Samples, width, height int) {
	if !packICT(&dst, &src, width, height) {
		packICTGo(dst, src, width, height)
	}
}

func packICTGo(dst [3]Plane, src [3]Samples, width, height int) {
	var rgb [3][]float32
	for i := range rgb {
		rgb[i] = make([]float32, width)
	}
	for y := range height {
		luma, blue, red := src[0].F32[y*src[0].Stride:][:width], src[1].F32[y*src[1].Stride:][:width], src[2].F32[y*src[2].Stride:][:width]
		for x, v := range luma {
			b, r := blue[x], red[x]
			rgb[0][x] = v + float32(1.402*r)
			rgb[1][x] = v - float32(0.34413*b) - float32(0.71414*r)
			rgb[2][x] = v + float32(1.772*b)
		}
		for i := range dst {
			to := dst[i].from(y, width)
			packFloats(&to, rgb[i])
		}
	}
}

// from is row y, as far as the width goes.
func (s *Samples) from(y, width int) (row Samples) {
	switch at := y * s.Stride; {
	case s.I16 != nil:
		row.I16 = s.I16[at : at+width]
	case s.I32 != nil:
		row.I32 = s.I32[at : at+width]
	default:
		row.F32 = s.F32[at : at+width]
	}
	return row
}

func (p *Plane) from(y, width int) Plane {
	row := *p
	switch at := y * p.Stride; {
	case p.U8 != nil:
		row.U8 = p.U8[at : at+width]
	case p.U16 != nil:
		row.U16 = p.U16[at : at+width]
	default:
		row.I32 = p.I32[at : at+width]
	}
	return row
}

func packInts[T int16 | int32](dst *Plane, src []T) {
	half := int64(1) << (dst.Depth - 1)
	switch {
	case dst.U8 != nil:
		shiftInts(dst.U8, src, int32(half))
	case dst.U16 != nil:
		shiftInts(dst.U16, src, int32(half))
	default:
		up := half
		if dst.Signed {
			up = 0
		}
		for i, v := range src {
			dst.I32[i] = int32(min(max(int64(v), -half), half-1) + up)
		}
	}
}

func shiftInts[S uint8 | uint16, T int16 | int32](dst []S, src []T, half int32) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = S(min(max(int32(v), -half), half-1) + half)
	}
}

func packFloats(dst *Plane, src []float32) {
	half := int64(1) << (dst.Depth - 1)
	switch {
	case dst.U8 != nil:
		shiftFloats(dst.U8, src, float32(half))
	case dst.U16 != nil:
		shiftFloats(dst.U16, src, float32(half))
	default:
		up := half
		if dst.Signed {
			up = 0
		}
		low, high := float64(-half), float64(half-1)
		for i, v := range src {
			f := float64(v)
			if !(f > low) {
				f = low
			}
			if !(f < high) {
				f = high
			}
			// Down to the integer below, for numbers of any sign.
			f += 0.5
			n := int64(f)
			if float64(n) > f {
				n--
			}
			dst.I32[i] = int32(n + up)
		}
	}
}

// shiftFloats rounds by adding a half. What is no number becomes black.
func shiftFloats[S uint8 | uint16](dst []S, src []float32, half float32) {
	shift, high := half+0.5, 2*half-0.5
	dst = dst[:len(src)]
	for i, v := range src {
		v += shift
		if !(v > 0) {
			v = 0
		}
		if !(v < high) {
			v = high
		}
		dst[i] = S(int32(v))
	}
}
