/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cgroups are given for what is foretold of them: always bounded. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agents/demander/demand_decide.h"
#include "base/clock.h"

#define MAX_GROUPS 8
#define TRIALS	   20000
#define CPUS_MAX   64

static const struct demand_limits four = {
	.cpus = 4,
	.min = 0.2,
	.max = 3,
	.leave = 0.4,
	.linger_s = 5,
	.pressure_pct = 10,
};

static void near(double x, double want)
{
	if (fabs(x - want) <= 1e-9)
		return;
	print_message("%g, want %g\n", x, want);
	fail();
}

static void test_divide(void **state)
{
	const double peak[] = {1, 0.1, 9, NAN, 0};
	double sure[5];

	(void)state;
	demand_divide(&four, peak, 2, sure);
	near(sure[0], 1);
	near(sure[1], 0.2);
	/* 1 + 0.2 + 3 are more than the 3.6 that there are. */
	demand_divide(&four, peak, 5, sure);
	near(sure[0], 3.6 / 4.2);
	near(sure[2], 3 * 3.6 / 4.2);
	near(sure[3], 0);
	near(sure[4], 0);
}

static void test_weight(void **state)
{
	(void)state;
	/* Half of the machine beside 100: the same weight. */
	assert_int_equal(demand_weight(&four, 2, 100, 100), 100);
	assert_int_equal(demand_weight(&four, 3, 100, 100), 300);
	assert_int_equal(demand_weight(&four, 3, 100, 500), 1500);
	/* Never below what it was, nor with nobody there to win against. */
	assert_int_equal(demand_weight(&four, 0.1, 100, 100), 100);
	assert_int_equal(demand_weight(&four, 3, 700, 100), 700);
	assert_int_equal(demand_weight(&four, 3, 100, 0), 100);
	assert_int_equal(demand_weight(&four, 0, 100, 1e6), 100);
	assert_int_equal(demand_weight(&four, NAN, 100, 1e6), 100);
	assert_int_equal(demand_weight(&four, 3.9, 100, 1e6),
			 DEMAND_WEIGHT_MAX);
	assert_int_equal(demand_weight(&four, 4, 100, 100), DEMAND_WEIGHT_MAX);
}

static void test_hint(void **state)
{
	(void)state;
	near(demand_hint_pct(0), 0);
	near(demand_hint_pct(NAN), 0);
	near(demand_hint_pct(0.3), 30);
	near(demand_hint_pct(1), 100);
	near(demand_hint_pct(2.4), 80);
}

static void test_layers(void **state)
{
	const double sure[] = {0.3, 2.1, 0, 1};
	unsigned n[4];

	(void)state;
	demand_layers(&four, sure, 2, n);
	assert_int_equal(n[0], 1);
	assert_int_equal(n[1], 2); /* one stays everybody's */
	demand_layers(&four, sure, 4, n);
	assert_int_equal(n[0] + n[1] + n[2] + n[3], 3);
	assert_int_equal(n[2], 0);
	assert_int_equal(n[1], 1);
}

/* Whatever is foretold: within the bounds, and something is left. */
static void test_bounds(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 1);
	for (int t = 0; t < TRIALS; t++) {
		size_t n = 1 + rng_below(&r, MAX_GROUPS);
		double peak[MAX_GROUPS], sure[MAX_GROUPS], sum = 0;
		unsigned count[MAX_GROUPS], all = 0;
		struct demand_limits l = four;

		l.cpus = 1 + (unsigned)rng_below(&r, CPUS_MAX);
		l.leave = l.cpus * 0.3 * rng_unit(&r);
		l.max = l.cpus * rng_unit(&r);
		l.min = l.max * rng_unit(&r);
		for (size_t i = 0; i < n; i++)
			peak[i] = rng_below(&r, 9)
					  ? 2 * l.cpus * (rng_unit(&r) - 0.2)
					  : NAN;
		demand_divide(&l, peak, n, sure);
		demand_layers(&l, sure, n, count);
		for (size_t i = 0; i < n; i++) {
			unsigned was = 1 + (unsigned)rng_below(&r, 10000);
			unsigned w = demand_weight(&l, sure[i], was,
						   1e4 * rng_unit(&r));

			assert_true(sure[i] >= 0 && sure[i] <= l.max);
			assert_true(w >= was && w <= DEMAND_WEIGHT_MAX);
			assert_true(demand_hint_pct(sure[i]) >= 0 &&
				    demand_hint_pct(sure[i]) <= 100);
			sum += sure[i];
			all += count[i];
		}
		assert_true(sum <= l.cpus - l.leave + 1e-9);
		assert_true(all < l.cpus);
	}
}

