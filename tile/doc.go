// Package tile turns a request for a part of an image into pixels: it plans
// what must be read and decoded, reads it, has an [Engine] decode it, converts
// colours, scales, turns, and hands the result over in strips, top to bottom.
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
package tile
