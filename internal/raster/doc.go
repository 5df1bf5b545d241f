// Package raster holds the loops over samples: everything that touches each
// pixel of a result once it has been decoded. It knows nothing of files,
// codestreams or boxes; its functions take slices, strides and numbers.
//
// Two layouts occur. Decoded samples are planar, one slice per component, as
// wide as their depth needs ([]uint8, []uint16, []int32). Pixels are
// interleaved, one to four channels of 8 bits, or of 16 bits big-endian, as
// package image lays them out: grey, NRGBA (also for RGB, with the fourth byte
// at its maximum) and CMYK.
//
// The way of a sample through this package:
//
//	decoded planes
//	  -> upsample.go   subsampled components to the pixels' own grid
//	  -> scale.go      any depth and sign to 8 or 16 bits, rounded
//	  -> pack.go       planes to interleaved pixels
//	  -> ycc.go, cmyk.go, lab.go, matrix.go, palette.go   to sRGB
//	  -> resample.go   the last scaling step, streaming
//	  -> orient.go     turned and mirrored
//	  -> alpha.go, gray.go   onto a background, to grey, to black and white
//
// # Conventions
//
// Row functions work on one row and take no stride. They process as many pixels
// as the destination has room for and need sources at least as long; a source
// that is too short is a bug of the caller and panics as an index out of range
// does. Destination and source may be the same slice where a comment says so.
// A function writes its destination's pixels and nothing beside them.
//
// Everything is rounded to nearest, never truncated. Every kernel that is fast
// and not obvious has an obvious twin in its test, and is compared with it.
//
// Values are safe for concurrent use once made, except a Resampler, which is a
// stream.
package raster
