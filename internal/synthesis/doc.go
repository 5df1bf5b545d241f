// Package synthesis makes samples of quantised coefficients: dequantisation (Annex E
// of ISO/IEC 15444-1), the inverse wavelet transforms (Annex F), the inverse
// component transforms and the level shift (Annex G).
//
// It works by rows. A [Component] hands out the rows of one tile-component from top
// to bottom. At each resolution it takes a row of each of two sub-bands at a time,
// filters it across, and lifts it down as soon as its neighbours are there; it keeps
// as many rows as that takes and no more. So the memory for a whole image follows its
// width.
//
// # Order of the filters
//
// The standard filters across, then down (F.3.2), and the reversible filter rounds, so
// that order shows. Whoever visits an image sideways gives everything with the axes
// exchanged and sets Columns: the filter down is then the first, and the samples are
// those of the other order, transposed.
//
// # Numbers
//
// Reversible components are synthesised in int32, or in int16 where the caller knows
// that the numbers are small enough; sums of damaged coefficients wrap around.
// Irreversible ones are synthesised in float32, with the same operations in the same
// order for every sample whatever the window is. All kernels exist in Go and in C and
// give the same numbers.
package synthesis
