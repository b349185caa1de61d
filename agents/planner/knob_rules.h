/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a profile to policies of the form "knobs": what the kernel's own
 * scheduler can be told, for kernels that take no other.
 *
 * Nothing is given a priority above what it has, which would need privilege:
 * what matters less is moved out of the way of what matters more.
 */
#ifndef SCHEDKIT_AGENTS_PLANNER_KNOB_RULES_H
#define SCHEDKIT_AGENTS_PLANNER_KNOB_RULES_H

#include "agents/planner/rules.h"
#include "base/clock.h"

/*
 * Fills out with at most max proposals, the most promising first: what the
 * rules say, then variants of it found with rng.  No two are the same.  Their
 * `knobs` are the caller's to free.  Returns how many.
 */
size_t knob_rules_propose(const struct json *profile, struct rng *rng,
			  struct proposal *out, size_t max);

/* "uses" of a body with the rules of a proposal. */
struct json *knob_rules_uses(const struct json *rules);

#endif
