/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine: programs take the time they should, nothing is lost, results are
 * the same for the same seed. */
#include <errno.h>
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

/* Costs that make times exact. */
static struct sim_opts free_of_charge(const char *machine)
{
	struct sim_opts o = {.seed = 1};

	assert_int_equal(sim_machine_parse(machine, &o.machine), 0);
	sim_costs_default(&o.costs);
	o.costs.switch_ns = o.costs.idle_switch_ns = o.costs.wake_ns = 0;
	o.costs.wake_remote_ns = o.costs.migrate_ns = 0;
	o.costs.migrate_llc_ns = o.costs.migrate_node_ns = 0;
	o.costs.fork_ns = o.costs.exec_ns = o.costs.exit_ns = 0;
	o.costs.tick_ns = 0;
	return o;
}

static struct sim_opts usual(const char *machine)
{
	struct sim_opts o = {.seed = 1};

	assert_int_equal(sim_machine_parse(machine, &o.machine), 0);
	sim_costs_default(&o.costs);
	return o;
}

static struct sim_result run(const struct sim_opts *o, struct load *l)
{
	struct sim_result r;

	if (sim_run(o, NULL, l, &r) < 0)
		fail_msg("%s", err_text());
	return r;
}

static uint32_t task(struct load *l, const char *name, uint32_t instances)
{
	uint32_t t = load_add_task(l, name, load_add_group(l, name));

	l->tasks[t].instances = instances;
	return t;
}

static void hog(struct load *l, const char *name, uint32_t instances,
		uint64_t ns)
{
	uint32_t t = task(l, name, instances);

	load_op_ns(l, t, LOAD_RUN, ns);
	load_add_op(l, t, LOAD_EXIT);
}

/* All CPU time is either busy or idle, and all busy time is some task's. */
static void adds_up(const struct sim_opts *o, const struct sim_result *r)
{
	uint64_t run_ns = 0;

	for (size_t i = 0; i < r->group_count; i++)
		run_ns += r->groups[i].run_ns;
	assert_int_equal(r->busy_ns + r->idle_ns, o->machine.cpus * r->end_ns);
	assert_int_equal(run_ns, r->busy_ns);
}

static void machines_are_read(void **state)
{
	static const char *const bad[] = {"",
					  "0",
					  "513",
					  "x",
					  "8,",
					  "8,foo=1",
					  "8,threads=3",
					  "7,threads=2",
					  "4,llcs=5",
					  "8,nodes=2,llcs=1",
					  "8 ",
					  "-8",
					  "99999999999",
					  "8,llcs="};
	struct sim_machine m;

	(void)state;
	assert_int_equal(sim_machine_parse("8", &m), 0);
	assert_int_equal(m.cpus, 8);
	assert_int_equal(m.threads, 1);
	assert_int_equal(m.llcs, 1);
	assert_int_equal(m.nodes, 1);
	assert_int_equal(sim_machine_parse("16,threads=2,llcs=4,nodes=2", &m),
			 0);
	assert_int_equal(m.threads, 2);
	assert_int_equal(m.llcs, 4);
	assert_int_equal(m.nodes, 2);
	assert_int_equal(sim_machine_parse("cpus=4", &m), 0);
	assert_int_equal(m.cpus, 4);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(sim_machine_parse(bad[i], &m), -EINVAL);
}

static void costs_are_read(void **state)
{
	static const char *const bad[] = {"[]",
					  "{\"switch_ns\":-1}",
					  "{\"switch_ns\":0.5}",
					  "{\"switch_ns\":\"1\"}",
					  "{\"what_ns\":1}",
					  "{\"hz\":0}",
					  "{\"smt_speed\":1.5}"};
	static const char *const good =
		"{\"switch_ns\":7,\"smt_speed\":0.5,\"hz\":1000}";
	struct sim_costs c = {0}, again = {0};
	struct json *v = json_parse(good, strlen(good));

	(void)state;
	sim_costs_default(&c);
	assert_int_equal(sim_costs_read(v, &c), 0);
	json_free(v);
	assert_int_equal(c.switch_ns, 7);
	assert_int_equal(c.hz, 1000);
	v = sim_costs_json(&c);
	sim_costs_default(&again);
	assert_int_equal(sim_costs_read(v, &again), 0);
	assert_memory_equal(&c, &again, sizeof(c));
	json_free(v);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		v = json_parse(bad[i], strlen(bad[i]));
		assert_int_equal(sim_costs_read(v, &c), -EINVAL);
		json_free(v);
	}
}

