/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the watcher changes the policy of a machine, and when it does not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agents/watcher/decide.h"
#include "base/clock.h"

#define MINUTE 60.0
#define HOUR   3600.0

/* A watcher that looks once a minute, and does what is decided. */
struct machine {
	struct watcher w;
	double now;
	long changes;
	struct watcher_choice last;
};

static struct machine machine_of(void)
{
	struct machine m = {.now = 1e6};

	watcher_init(&m.w, &WATCHER_RULES, m.now);
	return m;
}

static struct watcher_seen seen(const char *workload, double distance,
				const char *policy)
{
	struct watcher_seen s = {.distance = distance};

	snprintf(s.workload, sizeof(s.workload), "%s", workload);
	snprintf(s.policy, sizeof(s.policy), "%s", policy);
	return s;
}

/* A minute passes. */
static enum watcher_answer passes(struct machine *m,
				  const struct watcher_seen *list, size_t n)
{
	enum watcher_answer a;

	m->now += MINUTE;
	watcher_saw(&m->w, list, n);
	a = watcher_decide(&m->w, m->now, &m->last);
	if (a == WATCHER_CHANGE) {
		watcher_changed(&m->w, m->now, &m->last.to);
		m->changes++;
	}
	return a;
}

static enum watcher_answer minute(struct machine *m, const char *workload,
				  double distance, const char *policy)
{
	struct watcher_seen s = seen(workload, distance, policy);

	return passes(m, &s, 1);
}

static void minutes(struct machine *m, int n, const char *workload,
		    double distance, const char *policy)
{
	while (n--)
		minute(m, workload, distance, policy);
}

/* ---- what lasts -------------------------------------------------------- */

static void changes_only_for_what_lasts(void **state)
{
	struct machine m = machine_of();

	(void)state;
	assert_int_equal(minute(&m, "web", 1, "A"), WATCHER_STAY);
	assert_int_equal(minute(&m, "web", 1, "A"), WATCHER_STAY);
	assert_int_equal(minute(&m, "web", 1, "A"), WATCHER_CHANGE);
	assert_string_equal(m.last.to.policy, "A");
	assert_non_null(strstr(m.last.why, "'web'"));
	assert_int_equal(minute(&m, "web", 1, "A"), WATCHER_STAY);
}

static void one_odd_window_changes_nothing(void **state)
{
	struct machine m = machine_of();

	(void)state;
	minute(&m, "web", 1, "A");
	minute(&m, "web", 1, "A");
	minute(&m, "build", 1, "B");
	assert_int_equal(minute(&m, "web", 1, "A"), WATCHER_CHANGE);
	minutes(&m, 20, "web", 1, "A");
	for (int i = 0; i < 50; i++) {
		minute(&m, "build", 1, "B");
		minutes(&m, 3, "web", 1, "A");
	}
	assert_int_equal(m.changes, 1);
	assert_string_equal(m.w.present.policy, "A");
}

static void nothing_known_is_the_kernels_own(void **state)
{
	struct machine m = machine_of();

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(passes(&m, NULL, 0), WATCHER_STAY);
	minutes(&m, 3, "web", 1, "A");
	for (int i = 0; i < 10; i++)
		passes(&m, NULL, 0);
	assert_int_equal(m.changes, 2);
	assert_string_equal(m.w.present.policy, "");
	assert_non_null(strstr(m.last.why, "in place"));
}

static void known_but_not_trusted_is_the_kernels_own(void **state)
{
	struct machine m = machine_of();

	(void)state;
	minutes(&m, 10, "web", 1, "");
	assert_int_equal(m.changes, 0);
	minutes(&m, 10, "build", 1, "B");
	minutes(&m, 4, "web", 1, "");
	assert_int_equal(m.changes, 2);
	assert_string_equal(m.w.present.policy, "");
}

/* ---- to and fro -------------------------------------------------------- */

static void never_flaps_between_two(void **state)
{
	struct machine m = machine_of();

	(void)state;
	for (int i = 0; i < 600; i++)
		minute(&m, i % 2 ? "web" : "build", 1, i % 2 ? "A" : "B");
	assert_int_equal(m.changes, 0);
}

/* Whatever the input does, the bounds hold in each hour. */
static void keeps_its_bounds_under_any_input(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	static const char *const policies[] = {"A", "B", ""};
	double when[4096];
	struct machine m = machine_of();
	struct rng r;
	long n = 0;

	(void)state;
	rng_init(&r, 7);
	for (int i = 0; i < 20000; i++) {
		/* Phases of all lengths, so that some last just long enough. */
		size_t k = (size_t)rng_below(&r, 3);
		int phase = 1 + (int)rng_below(&r, 12);

		for (int j = 0; j < phase && i < 20000; j++, i++) {
			enum watcher_answer a = minute(
				&m, names[k], 4 * rng_unit(&r), policies[k]);

			if (a == WATCHER_CHANGE && n < 4096)
				when[n++] = m.now;
			if (a == WATCHER_CHANGE && n > 1)
				assert_true(when[n - 1] - when[n - 2] >=
					    m.w.rules.dwell_s);
			if (n > m.w.rules.per_hour)
				assert_true(when[n - 1] -
						    when[n - 1 -
							 m.w.rules.per_hour] >=
					    HOUR);
		}
	}
	assert_true(n > 100);
}

