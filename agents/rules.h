/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the features of a workload to policies worth measuring: rules first,
 * then a seeded search around them.
 */
#ifndef SCHEDKIT_AGENTS_RULES_H
#define SCHEDKIT_AGENTS_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/features.h"
#include "base/clock.h"
#include "policy/policy.h"

#define RULES_MAX_WHY 400

struct proposal {
	const char *title;
	const char *of; /* a neighbour: title of the rule it stems from */
	char why[RULES_MAX_WHY];
	struct policy_params params;
};

/*
 * Fills out with at most max proposals, the most promising first: what the
 * rules say, then neighbours of these found with seed.  No two have the same
 * parameters.  Returns how many.
 */
size_t rules_propose(const struct features *f, uint64_t seed,
		     struct proposal *out, size_t max);

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
