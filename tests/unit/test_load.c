/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads: building and checking them, how durations are drawn. */
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
#include "sim/load.h"
#include "sim/load_make.h"

static struct load *hog(void)
{
	struct load *l = load_new("hog");
	uint32_t t = load_add_task(l, "hog", load_add_group(l, "hogs"));

	load_op_ns(l, t, LOAD_RUN, 1000);
	load_op_loop(l, t, 0, 0);
	return l;
}

static void says(const struct load *l, const char *what)
{
	assert_int_equal(load_check(l), -EINVAL);
	assert_non_null(strstr(err_text(), what));
}

static void a_hog_is_fine(void **state)
{
	struct load *l = hog();

	(void)state;
	assert_int_equal(load_check(l), 0);
	assert_int_equal(l->tasks[0].op_count, 2);
	assert_int_equal(l->tasks[0].mask, -1);
	assert_int_equal(l->cgroup_count, 1);
	load_free(l);
}

static void what_is_wrong_is_said(void **state)
{
	struct load *l = hog();
	struct load_op *op = l->tasks[0].ops;

	(void)state;
	op[0].dist.ns = 0;
	says(l, "takes no time");
	op[0].dist.ns = UINT64_MAX;
	says(l, "over two years");
	op[0].dist = (struct load_dist){.kind = DIST_QUANTILE};
	says(l, "quantiles is missing");
	op[0].dist = (struct load_dist){.ns = 1};
	op[0].what = LOAD_WAIT;
	says(l, "object does not exist");
	op[0].what = LOAD_SKIP;
	op[0].n = 1;
	says(l, "leaves the program");
	op[0].what = LOAD_RUN;
	op[1].obj = 2;
	says(l, "does not go back");
	op[1].obj = 0;
	op[1].n = 3;
	says(l, "has no end");
	op[1].n = 0;
	l->tasks[0].instances = 0;
	says(l, "tasks are started");
	l->tasks[0].instances = 1;
	l->tasks[0].nice = 20;
	says(l, "-20 to 19");
	l->tasks[0].nice = 0;
	l->tasks[0].group = 1;
	says(l, "no such group");
	load_free(l);
}

static double mean_of(const struct load_dist *d, unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += (double)load_draw(d, (i + 0.5) / n);
	return sum / n;
}

static void draws_have_their_mean(void **state)
{
	struct load_dist d = {.kind = DIST_EXP, .ns = 1000000};
	uint64_t table[LOAD_QUANTILES];

	(void)state;
	assert_true(fabs(mean_of(&d, 100000) / 1e6 - 1) < 0.001);
	/* Exactly -ln(1 - u) but for the last digits. */
	for (double u = 0; u < 1; u += 0.01)
		assert_true(fabs((double)load_draw(&d, u) + 1e6 * log1p(-u)) <
			    2);
	d = (struct load_dist){.kind = DIST_UNIFORM, .ns = 10, .max_ns = 30};
	assert_int_equal(load_draw(&d, 0), 10);
	assert_int_equal(load_draw(&d, 0.5), 20);
	for (unsigned i = 0; i < LOAD_QUANTILES; i++)
		table[i] = 1000ull * i * i;
	d = (struct load_dist){.kind = DIST_QUANTILE, .table = table};
	assert_int_equal(load_draw(&d, 0.5), 1000 * 32 * 32);
	assert_int_equal(load_draw(&d, 0.5 + 1.0 / 128), (1024 + 1089) * 500);
	assert_true(load_draw(&d, nextafter(1, 0)) <= 64 * 64 * 1000);
	d = (struct load_dist){.ns = 7};
	assert_int_equal(load_draw(&d, 0.99), 7);
}

static void the_hostile_set_is_sound(void **state)
{
	static const uint32_t cpus[] = {0, 1, 2, 8, 512};
	size_t count = 0;

	(void)state;
	for (; load_hostile_names[count]; count++) {
		for (size_t i = 0; i < ARRAY_LEN(cpus); i++) {
			struct load *l;

			assert_int_equal(load_hostile(load_hostile_names[count],
						      cpus[i], i, &l),
					 0);
			assert_int_equal(load_check(l), 0);
			assert_true(l->cpus > 0 && l->duration_ns > 0);
			load_free(l);
		}
	}
	assert_true(count >= 12);
}

