/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats/sequential.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/sample.h"

#define FIRST_SHARE 0.65 /* of the error: 1/32 of 5 % and a little */
#define COUNTED	    14	 /* pairs whose signs are all counted out */
#define DRAWN	    16384
#define DRAW_SEED   1

const char *look_name(enum look l)
{
	static const char *const names[] = {"on", "decided", "futile", "full"};

	return names[l];
}

/* ---- the signed-rank test over all looks ---- */

/* Ways the signs may fall: a row of bits each, 1 for better. */
struct signs {
	uint64_t *row;
	bool *crossed;
	size_t n;
};

static void signs_init(struct signs *s, size_t pairs)
{
	struct rng r;

	s->n = pairs <= COUNTED ? (size_t)1 << pairs : DRAWN;
	s->row = mem_zalloc(s->n, sizeof(*s->row));
	s->crossed = mem_zalloc(s->n, sizeof(*s->crossed));
	rng_init(&r, DRAW_SEED);
	for (size_t i = 0; i < s->n; i++)
		s->row[i] = pairs <= COUNTED ? i : rng_next(&r);
}

static void signs_release(struct signs *s)
{
	free(s->row);
	free(s->crossed);
}

/* Twice the ranks of the sizes, so that ties have whole ones. */
static void rank_sizes(const double *logs, size_t n, unsigned *rank)
{
	for (size_t i = 0; i < n; i++) {
		rank[i] = 1;
		for (size_t k = 0; k < n; k++)
			rank[i] += fabs(logs[k]) < fabs(logs[i])    ? 2
				   : fabs(logs[k]) == fabs(logs[i]) ? 1
								    : 0;
	}
}

static unsigned rank_sum(uint64_t signs, const unsigned *rank, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += signs >> i & 1 ? rank[i] : 0;
	return sum;
}

/* How much of the error may be spent by the look after n pairs. */
static double spent_by(const struct sequential_plan *p, size_t n)
{
	double part;

	if (n >= p->most)
		return p->error;
	part = (double)(n - SEQUENTIAL_FIRST) /
	       (double)(p->most - SEQUENTIAL_FIRST);
	return p->error * (FIRST_SHARE + (1 - FIRST_SHARE) * part);
}

/* The smallest sum that may still be taken for better. */
static unsigned boundary(const struct signs *s, const unsigned *sum,
			 unsigned top, double may)
{
	size_t *count = mem_zalloc(top + 1, sizeof(*count)), out = 0;
	unsigned least = top + 1;

	for (size_t i = 0; i < s->n; i++) {
		if (s->crossed[i])
			out++;
		else
			count[sum[i]]++;
	}
	while (least > 0 && (double)(out + count[least - 1]) <=
				    may * (double)s->n * (1 + 1e-12))
		out += count[--least];
	free(count);
	return least;
}

/* One look: which of the ways are over, and whether the one seen is. */
static bool look_once(const struct sequential_plan *p, const double *logs,
		      size_t n, uint64_t seen, struct signs *s, unsigned *sum)
{
	unsigned rank[SEQUENTIAL_MOST], least;

	rank_sizes(logs, n, rank);
	for (size_t i = 0; i < s->n; i++)
		sum[i] = rank_sum(s->row[i], rank, n);
	least = boundary(s, sum, (unsigned)(n * (n + 1)), spent_by(p, n));
	for (size_t i = 0; i < s->n; i++)
		s->crossed[i] |= sum[i] >= least;
	return rank_sum(seen, rank, n) >= least;
}

bool sequential_crossed(const struct sequential_plan *p, const double *logs,
			size_t n)
{
	bool crossed = false;
	uint64_t seen = 0;
	struct signs s;
	unsigned *sum;

	if (n < SEQUENTIAL_FIRST)
		return false;
	signs_init(&s, n);
	sum = mem_zalloc(s.n, sizeof(*sum));
	/* A pair without a difference speaks against. */
	for (size_t i = 0; i < n; i++)
		seen |= (uint64_t)(logs[i] > 0) << i;
	for (size_t k = SEQUENTIAL_FIRST; k <= n && !crossed; k++)
		crossed = look_once(p, logs, k, seen, &s, sum);
	free(sum);
	signs_release(&s);
	return crossed;
}

/* ---- the largest of many ---- */

/* The sum of n logarithms with these signs. */
static double signed_sum(uint64_t signs, const double *logs, size_t n)
{
	double x = 0;

	for (size_t k = 0; k < n; k++)
		x += signs >> k & 1 ? logs[k] : -logs[k];
	return x;
}

/* Of one row, under each way the signs may fall.  Where all ways are counted
 * out each is one sign away from an earlier one. */
static void signed_sums(const struct signs *s, const double *logs, size_t n,
			double *x)
{
	uint64_t mask = UINT64_MAX >> (64 - n); /* n: 1 to 64 */

	for (size_t i = 0; i < s->n; i++) {
		uint64_t way = s->row[i] & mask;

		if (s->row[i] != i || !way)
			x[i] = signed_sum(way, logs, n);
		else if (way != i)
			x[i] = x[way];
		else
			x[i] = x[i & (i - 1)] + 2 * logs[__builtin_ctzll(i)];
	}
}

