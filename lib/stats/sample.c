/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void sample_sort(double *x, size_t n)
{
	if (n)
		qsort(x, n, sizeof(*x), compare);
}

double sample_quantile(const double *sorted, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t i = (size_t)at;

	if (i + 1 >= n)
		return sorted[n - 1];
	return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

double sample_median(const double *x, size_t n)
{
	double *sorted = mem_zalloc(n, sizeof(*sorted)), m;

	memcpy(sorted, x, n * sizeof(*sorted));
	sample_sort(sorted, n);
	m = sample_quantile(sorted, n, 0.5);
	free(sorted);
	return m;
}

double sample_mean(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

double sample_sd(const double *x, size_t n)
{
	double mean, sum = 0;

	if (n < 2)
		return 0;
	mean = sample_mean(x, n);
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sqrt(sum / (double)(n - 1));
}
