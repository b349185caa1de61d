/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model of the kernel's fair class: shares, delays, balance. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load.h"
#include "sim/load_make.h"
#include "sim/sim.h"

#define US  1000ull
#define MS  1000000ull
#define SEC 1000000000ull

static struct sim_result run_on(const char *machine, struct load *l)
{
	struct sim_opts o = {.seed = 1};
	struct sim_result r;

	assert_int_equal(sim_machine_parse(machine, &o.machine), 0);
	sim_costs_default(&o.costs);
	if (sim_run(&o, NULL, l, &r) < 0)
		fail_msg("%s", err_text());
	for (size_t i = 0; i < r.finding_count; i++)
		fail_msg("%s: %s", sim_rule_names[r.findings[i].rule],
			 r.findings[i].text);
	return r;
}

static uint32_t task(struct load *l, const char *name, uint32_t instances)
{
	uint32_t t = load_add_task(l, name, load_add_group(l, name));

	l->tasks[t].instances = instances;
	return t;
}

static uint32_t hogs(struct load *l, const char *name, uint32_t instances)
{
	uint32_t t = task(l, name, instances);

	load_op_ns(l, t, LOAD_RUN, 100 * MS);
	load_op_loop(l, t, 0, 0);
	return t;
}

static uint32_t sleepers(struct load *l, const char *name, uint32_t instances,
			 uint64_t run_ns, uint64_t sleep_ns)
{
	uint32_t t = task(l, name, instances);

	load_op_ns(l, t, LOAD_RUN, run_ns);
	load_op_ns(l, t, LOAD_SLEEP, sleep_ns);
	load_op_loop(l, t, 0, 0);
	return t;
}

/* a had `want` times what b had, within some per cent. */
static void ratio_is(const struct sim_result *r, size_t a, size_t b,
		     double want, double percent)
{
	double is = (double)r->groups[a].run_ns / (double)r->groups[b].run_ns;

	if (fabs(is / want - 1) * 100 > percent)
		fail_msg("%.4f times the CPU time, not %.4f", is, want);
}

static void weights_are_kept(void **state)
{
	static const struct {
		int nice;
		double weight;
	} rows[] = {{5, 335}, {-5, 3121}, {10, 110}, {1, 820}, {0, 1024}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct load *l = load_new("l");
		struct sim_result r;
		uint32_t t;

		hogs(l, "zero", 1);
		t = hogs(l, "other", 1);
		l->tasks[t].nice = rows[i].nice;
		l->duration_ns = 20 * SEC;
		r = run_on("1", l);
		ratio_is(&r, 0, 1, 1024 / rows[i].weight, 2);
		assert_true(r.weight_error < 0.02);
		sim_result_release(&r);
		load_free(l);
	}
}

static void nice_changes_take_effect(void **state)
{
	struct load *l = load_new("l");
	uint32_t t;
	struct sim_result r;

	(void)state;
	hogs(l, "zero", 1);
	t = task(l, "changes", 1);
	load_add_op(l, t, LOAD_NICE)->n = 5;
	load_op_ns(l, t, LOAD_RUN, 500 * MS);
	load_add_op(l, t, LOAD_NICE)->n = -5;
	load_op_ns(l, t, LOAD_RUN, 30 * SEC);
	load_add_op(l, t, LOAD_EXIT);
	/* 0.5 s of a share of 335/1359 take 2.03 s; then 3121/4145. */
	l->duration_ns = 10 * SEC;
	r = run_on("1", l);
	assert_true(fabs((double)r.groups[1].run_ns / 1e9 -
			 (0.5 + (10 - 0.5 * 1359 / 335) * 3121 / 4145)) < 0.1);
	sim_result_release(&r);
	load_free(l);
}

static void cgroups_share_by_weight(void **state)
{
	struct load *l = load_new("l");
	uint32_t a, b, c, t;
	struct sim_result r;

	(void)state;
	a = load_add_cgroup(l, "a", 0, 100);
	b = load_add_cgroup(l, "b", 0, 300);
	c = load_add_cgroup(l, "c", b, 100);
	t = hogs(l, "one in a", 1);
	l->tasks[t].cgroup = a;
	t = hogs(l, "four in b", 4);
	l->tasks[t].cgroup = b;
	t = hogs(l, "one in b/c", 1);
	l->tasks[t].cgroup = c;
	l->duration_ns = 20 * SEC;
	r = run_on("1", l);
	/* a : b = 1 : 3, and of b a fifth is b/c's. */
	ratio_is(&r, 1, 0, 3 * 0.8, 3);
	ratio_is(&r, 2, 0, 3 * 0.2, 3);
	sim_result_release(&r);
	load_free(l);
}

