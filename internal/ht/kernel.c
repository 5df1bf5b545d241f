// This file implements the decoding of High-Throughput code-blocks (ISO/IEC 15444-15) in
// C. The Go files of this package have the same algorithm and say more about it.
//
// No byte of a block can do harm: streams are held against their ends, and what is
// written is decided by the size of the block alone.

#include "kernel.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)

// ---- Streams of bits (7.1) ----

typedef struct {
	uint64_t bits;
	int n;       // bits that are there
	uint32_t last;
	uint32_t fill;
	const uint8_t *next, *end;
} forward;

// load_forward has at least 32 bits there.
INLINE void load_forward(forward *s)
{
	if (s->n >= 32)
		return;
	if (LIKELY(s->end - s->next >= 4 && s->last != 0xFF)) {
		uint32_t four;
		memcpy(&four, s->next, 4);
		if (LIKELY(((~four - 0x01010101u) & four & 0x80808080u) == 0)) { // no byte of ones
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
			four = __builtin_bswap32(four);
#endif
			s->bits |= (uint64_t)four << s->n;
			s->n += 32;
			s->last = 0;
			s->next += 4;
			return;
		}
	}
	while (s->n < 32) {
		uint32_t b = s->next < s->end ? *s->next++ : s->fill;
		int n = s->last == 0xFF ? 7 : 8;
		s->bits |= (uint64_t)(b & ((1u << n) - 1)) << s->n;
		s->n += n;
		s->last = b;
	}
}

INLINE uint32_t take_forward(forward *s, int n)
{
	uint32_t v = (uint32_t)(s->bits & (((uint64_t)1 << n) - 1));
	s->bits >>= n;
	s->n -= n;
	return v;
}

typedef struct {
	uint64_t bits;
	int n;
	uint32_t last;
	const uint8_t *begin, *end; // what is left lies between
} backward;

INLINE void load_backward(backward *s)
{
	while (s->n < 32) {
		uint32_t b = s->end > s->begin ? *--s->end : 0;
		int n = s->last > 0x8F && (b & 0x7F) == 0x7F ? 7 : 8;
		s->bits |= (uint64_t)(b & ((1u << n) - 1)) << s->n;
		s->n += n;
		s->last = b;
	}
}

INLINE uint32_t take_backward(backward *s, int n)
{
	uint32_t v = (uint32_t)(s->bits & (((uint64_t)1 << n) - 1));
	s->bits >>= n;
	s->n -= n;
	return v;
}

// ---- The adaptive run-length code (7.3.3) ----

typedef struct {
	int state, run, one, bits;
	uint32_t last;
	const uint8_t *next, *end;
} mel;

INLINE int mel_bit(mel *m)
{
	if (m->bits == 0) {
		m->bits = m->last == 0xFF ? 7 : 8;
		m->last = 0xFF;
		if (m->next < m->end) {
			m->last = *m->next++;
			if (m->next == m->end)
				m->last |= 0x0F; // the lower half is of the other stream
		}
	}
	m->bits--;
	return (int)(m->last >> m->bits & 1);
}

INLINE int mel_symbol(mel *m)
{
	static const uint8_t exponents[13] = { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5 };
	if (m->run == 0 && !m->one) {
		int e = exponents[m->state];
		if (mel_bit(m)) {
			m->run = 1 << e;
			m->state += m->state < 12;
		} else {
			for (; e > 0; e--)
				m->run = m->run << 1 | mel_bit(m);
			m->one = 1;
			m->state -= m->state > 0;
		}
	}
	if (m->run > 0) {
		m->run--;
		return 0;
	}
	m->one = 0;
	return 1;
}

// ---- Quads (7.3.4 to 7.3.6) ----

// A quad's word: significance, e_k and e_1 of its samples, four bits each from bit 0, 4
// and 8 on, whether there is an offset at bit 12, the length of the codeword from bit 16
// on and, once it is known, the offset from bit 24 on.
#define SAMPLES(q) ((q) & 15)
#define OFFSET(q) ((q) >> 12 & 1)
#define LENGTH(q) ((int)((q) >> 16 & 7))

// prefixes[i] is the prefix of an offset that begins with the bits i, its length, and
// how many bits its suffix has.
static const struct { uint8_t prefix, length, suffix; } prefixes[8] = {
	{ 5, 3, 5 }, { 1, 1, 0 }, { 2, 2, 0 }, { 1, 1, 0 }, { 3, 3, 1 }, { 1, 1, 0 }, { 2, 2, 0 }, { 1, 1, 0 },
};