static void work_takes_its_time(void **state)
{
	struct sim_opts o = free_of_charge("2");
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	hog(l, "hog", 4, SEC);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.end_ns, 2 * SEC);
	assert_int_equal(r.busy_ns, 4 * SEC);
	assert_int_equal(r.overhead_ns, 0);
	assert_int_equal(r.unfinished, 0);
	adds_up(&o, &r);
	sim_result_release(&r);
	load_free(l);
}

static void costs_come_on_top(void **state)
{
	struct sim_opts o = usual("2");
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	hog(l, "hog", 4, SEC);
	r = run(&o, l);
	assert_int_equal(r.busy_ns - r.overhead_ns, 4 * SEC);
	assert_true(r.overhead_ns >= r.ticks * o.costs.tick_ns);
	assert_true(r.end_ns > 2 * SEC && r.end_ns < 2 * SEC + 10 * MS);
	adds_up(&o, &r);
	sim_result_release(&r);
	load_free(l);
}

/* One thread of a core runs slower while the other one is busy. */
static void threads_share_a_core(void **state)
{
	struct sim_opts o = free_of_charge("2,threads=2");
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	o.costs.smt_speed = 0.5;
	hog(l, "long", 1, SEC);
	hog(l, "short", 1, 200 * MS);
	r = run(&o, l);
	/* 0.4 s together at half speed, then 0.8 s alone. */
	assert_int_equal(r.end_ns, 1200 * MS);
	assert_int_equal(r.groups[1].run_ns, 400 * MS);
	sim_result_release(&r);
	/* Of two cores each has its own. */
	o = free_of_charge("4,threads=2");
	o.costs.smt_speed = 0.5;
	r = run(&o, l);
	assert_int_equal(r.end_ns, SEC);
	sim_result_release(&r);
	load_free(l);
}

static void sleeps_and_timers_end_in_time(void **state)
{
	struct sim_opts o = free_of_charge("1");
	struct load *l = load_new("l");
	uint32_t t = task(l, "t", 1), m = load_add_metric(l, "period");
	struct sim_result r;

	(void)state;
	load_op_ns(l, t, LOAD_SLEEP, 3 * MS); /* 0 … 3 */
	load_op_ns(l, t, LOAD_TIMER, 0);
	load_op_ns(l, t, LOAD_RUN, 2 * MS);
	load_op_ns(l, t, LOAD_TIMER, 10 * MS); /* until 13 */
	load_op_obj(l, t, LOAD_BEGIN, m);
	load_op_ns(l, t, LOAD_RUN, 12 * MS);
	load_op_ns(l, t, LOAD_TIMER, 10 * MS); /* late: 25, was due at 23 */
	load_op_obj(l, t, LOAD_DONE, m);
	load_op_ns(l, t, LOAD_TIMER, 10 * MS); /* until 33 */
	load_op_ns(l, t, LOAD_SPIN, 5 * MS);
	load_add_op(l, t, LOAD_EXIT);
	r = run(&o, l);
	assert_int_equal(r.end_ns, 38 * MS);
	assert_int_equal(r.busy_ns, 19 * MS);
	assert_int_equal(r.metrics[0].count, 1);
	assert_int_equal(r.metrics[0].time.sum, 12 * MS);
	adds_up(&o, &r);
	sim_result_release(&r);
	load_free(l);
}