static void hogs_are_balanced(void **state)
{
	static const char *const machines[] = {"2", "2,llcs=2", "4,threads=2"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		struct load *l = load_new("l");
		struct sim_result r;
		uint64_t cpus = i == 2 ? 4 : 2;

		for (int j = 0; j < 4; j++)
			hogs(l, "hog", 1);
		l->duration_ns = 5 * SEC;
		r = run_on(machines[i], l);
		for (size_t j = 0; j < 4; j++)
			assert_true(fabs((double)r.groups[j].run_ns /
						 ((double)cpus * 1.25e9) -
					 1) < 0.02);
		assert_true(r.idle_ns < MS);
		sim_result_release(&r);
		load_free(l);
	}
}

/* Two on one CPU and one on the other must not stay so. */
static void three_hogs_share_two_cpus(void **state)
{
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	for (int j = 0; j < 3; j++)
		hogs(l, "hog", 1);
	l->duration_ns = 20 * SEC;
	r = run_on("2", l);
	assert_true(r.weight_error < 0.25);
	assert_true(r.migrations > 20 && r.migrations < 2000);
	sim_result_release(&r);
	load_free(l);
}

static void weights_are_kept_on_many_cpus(void **state)
{
	struct sim_opts o = {.seed = 1};
	struct sim_result r;
	struct load *l;

	(void)state;
	assert_int_equal(load_hostile("weights", 8, 1, &l), 0);
	sim_machine_parse("8", &o.machine);
	sim_costs_default(&o.costs);
	assert_int_equal(sim_run(&o, NULL, l, &r), 0);
	assert_true(r.weight_error >= 0 && r.weight_error < 0.25);
	sim_result_release(&r);
	load_free(l);
}

static void idle_cpus_take_what_waits(void **state)
{
	struct load *l = load_new("l");
	uint32_t t = task(l, "short", 2);
	struct sim_result r;

	(void)state;
	hogs(l, "hog", 2);
	load_op_ns(l, t, LOAD_RUN, 200 * MS);
	load_add_op(l, t, LOAD_EXIT);
	l->duration_ns = 2 * SEC;
	r = run_on("4,llcs=2", l);
	/* Each has a CPU for itself. */
	assert_true(r.groups[1].wait_ns < MS);
	assert_true(r.groups[0].delay.max < MS);
	sim_result_release(&r);
	load_free(l);
}

/* The sleeper has more lag than the hogs: it preempts, or waits for the end of
 * one slice, which comes at a tick. */
static void sleepers_wait_for_a_slice_at_most(void **state)
{
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	hogs(l, "hog", 2);
	sleepers(l, "sleeper", 1, 100 * US, 10 * MS);
	l->duration_ns = 10 * SEC;
	r = run_on("1", l);
	assert_true(r.groups[1].wakeups > 500);
	assert_true(r.groups[1].delay.max <= 8 * MS);
	assert_true(hist_quantile(&r.groups[1].delay, 0.5) <= 4 * MS);
	sim_result_release(&r);
	load_free(l);
}

/* Who sleeps right after more than its share is not forgiven. */
static void sleeping_is_no_way_out(void **state)
{
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	hogs(l, "hog", 1);
	sleepers(l, "naps", 1, 3 * MS, 50 * US);
	l->duration_ns = 10 * SEC;
	r = run_on("1", l);
	assert_true(r.groups[1].run_ns < 5200 * MS);
	assert_true(r.groups[1].run_ns > 4000 * MS);
	sim_result_release(&r);
	load_free(l);
}

static void wakeups_find_idle_cpus(void **state)
{
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	hogs(l, "hog", 2);
	sleepers(l, "sleeper", 4, 500 * US, MS);
	l->duration_ns = 2 * SEC;
	r = run_on("8", l);
	assert_true(hist_quantile(&r.groups[1].delay, 0.99) < 50 * US);
	sim_result_release(&r);
	load_free(l);
}

