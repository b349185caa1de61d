/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Order statistics and intervals; the coverage is measured, not believed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Every quantile is on the line between its two neighbours. */
static void quantiles_lie_between_neighbours(void **state)
{
	static const double x[] = {-3, -3, 0, 1, 8, 8.5, 20};

	(void)state;
	for (size_t n = 1; n <= ARRAY_LEN(x); n++) {
		for (size_t i = 0; i < n; i++)
			for (int part = 0; part < 4; part++) {
				double to = i + 1 < n ? x[i + 1] : x[i], q;

				q = n > 1 ? ((double)i + part / 4.0) /
						    (double)(n - 1)
					  : part / 4.0;
				if (q > 1)
					continue;
				assert_true(fabs(sample_quantile(x, n, q) -
						 (x[i] + (to - x[i]) * part /
								 4)) < 1e-9);
			}
	}
}

static void sorted_whatever_the_order(void **state)
{
	static const double want[] = {-2, -1, 0, 0, 3};

	(void)state;
	sample_sort(NULL, 0);
	/* Every permutation, by where each value goes. */
	for (unsigned code = 0; code < 120; code++) {
		double x[5];
		bool taken[5] = {false};
		unsigned left = code;

		for (unsigned i = 0; i < 5; i++) {
			unsigned skip = left % (5 - i), at = 0;

			for (left /= 5 - i; taken[at] || skip; at++)
				skip -= !taken[at];
			taken[at] = true;
			x[at] = want[i];
		}
		assert_true(sample_median(x, 5) == 0);
		assert_true(fabs(sample_mean(x, 5)) < 1e-12);
		assert_true(fabs(sample_sd(x, 5) - sqrt(14.0 / 4)) < 1e-12);
		sample_sort(x, 5);
		assert_memory_equal(x, want, sizeof(x));
	}
	assert_true(fabs(sample_sd(want, 2) - sqrt(0.5)) < 1e-12);
	assert_true(sample_mean(want, 1) == -2);
}

/* 1 to n; of those the interval can be told beforehand. */
static void one_to(double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (double)((i + n / 2) % n + 1);
}

static void near(double x, double want)
{
	if (fabs(x - want) > 1e-6 * fmax(1, fabs(want)))
		fail_msg("%.9g is not %.9g", x, want);
}

/* The median of n draws out of 1 to n is one of the middle ones; how often
 * which is binomial. */
static void percentiles_of_resamples(void **state)
{
	double x[15];
	struct interval i;

	(void)state;
	one_to(x, 2);
	bootstrap_median(x, 2, 5, &i);
	assert_true(i.lo == 1 && i.mid == 1.5 && i.hi == 2);
	one_to(x, 7);
	bootstrap_median(x, 7, 5, &i);
	assert_true(i.lo == 2 && i.mid == 4 && i.hi == 6);
	/* P(more than 7 of 15 are at most 4) = 1.7 %, at most 5: 8.8 %. */
	one_to(x, 15);
	bootstrap_median(x, 15, 5, &i);
	assert_true(i.lo == 5 && i.mid == 8 && i.hi == 11);
}

/* Both sums of Pascal's triangle's rows, in whole numbers. */
static double tails(size_t n, size_t k)
{
	double row[64] = {1}, sum = 0;

	for (size_t r = 1; r <= n; r++)
		for (size_t i = r; i > 0; i--)
			row[i] += row[i - 1];
	for (size_t i = 0; i < k; i++)
		sum += row[i] + row[n - i];
	return sum / pow(2, (double)n);
}

/* Hettmansperger and Sheather 1986, from 1 to n: the lower end is k + w. */
static void intervals_from_order_statistics(void **state)
{
	double x[40];

	(void)state;
	for (size_t n = 6; n <= ARRAY_LEN(x); n++) {
		struct interval i, plain;
		double part, w, lo;
		size_t k = 1;

		while (tails(n, k + 1) <= 0.05)
			k++;
		part = (0.05 - tails(n, k)) / (tails(n, k + 1) - tails(n, k));
		w = (double)(n - k) * part /
		    ((double)k + (double)(n - 2 * k) * part);
		lo = (double)k + w;
		one_to(x, n);
		bootstrap_median(x, n, 3, &plain);
		median_interval(x, n, 3, &i);
		near(i.lo, fmin(lo, plain.lo));
		near(i.hi, fmax((double)n + 1 - lo, plain.hi));
		near(i.mid, ((double)n + 1) / 2);
		/* Most of the time it is the wider one. */
		assert_true(lo < plain.lo + 1 && lo > plain.lo - 1);
	}
}

