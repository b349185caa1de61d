/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guards by made-up time: their words, one by one, and by chance. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "guard/guard.h"

static struct guard_rule rule(const char *text)
{
	struct guard_rule r;

	if (guard_rule_parse(text, &r))
		fail_msg("%s", err_text());
	return r;
}

static struct guard armed(const char *text)
{
	struct guard_rule r = rule(text);
	struct guard g;

	guard_init(&g, &r);
	assert_int_equal(guard_arm(&g, 0), 0);
	return g;
}

/* ---- words ------------------------------------------------------------ */

static void values_have_their_units(void **state)
{
	const struct {
		const char *text;
		enum guard_kind kind;
		double bound, window;
		bool at_least, relative;
	} is[] = {
		{"wait_p99:20ms", GUARD_WAIT_P99, 20000, 3, false, false},
		{"wait_p99:2x", GUARD_WAIT_P99, 2, 3, false, true},
		{"wait_p99:20", GUARD_WAIT_P99, 1.2, 3, false, true},
		{"wait_p99:1.5s:10s", GUARD_WAIT_P99, 1.5e6, 10, false, false},
		{"wait_p99:<300us:500ms", GUARD_WAIT_P99, 300, 0.5, false,
		 false},
		{"stall:5s", GUARD_STALL, 5, 0, false, false},
		{"stall:1500ms", GUARD_STALL, 1.5, 0, false, false},
		{"psi_cpu:40%", GUARD_PSI_CPU, 40, 6, false, false},
		{"psi_cpu_full:10%:8s", GUARD_PSI_CPU_FULL, 10, 8, false,
		 false},
		{"throughput:10", GUARD_THROUGHPUT, 0.9, 5, true, true},
		{"throughput:0.5x", GUARD_THROUGHPUT, 0.5, 5, true, true},
		{"throughput:>1.5", GUARD_THROUGHPUT, 1.5, 5, true, false},
		{"policy_cpu:10%", GUARD_POLICY_CPU, 10, 5, false, false},
		{"events:100/s", GUARD_EVENTS, 100, 3, false, false},
		{"events:0/s:0s", GUARD_EVENTS, 0, 0, false, false},
		{"SCX_EV_SELECT_CPU_FALLBACK:5/s", GUARD_EVENT, 5, 3, false,
		 false},
		{"rps:>100", GUARD_METRIC, 100, 5, true, false},
		{"latency:<5.5", GUARD_METRIC, 5.5, 5, false, false},
		{"level:<-5", GUARD_METRIC, -5, 5, false, false},
		{"rps:0.8x", GUARD_METRIC, 0.8, 5, true, true},
		{"latency:1.2x:2s", GUARD_METRIC, 1.2, 2, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct guard_rule r = rule(is[i].text);

		assert_int_equal(r.kind, is[i].kind);
		assert_true(fabs(r.bound - is[i].bound) < 1e-9);
		assert_true(fabs(r.window_s - is[i].window) < 1e-9);
		assert_int_equal(r.at_least, is[i].at_least);
		assert_int_equal(r.relative, is[i].relative);
	}
}

static void nonsense_is_refused(void **state)
{
	const char *const no[] = {
		"",
		"wait_p99",
		"wait_p99:",
		":5s",
		"wait_p99:x",
		"wait_p99:-5ms",
		"wait_p99:5%",
		"wait_p99:5ms:",
		"wait_p99:5ms:x",
		"wait_p99:0.5x",
		"wait_p99:1x",
		"wait_p99:>5ms",
		"wait_p99:<2x",
		"wait_p99:inf",
		"wait_p99:nanms",
		"wait_p99:0x10ms",
		"wait_p99:5 ms",
		"stall:2x",
		"stall:5",
		"events:2x",
		"events:5",
		"policy_cpu:2x",
		"throughput:2x",
		"throughput:100",
		"throughput:<5",
		"throughput:5s",
		"psi_cpu:5s",
		"rps:5%",
		"rps:100",
		"a b:5s",
		"wait_p99:1s:2h",
		"wait_p99:1s:-1s",
		"wait_p99:0",
		"a:b:c:d",
		"wait_p99:1e400ms",
	};
	struct guard_rule r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		if (guard_rule_parse(no[i], &r) != -EINVAL)
			fail_msg("'%s' is taken", no[i]);
		assert_true(*err_text());
	}
}

static void a_metric_points_where_it_is_told(void **state)
{
	struct guard_rule r = rule("rps:20");

	(void)state;
	guard_rule_point(&r, true);
	assert_true(r.at_least);
	assert_true(fabs(r.bound - 0.8) < 1e-9);
	r = rule("latency:20");
	guard_rule_point(&r, false);
	assert_false(r.at_least);
	assert_true(fabs(r.bound - 1.2) < 1e-9);
	/* What was said stays said. */
	r = rule("rps:>5");
	guard_rule_point(&r, false);
	assert_true(r.at_least);
}

