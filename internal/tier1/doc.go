// Package tier1 decodes the code-blocks of ISO/IEC 15444-1 (Annexes C and D), bytes
// in, coefficients out.
//
// # How a code-block is coded
//
// The quantised coefficients of a block are coded bit-plane by bit-plane, from the
// most significant one in which any of them has a bit. A coefficient is
// insignificant until its first bit that is 1, with which its sign is coded. Each
// bit-plane is coded in three passes, and every coefficient is in one of them:
//
//   - significance propagation (D.3.1): insignificant ones with a significant
//     neighbour, which are likely to become significant,
//   - magnitude refinement (D.3.3): those that were significant before,
//   - cleanup (D.3.4): all others, columns of four that have nothing around them
//     with one decision. The first bit-plane has this pass only.
//
// A pass goes through the block in stripes of four rows, and through a stripe column
// by column. Each bit is a decision of the MQ arithmetic decoder (Annex C), in one
// of 19 contexts, each of which has learnt how likely a 1 is. The context follows
// from the significance of the eight neighbours, or from their signs.
//
// Passes are concatenated into codeword segments, one for all of them unless the
// block's style terminates them more often. The style may also put raw bits in place
// of decisions into the lower bit-planes (BYPASS), forget what contexts learnt after
// each pass (RESET), hide the next stripe from contexts (VSC), and add what lets
// damage be noticed (PTERM, SEGSYM).
//
// # Kernels
//
// There are two with the same results, whatever the bytes: one in Go, which is to be
// read first, and one in C for where there is cgo. Both arrange the work so that the
// four rows of a stripe are looked at together.
package tier1
