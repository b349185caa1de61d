/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each task of a canary by itself: how much of the CPU time that it wanted it
 * got, in each window.  A mean hides the one in a thousand that starves.
 *
 * Only tasks count that wanted some in every window so far.  Who always wants
 * to run gets a share of the CPUs, which hardly any policy changes but for the
 * worse; what others get of what they want depends on how long turns are, which
 * policies are for: the two are told apart, by the windows without it.
 *
 * Of a canary that was chosen by chance each one's change is measured against
 * the median change of the others, its control.
 */
#ifndef SCHEDKIT_AGENTS_CANARY_TASKS_H
#define SCHEDKIT_AGENTS_CANARY_TASKS_H

#include "agents/canary/judge.h"
#include "agents/canary/watch.h"

struct canary_task {
	pid_t tid;
	uint64_t started;
	bool control;
	unsigned seen[2]; /* a bit for each pair: without, with */
	float served[2][CANARY_PAIRS];
	float wanted[CANARY_PAIRS]; /* without: of the window */
};

struct canary_tasks {
	struct canary_task *v; /* by tid */
	size_t count, cap;
};

/* A window's; seen by tid. */
void canary_tasks_put(struct canary_tasks *t, size_t pair, bool with,
		      const struct canary_seen *seen, size_t n,
		      double window_s);

/* After that many pairs: of those who always want to run, or of the others,
 * fills the series' values with those of the one that fares worst, its `each`,
 * and its `absent`. */
void canary_tasks_pick(const struct canary_tasks *t, size_t pairs, bool always,
		       struct canary_series *s);

void canary_tasks_release(struct canary_tasks *t);

#endif