static void can_always_go_back_to_the_kernels_own(void **state)
{
	struct machine m = machine_of();

	(void)state;
	m.w.rules.dwell_s = 0;
	for (int i = 0; i < 12; i++)
		minutes(&m, 3, i % 2 ? "web" : "build", 1, i % 2 ? "A" : "B");
	assert_int_equal(m.changes, m.w.rules.per_hour - 1);
	for (int i = 0; i < 4; i++)
		passes(&m, NULL, 0);
	assert_string_equal(m.w.present.policy, "");
	assert_int_equal(m.changes, m.w.rules.per_hour);
	assert_int_equal(minute(&m, "web", 1, "A"), WATCHER_STAY);
	minutes(&m, 1, "web", 1, "A");
	assert_int_equal(minute(&m, "web", 1, "A"), WATCHER_WAIT);
	assert_non_null(strstr(m.last.why, "changes in the last hour"));
}

static void stays_for_its_dwell(void **state)
{
	struct machine m = machine_of();

	(void)state;
	minutes(&m, 3, "web", 1, "A");
	minutes(&m, 2, "build", 1, "B");
	assert_int_equal(minute(&m, "build", 1, "B"), WATCHER_WAIT);
	assert_int_equal(minute(&m, "build", 1, "B"), WATCHER_WAIT);
	assert_int_equal(minute(&m, "build", 1, "B"), WATCHER_CHANGE);
}

/* Under a policy a workload looks different from what it was without. */
static void what_is_in_place_is_lost_later_than_found(void **state)
{
	struct machine m = machine_of();
	const struct watcher_seen both[] = {seen("web", 2.3, "A"),
					    seen("build", 2, "B")};
	const struct watcher_seen other[] = {seen("web", 4, "A"),
					     seen("build", 2, "B")};

	(void)state;
	minutes(&m, 10, "web", 4, "A");
	assert_int_equal(m.changes, 0);
	minutes(&m, 3, "web", 2, "A");
	minutes(&m, 20, "web", 5, "A");
	assert_int_equal(m.changes, 1);
	/* As near, but for chance. */
	for (int i = 0; i < 20; i++)
		passes(&m, both, 2);
	assert_int_equal(m.changes, 1);
	for (int i = 0; i < 4; i++)
		passes(&m, other, 2);
	assert_string_equal(m.w.present.policy, "B");
	minutes(&m, 10, "build", 7, "B");
	assert_string_equal(m.w.present.policy, "");
}

static void two_workloads_of_one_policy_are_no_change(void **state)
{
	struct machine m = machine_of();

	(void)state;
	for (int i = 0; i < 60; i++)
		minute(&m, i / 7 % 2 ? "web" : "shop", 1, "A");
	assert_int_equal(m.changes, 1);
}

/* ---- what falls -------------------------------------------------------- */

static void what_fell_is_left_alone_for_longer_and_longer(void **state)
{
	struct machine m = machine_of();
	struct watcher_vote a;
	double fell = 0, again = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		while (minute(&m, "web", 1, "A") != WATCHER_CHANGE)
			;
		/* The n-th time it waits twice as long. */
		assert_true(!i || m.now - fell >= again);
		a = m.w.present;
		m.now += 1;
		watcher_fell(&m.w, m.now, &a);
		fell = m.now;
		again = m.w.rules.cooldown_s * pow(2, i);
		assert_string_equal(m.w.present.policy, "");
		minutes(&m, 2, "web", 1, "A");
		assert_int_equal(minute(&m, "web", 1, "A"), WATCHER_WAIT);
		assert_non_null(strstr(m.last.why, "fell"));
	}
	/* Others are not meant. */
	minutes(&m, 4, "build", 1, "B");
	assert_string_equal(m.w.present.policy, "B");
}

static void what_was_refused_keeps_nothing_else_in_place(void **state)
{
	struct machine m = machine_of();
	struct watcher_vote b = {.policy = "B", .workload = "build"};

	(void)state;
	watcher_fell(&m.w, m.now, &b);
	assert_int_equal(m.w.switched, 0);
	minutes(&m, 3, "web", 1, "A");
	assert_string_equal(m.w.present.policy, "A");
	/* A is for something else than what goes on. */
	minutes(&m, 9, "build", 1, "B");
	assert_string_equal(m.w.present.policy, "");
	minutes(&m, 20, "build", 1, "B");
	assert_string_equal(m.w.present.policy, "B");
}

static void a_fall_is_forgiven_to_what_then_went_well(void **state)
{
	struct machine m = machine_of();
	struct watcher_vote a;

	(void)state;
	minutes(&m, 3, "web", 1, "A");
	a = m.w.present;
	watcher_fell(&m.w, m.now, &a);
	minutes(&m, 30, "web", 1, "A");
	assert_string_equal(m.w.present.policy, "A");
	assert_int_equal(m.w.banned, 1);
	for (int i = 0; i < 10; i++)
		passes(&m, NULL, 0);
	assert_string_equal(m.w.present.policy, "");
	assert_int_equal(m.w.banned, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_only_for_what_lasts),
		cmocka_unit_test(one_odd_window_changes_nothing),
		cmocka_unit_test(nothing_known_is_the_kernels_own),
		cmocka_unit_test(known_but_not_trusted_is_the_kernels_own),
		cmocka_unit_test(never_flaps_between_two),
		cmocka_unit_test(keeps_its_bounds_under_any_input),
		cmocka_unit_test(can_always_go_back_to_the_kernels_own),
		cmocka_unit_test(stays_for_its_dwell),
		cmocka_unit_test(what_is_in_place_is_lost_later_than_found),
		cmocka_unit_test(two_workloads_of_one_policy_are_no_change),
		cmocka_unit_test(what_fell_is_left_alone_for_longer_and_longer),
		cmocka_unit_test(what_was_refused_keeps_nothing_else_in_place),
		cmocka_unit_test(a_fall_is_forgiven_to_what_then_went_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
