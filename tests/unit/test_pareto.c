/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is not outdone when several uncertain figures count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
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

static void each_end_counts(void **state)
{
	static const struct {
		struct interval a[2], b[2];
		bool clearly; /* in the first figure */
		bool dominates;
	} rows[] = {
		{{{2, 3, 4}, {1, 1, 1}}, {{0, 1, 2}, {1, 1, 1}}, true, true},
		/* Both ends have to be beyond the other's middle. */
		{{{1, 3, 4}, {1, 1, 1}}, {{0, 1, 2}, {1, 1, 1}}, false, false},
		{{{2, 3, 4}, {1, 1, 1}}, {{0, 1, 3}, {1, 1, 1}}, false, false},
		/* Better in one and clearly worse in the other. */
		{{{2, 3, 4}, {0, 0, 0}}, {{0, 1, 2}, {1, 1, 1}}, true, false},
		/* Worse in the other, though not clearly, and more so. */
		{{{2, 3, 4}, {0, 1, 9}}, {{0, 1, 2}, {0, 3, 9}}, true, false},
		{{{2, 3, 4}, {0, 1, 9}}, {{0, 1, 2}, {0, 2.9, 9}}, true, true},
		{{{1, 1, 1}, {1, 1, 1}}, {{1, 1, 1}, {1, 1, 1}}, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct interval *a = rows[i].a, *b = rows[i].b;
		struct interval both[4] = {b[0], b[1], a[0], a[1]};
		bool front[2];

		if (pareto_clearly(&a[0], &b[0]) != rows[i].clearly ||
		    pareto_dominates(a, b, 2) != rows[i].dominates)
			fail_msg("row %zu", i);
		pareto_front(both, 2, 2, front);
		assert_int_equal(front[0], !rows[i].dominates);
		assert_true(front[1]);
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
		cmocka_unit_test(each_end_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
