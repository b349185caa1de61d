/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what cgroups will want to what they are given, and whether to trust the
 * forecast with it.
 *
 * Pure: forecasts, bounds and the time go in, numbers come out.  Demand is in
 * CPUs throughout.
 */
#ifndef SCHEDKIT_AGENTS_DEMANDER_DEMAND_DECIDE_H
#define SCHEDKIT_AGENTS_DEMANDER_DEMAND_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMAND_WEIGHT_MAX   10000u
#define DEMAND_DISTRUST_MAX 64u /* cycles */

struct demand_limits {
	unsigned cpus;	 /* that there are */
	double min, max; /* of one group */
	double leave;	 /* of them, which stays everybody's */
	double linger_s; /* so long after it is no more wanted, it is kept */
	double pressure_pct; /* points by which a group may wait more */
};

/* ---- how much --------------------------------------------------------- */

/*
 * What each of n groups is sure of, from the peaks that are foretold: within
 * min and max, and all together no more than cpus - leave: beyond that each
 * gets its share of it.  A peak of 0, or NAN: nothing, not even min.
 */
void demand_divide(const struct demand_limits *l, const double *peak, size_t n,
		   double *sure);

/*
 * The weight with which a group gets that much where all others, of so much
 * weight together, want all that they can get: w / (w + others) = sure / cpus.
 * Never below what it was, which comes back where that is enough, nor above
 * DEMAND_WEIGHT_MAX.
 */
unsigned demand_weight(const struct demand_limits *l, double sure, unsigned was,
		       double others);

/* The utilisation that a CPU will have where the group is packed on as few as
 * it needs, in percent: 2.4 CPUs are three at 80.  0: no hint. */
double demand_hint_pct(double sure);

/*
 * Whole CPUs of each of n groups: as many as it needs for what it is sure of,
 * at least one, together at most cpus less `leave`, rounded up: one at the
 * least.  What is too much is taken from the largest.  0: it is not one of
 * them, or there is not one for each.
 */
void demand_layers(const struct demand_limits *l, const double *sure, size_t n,
		   unsigned *count);

/* ---- when ------------------------------------------------------------- */

/* Grown at once, shrunk late. */
struct demand_hold {
	double is;    /* what it is sure of now */
	double most;  /* of what was wanted since it was more than that */
	double since; /* when less began to be wanted; < 0: it is not */
};

/* A change by less than that is none. */
#define DEMAND_STIR 0.1

void demand_hold_init(struct demand_hold *h);
/* Returns what it is sure of from now on. */
double demand_hold_next(struct demand_hold *h, double wanted, double linger_s,
			double now);

/* ---- whether ---------------------------------------------------------- */

/* One cycle, looked back on. */
struct demand_cycle {
	bool better;	     /* than both naive forecasts */
	bool held;	     /* settings were in force */
	double pressure_pct; /* of the time, something of it waited; NAN */
	double throttled;    /* periods in which cpu.max stopped it */
};

struct demand_trust {
	bool acts;	   /* settings may be in force */
	unsigned distrust; /* cycles that have to go well before that: 1, 2 … */
	unsigned well;	   /* that went well since it was let go */
	double before_pct; /* pressure of a cycle without settings; NAN */
	unsigned falls;
};

enum demand_verdict {
	DEMAND_WAIT,  /* not trusted yet */
	DEMAND_BEGIN, /* from now on it is */
	DEMAND_GO_ON,
	DEMAND_LET_GO, /* back to what was */
};

void demand_trust_init(struct demand_trust *t);
/* After each cycle.  why: a sentence, of at least 200 bytes. */
enum demand_verdict demand_trust_next(struct demand_trust *t,
				      const struct demand_limits *l,
				      const struct demand_cycle *c, char *why,
				      size_t len);
/* There is no period any more, or it is another one.  True: it acted. */
bool demand_trust_lost(struct demand_trust *t);

#endif
