/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/sample.h"

/* With x ascending: sum((2 i - n - 1) x_i) / (n sum(x)), i from 1. */
double rt_gini(const double *x, size_t n)
{
	double sum = 0, weighed = 0;
	double *sorted;

	if (n < 2)
		return 0;
	sorted = mem_zalloc(n, sizeof(*sorted));
	memcpy(sorted, x, n * sizeof(*sorted));
	sample_sort(sorted, n);
	for (size_t i = 0; i < n; i++) {
		sum += sorted[i];
		weighed += (2 * ((double)i + 1) - (double)n - 1) * sorted[i];
	}
	free(sorted);
	return sum > 0 ? weighed / ((double)n * sum) : 0;
}

double rt_jain(const double *x, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		squares += x[i] * x[i];
	}
	return squares > 0 ? sum * sum / ((double)n * squares) : 1;
}

void rt_workers_balance(const struct rt_workers *w, enum rt_kind kind,
			struct rt_balance *out)
{
	double *load = mem_zalloc(w->count + 1, sizeof(*load));
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++) {
		const struct rt_worker *x = w->v[i];

		/* What is gone has no load, which nobody could even out. */
		if (x->spec.kinds & 1u << kind && x->health != RT_DOWN)
			load[n++] = vec_dominant(&x->used, &x->spec.capacity);
	}
	out->workers = n;
	out->gini = rt_gini(load, n);
	out->jain = rt_jain(load, n);
	free(load);
}
