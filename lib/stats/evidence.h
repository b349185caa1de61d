/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What paired runs of two arms say about one metric.
 *
 * Arm A is the baseline, arm B the candidate; base[i] and cand[i] were
 * measured next to each other.  The ratio of a pair is an improvement: above
 * 1 is better, whichever way the metric points.
 */
#ifndef SCHEDKIT_STATS_EVIDENCE_H
#define SCHEDKIT_STATS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ratios are kept between 1 / RATIO_MAX and RATIO_MAX; so are the ends of an
 * interval that a single pair leaves open. */
#define RATIO_MAX 1e6

struct evidence_rule {
	bool higher_is_better;
	double min_effect_pct; /* the goal: less than this is no effect */
	double guard_pct;      /* a guard: more than this is a regression */
	uint64_t seed;
};

enum effect { EFFECT_UNDECIDED, EFFECT_BETTER, EFFECT_WORSE };

struct evidence {
	size_t pairs;
	double baseline, candidate; /* medians of the arms */
	double ratio;		    /* median of the pairs' ratios */
	double lo, hi;		    /* its 95 % interval */
	/*
	 * Better: lo > 1 and ratio >= 1 + min_effect.  Worse: hi < 1 and
	 * ratio <= 1 / (1 + min_effect).  Else undecided.
	 */
	enum effect effect;
	/* The candidate's median is worse than guard_pct of the baseline
	 * allows, and the interval excludes "no change". */
	bool guard_failed;
};

/* One pair.  A value that is not positive counts as the smallest there is;
 * two such values are equal. */
double evidence_ratio(bool higher_is_better, double base, double cand);

/* The smallest ratio that guard_pct allows. */
double evidence_guard_floor(const struct evidence_rule *rule);

/* n > 0 pairs.  Same seed, same result. */
void evidence_judge(const struct evidence_rule *rule, const double *base,
		    const double *cand, size_t n, struct evidence *out);

/*
 * A confirmation agrees when the median of its own fresh pairs reaches the
 * minimum effect (fresh pairs carry nothing of the luck that made this
 * candidate the winner) and old and fresh pairs together, base[0..n) with the
 * last fresh of them new, are judged better.
 */
bool evidence_confirms(const struct evidence_rule *rule, const double *base,
		       const double *cand, size_t n, size_t fresh);

/*
 * The order of the arms (0 is the baseline) in a round: A B, then B A, so
 * that two rounds are A B B A and a steady drift of the machine cancels; with
 * more arms likewise A B C, C B A.
 */
void evidence_order(size_t round, size_t arms, size_t *order);

#endif
