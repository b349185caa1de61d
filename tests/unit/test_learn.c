/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learning: the models, how they are judged, and that time is kept apart. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "learn/recording.h"
#include "learn/train.h"

#define N 6000

/* Rows a millisecond apart, known as soon as they are over. */
struct table {
	struct row *v;
	const struct row **p;
	struct picks all;
};

static void table_make(struct table *t, size_t n)
{
	t->v = mem_zalloc(n, sizeof(*t->v));
	t->p = mem_zalloc(n, sizeof(*t->p));
	for (size_t i = 0; i < n; i++) {
		struct row *r = &t->v[i];

		r->at = 1000000 * (uint64_t)i;
		r->known = r->at + 500000;
		for (int k = 0; k < FORECAST_TARGETS; k++) {
			r->y[k] = NAN;
			for (int g = 0; g < GUESS_MEDIAN; g++)
				r->guess[g][k] = NAN;
		}
		t->p[i] = r;
	}
	t->all = (struct picks){t->p, n, FORECAST_BURST};
}

static void table_release(struct table *t)
{
	free(t->v);
	free(t->p);
}

static int16_t any(struct rng *r, int lo, int hi)
{
	return (int16_t)(lo + (int)rng_below(r, (uint64_t)(hi - lo + 1)));
}

/* ---- the linear one ---------------------------------------------------- */

static double known_line(const int16_t *x)
{
	return 700 + 0.75 * x[0] - 2.5 * x[1] + 40.0 * x[2];
}

static void test_linear_recovers(void **state)
{
	static const double want[] = {0.75, -2.5, 40, 700.0 / FORECAST_ONE};
	struct linear l;
	struct rng r;

	(void)state;
	rng_init(&r, 7);
	linear_init(&l, 3, 1);
	for (int i = 0; i < N; i++) {
		int16_t x[FORECAST_FEATURES] = {
			any(&r, 2000, 9000), any(&r, -600, 600), any(&r, 0, 1)};

		linear_update(&l, x,
			      known_line(x) + 400 * (rng_unit(&r) - 0.5));
	}
	for (int i = 0; i < 2; i++)
		assert_true(fabs(l.w[i] - want[i]) < 0.02);
	/* Of a flag a weight per 256 steps is hard to see. */
	assert_true(fabs(l.w[2] - want[2]) < 10);
	assert_true(fabs(l.w[3] - want[3]) < 0.3);
}

/* What changes is followed by the one that forgets, and not by the other. */
static void test_linear_forgets(void **state)
{
	struct linear keeps, forgets;
	int16_t at[FORECAST_FEATURES] = {1000};
	struct rng r;

	(void)state;
	rng_init(&r, 8);
	linear_init(&keeps, 1, 1);
	linear_init(&forgets, 1, 0.99);
	for (int i = 0; i < N; i++) {
		int16_t x[FORECAST_FEATURES] = {any(&r, 0, 2000)};
		double y = i < N / 2 ? 2.0 * x[0] : 9000 - 2.0 * x[0];

		linear_update(&keeps, x, y);
		linear_update(&forgets, x, y);
	}
	assert_true(fabs(linear_predict(&forgets, at) - 7000) < 50);
	assert_true(fabs(linear_predict(&keeps, at) - 7000) > 500);
}

/* Nothing varies, or everything twice: it stays finite. */
static void test_linear_degenerate(void **state)
{
	int16_t x[FORECAST_FEATURES] = {500, 500, 32767, -32768};
	struct linear l;

	(void)state;
	linear_init(&l, FORECAST_FEATURES, 0.9);
	for (int i = 0; i < 100000; i++)
		linear_update(&l, x, 3000);
	assert_true(fabs(linear_predict(&l, x) - 3000) < 1);
	x[0] = x[1] = 1000;
	linear_update(&l, x, 4000);
	assert_true(isfinite(linear_predict(&l, x)));
}

/* ---- trees ------------------------------------------------------------- */

static double mean_miss(const struct picks *p, const struct trees *t)
{
	double sum = 0;

	for (size_t i = 0; i < p->n; i++)
		sum += fabs(trees_predict(t, p->v[i]->x) - picks_y(p, i));
	return sum / (double)p->n;
}

