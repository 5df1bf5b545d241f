// Package tile turns a request for a part of an image into pixels: it plans
// what must be read and decoded, reads it, decodes it, converts colours, scales,
// turns, and hands the result over in strips, top to bottom.
//
// # The journey
//
// A [Plan] is run in stages that work at the same time. Code-blocks are selected and
// read in the order in which rows of the result need them; workers decode them, each
// once; a stream for each tile synthesises rows of samples out of rows of blocks and
// lets go of those that the wavelet has passed; pieces of these become pixels in slabs,
// which are scaled and handed out. A [Budget] bounds the memory and the workers of all
// runs, and a [Cache] keeps decoded blocks for the next.
//
// # Open, plan, run
//
// [Decoder.Plan] is arithmetic on headers that are already in memory. A [Plan]
// knows the size of the result and a bound of the memory that a run takes; it
// is immutable and may be shared and run any number of times. Running it, by
// [Plan.Strips], [Plan.Planes] or [Plan.Image], does all reading and decoding.
//
// # Grids
//
// A request's region is in full-resolution pixels: the samples of the finest
// component, the image's upper left corner at (0,0). Inside the package areas
// are on the reference grid of the codestream (see package codestream). A
// result has a grid of its own, its upper left corner at (0,0).
//
// # Colours
//
// What the colours of an image are, [jp2.File] says in Color and Layout, also
// for codestreams that stand alone. They are shown like this:
//
//	grey, bilevel              grey; bilevel(0) inverted, its 1 is black
//	sRGB                       as it is
//	sYCC, YCbCr(2)             to RGB by BT.601; its luma when grey is wanted
//	e-sRGB, 10 to 16 bits      black and white to those of sRGB, the rest clipped
//	e-sYCC, from 8 bits        as sYCC, chroma of twice the reach; likewise
//	YCbCr(1), YCbCr(3), YPbPr  video, from 8 bits: to RGB, taken for sRGB; likewise
//	ROMM RGB                   to sRGB, what lies outside clipped
//	CIELab                     likewise, under any illuminant but a temperature
//	CMYK, CMY                  as CMYK8, CMY without black; to RGB where that is wanted
//	YCCK                       to CMYK by BT.601, then likewise
//	ICC: grey, RGB             in the profile, which Plan.ICC gives; or to sRGB
//	ICC: CMYK                  in the profile, as CMYK8
//	ISO/IEC 23091-2            RGB and luma with chroma, either range, under D65, of
//	                           BT.709, sRGB, BT.601, BT.2020 and Display P3
//	any other                  errors.ErrUnsupported
//
// Others are PhotoYCC, whose highlights have no defined place in sRGB, CIEJab, which
// depends on how it is looked at, and high dynamic range.
//
// What a file does not say rightly of its colours is taken as package jp2 documents
// it, [Plan.Warnings] says so, and it is an error of the plan if the decoder is
// strict. Images with more bands than colours show others by [Request].Bands.
//
// Converting from a profile is for profiles of curves and a matrix. Where it is
// asked for or follows from what is wanted, such as grey of an image with a
// profile, and cannot be done, that is errors.ErrUnsupported as well:
// [IgnoreProfile] is there for those who do not mind.
//
// Opacity stays with the pixels, in NRGBA8 or NRGBA16, and is taken out of
// colours that were multiplied with it. That is errors.ErrUnsupported for
// spaces whose black is not all zeros, and so is opacity of inks.
//
// # Samples
//
// Samples of 1 to 8 bits become 8 bits, all others 16, signed ones with their
// smallest value as black; decoding takes up to 31 bits. They are scaled so
// that the largest is white, and rounded. Of components that are no colours and
// no opacity nothing is read.
//
// Samples of subsampled components lie at the multiples of their subsampling on
// the reference grid (B.2); what CRG says of it (A.9.1) is passed over. Between
// them the pixels' are interpolated linearly, whatever the ratio; at the edges of
// a tile the last is repeated, and where a tile has none the middle of the range
// takes its place.
//
// Where pixels are scaled, colours are averaged weighted by their opacity, so that
// what cannot be seen does not show. The wavelet knows nothing of opacity: the
// lower resolutions of an image whose colours are not premultiplied have averaged
// colours and opacity apart, which leaves a fringe at the edges that nothing takes
// away. Regions of at most a megapixel are therefore scaled from the full resolution
// when a Size is asked for; larger ones, and those that Reduce alone makes smaller,
// have that fringe.
//
// Numbers of palette entries have no mean. Images with palettes are therefore
// decoded at full resolution and their pixels reduced.
package tile
