/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scope's tasks get and how long they wait, in a window of time: from
 * /proc/TID/schedstat, looked at again and again until it ends.
 *
 * What a task waits is told by the kernel only once it runs; so who was ready
 * at two looks and did not run in between counts as waiting meanwhile.  What
 * begins and ends between two looks is not seen, with or without a policy.
 */
#ifndef SCHEDKIT_AGENTS_CANARY_WATCH_H
#define SCHEDKIT_AGENTS_CANARY_WATCH_H

#include "agents/canary/plan.h"

/* Some tasks in a window. */
struct canary_side {
	size_t tasks; /* that ran or waited */
	double run_s, wait_s;
	double active_s; /* summed over tasks that ran or waited meanwhile */
	/* The longest wait: of a task that did not get to run at all between
	 * looks that long, else the mean of its turns between two looks. */
	double longest_s;
};

struct canary_window {
	double seconds;
	struct canary_side canary, rest; /* rest: others, not the kernel's */
	double fair_pct;   /* of all CPUs: busy, and not with the canary */
	double idle_s;	   /* of all CPUs together */
	double policy_s;   /* CPU time of the policy itself; who attached it
			      fills that in */
	double pressure_s; /* stalled for a CPU, in a second; below 0: not
			      known for this scope */
};

/* One task that ran or waited in a window. */
struct canary_seen {
	pid_t tid;
	uint64_t started;
	bool control; /* of the rest, not of the canary */
	double run_s, wait_s;
};

struct canary_watch;

/* -ENOENT, -ESRCH: there is no such cgroup or process. */
int canary_watch_open(const struct canary_scope *s, uint64_t key,
		      struct canary_watch **out);
void canary_watch_close(struct canary_watch *w); /* NULL is fine */

/* A window begins; between begin and end look at least twice. */
int canary_watch_begin(struct canary_watch *w);

/* How it stands, so far; the next look is due in at least *rest_s: to look is
 * work, too. */
int canary_watch_look(struct canary_watch *w, struct canary_window *out,
		      double *rest_s);

/* Who was seen in it, by tid; how many.  The list is the caller's. */
size_t canary_watch_seen(const struct canary_watch *w,
			 struct canary_seen **out);

#endif
