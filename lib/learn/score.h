/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How good predictions are.
 *
 * Times are compared as logarithms: a burst of 10 ms that was foretold as
 * 20 ms is as wrong as one of 10 us foretold as 20 us.  The error in
 * nanoseconds stands beside it; few long bursts decide on that one.
 */
#ifndef SCHEDKIT_LEARN_SCORE_H
#define SCHEDKIT_LEARN_SCORE_H

#include <stdint.h>

#include "bpf/forecast_abi.h"
#include "stats/bootstrap.h"

#define SCORE_DECILES 10
#define SCORE_BLOCKS  40

struct score {
	size_t n;
	/* Times: mean distance in log2; class: share of wrong ones. */
	double error;
	double error_ns; /* mean distance; class: 0 */
	/* Spearman's rank correlation, ties at their mean rank; 0 where all
	 * predictions or all outcomes are equal. */
	double rank;
	/* By tenths of what was foretold, the lowest first: the means of what
	 * was foretold and of what came, in log2 or classes. */
	double foretold[SCORE_DECILES], came[SCORE_DECILES];
	/* The mean distance of the two. */
	double miscalibrated;
};

/* What one prediction misses by, as it counts in struct score.error. */
double score_miss(enum forecast_target t, double said, double y);

/* said and y: n > 0 numbers in units. */
void score_of(enum forecast_target t, const double *said, const double *y,
	      size_t n, struct score *out);

/*
 * The ratio of the sums of a and b, n > 0 misses in the order of time, with a
 * 95 % interval from resampling SCORE_BLOCKS blocks of neighbours (Kunsch 1989,
 * "The jackknife and the bootstrap for general stationary observations",
 * Annals of Statistics 17): what misses together is drawn together.  Same
 * seed, same result.  0/0 is 1.
 */
void score_ratio(const double *a, const double *b, size_t n, uint64_t seed,
		 struct interval *out);

#endif
