/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "bpf/feature_abi.h"

/* ---- the logarithm ----------------------------------------------------- */

static void near_log2(uint64_t v)
{
	double off = feature_log2(v) - 256 * (double)log2l((long double)v);

	if (fabs(off) > 0.55)
		fail_msg("%llu is %g off", (unsigned long long)v, off);
}

static void test_log2_bounds(void **state)
{
	(void)state;
	assert_int_equal(feature_log2(0), 0);
	assert_int_equal(feature_log2(1), 0);
	for (int i = 0; i < 64; i++)
		assert_int_equal(feature_log2(1ull << i), 256 * i);
	assert_int_equal(feature_log2(UINT64_MAX), 64 * 256);
}

static void test_log2_near(void **state)
{
	struct rng r;

	(void)state;
	for (uint64_t v = 1; v < 1 << 20; v++)
		near_log2(v);
	rng_init(&r, 1);
	for (int i = 0; i < 1000000; i++) {
		uint64_t v = rng_next(&r) >> rng_below(&r, 64);

		near_log2(v ? v : 1);
	}
}

/* Sixteen bits below the first one count: all of them, at every length. */
static void test_log2_grows(void **state)
{
	int last = 0;

	(void)state;
	for (uint64_t v = 1; v < 1 << 16; v++) {
		assert_true(feature_log2(v) >= last);
		last = feature_log2(v);
	}
	for (int n = 16; n < 64; n++) {
		uint64_t step = 1ull << (n - 16);

		for (uint64_t v = 0; v < 1 << 16; v++) {
			uint64_t from = (65536 + v) * step;
			int low = feature_log2(from);

			assert_true(low >= last);
			last = low;
			low = feature_log2(from + (step - 1));
			assert_int_equal(low, last);
		}
	}
}

/* ---- the same in floating point ---------------------------------------- */

struct slow_mean {
	double mean;
	bool has;
};

static void slow_add(struct slow_mean *m, double x, double part)
{
	m->mean = m->has ? m->mean + part * (x - m->mean) : x;
	m->has = true;
}

struct slow_task {
	struct slow_mean fast, slow, mean, sleep, gap;
	double spread, sleep_spread, preempted;
	double burst, run, last, sleep_last, woke, slept;
};

/* As the kernel has them, whole nanoseconds; the average of what is rounded. */
static double slow_log(double ns)
{
	return ns >= 1 ? 256 * log2(ns) : 0;
}

static void slow_woke(struct slow_task *t, double now)
{
	if (t->slept > 0) {
		double s = slow_log(now - t->slept);

		if (t->sleep.has)
			t->sleep_spread +=
				(fabs(s - t->sleep.mean) - t->sleep_spread) / 4;
		slow_add(&t->sleep, s, 0.25);
		t->sleep_last = s;
	}
	if (t->woke > 0)
		slow_add(&t->gap, slow_log(now - t->woke), 0.25);
	t->woke = now;
	t->burst = 0;
}

static void slow_slept(struct slow_task *t, double now, double preempted)
{
	double b = slow_log(t->burst);

	if (t->fast.has)
		t->spread += (fabs(b - t->fast.mean) - t->spread) / 4;
	slow_add(&t->fast, b, 0.25);
	slow_add(&t->slow, b, 1.0 / 16);
	slow_add(&t->mean, t->burst, 0.25);
	t->preempted += (256 * fmin(preempted, 127) - t->preempted) / 4;
	t->last = b;
	t->slept = now;
}

static void is_near(int got, double want, double within)
{
	if (fabs(got - want) > within)
		fail_msg("%d instead of %g", got, want);
}

static void compare(const struct slow_task *s, const int16_t *f)
{
	is_near(f[FEATURE_BURST_LAST], s->last, 0.6);
	is_near(f[FEATURE_BURST_MEAN], slow_log(s->mean.mean), 2);
	is_near(f[FEATURE_BURST_SLOW], s->slow.mean, 2);
	is_near(f[FEATURE_BURST_SPREAD], s->spread, 4);
	is_near(f[FEATURE_BURST_TREND], s->fast.mean - s->slow.mean, 3);
	is_near(f[FEATURE_SLEEP_LAST], s->sleep_last, 0.6);
	is_near(f[FEATURE_SLEEP_MEAN], s->sleep.mean, 2);
	is_near(f[FEATURE_SLEEP_SPREAD], s->sleep_spread, 4);
	is_near(f[FEATURE_WAKE_GAP], s->gap.mean, 2);
	is_near(f[FEATURE_PREEMPTED], s->preempted, 2);
	is_near(f[FEATURE_RUN], slow_log(s->run), 0.6);
}

/* From 16 ns up: what is below is not told apart by whole nanoseconds. */
static uint64_t some_ns(struct rng *r)
{
	return 16 + (rng_next(r) >> (24 + rng_below(r, 30)));
}

static void test_against_floats(void **state)
{
	static const struct feature_context none;
	struct rng r;

	(void)state;
	rng_init(&r, 2);
	for (int task = 0; task < 50; task++) {
		uint64_t now = 1000, started = 500;
		struct slow_task slow = {0};
		struct feature_task t;
		int16_t f[FEATURE_COUNT];

		feature_forked(&t, NULL);
		for (int i = 0; i < 400; i++) {
			uint64_t turns = 1 + rng_below(&r, i % 50 ? 4 : 300);

			feature_woke(&t, NULL, FEATURE_BY_INTERRUPT, now);
			slow_woke(&slow, (double)now);
			feature_take(&t, &none, started, now, f);
			compare(&slow, f);
			is_near(f[FEATURE_AGE],
				slow_log((double)(now - started)), 0.6);
			for (uint64_t n = 0; n < turns; n++) {
				uint64_t ns = some_ns(&r) >> 8 | 16;

				feature_ran(&t, ns);
				slow.burst += (double)ns;
				slow.run += (double)ns;
				now += ns;
				if (n + 1 < turns)
					feature_preempted(&t);
			}
			feature_slept(&t, now);
			slow_slept(&slow, (double)now, (double)(turns - 1));
			now += some_ns(&r);
		}
	}
}

