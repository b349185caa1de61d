/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is not outdone when several uncertain figures count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/pareto.h"

static struct interval around(double mid, double half)
{
	return (struct interval){mid - half, mid, mid + half};
}

static void a_clear_trade_leaves_both(void **state)
{
	const struct interval rows[] = {around(2, 0.1), around(0.5, 0.1),
					around(1, 0.1), around(1, 0.1)};
	bool front[2];

	(void)state;
	pareto_front(rows, 2, 2, front);
	assert_true(front[0] && front[1]);
}

static void worse_in_all_is_outdone(void **state)
{
	const struct interval rows[] = {around(2, 0.1), around(1, 0.1),
					around(1, 0.1), around(0.5, 0.1),
					around(2, 0.1), around(0.7, 0.1)};
	bool front[3];

	(void)state;
	pareto_front(rows, 3, 2, front);
	assert_true(front[0] && !front[1] && !front[2]);
}

/* A figure that is better by noise alone saves nobody. */
static void noise_is_no_merit(void **state)
{
	const struct interval rows[] = {around(2, 0.1), around(1, 0.3),
					around(1, 0.1), around(1.05, 0.3)};
	bool front[2];

	(void)state;
	pareto_front(rows, 2, 2, front);
	assert_true(front[0] && !front[1]);
	assert_false(pareto_clearly(&rows[3], &rows[1]));
}

static void nothing_clear_outdoes_nobody(void **state)
{
	const struct interval rows[] = {around(2, 2), around(1, 2),
					around(1, 2), around(0.5, 2)};
	bool front[2];

	(void)state;
	pareto_front(rows, 2, 2, front);
	assert_true(front[0] && front[1]);
}

static void somebody_always_remains(void **state)
{
	struct interval rows[8 * 3];
	struct rng r;

	(void)state;
	rng_init(&r, 5);
	for (int t = 0; t < 20000; t++) {
		bool front[8], any = false;

		for (size_t i = 0; i < 24; i++)
			rows[i] = around(rng_unit(&r), rng_unit(&r) / 2);
		pareto_front(rows, 8, 3, front);
		for (size_t i = 0; i < 8; i++)
			any |= front[i];
		assert_true(any);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clear_trade_leaves_both),
		cmocka_unit_test(worse_in_all_is_outdone),
		cmocka_unit_test(noise_is_no_merit),
		cmocka_unit_test(nothing_clear_outdoes_nobody),
		cmocka_unit_test(somebody_always_remains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
