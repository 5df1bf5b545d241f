// This file implements the decoding of Part 1 code-blocks (ISO/IEC 15444-1, Annexes
// C and D) in C. The Go files of this package have the same algorithm in a form that
// is easier to read; here it is arranged so that little stands between one decision
// of the arithmetic decoder and the next.
//
// No byte of a block can do harm: reads are held against the end of the data, and
// what is written is decided by the size of the block alone.

#include "kernel.h"
#include "tables.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

// ---- The arithmetic decoder (C.3) ----

// The registers A and C have FRACTION bits below those of the standard, so that many
// code bits can be taken in at one time, and A is normalised when the highest bit of
// all is set.
//
// In scans with grain a decision is worth most of a bit: nearly each shifts the
// registers, and which of the two symbols it is cannot be predicted. So there is no
// branch on either: both outcomes are worked out, and one is selected.
#define FRACTION 48

typedef struct {
	uint64_t a, c;
	int valid;           // code bits below those of the standard's C
	int last;            // the byte taken in last
	int made;            // bytes of ones that were taken in past the end
	const uint8_t *next; // byte, up to end
	const uint8_t *end;
} decoder;

// A context is the probability of its less probable symbol, shifted by FRACTION,
// with the number of its state and, as the lowest bit, the more probable symbol.
typedef uint64_t context;
#define STATE_MASK 127
#define ENTRY(qe, index, mps) ((uint64_t)(qe) << FRACTION | (index) << 1 | (mps))

// states[2 * i + mps] is what follows state i of Table C.2: after the more, and after
// the less probable symbol.
static const context states[94][2] = { STATES };

// fill takes code bits in until there are enough. Past the end, and past a marker,
// there are only ones (C.3.4).
INLINE void fill(decoder *q)
{
	if (LIKELY(q->end - q->next >= 4 && q->last != 0xFF)) {
		uint32_t four;
		memcpy(&four, q->next, 4);
		// No byte may be 0xFF: none of the complement 0.
		if (LIKELY(((~four - 0x01010101u) & four & 0x80808080u) == 0)) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			four = __builtin_bswap32(four);
#endif
			q->c += (uint64_t)four << (FRACTION - 32 - q->valid);
			q->valid += 32;
			q->last = 0;
			q->next += 4;
			return;
		}
	}
	while (q->valid < 8) {
		int bits = 8, byte = 0xFF;
		if (q->next < q->end && !(q->last == 0xFF && *q->next > 0x8F)) {
			bits = q->last == 0xFF ? 7 : 8;
			byte = *q->next++;
			q->last = byte;
		} else {
			q->made++;
		}
		q->c += (uint64_t)byte << (FRACTION - bits - q->valid);
		q->valid += bits;
	}
}

// start is INITDEC (C.3.5).
INLINE void start(decoder *q, const uint8_t *data, const uint8_t *end)
{
	q->next = data;
	q->end = end;
	q->last = 0;
	q->made = 0;
	q->a = (uint64_t)1 << 63;
	q->c = 0;
	// Of the code bits of C the first 15 are above FRACTION.
	q->valid = -15;
	fill(q);
	q->c &= ((uint64_t)1 << 63) - 1;
}

// decide is DECODE (C.3.2).
INLINE int decide(decoder *q, context *cx)
{
	context now = *cx;
	uint64_t qe = now & ~(uint64_t)STATE_MASK;
	const context *next = states[now & STATE_MASK];
	uint64_t a = q->a - qe;
	uint64_t lower = -(uint64_t)(q->c < qe); // C lies in the lower sub-interval
	unsigned less = (unsigned)(lower & 1) ^ (a < qe); // the less probable symbol
	q->c -= qe & ~lower;
	a ^= (a ^ qe) & lower;
	context to = next[less];
	int n = __builtin_clzll(a);
	*cx = n == 0 ? now : to;
	q->a = a << n;
	q->c <<= n;
	q->valid -= n;
	if (UNLIKELY(q->valid < 0))
		fill(q);
	return (int)((now ^ less) & 1);
}

// decide_likely is decide for contexts whose outcome is nearly always the same: it
// branches.
INLINE int decide_likely(decoder *q, context *cx)
{
	uint64_t qe = *cx & ~(uint64_t)STATE_MASK, a = q->a - qe;
	if (LIKELY(q->c >= qe && a >> 63)) {
		q->a = a;
		q->c -= qe;
		return (int)(*cx & 1);
	}
	return decide(q, cx);
}

