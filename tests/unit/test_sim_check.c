/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is seen without knowing the class: waiting beside idle CPUs, starving,
 * shares; on a machine that stands still, worked out by hand. */
#include "sim/engine.h"
#include "sim_fix.h"

#define MAX_TASKS 8

struct still {
	struct sim_opts o;
	struct sim_result r;
	struct load *l;
	struct sim s;
	struct sim_task *t[MAX_TASKS]; /* one of each of the load's kinds */
};

static void blames(struct sim *s, const struct sim_task *t, const char **file,
		   uint32_t *line)
{
	(void)s;
	*file = "policy.c";
	*line = t->pid;
}

static const struct sim_class nobody = {.name = "nobody", .blame = blames};

static struct still *stand(const char *machine, const char *words)
{
	struct still *w = mem_zalloc(1, sizeof(*w));
	struct sim *s = &w->s;

	w->o = fix_free(machine);
	w->l = fix_load(words);
	w->r.weight_error = -1;
	w->r.group_count = w->l->group_count;
	w->r.groups = mem_zalloc(w->r.group_count, sizeof(*w->r.groups));
	*s = (struct sim){.o = &w->o,
			  .load = w->l,
			  .r = &w->r,
			  .cls = &nobody,
			  .next_pid = 1};
	cpus_init(s);
	check_init(s);
	task_objects_init(s);
	for (uint32_t i = 0; i < w->l->task_count; i++) {
		struct sim_task *t = task_new(s, i, NULL);

		t->next = s->tasks;
		s->tasks = t;
		s->tasks_kept++;
		t->check.since = NEVER;
		w->t[i] = t;
	}
	return w;
}

static void gone(struct still *w)
{
	while (w->s.tasks) {
		struct sim_task *t = w->s.tasks;

		w->s.tasks = t->next;
		task_free(&w->s, t);
	}
	task_objects_release(&w->s);
	sim_result_release(&w->r);
	load_free(w->l);
	free(w->s.cpus);
	free(w->s.heap);
	free(w);
}

static const struct sim_finding *found(const struct still *w,
				       enum sim_rule rule)
{
	for (size_t i = 0; i < w->r.finding_count; i++)
		if (w->r.findings[i].rule == rule)
			return &w->r.findings[i];
	return NULL;
}

static void begins(struct still *w, int i)
{
	w->t[i]->state = TASK_RUNNABLE;
	w->t[i]->runnable_at = w->s.now;
	check_wait_begins(&w->s, w->t[i]);
}

static void ends(struct still *w, int i, uint64_t idle_since)
{
	check_wait_ends(&w->s, w->t[i], idle_since);
	w->t[i]->state = TASK_SLEEPING;
}

static void busy(struct still *w, uint32_t cpu, bool is)
{
	/* As if it were on its way to a task. */
	w->s.cpus[cpu].choosing = is;
	cpu_count(&w->s, &w->s.cpus[cpu]);
}

#define THREE "cpus 1\na : run 1s\nb : run 1s\nc mask=0 : run 1s\n"

/* ---- waiting ------------------------------------------------------------ */

static void waiting_beside_idle_cpus(void **state)
{
	struct still *w = stand("3", THREE);

	(void)state;
	assert_int_equal(w->s.nr_free, 3);
	/* Two wait and three are free: each wastes its time. */
	begins(w, 0);
	begins(w, 1);
	w->s.now = 100 * US;
	ends(w, 0, NEVER);
	assert_int_equal(w->r.idle_waiting_ns, 100 * US);
	/* One waits, and none is free: no time is wasted from now on. */
	for (uint32_t cpu = 0; cpu < 3; cpu++)
		busy(w, cpu, true);
	assert_int_equal(w->s.nr_free, 0);
	w->s.now = 300 * US;
	busy(w, 2, false);
	w->s.now = 340 * US;
	ends(w, 1, NEVER);
	assert_int_equal(w->r.idle_waiting_ns, (100 + 100 + 40) * US);
	/* Two share what one CPU could have done. */
	begins(w, 0);
	begins(w, 1);
	w->s.now += 200 * US;
	ends(w, 0, NEVER);
	ends(w, 1, NEVER);
	assert_int_equal(w->r.idle_waiting_ns, (240 + 200) * US);
	/* A wakeup takes its time. */
	begins(w, 0);
	w->s.now += 50 * US;
	ends(w, 0, NEVER);
	assert_int_equal(w->r.idle_waiting_ns, 440 * US);
	begins(w, 0);
	w->s.now += 50 * US + 1;
	ends(w, 0, NEVER);
	assert_int_equal(w->r.idle_waiting_ns, 490 * US + 1);
	assert_int_equal(w->s.nr_waiting_free, 0);
	gone(w);
}

