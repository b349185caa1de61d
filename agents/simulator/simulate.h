/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One arm of a comparison in the simulator: a load, a policy, several seeds. */
#ifndef SCHEDKIT_AGENTS_SIMULATOR_SIMULATE_H
#define SCHEDKIT_AGENTS_SIMULATOR_SIMULATE_H

#include "sim/sim.h"

/* The machine that a profile was made on; 4 CPUs without one (NULL). */
void simulate_machine(const struct json *profile, struct sim_machine *m);

/* What things cost where the load was recorded, else the defaults. */
void simulate_costs(const struct load *l, struct sim_costs *c);

struct simulated {
	/* As sim_result_metrics(), each value the median over the seeds. */
	struct json *metrics;
	/* Of the first seed, findings of all seeds joined. */
	struct sim_result result;
	uint64_t events; /* over all seeds */
	size_t runs;
};

/*
 * Runs seeds o->seed, o->seed + 1, …; stops at the first that is not done.
 * 0 also when the policy was ejected: see result.outcome.
 */
int simulate(const struct sim_opts *o, struct sim_policy *policy,
	     const struct load *load, size_t seeds, struct simulated *out);
void simulated_release(struct simulated *s);

/*
 * A policy may be unfair to its workload, or let it wait, on purpose: whether
 * that pays is measured.  What else is found is a defect wherever it happens.
 */
bool simulate_is_defect(const struct sim_finding *f);
bool simulate_has_defect(const struct sim_result *r);

/*
 * How much better cand is than base in their common metric `name`: above 1 is
 * better.  0: one of them lacks it.
 */
double simulate_ratio(const struct json *base, const struct json *cand,
		      const char *name);

/* Both arms beside each other: [{"name","unit","better","baseline",
 * "candidate","ratio"}]. */
struct json *simulate_compare(const struct json *base, const struct json *cand);

#endif