static void hostile_loads_insist_on_their_machine(void **state)
{
	struct load *l;

	(void)state;
	assert_int_equal(load_hostile("one_cpu", 8, 1, &l), 0);
	assert_int_equal(l->cpus, 1);
	load_free(l);
	assert_int_equal(load_hostile("many_cpus", 8, 1, &l), 0);
	assert_int_equal(l->cpus, 128);
	load_free(l);
	assert_int_equal(load_hostile("hotplug", 1, 1, &l), 0);
	assert_int_equal(l->cpus, 2);
	load_free(l);
	assert_int_equal(load_hostile("no_such", 8, 1, &l), -ENOENT);
	assert_null(l);
}

/* ---- each limit, from both sides --------------------------------------- */

/* A program of one instruction between a burst and the end. */
static struct load *program(struct load_op op)
{
	struct load *l = load_new("one");
	uint32_t t = load_add_task(l, "one", load_add_group(l, "ones"));
	struct load_mask all = {.bits = {1}};

	l->tasks[t].instances = 1;
	load_add_sem(l, 0, false);
	load_add_metric(l, "m");
	load_add_mask(l, &all);
	l->lock_count = 3;
	l->barrier_count = 2;
	load_op_ns(l, t, LOAD_RUN, 1000);
	*load_add_op(l, t, op.what) = op;
	load_add_op(l, t, LOAD_EXIT);
	return l;
}

