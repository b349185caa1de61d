/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine is built of: its clock, its findings, results in words. */
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
#include "sim/engine.h"
#include "sim/load_make.h"

#define US  1000ull
#define SEC 1000000000ull

/* ---- the clock's heap, beside a list that is searched ------------------- */

#define EVENTS 40

static void nothing_fires(struct sim *s, struct sim_event *e)
{
	(void)s;
	(void)e;
}

/* The first of those that are set; EVENTS: none is. */
static size_t soonest(const bool *set, const uint64_t *at,
		      const uint64_t *order)
{
	size_t best = EVENTS;

	for (size_t i = 0; i < EVENTS; i++)
		if (set[i] && (best == EVENTS || at[i] < at[best] ||
			       (at[i] == at[best] && order[i] < order[best])))
			best = i;
	return best;
}

static void events_come_in_order(void **state)
{
	struct sim_event e[EVENTS] = {0};
	uint64_t at[EVENTS] = {0}, order[EVENTS] = {0}, now = 0, turn = 0;
	bool set[EVENTS] = {false};
	struct sim s = {0};
	struct rng r;

	(void)state;
	rng_init(&r, 8);
	for (size_t i = 0; i < EVENTS; i++) {
		e[i].fire = nothing_fires;
		e[i].background = i % 3 == 0;
	}
	for (int step = 0; step < 20000; step++) {
		size_t i = (size_t)(rng_unit(&r) * EVENTS), n = 0, quiet = 0;
		/* Often several at one time, and some in the past. */
		uint64_t when = now + (uint64_t)(rng_unit(&r) * 12);

		if (rng_unit(&r) < 0.6) {
			when -= when > 2 ? 2 : 0;
			sim_event_set(&s, &e[i], when);
			set[i] = true;
			at[i] = when > now ? when : now;
			order[i] = ++turn;
		} else if (rng_unit(&r) < 0.5) {
			sim_event_cancel(&s, &e[i]);
			set[i] = false;
		} else if (s.heap_len) {
			i = soonest(set, at, order);
			assert_ptr_equal(s.heap[0], &e[i]);
			s.now = now = e[i].at;
			sim_event_cancel(&s, &e[i]);
			set[i] = false;
		}
		for (size_t k = 0; k < EVENTS; k++) {
			n += set[k];
			quiet += set[k] && e[k].background;
			assert_int_equal(e[k].slot != 0, set[k]);
			if (set[k]) {
				assert_int_equal(e[k].at, at[k]);
				assert_ptr_equal(s.heap[e[k].slot - 1], &e[k]);
			}
		}
		assert_int_equal(s.heap_len, n);
		assert_int_equal(s.background, quiet);
	}
	while (s.heap_len) {
		size_t i = soonest(set, at, order);

		assert_ptr_equal(s.heap[0], &e[i]);
		sim_event_cancel(&s, &e[i]);
		set[i] = false;
	}
	assert_int_equal(soonest(set, at, order), EVENTS);
	free(s.heap);
}

/* ---- findings and figures in words -------------------------------------- */

static void a_finding_is_told_once(void **state)
{
	struct sim_result r = {0};
	struct sim s = {.r = &r, .now = 7};
	char same[] = "a.c";

	(void)state;
	sim_find(&s, SIM_LOST, "a.c", 1, "first %d", 1);
	s.now = 8;
	sim_find(&s, SIM_LOST, same, 1, "again");
	sim_find(&s, SIM_STALL, "a.c", 1, "another rule");
	sim_find(&s, SIM_LOST, "a.c", 2, "another line");
	sim_find(&s, SIM_LOST, "b.c", 1, "another file");
	sim_find(&s, SIM_LOST, NULL, 1, "no file");
	sim_find(&s, SIM_LOST, NULL, 1, "no file, again");
	assert_int_equal(r.finding_count, 5);
	assert_string_equal(r.findings[0].text, "first 1");
	assert_int_equal(r.findings[0].at_ns, 7);
	assert_int_equal(r.findings[1].at_ns, 8);
	for (uint32_t i = 3; i < 100; i++)
		sim_find(&s, SIM_LOST, "a.c", i, "many");
	assert_int_equal(r.finding_count, SIM_MAX_FINDINGS);
	/* Whoever is the first to end it has ended it. */
	sim_eject(&s, 5, -3, "gone: %s", "why");
	sim_eject(&s, 6, 4, "later");
	assert_true(s.over);
	assert_int_equal(r.outcome, SIM_EJECTED);
	assert_int_equal(r.exit_kind, 5);
	assert_int_equal(r.exit_code, -3);
	assert_string_equal(r.exit_text, "gone: why");
	sim_result_release(&r);
	assert_int_equal(r.finding_count, 0);
}

