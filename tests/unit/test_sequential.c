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
#include <stdlib.h>
#include <string.h>

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

/* ---- a second way, by the papers and not by the code ------------------- */

#define EVERY 9 /* pairs whose ways are all written down here */

/* The part of the error that looks up to the n-th may spend. */
static double spends(size_t n, size_t most)
{
	if (n >= most)
		return 0.05;
	return 0.05 * (0.65 + 0.35 * ((double)n - 5) / ((double)most - 5));
}

static int by_size(const void *a, const void *b)
{
	double x = fabs(*(const double *)a), y = fabs(*(const double *)b);

	return (x > y) - (x < y);
}

/* The sum of the mean ranks of those whose sign is +. */
static double wilcoxon(const double *logs, size_t n, unsigned way)
{
	double sorted[EVERY], sum = 0;

	memcpy(sorted, logs, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_size);
	for (size_t i = 0; i < n; i++) {
		size_t from = 0, to;

		if (!(way >> i & 1))
			continue;
		while (fabs(sorted[from]) != fabs(logs[i]))
			from++;
		to = from;
		while (to + 1 < n && fabs(sorted[to + 1]) == fabs(logs[i]))
			to++;
		sum += (double)(from + to) / 2 + 1;
	}
	return sum;
}

/* Of what is not over yet the largest go, as long as what is over then is no
 * more than may be; equal ones go together. */
static void take_largest(const double *of, bool *over, size_t ways, double may)
{
	for (;;) {
		double top = -INFINITY;
		size_t gone = 0;

		for (size_t w = 0; w < ways; w++)
			if (!over[w])
				top = fmax(top, of[w]);
		for (size_t w = 0; w < ways; w++)
			gone += over[w] || of[w] >= top - 1e-9 * fabs(top);
		if (isinf(top) || (double)gone > may * (double)ways + 1e-6)
			return;
		for (size_t w = 0; w < ways; w++)
			over[w] |= of[w] >= top - 1e-9 * fabs(top);
	}
}

static bool crosses(const double *logs, size_t n, size_t most)
{
	bool over[1 << EVERY] = {false};
	double sum[1 << EVERY];
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++)
		seen |= (unsigned)(logs[i] > 0) << i;
	for (size_t k = 5; k <= n; k++) {
		for (unsigned w = 0; w < 1u << n; w++)
			sum[w] = wilcoxon(logs, k, w);
		take_largest(sum, over, (size_t)1 << n, spends(k, most));
		if (over[seen])
			return true;
	}
	return false;
}

/* Sizes drawn from few, so that there are ties and nothings. */
static void looks_are_counted_out(void **state)
{
	size_t yes = 0, all = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	for (size_t n = 1; n <= EVERY; n++)
		for (size_t most = n < 5 ? 5 : n; most <= n + 3; most++)
			for (int t = 0; t < (n < 5 ? 5 : 30); t++) {
				struct sequential_plan p = {0, 0.05, most};
				double logs[EVERY];
				bool want;

				for (size_t i = 0; i < n; i++)
					logs[i] = floor(rng_unit(&r) * 8 - 1);
				want = crosses(logs, n, most);
				assert_int_equal(
					sequential_crossed(&p, logs, n), want);
				yes += want;
				all++;
			}
	assert_true(yes > all / 10 && yes < all * 9 / 10);
}

/* Residuals of a row that have the variance of its own. */
static double rest_of(const double *row, size_t n, size_t at)
{
	double mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += row[i] / (double)n;
	return (row[at] - mean) / sqrt(1 - 1 / (double)n);
}

static bool largest_crosses(const double *logs, size_t rows, size_t stride,
			    size_t n, size_t most)
{
	/* One more way: the one that was seen. */
	bool over[1 << EVERY] = {false};
	double sum[1 << EVERY];

	for (size_t k = 5; k <= n; k++) {
		double seen = -INFINITY, least = INFINITY;

		for (unsigned w = 0; w < 1u << n; w++) {
			sum[w] = -INFINITY;
			for (size_t r = 0; r < rows; r++) {
				const double *row = logs + r * stride;
				double x = 0;

				for (size_t i = 0; i < k; i++)
					x += rest_of(row, k, i) *
					     (w >> i & 1 ? 1 : -1);
				sum[w] = fmax(sum[w], x);
			}
		}
		for (size_t r = 0; r < rows; r++) {
			double x = 0;

			for (size_t i = 0; i < k; i++)
				x += logs[r * stride + i];
			seen = fmax(seen, x);
		}
		bool before[1 << EVERY];

		memcpy(before, over, sizeof(over));
		take_largest(sum, over, (size_t)1 << n, spends(k, most));
		for (unsigned w = 0; w < 1u << n; w++)
			if (over[w] && !before[w])
				least = fmin(least, sum[w]);
		if (seen >= least - 1e-9 * fabs(least))
			return true;
		/* What came before and is as large is over, too. */
		for (unsigned w = 0; w < 1u << n; w++)
			over[w] |= sum[w] >= least - 1e-9 * fabs(least);
	}
	return false;
}

