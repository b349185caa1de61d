/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "search/near.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/sample.h"

/* Halves first: the sum of two large ones is no number. */
static double median(double *x, size_t n)
{
	sample_sort(x, n);
	return n % 2 ? x[n / 2] : x[n / 2 - 1] / 2 + x[n / 2] / 2;
}

/* What a difference of one means for feature f; column has room for n. */
static double scale_of(const double *points, size_t n, size_t d, size_t f,
		       double *column)
{
	double middle, sum = 0, mad;
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(points[i * d + f]))
			column[used++] = points[i * d + f];
	if (!used)
		return 1;
	middle = median(column, used);
	for (size_t i = 0; i < used; i++) {
		column[i] = fabs(column[i] - middle);
		sum += column[i] / (double)used;
	}
	mad = median(column, used);
	if (mad > 0 && isfinite(mad))
		return mad;
	return sum > 0 && isfinite(sum) ? sum : 1;
}

double near_distance(const double *a, const double *b, const double *scale,
		     size_t d)
{
	double sum = 0;
	size_t asked = 0, both = 0;

	for (size_t f = 0; f < d; f++) {
		double x;

		if (!isfinite(b[f]))
			continue;
		asked++;
		if (!isfinite(a[f]))
			continue;
		both++;
		x = (a[f] - b[f]) / scale[f];
		sum += x * x;
	}
	return both ? sqrt(sum * ((double)asked / (double)both)) : NAN;
}

static int by_distance(const void *a, const void *b)
{
	const struct near_hit *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->point > y->point ? -1 : x->point < y->point;
}

size_t near_search(const double *points, size_t n, size_t d,
		   const double *query, struct near_hit *out, size_t max)
{
	double *column, *scale;
	struct near_hit *hits;
	size_t found = 0;

	if (!n || !d)
		return 0;
	column = mem_zalloc(n, sizeof(*column));
	scale = mem_zalloc(d, sizeof(*scale));
	hits = mem_zalloc(n, sizeof(*hits));
	for (size_t f = 0; f < d; f++)
		scale[f] = isfinite(query[f])
				   ? scale_of(points, n, d, f, column)
				   : 1;
	for (size_t i = 0; i < n; i++) {
		double x = near_distance(points + i * d, query, scale, d);

		if (!isnan(x))
			hits[found++] = (struct near_hit){i, x};
	}
	qsort(hits, found, sizeof(*hits), by_distance);
	found = found < max ? found : max;
	for (size_t i = 0; i < found; i++)
		out[i] = hits[i];
	free(hits);
	free(scale);
	free(column);
	return found;
}
