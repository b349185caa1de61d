/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hostile loads and what a policy must not show under them: defects of any
 * kind, starvation, shares far below an equal part, idle CPUs beside waiting
 * tasks.  A point of the template may declare two of these: that it tells tasks
 * apart by more than their weight, which is not fair by design, and how long
 * it lets a task wait (starve_us).
 */
#ifndef SCHEDKIT_AGENTS_SIMULATOR_HOSTILE_H
#define SCHEDKIT_AGENTS_SIMULATOR_HOSTILE_H

#include "agents/simulator/simulate.h"

struct knobs; /* policy/knobs.h */

struct hostile {
	struct sim_policy *policy;
	const struct knobs *knobs; /* set on every load; NULL: none */
	uint64_t seed;
	const volatile sig_atomic_t *cancel;
	/* From the policy's body. */
	uint64_t starve_ns;
	bool by_design;
};

void hostile_init(struct hostile *h, struct sim_policy *policy,
		  const struct json *body, uint64_t seed,
		  const volatile sig_atomic_t *cancel);

/* One load by its name, on that many seeds. */
int hostile_run(const struct hostile *h, const char *name, size_t seeds,
		struct simulated *out);

/* This finding speaks against the policy. */
bool hostile_fails(const struct hostile *h, const struct sim_finding *f);

/* All loads, one seed each, and nothing speaks against the policy. */
bool hostile_survives(const struct hostile *h);

/* Without a callback for CPUs that come and go the kernel ends a policy and
 * asks for it anew: defined, and no fault. */
bool hostile_wants_restart(const struct sim_result *r);

#endif
