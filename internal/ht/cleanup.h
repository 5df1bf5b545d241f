// The cleanup pass (7.3). kernel.c includes this file once for each set of
// instructions.

#define F(name) NAME2(SET, name)

// samples says where the samples of a row of quads come from and go to.
typedef struct {
	const uint8_t *bits; // of the stream of magnitudes and signs, lowest first
	uint32_t at;         // the next of them
	int shift;
	int32_t *upper, *lower; // the rows
	uint32_t *last;         // lower samples of the row above, bit by bit with the lowest set; of column x at x + 1
	const uint32_t *bounds; // what the row above adds to those of quads, less SEVERAL
} F(samples);

#if VECTORS // AVX2

#define MOST VECTOR_MOST

typedef __m256i F(vector);

#define SAME(v) _mm256_set1_epi32(v)

// above works out for a row of quads what the one above has to say of them: of their
// contexts, as an index of codewords, and of the bounds of those with more than one
// significant sample (7.3.7), as pair wants it.
INLINE ATTRIBUTES void F(above)(const uint32_t *quads, uint32_t *contexts, const uint32_t *last, uint32_t *bounds,
	int wide)
{
	for (int x = 0; x < wide; x += 8) {
		__m256i left = _mm256_loadu_si256((const __m256i *)(quads + x));
		__m256i q = _mm256_loadu_si256((const __m256i *)(quads + x + 1));
		__m256i right = _mm256_loadu_si256((const __m256i *)(quads + x + 2));
		left = _mm256_or_si256(_mm256_srli_epi32(left, SAMPLES_BIT + 3 - 7), _mm256_srli_epi32(q, SAMPLES_BIT + 1 - 7));
		right = _mm256_or_si256(_mm256_srli_epi32(q, SAMPLES_BIT + 3 - 9), _mm256_srli_epi32(right, SAMPLES_BIT + 1 - 9));
		left = _mm256_or_si256(_mm256_and_si256(left, SAME(1 << 7)), _mm256_and_si256(right, SAME(1 << 9)));
		_mm256_storeu_si256((__m256i *)(contexts + x), left);
	}
	for (int x = 0; x < wide; x += 4) {
		const uint32_t *from = last + 2 * x;
		__m256i a = _mm256_loadu_si256((const __m256i *)from), b = _mm256_loadu_si256((const __m256i *)(from + 1));
		__m256i c = _mm256_loadu_si256((const __m256i *)(from + 2)), d = _mm256_loadu_si256((const __m256i *)(from + 3));
		__m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
		// A float's exponent is one less than the number of bits, and 127.
		__m256i exponent = _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(any)), 23);
		exponent = _mm256_max_epi32(_mm256_sub_epi32(exponent, SAME(128)), _mm256_setzero_si256());
		exponent = _mm256_sub_epi32(exponent, SAME(SEVERAL));
		exponent = _mm256_permutevar8x32_epi32(exponent, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
		_mm_storeu_si128((__m128i *)(bounds + x), _mm256_castsi256_si128(exponent));
	}
}

