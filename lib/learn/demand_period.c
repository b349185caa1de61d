/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "learn/demand.h"

#define ONE_IN	100.0 /* false lags of a white noise, at most */
#define FINE	0.05  /* steps between periods that are tried */
#define TRIED	21
#define AS_GOOD 0.02 /* of strength */
#define HALF	0.5
#define CLEARLY 0.1 /* of strength, that another period has to have more */
/* Likewise of a longer one, which a spoilt cycle is less of. */
#define MUCH	    0.25
#define HIGH_ENOUGH 0.5
#define LONGER	    1.5
#define CANDIDATES  6

unsigned demand_slots(const struct demand_period *p)
{
	return (unsigned)lround(p->steps);
}

unsigned demand_slot(const struct demand_period *p, uint64_t i)
{
	double turn = (double)i / p->steps;
	unsigned m = demand_slots(p);
	unsigned slot = (unsigned)((turn - floor(turn)) * m);

	return slot < m ? slot : m - 1;
}

/* ---- the autocorrelation ---------------------------------------------- */

/* Without its least-squares line; what is missing stays so. */
static void detrend(const double *x, size_t n, double *out)
{
	double st = 0, sx = 0, stt = 0, stx = 0, count = 0, slope, mean;

	for (size_t i = 0; i < n; i++) {
		double t = (double)i;

		if (isnan(x[i]))
			continue;
		count++;
		st += t;
		sx += x[i];
		stt += t * t;
		stx += t * x[i];
	}
	stt -= count ? st * st / count : 0;
	slope = stt > 0 ? (stx - st * sx / count) / stt : 0;
	mean = count ? (sx - slope * st) / count : 0;
	for (size_t i = 0; i < n; i++)
		out[i] = x[i] - mean - slope * (double)i;
}

