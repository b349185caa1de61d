/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a cgroup will want: level, trend, period, and how sure that is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "learn/demand.h"

#define STEP_S	 1.0
#define AHEAD	 3
#define QUANTILE 0.9
#define TRIALS	 100

static struct demand d;

/* About normal, of standard deviation 1. */
static double noise(struct rng *r)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += rng_unit(r);
	return sum;
}

static void begin(void)
{
	demand_init(&d, STEP_S, AHEAD, QUANTILE);
}

/* 1.5 CPUs for the first of so many steps, and 0.1 else. */
static double wave(uint64_t i, double period, double on)
{
	double turn = (double)i / period;

	return (turn - floor(turn)) * period < on ? 1.5 : 0.1;
}

static void near(double x, double want, double off)
{
	if (fabs(x - want) <= off)
		return;
	print_message("%g, want %g +- %g\n", x, want, off);
	fail();
}

/* ---- readings --------------------------------------------------------- */

static void test_between(void **state)
{
	struct demand_reading a = {.at_s = 10,
				   .usage_us = 1000000,
				   .waited_us = 500000,
				   .known = true};
	struct demand_reading b = a;

	(void)state;
	b.at_s += 2;
	b.usage_us += 3000000;
	near(demand_between(&a, &b), 1.5, 1e-9);
	b.waited_us += 500000;
	near(demand_between(&a, &b), 1.75, 1e-9);
	/* It cannot have waited for longer than it took. */
	b.waited_us += 9000000;
	near(demand_between(&a, &b), 2.5, 1e-9);
	assert_true(isnan(demand_between(&b, &a)));
	b.usage_us = 5;
	assert_true(isnan(demand_between(&a, &b)));
	b = a;
	assert_true(isnan(demand_between(&a, &b)));
	b.at_s++;
	b.known = false;
	assert_true(isnan(demand_between(&a, &b)));
	assert_true(isnan(demand_between(&b, &a)));
}

/* ---- level and trend -------------------------------------------------- */

static void test_nothing_yet(void **state)
{
	double e[DEMAND_GUESSES];

	(void)state;
	begin();
	assert_true(isnan(demand_forecast(&d, 1)));
	assert_true(isnan(demand_peak(&d)));
	for (int i = 0; i < 40; i++)
		demand_add(&d, NAN);
	assert_true(isnan(demand_forecast(&d, 1)));
	assert_int_equal(demand_errors(&d, 0, e), 0);
	assert_false(demand_is_better(&d, 0));
	demand_add(&d, 0.7);
	near(demand_forecast(&d, 1), 0.7, 1e-9);
}

static void test_level_shift(void **state)
{
	struct rng r;

	(void)state;
	begin();
	rng_init(&r, 1);
	for (int i = 0; i < 200; i++)
		demand_add(&d, 1 + 0.05 * noise(&r));
	near(demand_forecast(&d, AHEAD), 1, 0.1);
	for (int i = 0; i < 200; i++)
		demand_add(&d, 3 + 0.05 * noise(&r));
	near(demand_forecast(&d, AHEAD), 3, 0.15);
	assert_true(d.period.steps <= 0);
	/* Steady noise: the last value misses by more, its mean by no more. */
	assert_false(demand_is_better(&d, 100));
}

static void test_ramp(void **state)
{
	double e[DEMAND_GUESSES];
	struct rng r;

	(void)state;
	begin();
	rng_init(&r, 2);
	for (int i = 0; i < 400; i++)
		demand_add(&d, 0.02 * i + 0.01 * noise(&r));
	assert_true(d.now.trend > 0.01 && d.now.trend < 0.03);
	assert_true(d.period.steps <= 0);
	near(demand_forecast(&d, AHEAD), 0.02 * (399 + AHEAD), 0.1);
	demand_errors(&d, 0, e);
	assert_true(e[DEMAND_MODEL] < e[DEMAND_LAST]);
	assert_true(e[DEMAND_MODEL] < e[DEMAND_MEAN]);
}

