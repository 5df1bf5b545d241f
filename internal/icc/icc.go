// Package icc reads ICC colour profiles, as far as showing an image in sRGB
// needs: profiles whose colours are three tone curves and a matrix (what
// cameras, scanners and editors embed for RGB) and profiles of one tone curve
// for grey. It follows ICC.1:2022 and reads versions 2 and 4 alike.
//
// A profile is a header of 128 bytes, a table of tags with offsets, and the
// tags' data. Colours go through the profile connection space, XYZ under D50:
//
//	sample -> tone curve (rTRC, gTRC, bTRC or kTRC) -> light
//	light  -> matrix (columns rXYZ, gXYZ, bXYZ)     -> XYZ under D50
//	XYZ    -> adapted to D65, sRGB's matrix         -> linear sRGB -> sRGB
//
// This is the media-relative colorimetric intent, all that such profiles can
// express; white becomes white. Colours outside of sRGB are clipped.
//
// Everything else, tables of CMYK presses among it, is errors.ErrUnsupported:
// such a profile is better embedded in the result than approximated.
//
// Profiles come with images and are as hostile. Nothing is allocated by a
// number in one, and offsets are checked before they are followed.
package icc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/stria-j2k/stria/internal/raster"
)

// ErrFormat is what every error about a profile that is not valid matches.
var ErrFormat = errors.New("not a valid ICC profile")

const (
	headerSize = 128 // 7.2
	tagSize    = 12  // 7.3.1: signature, offset, size
	maxTags    = 1024
)

// A Profile is a profile's header and tags. It is immutable and safe for
// concurrent use; it shares the bytes it was parsed from.
type Profile struct {
	Version [2]uint8 // 7.2.4: major, and minor with the bug fix in its low half
	Class   string   // 7.2.5: scnr, mntr, prtr, spac, link, abst or nmcl
	Space   string   // 7.2.6: what samples are: "RGB ", "GRAY", "CMYK", ...
	PCS     string   // 7.2.7: the profile connection space: "XYZ " or "Lab "

	tags map[string][]byte
}

// Parse reads a profile's header and table of tags. Bytes after the profile's
// end are ignored. What the tags hold is checked when they are used.
func Parse(data []byte) (*Profile, error) {
	if len(data) < headerSize+4 {
		return nil, formatError("%d bytes are too few for a header", len(data))
	}
	if size := binary.BigEndian.Uint32(data); uint64(size) > uint64(len(data)) {
		return nil, formatError("says it has %d bytes and has %d", size, len(data))
	} else if size < headerSize+4 {
		return nil, formatError("says it has %d bytes", size)
	} else {
		data = data[:size]
	}
	if sig := string(data[36:40]); sig != "acsp" {
		return nil, formatError("signature is %q", sig)
	}
	p := &Profile{
		Version: [2]uint8{data[8], data[9]},
		Class:   string(data[12:16]),
		Space:   string(data[16:20]),
		PCS:     string(data[20:24]),
	}
	n := binary.BigEndian.Uint32(data[headerSize:])
	table := data[headerSize+4:]
	if n > maxTags || int(n)*tagSize > len(table) {
		return nil, formatError("%d tags do not fit", n)
	}
	p.tags = make(map[string][]byte, n)
	for i := range int(n) {
		t := table[i*tagSize:]
		off, size := binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:])
		if uint64(off)+uint64(size) > uint64(len(data)) {
			return nil, formatError("tag %q at %d, %d bytes long, reaches beyond the end",
				t[:4], off, size)
		}
		if _, ok := p.tags[string(t[:4])]; !ok { // 7.3.1: once each
			p.tags[string(t[:4])] = data[off : off+size]
		}
	}
	return p, nil
}

// Has reports whether the profile has a tag.
func (p *Profile) Has(tag string) bool {
	_, ok := p.tags[tag]
	return ok
}

func formatError(format string, args ...any) error {
	return fmt.Errorf("icc: %s: %w", fmt.Sprintf(format, args...), ErrFormat)
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("icc: %s: %w", fmt.Sprintf(format, args...), errors.ErrUnsupported)
}

// A Converter takes samples of a profile's space to sRGB, or to grey with
// sRGB's curve. It is safe for concurrent use.
type Converter struct {
	gray  *raster.Tone
	color *raster.Shaper
}

// Gray reports whether pixels have one channel; otherwise they have four, of
// which the fourth is left as it is.
func (c *Converter) Gray() bool { return c.gray != nil }

