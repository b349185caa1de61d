/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 95 % intervals for a median, from few numbers.
 *
 * The percentile bootstrap (Efron and Tibshirani 1993, chapter 13) is what
 * one wants of a median, but with few numbers it covers too little: its ends
 * are order statistics, at n = 7 the second and the sixth, and those enclose
 * the median in 87.5 % of all cases only.  So median_interval() widens it to
 * enclose an interval that keeps its word at that n:
 *
 *   n >= 6  the sign-test interval between two order statistics,
 *           interpolated to 95 % (Hettmansperger and Sheather 1986,
 *           "Confidence intervals based on interpolated order statistics");
 *           no shape of the noise is assumed;
 *   n <= 5  even the extremes enclose the median in less than 95 % (93.75 %
 *           at n = 5), so Student's interval as well, which assumes that the
 *           numbers are roughly normal: give it logarithms of ratios.
 *
 * tests/unit/test_stats.c measures the coverage.
 */
#ifndef SCHEDKIT_STATS_BOOTSTRAP_H
#define SCHEDKIT_STATS_BOOTSTRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOTSTRAP_RESAMPLES 10000

struct interval {
	double lo, mid, hi;
};

/* The percentile bootstrap alone; n > 0.  Same seed, same result. */
void bootstrap_median(const double *x, size_t n, uint64_t seed,
		      struct interval *out);

/* The widened one.  n > 0; with n = 1 lo and hi are infinite. */
void median_interval(const double *x, size_t n, uint64_t seed,
		     struct interval *out);

/*
 * How much of the way from base to bound the candidate went, in percent:
 * (base - cand) / (base - bound) of the medians.  base and cand are n pairs,
 * resampled as pairs; bound is m runs of their own; then widened by
 * median_interval() of the n gaps against the bound's median.  -ERANGE: the
 * median of base does not lie away from the bound's in the direction of
 * better, so there is no gap to close.
 */
int gap_interval(const double *base, const double *cand, size_t n,
		 const double *bound, size_t m, bool higher_is_better,
		 uint64_t seed, struct interval *out);

#endif