static void semaphores_hand_over(void **state)
{
	struct sim_opts o = free_of_charge("2");
	struct load *l = load_new("l");
	uint32_t sem = load_add_sem(l, 1, false), m = load_add_metric(l, "u");
	uint32_t t = task(l, "t", 3), bell, lossy;
	struct sim_result r;

	(void)state;
	/* Three tasks, one at a time, though there are two CPUs. */
	load_op_obj(l, t, LOAD_BEGIN, m);
	load_op_obj(l, t, LOAD_WAIT, sem);
	load_op_ns(l, t, LOAD_RUN, 10 * MS);
	load_op_obj(l, t, LOAD_POST, sem);
	load_op_obj(l, t, LOAD_DONE, m);
	load_add_op(l, t, LOAD_EXIT);
	/* A bell before anybody listens is lost; the next one wakes. */
	lossy = load_add_sem(l, 0, true);
	bell = task(l, "bell", 1);
	load_op_obj(l, bell, LOAD_POST, lossy);
	load_op_ns(l, bell, LOAD_SLEEP, 50 * MS);
	load_op_obj(l, bell, LOAD_POST, lossy);
	l->tasks[bell].ops[2].n = 0; /* all */
	load_add_op(l, bell, LOAD_EXIT);
	t = task(l, "listener", 2);
	l->tasks[t].start_ns = MS;
	load_op_obj(l, t, LOAD_WAIT, lossy);
	load_op_ns(l, t, LOAD_RUN, MS);
	load_add_op(l, t, LOAD_EXIT);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.metrics[0].count, 3);
	assert_int_equal(r.metrics[0].time.max, 30 * MS);
	assert_int_equal(r.end_ns, 51 * MS);
	adds_up(&o, &r);
	sim_result_release(&r);
	load_free(l);
}

/* n tasks that add to the busy time of one lock; who waits for a spin lock
 * burns its CPU. */
static struct load *lockers(int32_t spin)
{
	struct load *l = load_new("l");
	uint32_t t = task(l, "t", 2);

	l->lock_count = 1;
	load_op_obj(l, t, LOAD_LOCK, 0);
	l->tasks[t].ops[0].n = spin;
	load_op_ns(l, t, LOAD_RUN, 10 * MS);
	load_op_obj(l, t, LOAD_UNLOCK, 0);
	load_op_loop(l, t, 0, 3);
	load_add_op(l, t, LOAD_EXIT);
	return l;
}

static void locks_exclude(void **state)
{
	struct sim_opts o = free_of_charge("2");
	struct load *l = lockers(0);
	struct sim_result r = run(&o, l);

	(void)state;
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.end_ns, 60 * MS);
	assert_int_equal(r.busy_ns, 60 * MS);
	sim_result_release(&r);
	load_free(l);
	l = lockers(1);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.end_ns, 60 * MS);
	assert_int_equal(r.busy_ns, 110 * MS);
	adds_up(&o, &r);
	sim_result_release(&r);
	/* On one CPU nobody spins but while the holder is preempted. */
	o = free_of_charge("1");
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_true(r.end_ns >= 60 * MS && r.end_ns < 120 * MS);
	sim_result_release(&r);
	load_free(l);
}

static void conditions_give_the_lock_up(void **state)
{
	struct sim_opts o = free_of_charge("1");
	struct load *l = load_new("l");
	uint32_t cond = load_add_sem(l, 0, true);
	uint32_t w = task(l, "waiter", 1), p = task(l, "poster", 1);
	struct load_op *op;
	struct sim_result r;

	(void)state;
	l->lock_count = 1;
	load_op_obj(l, w, LOAD_LOCK, 0);
	op = load_add_op(l, w, LOAD_COND_WAIT);
	op->obj = cond;
	op->obj2 = 0;
	load_op_ns(l, w, LOAD_RUN, MS);
	load_op_obj(l, w, LOAD_UNLOCK, 0);
	load_add_op(l, w, LOAD_EXIT);
	l->tasks[p].start_ns = MS;
	load_op_obj(l, p, LOAD_LOCK, 0);
	load_op_obj(l, p, LOAD_POST, cond);
	load_op_ns(l, p, LOAD_SLEEP, 5 * MS); /* holding the lock */
	load_op_obj(l, p, LOAD_UNLOCK, 0);
	load_add_op(l, p, LOAD_EXIT);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.end_ns, 7 * MS);
	sim_result_release(&r);
	load_free(l);
}

