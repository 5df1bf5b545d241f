// This file reads reference pictures, whatever their format.

package corpus

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path"
	"testing"

	"golang.org/x/image/tiff"
)

// Plane returns the plane of the reference picture that the component is to be
// compared with.
func (r Tolerance) Plane(tb testing.TB) Plane {
	tb.Helper()
	p, err := r.plane()
	if err != nil {
		tb.Fatalf("corpus: %s: %v", r.Reference, err)
	}
	return p
}

func (r Tolerance) plane() (Plane, error) {
	data, err := os.ReadFile(r.ReferenceName)
	if err != nil {
		return Plane{}, err
	}
	var planes []Plane
	component := r.Component
	switch ext := path.Ext(r.Reference); ext {
	case ".pgx": // one file a component
		p, err := ParsePGX(data)
		if err != nil {
			return Plane{}, err
		}
		planes, component = []Plane{p}, 0
	case ".pgm", ".ppm":
		planes, err = ParsePNM(data)
	case ".tif":
		planes, err = parseTIFF(data)
	case ".yuv":
		planes, err = r.parseYUV(data)
	default:
		err = fmt.Errorf("no reader for %s", ext)
	}
	if err != nil {
		return Plane{}, err
	}
	if component >= len(planes) {
		return Plane{}, fmt.Errorf("no component %d", component)
	}
	p := planes[component]
	if p.Width != r.RefWidth || p.Height != r.RefHeight || p.Signed != (r.RefSign == "s") {
		return Plane{}, fmt.Errorf("is %dx%d, signed %t: not what the row says", p.Width, p.Height, p.Signed)
	}
	return p, nil
}

// parseTIFF returns the red, green and blue planes of an 8-bit TIFF.
func parseTIFF(data []byte) ([]Plane, error) {
	img, err := tiff.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	planes := make([]Plane, 3)
	for c := range planes {
		planes[c] = Plane{Width: b.Dx(), Height: b.Dy(), Depth: 8, Samples: make([]int32, b.Dx()*b.Dy())}
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			red, green, blue, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
			for c, v := range [3]uint32{red, green, blue} {
				planes[c].Samples[y*b.Dx()+x] = int32(v >> 8)
			}
		}
	}
	return planes, nil
}

// parseYUV returns the planes of a headless 4:2:0 picture, whose size the row
// of one of its components gives.
func (r Tolerance) parseYUV(data []byte) ([]Plane, error) {
	luma := image.Pt(r.RefWidth, r.RefHeight)
	if r.Component > 0 {
		luma = luma.Mul(2)
	}
	chroma := luma.Div(2)
	if len(data) != luma.X*luma.Y+2*chroma.X*chroma.Y {
		return nil, fmt.Errorf("%d bytes are not 4:2:0 of %v", len(data), luma)
	}
	var planes []Plane
	for _, size := range []image.Point{luma, chroma, chroma} {
		p := Plane{Width: size.X, Height: size.Y, Depth: 8, Samples: make([]int32, size.X*size.Y)}
		for i := range p.Samples {
			p.Samples[i] = int32(data[i])
		}
		data = data[len(p.Samples):]
		planes = append(planes, p)
	}
	return planes, nil
}
