/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn/demand.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/sample.h"

#define PHI	   0.9
#define BETA	   0.1 /* of alpha */
#define REFIT	   16  /* samples from one fitting to the next */
#define MINUTE_S   60.0
#define MISSES_MIN 8
/* A period that has moved by less than that is the same one. */
#define SAME_PERIOD 0.05

static const double alphas[] = {0.02, 0.1, 0.3, 0.8};
static const double gammas[] = {0.05, 0.2, 0.5};

double demand_between(const struct demand_reading *was,
		      const struct demand_reading *now)
{
	double us = (now->at_s - was->at_s) * 1e6;

	if (!was->known || !now->known || us <= 0 ||
	    now->usage_us < was->usage_us || now->waited_us < was->waited_us)
		return NAN;
	return (double)(now->usage_us - was->usage_us) / us +
	       fmin((double)(now->waited_us - was->waited_us) / us, 1);
}

void demand_init(struct demand *d, double step_s, unsigned ahead,
		 double quantile)
{
	*d = (struct demand){.step_s = step_s,
			     .ahead = ahead,
			     .quantile = quantile,
			     .alpha = alphas[ARRAY_LEN(alphas) / 2],
			     .gamma = gammas[0]};
	for (size_t i = 0; i < ARRAY_LEN(d->told); i++)
		for (int g = 0; g < DEMAND_GUESSES; g++)
			d->told[i][g] = NAN;
}

static double sample(const struct demand *d, uint64_t i)
{
	return d->x[i % DEMAND_KEPT];
}

static uint64_t first_kept(const struct demand *d)
{
	return d->n > DEMAND_KEPT ? d->n - DEMAND_KEPT : 0;
}

/* Of what is fitted: a period is not told so well that what is long ago would
 * still be in phase.  But what was foretold has to be in it, too. */
static uint64_t first_fitted(const struct demand *d)
{
	double span = fmax(DEMAND_FOLDS * d->period.steps,
			   d->period.steps > 0 ? 2 * d->ahead : 0);
	uint64_t from = first_kept(d);

	return span > 0 && span < (double)(d->n - from) ? d->n - (uint64_t)span
							: from;
}

/* ---- the model -------------------------------------------------------- */

static double season(const struct demand *d, const struct demand_state *s,
		     uint64_t i)
{
	return d->period.steps > 0 ? s->season[demand_slot(&d->period, i)] : 0;
}

/* For sample i, h steps after the last that s has seen. */
static double foretell(const struct demand *d, const struct demand_state *s,
		       uint64_t i, unsigned h)
{
	double damped = PHI * (1 - pow(PHI, h)) / (1 - PHI);

	return fmax(s->level + damped * s->trend + season(d, s, i), 0);
}

static void see(const struct demand *d, struct demand_state *s, uint64_t i,
		double x)
{
	double e;

	if (!s->begun) {
		if (isnan(x))
			return;
		s->level = x - season(d, s, i);
		s->begun = true;
		return;
	}
	e = isnan(x) ? 0 : x - (s->level + PHI * s->trend + season(d, s, i));
	s->level += PHI * s->trend + d->alpha * e;
	s->trend = PHI * s->trend + BETA * d->alpha * e;
	if (d->period.steps > 0)
		s->season[demand_slot(&d->period, i)] += d->gamma * e;
}

/* ---- fitting ---------------------------------------------------------- */

/* The mean of each slot over what is remembered, without that of all. */
static void first_seasons(const struct demand *d, struct demand_state *s)
{
	double count[DEMAND_PERIOD_MAX + 1] = {0}, all = 0, known = 0;
	unsigned m = demand_slots(&d->period);

	for (uint64_t i = first_fitted(d); i < d->n; i++) {
		unsigned slot = demand_slot(&d->period, i);

		if (isnan(sample(d, i)))
			continue;
		s->season[slot] += sample(d, i);
		count[slot]++;
		all += sample(d, i);
		known++;
	}
	for (unsigned i = 0; i < m; i++)
		s->season[i] =
			count[i] ? s->season[i] / count[i] - all / known : 0;
}

/* The mean miss over what is remembered; *out is where it ends. */
static double rerun(const struct demand *d, const struct demand_state *from,
		    struct demand_state *out)
{
	double missed = 0, count = 0;

	*out = *from;
	for (uint64_t i = first_fitted(d); i < d->n; i++) {
		uint64_t then = i + d->ahead;

		see(d, out, i, sample(d, i));
		if (!out->begun || then >= d->n || isnan(sample(d, then)))
			continue;
		missed += fabs(sample(d, then) -
			       foretell(d, out, then, d->ahead));
		count++;
	}
	return count ? missed / count : INFINITY;
}

