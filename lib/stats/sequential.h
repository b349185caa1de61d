/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pairs that end as soon as their answer is known.
 *
 * The numbers are logarithms of the pairs' ratios, above 0 better.
 *
 * Decided: a group-sequential signed-rank test.  If the policy changed nothing
 * the two runs of a pair could be exchanged, so given the sizes of the
 * logarithms each sign is a fair coin, whatever the shape of the noise; the
 * error of every look is counted out over the signs, not approximated (Mehta,
 * Patel, Senchaudhuri and Weerahandi 1994, "Exact permutational group
 * sequential clinical trials", Biometrics 50).  The looks share the error by
 * a spending function (Lan and DeMets 1983, "Discrete sequential boundaries
 * for clinical trials", Biometrika 70): two thirds at the first, which five
 * good pairs of five just need (1/32), the rest evenly over the others.  The
 * median must reach the least effect as well.
 *
 * Futile, from the second pair on: what all pairs together will say, foretold
 * from those there are (predictive power; Spiegelhalter, Freedman and
 * Blackburn 1986, "Monitoring clinical trials", Controlled Clinical Trials 7),
 * stays below what would be needed even at the upper end of its 60 % interval;
 * or no further pair could lead to a decision.  To stop early for this reason
 * never makes a false acceptance more likely.
 *
 * tests/unit/test_sequential.c measures the errors, the power and the number
 * of pairs.
 */
#ifndef SCHEDKIT_STATS_SEQUENTIAL_H
#define SCHEDKIT_STATS_SEQUENTIAL_H

#include <stdbool.h>
#include <stddef.h>

#define SEQUENTIAL_FIRST 5  /* pairs before anything is decided */
#define SEQUENTIAL_MOST	 64 /* pairs that a plan may have */

enum look {
	LOOK_ON, /* another pair is needed */
	LOOK_DECIDED,
	LOOK_FUTILE,
	LOOK_FULL, /* all pairs are there, and they do not decide */
};

struct sequential_plan {
	double least; /* logarithm of the least effect, >= 0 */
	double error; /* one-sided, of all looks together: 0.05 */
	size_t most;  /* pairs at most, 1 to SEQUENTIAL_MOST */
};

const char *look_name(enum look l);

/* After n > 0 pairs; asked after each of them.  Same numbers, same answer. */
enum look sequential_look(const struct sequential_plan *p, const double *logs,
			  size_t n);

/* The boundary has been crossed by one of the first n pairs. */
bool sequential_crossed(const struct sequential_plan *p, const double *logs,
			size_t n);

/*
 * Of many rows of logarithms at once, whether the row with the largest sum is
 * more than the best of so many comes to by chance.  The signs of what remains
 * of each row without its mean fall for all rows alike, and what counts is how
 * often the largest of all sums would be as large (maxT; Westfall and Young
 * 1993, "Resampling-Based Multiple Testing"; residuals, so that what others
 * gain is no noise: Wu 1986, "Jackknife, bootstrap and other resampling methods
 * in regression analysis", Annals of Statistics 14).  That holds about, for few
 * pairs and few rows: ask sequential_crossed() of that row, too.  logs: rows of
 * `stride`, of which the first n count.
 */
bool sequential_crossed_max(const struct sequential_plan *p, const double *logs,
			    size_t rows, size_t stride, size_t n);

/*
 * The upper end of what the pairs' mean will be once all are there; n >= 2.
 */
double sequential_optimum(const struct sequential_plan *p, const double *logs,
			  size_t n);

#endif