// ---- Raw bits (C.3, bypass; D.6) ----

typedef struct {
	int bits, byte;
	const uint8_t *next, *end;
} raw;

INLINE int raw_bit(raw *r)
{
	if (r->bits == 0) {
		r->bits = 8;
		if (r->next >= r->end || (r->byte == 0xFF && *r->next > 0x8F)) {
			r->byte = 0xFF;
		} else {
			if (r->byte == 0xFF)
				r->bits = 7;
			r->byte = *r->next++;
		}
	}
	r->bits--;
	return r->byte >> r->bits & 1;
}

// ---- Passes (D.3) ----

// A flag word has what the contexts of the four samples of a stripe's column need.
// The sample in row r of them has all of its own at 3 * r, so that one mask or shift
// serves the four alike:
//
//	bits 0 to 17   significance of the rows -1 to 4, of three samples each: of the
//	               column to the left, of this one, of the one to the right
//	18, 21, 24, 27 the sample was coded in this bit-plane
//	19, 22, 25, 28 the sample was refined before
//
// Signs are apart, since few decisions look at them: bit r+1 of a column's byte.
#define ROWS 0x249u           // what the first sample has at bit 0, of all four
#define AROUND 0x1EFu         // its neighbours' significance
#define SIGNIFICANT(f) ((f) >> 4 & ROWS)
#define CODED(f) ((f) >> 18 & ROWS)
#define SET_CODED(bit) (1u << 18 << (bit))
#define SET_REFINED(bit) (1u << 19 << (bit))
#define ALL_CODED (ROWS << 18)
#define ALL_SIGNIFICANCE 0x3FFFFu

// Contexts (Table D.1 to D.5): 0 to 8 zero coding, then sign coding, magnitude
// refinement, run-length and uniform.
enum { SIGN = 9, REFINE = 14, RUN = 17, UNIFORM = 18, CONTEXTS = 19 };

typedef struct {
	int width, height, stride; // stride of flags and signs
	uint32_t *flags;           // of the first column of the first stripe
	uint8_t *signs;
	uint32_t *magnitudes;      // four of a column, column by column, stripe by stripe
	const uint8_t *zero;       // zero coding contexts of the sub-band
	context contexts[CONTEXTS];
} block;

// become makes the sample at bit of the column at f significant. With causal
// contexts the stripe above does not see it.
INLINE void become(uint32_t *f, uint8_t *s, int stride, int bit, int sign, int causal)
{
	int row = bit == 0 ? 0 : bit == 3 ? 1 : bit == 6 ? 2 : 3;
	f[-1] |= 1u << 5 << bit;
	f[0] |= 1u << 4 << bit;
	f[1] |= 1u << 3 << bit;
	s[0] |= (uint8_t)(sign << (row + 1));
	if (bit == 0 && !causal) {
		f -= stride;
		f[-1] |= 1u << 17;
		f[0] |= 1u << 16;
		f[1] |= 1u << 15;
		s[-stride] |= (uint8_t)(sign << 5);
	} else if (bit == 9) {
		f += stride;
		f[-1] |= 1u << 2;
		f[0] |= 1u << 1;
		f[1] |= 1u << 0;
		s[stride] |= (uint8_t)sign;
	}
}

// around_signs is the index of sign coding (Table D.3): the significance of the
// neighbours above, left, right and below in the odd bits, their signs in the even
// ones.
INLINE unsigned around_signs(uint32_t f, const uint8_t *s, int bit)
{
	int row = bit == 0 ? 0 : bit == 3 ? 1 : bit == 6 ? 2 : 3;
	unsigned here = s[0] >> row;
	return (f >> bit & 0xAA) | (here & 1) | (s[-1] >> (row + 1) & 1) << 2 |
		(s[1] >> (row + 1) & 1) << 4 | (here >> 2 & 1) << 6;
}

INLINE int decode_sign(decoder *q, context *cx, uint32_t f, const uint8_t *s, int bit)
{
	unsigned k = sign_contexts[around_signs(f, s, bit)];
	return decide(q, &cx[SIGN + (k >> 1)]) ^ (int)(k & 1);
}

// rows_of gives the mask of the rows that a stripe has.
INLINE uint32_t rows_of(const block *b, int y)
{
	int n = b->height - y;
	return n >= 4 ? ROWS : ROWS & ((1u << 3 * n) - 1);
}