static void what_is_watched_anyway(void **state)
{
	const struct guard_rule asked = rule("stall:1s");
	struct guard_rule own[GUARD_OWN_MAX];
	size_t n = guard_rules_own(30, NULL, 0, own);

	(void)state;
	assert_int_equal(n, GUARD_OWN_MAX);
	assert_int_equal(own[0].kind, GUARD_STALL);
	assert_true(own[0].bound == 5);
	assert_true(own[0].own);
	guard_rules_own(4, NULL, 0, own);
	assert_true(own[0].bound == 2);
	assert_int_equal(guard_rules_own(30, &asked, 1, own), n - 1);
	assert_int_not_equal(own[0].kind, GUARD_STALL);
}

/* ---- one by one ------------------------------------------------------- */

static void it_trips_after_its_window(void **state)
{
	struct guard g = armed("wait_p99:10ms:3s");
	double t;

	(void)state;
	for (t = 0.5; !guard_take(&g, t, 20000); t += 0.5)
		assert_true(t < 10);
	assert_true(t == 3);
	assert_true(g.tripped);
	/* It is news once. */
	assert_false(guard_take(&g, t + 1, 20000));
}

static void at_once_without_a_window(void **state)
{
	struct guard g = armed("stall:2s");

	(void)state;
	assert_false(guard_take(&g, 1, 1.9));
	assert_false(guard_take(&g, 2, 2));
	assert_true(guard_take(&g, 2.1, 2.01));
}

static void one_sample_alone_never_does(void **state)
{
	struct guard g = armed("wait_p99:10ms:3s");

	(void)state;
	assert_false(guard_take(&g, 100, 1e9));
	assert_true(guard_take(&g, 200, 1e9));
}

static void too_little_is_as_bad(void **state)
{
	struct guard g = armed("rps:>100:2s");

	(void)state;
	assert_false(guard_take(&g, 1, 99));
	assert_true(guard_take(&g, 2, 99));
	g = armed("rps:>100:2s");
	for (double t = 1; t < 100; t++)
		assert_false(guard_take(&g, t, 101));
}

static void silence_is_a_violation(void **state)
{
	struct guard g = armed("rps:>100:2s");
	char words[400];

	(void)state;
	assert_false(guard_take(&g, 1, NAN));
	assert_true(guard_take(&g, 2, NAN));
	guard_words(&g, words, sizeof(words));
	assert_string_equal(words, "rps was told no more for 2 s");
}

/* Between the bound and a tenth below it an account is left as it is. */
static void it_takes_some_room_to_be_well(void **state)
{
	struct guard g = armed("wait_p99:10ms:4s");

	(void)state;
	assert_false(guard_take(&g, 1, 20000));
	assert_false(guard_take(&g, 2, 20000));
	for (double t = 3; t < 100; t++)
		assert_false(guard_take(&g, t, 9500));
	assert_false(guard_take(&g, 100, 20000));
	assert_true(guard_take(&g, 101, 20000));
	g = armed("wait_p99:10ms:4s");
	assert_false(guard_take(&g, 1, 20000));
	assert_false(guard_take(&g, 2, 20000));
	assert_false(guard_take(&g, 3, 8000));
	assert_false(guard_take(&g, 4, 8000));
	assert_false(guard_take(&g, 5, 20000));
	assert_false(guard_take(&g, 6, 20000));
	assert_false(guard_take(&g, 7, 20000));
	assert_true(guard_take(&g, 8, 20000));
}

static void what_was_before_counts(void **state)
{
	struct guard_rule r = rule("wait_p99:2x:2s");
	struct guard g;
	char words[400];

	(void)state;
	guard_init(&g, &r);
	assert_int_equal(guard_arm(&g, 0), -ENODATA);
	guard_before(&g, 90000);
	guard_before(&g, 100000);
	guard_before(&g, 5000000);
	assert_int_equal(guard_arm(&g, 10), 0);
	assert_true(g.bound == 200000);
	assert_false(guard_take(&g, 11, 812000));
	assert_true(guard_take(&g, 12, 812000));
	guard_words(&g, words, sizeof(words));
	assert_string_equal(words, "wait_p99 was 812 ms for 2 s, and at most "
				   "200 ms (2x of 100 ms before) is allowed");
	/* Twice next to nothing is next to nothing: noise. */
	guard_init(&g, &r);
	guard_before(&g, 3);
	assert_int_equal(guard_arm(&g, 0), 0);
	assert_true(g.bound == 2000);
	/* Half of nothing is nothing to go by. */
	r = rule("throughput:0.5x");
	guard_init(&g, &r);
	guard_before(&g, 0);
	assert_int_equal(guard_arm(&g, 0), -ENODATA);
}