static double mean_miss_linear(const struct picks *p, unsigned features)
{
	struct linear l;
	double sum = 0;

	linear_init(&l, features, 1);
	for (size_t i = 0; i < p->n; i++)
		linear_update(&l, p->v[i]->x, picks_y(p, i));
	for (size_t i = 0; i < p->n; i++)
		sum += fabs(linear_predict(&l, p->v[i]->x) - picks_y(p, i));
	return sum / (double)p->n;
}

static const struct picks none;

static void test_trees_step(void **state)
{
	struct trees t;
	struct table d;
	struct rng r;

	(void)state;
	rng_init(&r, 1);
	table_make(&d, N);
	for (size_t i = 0; i < N; i++) {
		d.v[i].x[0] = any(&r, -5000, 5000);
		d.v[i].x[1] = any(&r, -5000, 5000); /* of no use */
		d.v[i].y[0] = d.v[i].x[0] > 1234 ? 6000 : 3000;
	}
	trees_fit(&d.all, &none, 2, FORECAST_TREES, &t);
	assert_true(mean_miss(&d.all, &t) < 60);
	assert_true(mean_miss_linear(&d.all, 2) > 400);
	table_release(&d);
}

/* Long if one of the two is, not both: no line can say that, and no single
 * split gains anything. */
static void test_trees_interaction(void **state)
{
	struct trees t;
	struct table d;
	struct rng r;

	(void)state;
	rng_init(&r, 2);
	table_make(&d, N);
	for (size_t i = 0; i < N; i++) {
		d.v[i].x[3] = any(&r, 0, 1);
		d.v[i].x[5] = any(&r, 0, 1);
		d.v[i].y[0] = d.v[i].x[3] != d.v[i].x[5] ? 6000 : 3000;
	}
	trees_fit(&d.all, &none, 6, FORECAST_TREES, &t);
	assert_true(mean_miss(&d.all, &t) < 60);
	assert_true(mean_miss_linear(&d.all, 6) > 1000);
	table_release(&d);
}

/* Later rows say how many trees are good: of noise, hardly any are. */
static void test_trees_stop(void **state)
{
	struct picks fit, later;
	struct trees t;
	struct table d;
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	table_make(&d, N);
	for (size_t i = 0; i < N; i++) {
		for (int k = 0; k < 8; k++)
			d.v[i].x[k] = any(&r, 0, 10000);
		d.v[i].y[0] = any(&r, 0, 10000);
	}
	fit = (struct picks){d.p, 1000, FORECAST_BURST};
	later = (struct picks){d.p + 1000, N - 1000, FORECAST_BURST};
	trees_fit(&fit, &later, 8, FORECAST_TREES, &t);
	assert_true(t.n >= 1 && t.n < FORECAST_TREES / 2);
	table_release(&d);
}

/* ---- judging ----------------------------------------------------------- */

static void test_score(void **state)
{
	double y[] = {256, 512, 768, 1024}, said[] = {256, 768, 1024, 1280};
	struct score s;

	(void)state;
	score_of(FORECAST_BURST, said, y, 4, &s);
	assert_true(fabs(s.error - 0.75) < 1e-9);
	assert_true(fabs(s.error_ns - (0 + 4 + 8 + 16) / 4.0) < 1e-9);
	assert_true(fabs(s.rank - 1) < 1e-9);
	for (int i = 0; i < 4; i++)
		said[i] = -said[i];
	score_of(FORECAST_BURST, said, y, 4, &s);
	assert_true(fabs(s.rank + 1) < 1e-9);
	/* Ties share a rank; equal numbers have none. */
	score_of(FORECAST_BURST, (double[]){1, 1, 2, 2}, y, 4, &s);
	assert_true(fabs(s.rank - 2 / sqrt(5)) < 1e-9);
	score_of(FORECAST_BURST, (double[]){5, 5, 5, 5}, y, 4, &s);
	assert_true(fabs(s.rank) < 1e-9);
	/* 127 is nearer to class 0, 128 is not. */
	score_of(FORECAST_CLASS, (double[]){127, 128, 512, 0},
		 (double[]){0, 256, 256, 512}, 4, &s);
	assert_true(fabs(s.error - 0.5) < 1e-9);
}