// pair decodes the samples of two quads: a lane for each of the first, then a lane for
// each of the second. at is the next bit, largest the largest bound yet.
INLINE ATTRIBUTES void F(pair)(const F(samples) *s, int x, uint64_t two, F(vector) *at, F(vector) *largest)
{
	const __m256i halves = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
	const __m256i one = SAME(1);
	__m256i q = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_cvtsi64_si128((int64_t)two)), halves);
	__m256i above = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(
		_mm_loadl_epi64((const __m128i *)(s->bounds + x))), halves);

	// Where there are not several, the sum is beneath 0 and thus large.
	__m256i bound = _mm256_srli_epi32(q, BOUND_BIT);
	bound = _mm256_min_epu32(bound, _mm256_add_epi32(bound, above));
	*largest = _mm256_max_epi32(*largest, bound);
	bound = _mm256_min_epi32(bound, SAME(MOST));

	const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 1, 2, 4, 8);
	const __m256i each = _mm256_slli_epi32(lane, SAMPLES_BIT);
	__m256i significant = _mm256_cmpeq_epi32(_mm256_and_si256(q, each), each);
	const __m256i step = _mm256_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3);
	__m256i known = _mm256_and_si256(_mm256_srlv_epi32(q, _mm256_add_epi32(step, SAME(KNOWN_BIT))), one);
	__m256i top = _mm256_and_si256(_mm256_srlv_epi32(q, _mm256_add_epi32(step, SAME(TOP_BIT))), one);
	__m256i length = _mm256_and_si256(_mm256_sub_epi32(bound, known), significant);

	// Where the bits of each begin.
	__m256i sum = _mm256_add_epi32(length, _mm256_slli_si256(length, 4));
	sum = _mm256_add_epi32(sum, _mm256_slli_si256(sum, 8));
	__m256i total = _mm256_shuffle_epi32(sum, 0xFF);
	__m256i first = _mm256_add_epi32(*at, _mm256_permute2x128_si256(total, total, 0x08));
	__m256i begin = _mm256_add_epi32(first, _mm256_sub_epi32(sum, length));
	*at = _mm256_add_epi32(*at, _mm256_add_epi32(total, _mm256_permute4x64_epi64(total, 0x4E)));

	// Four bytes that have them, and the bits out of these.
	__m256i byte = _mm256_srli_epi32(begin, 3);
	const uint8_t *a = s->bits + (uint32_t)_mm256_cvtsi256_si32(byte);
	const uint8_t *b = s->bits + (uint32_t)_mm_cvtsi128_si32(_mm256_extracti128_si256(byte, 1));
	__m256i data = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)a)),
		_mm_loadu_si128((const __m128i *)b), 1);
	byte = _mm256_sub_epi32(byte, _mm256_shuffle_epi32(byte, 0));
	const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12,
		0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
	byte = _mm256_add_epi8(_mm256_shuffle_epi8(byte, spread), SAME(0x03020100));
	data = _mm256_srlv_epi32(_mm256_shuffle_epi8(data, byte), _mm256_and_si256(begin, SAME(7)));
	data = _mm256_andnot_si256(_mm256_sllv_epi32(SAME(-1), length), data);
	data = _mm256_or_si256(data, _mm256_sllv_epi32(top, length));

	// See coefficient. What takes the sign is 0 where there is nothing.
	__m256i magnitude = _mm256_and_si256(_mm256_or_si256(data, one), significant);
	__m256i sign = _mm256_or_si256(_mm256_slli_epi32(data, 31), magnitude);
	__m256i value = _mm256_sll_epi32(_mm256_add_epi32(magnitude, SAME(2)), _mm_cvtsi32_si128(s->shift - 1));
	value = _mm256_sign_epi32(value, sign);

	// The upper samples and the lower ones.
	const __m256i rows = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
	value = _mm256_permutevar8x32_epi32(value, rows);
	magnitude = _mm256_permutevar8x32_epi32(magnitude, rows);
	_mm_storeu_si128((__m128i *)(s->upper + 2 * x), _mm256_castsi256_si128(value));
	_mm_storeu_si128((__m128i *)(s->lower + 2 * x), _mm256_extracti128_si256(value, 1));
	_mm_storeu_si128((__m128i *)(s->last + 2 * x + 1), _mm256_extracti128_si256(magnitude, 1));
}

#else

#define MOST 32

typedef uint32_t F(vector);

INLINE ATTRIBUTES void F(above)(const uint32_t *quads, uint32_t *contexts, const uint32_t *last, uint32_t *bounds,
	int wide)
{
	for (int x = 0; x < wide; x++) {
		contexts[x] = ((quads[x] >> (SAMPLES_BIT + 3) | quads[x + 1] >> (SAMPLES_BIT + 1)) & 1) << 7 |
			((quads[x + 1] >> (SAMPLES_BIT + 3) | quads[x + 2] >> (SAMPLES_BIT + 1)) & 1) << 9;
		const uint32_t *from = last + 2 * x;
		bounds[x] = 30 - (uint32_t)__builtin_clz(from[0] | from[1] | from[2] | from[3] | 3) - SEVERAL;
	}
}

INLINE ATTRIBUTES void F(pair)(const F(samples) *s, int x, uint64_t two, F(vector) *at, F(vector) *largest)
{
	for (int i = 0; i < 2; i++) {
		uint32_t q = (uint32_t)(two >> 32 * i);
		uint32_t bound = q >> BOUND_BIT, more = bound + s->bounds[x + i];
		bound = bound < more ? bound : more;
		*largest = *largest > bound ? *largest : bound;
		bound = bound < MOST ? bound : MOST;
#pragma GCC unroll 4
		for (int n = 0; n < 4; n++) {
			uint32_t significant = -(q >> (SAMPLES_BIT + n) & 1);
			uint32_t length = (bound - (q >> (KNOWN_BIT + n) & 1)) & significant;
			uint64_t data = load64(s->bits + (*at >> 3)) >> (*at & 7);
			*at += length;
			data &= ((uint64_t)1 << length) - 1;
			uint32_t v = (uint32_t)(data | (uint64_t)(q >> (TOP_BIT + n) & 1) << length);
			int column = 2 * (x + i) + (n >> 1);
			int32_t value = coefficient(v, s->shift) & (int32_t)significant;
			if (n & 1) {
				s->lower[column] = value;
				s->last[column + 1] = (v | 1) & significant;
			} else {
				s->upper[column] = value;
			}
		}
	}
}

#endif

