// The C kernel of package tier1: one Part 1 code-block at a time, out of memory
// and into memory. See kernel.c.

#ifndef STRIA_TIER1_KERNEL_H
#define STRIA_TIER1_KERNEL_H

#include <stdint.h>

// What a block is, as codeblock.Block has it. The caller has checked that width
// and height are those of a legal block.
typedef struct {
	int32_t width, height;
	int32_t orient;      // sub-band: 0 LL, 1 HL, 2 LH, 3 HH
	int32_t planes;      // magnitude bit-planes that are coded, 1 to 31
	int32_t fraction;    // bits below the binary point of the coefficients
	int32_t style;       // Table A.19
	int32_t strict;      // check PTERM and SEGSYM
	int32_t segments;    // number of codeword segments
	int64_t bytes;       // of data
} stria_tier1_block;

// What stria_tier1_decode returns.
enum {
	stria_tier1_ok,
	stria_tier1_segsym, // a segmentation symbol is wrong
	stria_tier1_pterm,  // a segment does not end as predictable termination has it
};

// stria_tier1_decode decodes a block. segments has the passes and the bytes of each
// codeword segment in turn, dst is width * height coefficients. flags, signs and
// magnitudes are scratch memory of (width + 2) * (stripes + 2), as many, and
// width * 4 * stripes, where a stripe is 4 rows.
int stria_tier1_decode(int32_t *dst, const stria_tier1_block *block, const int32_t *segments,
	const uint8_t *data, uint32_t *flags, uint8_t *signs, uint32_t *magnitudes);

#endif