static void figures_have_six_digits(void **state)
{
	static const double x[] = {1,	      9.999995, 0.1,	 0.123456789,
				   123456.5,  999999.5, 1e-7,	 1.23456789e-7,
				   123456789, 1e15,	2.0 / 3, 1e9 + 1};

	(void)state;
	assert_true(sim_rounded(0) == 0);
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		for (int sign = -1; sign <= 1; sign += 2) {
			double got = sim_rounded(sign * x[i]), off;

			/* Within half of the sixth digit … */
			off = fabs(got - sign * x[i]) / x[i];
			assert_true(off <= 5.0001e-6);
			/* … and no other digits than six. */
			if (x[i] < 1e6) {
				char text[40];

				snprintf(text, sizeof(text), "%.6g", got);
				assert_true(strtod(text, NULL) == got);
			}
		}
	assert_true(sim_rounded(123456789) == 123457000);
}

static double figure(const struct json *v, const char *path)
{
	const struct json *x = json_path(v, path);

	if (!x)
		fail_msg("no %s", path);
	return json_as_number(x, -1);
}

/* Every figure is another one, so that none can stand in another's place. */
/* Each figure of a result, where it stands in the document. */
static const struct {
	const char *path;
	double is;
} told[] = {
	{"machine.cpus", 4},
	{"machine.threads", 2},
	{"machine.llcs", 3},
	{"machine.nodes", 1},
	{"seed", 77},
	{"end_s", 2},
	{"busy_s", 3},
	{"idle_s", 5},
	{"overhead_s", 0.25},
	{"idle_waiting_s", 0.5},
	{"longest_wait_s", 0.125},
	{"events", 11},
	{"switches", 12},
	{"wakeups", 13},
	{"migrations", 14},
	{"preemptions", 15},
	{"kicks", 16},
	{"ticks", 17},
	{"unfinished", 18},
	{"weight_error", 0},
	{"exit_kind", 1025},
	{"exit_code", -9},
	{"metrics.0.value", 2},
	{"metrics.1.value", 2},
	{"metrics.2.value", 250},
	{"metrics.4.value", 1.5},
	{"groups.0.tasks", 21},
	{"groups.0.run_s", 3},
	{"groups.0.wait_s", 4},
	{"groups.0.wakeups", 22},
	{"groups.0.migrations", 23},
	{"groups.0.preemptions", 24},
	{"groups.0.delay_us.count", 2},
	{"groups.0.burst_us.count", 3},
	{"units.0.count", 4},
	{"units.0.time_us.count", 4},
	{"units.0.slowdown.count", 1},
	{"units.1.count", 0},
	{"findings.0.at_s", 6},
	{"findings.0.line", 31},
	{"callbacks.0.calls", 8},
	{"callbacks.0.insns_mean", 2.5},
	{"callbacks.0.insns_max", 9},
};