INLINE uint32_t prefix(backward *v, int *suffix)
{
	uint32_t k = v->bits & 7;
	take_backward(v, prefixes[k].length);
	*suffix = prefixes[k].suffix;
	return prefixes[k].prefix;
}

INLINE uint32_t extension(backward *v, uint32_t suffix)
{
	return suffix < 28 ? 0 : take_backward(v, 4);
}

// offsets reads the offsets of a pair of quads into their words.
INLINE void offsets(backward *v, mel *m, uint32_t *a, uint32_t *b, int first)
{
	int na, nb;
	if ((OFFSET(*a) | OFFSET(*b)) == 0)
		return;
	if ((OFFSET(*a) & OFFSET(*b)) == 0) {
		uint32_t p = prefix(v, &na), s = take_backward(v, na);
		uint32_t u = p + s + 4 * extension(v, s);
		*(OFFSET(*a) ? a : b) |= u << 24;
		return;
	}
	uint32_t more = first ? 2 * (uint32_t)mel_symbol(m) : 0;
	uint32_t pa = prefix(v, &na);
	if (first && more == 0 && pa > 2) {
		*b |= (take_backward(v, 1) + 1) << 24;
		uint32_t s = take_backward(v, na);
		*a |= (pa + s + 4 * extension(v, s)) << 24;
		return;
	}
	uint32_t pb = prefix(v, &nb);
	uint32_t sa = take_backward(v, na), sb = take_backward(v, nb);
	*a |= (pa + sa + 4 * extension(v, sa) + more) << 24;
	*b |= (pb + sb + 4 * extension(v, sb) + more) << 24;
}

// codewords decodes what the codewords say of a row of quads. Those of the row above
// are still in quads.
INLINE void codewords(backward *v, mel *m, const uint32_t *table, uint32_t *quads, int wide, int first)
{
	uint32_t left = 0, corner = 0, up = SAMPLES(quads[0]);
	for (int x = 0; x < wide; x += 2) {
		load_backward(v);
		for (int i = 0; i < 2; i++) {
			uint32_t right = SAMPLES(quads[x + i + 1]), q = 0;
			if (x + i >= wide) {
				quads[x + i] = 0;
				break;
			}
			uint32_t context = first ? left >> 1 | (left & 1) :
				((corner >> 3 | up >> 1) & 1) | ((left >> 2 | left >> 3) & 1) << 1 | ((up >> 3 | right >> 1) & 1) << 2;
			if (context != 0 || mel_symbol(m)) {
				q = table[context << 7 | (v->bits & 127)];
				take_backward(v, LENGTH(q));
			}
			quads[x + i] = q;
			corner = up;
			up = right;
			left = SAMPLES(q);
		}
		load_backward(v);
		offsets(v, m, &quads[x], &quads[x + 1], first);
	}
}

// magnitudes decodes the magnitudes and signs of the row of quads at y. Exponents of
// column x of the row above are at x + 1.
INLINE int magnitudes(int32_t *dst, const stria_ht_block *b, forward *s, const uint32_t *quads, uint8_t *e,
	int y, int wide)
{
	const uint32_t half = (uint32_t)1 << b->shift >> 1;
	const int most = b->zero + 2;
	int32_t *upper = dst + (int64_t)y * b->width;
	// Where there is no lower row, or no column at the right, samples go nowhere.
	int32_t nowhere;
	int lower_step = y + 1 < b->height;
	uint32_t corner = e[0];
	for (int x = 0; x < wide; x++) {
		uint32_t q = quads[x], samples = SAMPLES(q);
		int bound = 1;
		if (y > 0 && samples & (samples - 1)) {
			uint32_t top = corner > e[2 * x + 1] ? corner : e[2 * x + 1];
			uint32_t next = e[2 * x + 2] > e[2 * x + 3] ? e[2 * x + 2] : e[2 * x + 3];
			top = top > next ? top : next;
			bound = top > 2 ? (int)top - 1 : 1;
		}
		corner = e[2 * x + 2];
		e[2 * x + 1] = e[2 * x + 2] = 0;
		if (samples == 0)
			continue;
		bound += (int)(q >> 24);
		if (bound > most)
			return stria_ht_bound;
#pragma GCC unroll 4
		for (int n = 0; n < 4; n++) {
			if (!(samples >> n & 1))
				continue;
			int bits = bound - (int)(q >> (4 + n) & 1);
			load_forward(s);
			uint32_t v = take_forward(s, bits) | (uint32_t)((uint64_t)(q >> (8 + n) & 1) << bits);
			// The lowest bit is the sign, the rest the magnitude less one.
			uint32_t sign = -(v & 1), value = ((v >> 1) + 1) << b->shift | half;
			int column = 2 * x + (n >> 1);
			int32_t *to = column >= b->width ? &nowhere : upper + column;
			if (n & 1) {
				e[column + 1] = (uint8_t)(32 - __builtin_clz(v | 1));
				to = column >= b->width || !lower_step ? &nowhere : upper + b->width + column;
			}
			*to = (int32_t)((value ^ sign) - sign);
		}
	}
	return stria_ht_ok;
}