static void the_largest_is_counted_out(void **state)
{
	size_t yes = 0, all = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 4);
	for (size_t n = 4; n <= 8; n++)
		for (size_t rows = 1; rows <= 3; rows++)
			for (int t = 0; t < 20; t++) {
				struct sequential_plan p = {0, 0.05, n + 1};
				double logs[3 * 10];
				bool want;

				for (size_t i = 0; i < ARRAY_LEN(logs); i++)
					logs[i] = gauss(&r) + 0.1 * t;
				want = largest_crosses(logs, rows, 10, n,
						       n + 1);
				assert_int_equal(sequential_crossed_max(
							 &p, logs, rows, 10, n),
						 want);
				yes += want;
				all++;
			}
	assert_true(yes > all / 10 && yes < all * 9 / 10);
	assert_false(sequential_crossed_max(
		&(struct sequential_plan){0, 0.05, 8}, NULL, 0, 10, 8));
}

/* mean (or median) + t(80 %) s sqrt(1/n - 1/most), by the tables. */
static void the_best_that_may_come(void **state)
{
	static const double two[] = {.1, .3}, bent[] = {0, .3, .3},
			    flat[] = {.2, .2, .2, .2};
	double many[14] = {0};
	struct sequential_plan p = {.error = 0.05, .most = 10};

	(void)state;
	assert_true(fabs(sequential_optimum(&p, two, 2) -
			 (.2 + 1.376 * .141421356 * sqrt(.4))) < 1e-6);
	/* The median is kinder here. */
	assert_true(fabs(sequential_optimum(&p, bent, 3) -
			 (.3 + 1.061 * .173205081 * sqrt(1 / 3. - .1))) < 1e-6);
	assert_true(fabs(sequential_optimum(&p, flat, 4) - .2) < 1e-9);
	/* All are there. */
	p.most = 2;
	assert_true(fabs(sequential_optimum(&p, two, 2) - .2) < 1e-9);
	/* 10 and 13 degrees of freedom: 0.879, and 0.870 in the tables. */
	p.most = 64;
	many[0] = 1;
	for (size_t n = 11; n <= 14; n += 3) {
		double s = sqrt(1 / (double)n), mean = 1 / (double)n;

		assert_true(fabs(sequential_optimum(&p, many, n) -
				 (mean + (n == 11 ? .879 : .870) * s *
						 sqrt(1 / (double)n -
						      1 / 64.))) < 1e-4);
	}
}

/* The edges of each answer. */
static void looks_at_the_edges(void **state)
{
	static const double five[] = {.1, .2, .1, .2, .1, -.3, -.2, -.1};
	struct sequential_plan p = {.1, .05, 8};

	(void)state;
	/* A median that just reaches the least effect is enough. */
	assert_int_equal(sequential_look(&p, five, 5), LOOK_DECIDED);
	p.least = .1001;
	assert_int_not_equal(sequential_look(&p, five, 5), LOOK_DECIDED);
	/* One pair foretells nothing, however bad. */
	p.least = .05;
	assert_int_equal(sequential_look(&p, five + 5, 1), LOOK_ON);
	assert_int_equal(sequential_look(&p, five + 5, 2), LOOK_FUTILE);
	p.most = 1;
	assert_int_equal(sequential_look(&p, five, 1), LOOK_FULL);
	for (int i = LOOK_ON; i <= LOOK_FULL; i++)
		assert_string_equal(look_name((enum look)i),
				    ((const char *[]){"on", "decided", "futile",
						      "full"})[i]);
	/* All pairs to come win: 2 of 5 must not have been lost, 1 of 8 may. */
	p.least = 0;
	p.most = 8;
	assert_int_equal(sequential_look(&p, (double[]){-.01, .2}, 2), LOOK_ON);
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
		cmocka_unit_test(looks_are_counted_out),
		cmocka_unit_test(the_largest_is_counted_out),
		cmocka_unit_test(the_best_that_may_come),
		cmocka_unit_test(looks_at_the_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
