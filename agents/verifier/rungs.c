/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at all policies, to spend the pairs on the best. */
#include <stdlib.h>

#include "agents/verifier/rounds.h"
#include "base/mem.h"

/* A guard's median is beyond its bound, however uncertain. */
static bool guards_suffer(const struct verifier *v, const struct group *g,
			  const struct pairs *p)
{
	for (size_t m = 1; m < g->w.metric_count; m++) {
		struct evidence_rule rule = verdict_rule(v, g, m);

		if (rounds_ratio(g, p, m) < evidence_guard_floor(&rule))
			return true;
	}
	return false;
}

static bool ranks_before(const struct verifier *v, const struct group *g,
			 const struct candidate *a, const struct candidate *b)
{
	bool sa = guards_suffer(v, g, &a->screen);
	bool sb = guards_suffer(v, g, &b->screen);

	if (sa != sb)
		return sb;
	return rounds_ratio(g, &a->screen, 0) > rounds_ratio(g, &b->screen, 0);
}

static bool contends(const struct candidate *c)
{
	return candidate_alive(c) && !c->screened_out;
}

/* From the first on; those before it stay. */
static void keep_best(struct verifier *v, struct group *g, size_t first,
		      long keep)
{
	bool *out = mem_zalloc(g->n, sizeof(*out));

	for (size_t i = first; i < g->n; i++) {
		long before = 0;

		if (!contends(g->c[i]))
			continue;
		for (size_t k = first; k < g->n; k++) {
			if (k == i || !contends(g->c[k]))
				continue;
			before += ranks_before(v, g, g->c[k], g->c[i]) ||
				  (k < i &&
				   !ranks_before(v, g, g->c[i], g->c[k]));
		}
		out[i] = before >= keep;
	}
	for (size_t i = first; i < g->n; i++)
		g->c[i]->screened_out |= out[i];
	free(out);
}

void rungs_keep_finalists(struct verifier *v, struct group *g)
{
	keep_best(v, g, 0, v->o->finalists);
}

/* Some rounds of all that are in play. */
static bool rung(struct verifier *v, struct group *g, struct round *r,
		 long rounds)
{
	for (long i = 0; i < rounds; i++) {
		if (!round_arm_all(r, g))
			return true;
		if (!round_go(v, g, r, (size_t)i))
			return false;
		round_keep(v, g, r, SCREENING, (size_t)i + 1, (size_t)rounds);
	}
	return true;
}

/*
 * One look at each.  Also warms up: without screening each arm still runs once
 * for nothing.
 */
bool rungs_screen(struct verifier *v, struct group *g, struct round *r)
{
	bool choose =
		v->o->screen > 0 && (long)round_arm_all(r, g) > v->o->finalists;

	if (!rung(v, g, r, choose ? v->o->screen : 1))
		return false;
	if (choose)
		rungs_keep_finalists(v, g);
	return true;
}

/*
 * Half of them; but a rung for the sake of one policy costs more than that one
 * would among the finalists.
 */
static long to_keep(long living, long finalists)
{
	return living / 2 <= finalists + 1 ? finalists : (living + 1) / 2;
}

/* A smaller command's figures are not those of the whole one. */
static void forget_short(struct group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		if (!contends(g->c[i]))
			continue;
		pairs_release(&g->c[i]->screen);
		g->c[i]->shortened = false;
	}
}

static void use_short(struct group *g, bool yes)
{
	g->use_short = yes;
	g->usual_n = 0;
	for (size_t i = 0; yes && i < g->n; i++)
		g->c[i]->shortened = contends(g->c[i]);
}

/* What the plan promises most of stays whatever it did: experience speaks for
 * it, and against it only a look or two. */
static void halve(struct verifier *v, struct group *g, long keep)
{
	size_t first = 0;

	while (first < g->n && !contends(g->c[first]))
		first++;
	keep_best(v, g, first + 1, keep - 1);
}

bool rungs_halve(struct verifier *v, struct group *g, struct round *r)
{
	long finalists = v->o->finalists, living, rounds = 1;
	bool first = true;

	g->cut = CUT_RUNGS;
	while ((living = (long)round_arm_all(r, g)) > finalists) {
		use_short(g, first && g->w.shorter.len);
		run_progress(v, "a rung of %ld policies, %ld run%s each",
			     living, rounds, rounds == 1 ? "" : "s");
		if (!rung(v, g, r, rounds))
			return false;
		halve(v, g, to_keep(living, finalists));
		if (g->use_short) {
			use_short(g, false);
			forget_short(g);
		}
		first = false;
		rounds *= 2;
	}
	return true;
}
