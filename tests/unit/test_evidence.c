/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The evidence rules: what is believed and what is not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/evidence.h"

enum { PAIRS = 5, FRESH = 3, TRIALS = 400 };

static const struct evidence_rule goal = {
	.min_effect_pct = 3, .guard_pct = 10, .seed = 1};

static double gauss(struct rng *r)
{
	double u = 1 - rng_unit(r), v = rng_unit(r);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Pairs of a lower-is-better metric: noise of 3 % on each run, a machine
 * that gets slower all the time, arms in the order of evidence_order(). */
static void measure(struct rng *r, double effect, double *base, double *cand,
		    size_t n)
{
	double machine = 1;

	for (size_t i = 0; i < n; i++) {
		size_t order[2];

		evidence_order(i, 2, order);
		for (int k = 0; k < 2; k++) {
			double s = 10 * machine * exp(0.03 * gauss(r));

			machine *= 1.002;
			if (order[k] == 0)
				base[i] = s;
			else
				cand[i] = s / effect;
		}
	}
}

static bool accepts(struct rng *r, double effect)
{
	double base[PAIRS + FRESH], cand[PAIRS + FRESH];
	struct evidence e;

	measure(r, effect, base, cand, PAIRS + FRESH);
	evidence_judge(&goal, base, cand, PAIRS, &e);
	return e.effect == EFFECT_BETTER &&
	       evidence_confirms(&goal, base, cand, PAIRS + FRESH, FRESH);
}

static double share_accepted(double effect, uint64_t seed)
{
	struct rng r;
	int n = 0;

	rng_init(&r, seed);
	for (int t = 0; t < TRIALS; t++)
		n += accepts(&r, effect);
	return (double)n / TRIALS;
}

static void noise_is_not_accepted(void **state)
{
	double share = share_accepted(1, 11);

	(void)state;
	print_message("noise alone accepted: %.2f %%\n", 100 * share);
	assert_true(share <= 0.05);
}

/* Even without a confirmation run. */
static void noise_rarely_looks_better(void **state)
{
	double base[PAIRS], cand[PAIRS];
	struct evidence e;
	struct rng r;
	int n = 0;

	(void)state;
	rng_init(&r, 12);
	for (int t = 0; t < TRIALS; t++) {
		measure(&r, 1, base, cand, PAIRS);
		evidence_judge(&goal, base, cand, PAIRS, &e);
		n += e.effect == EFFECT_BETTER;
	}
	print_message("noise alone looked better: %.2f %%\n",
		      100.0 * n / TRIALS);
	assert_true((double)n / TRIALS <= 0.05);
}

static void true_effect_is_found(void **state)
{
	double ten = share_accepted(1.10, 13), twenty = share_accepted(1.2, 14);

	(void)state;
	print_message("found: 10 %% effect %.1f %%, 20 %% effect %.1f %%\n",
		      100 * ten, 100 * twenty);
	assert_true(ten >= 0.75);
	assert_true(twenty >= 0.99);
}

static void regression_is_worse(void **state)
{
	double base[] = {10, 10.1, 9.9, 10, 10.2};
	double cand[] = {12, 12.2, 11.9, 12.1, 12};
	struct evidence e;

	(void)state;
	evidence_judge(&goal, base, cand, 5, &e);
	assert_int_equal(e.effect, EFFECT_WORSE);
	assert_true(e.guard_failed);
	assert_true(e.ratio < 1 && e.hi < 1);
}

/* 15 % worse, but so noisy that it may be nothing: no reason to fail. */
static void noisy_guard_does_not_fail(void **state)
{
	double base[] = {10, 15, 8, 10, 12};
	double cand[] = {11.5, 9, 16, 12, 14};
	struct evidence e;

	(void)state;
	evidence_judge(&goal, base, cand, 5, &e);
	assert_false(e.guard_failed);
	assert_int_equal(e.effect, EFFECT_UNDECIDED);
}

/* Certain, but within the bound. */
static void guard_bound_is_the_users(void **state)
{
	struct evidence_rule rule = {
		.higher_is_better = true, .guard_pct = 10, .seed = 1};
	double base[] = {100, 101, 99, 100, 102};
	double cand[] = {94, 95, 93, 94, 96};
	struct evidence e;

	(void)state;
	evidence_judge(&rule, base, cand, 5, &e);
	assert_false(e.guard_failed);
	assert_true(e.hi < 1);
	rule.guard_pct = 5;
	evidence_judge(&rule, base, cand, 5, &e);
	assert_true(e.guard_failed);
}

static void direction_of_the_metric(void **state)
{
	(void)state;
	assert_true(evidence_ratio(false, 10, 5) == 2);
	assert_true(evidence_ratio(true, 10, 20) == 2);
	assert_true(evidence_ratio(true, 10, 5) == 0.5);
	assert_true(evidence_ratio(false, 0, 0) == 1);
	assert_true(evidence_ratio(false, 1, 0) == RATIO_MAX);
	assert_true(evidence_ratio(false, 0, 1) == 1 / RATIO_MAX);
	assert_true(evidence_ratio(true, 0, 1) == RATIO_MAX);
}

static void one_pair_decides_nothing(void **state)
{
	double base = 10, cand = 1;
	struct evidence e;

	(void)state;
	evidence_judge(&goal, &base, &cand, 1, &e);
	assert_int_equal(e.effect, EFFECT_UNDECIDED);
	assert_false(e.guard_failed);
	assert_true(e.lo == 1 / RATIO_MAX && e.hi == RATIO_MAX);
	assert_true(fabs(e.ratio - 10) < 1e-9);
}

/* The candidate reached zero: better without end, and said so exactly. */
static void zero_is_the_end_of_the_scale(void **state)
{
	double base[] = {31, 34, 31, 34, 33}, cand[] = {1, 1, 0, 0, 1};
	struct evidence e;

	(void)state;
	evidence_judge(&goal, base, cand, 5, &e);
	assert_int_equal(e.effect, EFFECT_BETTER);
	assert_true(e.hi == RATIO_MAX && e.lo > 1);
}

static void confirmation_must_stand_alone(void **state)
{
	/* Five lucky pairs, three sober ones. */
	double base[] = {10, 10, 10, 10, 10, 10, 10, 10};
	double cand[] = {8, 8.1, 7.9, 8, 8, 9.9, 10, 9.8};
	double good[] = {8, 8.1, 7.9, 8, 8, 8.2, 8, 7.8};

	(void)state;
	assert_false(evidence_confirms(&goal, base, cand, 8, 3));
	assert_true(evidence_confirms(&goal, base, good, 8, 3));
	assert_false(evidence_confirms(&goal, base, good, 8, 0));
}

static void arms_are_mirrored(void **state)
{
	size_t seen[8], order[3];

	(void)state;
	for (size_t round = 0; round < 4; round++)
		evidence_order(round, 2, &seen[2 * round]);
	for (size_t i = 0; i < 8; i++) {
		static const size_t abba[] = {0, 1, 1, 0, 0, 1, 1, 0};

		assert_int_equal(seen[i], abba[i]);
	}
	evidence_order(1, 3, order);
	assert_int_equal(order[0], 2);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 0);
}

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * (1 + fabs(a));
}

