// This file implements the inverse multiple component transforms (Annex G).

package wavelet

// InverseRCT makes red, green and blue of what the reversible component transform
// made of them, in place (Equations G-6 to G-8).
func InverseRCT(y, u, v *Plane[int32]) {
	us, vs := u.Pix[:len(y.Pix)], v.Pix[:len(y.Pix)]
	for i, luma := range y.Pix {
		g := luma - (us[i]+vs[i])>>2
		y.Pix[i], us[i], vs[i] = vs[i]+g, g, us[i]+g
	}
}

// InverseICT is InverseRCT for the irreversible component transform (Equations
// G-12 to G-14).
func InverseICT(y, cb, cr *Plane[float32]) {
	blue, red := cb.Pix[:len(y.Pix)], cr.Pix[:len(y.Pix)]
	for i, luma := range y.Pix {
		b, r := blue[i], red[i]
		y.Pix[i], blue[i], red[i] = luma+1.402*r, luma-0.34413*b-0.71414*r, luma+1.772*b
	}
}
