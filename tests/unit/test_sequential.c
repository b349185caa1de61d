/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequential pairs: errors, power and how many pairs it takes are measured on
 * thousands of made-up campaigns, with noise that has heavy tails, too.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/bootstrap.h"
#include "stats/sample.h"
#include "stats/sequential.h"

#define FRESH 3 /* pairs of a confirmation */

static double gauss(struct rng *r)
{
	double u = 1 - rng_unit(r), v = rng_unit(r);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Cauchy: not even a mean. */
static double cauchy(struct rng *r)
{
	return tan(M_PI * (rng_unit(r) - 0.5));
}

/* Quiet, but one run in ten is off by a factor of about two. */
static double spiky(struct rng *r)
{
	double x = 0.03 * gauss(r) / 0.04;

	if (rng_unit(r) < 0.1)
		x += (rng_unit(r) < 0.5 ? -1 : 1) * 0.7 / 0.04;
	return x;
}

struct campaign {
	double (*noise)(struct rng *r);
	double scale, effect;
	size_t most;
};

struct tallied {
	double accepted; /* share: decided, and fresh pairs agreed */
	double decided, futile, pairs;
	double early; /* share that ended after at most four pairs */
};

static bool confirmed(const struct campaign *k, double least, struct rng *r)
{
	double x[FRESH];

	for (size_t i = 0; i < FRESH; i++)
		x[i] = k->effect + k->scale * k->noise(r);
	return sample_median(x, FRESH) >= least;
}

static struct tallied play(const char *what, const struct campaign *k,
			   double least, int trials)
{
	struct sequential_plan p = {least, 0.05, k->most};
	struct tallied t = {0};
	struct rng r;

	rng_init(&r, 11);
	for (int i = 0; i < trials; i++) {
		double x[SEQUENTIAL_MOST];
		enum look l = LOOK_ON;
		size_t n = 0;

		while (l == LOOK_ON) {
			x[n++] = k->effect + k->scale * k->noise(&r);
			l = sequential_look(&p, x, n);
		}
		t.pairs += (double)n / trials;
		t.early += (double)(n <= 4) / trials;
		t.futile += (double)(l == LOOK_FUTILE) / trials;
		t.decided += (double)(l == LOOK_DECIDED) / trials;
		t.accepted +=
			(double)(l == LOOK_DECIDED && confirmed(k, least, &r)) /
			trials;
	}
	print_message("%-28s decided %4.1f %%, accepted %4.1f %%, futile "
		      "%4.1f %%, %.1f pairs of %zu, %.0f %% within 4\n",
		      what, 100 * t.decided, 100 * t.accepted, 100 * t.futile,
		      t.pairs, k->most, 100 * t.early);
	return t;
}

/* The least effect may be nothing at all: then only the looks protect. */
static void nulls_are_not_accepted(void **state)
{
	static const struct {
		const char *what;
		struct campaign k;
		double least;
	} rows[] = {
		{"null, 4 %", {gauss, 0.04, 0, 10}, 0.0296},
		{"null, 4 %, no least", {gauss, 0.04, 0, 10}, 0},
		{"null, 30 %", {gauss, 0.3, 0, 12}, 0.0296},
		{"null, 30 %, no least", {gauss, 0.3, 0, 12}, 0},
		{"null, Cauchy", {cauchy, 0.04, 0, 10}, 0.0296},
		{"null, Cauchy, no least", {cauchy, 0.2, 0, 12}, 0},
		{"null, spikes", {spiky, 0.04, 0, 10}, 0.0296},
		{"null, 5 pairs", {gauss, 0.2, 0, 5}, 0},
		{"null, 20 pairs, drawn", {gauss, 0.2, 0, 20}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int trials = rows[i].k.most > 14 ? 20 : 1000;
		struct tallied t =
			play(rows[i].what, &rows[i].k, rows[i].least, trials);

		assert_true(t.decided <= 0.05 + 2 * sqrt(.05 * .95 / trials));
		assert_true(t.accepted <= 0.05);
	}
}

static void effects_are_found(void **state)
{
	static const struct {
		const char *what;
		struct campaign k;
		double accepted, pairs; /* at least, at most */
	} rows[] = {
		{"30 %, noise 4 %", {gauss, 0.04, 0.26, 10}, 0.98, 5.1},
		{"10 %, noise 4 %", {gauss, 0.04, 0.095, 10}, 0.85, 6},
		{"2 times, noise 30 %", {gauss, 0.3, 0.69, 12}, 0.80, 6.5},
		{"20 %, Cauchy 2 %", {cauchy, 0.02, 0.18, 10}, 0.70, 6.5},
		{"30 %, spikes", {spiky, 0.04, 0.26, 10}, 0.65, 6.5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tallied t = play(rows[i].what, &rows[i].k, 0.0296, 400);

		assert_true(t.accepted >= rows[i].accepted);
		assert_true(t.pairs <= rows[i].pairs);
	}
}

/* Worse and equal ones cost two to four pairs. */
static void the_hopeless_end_early(void **state)
{
	static const struct campaign worse = {gauss, 0.04, -0.1, 10},
				     same = {gauss, 0.04, 0, 10};

	(void)state;
	assert_true(play("worse by 10 %", &worse, 0.0296, 400).pairs <= 2.3);
	assert_true(play("the same", &same, 0.0296, 400).early >= 0.75);
}

/* The interval of what was seen holds although it was seen so far for a
 * reason. */
static void the_interval_survives_stopping(void **state)
{
	enum { TRIALS = 150 };
	static const double effects[] = {0, 0.05, 0.2};
	const struct sequential_plan p = {0.0296, 0.05, 10};
	int hit = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 21);
	for (size_t e = 0; e < ARRAY_LEN(effects); e++)
		for (int t = 0; t < TRIALS; t++) {
			double x[SEQUENTIAL_MOST];
			enum look l = LOOK_ON;
			struct interval i;
			size_t n = 0;

			while (l == LOOK_ON) {
				x[n++] = effects[e] + 0.04 * gauss(&r);
				l = sequential_look(&p, x, n);
			}
			for (int k = 0; l == LOOK_DECIDED && k < FRESH; k++)
				x[n++] = effects[e] + 0.04 * gauss(&r);
			median_interval(x, n, (uint64_t)t, &i);
			hit += i.lo <= effects[e] && effects[e] <= i.hi;
		}
	print_message("covered %.1f %%\n", 100.0 * hit / (3 * TRIALS));
	/* Two standard errors of 450 trials are 2 points. */
	assert_true(hit >= 0.93 * 3 * TRIALS);
}

static enum look look(const double *x, size_t n, size_t most)
{
	const struct sequential_plan p = {0.0296, 0.05, most};

	return sequential_look(&p, x, n);
}

static void known_answers(void **state)
{
	static const double good[] = {.2, .21, .19, .2, .22, .2, .2},
			    late[] = {.2, -.01, .19, .2, .22, .2, .2},
			    tiny[] = {.01, .011, .012, .011, .01};

	(void)state;
	for (size_t n = 1; n < 5; n++)
		assert_int_equal(look(good, n, 10), LOOK_ON);
	assert_int_equal(look(good, 5, 10), LOOK_DECIDED);
	assert_int_equal(look(good, 5, 5), LOOK_DECIDED);
	/* One small loss among five is not 5 % any more … */
	assert_int_equal(look(late, 5, 10), LOOK_ON);
	/* … and with five at most no other pair can mend it. */
	assert_int_equal(look(late, 2, 5), LOOK_FUTILE);
	/* Sure, and not worth having. */
	assert_int_equal(look(tiny, 3, 10), LOOK_FUTILE);
	/* Fewer pairs than a decision takes. */
	assert_int_equal(look(good, 2, 3), LOOK_FUTILE);
	assert_int_equal(look(good, 3, 3), LOOK_FULL);
}

#define ROWS 40

/* How often of LIVES the largest of some rows is found; what they have in
 * common is noise, too. */
static double largest_found(double effect, size_t n)
{
	const struct sequential_plan p = {.error = 0.05, .most = n};
	enum { LIVES = 200 };
	double logs[ROWS * 16];
	struct rng r;
	size_t found = 0;

	rng_init(&r, 5);
	for (size_t life = 0; life < LIVES; life++) {
		for (size_t k = 0; k < n; k++) {
			double common = rng_unit(&r) - 0.5;

			for (size_t i = 0; i < ROWS; i++)
				logs[i * 16 + k] = common + rng_unit(&r) - 0.5 +
						   (i ? 0 : effect);
		}
		found += sequential_crossed_max(&p, logs, ROWS, 16, n);
	}
	return (double)found / LIVES;
}

static void the_largest_of_many(void **state)
{
	(void)state;
	assert_true(largest_found(0, 12) <= 0.08);
	assert_true(largest_found(0, 12) > 0);
	assert_true(largest_found(2, 12) >= 0.95);
	assert_true(largest_found(2, 8) >= 0.9);
}

/* A gain that comes late is found at the last look of the longest plan, which
 * is one like the others. */
static void last_of_the_most_pairs(void **state)
{
	const struct sequential_plan p = {.error = 0.05,
					  .most = SEQUENTIAL_MOST};
	const size_t n = SEQUENTIAL_MOST;
	bool found = false;

	(void)state;
	for (int gain = 0; gain < 100 && !found; gain++) {
		double logs[SEQUENTIAL_MOST];
		struct rng r;

		rng_init(&r, 3);
		for (size_t k = 0; k < n; k++)
			logs[k] =
				rng_unit(&r) - 0.5 + (k < 32 ? 0 : gain / 1e2);
		if (sequential_crossed_max(&p, logs, 1, n, n - 1))
			break;
		found = sequential_crossed_max(&p, logs, 1, n, n);
	}
	assert_true(found);
}

static void no_difference_is_no_win(void **state)
{
	static const double none[12] = {0};
	const struct sequential_plan p = {0, 0.05, 12};

	(void)state;
	assert_false(sequential_crossed(&p, none, 12));
	assert_int_equal(sequential_look(&p, none, 12), LOOK_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nulls_are_not_accepted),
		cmocka_unit_test(effects_are_found),
		cmocka_unit_test(the_hopeless_end_early),
		cmocka_unit_test(the_interval_survives_stopping),
		cmocka_unit_test(known_answers),
		cmocka_unit_test(the_largest_of_many),
		cmocka_unit_test(last_of_the_most_pairs),
		cmocka_unit_test(no_difference_is_no_win),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