/* Student's t by the tables; then never narrower than the extremes. */
static void intervals_of_five_and_fewer(void **state)
{
	static const struct {
		double x[5];
		size_t n;
		double half;
	} rows[] = {
		{{1, 3}, 2, 12.706},
		{{2, 1, 3}, 3, 4.303 / 1.7320508076},
		{{4, 1, 2, 3}, 4, 3.182 * 1.2909944487 / 2},
		{{4, 1, 5, 2, 3}, 5, 2.776 * 1.5811388301 / 2.2360679775},
	};
	static const double far[] = {0, 0, 0, 0, 100};
	struct interval i;

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		double mean = ((double)rows[r].n + 1) / 2;

		if (!r)
			mean = 2;
		median_interval(rows[r].x, rows[r].n, 1, &i);
		near(i.lo, fmin(mean - rows[r].half, 1));
		near(i.hi, fmax(mean + rows[r].half, (double)rows[r].n));
	}
	median_interval(far, 5, 1, &i);
	near(i.lo, 20 - 2.776 * 20);
	assert_true(i.hi == 100);
}

/* With so many, nothing is widened any more. */
static void a_thousand_and_one(void **state)
{
	double *x = mem_zalloc(1001, sizeof(*x));
	struct interval plain, wide;

	(void)state;
	one_to(x, 1000);
	bootstrap_median(x, 1000, 1, &plain);
	median_interval(x, 1000, 1, &wide);
	assert_true(wide.lo <= plain.lo && wide.hi >= plain.hi);
	/* Half of 1000 draws, give or take 1.96 times 15.8. */
	assert_true(fabs(wide.lo - 469.5) < 3 && fabs(wide.hi - 531.5) < 3);
	one_to(x, 1001);
	bootstrap_median(x, 1001, 1, &plain);
	median_interval(x, 1001, 1, &wide);
	assert_memory_equal(&plain, &wide, sizeof(wide));
	assert_true(fabs(wide.lo - 470) < 4 && fabs(wide.hi - 532) < 4);
	free(x);
}

/* One of the three varies: its own order statistics come through. */
static void gaps_vary_with_each(void **state)
{
	static const double seven[] = {5, 1, 3, 7, 2, 6, 4},
			    fours[] = {4, 4, 4, 4, 4, 4, 4},
			    hundred[] = {100, 100, 100}, none[] = {0};
	double low[7], part;
	struct interval i;

	(void)state;
	/* Of 100 down to 0 each unit is a hundredth; 7 has the second and the
	 * sixth, widened by 1/10 of the way (93.75 % and 98.4 %, see above). */
	for (size_t k = 0; k < 7; k++)
		low[k] = 100;
	part = (0.05 - 2.0 / 128) / (14.0 / 128);
	part = 6 * part / (1 + 5 * part);
	assert_int_equal(gap_interval(low, seven, 7, none, 1, false, 1, &i), 0);
	near(i.mid, 96);
	near(i.lo, 100 - (7 - part));
	near(i.hi, 100 - (1 + part));
	/* Upwards, from 4 towards 100: 4 is 0 %. */
	assert_int_equal(gap_interval(fours, seven, 7, hundred, 3, true, 1, &i),
			 0);
	near(i.mid, 0);
	near(i.lo, 100 * (1 + part - 4) / 96);
	near(i.hi, 100 * (7 - part - 4) / 96);
	/* Only the bound: 100 down to 4, with bounds of 1 to 7. */
	assert_int_equal(gap_interval(low, fours, 7, seven, 7, false, 1, &i),
			 0);
	near(i.mid, 100);
	near(i.lo, 100.0 * 96 / 98);
	near(i.hi, 100.0 * 96 / 94);
}

/* A resample of the bound may lie on the base: that is no gap at all, and
 * pairs stay pairs. */
static void gaps_without_room(void **state)
{
	static const double ten[] = {10, 10, 10}, eight[] = {8, 8, 8},
			    bound[] = {6, 6, 6, 10, 10};
	static const double base[] = {10, 20, 30, 40, 50},
			    half[] = {5, 10, 15, 20, 25}, none[] = {0, 0};
	struct interval i;

	(void)state;
	assert_int_equal(gap_interval(ten, eight, 3, bound, 5, false, 1, &i),
			 0);
	assert_true(i.lo == 0 && i.mid == 50 && i.hi == 50);
	/* Each pair is half of the way, so the medians of pairs are, too;
	 * the single gaps are against 30: 16.7 to 83.3 %. */
	assert_int_equal(gap_interval(base, half, 5, none, 2, false, 1, &i), 0);
	near(i.mid, 50);
	near(i.lo, 100.0 / 6);
	near(i.hi, 500.0 / 6);
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
		cmocka_unit_test(quantiles_lie_between_neighbours),
		cmocka_unit_test(sorted_whatever_the_order),
		cmocka_unit_test(percentiles_of_resamples),
		cmocka_unit_test(intervals_from_order_statistics),
		cmocka_unit_test(intervals_of_five_and_fewer),
		cmocka_unit_test(a_thousand_and_one),
		cmocka_unit_test(gaps_vary_with_each),
		cmocka_unit_test(gaps_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