// nothing reports whether four columns have none of some flags.
INLINE int nothing(const uint32_t *f, uint32_t flags)
{
	uint64_t a, b;
	memcpy(&a, f, 8);
	memcpy(&b, f + 2, 8);
	return ((a | b) & ((uint64_t)flags << 32 | flags)) == 0;
}

// significance_pass is D.3.1.
INLINE void significance_pass(block *b, decoder *q0, uint32_t value, int causal)
{
	decoder q = *q0;
	context *cx = b->contexts;
	const uint8_t *zero = b->zero;
	uint32_t *m = b->magnitudes, *f = b->flags;
	uint8_t *s = b->signs;
	for (int y = 0; y < b->height; y += 4) {
		uint32_t rows = rows_of(b, y);
		for (int x = 0; x < b->width; x++, f++, s++, m += 4) {
			uint32_t now = *f;
			if ((now & ALL_SIGNIFICANCE) == 0) {
				// Several columns at a time, while there is nothing.
				while (x + 4 < b->width && nothing(f + 1, ALL_SIGNIFICANCE)) {
					x += 4;
					f += 4;
					s += 4;
					m += 16;
				}
				continue;
			}
			// The samples that are not significant and have a neighbour that is.
			uint32_t any = now | now >> 1 | now >> 2;
			any = (any & 0x9249) | (any >> 3 & 0x9249) | (any >> 6 & 0x9249);
			uint32_t todo = any & ~SIGNIFICANT(now) & rows;
#pragma GCC unroll 4
			for (int row = 0; row < 4; row++) {
				int bit = 3 * row;
				if (!(todo >> bit & 1))
					continue;
				now |= SET_CODED(bit);
				if (decide(&q, &cx[zero[now >> bit & AROUND]])) {
					int sign = decode_sign(&q, cx, now, s, bit);
					*f = now;
					become(f, s, b->stride, bit, sign, causal);
					now = *f;
					m[row] = value;
					// The one below has a significant neighbour now.
					todo |= 8u << bit & rows & ~SIGNIFICANT(now);
				}
			}
			*f = now;
		}
		f += 2;
		s += 2;
	}
	*q0 = q;
}

INLINE void significance_pass_raw(block *b, raw *r, uint32_t value, int causal)
{
	uint32_t *m = b->magnitudes, *f = b->flags;
	uint8_t *s = b->signs;
	for (int y = 0; y < b->height; y += 4) {
		uint32_t rows = rows_of(b, y);
		for (int x = 0; x < b->width; x++, f++, s++, m += 4) {
			uint32_t now = *f;
			if ((now & ALL_SIGNIFICANCE) == 0)
				continue;
			uint32_t any = now | now >> 1 | now >> 2;
			any = (any & 0x9249) | (any >> 3 & 0x9249) | (any >> 6 & 0x9249);
			uint32_t todo = any & ~SIGNIFICANT(now) & rows;
			while (todo) {
				int bit = __builtin_ctz(todo);
				todo &= todo - 1;
				*f |= SET_CODED(bit);
				if (raw_bit(r)) {
					become(f, s, b->stride, bit, raw_bit(r), causal);
					m[bit * 11 >> 5] = value;
					todo |= 8u << bit & rows & ~SIGNIFICANT(*f);
				}
			}
		}
		f += 2;
		s += 2;
	}
}

// refinement_pass is D.3.3. A sample's magnitude has the bit below its last one
// set: that becomes the bit decoded, and the one below is set.
INLINE void refinement_pass(block *b, decoder *q0, uint32_t one, uint32_t half)
{
	decoder q = *q0;
	context *cx = b->contexts;
	uint32_t *m = b->magnitudes, *f = b->flags;
	for (int y = 0; y < b->height; y += 4) {
		for (int x = 0; x < b->width; x++, f++, m += 4) {
			uint32_t now = *f;
			uint32_t todo = SIGNIFICANT(now) & ~CODED(now);
			if (todo == 0)
				continue;
			*f = now | todo << 19;
			do {
				int bit = __builtin_ctz(todo);
				todo &= todo - 1;
				uint32_t at = now >> bit;
				int k = at & (1u << 19) ? REFINE + 2 : at & AROUND ? REFINE + 1 : REFINE;
				uint32_t v = (uint32_t)decide(&q, &cx[k]);
				m[bit * 11 >> 5] += (v ? one : 0) - one + half;
			} while (todo);
		}
		f += 2;
	}
	*q0 = q;
}