/* Without the mean of the row, and as wide as if it were not taken from it. */
static void residuals(const double *logs, size_t n, double *out)
{
	double mean = sample_mean(logs, n);
	double wide = sqrt((double)n / (double)(n - 1));

	for (size_t k = 0; k < n; k++)
		out[k] = wide * (logs[k] - mean);
}

static void largest_sums(const struct signs *s, const double *logs, size_t rows,
			 size_t stride, size_t n, double *sum)
{
	double *x = mem_zalloc(s->n, sizeof(*x)), rest[SEQUENTIAL_MOST];

	for (size_t i = 0; i < s->n; i++)
		sum[i] = -INFINITY;
	for (size_t r = 0; r < rows; r++) {
		residuals(logs + r * stride, n, rest);
		signed_sums(s, rest, n, x);
		for (size_t i = 0; i < s->n; i++)
			sum[i] = fmax(sum[i], x[i]);
	}
	free(x);
}

/* What is as large only by the rounding of its sum counts, too. */
static double not_more(double x)
{
	return x - 1e-9 * fabs(x);
}

/* The ways that may still be taken for better cross; true: so do all that are
 * as large as seen. */
static bool cross_largest(struct signs *s, const double *sum, double seen,
			  double may)
{
	double *left = mem_zalloc(s->n + 1, sizeof(*left)), least = INFINITY;
	size_t out = 0, n = 0, k;

	for (size_t i = 0; i < s->n; i++) {
		if (s->crossed[i])
			out++;
		else
			left[n++] = sum[i];
	}
	sample_sort(left, n);
	for (k = n; k > 0; k--) {
		size_t same = k;

		while (same > 1 && left[same - 2] >= not_more(left[k - 1]))
			same--;
		if ((double)(out + n - same + 1) >
		    may * (double)s->n * (1 + 1e-12))
			break;
		least = not_more(left[same - 1]);
		k = same;
	}
	free(left);
	for (size_t i = 0; i < s->n; i++)
		s->crossed[i] |= sum[i] >= least;
	return seen >= least;
}

bool sequential_crossed_max(const struct sequential_plan *p, const double *logs,
			    size_t rows, size_t stride, size_t n)
{
	bool crossed = false;
	struct signs s;
	double *sum;

	if (n < SEQUENTIAL_FIRST || !rows)
		return false;
	signs_init(&s, n);
	sum = mem_zalloc(s.n, sizeof(*sum));
	for (size_t k = SEQUENTIAL_FIRST; k <= n && !crossed; k++) {
		double seen = -INFINITY;

		for (size_t r = 0; r < rows; r++)
			seen = fmax(seen,
				    (double)k *
					    sample_mean(logs + r * stride, k));
		largest_sums(&s, logs, rows, stride, k, sum);
		crossed = cross_largest(&s, sum, seen, spent_by(p, k));
	}
	free(sum);
	signs_release(&s);
	return crossed;
}

/* ---- futility ---- */

/* Student's t, 80 %. */
static double student80(size_t df)
{
	static const double t[] = {1.376, 1.061, 0.978, 0.941, 0.920,
				   0.906, 0.896, 0.889, 0.883, 0.879};

	return df <= ARRAY_LEN(t) ? t[df - 1] : 0.8416 + 0.36 / (double)df;
}

double sequential_optimum(const struct sequential_plan *p, const double *logs,
			  size_t n)
{
	/* The kinder of the two, should a run have gone astray. */
	double mid = fmax(sample_mean(logs, n), sample_median(logs, n));
	double rest = 1 / (double)n - 1 / (double)p->most;

	return mid +
	       student80(n - 1) * sample_sd(logs, n) * sqrt(fmax(rest, 0));
}

/* What the mean of all pairs has to reach, about: the least effect, and to
 * lie clear of nothing at all. */
static double needed(const struct sequential_plan *p, const double *logs,
		     size_t n)
{
	double z = 1.645;

	return fmax(p->least, z * sample_sd(logs, n) / sqrt((double)p->most));
}

/* Even if all pairs to come were better than any so far. */
static bool out_of_reach(const struct sequential_plan *p, const double *logs,
			 size_t n)
{
	double all[SEQUENTIAL_MOST], top = 1;

	memcpy(all, logs, n * sizeof(*all));
	for (size_t i = 0; i < n; i++)
		top = fmax(top, fabs(logs[i]));
	for (size_t i = n; i < p->most; i++)
		all[i] = top + (double)i;
	return !sequential_crossed(p, all, p->most) ||
	       sample_median(all, p->most) < p->least;
}

static bool is_futile(const struct sequential_plan *p, const double *logs,
		      size_t n)
{
	if (n < 2)
		return false;
	return sequential_optimum(p, logs, n) < needed(p, logs, n) ||
	       (p->most <= COUNTED && out_of_reach(p, logs, n));
}

enum look sequential_look(const struct sequential_plan *p, const double *logs,
			  size_t n)
{
	if (sequential_crossed(p, logs, n) &&
	    sample_median(logs, n) >= p->least)
		return LOOK_DECIDED;
	if (n >= p->most)
		return LOOK_FULL;
	return is_futile(p, logs, n) ? LOOK_FUTILE : LOOK_ON;
}
