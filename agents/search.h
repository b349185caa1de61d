/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Search in the template's parameter space by the simulator: many points are
 * tried on the workload's model, the worse half dropped again and again, and
 * those that stay tried on more seeds (successive halving; Jamieson and
 * Talwalkar 2016).  Between the rounds steps away from the survivors join.
 */
#ifndef SCHEDKIT_AGENTS_SEARCH_H
#define SCHEDKIT_AGENTS_SEARCH_H

#include <signal.h>

#include "agents/features.h"
#include "agents/rules.h"
#include "doc/json.h"

struct search_opts {
	uint64_t seed;
	long runs; /* simulated runs in all; the same number, the same result */
	const volatile sig_atomic_t *cancel;
	/* done of all runs, best ratio to EEVDF so far; may be NULL */
	void (*progress)(void *arg, long done, long all, double best);
	void *progress_arg;
};

/* What the simulator says of a proposal: never a figure of a kernel. */
struct search_score {
	double ratio; /* of the goal metric to EEVDF's; above 1 is better */
	double score; /* what it was ranked by: guards counted in */
	size_t seeds;
};

struct search_result {
	char *metric;	  /* the goal's name in the simulator, the caller's */
	long runs, tried; /* runs done; points tried */
	uint64_t events;  /* simulated scheduling events */
};

/*
 * Puts the n best proposals for the profile's body into out, best first, and
 * their scores.  The first rule that applies is always among them: it speaks
 * from experience that the model may lack.  identities: of the policy bodies
 * to come (array or NULL).  Returns how many, or -errno when the workload
 * cannot be simulated (the message says why).
 */
int search_run(const struct json *profile, const struct features *f,
	       const struct json *identities, const struct search_opts *o,
	       struct proposal *out, struct search_score *scores, size_t n,
	       struct search_result *r);

#endif