INLINE void refinement_pass_raw(block *b, raw *r, uint32_t one, uint32_t half)
{
	uint32_t *m = b->magnitudes, *f = b->flags;
	for (int y = 0; y < b->height; y += 4) {
		for (int x = 0; x < b->width; x++, f++, m += 4) {
			uint32_t todo = SIGNIFICANT(*f) & ~CODED(*f);
			*f |= todo << 19;
			for (; todo; todo &= todo - 1) {
				int bit = __builtin_ctz(todo);
				m[bit * 11 >> 5] += (raw_bit(r) ? one : 0) - one + half;
			}
		}
		f += 2;
	}
}

// cleanup_pass is D.3.4. It also forgets what was coded in this bit-plane.
INLINE void cleanup_pass(block *b, decoder *q0, uint32_t value, int causal)
{
	decoder q = *q0;
	context *cx = b->contexts;
	const uint8_t *zero = b->zero;
	uint32_t *m = b->magnitudes, *f = b->flags;
	uint8_t *s = b->signs;
	for (int y = 0; y < b->height; y += 4) {
		uint32_t rows = rows_of(b, y);
		for (int x = 0; x < b->width; x++, f++, s++, m += 4) {
			uint32_t now = *f;
			uint32_t todo = rows & ~(SIGNIFICANT(now) | CODED(now));
			int known = 4; // the row that is known to become significant
			if ((now & (ALL_SIGNIFICANCE | ALL_CODED)) == 0 && rows == ROWS) {
				// Run-length coding of a column of which nothing is known.
				if (LIKELY(!decide_likely(&q, &cx[RUN])))
					continue;
				known = 2 * decide(&q, &cx[UNIFORM]);
				known += decide(&q, &cx[UNIFORM]);
				todo = ROWS & (~0u << 3 * known);
			}
#pragma GCC unroll 4
			for (int row = 0; row < 4; row++) {
				int bit = 3 * row;
				if (!(todo >> bit & 1))
					continue;
				if (row == known || decide(&q, &cx[zero[now >> bit & AROUND]])) {
					int sign = decode_sign(&q, cx, now, s, bit);
					become(f, s, b->stride, bit, sign, causal);
					now = *f;
					m[row] = value;
				}
			}
			*f = now & ~ALL_CODED;
		}
		f += 2;
		s += 2;
	}
	*q0 = q;
}

// ---- The block ----

static void reset(block *b)
{
	for (int i = 0; i < CONTEXTS; i++)
		b->contexts[i] = ENTRY(0x5601, 0, 0);
	b->contexts[0] = ENTRY(0x0521, 4, 0);
	b->contexts[RUN] = ENTRY(0x0AC1, 3, 0);
	b->contexts[UNIFORM] = ENTRY(0x5601, 46, 0);
}

// output puts the coefficients in rows and gives them their signs.
static void output(const block *b, int32_t *dst)
{
	const uint32_t *m = b->magnitudes;
	const uint8_t *s = b->signs;
	for (int y = 0; y < b->height; y += 4) {
		int rows = b->height - y < 4 ? b->height - y : 4;
		for (int x = 0; x < b->width; x++, m += 4) {
			for (int r = 0; r < rows; r++) {
				uint32_t sign = -(uint32_t)(s[x] >> (r + 1) & 1);
				dst[(y + r) * b->width + x] = (int32_t)((m[r] ^ sign) - sign);
			}
		}
		s += b->stride;
	}
}

// A set of the passes, each a function of its own so that it has the registers to
// itself: with causal contexts and without, and for processors that shift and count
// without detours.
typedef struct {
	void (*significance)(block *, decoder *, uint32_t value);
	void (*significance_raw)(block *, raw *, uint32_t value);
	void (*refinement)(block *, decoder *, uint32_t one, uint32_t half);
	void (*cleanup)(block *, decoder *, uint32_t value);
} passes;