static void results_are_told_whole(void **state)
{
	struct sim_opts o = {.seed = 77};
	struct load *l = load_new("named");
	struct sim_result r = {
		.outcome = SIM_EJECTED,
		.end_ns = 2 * SEC,
		.busy_ns = 3 * SEC,
		.idle_ns = 5 * SEC,
		.overhead_ns = SEC / 4,
		.idle_waiting_ns = SEC / 2,
		.longest_wait_ns = SEC / 8,
		.events = 11,
		.switches = 12,
		.wakeups = 13,
		.migrations = 14,
		.preemptions = 15,
		.kicks = 16,
		.ticks = 17,
		.unfinished = 18,
		.group_count = 1,
		.metric_count = 2,
		.callback_count = 2,
		.exit_kind = 1025,
		.exit_code = -9,
	};
	struct json *v;

	(void)state;
	sim_costs_default(&o.costs);
	o.machine = (struct sim_machine){4, 2, 3, 1};
	load_add_group(l, "workers");
	load_add_metric(l, "request");
	load_add_metric(l, "never");
	r.groups = mem_zalloc(1, sizeof(*r.groups));
	r.metrics = mem_zalloc(2, sizeof(*r.metrics));
	r.groups[0] = (struct sim_group_result){.tasks = 21,
						.run_ns = 3 * SEC,
						.wait_ns = 4 * SEC,
						.wakeups = 22,
						.migrations = 23,
						.preemptions = 24};
	hist_add_many(&r.groups[0].delay, 5000, 2);
	hist_add_many(&r.groups[0].burst, 7000, 3);
	r.metrics[0].count = 4;
	hist_add_many(&r.metrics[0].time, 250 * US, 4);
	hist_add(&r.metrics[0].slowdown, 1000);
	r.callbacks[0] = (struct sim_callback_result){"enqueue", 8, 20, 9};
	r.callbacks[1].name = "dequeue";
	r.exit_text = mem_strdup("dropped");
	r.findings[0] = (struct sim_finding){SIM_IDLE, 6 * SEC, "p.c", 31,
					     mem_strdup("idle beside work")};
	r.findings[1] = (struct sim_finding){SIM_COST, 0, NULL, 32,
					     mem_strdup("costs much")};
	r.finding_count = 2;
	v = sim_result_json(l, &o, &r);
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		if (figure(v, told[i].path) != told[i].is)
			fail_msg("%s is %g, not %g", told[i].path,
				 figure(v, told[i].path), told[i].is);
	assert_string_equal(json_as_string(json_get(v, "load"), ""), "named");
	assert_string_equal(json_as_string(json_get(v, "outcome"), ""),
			    "ejected");
	assert_string_equal(json_as_string(json_get(v, "exit_text"), ""),
			    "dropped");
	assert_string_equal(json_as_string(json_path(v, "findings.0.rule"), ""),
			    "idle");
	assert_string_equal(json_as_string(json_path(v, "findings.0.file"), ""),
			    "p.c");
	assert_null(json_path(v, "findings.1.line"));
	assert_string_equal(json_as_string(json_path(v, "findings.1.text"), ""),
			    "costs much");
	/* Never called, nothing measured: not there. */
	assert_int_equal(json_len(json_get(v, "callbacks")), 1);
	assert_int_equal(json_len(json_get(v, "metrics")), 6);
	assert_string_equal(json_as_string(json_path(v, "metrics.4.name"), ""),
			    "workers_cpus");
	assert_string_equal(json_as_string(json_path(v, "metrics.5.name"), ""),
			    "workers_delay_p99");
	assert_null(json_get(v, "counters"));
	assert_null(json_get(v, "notes"));
	json_free(v);
	/* Below 0 there is nothing to say; done has no exit; no time, no rate.
	 */
	r.weight_error = -1;
	r.outcome = SIM_DONE;
	r.callback_count = 0;
	r.end_ns = 0;
	load_note(l, "assumed");
	v = sim_result_json(l, &o, &r);
	assert_null(json_get(v, "weight_error"));
	assert_null(json_get(v, "exit_kind"));
	assert_null(json_get(v, "callbacks"));
	assert_int_equal(json_len(json_get(v, "metrics")), 2);
	assert_int_equal(json_len(json_get(v, "notes")), 1);
	json_free(v);
	sim_result_release(&r);
	load_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_in_order),
		cmocka_unit_test(a_finding_is_told_once),
		cmocka_unit_test(figures_have_six_digits),
		cmocka_unit_test(results_are_told_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