static void it_remembers_what_it_saw(void **state)
{
	struct guard g = armed("wait_p99:10ms:3s");
	struct guard_sample kept[GUARD_KEPT];

	(void)state;
	assert_int_equal(guard_samples(&g, kept), 0);
	for (double t = 1; t <= 5; t++)
		guard_take(&g, t, t * 100);
	assert_int_equal(guard_samples(&g, kept), 5);
	assert_true(kept[0].t == 1 && kept[4].value == 500);
	for (double t = 6; t <= 100; t++)
		guard_take(&g, t, t);
	assert_int_equal(guard_samples(&g, kept), GUARD_KEPT);
	assert_true(kept[0].t == 101 - GUARD_KEPT);
	assert_true(kept[GUARD_KEPT - 1].t == 100);
}

static void armed_again_it_begins_anew(void **state)
{
	struct guard g = armed("wait_p99:10ms:2s");

	(void)state;
	guard_take(&g, 1, 20000);
	assert_true(guard_take(&g, 2, 20000));
	assert_int_equal(guard_arm(&g, 50), 0);
	assert_false(guard_take(&g, 51, 20000));
	assert_true(guard_take(&g, 52, 20000));
}

/* ---- by chance -------------------------------------------------------- */

#define CASES 3000

static struct guard_rule any_rule(struct rng *r)
{
	struct guard_rule g = {.kind = GUARD_METRIC, .name = "m"};

	g.at_least = rng_below(r, 2);
	g.bound = rng_unit(r) * 1000 + 1;
	g.window_s = rng_below(r, 4) ? 0.1 + rng_unit(r) * 20 : 0;
	return g;
}

/* A value on the given side of the bound: -1 well, 1 violated. */
static double any_value(struct rng *r, const struct guard_rule *g, int side)
{
	double off = rng_unit(r) * 3 * g->bound + 1e-6;

	if (side < 0)
		off += GUARD_ROOM * g->bound;
	return g->bound + (g->at_least ? -1 : 1) * side * off;
}

static void the_good_are_never_tripped(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 1);
	for (size_t i = 0; i < CASES; i++) {
		struct guard_rule rule_ = any_rule(&r);
		struct guard g;
		double t = 0;

		guard_init(&g, &rule_);
		guard_arm(&g, 0);
		for (size_t n = 0; n < 200; n++) {
			t += rng_unit(&r) * 5;
			assert_false(
				guard_take(&g, t, any_value(&r, &rule_, -1)));
		}
	}
}

/* Whatever was before: a violation that lasts trips it within the window and
 * one sample. */
static void the_bad_always_are(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 2);
	for (size_t i = 0; i < CASES; i++) {
		struct guard_rule rule_ = any_rule(&r);
		double step = fmax(rule_.window_s, 0.1) / 2 *
			      (0.05 + 0.95 * rng_unit(&r));
		double t = 0, since;
		struct guard g;

		guard_init(&g, &rule_);
		guard_arm(&g, 0);
		for (size_t n = 0; n < 50 && rule_.window_s > 0; n++) {
			t += step;
			/* Never two in a row: it cannot trip of these. */
			guard_take(&g, t, any_value(&r, &rule_, -1));
		}
		for (since = t;
		     !guard_take(&g, t += step, any_value(&r, &rule_, 1));)
			assert_true(t - since <= rule_.window_s + step);
		assert_true(t - since <= rule_.window_s + step + 1e-6);
	}
}

/* Any input at all: it trips once at most, and only when so much time in which
 * it was violated has passed. */
static void it_never_trips_for_nothing(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	for (size_t i = 0; i < CASES; i++) {
		struct guard_rule rule_ = any_rule(&r);
		double t = 0, bad = 0;
		size_t trips = 0, bads = 0;
		struct guard g;

		guard_init(&g, &rule_);
		guard_arm(&g, 0);
		for (size_t n = 0; n < 100; n++) {
			int side = rng_below(&r, 2) ? 1 : -1;
			/* Also back, and not at all. */
			double dt = rng_unit(&r) * 4 - 0.5;

			t += dt;
			bad += side > 0 && dt > 0 ? dt : 0;
			bads += side > 0;
			if (!guard_take(&g, t, any_value(&r, &rule_, side)))
				continue;
			trips++;
			assert_true(bads >= (rule_.window_s > 0 ? 2 : 1));
			assert_true(bad >= rule_.window_s * (1 - 1e-6));
		}
		assert_true(trips <= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_their_units),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(a_metric_points_where_it_is_told),
		cmocka_unit_test(what_is_watched_anyway),
		cmocka_unit_test(it_trips_after_its_window),
		cmocka_unit_test(at_once_without_a_window),
		cmocka_unit_test(one_sample_alone_never_does),
		cmocka_unit_test(too_little_is_as_bad),
		cmocka_unit_test(silence_is_a_violation),
		cmocka_unit_test(it_takes_some_room_to_be_well),
		cmocka_unit_test(what_was_before_counts),
		cmocka_unit_test(it_remembers_what_it_saw),
		cmocka_unit_test(armed_again_it_begins_anew),
		cmocka_unit_test(the_good_are_never_tripped),
		cmocka_unit_test(the_bad_always_are),
		cmocka_unit_test(it_never_trips_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
