/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canary: a policy is tried on some tasks of this host, step by step on
 * more of them, each step in windows of time with it and without it in turn.
 * While a step is not the last one the policy is attached in partial mode and
 * its tasks are handed to it through set-knobs, which hands them back whoever
 * dies.
 *
 * agents/canary/judge.h has what is decided and how, sched-deploy(1) what it
 * is good for.
 */
#ifndef SCHEDKIT_AGENTS_CANARY_CANARY_H
#define SCHEDKIT_AGENTS_CANARY_CANARY_H

#include "agents/canary/judge.h"
#include "agents/canary/plan.h"
#include "agents/canary/probe.h"
#include "doc/json.h"

#define CANARY_STEP_S 120.0 /* of a step, by default */

/* What touches the kernel; each with arg. */
struct canary_hands {
	int (*attach)(void *arg, bool partial);
	int (*detach)(void *arg);
	/* Waits until then: 0; above 0: it is over, for another reason. */
	int (*wait)(void *arg, double until);
	/* The CPU time in ns that the policy's own programs took since it was
	 * attached; below 0: nobody knows. */
	double (*spent)(void *arg);
	/* Before the step that takes all, after others: -errno: the message
	 * says why it may not, and it stays with the step before. */
	int (*widen)(void *arg);
	void *arg;
};

struct canary_opts {
	struct canary_plan plan;
	double step_s;		    /* at most, for each step */
	const char *policy;	    /* its id */
	const struct probe *probes; /* lent; at most PROBES */
	size_t probe_count;
	const struct canary_hands *hands;
	/* Pairs of all steps; NULL: nobody asks. */
	void (*progress)(void *arg, long done, long total, const char *words);
	void *progress_arg;
};

struct canary;

/* -ENOENT, -ESRCH: the scope is not there; a probe's error. */
int canary_open(const struct canary_opts *o, struct canary **out);

/*
 * 0: it has an answer; with CANARY_PASSED the policy is still attached and has
 * the tasks of the last step, else nobody has.  1: it was over before, as
 * hands->wait said; likewise nobody has.  -errno: it could not be tried.
 */
int canary_run(struct canary *c, enum canary_answer *answer);

/* In a sentence; lent. */
const char *canary_why(const struct canary *c);

/* The member "canary" of a deployment as far as it has come; the caller's. */
struct json *canary_json(const struct canary *c);

/* -EIO: whoever holds the tasks of its last step is gone. */
int canary_holds(struct canary *c);

/* What is still held: the tasks are handed back.  The policy is for the hands
 * to detach, before or after that. */
int canary_let_go(struct canary *c);

void canary_free(struct canary *c); /* NULL is fine */

#endif