/* ---- what is not an average -------------------------------------------- */

static void test_first(void **state)
{
	static const struct feature_context none;
	struct feature_task t;
	int16_t f[FEATURE_COUNT];

	(void)state;
	feature_forked(&t, NULL);
	feature_woke(&t, NULL, FEATURE_BY_FORK, 5000);
	feature_take(&t, &none, 5000, 5000, f);
	for (int i = 0; i < FEATURE_COUNT; i++)
		assert_int_equal(f[i], 0);
}

static void test_waker_and_parent(void **state)
{
	static const struct feature_context c = {
		.load = 512, .pressure = 10000, .power = 101, .hour = 23};
	struct feature_task parent = {.identity = 700, .cgroup = 800}, t;
	int16_t f[FEATURE_COUNT];

	(void)state;
	feature_woke(&parent, NULL, FEATURE_BY_INTERRUPT, 1000);
	feature_ran(&parent, 1 << 20);
	feature_slept(&parent, 5000000);
	feature_forked(&t, &parent);
	t.nice = -20;
	t.kind = FEATURE_THREAD;
	t.weight = feature_weight(200, 100);
	feature_woke(&t, &parent, FEATURE_BY_FORK, 6000000);
	feature_take(&t, &c, 5999999, 6000000, f);
	assert_int_equal(f[FEATURE_WAKER], FEATURE_BY_FORK);
	assert_int_equal(f[FEATURE_WAKER_BURST], 20 * 256);
	assert_int_equal(f[FEATURE_IDENTITY], 700);
	assert_int_equal(f[FEATURE_CGROUP], 800);
	assert_int_equal(f[FEATURE_NICE], -20);
	assert_int_equal(f[FEATURE_KIND], FEATURE_THREAD);
	assert_int_equal(f[FEATURE_WEIGHT], 256);
	assert_int_equal(f[FEATURE_LOAD], 512);
	assert_int_equal(f[FEATURE_PRESSURE], 10000);
	assert_int_equal(f[FEATURE_POWER], 101);
	assert_int_equal(f[FEATURE_HOUR], 23);
	assert_int_equal(feature_weight(100, 100), 0);
	assert_int_equal(feature_weight(0, 100), 0);
	assert_true(feature_weight(1, 100) < -1600);
}

static void test_executed_is_another(void **state)
{
	static const struct feature_context none;
	struct feature_task t = {.identity = 9, .cgroup = 8};
	int16_t f[FEATURE_COUNT];

	(void)state;
	for (uint64_t now = 1000; now < 100000; now += 1000) {
		feature_woke(&t, NULL, FEATURE_BY_OTHER, now);
		feature_ran(&t, 300);
		feature_preempted(&t);
		feature_slept(&t, now + 400);
	}
	feature_executed(&t);
	feature_take(&t, &none, 900, 100000, f);
	for (int i = FEATURE_BURST_LAST; i <= FEATURE_WAKE_GAP; i++)
		assert_int_equal(f[i], 0);
	assert_int_equal(f[FEATURE_PREEMPTED], 0);
	assert_int_equal(f[FEATURE_RUN], 0);
	assert_int_equal(f[FEATURE_IDENTITY], 0);
	assert_int_equal(f[FEATURE_CGROUP], 8);
	assert_true(f[FEATURE_AGE] > 16 * 256);
}

static void test_group_learns(void **state)
{
	struct feature_group g = {0};
	int16_t mean = 0;

	(void)state;
	assert_int_equal(feature_learn(&g, 1000), 1000);
	for (int i = 0; i < 200; i++)
		mean = feature_learn(&g, 2000);
	is_near(mean, 2000, 1);
	assert_int_equal(g.bursts, 201);
}

/* Whatever the times are, a feature stays within what its page says. */
static void test_extremes(void **state)
{
	static const struct feature_context none;
	struct feature_task t = {0}, waker = {0};
	int16_t f[FEATURE_COUNT];
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	for (int i = 0; i < 200000; i++) {
		feature_woke(&t, &waker, FEATURE_BY_OTHER,
			     rng_next(&r) >> rng_below(&r, 64));
		feature_ran(&t, rng_next(&r) >> rng_below(&r, 64));
		if (rng_below(&r, 2))
			feature_preempted(&t);
		waker = t;
		feature_slept(&t, rng_next(&r) >> rng_below(&r, 64));
		feature_take(&t, &none, rng_next(&r), rng_next(&r), f);
		for (int k = 0; k < FEATURE_KIND; k++) {
			if (k == FEATURE_BURST_TREND)
				assert_in_range(f[k] + 16384, 0, 2 * 16384);
			else if (k == FEATURE_PREEMPTED)
				assert_in_range(f[k], 0, 127 * 256);
			else
				assert_in_range(f[k], 0, 16384);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log2_bounds),
		cmocka_unit_test(test_log2_near),
		cmocka_unit_test(test_log2_grows),
		cmocka_unit_test(test_against_floats),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_waker_and_parent),
		cmocka_unit_test(test_executed_is_another),
		cmocka_unit_test(test_group_learns),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
