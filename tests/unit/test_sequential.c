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
		int trials = rows[i].k.most > 14 ? 60 : 1500;
		struct tallied t =
			play(rows[i].what, &rows[i].k, rows[i].least, trials);

		assert_true(t.decided <= 0.05 + 2 * sqrt(.05 * .95 / trials));
		assert_true(t.accepted <= 0.05);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nulls_are_not_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
