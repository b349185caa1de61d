/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is watched: each finding at its bound and just beyond it, and what a
 * policy's model is told of the machine. */
#include "bpf/feature_abi.h"
#include "sim_bench.h"

#define TWO "t*8 : run 1s\n"

static const struct sim_finding *found(const struct bench *b,
				       enum sim_rule rule)
{
	for (size_t i = 0; i < b->r.finding_count; i++)
		if (b->r.findings[i].rule == rule)
			return &b->r.findings[i];
	return NULL;
}

static struct ext_task *waits(struct bench *b, uint32_t cpu)
{
	struct ext_task *x = bench_task(b, 0, cpu);

	x->t->state = TASK_RUNNABLE;
	x->t->runnable_at = b->s.now;
	x->k.scx.flags |= SCX_TASK_QUEUED;
	ext_runnable_add(b->e, x);
	return x;
}

static void sleeps(struct ext_task *x)
{
	ext_runnable_del(x, true);
	x->k.scx.flags &= ~(uint32_t)SCX_TASK_QUEUED;
	x->owner = OWNER_NONE;
	x->t->state = TASK_SLEEPING;
}

/* ---- the watchdog ------------------------------------------------------- */

/* good/minimal has 5 s; jiffies of 4 ms. */
static void stalls_end_a_policy(void **state)
{
	static const struct {
		uint64_t ns;
		bool stalls;
	} rows[] = {{5000000000, false}, {5004000000, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int where = 0; where < 4; where++) {
			static const char *const says[] = {
				"the policy has it, in no queue", "in no queue",
				"in the local queue of CPU 1", "in queue 0x7"};
			struct bench *b =
				bench_new("2", "good/minimal", 0, 0, TWO);
			struct ext_task *x = waits(b, 1);

			dsq_create(b->e, 7);
			if (where == 0)
				x->owner = OWNER_POLICY;
			if (where > 1)
				dsq_insert(b->e,
					   where == 2 ? &b->e->cpus[1].local
						      : dsq_find(b->e, 7),
					   x, 0);
			b->s.now = rows[i].ns;
			b->e->watchdog.fire(&b->s, &b->e->watchdog);
			assert_int_equal(found(b, SIM_STALL) != NULL,
					 rows[i].stalls);
			if (rows[i].stalls) {
				assert_non_null(
					strstr(found(b, SIM_STALL)->text,
					       says[where]));
				bench_error(b, "failed to run for 5.004s");
			}
			assert_int_equal(found(b, SIM_LOST) != NULL,
					 rows[i].stalls && !where);
			/* It looks again in half that time. */
			if (!rows[i].stalls)
				assert_int_equal(b->e->watchdog.at,
						 b->s.now + 2500000000);
			if (where > 1)
				dsq_remove(x->dsq, x);
			sleeps(x);
			bench_free(b);
		}
	}
}

