/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Learns from the earlier part of the time, judges by the later one.
 *
 * Of each recording the last part of the time is held out.  Of what is before
 * it the last fifth decides which kind of model is taken, and how many trees;
 * then all of it is learned from.  A row is learned from only if what came of
 * it was known when the next part began.  The time held out chooses nothing, so
 * its figures are not flattered.
 */
#ifndef SCHEDKIT_LEARN_TRAIN_H
#define SCHEDKIT_LEARN_TRAIN_H

#include <stdbool.h>

#include "learn/forecast.h"
#include "learn/rows.h"
#include "learn/score.h"

#define TRAIN_LEAST 200 /* rows on either side of the split */

/* Who foretells: the guesses of enum guess, then these. */
enum {
	TRAIN_LINEAR = GUESS_COUNT,
	TRAIN_TREES,
	TRAIN_ONLINE, /* linear, and learns on from each row once it is over;
			 for comparison: no file keeps it */
	TRAIN_COUNT,
};

struct train_opts {
	double holdout_pct;
	bool target[FORECAST_TARGETS]; /* what is to be foretold */
	bool linear, trees;	       /* what may be made */
	uint32_t feature_version;
	unsigned features; /* 1 to FORECAST_FEATURES */
};

struct train_part {
	size_t learned, held; /* rows; held 0: too few of either */
	bool tried[TRAIN_COUNT];
	struct score score[TRAIN_COUNT];
	/* Its misses by those of the exponential average; below 1 is better. */
	struct interval ratio[TRAIN_COUNT];
	enum forecast_kind chosen;
	enum guess best;	    /* the guess that misses by least, … */
	struct interval ratio_best; /* … and what was chosen by that */
	double bound;		    /* as forecast_bound() */
	/*
	 * Both intervals of what was chosen lie below 1: only then the model
	 * has a part for this target.
	 */
	bool beats;
};

/* "average", "smooth", "last", "median", "linear", "trees", "online". */
const char *train_name(unsigned contender);
/* Who a model of that kind is among them. */
unsigned train_contender(enum forecast_kind kind);

/*
 * Sorts the rows; parts: FORECAST_TARGETS of them.  -ENODATA: there are too few
 * rows for any target; -ERANGE as forecast_of_linear(), where only that is
 * wanted. Same rows, same model.
 */
int train(struct rows *r, const struct train_opts *o, struct forecast *out,
	  struct train_part *parts);

/*
 * How a model does on rows that it was not made from, all of them: parts as
 * above, without the median and without rows of tasks of which no guess knows
 * anything yet.  -ENOTSUP: the model is of other features; -ENODATA.
 */
int train_check(struct rows *r, const struct train_opts *o,
		const struct forecast *m, struct train_part *parts);

#endif
