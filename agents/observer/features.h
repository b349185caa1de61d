/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a profile says about a workload: the regime it is in, each statement
 * with the number it rests on.
 */
#ifndef SCHEDKIT_AGENTS_OBSERVER_FEATURES_H
#define SCHEDKIT_AGENTS_OBSERVER_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/json.h"

enum bound {
	BOUND_LATENCY,
	BOUND_THROUGHPUT,
	BOUND_MAKESPAN,
	BOUND_FAIRNESS,
	BOUND_COUNT,
};

enum trait {
	TRAIT_LONG_TAILED,    /* few of the known jobs make most of the time */
	TRAIT_LOCK_HOLDER,    /* sleepers wait for preempted tasks */
	TRAIT_MIXED,	      /* short bursts beside long ones */
	TRAIT_WAKE_CHAIN,     /* most wakeups come from few others */
	TRAIT_FORK_HEAVY,     /* many short-lived tasks */
	TRAIT_HARDLY_WAITING, /* hardly anything waits: little to gain */
	TRAIT_COUNT,
};

extern const char *const bound_names[BOUND_COUNT];
/* The simulator's metric that stands for it; "wall" stands in for one that is
 * not counted in a workload. */
extern const char *const bound_metrics[BOUND_COUNT];
extern const char *const trait_names[TRAIT_COUNT];

struct features {
	double cpus;
	double seconds;	       /* observed */
	double busy;	       /* 0 … 1, share of CPU time that was used */
	double waiting;	       /* 0 … 1, share of time with a waiting task */
	double delay_share;    /* waiting time / (waiting + run time) */
	double burst_us;       /* median of the burst medians, by run time */
	double longest_us;     /* largest features_expect() */
	double typical_us;     /* median of the significant ones */
	double identity_count; /* significant ones */
	/* The figures that the traits are judged by. */
	double wakeups_per_s, forks_per_s, holder_wakes_per_s;
	double chain_share; /* of wakeups, that one task gives another */
	double short_share; /* of wakeups, in groups with short bursts */
	double long_share;  /* of run time, in groups that just compute */
	double tasks;
	bool saturated;
	enum bound bound;
	bool trait[TRAIT_COUNT];
	int confidence_pct;
	struct json *evidence; /* list of {"text","value","key"}, owned */
};

/* From the body of a profile. */
void features_read(const struct json *profile, struct features *f);
void features_release(struct features *f);

/*
 * What one execution of one of the profile's identities is expected to run,
 * in microseconds, with all that it starts: a script is as long as what is in
 * it.  Not so for what started nearly everything: its children are the jobs,
 * and wait for it to start them.  So it is to go first, and is called so brief
 * that it cannot be in anyone's way.
 */
#define FEATURES_DISPATCHER_US 1.0
double features_expect(const struct json *identity, double all_us);
/* What all identities of a profile ran together: all_us. */
double features_all_us(const struct json *profile);

/* {"saturated":…,"bound":…,"traits":[…],"confidence_pct":…}. */
struct json *features_regime(const struct features *f);

/* The regime in plain words; the caller frees it. */
char *features_text(const struct features *f);

#endif