static void test_never_below_zero(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 64; i++)
		demand_add(&d, fmax(2 - 0.1 * i, 0));
	for (unsigned h = 1; h < 60; h++)
		assert_true(demand_forecast(&d, h) >= 0);
}

/* ---- periods ---------------------------------------------------------- */

static void feed_wave(uint64_t from, uint64_t n, double period, double on,
		      double sd, struct rng *r)
{
	for (uint64_t i = from; i < from + n; i++)
		demand_add(&d, fmax(wave(i, period, on) + sd * noise(r), 0));
}

static void test_square_wave(void **state)
{
	static const double periods[] = {8, 20, 20.3, 45.6, 120};
	double e[DEMAND_GUESSES];

	(void)state;
	for (size_t i = 0; i < sizeof(periods) / sizeof(*periods); i++) {
		uint64_t n = (uint64_t)(10 * periods[i]) + 64;
		struct rng r;

		begin();
		rng_init(&r, 3 + i);
		feed_wave(0, n, periods[i], periods[i] / 4, 0.1, &r);
		near(d.period.steps, periods[i], 0.02 * periods[i] + 0.1);
		assert_true(d.period.strength > 0.5);
		assert_true(demand_is_better(&d, 0));
		assert_true(demand_errors(&d, 0, e) > 8);
		print_message("%g: misses %.3f, last value %.3f, mean %.3f\n",
			      periods[i], e[DEMAND_MODEL], e[DEMAND_LAST],
			      e[DEMAND_MEAN]);
		assert_true(e[DEMAND_MODEL] < 0.9 * e[DEMAND_LAST]);
		assert_true(e[DEMAND_MODEL] < 0.5 * e[DEMAND_MEAN]);
	}
}

/* It is known before it is there. */
static void test_foretells_the_phase(void **state)
{
	struct rng r;

	(void)state;
	begin();
	rng_init(&r, 9);
	/* 30 whole waves: the next is about to begin. */
	feed_wave(0, 599, 20, 5, 0.02, &r);
	assert_true(demand_peak(&d) > 1.2);
	assert_true(demand_forecast(&d, 1) < 0.4 || demand_forecast(&d, 2) > 1);
	/* In the middle of the quiet part nothing comes. */
	feed_wave(599, 11, 20, 5, 0.02, &r);
	assert_true(demand_peak(&d) < 0.6);
	assert_true(demand_forecast(&d, 15) > 1.2);
}

/* A wave that is short beside the lead is known as well. */
static void test_far_ahead(void **state)
{
	struct rng r;

	(void)state;
	demand_init(&d, STEP_S, DEMAND_AHEAD_MAX, QUANTILE);
	rng_init(&r, 11);
	feed_wave(0, 600, 6, 2, 0.02, &r);
	near(d.period.steps, 6, 0.1);
	for (unsigned h = 1; h <= 6; h++)
		near(demand_forecast(&d, h), wave(599 + h, 6, 2), 0.3);
}

static void test_upper_covers(void **state)
{
	unsigned over = 0, all = 0;
	struct rng r;

	(void)state;
	begin();
	rng_init(&r, 10);
	feed_wave(0, 400, 20, 5, 0.2, &r);
	for (uint64_t i = 400; i < 1400; i++) {
		double peak = demand_peak(&d);
		double x = fmax(wave(i, 20, 5) + 0.2 * noise(&r), 0);

		over += x > peak;
		all++;
		demand_add(&d, x);
	}
	/* Of the highest of three: rarer than one in ten. */
	print_message("above the upper forecast: %u of %u\n", over, all);
	assert_true(over <= all / 10);
}

static unsigned false_periods(double (*next)(struct rng *r, double was))
{
	unsigned found = 0;

	for (uint64_t t = 0; t < TRIALS; t++) {
		double x = 1;
		struct rng r;

		begin();
		rng_init(&r, 1000 + t);
		for (int i = 0; i < 600; i++) {
			x = next(&r, x);
			demand_add(&d, x);
		}
		found += d.period.steps > 0;
	}
	print_message("a period is found in %u of %d\n", found, TRIALS);
	return found;
}

