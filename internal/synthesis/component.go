package synthesis

import (
	"image"

	"github.com/stria-j2k/stria/internal/grid"
)

// A Config describes a component and the window of it that is wanted. Coordinates may
// be negative.
type Config struct {
	Bounds     image.Rectangle // the tile-component at the resolution that is wanted
	Window     image.Rectangle // the part that is wanted, inside Bounds
	Levels     int             // decomposition levels
	Reversible bool            // the 5/3 filter, otherwise the 9/7 one
	Columns    bool            // filter down before across: see the package comment
	Narrow     bool            // with Reversible: numbers of 16 bits
	Bands      [][4]BandConfig // by resolution and sub-band: LL, HL, LH, HH
}

// A BandConfig is what the coefficients of a sub-band mean.
type BandConfig struct {
	Step     float32 // quantisation step (Equation E-3); irreversible only
	Fraction int     // bits below the binary point; reversible coefficients are cut there
}

// A Band is some rows of a sub-band.
type Band struct {
	// Rect is where the coefficients lie on the sub-band's grid. Its columns are all
	// that the window needs.
	Rect   image.Rectangle
	Stride int // coefficients from a row to the one below

	// Exactly one of these is used; where both are nil all coefficients are zero.
	I16 []int16
	I32 []int32
}

// A Source has the coefficients of a component.
type Source interface {
	// Band gives rows of a sub-band, y among them. The rows above y will not be asked
	// for again. It is called for the rows of [Need] only, in order.
	Band(resolution, band, y int) (Band, error)
}

// A Kind is a type of numbers.
type Kind uint8

// The kinds of samples that components are made of.
const (
	Int16 Kind = iota
	Int32
	Float32
)

// Samples is rows of samples before the component transform, in the slice of a
// component's kind.
type Samples struct {
	Stride int
	I16    []int16
	I32    []int32
	F32    []float32
}

// A Component synthesises one tile-component. It is for one goroutine at a time.
type Component struct {
	kind    Kind
	i16     *machine[int16]
	i32     *machine[int32]
	float32 *machine[float32]
}

// New makes a component with all the memory that it will need.
func New(c Config) *Component {
	k := &Component{kind: c.kind()}
	switch k.kind {
	case Int16:
		k.i16 = newMachine[int16](c)
	case Int32:
		k.i32 = newMachine[int32](c)
	default:
		k.float32 = newMachine[float32](c)
	}
	return k
}

func (c *Config) kind() Kind {
	switch {
	case !c.Reversible:
		return Float32
	case c.Narrow:
		return Int16
	}
	return Int32
}

// Kind is the type of the component's samples.
func (c *Component) Kind() Kind { return c.kind }

// Read makes the next rows of the window. An error is the source's.
func (c *Component) Read(dst Samples, rows int, src Source) error {
	switch c.kind {
	case Int16:
		return c.i16.read(dst.I16, dst.Stride, rows, src)
	case Int32:
		return c.i32.read(dst.I32, dst.Stride, rows, src)
	}
	return c.float32.read(dst.F32, dst.Stride, rows, src)
}

// Memory bounds the bytes that a component takes.
func Memory(c Config) int64 {
	size := int64(4)
	if c.kind() == Int16 {
		size = 2
	}
	_, _, _, n := layOut(c)
	return size*int64(n) + int64(c.Levels+1)*512
}

// Need is the coefficients that the window depends on, by resolution and sub-band, on
// the grids of the sub-bands.
func Need(c Config) [][4]image.Rectangle {
	need := needs(c)
	for r := 1; r < len(need); r++ {
		need[r][0] = image.Rectangle{}
	}
	return need
}

// needs is Need with what each resolution takes of the one below as its sub-band LL.
func needs(c Config) [][4]image.Rectangle {
	need := make([][4]image.Rectangle, c.Levels+1)
	window := c.Window.Intersect(c.Bounds)
	if window.Empty() {
		return need
	}
	for r := c.Levels; r > 0; r-- {
		bounds := resolution(c.Bounds, c.Levels-r)
		for band := range 4 {
			x0, x1 := reached(window.Min.X, window.Max.X, band&1, c.Reversible)
			y0, y1 := reached(window.Min.Y, window.Max.Y, band>>1, c.Reversible)
			need[r][band] = image.Rect(x0, y0, x1, y1).Intersect(subband(bounds, band))
		}
		window = need[r][0]
	}
	need[0][0] = window
	return need
}

// reached gives the coefficients, low-pass or high-pass, that samples from lo to hi
// depend on: sample u takes low-pass coefficient n if |u - 2n| is in reach of the
// filter, and high-pass coefficient n if |u - (2n+1)| is.
func reached(lo, hi, high int, reversible bool) (first, end int) {
	reach := 3 + high
	if reversible {
		reach = 1 + high
	}
	return ceilHalf(lo - reach - high), (hi-1+reach-high)>>1 + 1
}

func ceilHalf(a int) int { return int(grid.CeilShift(int64(a), 1)) }

// resolution is what bounds are n levels down.
func resolution(bounds image.Rectangle, n int) image.Rectangle {
	return grid.RectOf(bounds).CeilShift(n).Rectangle()
}

// subband is a sub-band of a resolution's bounds.
func subband(r image.Rectangle, band int) image.Rectangle {
	return grid.RectOf(r).Band(band, 1).Rectangle()
}
