/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the canary share. */
#ifndef SCHEDKIT_AGENTS_CANARY_STATE_H
#define SCHEDKIT_AGENTS_CANARY_STATE_H

#include "agents/canary/canary.h"
#include "agents/canary/tasks.h"
#include "agents/attacher/setter.h"

struct canary_step {
	const struct canary_scope *scope;
	struct canary_series series[CANARY_SERIES];
	size_t count; /* of series */
	struct canary_tasks tasks_each;
	size_t pairs, tasks, windows;
	double fair_pct[2];  /* sums over windows, without and with … */
	double longest_s[2]; /* … and maxima */
	double demand_pct;   /* a sum over all windows */
	size_t seen[2];	     /* windows */
	struct canary_finding finding;
};

struct canary {
	struct canary_opts o;
	uint64_t key;
	double window_s;
	struct canary_step *steps; /* as many as were begun */
	size_t count;
	struct canary_watch *watch;
	struct setter setter;
	bool held;     /* the setter holds tasks */
	bool attached; /* by the hands … */
	bool partial;  /* … and how */
	char why[768];
	enum canary_answer answer;
};

bool canary_is_full(const struct canary_step *s);
/* Chosen by chance: the rest is its control. */
bool canary_has_control(const struct canary_step *s);
/* What the judge is told of a step. */
void canary_case_of(const struct canary_step *s, struct canary_case *out);

/* The series of a step, in their order. */
void canary_series_init(struct canary_step *s, const struct canary_opts *o);
/* One window's values; probed: of the probes. */
void canary_series_put(struct canary_step *s, size_t pair, bool with,
		       const struct canary_window *w, const double *probed,
		       size_t probe_count);
/* After a pair: of all tasks the worst. */
void canary_series_pick(struct canary_step *s);
void canary_series_release(struct canary_step *s);

#endif