static void fit(struct demand *d)
{
	size_t seasonal = d->period.steps > 0 ? ARRAY_LEN(gammas) : 1;
	double least = INFINITY, alpha = d->alpha, gamma = d->gamma;
	struct demand_state from = {0}, end;

	if (d->period.steps > 0)
		first_seasons(d, &from);
	for (size_t a = 0; a < ARRAY_LEN(alphas); a++)
		for (size_t g = 0; g < seasonal; g++) {
			double missed;

			d->alpha = alphas[a];
			d->gamma = gammas[g];
			missed = rerun(d, &from, &end);
			if (missed >= least)
				continue;
			least = missed;
			alpha = alphas[a];
			gamma = gammas[g];
			d->now = end;
		}
	d->alpha = alpha;
	d->gamma = gamma;
}

/* Misses of another model say nothing of this one. */
static void forget_misses(struct demand *d)
{
	d->misses = 0;
	d->since = d->n;
	for (size_t i = 0; i < ARRAY_LEN(d->told); i++)
		for (int g = 0; g < DEMAND_GUESSES; g++)
			d->told[i][g] = NAN;
}

static void look_for_period(struct demand *d)
{
	uint64_t from = first_kept(d);
	size_t count = (size_t)(d->n - from);
	double *x = mem_zalloc(count, sizeof(*x));
	struct demand_period was = d->period;

	for (size_t i = 0; i < count; i++)
		x[i] = sample(d, from + i);
	d->period = demand_find_period(x, count, &was);
	free(x);
	if (fabs(was.steps - d->period.steps) >
	    SAME_PERIOD * fmax(was.steps, 1))
		forget_misses(d);
}

/* ---- as time goes on -------------------------------------------------- */

static double last_mean(const struct demand *d)
{
	uint64_t want = (uint64_t)fmax(MINUTE_S / d->step_s, 1);
	double sum = 0, count = 0;

	for (uint64_t i = d->n; i-- > first_kept(d) && d->n - i <= want;)
		if (!isnan(sample(d, i))) {
			sum += sample(d, i);
			count++;
		}
	return count ? sum / count : NAN;
}

static void judge(struct demand *d, double cpus)
{
	const double *told = d->told[d->n % ARRAY_LEN(d->told)];
	double *miss = d->miss[d->misses % DEMAND_MISSES];

	if (isnan(cpus) || isnan(told[DEMAND_MODEL]) ||
	    isnan(told[DEMAND_LAST]) || isnan(told[DEMAND_MEAN]))
		return;
	for (int g = 0; g < DEMAND_GUESSES; g++)
		miss[g] = cpus - told[g];
	d->misses++;
}

void demand_add(struct demand *d, double cpus)
{
	double *told;

	judge(d, cpus);
	d->x[d->n % DEMAND_KEPT] = cpus;
	see(d, &d->now, d->n, cpus);
	d->n++;
	if (d->n % REFIT == 0) {
		look_for_period(d);
		fit(d);
	}
	told = d->told[(d->n - 1 + d->ahead) % ARRAY_LEN(d->told)];
	told[DEMAND_MODEL] = demand_forecast(d, d->ahead);
	told[DEMAND_LAST] = cpus;
	told[DEMAND_MEAN] = last_mean(d);
}

double demand_forecast(const struct demand *d, unsigned steps)
{
	return d->now.begun && d->n
		       ? foretell(d, &d->now, d->n - 1 + steps, steps)
		       : NAN;
}

static double margin(const struct demand *d)
{
	size_t n =
		d->misses < DEMAND_MISSES ? (size_t)d->misses : DEMAND_MISSES;
	double x[DEMAND_MISSES];

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		x[i] = d->miss[i][DEMAND_MODEL];
	sample_sort(x, n);
	return fmax(sample_quantile(x, n, d->quantile), 0);
}

double demand_peak(const struct demand *d)
{
	double top = NAN;

	for (unsigned h = 1; h <= d->ahead; h++)
		top = fmax(top, demand_forecast(d, h));
	return top + margin(d);
}

size_t demand_errors(const struct demand *d, size_t n,
		     double out[static DEMAND_GUESSES])
{
	size_t there =
		d->misses < DEMAND_MISSES ? (size_t)d->misses : DEMAND_MISSES;

	n = n && n < there ? n : there;
	for (int g = 0; g < DEMAND_GUESSES; g++) {
		out[g] = 0;
		for (uint64_t i = d->misses - n; i < d->misses; i++)
			out[g] +=
				fabs(d->miss[i % DEMAND_MISSES][g]) / (double)n;
	}
	return n;
}

bool demand_is_better(const struct demand *d, size_t n)
{
	double e[DEMAND_GUESSES];
	size_t there = demand_errors(d, n, e);

	return there >= MISSES_MIN &&
	       (d->period.steps <= 0 || there >= demand_slots(&d->period) ||
		there == DEMAND_MISSES) &&
	       e[DEMAND_MODEL] <
		       DEMAND_BETTER * fmin(e[DEMAND_LAST], e[DEMAND_MEAN]);
}
