// Package ht decodes High-Throughput code-blocks (ISO/IEC 15444-15): bytes in,
// coefficients out.
//
// # How a High-Throughput block is coded
//
// The cleanup pass codes all bit-planes down to one in a single go. It looks at quads,
// two by two samples, two of them side by side at a time. Of a quad it codes which
// samples are significant, and a bound of the exponents of their magnitudes; then
// comes what is left of each magnitude, and its sign. Its segment has three streams of
// bits that share the bytes:
//
//   - magnitudes and signs (MagSgn), from the front,
//   - the adaptive run-length code of quads without significant neighbours in which
//     nothing is (MEL), from somewhere behind that,
//   - variable-length codewords (VLC) of all else, backwards from the end, which also
//     has the length of the last two.
//
// Two optional passes, in a segment of their own, add one bit-plane: significance
// propagation, from the front, for samples with a significant neighbour, and magnitude
// refinement, backwards from the end, for those that the cleanup pass found.
//
// In each stream a byte of ones is followed by one of seven bits, so that no marker
// shows.
package ht