/* ---- verdicts at their edges --------------------------------------------- */

static void verdicts_at_their_edges(void **state)
{
	/* All pairs alike: the interval is a point. */
	static const struct {
		double ratio, effect, guard;
		enum effect is;
		bool failed;
	} rows[] = {
		{1.25, 25, 0, EFFECT_BETTER, false},
		{1.25, 25.001, 0, EFFECT_UNDECIDED, false},
		{0.8, 25, 0, EFFECT_WORSE, true},
		{0.8, 25.001, 0, EFFECT_UNDECIDED, true},
		{0.8, 25, 24.999, EFFECT_WORSE, true},
		{0.8, 25, 25.001, EFFECT_WORSE, false},
		{1, 0, 0, EFFECT_UNDECIDED, false},
		{1.001, 0, 0, EFFECT_BETTER, false},
		{0.999, 0, 0, EFFECT_WORSE, true},
	};
	double base[6], cand[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct evidence_rule rule = {.min_effect_pct = rows[i].effect,
					     .guard_pct = rows[i].guard};
		struct evidence e;

		for (size_t k = 0; k < 6; k++) {
			base[k] = rows[i].ratio * 8;
			cand[k] = 8;
		}
		evidence_judge(&rule, base, cand, 6, &e);
		if (e.effect != rows[i].is || e.guard_failed != rows[i].failed)
			fail_msg("row %zu: %d, %d", i, e.effect,
				 e.guard_failed);
		assert_int_equal(e.pairs, 6);
		assert_true(near(e.baseline, rows[i].ratio * 8));
		assert_true(near(e.candidate, 8));
		assert_true(near(e.ratio, rows[i].ratio));
		assert_true(near(e.lo, e.ratio) && near(e.hi, e.ratio));
		assert_true(near(evidence_guard_floor(&rule),
				 1 / (1 + rows[i].guard / 100)));
		rule.higher_is_better = true;
		assert_true(near(evidence_guard_floor(&rule),
				 1 - rows[i].guard / 100));
	}
}

static void ratios_at_their_edges(void **state)
{
	static const struct {
		double base, cand, lower; /* … is better */
	} rows[] = {
		{2, 4, 0.5},	 {4, 2, 2},    {1, 1e6, 1e-6}, {1, 2e6, 1e-6},
		{2e6, 1, 1e6},	 {0, 1, 1e-6}, {1, 0, 1e6},    {0, 0, 1},
		{-1, 0, 1},	 {0, -1, 1},   {-1, 1, 1e-6},  {1, -1, 1e6},
		{1e-9, 1e-9, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!near(evidence_ratio(false, rows[i].base, rows[i].cand),
			  rows[i].lower) ||
		    !near(evidence_ratio(true, rows[i].cand, rows[i].base),
			  rows[i].lower))
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_is_not_accepted),
		cmocka_unit_test(noise_rarely_looks_better),
		cmocka_unit_test(true_effect_is_found),
		cmocka_unit_test(regression_is_worse),
		cmocka_unit_test(noisy_guard_does_not_fail),
		cmocka_unit_test(guard_bound_is_the_users),
		cmocka_unit_test(direction_of_the_metric),
		cmocka_unit_test(one_pair_decides_nothing),
		cmocka_unit_test(zero_is_the_end_of_the_scale),
		cmocka_unit_test(confirmation_must_stand_alone),
		cmocka_unit_test(arms_are_mirrored),
		cmocka_unit_test(verdicts_at_their_edges),
		cmocka_unit_test(ratios_at_their_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
