// The loops of the synthesis. kernel.c includes this file once for each set of
// instructions, and it includes number.h once for each kind of numbers.

#define F(name) NAME2(SET, name)

#define NUMBER int16_t
#define N(name) NAME2(SET, name##_i16)
#define REVERSIBLE 1
#include "number.h"

#define NUMBER int32_t
#define N(name) NAME2(SET, name##_i32)
#define REVERSIBLE 1
#include "number.h"

#define NUMBER float
#define N(name) NAME2(SET, name##_f32)
#define REVERSIBLE 0
#include "number.h"

static ATTRIBUTES void F(across)(const stria_across *j, void *slab, const void *const bands[4])
{
	switch (j->kind) {
	case STRIA_INT16: F(across_i16)(j, slab, bands); break;
	case STRIA_INT32: F(across_i32)(j, slab, bands); break;
	default: F(across_f32)(j, slab, bands);
	}
}

static ATTRIBUTES void F(across_finished)(const stria_across *j, void *slab, int32_t y, int32_t end, int64_t rows)
{
	switch (j->kind) {
	case STRIA_INT16: F(finished_i16)(j, slab, y, end, rows); break;
	case STRIA_INT32: F(finished_i32)(j, slab, y, end, rows); break;
	default: F(finished_f32)(j, slab, y, end, rows);
	}
}

static ATTRIBUTES void F(down)(const stria_down *j, void *slab)
{
	switch (j->kind) {
	case STRIA_INT16: F(down_i16)(j, slab); break;
	case STRIA_INT32: F(down_i32)(j, slab); break;
	default: F(down_f32)(j, slab);
	}
}

static ATTRIBUTES void F(store)(int16_t *to, int64_t to_stride, const int32_t *from, int64_t from_stride,
	int32_t width, int32_t height)
{
	for (; height > 0; height--, to += to_stride, from += from_stride) {
		int16_t *restrict t = to;
		const int32_t *restrict f = from;
		for (int32_t x = 0; x < width; x++)
			t[x] = (int16_t)f[x];
	}
}

// What is no number becomes black, as in Go.
#define SHIFT_FLOAT(to, v, half, type) do { \
		float f = (v) + ((half) + 0.5f); \
		f = f > 0 ? f : 0; \
		f = f < 2 * (half) - 0.5f ? f : 2 * (half) - 0.5f; \
		(to) = (type)(int32_t)f; \
	} while (0)

#define SHIFT_INT(to, v, half, type) do { \
		int32_t n = (v); \
		n = n < -(half) ? -(half) : n; \
		n = n > (half) - 1 ? (half) - 1 : n; \
		(to) = (type)(n + (half)); \
	} while (0)

#define ICT(type) do { \
		type *restrict rr = (type *)r + row * j->to[0], *restrict gg = (type *)g + row * j->to[1], \
			*restrict bb = (type *)b + row * j->to[2]; \
		for (int32_t x = 0; x < j->width; x++) { \
			float l = yy[x], u = uu[x], v = vv[x]; \
			float fr = l + 1.402f * v, fg = l - 0.34413f * u - 0.71414f * v, fb = l + 1.772f * u; \
			SHIFT_FLOAT(rr[x], fr, h0, type); \
			SHIFT_FLOAT(gg[x], fg, h1, type); \
			SHIFT_FLOAT(bb[x], fb, h2, type); \
		} \
	} while (0)

static ATTRIBUTES void F(pack_ict)(const stria_pack *j, const float *y, const float *cb, const float *cr,
	void *r, void *g, void *b)
{
	float h0 = (float)j->half[0], h1 = (float)j->half[1], h2 = (float)j->half[2];
	for (int64_t row = 0; row < j->height; row++) {
		const float *restrict yy = y + row * j->from[0], *restrict uu = cb + row * j->from[1],
			*restrict vv = cr + row * j->from[2];
		if (j->bits == 8)
			ICT(uint8_t);
		else
			ICT(uint16_t);
	}
}

#define RCT(type) do { \
		type *restrict rr = (type *)r + row * j->to[0], *restrict gg = (type *)g + row * j->to[1], \
			*restrict bb = (type *)b + row * j->to[2]; \
		for (int32_t x = 0; x < j->width; x++) { \
			uint32_t u = (uint32_t)uu[x], v = (uint32_t)vv[x]; \
			uint32_t green = (uint32_t)yy[x] - (uint32_t)((int32_t)(u + v) >> 2); \
			SHIFT_INT(rr[x], (int32_t)(v + green), h0, type); \
			SHIFT_INT(gg[x], (int32_t)green, h1, type); \
			SHIFT_INT(bb[x], (int32_t)(u + green), h2, type); \
		} \
	} while (0)

#define PACK_RCT(name, number) \
static ATTRIBUTES void F(name)(const stria_pack *j, const number *y, const number *u_, const number *v_, \
	void *r, void *g, void *b) \
{ \
	int32_t h0 = j->half[0], h1 = j->half[1], h2 = j->half[2]; \
	for (int64_t row = 0; row < j->height; row++) { \
		const number *restrict yy = y + row * j->from[0], *restrict uu = u_ + row * j->from[1], \
			*restrict vv = v_ + row * j->from[2]; \
		if (j->bits == 8) \
			RCT(uint8_t); \
		else \
			RCT(uint16_t); \
	} \
}

PACK_RCT(pack_rct16, int16_t)
PACK_RCT(pack_rct32, int32_t)

#define ONE(number, type, shift, half) do { \
		const number *restrict src = (const number *)from + row * j->from[0]; \
		type *restrict out = (type *)to + row * j->to[0]; \
		for (int32_t x = 0; x < j->width; x++) \
			shift(out[x], src[x], half, type); \
	} while (0)

static ATTRIBUTES void F(pack)(const stria_pack *j, int32_t kind, const void *from, void *to)
{
	int32_t h = j->half[0];
	float hf = (float)h;
	for (int64_t row = 0; row < j->height; row++) {
		switch (kind << 1 | (j->bits == 16)) {
		case STRIA_INT16 << 1: ONE(int16_t, uint8_t, SHIFT_INT, h); break;
		case STRIA_INT16 << 1 | 1: ONE(int16_t, uint16_t, SHIFT_INT, h); break;
		case STRIA_INT32 << 1: ONE(int32_t, uint8_t, SHIFT_INT, h); break;
		case STRIA_INT32 << 1 | 1: ONE(int32_t, uint16_t, SHIFT_INT, h); break;
		case STRIA_FLOAT32 << 1: ONE(float, uint8_t, SHIFT_FLOAT, hf); break;
		default: ONE(float, uint16_t, SHIFT_FLOAT, hf);
		}
	}
}

#undef F
#undef SHIFT_FLOAT
#undef SHIFT_INT
#undef ICT
#undef RCT
#undef PACK_RCT
#undef ONE
