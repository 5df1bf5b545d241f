// The C kernels of package synthesis: rows of one tile-component, out of memory and
// into memory. See kernel.c.

#ifndef STRIA_SYNTHESIS_KERNEL_H
#define STRIA_SYNTHESIS_KERNEL_H

#include <stdint.h>

// The kinds of numbers, as in component.go.
enum { STRIA_INT16, STRIA_INT32, STRIA_FLOAT32 };

// A row of coefficients of a sub-band: where those of row y begin in its data, which
// has 16 or 32 bits a coefficient, or none where all are zero.
typedef struct {
	int32_t bits;     // 0, 16 or 32
	int32_t fraction; // 0 or 1
	int32_t top;      // its first row
	float step;
	int64_t stride, column;
} stria_band;

// Rows that are taken in and filtered across. Places are in the slab, in numbers.
typedef struct {
	int32_t kind;
	int32_t first, rows;
	int32_t columns;       // only load them, the other filter comes first
	int32_t lows, highs;   // coefficients of a row
	int32_t by;            // from the low-pass to the high-pass ones: see filter
	int32_t single;        // one sample a row
	int32_t x0, width;     // samples of a row
	int32_t low_first, high_first; // the coefficients that the first samples are at
	int64_t ring, stride, mask;
	int64_t low, high;     // rows to work in
	int64_t below, below_stride; // the resolution below, where there is one
	int32_t has_below;
	stria_band bands[4];
} stria_across;

void stria_synthesis_across(const stria_across *j, void *slab, const void *ll, const void *hl,
	const void *lh, const void *hh);

// Finished rows from y to end are filtered across, from the ring into rows.
void stria_synthesis_across_finished(const stria_across *j, void *slab, int32_t y, int32_t end, int64_t rows);

// The lifting steps down that rows first to last make possible as they come in.
typedef struct {
	int32_t kind;
	int32_t first, last, lo, hi, width;
	int64_t ring, stride, mask;
} stria_down;

void stria_synthesis_down(const stria_down *j, void *slab);

// The coefficients of a block are put into rows of 16 bits.
void stria_synthesis_store(int16_t *to, int64_t to_stride, const int32_t *from, int64_t from_stride,
	int32_t width, int32_t height);

// Packing of rows into 8 or 16 bits. Strides are in numbers.
typedef struct {
	int32_t width, height, bits;
	int32_t half[3];       // of each component's range
	int64_t from[3], to[3]; // strides
} stria_pack;

void stria_synthesis_pack_ict(const stria_pack *j, const float *y, const float *cb, const float *cr,
	void *r, void *g, void *b);
void stria_synthesis_pack_rct16(const stria_pack *j, const int16_t *y, const int16_t *u, const int16_t *v,
	void *r, void *g, void *b);
void stria_synthesis_pack_rct32(const stria_pack *j, const int32_t *y, const int32_t *u, const int32_t *v,
	void *r, void *g, void *b);
void stria_synthesis_pack(const stria_pack *j, int32_t kind, const void *from, void *to);

#endif
