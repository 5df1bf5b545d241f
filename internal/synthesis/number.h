// The loops of the synthesis for one kind of numbers: NUMBER, in functions N(...).
// Sums of damaged coefficients wrap around.

// lift does lifting step s on n numbers of a row, whose neighbours are given.
static inline ATTRIBUTES void N(lift)(NUMBER *restrict row, const NUMBER *before, const NUMBER *after, int64_t n, int s)
{
#if REVERSIBLE
	if (s == 0) {
		for (int64_t i = 0; i < n; i++)
			row[i] = (NUMBER)((uint32_t)row[i] - (uint32_t)((NUMBER)((uint32_t)before[i] + (uint32_t)after[i] + 2) >> 2));
	} else {
		for (int64_t i = 0; i < n; i++)
			row[i] = (NUMBER)((uint32_t)row[i] + (uint32_t)((NUMBER)((uint32_t)before[i] + (uint32_t)after[i]) >> 1));
	}
#else
	const float factor = lifting[s];
	for (int64_t i = 0; i < n; i++)
		row[i] -= factor * (before[i] + after[i]);
#endif
}

// load dequantises n coefficients (E.1.1).
static inline ATTRIBUTES void N(load)(NUMBER *restrict to, const stria_band *b, const void *data, int32_t y, int64_t n)
{
	if (b->bits == 0) {
		memset(to, 0, (size_t)n * sizeof *to);
		return;
	}
	int64_t at = (int64_t)(y - b->top) * b->stride + b->column;
#if REVERSIBLE
	if (b->bits == 16) {
		const int16_t *restrict from = (const int16_t *)data + at;
		if (b->fraction)
			for (int64_t i = 0; i < n; i++)
				to[i] = (NUMBER)((from[i] + (from[i] < 0)) >> 1);
		else
			for (int64_t i = 0; i < n; i++)
				to[i] = (NUMBER)from[i];
	} else {
		const int32_t *restrict from = (const int32_t *)data + at;
		if (b->fraction)
			for (int64_t i = 0; i < n; i++)
				to[i] = (NUMBER)((from[i] + (from[i] < 0)) >> 1);
		else
			for (int64_t i = 0; i < n; i++)
				to[i] = (NUMBER)from[i];
	}
#else
	const float step = b->step;
	if (b->bits == 16) {
		const int16_t *restrict from = (const int16_t *)data + at;
		for (int64_t i = 0; i < n; i++)
			to[i] = (float)from[i] * step;
	} else {
		const int32_t *restrict from = (const int32_t *)data + at;
		for (int64_t i = 0; i < n; i++)
			to[i] = (float)from[i] * step;
	}
#endif
}

// filter filters the rows to work in across and puts the samples into dst.
static ATTRIBUTES void N(filter)(const stria_across *j, NUMBER *slab, NUMBER *dst)
{
	NUMBER *low = slab + j->low, *high = slab + j->high;
	const int64_t lows = j->lows, highs = j->highs;
	if (j->single) { // F.3.6
		dst[0] = lows > 0 ? low[0] : high[0] / 2;
		return;
	}
	// The neighbours of a low-pass coefficient are the high-pass ones at by-1 and at
	// by from its place; beyond the ends the nearer one stands for both (F.3.7).
	for (int s = 0; s < (REVERSIBLE ? 2 : 4); s++) {
		if ((s & 1) == 0) {
			high[-1] = high[0];
			high[highs] = high[highs - 1];
			N(lift)(low, high + j->by - 1, high + j->by, lows, s);
		} else {
			low[-1] = low[0];
			low[lows] = low[lows - 1];
			N(lift)(high, low - j->by, low - j->by + 1, highs, s);
		}
	}
	// Even places have the low-pass coefficients, whatever the first is.
	const NUMBER *a = low + j->low_first, *b = high + j->high_first;
	if (j->x0 & 1) {
		const NUMBER *c = a;
		a = b;
		b = c;
	}
	const NUMBER *restrict even = a, *restrict odd = b;
	NUMBER *restrict to = dst;
	int64_t pairs = j->width / 2;
	for (int64_t i = 0; i < pairs; i++) {
		to[2 * i] = even[i];
		to[2 * i + 1] = odd[i];
	}
	if (j->width & 1)
		to[2 * pairs] = even[pairs];
}

static ATTRIBUTES void N(across)(const stria_across *j, NUMBER *slab, const void *const bands[4])
{
	for (int32_t y = j->first; y < j->first + j->rows; y++) {
		NUMBER *row = slab + j->ring + (y & j->mask) * j->stride;
		NUMBER *low = slab + j->low, *high = slab + j->high;
		if (j->columns) {
			low = row;
			high = row + j->lows;
		}
		const int32_t k = y >> 1, odd = y & 1;
		if (!odd && j->has_below)
			memcpy(low, slab + j->below + (k & j->mask) * j->below_stride, (size_t)j->lows * sizeof *low);
		else
			N(load)(low, &j->bands[2 * odd], bands[2 * odd], k, j->lows);
		N(load)(high, &j->bands[2 * odd + 1], bands[2 * odd + 1], k, j->highs);
		if (!j->columns)
			N(filter)(j, slab, row);
	}
}

static ATTRIBUTES void N(finished)(const stria_across *j, NUMBER *slab, int32_t y, int32_t end, int64_t rows)
{
	for (; y < end; y++) {
		const NUMBER *row = slab + j->ring + (y & j->mask) * j->stride;
		memcpy(slab + j->low, row, (size_t)j->lows * sizeof *row);
		memcpy(slab + j->high, row + j->lows, (size_t)j->highs * sizeof *row);
		N(filter)(j, slab, slab + rows + (y & j->mask) * j->stride);
	}
}

// down goes through the columns a strip at a time, so that the rows of a strip stay in
// the cache from step to step.
static ATTRIBUTES void N(down)(const stria_down *j, NUMBER *slab)
{
	enum { STRIP = 1024 / sizeof(NUMBER) };
	for (int64_t x = 0; x < j->width; x += STRIP) {
		const int64_t n = j->width - x < STRIP ? j->width - x : STRIP;
		NUMBER *ring = slab + j->ring + x;
		for (int32_t z = j->first | 1; z <= j->last; z += 2) {
			for (int32_t s = 0; s < (REVERSIBLE ? 2 : 4); s++) {
				const int32_t y = z - 1 - s;
				if (y < j->lo || y >= j->hi)
					continue;
				int32_t above = y - 1, below = y + 1;
				if (above < j->lo)
					above = below;
				if (below >= j->hi)
					below = y - 1;
				if (above >= j->hi)
					above = below;
				N(lift)(ring + (y & j->mask) * j->stride, ring + (above & j->mask) * j->stride,
					ring + (below & j->mask) * j->stride, n, s);
			}
		}
	}
}

#undef NUMBER
#undef N
#undef REVERSIBLE
