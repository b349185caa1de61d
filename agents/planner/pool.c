/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The points that a plan's search begins with. */
#include <stdio.h>
#include <stdlib.h>

#include "agents/planner/state.h"
#include "base/mem.h"

#define MAX_TRIES 50 /* for each point wanted */

static bool may(const struct planner_opts *o, enum source source)
{
	return !o->sources || o->sources & 1u << source;
}

static bool is_there(const struct proposal *p, size_t n,
		     const struct policy_params *params)
{
	for (size_t i = 0; i < n; i++)
		if (memory_same(&p[i].params, params))
			return true;
	return false;
}

/* Behind the n that are there, what the rules say; what a neighbour has tried
 * already is the neighbour's. */
static size_t add_rules(const struct features *f, struct proposal *p, size_t n,
			size_t max)
{
	struct proposal *rules = mem_zalloc(max, sizeof(*rules));
	size_t found = rules_propose(f, rules, max);

	for (size_t i = 0; i < found && n < max; i++)
		if (!is_there(p, n, &rules[i].params))
			p[n++] = rules[i];
	free(rules);
	return n;
}

static size_t ask(const struct features *f, const struct optimiser *optimiser,
		  struct rng *rng, struct proposal *p, size_t n, size_t max)
{
	for (size_t tries = 0; n < max && tries < MAX_TRIES * max; tries++) {
		struct proposal *next = &p[n];

		*next = (struct proposal){.title = "an optimiser's point",
					  .source = SOURCE_OPTIMISER};
		snprintf(next->why, sizeof(next->why),
			 "likelier among what did well on this workload and "
			 "its like than among the rest");
		optimiser_ask(optimiser, rng, &next->params);
		if (!is_there(p, n, &next->params) &&
		    (next->params.classify != CLASSIFY_IDENTITY ||
		     f->identity_count > 0))
			n++;
	}
	return n;
}

static size_t add_optimiser(const struct choice *c, struct rng *rng,
			    const struct optimiser *optimiser,
			    struct proposal *p, size_t n, size_t max)
{
	size_t half = n + (max - n) / 2;

	/* Without any experience it has nothing to say but chance. */
	if (optimiser_count(optimiser))
		n = ask(&c->f, optimiser, rng, p, n, half);
	n = rules_vary(&c->f, rng, p, n, max);
	return ask(&c->f, optimiser, rng, p, n, max);
}

static bool is_first(const struct proposal *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (p[k].source == p[i].source)
			return false;
	return p[i].source != SOURCE_OPTIMISER;
}

size_t pool_fill(const struct choice *c, const struct planner_opts *o,
		 struct rng *rng, const struct optimiser *optimiser,
		 struct search_point *v, size_t max)
{
	struct proposal *p = mem_zalloc(max + 1, sizeof(*p));
	size_t n = 0;

	if (may(o, SOURCE_NEIGHBOUR))
		n = memory_propose(&c->memory, &c->f, p, max);
	if (may(o, SOURCE_RULE))
		n = add_rules(&c->f, p, n, max);
	if (may(o, SOURCE_OPTIMISER))
		n = add_optimiser(c, rng, optimiser, p, n, max);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct search_point){.p = p[i], .kept = is_first(p, i)};
	free(p);
	return n;
}
