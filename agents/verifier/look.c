/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the pairs of a finalist come to an end. */
#include <math.h>
#include <stdlib.h>

#include "agents/verifier/rounds.h"
#include "base/mem.h"
#include "stats/sequential.h"

#define ERROR 0.05 /* of all looks at one policy, before its confirmation */

static struct sequential_plan look_plan(const struct verifier *v)
{
	return (struct sequential_plan){
		.least = log1p(v->o->min_effect_pct / 100),
		.error = ERROR,
		.most = (size_t)v->o->pairs,
	};
}

/* Logarithms of the goal's ratios, the caller's. */
static double *goal_logs(const struct group *g, const struct pairs *p)
{
	double *x = mem_zalloc(p->n, sizeof(*x));

	for (size_t i = 0; i < p->n; i++)
		x[i] = log(evidence_ratio(g->w.metrics[0].higher_is_better,
					  p->base[i * p->metrics],
					  p->cand[i * p->metrics]));
	return x;
}

/* The interval has to agree, and no guard may have failed. */
static enum look look_at(const struct verifier *v, const struct group *g,
			 const struct candidate *c)
{
	struct sequential_plan p = look_plan(v);
	double *x = goal_logs(g, &c->main);
	enum look l = sequential_look(&p, x, c->main.n);
	struct evidence e;

	free(x);
	if (l == LOOK_FULL)
		return l;
	if (verdict_guard_failed(v, g, c))
		return LOOK_FUTILE;
	if (l != LOOK_DECIDED)
		return l;
	verdict_judge(v, g, &c->main, 0, &e);
	if (e.effect == EFFECT_BETTER)
		return l;
	return c->main.n < p.most ? LOOK_ON : LOOK_FULL;
}

/* Another is decided already, and this one will hardly be better. */
static bool is_outdone(const struct verifier *v, const struct group *g,
		       const struct candidate *c)
{
	struct sequential_plan p = look_plan(v);
	double *x = goal_logs(g, &c->main), best = 0, hope;

	for (size_t i = 0; i < g->n; i++)
		if (g->c[i]->ended == LOOK_DECIDED)
			best = fmax(best, rounds_ratio(g, &g->c[i]->main, 0));
	hope = c->main.n < 2 ? INFINITY : sequential_optimum(&p, x, c->main.n);
	free(x);
	return hope < log(best);
}

static bool is_open(const struct candidate *c)
{
	return rounds_in_play(c) && c->ended == LOOK_ON;
}

void looks_after_round(const struct verifier *v, struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (is_open(g->c[i]) && g->c[i]->main.n)
			g->c[i]->ended = look_at(v, g, g->c[i]);
	for (size_t i = 0; i < g->n; i++)
		if (is_open(g->c[i]) && is_outdone(v, g, g->c[i])) {
			g->c[i]->ended = LOOK_FUTILE;
			g->c[i]->outdone = true;
		}
}

bool looks_wanted(const struct verifier *v, const struct candidate *c)
{
	return is_open(c) && (long)c->main.n < v->o->pairs;
}