static void each_instruction_has_limits(void **state)
{
	static const struct {
		struct load_op op;
		bool right;
	} rows[] = {
		{{.what = LOAD_WAIT, .obj = 0}, true},
		{{.what = LOAD_WAIT, .obj = 1}, false},
		{{.what = LOAD_POST, .obj = 0, .n = 0}, true},
		{{.what = LOAD_POST, .obj = 0, .n = -1}, false},
		{{.what = LOAD_POST, .obj = 1}, false},
		{{.what = LOAD_LOCK, .obj = 2}, true},
		{{.what = LOAD_LOCK, .obj = 3}, false},
		{{.what = LOAD_LOCK, .obj = 0, .obj2 = 3}, true},
		{{.what = LOAD_LOCK, .obj = 1, .obj2 = 3}, false},
		{{.what = LOAD_UNLOCK, .obj = 1, .obj2 = 2}, true},
		{{.what = LOAD_UNLOCK, .obj = 2, .obj2 = 2}, false},
		{{.what = LOAD_COND_WAIT, .obj = 0, .obj2 = 2}, true},
		{{.what = LOAD_COND_WAIT, .obj = 0, .obj2 = 3}, false},
		{{.what = LOAD_COND_WAIT, .obj = 1, .obj2 = 2}, false},
		{{.what = LOAD_BARRIER, .obj = 1, .n = 1}, true},
		{{.what = LOAD_BARRIER, .obj = 1, .n = 0}, false},
		{{.what = LOAD_BARRIER, .obj = 2, .n = 1}, false},
		{{.what = LOAD_FORK, .obj = 0}, true},
		{{.what = LOAD_FORK, .obj = 1}, false},
		{{.what = LOAD_AFFINITY, .obj = 0}, true},
		{{.what = LOAD_AFFINITY, .obj = 1}, false},
		{{.what = LOAD_BEGIN, .obj = 0}, true},
		{{.what = LOAD_BEGIN, .obj = 1}, false},
		{{.what = LOAD_DONE, .obj = 1}, false},
		{{.what = LOAD_NICE, .n = -20}, true},
		{{.what = LOAD_NICE, .n = 19}, true},
		{{.what = LOAD_NICE, .n = -21}, false},
		{{.what = LOAD_NICE, .n = 20}, false},
		{{.what = LOAD_SKIP, .n = 0}, true},
		{{.what = LOAD_SKIP, .n = 1}, false},
		{{.what = LOAD_SKIP, .n = -1}, false},
		{{.what = LOAD_LOOP, .obj = 0, .n = 5}, true},
		{{.what = LOAD_LOOP, .obj = 1, .n = 5}, true},
		{{.what = LOAD_LOOP, .obj = 2, .n = 5}, false},
		{{.what = LOAD_LOOP, .obj = 0, .n = -1}, false},
		{{.what = LOAD_LOOP, .obj = 0, .n = 0}, true},
		{{.what = LOAD_LOOP, .obj = 1, .n = 0}, false},
		{{.what = LOAD_EXIT}, true},
		{{.what = (enum load_what)(LOAD_EXIT + 1)}, false},
		{{.what = LOAD_RUN, .dist = {.ns = LOAD_MAX_NS}}, true},
		{{.what = LOAD_RUN, .dist = {.ns = LOAD_MAX_NS + 1}}, false},
		{{.what = LOAD_RUN, .dist = {.max_ns = LOAD_MAX_NS + 1}},
		 false},
		{{.what = LOAD_RUN,
		  .dist = {.kind = DIST_UNIFORM, .ns = 5, .max_ns = 5}},
		 true},
		{{.what = LOAD_RUN,
		  .dist = {.kind = DIST_UNIFORM, .ns = 5, .max_ns = 4}},
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct load *l = program(rows[i].op);
		int rc = load_check(l);

		if (rc != (rows[i].right ? 0 : -EINVAL))
			fail_msg("row %zu: %d %s", i, rc, err_text());
		load_free(l);
	}
}

/* Whatever waits or takes time makes a loop for ever a sound one. */
static void what_loops_takes_time(void **state)
{
	static const enum load_what waits[] = {
		LOAD_WAIT, LOAD_COND_WAIT, LOAD_BARRIER, LOAD_JOIN, LOAD_YIELD};
	static const enum load_what timed[] = {LOAD_RUN, LOAD_SPIN, LOAD_SLEEP,
					       LOAD_TIMER};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		struct load *l =
			program((struct load_op){.what = waits[i], .n = 1});

		l->tasks[0].op_count = 2;
		load_op_loop(l, 0, 1, 0);
		assert_int_equal(load_check(l), 0);
		load_free(l);
	}
	for (size_t i = 0; i < ARRAY_LEN(timed); i++)
		for (int by = 0; by < 4; by++) {
			struct load_op op = {.what = timed[i]};
			uint64_t *table;
			struct load *l;

			if (by == 1)
				op.dist.ns = 1;
			if (by == 2)
				op.dist.max_ns = 1;
			if (by == 3) {
				table = mem_zalloc(LOAD_QUANTILES,
						   sizeof(*table));
				table[LOAD_QUANTILES - 1] = 1;
				op.dist.kind = DIST_QUANTILE;
				op.dist.table = table;
			}
			l = program(op);
			l->tasks[0].op_count = 2;
			load_op_loop(l, 0, 1, 0);
			assert_int_equal(load_check(l), by ? 0 : -EINVAL);
			if (by == 3) {
				l->tasks[0].ops[1].dist.table[3] = 2;
				says(l, "does not ascend");
				for (int k = 3; k < LOAD_QUANTILES; k++)
					l->tasks[0].ops[1].dist.table[k] = 2;
				assert_int_equal(load_check(l), 0);
				l->tasks[0]
					.ops[1]
					.dist.table[LOAD_QUANTILES - 1] =
					LOAD_MAX_NS + 1;
				says(l, "does not ascend");
			}
			load_free(l);
		}
}

static void each_task_has_limits(void **state)
{
	struct load *l = program((struct load_op){.what = LOAD_YIELD});
	struct load_task *t = &l->tasks[0];

	(void)state;
	assert_int_equal(load_check(l), 0);
	for (int nice = -21; nice <= 20; nice++) {
		t->nice = nice;
		assert_int_equal(load_check(l) == 0, nice > -21 && nice < 20);
	}
	t->nice = 0;
	for (int mask = -2; mask <= 1; mask++) {
		t->mask = mask;
		assert_int_equal(load_check(l) == 0, mask < 1);
	}
	t->mask = -1;
	t->cgroup = 1;
	says(l, "no such cgroup");
	t->cgroup = 0;
	l->process_count = 1;
	t->process = 2;
	says(l, "no such process");
	t->process = 1;
	assert_int_equal(load_check(l), 0);
	t->leader = true;
	assert_int_equal(load_check(l), 0);
	t->process = 0;
	says(l, "no such process");
	t->leader = false;
	t->op_count = 0;
	says(l, "0 instructions");
	t->op_count = 2;
	says(l, "has no end");
	t->op_count = 3;
	for (uint32_t n = LOAD_MAX_INSTANCES - 1; n <= LOAD_MAX_INSTANCES + 1;
	     n++) {
		t->instances = n;
		assert_int_equal(load_check(l) == 0, n <= LOAD_MAX_INSTANCES);
	}
	t->instances = 1;
	load_free(l);
}

