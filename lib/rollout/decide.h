/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a host's turn has come.
 *
 * Pure: what was signed, what hosts have reported, how this host is and what
 * time it has go in; what to do and why comes out.  The program that follows a
 * rollout and the simulation of ten thousand that do both ask this.
 */
#ifndef SCHEDKIT_ROLLOUT_DECIDE_H
#define SCHEDKIT_ROLLOUT_DECIDE_H

#include "rollout/report.h"

/* How far a clock may go back before it is taken for wrong. */
#define ROLLOUT_BACK_S 300

/* How this host is, as to the rollout that it looks at. */
enum rollout_stage {
	STAGE_NONE,	 /* has not had it */
	STAGE_TRYING,	 /* in force since `since` */
	STAGE_WELL,	 /* in force, for long enough */
	STAGE_BAD,	 /* was bad here: never again by this rollout */
	STAGE_EJECTED,	 /* the kernel took it off: likewise */
	STAGE_REFUSED,	 /* could not be put in force here: likewise */
	STAGE_WITHDRAWN, /* was taken off by the rollout: likewise */
	STAGE_STOPPED,	 /* was taken off by somebody here: likewise */
	STAGES,
};

extern const char *const rollout_stages[STAGES];

struct rollout_host {
	int cohort;  /* index; -1: none */
	double turn; /* of rollout_place() */
	enum rollout_stage stage;
	bool in_force; /* whatever the stage: it is there now */
	time_t since;  /* in force since then */
	time_t open;   /* its turn was first seen to have come; 0: not yet */
	long serial;   /* the largest that it ever saw for the workload */
	time_t clock;  /* the latest time that it ever had */
};

enum rollout_answer {
	ROLLOUT_WAIT,	  /* does not have it, and is not to take it now */
	ROLLOUT_STAY,	  /* has it, and is to keep it */
	ROLLOUT_DEPLOY,	  /* is to take it */
	ROLLOUT_WITHDRAW, /* has it, and is to go back */
};

extern const char *const rollout_answers[];

struct rollout_choice {
	enum rollout_answer answer;
	bool open;  /* its turn has come, if perhaps not its moment */
	bool well;  /* it was in force for long enough by now */
	bool wrong; /* that waits for somebody to put something right */
	char why[384];
};

/*
 * tally: of each cohort of r.  r NULL: there is no rollout that holds, and why
 * is the caller's to know.
 */
void rollout_decide(const struct rollout *r, const struct rollout_tally *tally,
		    const struct rollout_host *h, time_t now,
		    struct rollout_choice *out);

/* Reports bear upon it at all: it has the policy, or may have it yet. */
bool rollout_listens(const struct rollout_host *h);

/*
 * Those that are bad bear upon all these; which cohorts' other reports do so
 * now, a bit for each: those before its own once its turn may have come, and
 * those where it is to be told how many are well beside the bad ones of tally.
 * To ask no more than that saves most of the traffic, and changes no answer.
 */
unsigned int rollout_asks(const struct rollout *r,
			  const struct rollout_tally *tally,
			  const struct rollout_host *h, time_t now);

/* What a host has to say at this stage; OUTCOMES: nothing. */
enum rollout_outcome rollout_outcome_of(enum rollout_stage stage);
/* Whether it is to say so: that all is well is said by some (of rollout_place),
 * everything else by all. */
bool rollout_is_said(const struct rollout_cohort *c, enum rollout_outcome o,
		     double voice);

/* The cohort whose bad reports end the rollout; -1: none does. */
int rollout_spoilt(const struct rollout *r, const struct rollout_tally *tally);
/* So many hosts of a cohort have been heard, for good or bad. */
long rollout_heard(const struct rollout_tally *t);
long rollout_bad(const struct rollout_tally *t);

#endif
