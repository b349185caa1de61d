/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn/rows.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

#define SHORT_LOG2 22 /* 4 ms */
#define LONG_LOG2  24 /* 16 ms */
#define SHARE_LOG2 3  /* an eighth of the time */

static void thin(struct rows *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i += 2)
		r->v[kept++] = r->v[i];
	r->n = kept;
	r->every *= 2;
}

void rows_add(struct rows *r, const struct row *row)
{
	size_t most = r->most ? r->most : ROWS_MAX;

	if (!r->every)
		r->every = 1;
	if (r->seen++ % r->every)
		return;
	if (r->n == most) {
		thin(r);
		if ((r->seen - 1) % r->every)
			return;
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 1024;
		r->v = mem_realloc(r->v, r->cap, sizeof(*r->v));
	}
	r->v[r->n++] = *row;
}

void rows_release(struct rows *r)
{
	free(r->v);
	*r = (struct rows){0};
}

static bool after(const struct row *a, const struct row *b)
{
	return a->from != b->from ? a->from > b->from : a->at > b->at;
}

/* The two runs that begin at lo. */
static void merge(const struct row *from, struct row *to, size_t lo,
		  size_t width, size_t n)
{
	size_t mid = lo + width < n ? lo + width : n;
	size_t hi = mid + width < n ? mid + width : n;
	size_t a = lo, b = mid;

	for (size_t k = lo; k < hi; k++) {
		bool left = b == hi || (a < mid && !after(&from[a], &from[b]));

		to[k] = left ? from[a++] : from[b++];
	}
}

/* Merged, because qsort() may put equal ones as it likes. */
void rows_sort(struct rows *r)
{
	struct row *room = r->n ? mem_zalloc(r->n, sizeof(*room)) : NULL;
	struct row *from = r->v, *to = room, *swap;

	for (size_t width = 1; width < r->n; width *= 2) {
		for (size_t lo = 0; lo < r->n; lo += 2 * width)
			merge(from, to, lo, width, r->n);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != r->v) {
		r->v = from;
		r->cap = r->n;
		free(to);
	} else {
		free(room);
	}
}

float rows_class(float burst, float sleep)
{
	if (isnan(burst) || isnan(sleep))
		return NAN;
	if (burst >= LONG_LOG2 * FORECAST_ONE ||
	    burst - sleep > SHARE_LOG2 * FORECAST_ONE)
		return 2 * FORECAST_ONE;
	if (burst < SHORT_LOG2 * FORECAST_ONE &&
	    sleep - burst > SHARE_LOG2 * FORECAST_ONE)
		return 0;
	return FORECAST_ONE;
}
