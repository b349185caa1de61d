/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats/bootstrap.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "stats/sample.h"

#define LEVEL 0.95

static size_t draw(struct rng *r, size_t n)
{
	return (size_t)(rng_unit(r) * (double)n);
}

/* The k-th smallest (from 0) of a resample, given how often each was drawn. */
static double drawn(const double *sorted, const unsigned *times, size_t k)
{
	size_t seen = 0, i = 0;

	while ((seen += times[i]) <= k)
		i++;
	return sorted[i];
}

/* Drawing counts instead of values spares a sort for each resample. */
static double resampled_median(const double *sorted, size_t n, struct rng *r,
			       unsigned *times)
{
	memset(times, 0, n * sizeof(*times));
	for (size_t i = 0; i < n; i++)
		times[draw(r, n)]++;
	return (drawn(sorted, times, (n - 1) / 2) +
		drawn(sorted, times, n / 2)) /
	       2;
}

static void percentiles(double *stat, struct interval *out)
{
	sample_sort(stat, BOOTSTRAP_RESAMPLES);
	out->lo = sample_quantile(stat, BOOTSTRAP_RESAMPLES, (1 - LEVEL) / 2);
	out->hi = sample_quantile(stat, BOOTSTRAP_RESAMPLES, (1 + LEVEL) / 2);
}

static double *sorted_copy(const double *x, size_t n)
{
	double *s = mem_zalloc(n, sizeof(*s));

	memcpy(s, x, n * sizeof(*s));
	sample_sort(s, n);
	return s;
}

void bootstrap_median(const double *x, size_t n, uint64_t seed,
		      struct interval *out)
{
	double *sorted = sorted_copy(x, n);
	double *stat = mem_zalloc(BOOTSTRAP_RESAMPLES, sizeof(*stat));
	unsigned *times = mem_zalloc(n, sizeof(*times));
	struct rng r;

	rng_init(&r, seed);
	for (size_t i = 0; i < BOOTSTRAP_RESAMPLES; i++)
		stat[i] = resampled_median(sorted, n, &r, times);
	percentiles(stat, out);
	out->mid = sample_quantile(sorted, n, 0.5);
	free(times);
	free(stat);
	free(sorted);
}

static void widen(struct interval *i, double lo, double hi)
{
	i->lo = fmin(i->lo, lo);
	i->hi = fmax(i->hi, hi);
}

/* Student's t, 97.5 %, for 1 to 4 degrees of freedom. */
static void widen_student(const double *x, size_t n, struct interval *out)
{
	static const double t[] = {12.706, 4.303, 3.182, 2.776};
	double mean = sample_mean(x, n), half;

	half = t[n - 2] * sample_sd(x, n) / sqrt((double)n);
	widen(out, mean - half, mean + half);
}

/* The chance that the k-th and the k-th last of n enclose the median. */
static double enclosed(size_t n, size_t k)
{
	double term = pow(0.5, (double)n), below = 0;

	for (size_t i = 0; i < k; i++) {
		below += term;
		term *= (double)(n - i) / (double)(i + 1);
	}
	return 1 - 2 * below;
}

/* Hettmansperger and Sheather's interpolation; n >= 6. */
static void widen_order(const double *sorted, size_t n, struct interval *out)
{
	double over, under, part, w;
	size_t k = 1;

	while (enclosed(n, k + 1) >= LEVEL)
		k++;
	over = enclosed(n, k);
	under = enclosed(n, k + 1);
	part = (over - LEVEL) / (over - under);
	w = (double)(n - k) * part /
	    ((double)k + ((double)n - 2 * (double)k) * part);
	widen(out, (1 - w) * sorted[k - 1] + w * sorted[k],
	      (1 - w) * sorted[n - k] + w * sorted[n - k - 1]);
}

/* Past a thousand the binomial's terms vanish and nothing needs widening. */
#define FEW 1000

static void widen_few(const double *x, size_t n, struct interval *out)
{
	double *sorted;

	if (n == 1) {
		widen(out, -INFINITY, INFINITY);
		return;
	}
	if (n > FEW)
		return;
	sorted = sorted_copy(x, n);
	if (n >= 6) {
		widen_order(sorted, n, out);
	} else {
		widen(out, sorted[0], sorted[n - 1]);
		widen_student(x, n, out);
	}
	free(sorted);
}

void median_interval(const double *x, size_t n, uint64_t seed,
		     struct interval *out)
{
	bootstrap_median(x, n, seed, out);
	widen_few(x, n, out);
}

static double gap_pct(double base, double cand, double bound)
{
	return 100 * (base - cand) / (base - bound);
}

/* Medians of one resample of the pairs and one of the bound's runs. */
static double resampled_gap(const double *base, const double *cand, size_t n,
			    const double *bound, size_t m, struct rng *r,
			    double *room)
{
	double *b = room, *c = room + n, *l = room + 2 * n;

	for (size_t i = 0; i < n; i++) {
		size_t j = draw(r, n);

		b[i] = base[j];
		c[i] = cand[j];
	}
	for (size_t i = 0; i < m; i++)
		l[i] = bound[draw(r, m)];
	sample_sort(b, n);
	sample_sort(c, n);
	sample_sort(l, m);
	return gap_pct(sample_quantile(b, n, 0.5), sample_quantile(c, n, 0.5),
		       sample_quantile(l, m, 0.5));
}

int gap_interval(const double *base, const double *cand, size_t n,
		 const double *bound, size_t m, bool higher_is_better,
		 uint64_t seed, struct interval *out)
{
	double b = sample_median(base, n), l = sample_median(bound, m);
	double *stat, *room;
	struct interval each;
	struct rng r;

	if (higher_is_better ? b >= l : b <= l)
		return err_set(ERANGE,
			       "the baseline %g is already at the "
			       "bound %g",
			       b, l);
	stat = mem_zalloc(BOOTSTRAP_RESAMPLES, sizeof(*stat));
	room = mem_zalloc(2 * n + m, sizeof(*room));
	rng_init(&r, seed);
	for (size_t i = 0; i < BOOTSTRAP_RESAMPLES; i++) {
		double g = resampled_gap(base, cand, n, bound, m, &r, room);

		stat[i] = isfinite(g) ? g : 0;
	}
	percentiles(stat, out);
	out->mid = gap_pct(b, sample_median(cand, n), l);
	for (size_t i = 0; i < n; i++)
		room[i] = 100 * (base[i] - cand[i]) / (b - l);
	median_interval(room, n, seed, &each);
	widen(out, each.lo, each.hi);
	free(room);
	free(stat);
	return 0;
}