static void test_grows_at_once_shrinks_late(void **state)
{
	struct demand_hold h;

	(void)state;
	demand_hold_init(&h);
	near(demand_hold_next(&h, 0.3, 5, 0), 0.3);
	near(demand_hold_next(&h, 2, 5, 1), 2);
	/* A little more or less is nothing. */
	near(demand_hold_next(&h, 2.1, 5, 2), 2);
	near(demand_hold_next(&h, 1.9, 5, 3), 2);
	/* Less, for less long than it takes. */
	near(demand_hold_next(&h, 0.3, 5, 4), 2);
	near(demand_hold_next(&h, 0.5, 5, 8), 2);
	near(demand_hold_next(&h, 1.95, 5, 9), 2);
	near(demand_hold_next(&h, 0.3, 5, 10), 2);
	near(demand_hold_next(&h, 0.5, 5, 14.9), 2);
	/* Then the most that was wanted meanwhile. */
	near(demand_hold_next(&h, 0.3, 5, 15), 0.5);
	/* Nothing is nothing, once it is late enough. */
	near(demand_hold_next(&h, 0, 5, 16), 0.5);
	near(demand_hold_next(&h, 0, 5, 21), 0);
	near(demand_hold_next(&h, 0.05, 5, 22), 0.05);
}

static enum demand_verdict cycle(struct demand_trust *t, bool better,
				 double pressure)
{
	const struct demand_cycle c = {better, t->acts, pressure, 0};
	char why[256] = "";
	enum demand_verdict v =
		demand_trust_next(t, &four, &c, why, sizeof(why));

	assert_true(*why);
	return v;
}

static void test_trust(void **state)
{
	struct demand_trust t;

	(void)state;
	demand_trust_init(&t);
	assert_int_equal(cycle(&t, false, 20), DEMAND_WAIT);
	assert_int_equal(cycle(&t, true, 20), DEMAND_BEGIN);
	assert_int_equal(cycle(&t, true, 30), DEMAND_GO_ON);
	/* It waits more than it did, by more than ten points. */
	assert_int_equal(cycle(&t, true, 31), DEMAND_LET_GO);
	assert_false(t.acts);
	assert_int_equal(t.distrust, 2);
	/* Two good ones in a row are needed now. */
	assert_int_equal(cycle(&t, true, 20), DEMAND_WAIT);
	assert_int_equal(cycle(&t, false, 20), DEMAND_WAIT);
	assert_int_equal(cycle(&t, true, 20), DEMAND_WAIT);
	assert_int_equal(cycle(&t, true, 20), DEMAND_BEGIN);
	assert_int_equal(cycle(&t, false, 20), DEMAND_LET_GO);
	assert_int_equal(t.distrust, 4);
	assert_int_equal(t.falls, 2);
}

static void test_distrust_ends(void **state)
{
	struct demand_trust t;

	(void)state;
	demand_trust_init(&t);
	/* It never grows beyond its bound … */
	for (int i = 0; i < 1000; i++)
		cycle(&t, !t.acts, NAN);
	assert_int_equal(t.distrust, DEMAND_DISTRUST_MAX);
	/* … and what goes well for long is trusted again. */
	for (int i = 0; i < 1000; i++)
		cycle(&t, true, NAN);
	assert_true(t.acts);
	assert_int_equal(t.distrust, 1);
	assert_true(demand_trust_lost(&t));
	assert_false(t.acts);
	assert_false(demand_trust_lost(&t));
}

static void test_throttled(void **state)
{
	const struct demand_cycle c = {true, true, 0, 3};
	struct demand_trust t;
	char why[256];

	(void)state;
	demand_trust_init(&t);
	assert_int_equal(cycle(&t, true, 0), DEMAND_BEGIN);
	assert_int_equal(demand_trust_next(&t, &four, &c, why, sizeof(why)),
			 DEMAND_LET_GO);
	assert_non_null(strstr(why, "3 periods"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_divide),
		cmocka_unit_test(test_weight),
		cmocka_unit_test(test_hint),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_grows_at_once_shrinks_late),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_distrust_ends),
		cmocka_unit_test(test_throttled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
