//go:build cgo

// This file holds the codestreams that the tests decode: small ones in
// testdata, which opj_compress made of a picture that is drawn here. Run the
// tests with -update to make them anew.

package openjpeg

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "make the codestreams in testdata with opj_compress")

// An asset is a codestream of the picture.
type asset struct {
	name    string
	bounds  image.Rectangle // reference grid
	sub     []image.Point   // of each component
	depth   int
	signed  bool
	lossy   int    // largest difference from the picture
	options string // of opj_compress
}

var (
	one  = image.Pt(1, 1)
	grey = []image.Point{one}
	rgb  = []image.Point{one, one, one}
)

var assets = []asset{
	{"grey8", image.Rect(0, 0, 61, 83), grey, 8, false, 0, "-n 4 -b 16,16"},
	{"grey1", image.Rect(0, 0, 61, 83), grey, 1, false, 0, "-n 3 -b 8,8"},
	{"grey12", image.Rect(0, 0, 61, 53), grey, 12, false, 0, "-n 3 -b 16,16"},
	{"grey16", image.Rect(0, 0, 41, 43), grey, 16, false, 0, "-n 3 -b 16,16"},
	{"signed8", image.Rect(0, 0, 61, 53), grey, 8, true, 0, "-n 3 -b 16,16"},
	{"signed13", image.Rect(0, 0, 41, 43), grey, 13, true, 0, "-n 3 -b 16,16"},
	{"offset", image.Rect(13, 7, 74, 90), grey, 8, false, 0, "-n 4 -b 16,16 -d 13,7"},
	{"rgb", image.Rect(0, 0, 48, 57), rgb, 8, false, 0, "-n 4 -b 16,16"},
	{"rgb97", image.Rect(0, 0, 61, 83), rgb, 8, false, 40, "-n 4 -b 16,16 -I -r 6"},
	{"grey97", image.Rect(0, 0, 61, 53), grey, 16, false, 2000, "-n 4 -b 16,16 -I -r 4"},
	{"sub420", image.Rect(0, 0, 62, 82), []image.Point{one, {X: 2, Y: 2}, {X: 2, Y: 2}}, 8, false, 0, "-n 4 -b 16,16 -mct 0"},
	{"sub422", image.Rect(0, 0, 50, 40), []image.Point{one, {X: 2, Y: 1}, {X: 2, Y: 1}}, 8, false, 0, "-n 4 -b 16,16 -mct 0"},
	{"styles", image.Rect(0, 0, 61, 53), grey, 8, false, 0, "-n 3 -b 16,16 -M 63"},
}

// sample is the picture: a sample of component c at a point of its grid, for
// any depth: a vignette, a disc with a hard edge and a little grain.
func (a *asset) sample(c, x, y int) int32 {
	sx, sy := x*a.sub[c].X, y*a.sub[c].Y
	v := 40 + (sx*3+sy*2+c*50)%160
	if dx, dy := sx-30, sy-35; dx*dx+dy*dy < 400+90*c {
		v = 200 - dx*2 + dy
	}
	v += (sx*7 ^ sy*13) & 3
	v = min(max(v, 0), 255)
	n := int32(v)
	if a.depth >= 8 {
		n <<= a.depth - 8
		n += int32(sx+sy) & (1<<(a.depth-8) - 1)
	} else {
		n >>= 8 - a.depth
	}
	if a.signed {
		n -= 1 << (a.depth - 1)
	}
	return n
}

// TestUpdate makes the assets when asked to. It is the first test to run.
func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	for _, a := range assets {
		a.compress(t)
	}
}

func (a *asset) file() string { return filepath.Join("testdata", a.name+".j2k") }

// stream is the asset's codestream.
func (a *asset) stream(t testing.TB) []byte {
	t.Helper()
	s, err := os.ReadFile(a.file())
	require.NoError(t, err)
	return s
}