#define PASSES(name, causal, attributes) \
	static attributes void significance_##name(block *b, decoder *q, uint32_t value) \
	{ significance_pass(b, q, value, causal); } \
	static attributes void significance_raw_##name(block *b, raw *r, uint32_t value) \
	{ significance_pass_raw(b, r, value, causal); } \
	static attributes void refinement_##name(block *b, decoder *q, uint32_t one, uint32_t half) \
	{ refinement_pass(b, q, one, half); } \
	static attributes void cleanup_##name(block *b, decoder *q, uint32_t value) \
	{ cleanup_pass(b, q, value, causal); } \
	static const passes passes_##name = { significance_##name, significance_raw_##name, \
		refinement_##name, cleanup_##name };

PASSES(plain, 0, )
PASSES(causal, 1, )

#if defined(__x86_64__)
#define BMI __attribute__((target("bmi,bmi2,lzcnt")))
PASSES(plain_bmi, 0, BMI)
PASSES(causal_bmi, 1, BMI)
#endif

static const passes *choose(int causal)
{
#if defined(__x86_64__)
	// All processors with AVX2 have what BMI asks for.
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
		return causal ? &passes_causal_bmi : &passes_plain_bmi;
#endif
	return causal ? &passes_causal : &passes_plain;
}

// Styles (Table A.19).
enum { BYPASS = 1, RESET = 2, TERMALL = 4, CAUSAL = 8, PTERM = 16, SEGSYM = 32 };

// predictable reports whether a segment ends as predictable termination has it
// (D.4.2): all of its bytes were needed, and one to four that are made up, of which
// valid bits were not.
static int predictable(const decoder *q)
{
	int needed = q->made - q->valid / 8;
	return q->next >= q->end && needed >= 1 && needed <= 4;
}

int stria_tier1_decode(int32_t *dst, const stria_tier1_block *k, const int32_t *segments,
	const uint8_t *data, uint32_t *flags, uint8_t *signs, uint32_t *magnitudes)
{
	int stripes = (k->height + 3) / 4;
	block b = {
		.width = k->width, .height = k->height, .stride = k->width + 2,
		.zero = zero_contexts[k->orient & 3],
	};
	size_t words = (size_t)b.stride * (size_t)(stripes + 2);
	memset(flags, 0, words * sizeof *flags);
	memset(signs, 0, words);
	memset(magnitudes, 0, (size_t)b.width * (size_t)stripes * 4 * sizeof *magnitudes);
	b.flags = flags + b.stride + 1;
	b.signs = signs + b.stride + 1;
	b.magnitudes = magnitudes;
	reset(&b);

	const uint8_t *end = data + k->bytes;
	int plane = k->planes - 1 + k->fraction;
	int most = 3 * k->planes - 2, pass = 0, err = stria_tier1_ok;
	const passes *does = choose(k->style & CAUSAL);
	for (int i = 0; i < k->segments && pass < most; i++) {
		int n = segments[2 * i];
		int64_t length = segments[2 * i + 1];
		const uint8_t *stop = length < 0 ? data : length < end - data ? data + length : end;
		decoder q;
		raw r;
		int is_raw = k->style & BYPASS && pass >= 10 && pass % 3 != 0;
		if (is_raw)
			r = (raw){0, 0, data, stop};
		else
			start(&q, data, stop);
		for (; n > 0 && pass < most; n--, pass++) {
			uint32_t one = 1u << plane, half = one >> 1;
			int kind = pass % 3;
			if ((k->style & BYPASS && pass >= 10 && kind != 0) != is_raw)
				break; // the segment says so, the style does not
			switch (kind) {
			case 1:
				if (is_raw)
					does->significance_raw(&b, &r, one | half);
				else
					does->significance(&b, &q, one | half);
				break;
			case 2:
				if (is_raw)
					refinement_pass_raw(&b, &r, one, half);
				else
					does->refinement(&b, &q, one, half);
				break;
			case 0:
				does->cleanup(&b, &q, one | half);
				if (k->style & SEGSYM) {
					int symbol = 0;
					for (int bit = 0; bit < 4; bit++)
						symbol = symbol << 1 | decide(&q, &b.contexts[UNIFORM]);
					if (symbol != 0xA && err == stria_tier1_ok)
						err = stria_tier1_segsym;
				}
				plane--;
				break;
			}
			if (k->style & RESET)
				reset(&b);
		}
		if (k->style & PTERM && !is_raw && err == stria_tier1_ok && !predictable(&q))
			err = stria_tier1_pterm;
		data = stop;
	}
	output(&b, dst);
	return k->strict ? err : stria_tier1_ok;
}
