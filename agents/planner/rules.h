/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the features of a workload to policies worth measuring: rules first,
 * then a seeded search around them.
 */
#ifndef SCHEDKIT_AGENTS_PLANNER_RULES_H
#define SCHEDKIT_AGENTS_PLANNER_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/observer/features.h"
#include "base/clock.h"
#include "policy/policy.h"

#define RULES_MAX_WHY 400

/* Who thought of it; the names are those of a plan's origins. */
enum source {
	SOURCE_RULE,
	SOURCE_NEIGHBOUR, /* a lesson of a workload like this one */
	SOURCE_OPTIMISER,
	SOURCE_MODEL,
	SOURCE_PERSON,
	SOURCE_COUNT,
};
extern const char *const source_names[SOURCE_COUNT];

struct proposal {
	const char *title;
	const char *of; /* a variant: title of what it stems from */
	char why[RULES_MAX_WHY];
	struct policy_params params;
	/* Rules of the form "knobs" instead of params; NULL: params. */
	struct json *knobs;
	enum source source;
	const char *from; /* id of the lesson; NULL */
};

/*
 * Fills out with at most max proposals, the most promising first: what the
 * rules say.  No two have the same parameters.  Returns how many.
 */
size_t rules_propose(const struct features *f, struct proposal *out,
		     size_t max);

/* Adds variants of the n > 0 that are there, found with rng, until there are
 * max or no more can be found; returns how many there are then. */
size_t rules_vary(const struct features *f, struct rng *rng,
		  struct proposal *out, size_t n, size_t max);

/*
 * One step away from parent.  False: where it led to is no policy for this
 * workload; try again.
 */
bool rules_step(const struct features *f, struct rng *rng,
		const struct proposal *parent, struct proposal *next);

/* One of the n has these parameters. */
bool rules_known(const struct proposal *out, size_t n,
		 const struct policy_params *p);

#endif
