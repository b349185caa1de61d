/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms: where a value is counted, what a quantile says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/hist.h"

static void log2_is_exact(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(hist_log2(1ull << i), i);
		if (i)
			assert_int_equal(hist_log2((1ull << i) - 1), i - 1);
		assert_int_equal(hist_log2((1ull << i) | 1), i);
	}
}

static void every_slot_holds_its_bounds(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HIST_SLOTS; i++) {
		assert_int_equal(hist_slot(hist_lower(i)), i);
		if (i)
			assert_int_equal(hist_slot(hist_lower(i) - 1), i - 1);
	}
	assert_int_equal(hist_slot(UINT64_MAX), HIST_SLOTS - 1);
}

/* Against the exact answer over values of five orders of magnitude. */
static void quantiles_are_close(void **state)
{
	enum { N = 20000 };
	struct hist h = {0};
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	for (int i = 0; i < N; i++)
		hist_add(&h, (uint64_t)(1000 * pow(1e5, rng_unit(&r))));
	for (double q = 0.05; q < 1; q += 0.05) {
		double want = 1000 * pow(1e5, q);
		double got = (double)hist_quantile(&h, q);

		assert_true(fabs(got / want - 1) < 0.13);
	}
	assert_int_equal(h.count, N);
	assert_int_equal(hist_quantile(&h, 1), h.max);
}

static void one_value_is_every_quantile(void **state)
{
	struct hist h = {0};

	(void)state;
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	hist_add(&h, 5000);
	assert_true(hist_quantile(&h, 0.99) <= 5000);
	assert_true(hist_quantile(&h, 0.99) > 4000);
}

static void merging_adds_up(void **state)
{
	struct hist a = {0}, b = {0}, both = {0};

	(void)state;
	for (uint64_t x = 1; x < 1u << 20; x *= 3) {
		hist_add(&a, x);
		hist_add(&b, x * x);
		hist_add(&both, x);
		hist_add(&both, x * x);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

static void json_has_only_what_counts(void **state)
{
	struct hist h = {0};
	struct json *v;

	(void)state;
	hist_add(&h, 1500);
	hist_add(&h, 1500);
	hist_add(&h, 9000000);
	v = hist_json(&h);
	assert_int_equal(json_as_number(json_get(v, "count"), 0), 3);
	assert_float_equal(json_as_number(json_get(v, "sum"), 0), 9003, 1e-9);
	assert_float_equal(json_as_number(json_get(v, "max"), 0), 9000, 1e-9);
	assert_int_equal(json_len(json_get(v, "buckets")), 2);
	assert_float_equal(json_as_number(json_path(v, "buckets.0.0"), 0), 1.28,
			   1e-9);
	assert_int_equal(json_as_number(json_path(v, "buckets.0.1"), 0), 2);
	json_free(v);
}

static void sums_and_maxima(void **state)
{
	struct hist a = {0}, b = {0};

	(void)state;
	hist_add_many(&a, 5000, 0);
	assert_int_equal(a.max, 0);
	assert_int_equal(a.count, 0);
	hist_add_many(&a, 5000, 3);
	hist_add(&a, 4000);
	assert_int_equal(a.count, 4);
	assert_int_equal(a.sum, 19000);
	assert_int_equal(a.max, 5000);
	assert_int_equal(a.slot[hist_slot(5000)], 3);
	hist_add(&b, 9000);
	hist_merge(&a, &b);
	assert_int_equal(a.max, 9000);
	hist_merge(&b, &a);
	assert_int_equal(b.max, 9000);
	assert_int_equal(b.count, 6);
	assert_int_equal(b.sum, 37000);
	assert_int_equal(b.slot[hist_slot(9000)], 2);
	assert_int_equal(b.slot[hist_slot(4000)], 1);
}

/* In a slot of n, the k-th stands k parts of n above its lower end. */
static void quantiles_within_a_slot(void **state)
{
	unsigned slot = hist_slot(1 << 20);
	uint64_t low = hist_lower(slot), high = hist_lower(slot + 1);
	struct hist h = {0};

	(void)state;
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	hist_add_many(&h, low, 10);
	hist_add_many(&h, 1ull << 30, 10);
	for (int k = 1; k <= 10; k++)
		assert_in_range(hist_quantile(&h, k / 20.),
				low + (high - low) * (uint64_t)k / 10 - 1,
				low + (high - low) * (uint64_t)k / 10 + 1);
	assert_int_equal(hist_quantile(&h, 1), 1ull << 30);
	assert_true(hist_quantile(&h, 0.51) >= 1ull << 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log2_is_exact),
		cmocka_unit_test(every_slot_holds_its_bounds),
		cmocka_unit_test(quantiles_are_close),
		cmocka_unit_test(one_value_is_every_quantile),
		cmocka_unit_test(merging_adds_up),
		cmocka_unit_test(json_has_only_what_counts),
		cmocka_unit_test(sums_and_maxima),
		cmocka_unit_test(quantiles_within_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