// ---- Significance propagation and magnitude refinement (7.4, 7.5) ----

enum { FOUND = 1, PROPAGATED = 2 };

static void refine(int32_t *dst, const stria_ht_block *b, const uint8_t *data, uint8_t *state)
{
	const int width = b->width, height = b->height, stride = width + 2;
	memset(state, 0, (size_t)stride * (size_t)(height + 2));
	state += stride + 1;
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			state[y * stride + x] = dst[y * width + x] != 0;
	const int32_t value = (int32_t)((uint32_t)3 << b->shift >> 2);
	forward s = { 0, 0, 0, 0, data, data + b->refinement };
	for (int y0 = 0; y0 < height; y0 += 4) {
		int y1 = y0 + 4 < height ? y0 + 4 : height;
		for (int x0 = 0; x0 < width; x0 += 4) {
			int fresh[16], n = 0;
			for (int x = x0; x < x0 + 4 && x < width; x++) {
				for (int y = y0; y < y1; y++) {
					uint8_t *p = state + y * stride + x;
					if (*p)
						continue;
					int any = p[-stride - 1] | p[-stride] | p[-stride + 1] | p[-1] | p[1];
					if (!b->causal || y < y1 - 1)
						any |= p[stride - 1] | p[stride] | p[stride + 1];
					if (!any)
						continue;
					load_forward(&s);
					if (take_forward(&s, 1)) {
						*p = PROPAGATED;
						fresh[n++] = y * width + x;
					}
				}
			}
			load_forward(&s);
			for (int i = 0; i < n; i++)
				dst[fresh[i]] = take_forward(&s, 1) ? -value : value;
		}
	}
	if (b->more < 2)
		return;
	backward r = { 0, 0, 0xFF, data, data + b->refinement };
	const int32_t one = (int32_t)((uint32_t)1 << b->shift >> 1);
	for (int y0 = 0; y0 < height; y0 += 4) {
		for (int x = 0; x < width; x++) {
			for (int y = y0; y < y0 + 4 && y < height; y++) {
				if (state[y * stride + x] != FOUND)
					continue;
				load_backward(&r);
				int32_t add = (one >> 1) - (take_backward(&r, 1) ? 0 : one);
				int32_t *to = &dst[y * width + x];
				*to = (int32_t)((uint32_t)*to + (uint32_t)(*to < 0 ? -add : add));
			}
		}
	}
}

int stria_ht_decode(int32_t *dst, const stria_ht_block *b, const uint8_t *cleanup,
	const uint8_t *refinement, const uint32_t *codes, uint32_t *quads, uint8_t *exponents, uint8_t *state)
{
	int64_t n = b->cleanup;
	int64_t back = (int64_t)cleanup[n - 1] << 4 | (cleanup[n - 2] & 0x0F);
	if (back < 2 || back > n || back > 4079)
		return stria_ht_lengths;
	forward s = { 0, 0, 0, 0xFF, cleanup, cleanup + n - back };
	mel m = { 0, 0, 0, 0, 0, cleanup + n - back, cleanup + n - 1 };
	// The higher half of the last byte but one is the first of the codewords.
	uint64_t half = cleanup[n - 2] >> 4;
	int stuffed = (half & 7) == 7;
	backward v = { stuffed ? 7 : half, stuffed ? 3 : 4, cleanup[n - 2] | 0x0Fu, cleanup + n - back, cleanup + n - 2 };

	int wide = (b->width + 1) / 2;
	memset(dst, 0, (size_t)b->width * (size_t)b->height * sizeof *dst);
	memset(quads, 0, (size_t)(wide + 3) * sizeof *quads);
	memset(exponents, 0, (size_t)(2 * wide + 4));
	codewords(&v, &m, codes, quads, wide, 1);
	for (int y = 0; y < b->height; y += 2) {
		if (y > 0)
			codewords(&v, &m, codes + 1024, quads, wide, 0);
		int err = magnitudes(dst, b, &s, quads, exponents, y, wide);
		if (err)
			return err;
	}
	if (b->more > 0)
		refine(dst, b, refinement, state);
	return stria_ht_ok;
}
