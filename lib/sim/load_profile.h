/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile on its way to a load; private to lib/sim/load_profile*.c. */
#ifndef SCHEDKIT_SIM_LOAD_PROFILE_H
#define SCHEDKIT_SIM_LOAD_PROFILE_H

#include "sim/load_make.h"
#include "sim/load_spread.h"

#define PROFILE_MAX_GROUPS 64

/* This share of the bursts that take a lock did not have to wait for it. */
#define LOCK_FREE 0.125

struct profile_group {
	const struct json *v;
	const char *name;
	bool kernel, kept;
	/* Its tasks do not live as long as the observation. */
	bool passing;
	bool locks; /* its bursts hold a lock: those above split */
	double tasks, run_ns, wait_ns, wakeups, forks, holder, preempted;
	double bursts, external; /* external: wakeups by nobody modelled */
	double known_ns, execs;	 /* of identities of its name */
	int nice;
	struct spread burst, sleep;
	double nap_from, nap_to;    /* which sleeps are the external ones */
	double gap_ns;		    /* between bursts, when sleep is empty */
	double nap_ns;		    /* their sum */
	double split;		    /* bursts above hold a lock; 0: none do */
	uint64_t identity;	    /* the one with the most run time */
	uint32_t group, turn, open; /* of the load: group, semaphores */
	uint32_t lock;
	uint32_t metric; /* its bursts, counted and timed */
};

struct profile {
	const struct json *body;
	struct load *l;
	double duration_ns, run_ns;
	bool finite; /* ends when the work is done */
	struct profile_group g[PROFILE_MAX_GROUPS];
	size_t n;
	size_t root, main; /* which forks all; whose bursts count */
	uint32_t cpus;
	uint32_t request; /* metric: the main group's bursts */
	/*
	 * Wakeups [by][whom].  hand: by then waits to be woken in turn, so
	 * that the right to be active goes from task to task and cannot get
	 * lost.  open: by goes on regardless.
	 */
	double hand[PROFILE_MAX_GROUPS][PROFILE_MAX_GROUPS];
	double open[PROFILE_MAX_GROUPS][PROFILE_MAX_GROUPS];
};

/* Sorts out what the document says; who wakes whom. */
int profile_read(struct profile *p, const struct json *body);
/* How many tasks of g are active at a time, on average. */
double profile_active(const struct profile *p, const struct profile_group *g);

/* Tasks that live all the time, and those that come and go. */
void profile_add_lasting(struct profile *p, struct profile_group *g);
void profile_add_passing(struct profile *p);

#endif
