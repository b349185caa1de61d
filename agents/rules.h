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
#include "policy/policy.h"

#define RULES_MAX_WHY 400

struct proposal {
	const char *title;
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

#endif