/* At one lag, of the pairs that are known; *pairs is how many. */
static double correlation(const double *x, size_t n, size_t lag, double *pairs)
{
	double xy = 0, xx = 0, yy = 0;

	*pairs = 0;
	for (size_t i = lag; i < n; i++) {
		double a = x[i - lag], b = x[i];

		if (isnan(a) || isnan(b))
			continue;
		xy += a * b;
		xx += a * a;
		yy += b * b;
		(*pairs)++;
	}
	return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

struct lags {
	double r[DEMAND_PERIOD_MAX + 2], sure[DEMAND_PERIOD_MAX + 2];
	size_t count; /* lags 1 to this, and one more to compare with */
};

static void correlate(const double *x, size_t n, struct lags *out)
{
	double *flat = mem_zalloc(n, sizeof(*flat)), pairs;

	out->count = n / DEMAND_CYCLES;
	if (out->count > DEMAND_PERIOD_MAX)
		out->count = DEMAND_PERIOD_MAX;
	detrend(x, n, flat);
	for (size_t k = 1; k <= out->count + 1; k++) {
		out->r[k] = correlation(flat, n, k, &pairs);
		out->sure[k] =
			pairs > 0 ? sqrt(2 * log((double)out->count * ONE_IN) /
					 pairs)
				  : INFINITY;
	}
	free(flat);
}

static bool is_peak(const struct lags *l, size_t k)
{
	return l->r[k] > l->sure[k] && l->r[k] >= l->r[k - 1] &&
	       l->r[k] >= l->r[k + 1];
}

/* The shortest lags that are half as high as the highest one: a wave comes
 * back after two of its periods as well. */
static size_t candidates(const struct lags *l, size_t out[static CANDIDATES])
{
	size_t from = 1, n = 0;
	double highest = 0;

	while (from < l->count && l->r[from + 1] < l->r[from])
		from++;
	if (from < DEMAND_PERIOD_MIN)
		from = DEMAND_PERIOD_MIN;
	for (size_t k = from; k <= l->count; k++)
		if (is_peak(l, k))
			highest = fmax(highest, l->r[k]);
	for (size_t k = from; k <= l->count && n < CANDIDATES; k++)
		if (is_peak(l, k) && l->r[k] >= HIGH_ENOUGH * highest)
			out[n++] = k;
	return n;
}

/* ---- does it foretell? ------------------------------------------------ */

struct fold {
	double sum[DEMAND_PERIOD_MAX + 1], count[DEMAND_PERIOD_MAX + 1];
	double mean[DEMAND_FOLDS], known[DEMAND_FOLDS];
	double left[DEMAND_FOLDS], all[DEMAND_FOLDS]; /* of the variance */
};

/* Each cycle foretold by the mean of the others; a new one has to foretell the
 * last cycle, too: what was so once is over when that is not. */
static double strength(const double *x, size_t n, const struct demand_period *p,
		       bool is_new)
{
	size_t cycles = (size_t)((double)n / p->steps), from, k;
	struct fold f = {.count = {0}};
	double left = 0, all = 0;

	if (cycles < DEMAND_CYCLES)
		return 0;
	cycles = cycles > DEMAND_FOLDS ? DEMAND_FOLDS : cycles;
	from = n - (size_t)floor((double)cycles * p->steps);
	for (size_t i = from; i < n; i++) {
		k = (size_t)((double)(i - from) / p->steps);
		if (isnan(x[i]) || k >= cycles)
			continue;
		f.mean[k] += x[i];
		f.known[k]++;
	}
	for (k = 0; k < cycles; k++)
		f.mean[k] /= f.known[k] ? f.known[k] : 1;
	for (size_t i = from; i < n; i++) {
		unsigned s = demand_slot(p, i);

		k = (size_t)((double)(i - from) / p->steps);
		if (isnan(x[i]) || k >= cycles)
			continue;
		f.sum[s] += x[i] - f.mean[k];
		f.count[s]++;
	}
	for (size_t i = from; i < n; i++) {
		unsigned s = demand_slot(p, i);
		double v, others;

		k = (size_t)((double)(i - from) / p->steps);
		if (isnan(x[i]) || k >= cycles || f.count[s] < 2)
			continue;
		v = x[i] - f.mean[k];
		others = (f.sum[s] - v) / (f.count[s] - 1);
		f.left[k] += (v - others) * (v - others);
		f.all[k] += v * v;
	}
	for (k = 0; k < cycles; k++) {
		left += f.left[k];
		all += f.all[k];
	}
	if (is_new && f.left[cycles - 1] >
			      (1 - HALF * DEMAND_STRENGTH) * f.all[cycles - 1])
		return 0;
	return all > 0 ? 1 - left / all : 0;
}

/*
 * The best near that many steps: in the middle of those that are as good, of
 * which there are some, because a few cycles shift by less than a step.
 */
static struct demand_period refine(const double *x, size_t n, double about,
				   bool is_new)
{
	struct demand_period best = {0}, p[TRIED];
	double sum = 0, count = 0;

	for (int i = 0; i < TRIED; i++) {
		p[i] = (struct demand_period){.steps = about - HALF + FINE * i};
		if (p[i].steps < DEMAND_PERIOD_MIN ||
		    demand_slots(&p[i]) > DEMAND_PERIOD_MAX)
			continue;
		p[i].strength = strength(x, n, &p[i], is_new);
		if (p[i].strength > best.strength)
			best = p[i];
	}
	for (int i = 0; i < TRIED && best.strength > 0; i++)
		if (p[i].strength > best.strength - AS_GOOD) {
			sum += p[i].steps;
			count++;
		}
	best.steps = count ? sum / count : 0;
	return best;
}

struct demand_period demand_find_period(const double *x, size_t n,
					const struct demand_period *known)
{
	size_t skip = n > DEMAND_KEPT ? n - DEMAND_KEPT : 0;
	struct demand_period best = {0}, p;
	size_t at[CANDIDATES], count;
	struct lags l;

	x += skip;
	n -= skip;
	if (n < DEMAND_CYCLES * DEMAND_PERIOD_MIN)
		return best;
	correlate(x, n, &l);
	count = candidates(&l, at);
	for (size_t i = 0; i < count; i++) {
		p = refine(x, n, (double)at[i], true);
		/* The shorter one, where two are about as strong. */
		if (p.strength > best.strength + (best.steps > 0 ? CLEARLY : 0))
			best = p;
	}
	if (best.strength < DEMAND_STRENGTH)
		best = (struct demand_period){0};
	if (known && known->steps > 0) {
		/* A cycle may be spoilt; but it is no multiple of another. */
		p = refine(x, n, known->steps, false);
		if (p.strength >= DEMAND_LEAST &&
		    p.strength + (best.steps > LONGER * p.steps ? MUCH
								: CLEARLY) >=
			    best.strength &&
		    (best.steps <= 0 || p.steps < LONGER * best.steps))
			best = p;
	}
	return best;
}