static void whole_cores_come_first(void **state)
{
	struct load *l = load_new("l");
	uint32_t t = task(l, "t", 4);
	struct sim_result r;

	(void)state;
	load_op_ns(l, t, LOAD_RUN, 500 * MS);
	load_add_op(l, t, LOAD_EXIT);
	r = run_on("8,threads=2", l);
	assert_true(r.end_ns < 510 * MS);
	sim_result_release(&r);
	load_free(l);
}

static void yielding_gives_way(void **state)
{
	struct load *l = load_new("l");
	uint32_t t;
	struct sim_result r;

	(void)state;
	hogs(l, "hog", 1);
	t = task(l, "yields", 1);
	load_op_ns(l, t, LOAD_RUN, 20 * US);
	load_add_op(l, t, LOAD_YIELD);
	load_op_loop(l, t, 0, 0);
	l->duration_ns = 5 * SEC;
	r = run_on("1", l);
	assert_true(r.groups[0].run_ns > 2 * r.groups[1].run_ns);
	sim_result_release(&r);
	load_free(l);
}

/* 10,000 tasks in a moment, on 128 CPUs. */
static void a_storm_of_forks_ends(void **state)
{
	struct load *l = load_new("l");
	uint32_t parent = task(l, "parent", 10), child = task(l, "child", 0);
	struct sim_result r;

	(void)state;
	load_op_obj(l, parent, LOAD_FORK, child);
	load_op_loop(l, parent, 0, 999);
	load_add_op(l, parent, LOAD_JOIN);
	load_add_op(l, parent, LOAD_EXIT);
	load_op_ns(l, child, LOAD_RUN, 20 * MS);
	load_add_op(l, child, LOAD_EXIT);
	r = run_on("128,threads=2,llcs=8,nodes=2", l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.groups[1].tasks, 9990);
	assert_true((double)r.idle_ns < 0.1 * 128 * (double)r.end_ns);
	sim_result_release(&r);
	load_free(l);
}