static void barriers_gather(void **state)
{
	struct sim_opts o = free_of_charge("4");
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	l->barrier_count = 1;
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t t = task(l, "t", 1);
		struct load_op *op;

		load_op_ns(l, t, LOAD_RUN, (i + 1) * MS);
		op = load_add_op(l, t, LOAD_BARRIER);
		op->obj = 0;
		op->n = 4;
		load_op_loop(l, t, 0, 10);
		load_add_op(l, t, LOAD_EXIT);
	}
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.end_ns, 40 * MS);
	assert_int_equal(r.busy_ns, 100 * MS);
	sim_result_release(&r);
	load_free(l);
}

static void a_fork_bomb_is_stopped(void **state)
{
	struct sim_opts o = free_of_charge("2");
	struct load *l = load_new("l");
	uint32_t bomb = task(l, "bomb", 1);
	struct sim_result r;

	(void)state;
	load_op_obj(l, bomb, LOAD_FORK, bomb);
	load_op_obj(l, bomb, LOAD_FORK, bomb);
	load_op_ns(l, bomb, LOAD_RUN, 10 * US);
	load_add_op(l, bomb, LOAD_EXIT);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_LIMIT);
	assert_in_range(r.groups[0].tasks, 1000, 1000000);
	sim_result_release(&r);
	load_free(l);
}

static void children_are_joined(void **state)
{
	struct sim_opts o = free_of_charge("2");
	struct load *l = load_new("l");
	uint32_t parent = task(l, "parent", 1), child = task(l, "child", 0);
	struct sim_result r;

	(void)state;
	o.costs.fork_ns = 10 * US;
	o.costs.exit_ns = 20 * US;
	o.costs.exec_ns = 30 * US;
	load_op_obj(l, parent, LOAD_FORK, child);
	load_add_op(l, parent, LOAD_JOIN);
	load_op_loop(l, parent, 0, 3);
	load_add_op(l, parent, LOAD_EXIT);
	load_add_op(l, child, LOAD_EXEC)->id = 42;
	load_op_ns(l, child, LOAD_RUN, MS);
	load_add_op(l, child, LOAD_EXIT);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.groups[1].tasks, 3);
	assert_int_equal(r.end_ns, 3 * (MS + 60 * US) + 20 * US);
	assert_int_equal(r.overhead_ns, 200 * US);
	sim_result_release(&r);
	load_free(l);
}

static void pinned_tasks_stay(void **state)
{
	struct sim_opts o = free_of_charge("4");
	struct load *l = load_new("l");
	struct load_mask mask = {{1}};
	struct sim_result r;

	(void)state;
	hog(l, "pinned", 4, 100 * MS);
	l->tasks[0].mask = (int)load_add_mask(l, &mask);
	r = run(&o, l);
	assert_int_equal(r.end_ns, 400 * MS);
	assert_int_equal(r.migrations, 0);
	/* They could not have used the others. */
	assert_int_equal(r.idle_waiting_ns, 0);
	assert_int_equal(r.finding_count, 0);
	sim_result_release(&r);
	load_free(l);
}

