/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the pairs of windows of a canary say: numbers in, an answer out, and no
 * kernel needed.
 *
 * A pair is a window with the policy and one without next to it (A B B A); its
 * ratio is an improvement, above 1 is better (stats/evidence.h).  Where the
 * canary was chosen by chance what was not chosen is its control: then each
 * window counts as the canary's value over the control's in that very window,
 * so what befalls the whole machine falls out.
 *
 * For every metric two amounts of being worse are told apart: what is of no
 * matter (`least`), and what must be excluded before a policy passes
 * (`margin`).
 *
 *   worse   in some metric: the upper end of the interval is below 1, the
 *           median is worse by more than least, and the sequential signed-rank
 *           test (stats/sequential.h) agrees, as the pairs are looked at again
 *           and again
 *   passed  in every metric: the lower end of the interval, and the same test,
 *           exclude a change for the worse by the margin
 *   unsure  neither after the last pair, or it cannot be told: hardly anything
 *           of the scope ran, or it looks worse and others came first
 *
 * In partial mode the kernel picks every task of its own default class before
 * one of the policy's: on a machine that others keep busy the canary gets what
 * is left, under any policy.
 */
#ifndef SCHEDKIT_AGENTS_CANARY_JUDGE_H
#define SCHEDKIT_AGENTS_CANARY_JUDGE_H

#include <sys/types.h>

#include "stats/evidence.h"

#define CANARY_PAIRS  12 /* of a step, at most */
#define CANARY_SERIES 16
/* What is rare takes time to be seen: nobody passes with less. */
#define CANARY_PASS_PAIRS 8

/* From this share of the CPUs on that others took, longer waits prove nothing
 * in partial mode … */
#define CANARY_FAIR_PCT 20
/* … from this one on to starve does not, either … */
#define CANARY_HALF_PCT 50
/* … and from this one on it is not even tried. */
#define CANARY_FULL_PCT 75
/* Who waits that long, and so many times as long as anybody without the
 * policy, starves. */
#define CANARY_STARVED_S     1.0
#define CANARY_STARVED_TIMES 4
/* Of one CPU: less was not at work. */
#define CANARY_DEMAND_PCT 1

struct canary_metric {
	const char *name, *unit; /* lent */
	bool higher_is_better;
	bool fair;	   /* it does not matter to it that others come first */
	double floor;	   /* added to all values: about as much is nothing */
	double least_pct;  /* worse by less is no matter */
	double margin_pct; /* worse by more must be excluded */
};

struct canary_value {
	double canary;
	double control; /* below 0: there is none */
};

struct canary_series {
	struct canary_metric metric;
	struct canary_value without[CANARY_PAIRS], with[CANARY_PAIRS];
	bool absent; /* there is nothing to be told */
	/* Of many tasks the values are those of the worst, tid, and the test
	 * is about all of them: rows of CANARY_PAIRS logarithms of ratios.
	 * 0: it is one number. */
	double *each;
	size_t each_count;
	pid_t tid;
};

struct canary_case {
	const struct canary_series *series;
	size_t count;
	size_t pairs;
	bool partial;	    /* the policy has its tasks only */
	double fair_pct;    /* of the CPUs, taken by others with the policy */
	double demand_pct;  /* of one CPU, run or waited for */
	double longest_s;   /* anybody waited, with the policy … */
	double longest_0_s; /* … and without */
	uint64_t seed;
};

enum canary_answer {
	CANARY_ON, /* another pair is needed */
	CANARY_PASSED,
	CANARY_WORSE,
	CANARY_UNSURE,
};

struct canary_finding {
	enum canary_answer answer;
	char why[512];
	struct evidence evidence[CANARY_SERIES]; /* pairs is 0: none yet */
};

/* "unfinished", "passed", "worse", "inconclusive" */
const char *canary_answer_name(enum canary_answer a);

/* After each pair; same numbers, same answer. */
void canary_judge(const struct canary_case *c, struct canary_finding *out);

/* Before it is tried: others leave hardly anything.  out is filled then. */
bool canary_crowded(const struct canary_case *c, struct canary_finding *out);

/* While a window lasts: somebody is starving.  Likewise. */
bool canary_starves(const struct canary_case *c, struct canary_finding *out);

#endif