/* As many tasks as CPUs can never be more than fair: no lasting imbalance. */
static void a_crowd_on_one_cpu_spreads(void **state)
{
	struct load *l = load_new("l");
	struct load_mask first = {{1}}, all;
	uint32_t t = task(l, "t", 8), one, any;
	struct sim_result r;

	(void)state;
	memset(&all, 0xff, sizeof(all));
	one = load_add_mask(l, &first);
	any = load_add_mask(l, &all);
	load_op_obj(l, t, LOAD_AFFINITY, one);
	load_op_ns(l, t, LOAD_RUN, MS);
	load_op_obj(l, t, LOAD_AFFINITY, any);
	load_op_ns(l, t, LOAD_RUN, 500 * MS);
	load_add_op(l, t, LOAD_EXIT);
	r = run_on("8", l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_true(r.end_ns < 600 * MS);
	sim_result_release(&r);
	load_free(l);
}

/* 3 to 1024, and the CPU time that nobody else wants. */
static void idle_tasks_have_what_is_left(void **state)
{
	struct load *l = load_new("l");
	struct sim_result r;
	uint32_t t;

	(void)state;
	hogs(l, "hog", 1);
	t = hogs(l, "idle", 1);
	l->tasks[t].policy = LOAD_IDLE;
	l->tasks[t].nice = -20;
	l->duration_ns = 20 * SEC;
	r = run_on("1", l);
	ratio_is(&r, 0, 1, 1024 / 3.0, 20);
	sim_result_release(&r);
	r = run_on("2", l);
	ratio_is(&r, 0, 1, 1, 1);
	sim_result_release(&r);
	load_free(l);
}

/* How long a sleeper waits at the median beside a hog of that policy. */
static uint64_t delay_beside(enum load_policy sleeper, enum load_policy hog)
{
	struct load *l = load_new("l");
	struct sim_result r;
	uint64_t delay;
	uint32_t t;

	t = hogs(l, "hog", 1);
	l->tasks[t].policy = hog;
	t = sleepers(l, "sleeper", 1, 100 * US, 10 * MS);
	l->tasks[t].policy = sleeper;
	l->duration_ns = 5 * SEC;
	r = run_on("1", l);
	delay = (uint64_t)hist_quantile(&r.groups[1].delay, 0.5);
	sim_result_release(&r);
	load_free(l);
	return delay;
}

static void batch_and_idle_preempt_nobody(void **state)
{
	(void)state;
	/* Until a tick ends the hog's turn. */
	assert_true(delay_beside(LOAD_BATCH, LOAD_OTHER) > 500 * US);
	assert_true(delay_beside(LOAD_IDLE, LOAD_OTHER) > 500 * US);
	assert_true(delay_beside(LOAD_BATCH, LOAD_IDLE) < 50 * US);
	assert_true(delay_beside(LOAD_OTHER, LOAD_IDLE) < 50 * US);
}

/* Idle ones do not count when a CPU is chosen. */
static void idle_tasks_stand_in_nobodys_way(void **state)
{
	struct load *l = load_new("l");
	struct sim_result r;
	uint32_t t;

	(void)state;
	t = hogs(l, "idle", 4);
	l->tasks[t].policy = LOAD_IDLE;
	sleepers(l, "sleeper", 3, 2 * MS, MS);
	l->duration_ns = 2 * SEC;
	r = run_on("4", l);
	assert_true(hist_quantile(&r.groups[1].delay, 0.95) < 50 * US);
	sim_result_release(&r);
	load_free(l);
}

/* How often two hogs with slices of that length change places on a CPU. */
static uint64_t switches_with_slice(uint64_t slice_ns)
{
	struct load *l = load_new("l");
	struct sim_result r;
	uint64_t n;
	uint32_t t;

	t = hogs(l, "hogs", 2);
	l->tasks[t].slice_ns = slice_ns;
	l->duration_ns = 4 * SEC;
	r = run_on("1", l);
	n = r.switches;
	sim_result_release(&r);
	load_free(l);
	return n;
}

static void slices_set_the_length_of_turns(void **state)
{
	uint64_t dflt = switches_with_slice(0);
	uint64_t longer = switches_with_slice(40 * MS);

	(void)state;
	/* 4 s in turns of 40 ms, which end at ticks. */
	assert_true(longer > 80 && longer < 115);
	assert_true(dflt > 5 * longer);
}

/* Who asks for little at a time waits for little at a time. */
static void short_requests_come_first(void **state)
{
	uint64_t delay[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct load *l = load_new("l");
		struct sim_result r;
		uint32_t t;

		t = hogs(l, "hogs", 2);
		l->tasks[t].slice_ns = 50 * MS;
		t = hogs(l, "other", 1);
		l->tasks[t].slice_ns = i ? 3 * MS : 50 * MS;
		l->duration_ns = 10 * SEC;
		r = run_on("1", l);
		ratio_is(&r, 0, 1, 2, 3);
		delay[i] = (uint64_t)hist_quantile(&r.groups[1].delay, 0.5);
		sim_result_release(&r);
		load_free(l);
	}
	assert_true(delay[0] > 50 * MS);
	assert_true(delay[1] < 20 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_kept),
		cmocka_unit_test(nice_changes_take_effect),
		cmocka_unit_test(idle_tasks_have_what_is_left),
		cmocka_unit_test(batch_and_idle_preempt_nobody),
		cmocka_unit_test(idle_tasks_stand_in_nobodys_way),
		cmocka_unit_test(slices_set_the_length_of_turns),
		cmocka_unit_test(short_requests_come_first),
		cmocka_unit_test(cgroups_share_by_weight),
		cmocka_unit_test(hogs_are_balanced),
		cmocka_unit_test(three_hogs_share_two_cpus),
		cmocka_unit_test(weights_are_kept_on_many_cpus),
		cmocka_unit_test(idle_cpus_take_what_waits),
		cmocka_unit_test(sleepers_wait_for_a_slice_at_most),
		cmocka_unit_test(sleeping_is_no_way_out),
		cmocka_unit_test(wakeups_find_idle_cpus),
		cmocka_unit_test(whole_cores_come_first),
		cmocka_unit_test(yielding_gives_way),
		cmocka_unit_test(a_storm_of_forks_ends),
		cmocka_unit_test(a_crowd_on_one_cpu_spreads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