// Pixels8 converts pixels of one or four bytes in place.
func (c *Converter) Pixels8(pix []byte) {
	if c.gray != nil {
		c.gray.Pixels8(pix)
		return
	}
	c.color.Pixels8(pix)
}

// Pixels16 converts pixels of one or four big-endian 16-bit channels in place.
func (c *Converter) Pixels16(pix []byte) {
	if c.gray != nil {
		c.gray.Pixels16(pix)
		return
	}
	c.color.Pixels16(pix)
}

// Converter is a conversion to sRGB; its tables are made when the first pixels
// come. It is errors.ErrUnsupported for profiles that are more than curves and a
// matrix.
func (p *Profile) Converter() (*Converter, error) {
	switch p.Class {
	case "scnr", "mntr", "prtr", "spac":
	default:
		return nil, unsupported("profile class %q", p.Class)
	}
	// 8.10.2: where there are such tables, they are what counts.
	for _, tag := range []string{"A2B0", "A2B1", "D2B0", "D2B1"} {
		if p.Has(tag) {
			return nil, unsupported("profile with a colour table %q", tag)
		}
	}
	switch {
	case p.Space == "RGB " && p.PCS == "XYZ ":
		return p.matrix()
	case p.Space == "GRAY" && (p.PCS == "XYZ " || p.PCS == "Lab "):
		return p.gray()
	}
	return nil, unsupported("profile from %q to %q without a colour table", p.Space, p.PCS)
}

// mostLight bounds what colours of a profile come to: the sum of the sizes of a
// row of the matrix to linear sRGB. The widest spaces in use come to 4.
const mostLight = 16

// matrix is F.3: the three-component matrix-based model.
func (p *Profile) matrix() (*Converter, error) {
	var curves []func(float64) float64
	var m raster.Matrix3
	for c, tags := range [3][2]string{{"rTRC", "rXYZ"}, {"gTRC", "gXYZ"}, {"bTRC", "bXYZ"}} {
		f, err := p.curve(tags[0])
		if err != nil {
			return nil, err
		}
		curves = append(curves, f)
		xyz, err := p.xyz(tags[1])
		if err != nil {
			return nil, err
		}
		for i, v := range xyz {
			m[i][c] = v
		}
	}
	if same := p.tags["rTRC"]; bytes.Equal(same, p.tags["gTRC"]) && bytes.Equal(same, p.tags["bTRC"]) {
		curves = curves[:1]
	}
	m = raster.SRGBFromXYZ(raster.D50()).Mul(m)
	for _, row := range m {
		if math.Abs(row[0])+math.Abs(row[1])+math.Abs(row[2]) > mostLight {
			return nil, unsupported("profile whose colours lie beyond all that is seen")
		}
	}
	return &Converter{color: raster.NewShaper(m, curves...)}, nil
}

// gray is F.2: the monochrome model.
func (p *Profile) gray() (*Converter, error) {
	f, err := p.curve("kTRC")
	if err != nil {
		return nil, err
	}
	light := f
	if p.PCS == "Lab " { // the curve yields L*
		light = func(v float64) float64 { return raster.LabLight((f(v)*100 + 16) / 116) }
	}
	return &Converter{gray: raster.NewTone(light)}, nil
}

// xyz reads an XYZ tag. 10.31.
func (p *Profile) xyz(tag string) (v [3]float64, err error) {
	d, err := p.typed(tag, "XYZ ", 20)
	if err != nil {
		return v, err
	}
	for i := range v {
		v[i] = s15Fixed16(d[8+4*i:])
	}
	return v, nil
}

// typed is the data of a tag that is of a type and at least size bytes long.
func (p *Profile) typed(tag, kind string, size int) ([]byte, error) {
	d, ok := p.tags[tag]
	switch {
	case !ok:
		return nil, formatError("has no tag %q", tag)
	case len(d) < 8:
		return nil, formatError("tag %q has %d bytes", tag, len(d))
	case kind != "" && string(d[:4]) != kind:
		return nil, formatError("tag %q is of type %q", tag, d[:4])
	case len(d) < size:
		return nil, formatError("tag %q has %d bytes", tag, len(d))
	}
	return d, nil
}

// s15Fixed16 is 4.6.
func s15Fixed16(d []byte) float64 {
	return float64(int32(binary.BigEndian.Uint32(d))) / 65536
}