static void test_calibration(void **state)
{
	double *y = mem_zalloc(2 * N, sizeof(*y)), *said = y + N;
	struct score s;
	struct rng r;

	(void)state;
	rng_init(&r, 4);
	for (int i = 0; i < N; i++) {
		said[i] = 256.0 * (double)rng_below(&r, 20);
		y[i] = said[i] + 256 * (rng_unit(&r) - 0.5);
	}
	score_of(FORECAST_BURST, said, y, N, &s);
	assert_true(s.miscalibrated < 0.05);
	for (int i = 0; i < N; i++)
		said[i] = said[i] / 2;
	score_of(FORECAST_BURST, said, y, N, &s);
	assert_true(s.miscalibrated > 3 && s.rank > 0.9);
	free(y);
}

static void test_ratio(void **state)
{
	double *a = mem_zalloc(2 * N, sizeof(*a)), *b = a + N;
	struct interval i, again, wide;
	struct rng r;

	(void)state;
	rng_init(&r, 5);
	for (int k = 0; k < N; k++) {
		b[k] = rng_unit(&r);
		a[k] = 0.5 * rng_unit(&r);
	}
	score_ratio(a, b, N, 1, &i);
	score_ratio(a, b, N, 1, &again);
	assert_memory_equal(&i, &again, sizeof(i));
	assert_true(i.lo < 0.5 && 0.5 < i.hi && i.hi - i.lo < 0.05);
	/* What misses in stretches is as uncertain as the stretches are few. */
	for (int k = 0; k < N; k++)
		a[k] = k / (N / 20) % 2 ? 1 : 0.05;
	score_ratio(a, b, N, 1, &wide);
	assert_true(wide.hi - wide.lo > 5 * (i.hi - i.lo));
	memset(a, 0, N * sizeof(*a));
	score_ratio(a, a, N, 1, &i);
	assert_true(fabs(i.mid - 1) < 1e-9);
	free(a);
}

/* ---- all of it --------------------------------------------------------- */

static const struct train_opts burst_only = {
	.holdout_pct = 30,
	.target = {true},
	.linear = true,
	.trees = true,
	.feature_version = 1,
	.features = 4,
};

static int train_on(const struct table *d, size_t n, struct forecast *m,
		    struct train_part *parts)
{
	struct rows r = {0};
	int rc;

	for (size_t i = 0; i < n; i++)
		rows_add(&r, &d->v[i]);
	rc = train(&r, &burst_only, m, parts);
	rows_release(&r);
	return rc;
}

/* Alternately short and long: an average is wrong each time, the last burst
 * tells. */
static void alternate(struct table *d)
{
	struct rng r;

	rng_init(&r, 6);
	table_make(d, N);
	for (size_t i = 0; i < N; i++) {
		struct row *w = &d->v[i];

		w->x[0] = (int16_t)((i % 2 ? 5000 : 3000) + any(&r, 0, 99));
		w->x[1] = any(&r, 0, 5000);
		w->y[0] = (float)((i % 2 ? 3000 : 5000) + any(&r, 0, 99));
		w->guess[GUESS_AVERAGE][0] = 4000;
		w->guess[GUESS_SMOOTH][0] = 4000;
		w->guess[GUESS_LAST][0] = w->x[0];
	}
}

static void test_train(void **state)
{
	struct train_part parts[FORECAST_TARGETS];
	struct forecast m, again;
	struct table d;

	(void)state;
	alternate(&d);
	assert_int_equal(train_on(&d, N, &m, parts), 0);
	assert_true(parts[0].beats);
	assert_true(parts[0].held > N / 4 && parts[0].held < N / 3);
	assert_true(parts[0].ratio[TRAIN_LINEAR].hi < 0.2);
	assert_true(parts[0].ratio[TRAIN_TREES].hi < 0.2);
	assert_true(parts[0].score[TRAIN_TREES].rank > 0.7);
	assert_int_equal(forecast_check(&m), 0);
	assert_int_not_equal(m.part[0].kind, FORECAST_NONE);
	assert_int_equal(m.part[1].kind, FORECAST_NONE);
	assert_true(m.part[0].error < m.part[0].average_error / 4);
	/* The same bytes again, in whatever order the rows came. */
	for (size_t i = 0; i < N / 2; i++) {
		struct row swap = d.v[i];

		d.v[i] = d.v[N - 1 - i];
		d.v[N - 1 - i] = swap;
	}
	assert_int_equal(train_on(&d, N, &again, parts), 0);
	assert_memory_equal(&m, &again, sizeof(m));
	table_release(&d);
}