static void the_machine_has_limits(void **state)
{
	static const uint32_t weights[] = {0, 1, 10000, 10001};
	struct load *l = program((struct load_op){.what = LOAD_YIELD});

	(void)state;
	for (uint32_t cpus = LOAD_MAX_CPUS - 1; cpus <= LOAD_MAX_CPUS + 1;
	     cpus++) {
		l->cpus = cpus;
		assert_int_equal(load_check(l) == 0, cpus <= LOAD_MAX_CPUS);
	}
	l->cpus = 0;
	load_add_cgroup(l, "child", 0, 100);
	load_add_cgroup(l, "grandchild", 1, 100);
	assert_int_equal(load_check(l), 0);
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t parent = 0; parent < 4; parent++) {
			uint32_t was = l->cgroups[i].parent;

			/* Only what is older; the root is its own. */
			l->cgroups[i].parent = parent;
			assert_int_equal(load_check(l) == 0,
					 i ? parent < i : !parent);
			l->cgroups[i].parent = was;
		}
	for (size_t i = 0; i < ARRAY_LEN(weights); i++) {
		l->cgroups[2].weight = weights[i];
		assert_int_equal(load_check(l) == 0, i == 1 || i == 2);
	}
	l->cgroups[2].weight = 100;
	/* Equal times may be, earlier ones not; the last CPU is 511. */
	load_add_event(l, 5, LOAD_CPU_OFFLINE, LOAD_MAX_CPUS - 1);
	load_add_event(l, 5, LOAD_CPU_ONLINE, 0);
	assert_int_equal(load_check(l), 0);
	l->events[1].at_ns = 4;
	says(l, "event 1 is out of order");
	l->events[1].at_ns = 6;
	l->events[1].cpu = LOAD_MAX_CPUS;
	says(l, "event 1");
	l->events[1].cpu = 1;
	/* A mask of any one CPU is one. */
	for (uint32_t cpu = 0; cpu < LOAD_MAX_CPUS; cpu += 63) {
		memset(&l->masks[0], 0, sizeof(l->masks[0]));
		says(l, "mask 0 allows no CPU");
		l->masks[0].bits[cpu / 64] = 1ull << cpu % 64;
		assert_int_equal(load_check(l), 0);
	}
	load_free(l);
}

static void times_are_kept_in_bounds(void **state)
{
	(void)state;
	assert_int_equal(load_ns(NAN), 0);
	assert_int_equal(load_ns(-1), 0);
	assert_int_equal(load_ns(0.9), 0);
	assert_int_equal(load_ns(1.9), 1);
	assert_int_equal(load_ns(INFINITY), LOAD_MAX_NS);
	assert_int_equal(load_ns((double)LOAD_MAX_NS), LOAD_MAX_NS);
	assert_int_equal(load_ns((double)LOAD_MAX_NS / 2), LOAD_MAX_NS / 2);
}

static void a_note_is_made_once(void **state)
{
	struct load *l = load_new("l");
	size_t n;

	(void)state;
	load_note(l, "%d", 1);
	load_note(l, "%d", 2);
	load_note(l, "%d", 1);
	assert_int_equal(json_len(l->notes), 2);
	for (int i = 0; i < 5000; i++)
		load_note(l, "%d", i);
	n = json_len(l->notes);
	assert_true(n > 10 && n < 5000);
	load_note(l, "one more");
	assert_int_equal(json_len(l->notes), n);
	load_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hog_is_fine),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(draws_have_their_mean),
		cmocka_unit_test(the_hostile_set_is_sound),
		cmocka_unit_test(hostile_loads_insist_on_their_machine),
		cmocka_unit_test(each_instruction_has_limits),
		cmocka_unit_test(what_loops_takes_time),
		cmocka_unit_test(each_task_has_limits),
		cmocka_unit_test(the_machine_has_limits),
		cmocka_unit_test(times_are_kept_in_bounds),
		cmocka_unit_test(a_note_is_made_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
