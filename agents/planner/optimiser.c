/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/planner/optimiser.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define GOOD_SHARE 0.2	/* of all weight counts as good */
#define UNIFORM	   0.5	/* weight of "anywhere" beside the points */
#define ASIDE	   0.12 /* a choice differs from the kernel's centre */
#define WIDTH	   0.12 /* of a number's kernel, in shares of its range */
#define CANDIDATES 48
#define DIGITS	   2 /* numbers that are asked for have so many */
#define MAX_PARAMS 64
#define MAX_TRIES  200

struct told {
	struct policy_params p;
	double at[MAX_PARAMS]; /* choices: the value; numbers: 0 … 1 */
	double value, weight;
};

struct optimiser {
	struct told *v;
	size_t n;
	size_t good; /* v[0..good) is; set by tell */
};

/* ---- the space -------------------------------------------------------- */

static uint32_t *field(struct policy_params *p, size_t i)
{
	return (uint32_t *)((char *)p + policy_param_table[i].offset);
}

static bool is_fixed(size_t i)
{
	const struct param *row = &policy_param_table[i];

	return !strcmp(row->axis, "safety") || policy_param_span(row) == 1;
}

static double low_of(const struct param *row)
{
	return log1p(row->min);
}

static double range_of(const struct param *row)
{
	return log1p(row->max) - log1p(row->min);
}

static void place(struct told *t)
{
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *row = &policy_param_table[i];
		double x = *field(&t->p, i);

		t->at[i] = row->kind == PARAM_NUMBER
				   ? (log1p(x) - low_of(row)) / range_of(row)
				   : x;
	}
}

/* So that equal ideas get equal numbers. */
static uint32_t rounded(const struct param *row, double x)
{
	double unit = pow(10, floor(log10(fmax(x, 1))) + 1 - DIGITS);

	x = round(x / fmax(unit, 1)) * fmax(unit, 1);
	return (uint32_t)fmin(fmax(x, row->min), row->max);
}

static uint32_t number_at(const struct param *row, double at)
{
	return rounded(row, expm1(low_of(row) + at * range_of(row)));
}

static uint32_t any_value(const struct param *row, struct rng *rng)
{
	return row->kind == PARAM_NUMBER
		       ? number_at(row, rng_unit(rng))
		       : (uint32_t)rng_below(rng, policy_param_span(row));
}

/* What no value can say alone; false: such a point cannot be. */
static bool make_valid(struct policy_params *p)
{
	if (p->interactive_us > p->batch_us) {
		uint32_t x = p->interactive_us;

		p->interactive_us = p->batch_us;
		p->batch_us = x;
	}
	policy_params_normalise(p);
	return policy_params_check(p) == 0;
}

void optimiser_random(struct rng *rng, struct policy_params *out)
{
	do {
		policy_params_read(NULL, out);
		for (size_t i = 0; i < policy_param_count; i++)
			if (!is_fixed(i))
				*field(out, i) =
					any_value(&policy_param_table[i], rng);
	} while (!make_valid(out));
}

/* ---- tellings --------------------------------------------------------- */

struct optimiser *optimiser_new(void)
{
	return mem_zalloc(1, sizeof(struct optimiser));
}

void optimiser_free(struct optimiser *o)
{
	if (o)
		free(o->v);
	free(o);
}

size_t optimiser_count(const struct optimiser *o)
{
	return o->n;
}

/* Kept in order, so that what was told in another order is the same. */
static bool before(const struct told *a, const struct told *b)
{
	if (a->value != b->value)
		return a->value > b->value;
	if (a->weight != b->weight)
		return a->weight > b->weight;
	return memcmp(&a->p, &b->p, sizeof(a->p)) < 0;
}

static void divide(struct optimiser *o)
{
	double all = 0, sum = 0;

	for (size_t i = 0; i < o->n; i++)
		all += o->v[i].weight;
	o->good = 0;
	while (o->good < o->n && (!o->good || sum < GOOD_SHARE * all))
		sum += o->v[o->good++].weight;
}