// compress makes the asset. opj_compress reads raw samples of 8 and 16 bits
// only. Other depths are compressed as signed samples of those, and SIZ says
// afterwards what they are: the level shift of unsigned samples (G.1) is then
// the decoder's to undo. The picture must be lossless for that.
func (a *asset) compress(t testing.TB) {
	t.Helper()
	depth, letter, shift := a.depth, "u", int32(0)
	patch := depth != 8 && depth != 16
	if patch {
		depth = (depth + 7) &^ 7
		if !a.signed {
			shift = 1 << (a.depth - 1)
		}
	}
	if patch || a.signed {
		letter = "s"
	}
	var raw bytes.Buffer
	var subs []string
	for c, sub := range a.sub {
		subs = append(subs, fmt.Sprintf("%dx%d", sub.X, sub.Y))
		b := window(a.bounds, sub)
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				if v := a.sample(c, x, y) - shift; depth == 8 {
					raw.WriteByte(byte(v))
				} else {
					require.NoError(t, binary.Write(&raw, binary.BigEndian, uint16(v)))
				}
			}
		}
	}
	input := filepath.Join(t.TempDir(), "picture.raw")
	require.NoError(t, os.WriteFile(input, raw.Bytes(), 0o666))
	args := []string{"-i", input, "-o", a.file(), "-F", fmt.Sprintf("%d,%d,%d,%d,%s@%s",
		a.bounds.Dx(), a.bounds.Dy(), len(a.sub), depth, letter, strings.Join(subs, ":"))}
	out, err := exec.Command("opj_compress", append(args, strings.Fields(a.options)...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	if patch {
		s := a.stream(t)
		s[42] = byte(a.depth - 1) // Ssiz of the only component
		if a.signed {
			s[42] |= 0x80
		}
		require.NoError(t, os.WriteFile(a.file(), s, 0o666))
	}
}

// planes makes planes for the area of the reference grid, filled with noise,
// and with guard samples around them.
func (a *asset) planes(area image.Rectangle) []Plane {
	dst := make([]Plane, len(a.sub))
	for c := range dst {
		dst[c] = newPlane(window(area, a.sub[c]), a.depth, a.signed)
	}
	return dst
}

// guard is what is around the samples of a plane that newPlane made.
const guard = 0x5a

// newPlane makes a plane that is surrounded by guard samples: three to the right
// of each row.
func newPlane(b image.Rectangle, depth int, signed bool) Plane {
	p := Plane{Bounds: b, Depth: depth, Signed: signed, Stride: b.Dx() + 3}
	n := p.Stride * b.Dy()
	switch p.size() {
	case 1:
		p.U8 = bytes.Repeat([]byte{guard}, n)
	case 2:
		p.U16 = make([]uint16, n)
		for i := range p.U16 {
			p.U16[i] = guard
		}
	default:
		p.I32 = make([]int32, n)
		for i := range p.I32 {
			p.I32[i] = guard
		}
	}
	return p
}

// at is the sample of a plane at a point of its component's grid.
func (p *Plane) at(x, y int) int32 {
	i := (y-p.Bounds.Min.Y)*p.Stride + x - p.Bounds.Min.X
	switch p.size() {
	case 1:
		return int32(p.U8[i])
	case 2:
		return int32(p.U16[i])
	default:
		return p.I32[i]
	}
}

// requireGuards fails if something was stored beside the planes.
func requireGuards(t testing.TB, planes []Plane) {
	t.Helper()
	for c := range planes {
		p := &planes[c]
		for y := p.Bounds.Min.Y; y < p.Bounds.Max.Y; y++ {
			for x := p.Bounds.Max.X; x < p.Bounds.Min.X+p.Stride; x++ {
				require.EqualValues(t, guard, p.at(x, y), "component %d, guard at %d, %d", c, x, y)
			}
		}
	}
}

// difference is the largest between the planes and those of the whole.
func difference(part, whole []Plane) int32 {
	worst := int32(0)
	for c := range part {
		p, w := &part[c], &whole[c]
		for y := p.Bounds.Min.Y; y < p.Bounds.Max.Y; y++ {
			for x := p.Bounds.Min.X; x < p.Bounds.Max.X; x++ {
				worst = max(worst, p.at(x, y)-w.at(x, y), w.at(x, y)-p.at(x, y))
			}
		}
	}
	return worst
}

// randomArea is an area within b that is not empty, and not b.
func randomArea(r *rand.Rand, b image.Rectangle) image.Rectangle {
	for {
		a := image.Rect(
			b.Min.X+r.IntN(b.Dx()+1), b.Min.Y+r.IntN(b.Dy()+1),
			b.Min.X+r.IntN(b.Dx()+1), b.Min.Y+r.IntN(b.Dy()+1))
		if !a.Empty() && a != b {
			return a
		}
	}
}
