// The C kernel of package ht: one High-Throughput code-block at a time, out of memory
// and into memory. See kernel.c.

#ifndef STRIA_HT_KERNEL_H
#define STRIA_HT_KERNEL_H

#include <stdint.h>

// What a block is; the caller has checked that width and height are those of a legal
// block and that the cleanup segment has two bytes at least.
typedef struct {
	int32_t width, height;
	int32_t zero;   // bit-planes that are not coded
	int32_t shift;  // of the bit-plane that the cleanup pass ends with
	int32_t more;   // passes after the cleanup pass
	int32_t causal; // contexts do not reach into the next stripe
	int64_t cleanup, refinement; // lengths of the segments
} stria_ht_block;

enum {
	stria_ht_ok,
	stria_ht_lengths, // the streams of the cleanup pass do not fit
	stria_ht_bound,   // a sample of more bit-planes than there are
};

// stria_ht_decode decodes a block into dst, width * height coefficients. codes has the
// codewords of the first row of quads and of the others, 1024 each. quads is room for
// (width + 1) / 2 + 3 words, exponents for width + 6, state for
// (width + 2) * (height + 2) bytes.
int stria_ht_decode(int32_t *dst, const stria_ht_block *block, const uint8_t *cleanup,
	const uint8_t *refinement, const uint32_t *codes, uint32_t *quads, uint8_t *exponents, uint8_t *state);

#endif