/* Who may run on some CPUs only wasted the time of the one that takes it. */
static void waiting_for_one_cpu(void **state)
{
	static const struct {
		uint64_t waited, idle_for; /* 0: it was not idle */
		uint64_t wasted;
	} rows[] = {{200 * US, 0, 0},
		    {200 * US, 150 * US, 150 * US},
		    {200 * US, 900 * US, 200 * US},
		    {200 * US, 50 * US, 0},
		    {50 * US, 900 * US, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct still *w = stand("3", THREE);
		bool pinned = i % 2;
		int who = pinned ? 0 : 2;

		w->t[0]->migration_disabled = pinned;
		w->s.now = SEC;
		begins(w, who);
		assert_int_equal(w->s.nr_waiting_free, 0);
		w->s.now += rows[i].waited;
		ends(w, who,
		     rows[i].idle_for ? w->s.now - rows[i].idle_for : NEVER);
		assert_int_equal(w->r.idle_waiting_ns, rows[i].wasted);
		assert_int_equal(w->r.longest_wait_ns, rows[i].waited);
		gone(w);
	}
}

/* A light task's turns are as far apart as it is light. */
static void starving(void **state)
{
	static const struct {
		const char *words;
		uint64_t bound, waited;
		bool found;
	} rows[] = {
		{"a : run 1s\n", MS, MS, false},
		{"a : run 1s\n", MS, MS + 1, true},
		{"a : run 1s\n", 0, 900 * SEC, false},
		{"a nice=-5 : run 1s\n", MS, MS + 1, true},
		{"a nice=10 : run 1s\n", MS, 9 * MS, false}, /* 1024 / 110 */
		{"a nice=10 : run 1s\n", MS, 9 * MS + 1, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct still *w = stand("1", rows[i].words);

		w->o.starve_ns = rows[i].bound;
		begins(w, 0);
		w->s.now = rows[i].waited;
		ends(w, 0, NEVER);
		assert_int_equal(found(w, SIM_STARVATION) != NULL,
				 rows[i].found);
		if (rows[i].found)
			assert_int_equal(found(w, SIM_STARVATION)->line,
					 w->t[0]->pid);
		gone(w);
	}
}

/* ---- the end ------------------------------------------------------------ */

static void the_end_adds_up(void **state)
{
	static const struct {
		uint64_t wasted, kicks, switches;
		bool idle, kicked;
	} rows[] = {
		/* A twentieth of 2 CPUs for 100 ms is 10 ms. */
		{10 * MS, 1000, 0, false, false},
		{10 * MS + 1, 1001, 20, true, false},
		{0, 1001, 19, false, true},
		{0, 1050, 21, false, false},
		{0, 1099, 20, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct still *w = stand("2", THREE);

		w->s.now = 100 * MS;
		w->r.idle_waiting_ns = rows[i].wasted;
		w->r.kicks = rows[i].kicks;
		w->r.switches = rows[i].switches;
		w->s.cpus[0].idle_since = 30 * MS;
		w->s.cpus[1].online = false;
		w->t[0]->check.counted = true;
		check_end(&w->s);
		assert_int_equal(w->r.end_ns, 100 * MS);
		assert_int_equal(w->r.idle_ns, 70 * MS);
		assert_int_equal(w->r.unfinished, 1);
		assert_int_equal(found(w, SIM_IDLE) != NULL, rows[i].idle);
		assert_int_equal(found(w, SIM_KICKS) != NULL, rows[i].kicked);
		gone(w);
	}
}

/* 12 ms of 2 CPUs for a second are no twentieth. */
static void a_little_idleness_is_nothing(void **state)
{
	struct still *w = stand("2", THREE);

	(void)state;
	w->s.now = SEC;
	w->r.idle_waiting_ns = 12 * MS;
	check_end(&w->s);
	assert_null(found(w, SIM_IDLE));
	gone(w);
}

/* Where nobody's end is waited for there is nothing to simulate. */
static void nothing_to_wait_for(void **state)
{
	struct sim_opts o = fix_free("1");
	struct load *l = fix_load("a background : run 1s\n");
	struct sim_result r = fix_run(&o, NULL, l);

	(void)state;
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.end_ns, 0);
	sim_result_release(&r);
	/* … but for as long as it lasts. */
	l->duration_ns = 300 * MS;
	r = fix_run(&o, NULL, l);
	assert_int_equal(r.end_ns, 300 * MS);
	assert_int_equal(r.busy_ns, 300 * MS);
	sim_result_release(&r);
	load_free(l);
}

/* ---- shares ------------------------------------------------------------- */

static void had(struct still *w, int i, uint64_t ns)
{
	w->t[i]->sum_exec_ns += ns;
}

static void window(struct still *w)
{
	w->s.now += 250 * MS;
	sim_event_cancel(&w->s, &w->s.window);
	w->s.window.fire(&w->s, &w->s.window);
	assert_int_equal(w->s.window.at, w->s.now + 250 * MS);
}

#define NEAR(x, want) assert_true(fabs((x) - (want)) < 1e-3 * (want) + 1)

static void shares_are_by_weight(void **state)
{
	struct still *w = stand("2", "cpus 1\na : run 1s\nb nice=5 : run 1s\n"
				     "c nice=-10 : run 1s\n"
				     "d mask=0 : run 1s\ne : run 1s\n");

	(void)state;
	/* d may not go anywhere, e came within the first window. */
	for (int i = 0; i < 4; i++)
		w->t[i]->check.since = 0;
	w->t[4]->check.since = 1;
	had(w, 0, 100 * MS);
	had(w, 1, 50 * MS);
	had(w, 2, 250 * MS);
	had(w, 3, 70 * MS);
	had(w, 4, 30 * MS);
	window(w);
	/* c's weight is worth more than a CPU: it has one, and the others
	 * share 150 ms, 1024 to 335. */
	NEAR(w->t[2]->check.due, 250e6);
	NEAR(w->t[0]->check.due, 150e6 * 1024 / 1359);
	NEAR(w->t[1]->check.due, 150e6 * 335 / 1359);
	NEAR(w->t[0]->check.equal, 400e6 / 3);
	NEAR(w->t[0]->check.had, 100e6);
	assert_int_equal(w->t[0]->check.windows, 1);
	assert_int_equal(w->t[3]->check.windows, 0);
	assert_int_equal(w->t[4]->check.windows, 0);
	/* In the next one e is there, and d's pin is another one's. */
	w->t[0]->migration_disabled = true;
	had(w, 1, 20 * MS);
	had(w, 2, 240 * MS);
	had(w, 4, 40 * MS);
	window(w);
	assert_int_equal(w->t[0]->check.windows, 1);
	assert_int_equal(w->t[4]->check.windows, 1);
	NEAR(w->t[4]->check.had, 40e6);
	NEAR(w->t[4]->check.due, 50e6 * 1024 / 1359);
	NEAR(w->t[1]->check.due, 150e6 * 335 / 1359 + 50e6 * 335 / 1359);
	gone(w);
}

/* Within a cgroup: what that has is its parents' affair. */
static void shares_are_of_a_cgroup(void **state)
{
	struct still *w = stand("1", "cgroup 0 100\na : run 1s\nb : run 1s\n"
				     "c cgroup=1 : run 1s\n"
				     "d cgroup=1 nice=5 : run 1s\n");

	(void)state;
	for (int i = 0; i < 4; i++)
		w->t[i]->check.since = 0;
	had(w, 0, 60 * MS);
	had(w, 1, 40 * MS);
	had(w, 2, 75 * MS);
	had(w, 3, 75 * MS);
	window(w);
	NEAR(w->t[0]->check.due, 50e6);
	NEAR(w->t[1]->check.due, 50e6);
	NEAR(w->t[2]->check.due, 150e6 * 1024 / 1359);
	NEAR(w->t[3]->check.due, 150e6 * 335 / 1359);
	NEAR(w->t[3]->check.equal, 75e6);
	gone(w);
}

static void judging_a_share(void **state)
{
	static const struct {
		uint32_t windows;
		double had, due, equal;
		bool found;
		double error;
	} rows[] = {
		{4, 9e6, 40e6, 90e6, true, 0.775},
		{3, 9e6, 40e6, 90e6, false, -1},
		{4, 4e6, 19.9e6, 90e6, false, -1},
		{4, 5e6, 20e6, 90e6, true, 0.75},
		{4, 10.1e6, 40e6, 90e6, false, 0.7475},
		/* An equal part will do. */
		{4, 9e6, 40e6, 30e6, false, 0.775},
		{4, 7e6, 40e6, 30e6, true, 0.825},
		{4, 80e6, 40e6, 90e6, false, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct still *w = stand("1", "a : run 1s\n");

		w->t[0]->check.windows = rows[i].windows;
		w->t[0]->check.had = rows[i].had;
		w->t[0]->check.due = rows[i].due;
		w->t[0]->check.equal = rows[i].equal;
		check_share(&w->s, w->t[0]);
		assert_int_equal(found(w, SIM_UNFAIR) != NULL, rows[i].found);
		assert_true(fabs(w->r.weight_error - rows[i].error) < 1e-9);
		/* The worst is kept. */
		w->t[0]->check.had = rows[i].due;
		check_share(&w->s, w->t[0]);
		assert_true(fabs(w->r.weight_error - rows[i].error) < 1e-9);
		gone(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_beside_idle_cpus),
		cmocka_unit_test(waiting_for_one_cpu),
		cmocka_unit_test(starving),
		cmocka_unit_test(the_end_adds_up),
		cmocka_unit_test(a_little_idleness_is_nothing),
		cmocka_unit_test(nothing_to_wait_for),
		cmocka_unit_test(shares_are_by_weight),
		cmocka_unit_test(shares_are_of_a_cgroup),
		cmocka_unit_test(judging_a_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
