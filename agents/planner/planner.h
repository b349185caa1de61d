/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The planning agent without a model: a profile in, a plan and policies out. */
#ifndef SCHEDKIT_AGENTS_PLANNER_PLANNER_H
#define SCHEDKIT_AGENTS_PLANNER_PLANNER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doc/doc.h"
#include "doc/stream.h"
#include "policy/policy.h"

#define PLANNER_MAX 256

struct planner_opts {
	const char *by; /* name of the tool, for the documents */
	long count;	/* policies wanted, 1 … PLANNER_MAX */
	/* Its lessons are the planner's memory; NULL: it has none. */
	const struct stream *stream;
	/* Bits of 1 << enum source (agents/planner/rules.h) that may propose:
	 * of rule, neighbour and optimiser; 0: all three. */
	unsigned int sources;
	/* Policies of the form "knobs" instead of "params". */
	bool knobs;
	/* Instead of all that: any points, by seed; or these, in order. */
	bool random;
	const struct policy_params *sweep;
	size_t sweep_count;
	uint64_t seed;
	/* Simulated runs to choose them by; 0: by the rules alone. */
	long runs;
	const volatile sig_atomic_t *cancel;
	void (*progress)(void *arg, long done, long all, double best);
	void *progress_arg;
};

/*
 * Makes one plan and the policies it proposes, in order of promise.  The same
 * profile, lessons, count, seed and runs give the same ids.  What cannot be
 * simulated is left to the sources' own order, and the plan says why.  What
 * was measured for this profile is not proposed again.  policies has room for
 * PLANNER_MAX; all documents are the caller's.  -ENODATA: no source that may
 * has anything to propose; -EINTR: cancelled.
 */
int planner_run(const struct doc *profile, const struct planner_opts *o,
		struct doc **plan, struct doc **policies, size_t *count);

/*
 * The points of a grid: "order=fifo,longest;slice_us=5000,20000", the other
 * parameters at their defaults.  Points that are one policy are there once.
 * -EINVAL names what cannot be; -E2BIG: more than max, or a hundred times as
 * many combinations.
 */
int planner_sweep(const char *text, struct policy_params *out, size_t max,
		  size_t *n);

/* How a point of the parameter space tells tasks apart: "uses" of a body. */
struct json *planner_uses(const struct policy_params *p);
/* One execution's expected run time, children that executed nothing counted
 * in: [{"hash","expect_us"}], "identities" of a body. */
struct json *planner_identities(const struct json *profile);

#endif
