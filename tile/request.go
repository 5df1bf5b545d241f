package tile

import (
	"image"

	"github.com/stria-j2k/stria/internal/raster"
)

// A Request says which part of an image is wanted and how. The zero value asks
// for the whole image as it is.
type Request struct {
	// Region is the part wanted, in full-resolution pixels with the image's
	// upper left corner at (0,0). Empty: everything. What lies outside the
	// image is cut off; a region wholly outside is an error.
	Region image.Rectangle

	// Size is what Region is scaled to, before Orient. A zero side follows
	// from the other and Region's proportions; both zero: no scaling beyond
	// Reduce.
	Size image.Point

	// Reduce is the number of resolutions to drop at least, each halving the
	// image. With a zero Size the result is Region at that resolution.
	Reduce int

	// Layers is the number of quality layers to decode; zero: all.
	Layers int

	// Linear scales light instead of sRGB's numbers, which keeps fine bright
	// lines on dark ground as bright as they are; slower. It concerns the last
	// step only: the wavelet has averaged numbers before. Not for YCbCr8 and
	// CMYK8.
	Linear bool

	// Orient turns the result, after scaling.
	Orient Orient

	// Quality is how much of the colours is wanted; zero: what there is.
	Quality Quality

	// Bands chooses components of the codestream, counted from 0, instead of what the
	// file says of its colours; nil: it is not asked for. One is shown as grey, two as
	// grey and opacity, three as red, green and blue, four as these and opacity, in
	// the order of Bands, as they are numbered: without palette and profile. It is for
	// images with more bands than colours, and not for Coded.
	Bands []int

	// Color is what becomes of an ICC profile; zero: pixels stay in it.
	Color ColorHandling

	// Format is the pixel format of the strips. Auto is the smallest that
	// loses nothing but for CMYK, of which there are 8 bits only. Samples are
	// rounded to a smaller depth, colour becomes grey by its luma, grey becomes
	// colour, inks become RGB as if there were no paper, and RGB becomes YCbCr;
	// what else cannot be converted is an error of the plan.
	Format PixelFormat
}

// An Orient is one of the eight ways to turn a picture by right angles.
type Orient uint8

// The orientations: turned clockwise by that many degrees, and for the Mirror
// ones mirrored left to right before that.
const (
	Rotate0 Orient = iota
	Rotate90
	Rotate180
	Rotate270
	Mirror0
	Mirror90
	Mirror180
	Mirror270
)

var orientations = [...]raster.Orientation{
	Rotate0:   0,
	Rotate90:  raster.Turn90,
	Rotate180: raster.Turn180,
	Rotate270: raster.Turn270,
	Mirror0:   raster.FlipX,
	Mirror90:  raster.Transpose + raster.FlipX + raster.FlipY,
	Mirror180: raster.FlipY,
	Mirror270: raster.Transpose,
}
