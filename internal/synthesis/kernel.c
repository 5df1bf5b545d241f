// This file implements the kernels of the synthesis in C: the loops of rows.h, for the
// instructions that every processor of its kind has and for AVX2, which is chosen when
// the processor has it. The Go files of this package say what they do.

#include "kernel.h"

#include <string.h>

// A product and a sum are rounded one after the other, as in Go, also where one
// instruction could do both.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif !defined(__x86_64__)
#pragma GCC optimize("fp-contract=off")
#endif

// The parameters of the 9/7 filter (Table F.4), in the order of the lifting steps.
static const float lifting[4] = {
	0.443506852043971f, 0.882911075530934f, -0.052980118572961f, -1.586134342059924f
};

#define NAME3(a, b) a##_##b
#define NAME2(a, b) NAME3(a, b)

#define SET base
#define ATTRIBUTES
#include "rows.h"
#undef SET
#undef ATTRIBUTES

#if defined(__x86_64__)
#define SET avx2
#define ATTRIBUTES __attribute__((target("avx2")))
#include "rows.h"
#undef SET
#undef ATTRIBUTES
#define CHOOSE(call) do { if (__builtin_cpu_supports("avx2")) avx2_##call; else base_##call; } while (0)
#else
#define CHOOSE(call) base_##call
#endif

void stria_synthesis_across(const stria_across *j, void *slab, const void *ll, const void *hl,
	const void *lh, const void *hh)
{
	const void *bands[4] = { ll, hl, lh, hh };
	CHOOSE(across(j, slab, bands));
}

void stria_synthesis_across_finished(const stria_across *j, void *slab, int32_t y, int32_t end, int64_t rows)
{
	CHOOSE(across_finished(j, slab, y, end, rows));
}

void stria_synthesis_down(const stria_down *j, void *slab)
{
	CHOOSE(down(j, slab));
}

void stria_synthesis_store(int16_t *to, int64_t to_stride, const int32_t *from, int64_t from_stride,
	int32_t width, int32_t height)
{
	CHOOSE(store(to, to_stride, from, from_stride, width, height));
}

void stria_synthesis_pack_ict(const stria_pack *j, const float *y, const float *cb, const float *cr,
	void *r, void *g, void *b)
{
	CHOOSE(pack_ict(j, y, cb, cr, r, g, b));
}

void stria_synthesis_pack_rct16(const stria_pack *j, const int16_t *y, const int16_t *u, const int16_t *v,
	void *r, void *g, void *b)
{
	CHOOSE(pack_rct16(j, y, u, v, r, g, b));
}

void stria_synthesis_pack_rct32(const stria_pack *j, const int32_t *y, const int32_t *u, const int32_t *v,
	void *r, void *g, void *b)
{
	CHOOSE(pack_rct32(j, y, u, v, r, g, b));
}

void stria_synthesis_pack(const stria_pack *j, int32_t kind, const void *from, void *to)
{
	CHOOSE(pack(j, kind, from, to));
}
