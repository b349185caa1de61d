/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the demander share. */
#ifndef SCHEDKIT_AGENTS_DEMANDER_PARTS_H
#define SCHEDKIT_AGENTS_DEMANDER_PARTS_H

#include "agents/demander/demander.h"
#include "agents/attacher/setter.h"
#include "learn/demand.h"

/* Counters of a cgroup; those that only grow. */
struct demander_counts {
	struct demand_reading cpu;
	double throttled; /* periods in which cpu.max stopped it */
};

struct demander_group {
	char *said, *dir;
	struct demand demand;
	struct demander_counts now;
	bool gone;
	/* ---- what is made of it ---- */
	struct demand_trust trust;
	struct demand_hold hold;
	uint64_t cycle_from;   /* sample with which the cycle began */
	uint64_t period_since; /* of the demand, when that was looked at */
	struct demander_counts began; /* the cycle */
	bool held;	     /* all the cycle, settings were in force */
	double sure, others; /* as they were turned into settings */
	unsigned was_weight;
	struct knob_tune tune; /* in force */
	/* ---- what came of it ---- */
	size_t cycles, well, held_cycles, changes;
	double held_pct; /* sum of the pressure of cycles that were held */
	char why[256];	 /* of the last verdict */
};

struct demander {
	const struct demander_opts *o;
	struct demand_limits limits;
	struct demander_group *v;
	size_t count;
	unsigned ahead;
	double began, next_at; /* clock_monotonic() */
	int lock;	       /* of holder_lock(); -1 */
	bool sets;	       /* it may set, and has a setter */
	struct setter setter;
};

/* ---- demander.c ---- */

void demander_say(const struct demander *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- look.c ---- */

int demander_open(struct demander *m, const struct demander_opts *o,
		  const struct strs *groups);
void demander_close(struct demander *m);

/* Waits for the next step and reads all; false: it is over. */
bool demander_step(struct demander *m);

/* The folder that g lies in; the caller's. */
char *demander_parent(const struct demander_group *g);
/* cpu.weight; 0: it has none. */
double demander_weight(const char *dir);
/* The weights of all that g competes with beside it. */
double demander_others(const struct demander_group *g);

/* ---- set.c ---- */

/* Whether it can be done at all, and by whom. */
int demander_set_open(struct demander *m);
/* All back to what it was, whatever became of the setter. */
int demander_set_close(struct demander *m);
/* After a step: looks back on cycles that ended, and gives what is foretold. */
int demander_set(struct demander *m);

/* ---- note.c ---- */

struct json *demander_note(const struct demander *m);

#endif
