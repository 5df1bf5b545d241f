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
	int32_t plain;  // only with instructions that every processor of its kind has
	int64_t cleanup, refinement; // lengths of the segments
} stria_ht_block;

enum {
	stria_ht_ok,
	stria_ht_lengths, // the streams of the cleanup pass do not fit
	stria_ht_bound,   // a sample of more bit-planes than there are
};

// What the codewords say. kernel.c says which bit of the words means what.
typedef struct {
	// Quads by their context and the next seven bits, for the first row of them, for the
	// others and for a quad that is not there.
	uint32_t codes[3 << 10];
	// The offsets of a pair of quads, by which of them have one (bits 8 and 9) and the next
	// eight bits. In the first row both may have one with a symbol of the run-length code
	// of 0, which adds 256, or of 1, which adds 512. From bit 0 on there is how many bits
	// are read, from bit 24 on the offset of the first, and from bit 56 on that of the
	// second. Bit 6 is set where more than eight bits are read. Then a byte each has how
	// many these are without extensions, the length of the prefixes, that of both suffixes
	// and both prefixes.
	uint64_t offsets[6 << 8];
} stria_ht_tables;

// stria_ht_decode decodes a block into dst, width * height coefficients. state is room
// for (width + 2) * (height + 2) bytes.
int stria_ht_decode(int32_t *dst, const stria_ht_block *block, const uint8_t *cleanup,
	const uint8_t *refinement, const stria_ht_tables *tables, uint8_t *state);

#endif