static void a_running_task_leaves_its_cpu(void **state)
{
	struct sim_opts o = free_of_charge("2");
	struct load *l = load_new("l");
	struct load_mask first = {{1}}, second = {{2}};
	uint32_t t = task(l, "t", 1), a, b;
	struct sim_result r;

	(void)state;
	a = load_add_mask(l, &first);
	b = load_add_mask(l, &second);
	load_op_obj(l, t, LOAD_AFFINITY, a);
	load_op_ns(l, t, LOAD_RUN, MS);
	load_op_obj(l, t, LOAD_AFFINITY, b);
	load_op_ns(l, t, LOAD_RUN, MS);
	load_add_op(l, t, LOAD_PIN)->n = 1;
	load_op_obj(l, t, LOAD_AFFINITY, a);
	load_op_ns(l, t, LOAD_RUN, MS);
	load_add_op(l, t, LOAD_PIN)->n = 0;
	load_op_ns(l, t, LOAD_RUN, MS);
	load_add_op(l, t, LOAD_EXIT);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.end_ns, 4 * MS);
	assert_int_equal(r.migrations, 2);
	sim_result_release(&r);
	load_free(l);
}

static void cpus_go_and_come(void **state)
{
	struct sim_opts o = free_of_charge("2");
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	hog(l, "hog", 2, SEC);
	load_add_event(l, 100 * MS, LOAD_CPU_OFFLINE, 1);
	load_add_event(l, 300 * MS, LOAD_CPU_ONLINE, 1);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	/* 0.2 s of one CPU are gone; it is found again at a tick. */
	assert_int_equal(r.busy_ns, 2 * SEC);
	assert_true(r.end_ns >= 1100 * MS && r.end_ns < 1110 * MS);
	sim_result_release(&r);
	load_free(l);
	/* The last one stays. */
	l = load_new("l");
	hog(l, "hog", 2, 100 * MS);
	load_add_event(l, 1, LOAD_CPU_OFFLINE, 0);
	load_add_event(l, 2, LOAD_CPU_OFFLINE, 1);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	sim_result_release(&r);
	load_free(l);
}

static void runs_end(void **state)
{
	static volatile sig_atomic_t cancel = 1;
	struct sim_opts o = free_of_charge("1");
	struct load *l = load_new("l");
	uint32_t sem = load_add_sem(l, 0, false), t;
	struct sim_result r;

	(void)state;
	t = task(l, "waits for ever", 1);
	load_op_obj(l, t, LOAD_WAIT, sem);
	load_add_op(l, t, LOAD_EXIT);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_STUCK);
	assert_int_equal(r.unfinished, 1);
	/* Nobody's fault but the load's. */
	assert_int_equal(r.finding_count, 0);
	sim_result_release(&r);
	l->duration_ns = SEC;
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.end_ns, SEC);
	assert_int_equal(r.idle_ns, SEC);
	sim_result_release(&r);
	hog(l, "hog", 1, 100 * SEC);
	o.limit_ns = 100 * MS;
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_LIMIT);
	assert_int_equal(r.end_ns, 100 * MS);
	sim_result_release(&r);
	o.limit_ns = 0;
	o.max_events = 20;
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_LIMIT);
	sim_result_release(&r);
	o.max_events = 0;
	o.cancel = &cancel;
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_CANCELLED);
	sim_result_release(&r);
	load_free(l);
}

/* Yielding to nobody for ever must come to an end too. */
static void circles_without_time_end(void **state)
{
	struct sim_opts o = free_of_charge("1");
	struct load *l = load_new("l");
	uint32_t t = task(l, "t", 1);
	struct sim_result r;

	(void)state;
	load_add_op(l, t, LOAD_YIELD);
	load_op_loop(l, t, 0, 2000000000);
	load_add_op(l, t, LOAD_EXIT);
	r = run(&o, l);
	assert_int_equal(r.outcome, SIM_LIMIT);
	sim_result_release(&r);
	load_free(l);
}

/* ---- all hostile loads ------------------------------------------------ */

static char *document(const struct sim_opts *o, struct load *l)
{
	struct sim_result r = run(o, l);
	struct json *v = sim_result_json(l, o, &r);
	char *text = json_canonical(v);

	adds_up(o, &r);
	for (size_t i = 0; i < r.finding_count; i++) {
		if (r.findings[i].rule == SIM_LOST ||
		    r.findings[i].rule == SIM_IDLE)
			fail_msg("%s: %s", l->name, r.findings[i].text);
	}
	assert_int_equal(r.outcome, SIM_DONE);
	json_free(v);
	sim_result_release(&r);
	return text;
}