/* Nothing to be learned: the average is as good, and no model comes of it. */
/* Between 0 and 1 lie 23 powers of two: no weight of a line is so large. */
static void test_too_steep(void **state)
{
	struct train_part parts[FORECAST_TARGETS];
	struct forecast *m = mem_zalloc(1, sizeof(*m));
	struct table d;

	(void)state;
	alternate(&d);
	for (size_t i = 0; i < N; i++) {
		d.v[i].x[0] = i % 2;
		d.v[i].y[0] = i % 2 ? 9000 : 3000;
	}
	assert_int_equal(train_on(&d, N, m, parts), 0);
	assert_false(parts[0].tried[TRAIN_LINEAR]);
	assert_false(parts[0].tried[TRAIN_ONLINE]);
	assert_int_equal(parts[0].chosen, FORECAST_BOOSTED);
	assert_true(parts[0].beats);
	table_release(&d);
	free(m);
}

static void test_noise(void **state)
{
	struct train_part parts[FORECAST_TARGETS];
	struct forecast m;
	struct table d;
	struct rng r;

	(void)state;
	rng_init(&r, 9);
	table_make(&d, N);
	for (size_t i = 0; i < N; i++) {
		for (int k = 0; k < 4; k++)
			d.v[i].x[k] = any(&r, 0, 9000);
		d.v[i].y[0] = any(&r, 3000, 5000);
		for (int g = 0; g < GUESS_MEDIAN; g++)
			d.v[i].guess[g][0] = 4000;
	}
	assert_int_equal(train_on(&d, N, &m, parts), 0);
	assert_false(parts[0].beats);
	assert_int_equal(m.part[0].kind, FORECAST_NONE);
	table_release(&d);
}

/*
 * Each second has a number and a length of bursts of its own: who has seen
 * other bursts of the same second knows all, who knows earlier seconds only
 * knows nothing.  Rows drawn at random would promise the former.
 */
static void test_time_does_not_leak(void **state)
{
	static const float lengths[] = {2000, 7000, 3000, 8000, 2500, 9000};
	struct train_part parts[FORECAST_TARGETS];
	struct picks odd = {.target = FORECAST_BURST}, even = odd;
	struct forecast m;
	struct trees t;
	struct table d;

	(void)state;
	table_make(&d, N);
	odd.v = mem_zalloc(N, sizeof(*odd.v));
	even.v = mem_zalloc(N, sizeof(*even.v));
	for (size_t i = 0; i < N; i++) {
		float y = lengths[i / 1000];

		d.v[i].x[0] = (int16_t)(i / 1000);
		d.v[i].y[0] = y;
		d.v[i].guess[GUESS_LAST][0] = i % 1000 ? y : NAN;
		d.v[i].guess[GUESS_AVERAGE][0] = i % 1000 ? y : NAN;
		d.v[i].guess[GUESS_SMOOTH][0] = i % 1000 ? y : NAN;
		if (i % 2)
			odd.v[odd.n++] = &d.v[i];
		else
			even.v[even.n++] = &d.v[i];
	}
	trees_fit(&even, &none, 1, FORECAST_TREES, &t);
	assert_true(mean_miss(&odd, &t) < 100);
	assert_int_equal(train_on(&d, N, &m, parts), 0);
	assert_true(parts[0].score[TRAIN_TREES].error * FORECAST_ONE > 500);
	assert_false(parts[0].beats);
	free(odd.v);
	free(even.v);
	table_release(&d);
}

/* What came of a row is learned only from when it was known, and all that was
 * known only later is left out. */
