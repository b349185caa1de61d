/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Search in the template's parameter space by the simulator: many points are
 * tried on the workload's model, the worse half dropped again and again, and
 * those that stay tried on more seeds (successive halving; Jamieson and
 * Talwalkar 2016).  Between the rounds new points join: steps away from the
 * survivors, and what the optimiser asks for.
 */
#ifndef SCHEDKIT_AGENTS_PLANNER_SEARCH_H
#define SCHEDKIT_AGENTS_PLANNER_SEARCH_H

#include <signal.h>

#include "agents/observer/features.h"
#include "agents/planner/optimiser.h"
#include "agents/planner/rules.h"
#include "doc/json.h"

struct search_opts {
	uint64_t seed;
	long runs; /* simulated runs in all; the same number, the same result */
	/* Told what the simulator says, as weak evidence, and asked for new
	 * points; NULL: the points that are given are all there are. */
	struct optimiser *optimiser;
	/* How many times longer than foretold the kernel's own scheduler takes
	 * here: what switches, wakeups and the like cost is set so that the
	 * simulator agrees.  0 or 1: as recorded. */
	double slowness;
	const volatile sig_atomic_t *cancel;
	/* done of all runs, best ratio to EEVDF so far; may be NULL */
	void (*progress)(void *arg, long done, long all, double best);
	void *progress_arg;
};

/* What the simulator says of a proposal: never a figure of a kernel. */
struct search_point {
	struct proposal p;
	double ratio;  /* of the goal metric to EEVDF's; above 1 is better */
	double score;  /* what it was ranked by: guards counted in */
	size_t seeds;  /* it was run on */
	size_t number; /* among those to begin with */
	/* The simulator cannot tell it from one that stands before it. */
	bool like;
	bool kept; /* to the end, wherever it ranks */
};

struct search_result {
	const char *metric; /* the goal's name in the simulator */
	double baseline;    /* it under EEVDF, costs as recorded */
	double cost_scale;  /* of the costs that were reckoned with */
	long runs, tried;   /* runs done; points tried */
	uint64_t events;    /* simulated scheduling events */
};

struct search;

/*
 * The model of a profile's body.  identities: of the policy bodies to come
 * (array or NULL).  All are lent.  -errno when the workload cannot be
 * simulated (the message says why).
 */
int search_open(const struct json *profile, const struct features *f,
		const struct json *identities, const struct search_opts *o,
		struct search **out);
void search_close(struct search *s); /* NULL is fine */

/* How many points a search for the best n should begin with. */
size_t search_width(long runs, size_t n);

/*
 * From n_first points to begin with to those that survive, best first: *out,
 * the caller's to free, and how many.  Of each source the best one survives.
 * -EINTR: cancelled.
 */
int search_run(struct search *s, const struct search_point *first,
	       size_t n_first, size_t n, struct search_point **out);

/* No selection: each point on as many seeds as there are runs for. */
int search_score(struct search *s, struct search_point *points, size_t n);

/* The verifier would say yes to how it stands up to hostile loads, so a guest
 * is worth asking. */
bool search_survives(struct search *s, const struct proposal *p);

/* Lent until search_close(). */
const struct search_result *search_result(const struct search *s);

#endif
