/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the autonomous loop does next, and why: from figures alone, without
 * looking at anything or doing anything.  sched-loop(1) has the rules in words.
 */
#ifndef SCHEDKIT_AGENTS_LOOP_DECIDE_H
#define SCHEDKIT_AGENTS_LOOP_DECIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/doc.h"

#define LOOP_MAX_WHY 240

enum loop_source {
	LOOP_RULE,
	LOOP_NEIGHBOUR,
	LOOP_OPTIMISER,
	LOOP_MODEL,
	LOOP_PERSON,
	LOOP_SOURCES,
};

extern const char *const loop_source_names[LOOP_SOURCES];

enum loop_judgement {
	LOOP_UNJUDGED,
	LOOP_ACCEPTED,
	LOOP_REJECTED,
	LOOP_INCONCLUSIVE,
};

/* A policy that a round tries.  NAN: there is no such figure. */
struct loop_try {
	char policy[DOC_ID_LEN];
	char verdict[DOC_ID_LEN]; /* "": none yet */
	enum loop_source source;
	double predicted;	 /* ratio of the goal, by the simulator */
	double measured, lo, hi; /* ratio of the goal and its 95 % interval */
	double gap_closed_pct;	 /* of the way to the lower bound */
	long pairs;
	enum loop_judgement judgement;
	bool pareto; /* no other one is better in every metric */
};

struct loop_round {
	struct loop_try *tries;
	size_t n;
	bool planned, judged;
	double seconds;
	long guest_runs, sim_runs;
	/* Over the best before it, foretold when it was planned. */
	double expected_gain_pct; /* NAN: not known */
};

struct loop_spent {
	double seconds, usd, tokens;
	long guest_runs, sim_runs;
};

/* 0: no limit. */
struct loop_budget {
	double seconds, usd, tokens;
	long rounds;
};

struct loop_view {
	bool observed;
	const struct loop_round *rounds; /* the last one may be under way */
	size_t n;
	struct loop_budget budget;
	struct loop_spent spent;
	double goal_ratio; /* enough; 0: none is */
	double min_effect_pct;
	long candidates; /* of a round, at most */
	double run_s;	 /* one run of the command, as observed; 0: unknown */
	/* What was accepted for workloads hardly distinct from this one was so
	 * many times better there, at best; 0: nothing was. */
	double near_ratio;
	bool model; /* there is one to ask */
	/* What earlier lessons say of their sources: how many were tried and
	 * how many of these accepted. */
	double tried[LOOP_SOURCES], won[LOOP_SOURCES];
	bool interrupted;
	bool wants_deploy, deployed;
};

enum loop_act { LOOP_OBSERVE, LOOP_PLAN, LOOP_VERIFY, LOOP_DEPLOY, LOOP_STOP };

enum loop_stop {
	LOOP_GOES_ON,
	LOOP_GOAL,	  /* reached */
	LOOP_BOUND,	  /* reached */
	LOOP_ROUNDS,	  /* all done */
	LOOP_BUDGET,	  /* used up */
	LOOP_NO_GAIN,	  /* expected */
	LOOP_INTERRUPTED, /* from outside */
};

/* "goal", "bound", "rounds", "budget", "no expected gain", "interrupted" */
extern const char *const loop_stop_names[];

struct loop_next {
	enum loop_act act;
	enum loop_stop stop;
	char why[LOOP_MAX_WHY];
	long builtin, model;	  /* LOOP_PLAN: policies wanted of each */
	double expected_gain_pct; /* LOOP_VERIFY, LOOP_STOP; NAN: not known */
};

void loop_decide(const struct loop_view *v, struct loop_next *out);

/*
 * The policy that is best beyond doubt so far; NULL: none was accepted.
 *
 * Within a round, where all were measured beside the same runs of the kernel's
 * own scheduler, it is the accepted one whose interval begins highest.  A later
 * round's takes its place only when the difference of the two logarithms, with
 * the standard errors that the intervals tell, is beyond what chance gives the
 * luckiest of as many as that round tried (Bonferroni).  The best of many looks
 * better than it is (the winner's curse): without this every round would have a
 * fair chance to replace a good policy by an equal or a worse one.  Measuring
 * the old one again beside the new ones would do, too, but costs a guest run
 * for each pair, and a second verdict on it that may contradict the first one
 * by chance.
 */
const struct loop_try *loop_best(const struct loop_round *rounds, size_t n);

/*
 * How much better than the best so far, or than the kernel's own scheduler, the
 * best of a round promises to be, by the simulator's predictions, calibrated by
 * what was measured against what was foretold so far.  Promise is held against
 * promise: what the simulator says too much of the new ones, it also said of
 * the best.  NAN: a policy of the round has no prediction.
 */
double loop_gain_pct(const struct loop_view *v, const struct loop_round *r);

/* "makespan:1.3" to name (a new string, NULL: none given) and ratio (0: none).
 * -EINVAL with a message. */
int loop_goal_parse(const char *text, char **name, double *ratio);
/* "time=120,usd=0.5,tokens=20000", adding to b; time also as 90s, 5m, 2h.
 * -EINVAL names the word. */
int loop_budget_parse(const char *text, struct loop_budget *b);

#endif
