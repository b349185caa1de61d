/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a model that a policy follows is worth it, by what was measured: the
 * policy keeps score of what it misses by, and of what the exponential average
 * would have missed by, and brakes a model that is the worse of the two.
 *
 * Pure: reports and the time go in, what to do comes out.
 */
#ifndef SCHEDKIT_AGENTS_ATTACHER_MODEL_WATCH_H
#define SCHEDKIT_AGENTS_ATTACHER_MODEL_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/learned_abi.h"

/* Braked so often within so long, it is of no use here. */
#define MODEL_TRIPS    3
#define MODEL_WITHIN_S 3600.0
/* It is compared over at least so many bursts, and so long. */
#define MODEL_BURSTS   200
#define MODEL_WINDOW_S 5.0
/* So long what is reported of one that has just begun may be of the one before
 * in part: the policy writes it while it is read. */
#define MODEL_SETTLES_S 0.5
/* The shares of the average's error above which it drifts, and below which it
 * does no more. */
#define MODEL_WORSE 1.05
#define MODEL_WELL  0.9

enum model_answer {
	MODEL_STAYS,
	MODEL_DRIFTS,	/* it misses by more than the average does */
	MODEL_RECOVERS, /* it did, and does well again */
	MODEL_BRAKED,	/* the policy did that */
	MODEL_RETIRES,	/* once too often: it is to be followed no more */
};

struct model_watch {
	struct learned_report last; /* as it was reported */
	struct learned_report from; /* where the window begins … */
	double since;		    /* … and when */
	double anew;		    /* when its counts began */
	double trips[MODEL_TRIPS];  /* the last ones, the oldest first */
	size_t tripped;
	bool alarm; /* it drifts, or was braked, and has not recovered */
};

struct model_choice {
	uint64_t bursts; /* of the window that was judged; 0: none was … */
	double ratio;	 /* … and its error as a share of the average's; below
			    0: the average missed by nothing */
	char why[256];	 /* in a sentence, behind "the model" */
};

/* Another model.  now: seconds, of a clock that does not go back. */
void model_watch_begin(struct model_watch *w, double now);

/* r: of that model.  Counts that begin anew are those of a policy that was
 * loaded anew. */
enum model_answer model_watch_saw(struct model_watch *w, double now,
				  const struct learned_report *r,
				  struct model_choice *out);

#endif