static double white(struct rng *r, double was)
{
	(void)was;
	return 1 + 0.2 * noise(r);
}

/* Most of what it was, and something new. */
static double wandering(struct rng *r, double was)
{
	return 1 + 0.9 * (was - 1) + 0.1 * noise(r);
}

/* Bursts that come when they like. */
static double bursty(struct rng *r, double was)
{
	if (rng_below(r, 8))
		return was;
	return rng_below(r, 3) ? 0.1 : 1.5;
}

static void test_no_false_period(void **state)
{
	(void)state;
	assert_true(false_periods(white) <= 5);
	assert_true(false_periods(wandering) <= 5);
	assert_true(false_periods(bursty) <= 5);
}

/* What wanders without end has no level to come back to. */
static double lost(struct rng *r, double was)
{
	return was + 0.1 * noise(r);
}

static void test_random_walk(void **state)
{
	(void)state;
	assert_true(false_periods(lost) <= 15);
}

static void test_period_changes(void **state)
{
	struct rng r;

	(void)state;
	begin();
	rng_init(&r, 12);
	feed_wave(0, 400, 20, 5, 0.05, &r);
	near(d.period.steps, 20, 0.5);
	feed_wave(0, 700, 33, 8, 0.05, &r);
	near(d.period.steps, 33, 1);
	assert_true(demand_is_better(&d, 0));
	/* And is over. */
	for (int i = 0; i < 400; i++)
		demand_add(&d, 0.5 + 0.1 * noise(&r));
	assert_true(d.period.steps <= 0);
	assert_false(demand_is_better(&d, 64));
}

/* One cycle does not come. */
static void test_spoilt_cycle(void **state)
{
	struct rng r;

	(void)state;
	begin();
	rng_init(&r, 14);
	feed_wave(0, 400, 20, 5, 0.1, &r);
	near(d.period.steps, 20, 0.5);
	for (int i = 0; i < 20; i++)
		demand_add(&d, 0.8);
	feed_wave(420, 200, 20, 5, 0.1, &r);
	near(d.period.steps, 20, 0.5);
	assert_true(d.since < 200);
}

/* ---- what is missing -------------------------------------------------- */

static void test_missing(void **state)
{
	struct rng r;

	(void)state;
	begin();
	rng_init(&r, 13);
	for (uint64_t i = 0; i < 500; i++) {
		double x = wave(i, 20, 5) + 0.05 * noise(&r);

		demand_add(&d, rng_below(&r, 5) ? fmax(x, 0) : NAN);
	}
	near(d.period.steps, 20, 0.5);
	assert_true(demand_is_better(&d, 0));
	/* Two waves are not seen at all: the phase is kept. */
	for (int i = 0; i < 47; i++)
		demand_add(&d, NAN);
	assert_false(isnan(demand_forecast(&d, 1)));
	for (unsigned h = 1; h <= 20; h++)
		near(demand_forecast(&d, h), wave(546 + h, 20, 5), 0.4);
}

static void test_constant(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 500; i++)
		demand_add(&d, 0);
	assert_true(d.period.steps <= 0);
	near(demand_peak(&d), 0, 1e-9);
	assert_false(demand_is_better(&d, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_nothing_yet),
		cmocka_unit_test(test_level_shift),
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_never_below_zero),
		cmocka_unit_test(test_square_wave),
		cmocka_unit_test(test_foretells_the_phase),
		cmocka_unit_test(test_far_ahead),
		cmocka_unit_test(test_upper_covers),
		cmocka_unit_test(test_no_false_period),
		cmocka_unit_test(test_random_walk),
		cmocka_unit_test(test_period_changes),
		cmocka_unit_test(test_spoilt_cycle),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
