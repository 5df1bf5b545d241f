// This file implements the decoding of High-Throughput code-blocks (ISO/IEC 15444-15) in
// C. The Go files of this package say more about what it decodes; how differs. The
// streams of a cleanup pass are freed of stuffed bits before they are read, so that the
// next bits are a load away; samples of two quads are decoded side by side where the
// processor has AVX2 (see cleanup.h).
//
// No byte of a block can do harm: what is read is a copy that goes on past its end for
// as long as a row of quads can need it, and what is written is decided by the size of
// the block alone.

#include "kernel.h"

#include <stddef.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

INLINE uint64_t load64(const uint8_t *from)
{
	uint64_t v;
	memcpy(&v, from, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

INLINE void store64(uint8_t *to, uint64_t v)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	memcpy(to, &v, 8);
}

// ---- Streams of bits of the cleanup pass (7.1) ----

// A writer takes bits, the lowest first, and has less than 8 of them that are not
// written. It may write 8 bytes past what it was given.
typedef struct {
	uint8_t *to;
	uint64_t bits;
	int n;
} writer;

INLINE void put(writer *w, uint64_t v, int n)
{
	w->bits |= v << w->n;
	w->n += n;
	if (w->n >= 8) {
		*w->to++ = (uint8_t)w->bits;
		w->bits >>= 8;
		w->n -= 8;
	}
}

INLINE void put64(writer *w, uint64_t v)
{
	store64(w->to, w->bits | v << w->n);
	w->to += 8;
	w->bits = v >> 1 >> (63 - w->n);
}

#define BYTES(b) (0x0101010101010101u * (b))

// unstuff_forward writes the bits of a forward stream, and after them ones for pad bytes.
// It returns how many bits the stream has. It may leave out what follows limit bytes.
INLINE uint32_t unstuff_forward(uint8_t *out, const uint8_t *data, int64_t n, int limit, int pad)
{
	writer w = { out, 0, 0 };
	const uint8_t *begin = data, *end = data + n;
	while (w.to - out < limit && data < end) {
		int many = 1; // bytes that are taken one by one
		if (data > begin) {
			while (end - data >= 8 && w.to - out < limit) {
				uint64_t before = load64(data - 1); // the byte before each
				if (UNLIKELY((~before - BYTES(1)) & before & BYTES(0x80))) { // one is of ones
					many = 8;
					break;
				}
				put64(&w, load64(data));
				data += 8;
			}
			if (end - data < 8)
				many = (int)(end - data);
		}
		for (; many > 0; many--) {
			int bits = data > begin && data[-1] == 0xFF ? 7 : 8;
			put(&w, *data++ & ((1u << bits) - 1), bits);
		}
	}
	store64(w.to, w.bits | ~(uint64_t)0 << w.n);
	memset(w.to + 8, 0xFF, (size_t)pad);
	return (uint32_t)(8 * (w.to - out) + w.n);
}

// unstuff_backward writes the bits of the codewords, whose bytes lie between begin and
// end + 2, and after them zeros. It returns from where on there are pad bytes of these
// and eight more.
INLINE const uint8_t *unstuff_backward(uint8_t *out, const uint8_t *begin, const uint8_t *end, int pad)
{
	// The higher half of the last byte but one is the first of the codewords; the byte
	// after that is taken for one of ones.
	int stuffed = (end[0] >> 4 & 7) == 7;
	writer w = { out, stuffed ? 7 : end[0] >> 4, stuffed ? 3 : 4 };
	while (end > begin) {
		while (end - begin >= 8) {
			uint64_t eight = load64(end - 8), before = load64(end - 7); // the byte read before each
			uint64_t high = before & (before << 1 | before << 2 | before << 3) & BYTES(0x80); // above 0x8F
			uint64_t ones = (eight & BYTES(0x7F)) + BYTES(1);
			if (UNLIKELY(high & ones))
				break;
			put64(&w, __builtin_bswap64(eight));
			end -= 8;
		}
		for (int many = end - begin < 8 ? (int)(end - begin) : 8; many > 0; many--) {
			int bits = end[0] > 0x8F && (end[-1] & 0x7F) == 0x7F ? 7 : 8;
			put(&w, *--end & ((1u << bits) - 1), bits);
		}
	}
	store64(w.to, w.bits);
	memset(w.to + 8, 0, (size_t)pad + 8);
	return w.to + 8;
}

// What is left of the codewords: n bits, or more where those after them are right, and
// what follows these. Of n only the lowest six bits count.
typedef struct {
	uint64_t bits;
	uint32_t n;
	const uint8_t *next, *end;
} words;

// ---- The adaptive run-length code (7.3.3) ----

typedef struct {
	uint64_t bits; // n of them, from the highest on
	int n, state;
	int zeros; // to come before the next one
	uint32_t last;
	const uint8_t *next, *end;
} mel;

// mel_run decodes how many zeros there are before the next one, or that there are more
// than a block has symbols.
static void mel_run(mel *m)
{
	static const uint8_t exponents[13] = { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5 };
	m->zeros = 0;
	while (m->zeros < 1 << 14) {
		while (m->n <= 56) {
			int bits = m->last == 0xFF ? 7 : 8;
			m->last = 0xFF;
			if (m->next < m->end) {
				m->last = *m->next++;
				if (m->next == m->end)
					m->last |= 0x0F; // the lower half is of the other stream
			}
			m->bits |= (uint64_t)(m->last & ((1u << bits) - 1)) << (64 - m->n - bits);
			m->n += bits;
		}
		int e = exponents[m->state];
		if (m->bits >> 63) {
			m->zeros += 1 << e;
			m->state += m->state < 12;
			m->bits <<= 1;
			m->n--;
			continue;
		}
		m->zeros += (int)(m->bits >> (63 - e));
		m->state -= m->state > 0;
		m->bits <<= e + 1;
		m->n -= e + 1;
		return;
	}
}

INLINE int mel_symbol(mel *m)
{
	if (LIKELY(m->zeros-- > 0))
		return 0;
	mel_run(m);
	return 1;
}

// ---- Quads (7.3.4 to 7.3.7) ----

// A quad's word.
enum {
	// The length of its codeword, from bit 0 on; bits 3 to 6 are zeros.
	CONTEXT = 7 << 7, // what the quad adds to the context of the next, as an index of codewords
	OFFSET = 1 << 11, // its bound has an offset
	SAMPLES_BIT = 12, // which samples are significant
	KNOWN_BIT = 16,   // e_k of the samples
	TOP_BIT = 20,     // e_1
	BOUND_BIT = 24,   // 1 and the offset, once it is known, and SEVERAL
	SEVERAL = 128,    // more than one sample is significant
};

// Contexts of the quad that is not there where the last pair of a row is one quad. Its
// codewords are of no length, and follow those of the first row and of the others.
enum {
	NO_QUAD_FIRST = 2 << 10,
	NO_QUAD = 1 << 10,
};

// LONG is set in an entry of stria_ht_tables.offsets where more than eight bits are read.
enum { LONG = 1 << 6 };

// offsets completes such an entry: it becomes what the others are.
static uint64_t offsets(uint64_t o, uint64_t bits)
{
	uint32_t all = o & 63, na = o >> 16 & 7, nb = o >> 24 & 7;
	uint64_t rest = bits >> (o >> 8 & 7);
	uint32_t sa = (uint32_t)rest & ((1u << na) - 1), sb = (uint32_t)(rest >> na) & ((1u << nb) - 1);
	uint32_t ua = (uint32_t)(o >> 32 & 7) + sa, ub = (uint32_t)(o >> 40 & 7) + sb;
	if (sa >= 28) {
		ua += 4 * (uint32_t)(bits >> all & 15);
		all += 4;
	}
	if (sb >= 28) {
		ub += 4 * (uint32_t)(bits >> all & 15);
		all += 4;
	}
	return all | (uint64_t)ua << BOUND_BIT | (uint64_t)ub << (32 + BOUND_BIT);
}

// A block has 1230 quads at most, and a row of quads 512. A quad has at most 128 bits of
// magnitudes and signs, and two of them 38 bits of codewords.
enum {
	MOST_WIDE = 512,
	MAGNITUDE_BYTES = 1230 * 16 + MOST_WIDE * 16 + 64,
	WORD_BYTES = 4079 + MOST_WIDE / 2 * 5 + 32,
};

// VECTOR_MOST is the largest bound that vectors are for: four bytes have 25 bits from
// any bit of the first on, and a float has the exponent of an integer of 24 bits.
#define VECTOR_MOST 24

// coefficient is a coefficient by its bits: the lowest is the sign, the rest the
// magnitude less one. The bit below the last one is set.
INLINE int32_t coefficient(uint32_t v, int shift)
{
	uint32_t sign = -(v & 1), value = ((v >> 1) + 1) << shift | (uint32_t)1 << shift >> 1;
	return (int32_t)((value ^ sign) - sign);
}

#define NAME3(a, b) a##_##b
#define NAME2(a, b) NAME3(a, b)

#define SET base
#define ATTRIBUTES
#define VECTORS 0
#include "cleanup.h"
#undef SET
#undef ATTRIBUTES
#undef VECTORS

#if defined(__x86_64__)
#include <immintrin.h>
#define SET avx2
#define ATTRIBUTES __attribute__((target("avx2,bmi,bmi2,lzcnt")))
#define VECTORS 1
#include "cleanup.h"
#undef SET
#undef ATTRIBUTES
#undef VECTORS
#endif

// ---- Significance propagation and magnitude refinement (7.4, 7.5) ----

typedef struct {
	uint64_t bits;
	int n;       // bits that are there
	uint32_t last;
	const uint8_t *next, *end; // zeros follow
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
		uint32_t b = s->next < s->end ? *s->next++ : 0;
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
	forward s = { 0, 0, 0, data, data + b->refinement };
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
	const uint8_t *refinement, const stria_ht_tables *t, uint8_t *state)
{
	int64_t n = b->cleanup;
	int64_t back = (int64_t)cleanup[n - 1] << 4 | (cleanup[n - 2] & 0x0F);
	if (back < 2 || back > n || back > 4079)
		return stria_ht_lengths;
	int err;
#if defined(__x86_64__)
	// All processors with AVX2 have what else ATTRIBUTES asks for.
	if (!b->plain && b->zero + 2 <= VECTOR_MOST && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
		err = avx2_cleanup(dst, b, cleanup, t);
	else
#endif
		err = base_cleanup(dst, b, cleanup, t);
	if (err == stria_ht_ok && b->more > 0)
		refine(dst, b, refinement, state);
	return err;
}