void optimiser_tell(struct optimiser *o, const struct policy_params *p,
		    double value, double weight)
{
	struct told t = {.p = *p, .value = value, .weight = weight};
	size_t at = o->n;

	place(&t);
	o->v = mem_realloc(o->v, o->n + 1, sizeof(*o->v));
	for (; at && before(&t, &o->v[at - 1]); at--)
		o->v[at] = o->v[at - 1];
	o->v[at] = t;
	o->n++;
	divide(o);
}

/* ---- asking ----------------------------------------------------------- */

static double kernel(const struct told *centre, const struct told *x)
{
	double sum = 0;

	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *row = &policy_param_table[i];
		double d = x->at[i] - centre->at[i];

		if (is_fixed(i))
			continue;
		if (row->kind == PARAM_NUMBER)
			sum -= d * d / (2 * WIDTH * WIDTH) +
			       log(WIDTH * sqrt(2 * M_PI));
		else
			sum += log(
				d == 0 ? 1 - ASIDE
				       : ASIDE / (policy_param_span(row) - 1));
	}
	return sum;
}

/* Of a point that was drawn from anywhere. */
static double uniform(void)
{
	double sum = 0;

	for (size_t i = 0; i < policy_param_count; i++)
		if (!is_fixed(i) && policy_param_table[i].kind != PARAM_NUMBER)
			sum -= log(policy_param_span(&policy_param_table[i]));
	return sum;
}

/* log of the density of x by the points v[0..n) and "anywhere". */
static double density(const struct told *v, size_t n, const struct told *x)
{
	double most = uniform(), all = UNIFORM, sum;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, kernel(&v[i], x));
	sum = UNIFORM * exp(uniform() - most);
	for (size_t i = 0; i < n; i++) {
		sum += v[i].weight * exp(kernel(&v[i], x) - most);
		all += v[i].weight;
	}
	return most + log(sum / all);
}

/* Marsaglia's polar method. */
static double normal(struct rng *rng)
{
	double u, v, s;

	do {
		u = 2 * rng_unit(rng) - 1;
		v = 2 * rng_unit(rng) - 1;
		s = u * u + v * v;
	} while (s >= 1 || s == 0);
	return u * sqrt(-2 * log(s) / s);
}

static uint32_t near_value(const struct told *centre, size_t i, struct rng *rng)
{
	const struct param *row = &policy_param_table[i];
	double x;

	if (row->kind == PARAM_NUMBER) {
		x = centre->at[i] + WIDTH * normal(rng);
		return number_at(row, fmin(fmax(x, 0), 1));
	}
	if (rng_unit(rng) >= ASIDE)
		return (uint32_t)centre->at[i];
	x = (double)rng_below(rng, policy_param_span(row) - 1);
	return (uint32_t)(x >= centre->at[i] ? x + 1 : x);
}

/* One of the good, by weight; NULL: anywhere. */
static const struct told *draw_centre(const struct optimiser *o,
				      struct rng *rng)
{
	double all = UNIFORM, x;

	for (size_t i = 0; i < o->good; i++)
		all += o->v[i].weight;
	x = rng_unit(rng) * all;
	for (size_t i = 0; i < o->good; i++) {
		if (x < o->v[i].weight)
			return &o->v[i];
		x -= o->v[i].weight;
	}
	return NULL;
}

static bool draw(const struct optimiser *o, struct rng *rng, struct told *out)
{
	const struct told *centre = draw_centre(o, rng);

	if (!centre) {
		optimiser_random(rng, &out->p);
	} else {
		out->p = centre->p;
		for (size_t i = 0; i < policy_param_count; i++)
			if (!is_fixed(i))
				*field(&out->p, i) = near_value(centre, i, rng);
		if (!make_valid(&out->p))
			return false;
	}
	place(out);
	return true;
}

void optimiser_ask(const struct optimiser *o, struct rng *rng,
		   struct policy_params *out)
{
	double best = -INFINITY;
	struct told t;
	int found = 0;

	for (int tries = 0; o->n && found < CANDIDATES && tries < MAX_TRIES;
	     tries++) {
		double gain;

		if (!draw(o, rng, &t))
			continue;
		found++;
		gain = density(o->v, o->good, &t) -
		       density(o->v + o->good, o->n - o->good, &t);
		if (gain <= best)
			continue;
		best = gain;
		*out = t.p;
	}
	if (!found)
		optimiser_random(rng, out);
}
