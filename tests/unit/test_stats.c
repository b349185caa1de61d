/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Order statistics and intervals; the coverage is measured, not believed. */
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

/* Box and Muller. */
static double gauss(struct rng *r)
{
	double u = 1 - rng_unit(r), v = rng_unit(r);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static void quantiles(void **state)
{
	double x[] = {5, 1, 4, 2, 3};

	(void)state;
	assert_true(sample_median(x, 5) == 3);
	assert_true(x[0] == 5);
	sample_sort(x, 5);
	assert_true(sample_quantile(x, 5, 0) == 1);
	assert_true(sample_quantile(x, 5, 1) == 5);
	assert_true(sample_quantile(x, 5, 0.25) == 2);
	assert_true(sample_median(x, 4) == 2.5);
	assert_true(sample_median(x, 1) == 1);
	assert_true(sample_quantile(x, 1, 0.99) == 1);
	assert_true(sample_mean(x, 5) == 3);
	assert_true(fabs(sample_sd(x, 5) - sqrt(2.5)) < 1e-12);
	assert_true(sample_sd(x, 1) == 0);
}

static void same_seed_same_interval(void **state)
{
	double x[] = {1.1, 1.3, 0.9, 1.2, 1.25, 1.05, 1.15};
	struct interval a, b;

	(void)state;
	bootstrap_median(x, 7, 42, &a);
	bootstrap_median(x, 7, 42, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(a.mid == 1.15);
	assert_true(a.lo >= 0.9 && a.lo < a.mid && a.hi > a.mid && a.hi <= 1.3);
}

static void constant_sample_has_no_width(void **state)
{
	double x[] = {2, 2, 2, 2, 2, 2};
	struct interval i;

	(void)state;
	for (size_t n = 2; n <= 6; n++) {
		median_interval(x, n, 1, &i);
		assert_true(i.lo == 2 && i.mid == 2 && i.hi == 2);
	}
}

static void one_number_says_nothing(void **state)
{
	double x = 1.5;
	struct interval i;

	(void)state;
	median_interval(&x, 1, 1, &i);
	assert_true(i.mid == 1.5 && isinf(i.lo) && isinf(i.hi));
}

/* Half a page of the sign test's table, n = 8 at 95 %: between the extremes
 * and the second ones (99.2 and 93.0 %). */
static void order_statistics_are_interpolated(void **state)
{
	double x[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct interval i;

	(void)state;
	median_interval(x, 8, 1, &i);
	assert_true(i.lo > 1 && i.lo <= 2);
	assert_true(i.hi < 8 && i.hi >= 7);
}

/* The share of trials whose interval holds the true median, of noise that
 * draws: log-normal seen as logarithms, or skewed. */
static double coverage(size_t n, bool skewed,
		       void (*interval)(const double *, size_t, uint64_t,
					struct interval *))
{
	enum { TRIALS = 600 };
	struct rng r;
	double x[32];
	int hit = 0;

	rng_init(&r, 1000 + n);
	for (int t = 0; t < TRIALS; t++) {
		struct interval i;

		for (size_t k = 0; k < n; k++) {
			double g = gauss(&r);

			x[k] = skewed ? exp(g) - 1 : 0.04 * g;
		}
		interval(x, n, (uint64_t)t, &i);
		hit += i.lo <= 0 && 0 <= i.hi;
	}
	return (double)hit / TRIALS;
}

static void coverage_is_what_it_says(void **state)
{
	static const size_t sizes[] = {3, 5, 6, 8, 15};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		size_t n = sizes[i];
		double wide = coverage(n, false, median_interval);
		double skew = coverage(n, true, median_interval);

		print_message("n=%zu: covered %.1f %%, skewed %.1f %%\n", n,
			      100 * wide, 100 * skew);
		/* 600 trials: two standard errors are 1.8 points. */
		assert_true(wide >= 0.932);
		assert_true(n < 5 || skew >= 0.925);
	}
	/* The reason for widening. */
	assert_true(coverage(7, false, bootstrap_median) < 0.92);
}

static void gap_of_half(void **state)
{
	double base[] = {10, 10.2, 9.9, 10.1, 10};
	double cand[] = {8, 8.1, 7.9, 8.1, 8};
	double bound[] = {6, 6.1, 5.9};
	struct interval i;

	(void)state;
	assert_int_equal(gap_interval(base, cand, 5, bound, 3, false, 1, &i),
			 0);
	assert_true(fabs(i.mid - 50) < 1);
	assert_true(i.lo < i.mid && i.hi > i.mid && i.lo > 40 && i.hi < 60);
	/* Upwards: 10 of at most 14 became 13. */
	double up[] = {13, 13, 13, 13, 13}, most[] = {14, 14, 14};
	double ten[] = {10, 10, 10, 10, 10};

	assert_int_equal(gap_interval(ten, up, 5, most, 3, true, 1, &i), 0);
	assert_true(i.lo == 75 && i.mid == 75 && i.hi == 75);
}

static void no_gap_is_an_error(void **state)
{
	double base[] = {10, 10, 10}, bound[] = {11, 11, 11};
	struct interval i;

	(void)state;
	assert_true(gap_interval(base, base, 3, bound, 3, false, 1, &i) < 0);
	assert_true(gap_interval(base, base, 3, bound, 3, true, 1, &i) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles),
		cmocka_unit_test(same_seed_same_interval),
		cmocka_unit_test(constant_sample_has_no_width),
		cmocka_unit_test(one_number_says_nothing),
		cmocka_unit_test(order_statistics_are_interpolated),
		cmocka_unit_test(coverage_is_what_it_says),
		cmocka_unit_test(gap_of_half),
		cmocka_unit_test(no_gap_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