static void the_same_seed_is_the_same_run(void **state)
{
	static const char *const machines[] = {"4", "8,threads=2,llcs=2"};

	(void)state;
	for (size_t i = 0; load_hostile_names[i]; i++) {
		const char *name = load_hostile_names[i];

		for (size_t j = 0; j < ARRAY_LEN(machines); j++) {
			struct sim_opts o = usual(machines[j]);
			char *first, *second, *other;
			struct load *l;

			assert_int_equal(
				load_hostile(name, o.machine.cpus, 1, &l), 0);
			/* Off-line time is neither busy nor idle. */
			l->event_count = 0;
			if (l->cpus != o.machine.cpus)
				o.machine =
					(struct sim_machine){l->cpus, 1, 1, 1};
			first = document(&o, l);
			second = document(&o, l);
			o.seed++;
			other = document(&o, l);
			assert_string_equal(first, second);
			assert_string_not_equal(first, other);
			free(first);
			free(second);
			free(other);
			load_free(l);
		}
	}
}

static void metrics_have_names_and_units(void **state)
{
	struct sim_opts o = usual("4");
	struct sim_result r;
	struct load *l;
	struct json *v;

	(void)state;
	assert_int_equal(load_hostile("wake_chain", 4, 1, &l), 0);
	r = run(&o, l);
	v = sim_result_metrics(l, &r);
	assert_string_equal(json_as_string(json_path(v, "0.name"), ""), "wall");
	assert_string_equal(json_as_string(json_path(v, "1.name"), ""),
			    "request_rate");
	assert_string_equal(json_as_string(json_path(v, "1.better"), ""),
			    "higher");
	assert_string_equal(json_as_string(json_path(v, "3.name"), ""),
			    "request_p99");
	assert_string_equal(json_as_string(json_path(v, "3.unit"), ""), "us");
	json_free(v);
	sim_result_release(&r);
	load_free(l);
}

static void nonsense_is_refused(void **state)
{
	struct sim_opts o = usual("4");
	struct load *l = load_new("l");
	struct sim_result r;

	(void)state;
	hog(l, "hog", 1, MS);
	o.machine.cpus = 0;
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	o.machine.cpus = SIM_MAX_CPUS + 1;
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	o.machine = (struct sim_machine){1, 2, 1, 1};
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	o.machine = (struct sim_machine){4, 0, 1, 1};
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	o.machine = (struct sim_machine){4, 1, 0, 1};
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	o.machine = (struct sim_machine){4, 1, 1, 0};
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	o = usual("4");
	o.costs.hz = 0;
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	o = usual("4");
	o.costs.smt_speed = 0;
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	o = usual("4");
	l->tasks[0].ops[1].what = LOAD_RUN;
	assert_int_equal(sim_run(&o, NULL, l, &r), -EINVAL);
	load_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machines_are_read),
		cmocka_unit_test(costs_are_read),
		cmocka_unit_test(work_takes_its_time),
		cmocka_unit_test(costs_come_on_top),
		cmocka_unit_test(threads_share_a_core),
		cmocka_unit_test(sleeps_and_timers_end_in_time),
		cmocka_unit_test(semaphores_hand_over),
		cmocka_unit_test(locks_exclude),
		cmocka_unit_test(conditions_give_the_lock_up),
		cmocka_unit_test(barriers_gather),
		cmocka_unit_test(a_fork_bomb_is_stopped),
		cmocka_unit_test(children_are_joined),
		cmocka_unit_test(pinned_tasks_stay),
		cmocka_unit_test(a_running_task_leaves_its_cpu),
		cmocka_unit_test(cpus_go_and_come),
		cmocka_unit_test(runs_end),
		cmocka_unit_test(circles_without_time_end),
		cmocka_unit_test(the_same_seed_is_the_same_run),
		cmocka_unit_test(metrics_have_names_and_units),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