// row decodes a row of quads: what the codewords say of them, two at a time, and their
// samples. It returns the largest bound.
INLINE ATTRIBUTES uint32_t F(row)(words *v, mel *m, const stria_ht_tables *t, uint32_t *quads,
	const uint32_t *contexts, int wide, F(samples) *s, int first)
{
	const uint32_t *codes = t->codes + (first ? 0 : 1 << 10);
	uint64_t bits = v->bits;
	uint32_t n = v->n;
	const uint8_t *next = v->next;
#if VECTORS
	F(vector) at = SAME((int)s->at), largest = _mm256_setzero_si256();
#else
	F(vector) at = s->at, largest = 0;
#endif
	uint32_t b = 0; // the quad to the left
	for (int x = 0; x < wide; x += 2) {
		bits |= load64(next) << (n & 63);
		next += ~n >> 3 & 7;
		n |= 56;

		const uint32_t *word = codes + contexts[x] + (b & CONTEXT);
		uint32_t a = 0;
		if (word != codes || mel_symbol(m)) {
			a = word[bits & 127];
			bits >>= a & 63;
		}
		word = codes + contexts[x + 1] + (a & CONTEXT);
		b = 0;
		if (word != codes || mel_symbol(m)) {
			b = word[bits & 127];
			bits >>= b & 63;
		} else if (a == 0) {
			// There is nothing in either, as in much of a lossy image.
			quads[x] = quads[x + 1] = 0;
			memset(s->upper + 2 * x, 0, 4 * sizeof *s->upper);
			memset(s->lower + 2 * x, 0, 4 * sizeof *s->lower);
			memset(s->last + 2 * x + 1, 0, 4 * sizeof *s->last);
			continue;
		}
		n -= a + b;

		// The offsets of their bounds. OFFSET is as many bytes as the table has for one of
		// two quads.
		const uint8_t *pair = (const uint8_t *)t->offsets + (a & OFFSET) + 2 * (b & OFFSET);
		if (first && (a & b & OFFSET))
			pair += OFFSET + OFFSET * mel_symbol(m);
		quads[x] = a;
		quads[x + 1] = b;
		uint64_t u;
		memcpy(&u, pair + 8 * (bits & 255), 8);
		if (UNLIKELY(u & LONG))
			u = offsets(u, bits);
		bits >>= u & 63;
		n -= (uint32_t)u;
		F(pair)(s, x, (a | (uint64_t)b << 32) + u, &at, &largest);
	}
	v->bits = bits;
	v->n = n;
	v->next = next;
#if VECTORS
	__m128i most = _mm_max_epi32(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
	s->at = (uint32_t)_mm256_cvtsi256_si32(at);
	return (uint32_t)_mm_cvtsi128_si32(most);
#else
	s->at = at;
	return largest;
#endif
}

static ATTRIBUTES int F(cleanup)(int32_t *dst, const stria_ht_block *b, const uint8_t *data, const stria_ht_tables *t)
{
	const int64_t n = b->cleanup;
	const int64_t back = (int64_t)data[n - 1] << 4 | (data[n - 2] & 0x0F);
	const int wide = (b->width + 1) / 2, high = (b->height + 1) / 2;
	// What is wrong shows when a row has been decoded.
	const uint32_t most = (uint32_t)b->zero + 2;
	const int most_row = wide * 4 * MOST / 8; // bytes

	// On the stack of C, 52 KiB with what follows, so that nothing has to be cleared.
	uint8_t forward_bytes[MAGNITUDE_BYTES], backward_bytes[WORD_BYTES];
	const uint32_t end = unstuff_forward(forward_bytes, data, n - back, wide * high * 4 * MOST / 8, most_row + 16);
	words v = { 0, 0, backward_bytes, 0 };
	v.end = unstuff_backward(backward_bytes, data + n - back, data + n - 2, 5 * (wide / 2 + 1));
	mel m = { 0, 0, 0, 0, 0, data + n - back, data + n - 1 };
	mel_run(&m);

	// The row of quads with one that is not there before it and after it.
	uint32_t quads[MOST_WIDE + 16], contexts[MOST_WIDE + 8], bounds[MOST_WIDE + 8], last[2 * MOST_WIDE + 16];
	memset(quads, 0, (size_t)(wide + 16) * sizeof *quads);
	bounds[wide] = 0;
	memset(last, 0, (size_t)(2 * wide + 16) * sizeof *last);
	// Rows go elsewhere first if they are not of whole pairs.
	int32_t elsewhere[2][2 * MOST_WIDE];
	const int direct = b->width % 4 == 0;
	F(samples) s = { forward_bytes, 0, b->shift, 0, 0, last, bounds };
	for (int y = 0; y < b->height; y += 2) {
		int32_t *upper = dst + (ptrdiff_t)y * b->width, *lower = y + 1 < b->height ? upper + b->width : 0;
		s.upper = direct ? upper : elsewhere[0];
		s.lower = direct && lower ? lower : elsewhere[1];
		F(above)(quads, contexts, last, bounds, wide);
		contexts[wide] = y == 0 ? NO_QUAD_FIRST : NO_QUAD;
		uint32_t largest = y == 0 ? F(row)(&v, &m, t, quads + 1, contexts, wide, &s, 1) :
			F(row)(&v, &m, t, quads + 1, contexts, wide, &s, 0);
		if (largest > most)
			return stria_ht_bound;
		s.at = s.at < end ? s.at : end;
		v.next = v.next < v.end ? v.next : v.end;
		if (!direct) {
			memcpy(upper, elsewhere[0], (size_t)b->width * sizeof *upper);
			if (lower)
				memcpy(lower, elsewhere[1], (size_t)b->width * sizeof *lower);
		}
	}
	return stria_ht_ok;
}

#undef F
#undef SAME
#undef MOST
