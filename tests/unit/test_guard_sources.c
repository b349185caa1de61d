/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guards make of numbers that the test itself tells them. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"
#include "guard/sentry.h"
#include "guard/source.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-6 * (1 + fabs((double)(b))))

static char dir[32];

/* A folder that looks like a cgroup's. */
static int fresh(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/schedkit-guard.XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int away(void **state)
{
	(void)state;
	temp_clear(dir);
	return 0;
}

/* In the same file: it is open. */
static void say(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static void say_pressure(double some_us, double full_us)
{
	char *text = mem_printf("some avg10=1.00 avg60=0.00 avg300=0.00 "
				"total=%.0f\nfull avg10=0.00 avg60=0.00 "
				"avg300=0.00 total=%.0f\n",
				some_us, full_us);

	say("cpu.pressure", text);
	free(text);
}

static void say_usage(double us)
{
	char *text = mem_printf("usage_usec %.0f\nuser_usec 7\n", us);

	say("cpu.stat", text);
	free(text);
}

/* ---- one source --------------------------------------------------------- */

static void pressure_grows(void **state)
{
	struct psi_watch w;
	double some = -1, full = -1;

	(void)state;
	assert_int_equal(psi_open(&w, dir), -ENOTSUP);
	assert_false(psi_tick(&w, 1, &some, &full));
	psi_close(&w);
	say("cpu.pressure", "");
	assert_int_equal(psi_open(&w, dir), -ENOTSUP);
	say_pressure(1e6, 2e6);
	assert_int_equal(psi_open(&w, dir), 0);
	assert_false(psi_tick(&w, 10, &some, &full)); /* nothing before */
	say_pressure(1.5e6, 2.1e6);
	assert_false(psi_tick(&w, 10.4, &some, &full)); /* too early */
	assert_true(psi_tick(&w, 12, &some, &full));
	NEAR(some, 25); /* half a second of two */
	NEAR(full, 5);
	say_pressure(99e6, 2.1e6);
	assert_true(psi_tick(&w, 13, &some, &full));
	NEAR(some, 100); /* never more than all of it */
	NEAR(full, 0);
	/* A kernel that has no second line, and one that says nothing. */
	say("cpu.pressure", "some avg10=0.00 total=99500000\n");
	assert_true(psi_tick(&w, 14, &some, &full));
	NEAR(some, 50);
	say("cpu.pressure", "");
	assert_false(psi_tick(&w, 15, &some, &full));
	psi_close(&w);
	assert_false(psi_tick(&w, 16, &some, &full));
}

static void work_grows(void **state)
{
	struct work_watch w;
	double cpus = -1;

	(void)state;
	assert_int_equal(work_open(&w, dir), -ENOENT);
	assert_false(work_tick(&w, 1, &cpus));
	say_usage(5e6);
	assert_int_equal(work_open(&w, dir), 0);
	assert_false(work_tick(&w, 10, &cpus));
	say_usage(8e6);
	assert_false(work_tick(&w, 10.4, &cpus));
	assert_true(work_tick(&w, 12, &cpus));
	NEAR(cpus, 1.5);
	say("cpu.stat", "user_usec 7\n");
	assert_false(work_tick(&w, 13, &cpus));
	say("cpu.stat", "");
	assert_false(work_tick(&w, 14, &cpus));
	say_usage(9e6);
	assert_true(work_tick(&w, 16, &cpus)); /* since it was told last */
	NEAR(cpus, 0.25);
	work_close(&w);
	assert_false(work_tick(&w, 20, &cpus));
}

/* ---- all of them -------------------------------------------------------- */

static struct guard_rule rule(const char *text)
{
	struct guard_rule r;

	if (guard_rule_parse(text, &r))
		fail_msg("%s", err_text());
	return r;
}

/* Ticks at 0.6 s each; pressure and usage grow by so much in a second. */
static const struct guard *run(struct sentry *s, double *now, bool armed,
			       double some, double full, double cpus)
{
	static double some_us, full_us, usage_us;
	const struct guard *g = NULL;

	for (int i = 0; i < 8 && !g; i++) {
		some_us += some * 0.6e6;
		full_us += full * 0.6e6;
		usage_us += cpus * 0.6e6;
		say_pressure(some_us, full_us);
		say_usage(usage_us);
		if (armed)
			g = sentry_tick(s, *now);
		else
			sentry_before(s, *now);
		*now += 0.6;
	}
	return g;
}

struct trip {
	const char *rule;
	double before[3], then[3]; /* some, full, CPUs */
	const char *allowed;	   /* NULL: it does not trip */
	double value, bound;	   /* as is told of the trip */
};

static void check_trip(const struct trip *t)
{
	const struct guard_rule rules[] = {rule(t->rule), rule("stall:3000s"),
					   rule("wait_p99:3000s")};
	const struct sentry_opts o = {.rules = rules,
				      .count = ARRAY_LEN(rules),
				      .cgroup = dir,
				      .watchdog_s = 30};
	const struct guard *g;
	struct json *trip;
	struct sentry *s;
	double now = 100;

	say_pressure(0, 0);
	say_usage(0);
	if (sentry_open(&o, &s))
		fail_msg("%s: %s", t->rule, err_text());
	assert_int_equal(sentry_compares(s), rules[0].relative);
	run(s, &now, false, t->before[0], t->before[1], t->before[2]);
	assert_int_equal(sentry_settle(s), 0);
	assert_int_equal(sentry_arm(s, now), 0);
	g = run(s, &now, true, t->then[0], t->then[1], t->then[2]);
	if (!g != !t->allowed)
		fail_msg("%s: %s", t->rule, g ? "tripped" : "did not trip");
	if (g) {
		trip = sentry_trip(s, g);
		assert_string_equal(json_text_at(trip, "allowed"), t->allowed);
		NEAR(json_as_number(json_get(trip, "value"), NAN), t->value);
		NEAR(json_as_number(json_get(trip, "bound"), NAN), t->bound);
		assert_int_equal(json_get(trip, "before") != NULL,
				 rules[0].relative);
		assert_null(json_get(trip, "tid"));
		json_free(trip);
	}
	sentry_close(s);
}

static void what_trips(void **state)
{
	static const struct trip trips[] = {
		{"psi_cpu:40%:1s", {0}, {0.5, 0, 0}, "at-most", 50, 40},
		{"psi_cpu:40%:1s", {0}, {0.3, 0.9, 0}, NULL, 0, 0},
		{"psi_cpu_full:10%:1s", {0}, {0, 0.2, 0}, "at-most", 20, 10},
		{"psi_cpu_full:10%:1s", {0}, {0.9, 0, 0}, NULL, 0, 0},
		/* 20 % more than 30 % is 36 %. */
		{"psi_cpu:20:1s", {0.3, 0, 0}, {0.4, 0, 0}, "at-most", 40, 36},
		{"psi_cpu:20:1s", {0.3, 0, 0}, {0.35, 0, 0}, NULL, 0, 0},
		/* Twice nearly nothing is twice 5 %. */
		{"psi_cpu:2x:1s", {0.01, 0, 0}, {0.08, 0, 0}, NULL, 0, 0},
		{"psi_cpu:2x:1s", {0.01, 0, 0}, {0.2, 0, 0}, "at-most", 20, 10},
		{"throughput:>1.5:1s", {0}, {0, 0, 1}, "at-least", 1, 1.5},
		{"throughput:>1.5:1s", {0}, {0, 0, 2}, NULL, 0, 0},
		{"throughput:10:1s", {0, 0, 2}, {0, 0, 1}, "at-least", 1, 1.8},
		{"throughput:0.4x:1s", {0, 0, 2}, {0, 0, 1}, NULL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(trips); i++)
		check_trip(&trips[i]);
}

/* The command did nothing before: there is nothing to compare with. */
static void nothing_to_compare_with(void **state)
{
	const struct guard_rule r = rule("throughput:10");
	const struct sentry_opts o = {
		.rules = &r, .count = 1, .cgroup = dir, .watchdog_s = 30};
	struct sentry *s;
	double now = 100;

	(void)state;
	say_usage(0);
	assert_int_equal(sentry_open(&o, &s), 0);
	assert_int_equal(sentry_settle(s), -ENODATA);
	run(s, &now, false, 0, 0, 0);
	assert_int_equal(sentry_settle(s), -ENODATA);
	assert_int_equal(sentry_arm(s, now), -ENODATA);
	sentry_close(s);
}

/* ---- the policy's own time ---------------------------------------------- */

static double spent[8];
static size_t asked;

static double tell_spent(void *arg)
{
	(void)arg;
	return spent[asked < ARRAY_LEN(spent) - 1 ? asked++ : asked];
}

/* Whether more time than all CPUs have is noticed: what is not known, or went
 * back, is no news. */
static bool policy_trips(const double *told)
{
	const struct guard_rule rules[] = {rule("policy_cpu:5%:0s"),
					   rule("stall:3000s"),
					   rule("wait_p99:3000s")};
	const struct sentry_opts o = {.rules = rules,
				      .count = ARRAY_LEN(rules),
				      .watchdog_s = 30,
				      .policy_ns = tell_spent};
	struct sentry *s;
	bool tripped = false;

	memcpy(spent, told, sizeof(spent));
	asked = 0;
	assert_int_equal(sentry_open(&o, &s), 0);
	assert_int_equal(sentry_arm(s, 100), 0);
	for (int i = 0; i < 8; i++) {
		const struct guard *g = sentry_tick(s, 100 + i);

		tripped |= g && !strcmp(g->rule.name, "policy_cpu");
	}
	sentry_close(s);
	return tripped;
}

static void the_time_of_a_policy(void **state)
{
	static const struct {
		double told[8];
		bool trips;
	} rows[] = {
		{{0, 1e15, 2e15}, true},
		{{5, 5, 5, 5, 5, 5, 5, 5}, false},
		{{-1, -1, -1, -1, -1, -1, -1, -1}, false},
		{{-1, 1e15, 1e15, 1e15, 1e15, 1e15, 1e15, 1e15}, false},
		{{-1, 5, 1e15}, true},
		{{1e15, 0, 0, 0, 0, 0, 0, 0}, false},
	};
	const struct guard_rule r = rule("policy_cpu:5%:0s");
	const struct sentry_opts o = {.rules = &r,
				      .count = 1,
				      .watchdog_s = 30,
				      .policy_ns = tell_spent};
	struct sentry *s;

	(void)state;
	if (geteuid()) {
		assert_int_equal(sentry_open(&o, &s), -ENOTSUP);
		assert_non_null(strstr(err_text(), "only root"));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (policy_trips(rows[i].told) != rows[i].trips)
			fail_msg("row %zu", i);
}

/* ---- limits ------------------------------------------------------------- */

static int nothing(void *arg, double *value)
{
	(void)arg;
	(void)value;
	return -EIO;
}

static void too_many(void **state)
{
	struct guard_rule rules[SENTRY_GUARDS + 1];
	struct sentry_metric metrics[SENTRY_METRICS + 1];
	struct sentry_opts o = {.rules = rules, .watchdog_s = 30};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i] = rule("psi_cpu:40%");
	/* Ours take up to three. */
	o.count = SENTRY_GUARDS - GUARD_OWN_MAX;
	assert_int_equal(sentry_check(&o), 0);
	o.count++;
	assert_int_equal(sentry_check(&o), -EINVAL);
	o.count = SENTRY_GUARDS + 1;
	assert_int_equal(sentry_check(&o), -EINVAL);
	assert_non_null(strstr(err_text(), "more than 32 guards"));
	o.count = 1;
	rules[0] = rule("m:<5");
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		metrics[i] = (struct sentry_metric){"m", false, nothing, NULL};
	o.metrics = metrics;
	o.metric_count = SENTRY_METRICS;
	assert_int_equal(sentry_check(&o), 0);
	o.metric_count++;
	assert_int_equal(sentry_check(&o), -EINVAL);
	assert_non_null(strstr(err_text(), "more than 8 metrics"));
	sentry_close(NULL);
}

/* What was asked for and cannot be read is said; what nobody asked for is left
 * out. */
static void what_cannot_be_read(void **state)
{
	const struct guard_rule event = rule("SCX_EV_NO_SUCH:5/s"),
				psi = rule("psi_cpu:40%"),
				work = rule("throughput:>1");
	struct sentry_opts o = {.rules = &event,
				.count = 1,
				.cgroup = dir,
				.watchdog_s = 30,
				.policy_ns = tell_spent};
	struct json *words;
	struct sentry *s;

	(void)state;
	assert_int_equal(sentry_open(&o, &s), 0);
	assert_int_equal(sentry_arm(s, 0), -ENOTSUP);
	assert_non_null(strstr(err_text(), "does not count that"));
	sentry_close(s);
	o.rules = &psi;
	assert_int_equal(sentry_open(&o, &s), -ENOTSUP);
	o.rules = &work;
	assert_int_equal(sentry_open(&o, &s), -ENOENT);
	/* Of the kernel's events nobody asked for. */
	o.policy_ns = NULL;
	o.count = 0;
	assert_int_equal(sentry_open(&o, &s), 0);
	assert_int_equal(sentry_arm(s, 0), 0);
	words = sentry_words(s);
	assert_int_equal(json_len(words), 2);
	assert_string_equal(json_as_string(json_at(words, 0), ""),
			    "stall at most 5 s");
	json_free(words);
	sentry_close(s);
}

/* ---- words -------------------------------------------------------------- */

static void what_is_said(void **state)
{
	static const struct {
		const char *rule;
		double before, value;
		const char *words, *said;
	} rows[] = {
		{"wait_p99:20ms", NAN, 812000,
		 "wait_p99 at most 20 ms (for 3 s)",
		 "wait_p99 was 812 ms for 3 s, and at most 20 ms is allowed"},
		{"wait_p99:2s:0s", NAN, 2.5e6, "wait_p99 at most 2 s",
		 "wait_p99 was 2.5 s, and at most 2 s is allowed"},
		{"wait_p99:300us:0s", NAN, 999, "wait_p99 at most 300 us",
		 "wait_p99 was 999 us, and at most 300 us is allowed"},
		{"psi_cpu:40%:0s", NAN, 50, "psi_cpu at most 40%",
		 "psi_cpu was 50%, and at most 40% is allowed"},
		{"events:100/s:0s", NAN, 2500, "events at most 100/s",
		 "events was 2500/s, and at most 100/s is allowed"},
		{"throughput:0.5x:0s", 4, 1, "throughput at least 2 CPUs",
		 "throughput was 1 CPUs, and at least 2 CPUs (0.5x of 4 CPUs "
		 "before) is allowed"},
		{"rps:>100:2s", NAN, NAN, "rps at least 100 (for 2 s)",
		 "rps was told no more for 2 s"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct guard_rule r = rule(rows[i].rule);
		char words[GUARD_WORDS], said[256];
		struct guard g;

		guard_init(&g, &r);
		guard_before(&g, rows[i].before);
		assert_false(guard_take(&g, 0, 1e9)); /* not yet armed */
		assert_int_equal(guard_arm(&g, 0), 0);
		for (int t = 1; t < 10 && !g.tripped; t++)
			guard_take(&g, t, rows[i].value);
		assert_true(g.tripped);
		guard_rule_words(&r, g.bound, words);
		assert_string_equal(words, rows[i].words);
		guard_words(&g, said, sizeof(said));
		assert_string_equal(said, rows[i].said);
	}
}

/* Bounds that would be another than was meant, or none. */
static void no_bounds(void **state)
{
	static const char *const bad[] = {
		"wait_p99:1e305s",
		"rps:>00000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000000000000005",
		"m.o_re-:<5:",
		"m%:<5",
		"m:<5:3",
		"m:<5:3601s",
		"m:<5:-1s",
		"m:<5:nans",
		"m:<5%",
		"throughput:>1%",
		"a2345678901234567890123456789012345678901234567890:<5",
	};
	struct guard_rule r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (guard_rule_parse(bad[i], &r) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	r = rule("m.o_re-:<5:3600s");
	NEAR(r.window_s, 3600);
	assert_string_equal(r.name, "m.o_re-");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fresh, away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pressure_grows),
		TEST(work_grows),
		TEST(what_trips),
		TEST(nothing_to_compare_with),
		TEST(the_time_of_a_policy),
		TEST(too_many),
		TEST(what_cannot_be_read),
		cmocka_unit_test(what_is_said),
		cmocka_unit_test(no_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
