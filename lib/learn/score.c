/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/sample.h"

#define RESAMPLES  4000
#define RATIO_MOST 1e6

/* ---- one by one -------------------------------------------------------- */

static double whole_class(double units)
{
	return floor(units / FORECAST_ONE + 0.5);
}

double score_miss(enum forecast_target t, double said, double y)
{
	if (t == FORECAST_CLASS)
		return whole_class(said) != whole_class(y);
	return fabs(said - y) / FORECAST_ONE;
}

static double as_ns(double units)
{
	return exp2(units / FORECAST_ONE);
}

/* ---- ranks ------------------------------------------------------------- */

struct placed {
	double x;
	size_t at;
};

static int by_x(const void *a, const void *b)
{
	const struct placed *p = a, *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return (p->at > q->at) - (p->at < q->at);
}

static struct placed *in_order(const double *x, size_t n)
{
	struct placed *p = mem_zalloc(n, sizeof(*p));

	for (size_t i = 0; i < n; i++)
		p[i] = (struct placed){x[i], i};
	qsort(p, n, sizeof(*p), by_x);
	return p;
}

/* Equal ones share the mean of their ranks. */
static double *ranks(const double *x, size_t n)
{
	struct placed *p = in_order(x, n);
	double *r = mem_zalloc(n, sizeof(*r));
	size_t end;

	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && p[end].x == p[i].x;)
			end++;
		for (size_t k = i; k < end; k++)
			r[p[k].at] = (double)(i + end - 1) / 2;
	}
	free(p);
	return r;
}

static double correlation(const double *a, const double *b, size_t n)
{
	double ma = sample_mean(a, n), mb = sample_mean(b, n);
	double ab = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < n; i++) {
		ab += (a[i] - ma) * (b[i] - mb);
		aa += (a[i] - ma) * (a[i] - ma);
		bb += (b[i] - mb) * (b[i] - mb);
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static double rank_correlation(const double *a, const double *b, size_t n)
{
	double *ra = ranks(a, n), *rb = ranks(b, n);
	double c = correlation(ra, rb, n);

	free(ra);
	free(rb);
	return c;
}

/* ---- all --------------------------------------------------------------- */

static void calibrate(const double *said, const double *y, size_t n,
		      struct score *s)
{
	struct placed *p = in_order(said, n);
	unsigned filled = 0;

	for (size_t d = 0; d < SCORE_DECILES; d++) {
		size_t from = n * d / SCORE_DECILES;
		size_t to = n * (d + 1) / SCORE_DECILES;

		for (size_t i = from; i < to; i++) {
			s->foretold[d] += p[i].x / FORECAST_ONE;
			s->came[d] += y[p[i].at] / FORECAST_ONE;
		}
		if (to == from)
			continue;
		s->foretold[d] /= (double)(to - from);
		s->came[d] /= (double)(to - from);
		s->miscalibrated += fabs(s->foretold[d] - s->came[d]);
		filled++;
	}
	s->miscalibrated /= filled;
	free(p);
}

void score_of(enum forecast_target t, const double *said, const double *y,
	      size_t n, struct score *out)
{
	memset(out, 0, sizeof(*out));
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		out->error += score_miss(t, said[i], y[i]);
		if (t != FORECAST_CLASS)
			out->error_ns += fabs(as_ns(said[i]) - as_ns(y[i]));
	}
	out->error /= (double)n;
	out->error_ns /= (double)n;
	out->rank = rank_correlation(said, y, n);
	calibrate(said, y, n, out);
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : a > 0 ? RATIO_MOST : 1;
}

void score_ratio(const double *a, const double *b, size_t n, uint64_t seed,
		 struct interval *out)
{
	size_t blocks = n < SCORE_BLOCKS ? n : SCORE_BLOCKS;
	double sa[SCORE_BLOCKS] = {0}, sb[SCORE_BLOCKS] = {0};
	double *stat = mem_zalloc(RESAMPLES, sizeof(*stat));
	double all_a = 0, all_b = 0;
	struct rng r;

	for (size_t i = 0; i < n; i++) {
		sa[i * blocks / n] += a[i];
		sb[i * blocks / n] += b[i];
		all_a += a[i];
		all_b += b[i];
	}
	rng_init(&r, seed);
	for (size_t k = 0; k < RESAMPLES; k++) {
		double ra = 0, rb = 0;

		for (size_t i = 0; i < blocks; i++) {
			size_t j = rng_below(&r, blocks);

			ra += sa[j];
			rb += sb[j];
		}
		stat[k] = ratio(ra, rb);
	}
	sample_sort(stat, RESAMPLES);
	out->lo = sample_quantile(stat, RESAMPLES, 0.025);
	out->hi = sample_quantile(stat, RESAMPLES, 0.975);
	out->mid = ratio(all_a, all_b);
	free(stat);
}