static void test_late_outcomes(void **state)
{
	struct train_part parts[FORECAST_TARGETS];
	struct forecast m;
	struct table d;

	(void)state;
	alternate(&d);
	for (size_t i = 0; i < N; i++)
		d.v[i].known = d.v[N - 1].at + 1;
	assert_int_equal(train_on(&d, N, &m, parts), -ENODATA);
	for (size_t i = 0; i < N; i++)
		d.v[i].known = d.v[i].at + (i % 2 ? 0 : UINT64_MAX / 2);
	assert_int_equal(train_on(&d, N, &m, parts), 0);
	assert_true(parts[0].learned < N / 2);
	table_release(&d);
}

static void test_too_few(void **state)
{
	struct train_part parts[FORECAST_TARGETS];
	struct forecast m;
	struct table d;

	(void)state;
	alternate(&d);
	assert_int_equal(train_on(&d, 300, &m, parts), -ENODATA);
	assert_int_equal(train_on(&d, 0, &m, parts), -ENODATA);
	table_release(&d);
}

/* ---- rows -------------------------------------------------------------- */

static void test_rows_thin(void **state)
{
	struct rows r = {.most = 100};
	struct row row = {0};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		row.at = i;
		rows_add(&r, &row);
	}
	assert_true(r.n > 50 && r.n <= 100);
	assert_int_equal(r.seen, 1000);
	for (size_t i = 0; i < r.n; i++)
		assert_int_equal(r.v[i].at, i * r.every);
	rows_release(&r);
}

static void test_class(void **state)
{
	const float ms = 20 * 256, s = 30 * 256; /* about */

	(void)state;
	assert_true(rows_class(ms - 256, s) < 1);
	assert_true(rows_class(ms, ms) == 256);
	assert_true(rows_class(ms, ms - 4 * 256) == 512);
	assert_true(rows_class(25 * 256, s) == 512);
	assert_true(rows_class(23 * 256, s) == 256);
	assert_true(isnan(rows_class(ms, NAN)));
}

static void test_recording_row(void **state)
{
	struct burst_record b = {
		.at = 1000,
		.run_ns = 1 << 20,
		.wait_ns = 10,
		.sleep_ns = 1 << 24,
	};
	struct row r;

	(void)state;
	b.features[FEATURE_BURST_LAST] = 7;
	b.features[FEATURE_BURST_SLOW] = 5000;
	b.features[FEATURE_BURST_TREND] = -100;
	recording_row(&b, 500, 3, &r);
	assert_int_equal(r.from, 3);
	assert_int_equal(r.at, 1500);
	assert_int_equal(r.known, 1510 + (1 << 20) + (1 << 24));
	assert_true(r.y[FORECAST_BURST] == 20 * 256);
	assert_true(r.y[FORECAST_SLEEP] == 24 * 256);
	assert_true(r.y[FORECAST_CLASS] == 0);
	assert_true(r.guess[GUESS_LAST][FORECAST_BURST] == 7);
	assert_true(r.guess[GUESS_SMOOTH][FORECAST_BURST] == 4900);
	assert_true(isnan(r.guess[GUESS_AVERAGE][FORECAST_BURST]));
	b.flags = BURST_EXITED;
	recording_row(&b, 0, 0, &r);
	assert_true(r.y[FORECAST_BURST] == 20 * 256);
	assert_true(isnan(r.y[FORECAST_SLEEP]) && isnan(r.y[FORECAST_CLASS]));
	b.flags = BURST_OPEN;
	recording_row(&b, 0, 0, &r);
	assert_true(isnan(r.y[FORECAST_BURST]));
	/* Whatever a file says. */
	memset(&b, 0xff, sizeof(b));
	recording_row(&b, INT64_MIN, 0, &r);
	assert_true(r.known >= r.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linear_recovers),
		cmocka_unit_test(test_linear_forgets),
		cmocka_unit_test(test_linear_degenerate),
		cmocka_unit_test(test_trees_step),
		cmocka_unit_test(test_trees_interaction),
		cmocka_unit_test(test_trees_stop),
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_calibration),
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_train),
		cmocka_unit_test(test_too_steep),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_time_does_not_leak),
		cmocka_unit_test(test_late_outcomes),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_rows_thin),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_recording_row),
	};

	return cmocka_run_group_tests_name("learn", tests, NULL, NULL);
}