static void what_is_lost_at_the_end(void **state)
{
	static const struct {
		uint64_t waited, idle_for;
		bool has, runs, lost;
	} rows[] = {
		{5000000000, 0, true, true, false},
		{5000000001, 0, true, true, true},
		{5000000001, 0, false, true, false},
		{100000001, 100000001, true, false, true},
		{100000001, 100000000, true, false, false},
		{100000000, 100000001, true, false, false},
		{100000001, 100000001, true, true, false},
		{100000001, 100000001, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = bench_new("1", "good/minimal", 0, 0, TWO);
		struct ext_task *x, *y = bench_task(b, 0, 0);

		b->s.now = 9000000000 - rows[i].waited;
		x = waits(b, 0);
		b->s.now = 9000000000;
		x->owner = rows[i].has ? OWNER_POLICY : OWNER_NONE;
		b->s.cpus[0].curr = rows[i].runs ? y->t : NULL;
		b->s.cpus[0].idle_since = b->s.now - rows[i].idle_for;
		ext_watch_end(b->e);
		assert_int_equal(found(b, SIM_LOST) != NULL, rows[i].lost);
		sleeps(x);
		b->s.cpus[0].curr = NULL;
		bench_free(b);
	}
}

/* ---- slices ------------------------------------------------------------- */

static void slices_that_keep_others_off(void **state)
{
	static const struct {
		uint64_t slice, ran, waited;
		bool pinned, allowed, found;
	} rows[] = {
		{1000000001, 200000000, 204000000, false, true, true},
		{1000000000, 200000000, 204000000, false, true, false},
		{1000000001, 199999999, 204000000, false, true, false},
		{1000000001, 200000000, 200000000, false, true, false},
		{SCX_SLICE_INF, 200000000, 204000000, false, true, true},
		{1000000001, 200000000, 204000000, true, true, false},
		{1000000001, 200000000, 204000000, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = bench_new("2", "good/minimal", 0, 0,
					    "cpus 2\nt*4 : run 1s\n"
					    "p mask=0 : run 1s\n");
		struct ext_task *x = bench_task(b, 0, 0), *w;

		w = waits(b, 1);
		w->k.scx.runnable_at = ext_jiffies(b->e);
		if (!rows[i].allowed)
			w->t->allowed[0] = 2;
		w->t->migration_disabled = rows[i].pinned;
		b->s.now = rows[i].waited;
		x->k.scx.slice = rows[i].slice;
		x->k.se.exec_start = ext_now(b->e) - rows[i].ran;
		b->e->cpus[0].curr = x;
		ext_watch_slice(b->e, 0);
		assert_int_equal(found(b, SIM_SLICE) != NULL, rows[i].found);
		if (rows[i].found)
			assert_non_null(
				strstr(found(b, SIM_SLICE)->text,
				       rows[i].slice == SCX_SLICE_INF
					       ? "without end"
					       : "has 1000 ms of its slice"));
		b->e->cpus[0].curr = NULL;
		sleeps(w);
		bench_free(b);
	}
}

/* ---- counts ------------------------------------------------------------- */

static void kicks_beside_work(void **state)
{
	static const struct {
		uint64_t kicks, wakeups, ticks, tasks;
		bool found;
	} rows[] = {
		{1000, 0, 0, 0, false},	      {1001, 0, 0, 0, true},
		{1400, 300, 300, 100, false}, {1401, 300, 300, 100, true},
		{1400, 300, 300, 99, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = bench_new("1", "good/minimal", 0, 0, TWO);

		b->e->kicks = rows[i].kicks;
		b->r.wakeups = rows[i].wakeups;
		b->r.ticks = rows[i].ticks;
		b->r.groups[0].tasks = rows[i].tasks;
		ext_watch_kicks(b->e);
		assert_int_equal(found(b, SIM_KICKS) != NULL, rows[i].found);
		b->e->kicks = 0;
		bench_free(b);
	}
}

static void callbacks_that_take_long(void **state)
{
	static const struct {
		enum ext_op op;
		uint64_t calls, insns, most;
		bool found;
	} rows[] = {
		{OP_enqueue, 10, 100000, 100000, false},
		{OP_enqueue, 10, 100000, 100001, true},
		{OP_enqueue, 10, 100009, 100, false},
		{OP_enqueue, 10, 100010, 100, true},
		{OP_init, 1, 200000, 200000, false},
		{OP_exit, 1, 200000, 200000, false},
		{OP_cpu_online, 1, 200000, 200000, false},
		{OP_cgroup_exit, 1, 200000, 200000, false},
		{OP_dump_task, 1, 200000, 200000, false},
		{OP_init_task, 1, 200000, 200000, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = bench_new("1", "good/minimal", 0, 0, TWO);

		b->e->stat_of_op[rows[i].op] = (int)b->r.callback_count;
		b->r.callbacks[b->r.callback_count++] =
			(struct sim_callback_result){.name = "it",
						     .calls = rows[i].calls,
						     .insns = rows[i].insns,
						     .insns_max = rows[i].most};
		ext_watch_costs(b->e);
		assert_int_equal(found(b, SIM_COST) != NULL, rows[i].found);
		bench_free(b);
	}
}

/* ---- a model's context -------------------------------------------------- */

static struct feature_context told(struct bench *b)
{
	struct feature_context c;
	uint32_t zero = 0;

	assert_int_equal(vm_map_get(b->e->vm,
				    object_map(b->p->object, "model_context"),
				    &zero, sizeof(zero), 0, &c, sizeof(c)),
			 0);
	return c;
}

/* Tasks per CPU in 1/256, a tenth of it new every 100 ms; and every second
 * the share of looks at which somebody waited. */
static void machines_are_looked_at(void **state)
{
	struct bench *b = bench_new("2", "learned", 0, 0, TWO);
	struct sim_event *look = (struct sim_event *)b->e->look;
	struct ext_task *x = bench_task(b, 0, 0);
	double load = 0;

	(void)state;
	assert_int_equal(told(b).load, 0);
	assert_true(look->background);
	for (int i = 1; i < 60; i++) {
		bool busy = i < 35;
		uint32_t waiting = i >= 10 && i < 14 ? 0 : busy ? 3 : 0;

		assert_int_equal(look->at, (uint64_t)i * 100000000);
		b->s.now = look->at;
		b->s.cpus[0].nr_waiting = waiting;
		b->s.cpus[1].curr = busy ? x->t : NULL;
		sim_event_cancel(&b->s, look);
		look->fire(&b->s, look);
		load = load * 0.9 + (waiting + busy) / 2.0 * 256 * 0.1;
		assert_true(fabs(told(b).load - load) < 1.5);
		/* The first look was that at the start. */
		assert_int_equal(told(b).pressure, i < 9    ? 0
						   : i < 19 ? 9000
						   : i < 29 ? 6000
						   : i < 39 ? 10000
						   : i < 49 ? 5000
							    : 0);
	}
	b->s.cpus[1].curr = NULL;
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stalls_end_a_policy),
		cmocka_unit_test(what_is_lost_at_the_end),
		cmocka_unit_test(slices_that_keep_others_off),
		cmocka_unit_test(kicks_beside_work),
		cmocka_unit_test(callbacks_that_take_long),
		cmocka_unit_test(machines_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
