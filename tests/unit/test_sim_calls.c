/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What else policies call, and what the core does for them: kicks, CPUs,
 * tasks, cgroups, references, who owns a task. */
#include "sim_bench.h"

#define TWO "cpus 2\nt*8 : run 1s\npinned mask=0 : run 1s\n"

/* ---- kicks -------------------------------------------------------------- */

static void kicks_are_done_afterwards(void **state)
{
	static const struct {
		uint64_t flags;
		bool runs, balances, resched, slice_ends;
		int kicks; /* counted */
	} rows[] = {
		{0, false, false, true, false, 1},
		{0, true, false, true, false, 1},
		{SCX_KICK_PREEMPT, true, false, true, true, 1},
		{SCX_KICK_PREEMPT, false, false, true, false, 1},
		{SCX_KICK_IDLE, false, false, true, false, 0},
		{SCX_KICK_IDLE, true, false, false, false, 0},
		{SCX_KICK_IDLE, true, true, true, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = bench_new("70", "good/minimal", 0, 0, TWO);
		struct ext_task *x = bench_task(b, 0, 66);
		struct sim_cpu *c = &b->s.cpus[66];

		x->k.scx.slice = 99;
		b->s.current_cpu = b->e->cpu = 1;
		b->e->cpus[66].curr = rows[i].runs ? x : NULL;
		b->e->cpus[66].in_balance = rows[i].balances;
		bench_call(b, "scx_bpf_kick_cpu", 66, rows[i].flags);
		assert_false(c->resched);
		ext_kicks_done(b->e, 1);
		assert_int_equal(c->resched, rows[i].resched);
		assert_int_equal(x->k.scx.slice, rows[i].slice_ends ? 0 : 99);
		assert_int_equal(b->e->kicks, rows[i].kicks);
		for (uint32_t cpu = 0; cpu < 70; cpu++)
			assert_true(cpu == 66 || !b->s.cpus[cpu].resched);
		/* Once. */
		c->resched = false;
		ext_kicks_done(b->e, 1);
		assert_false(c->resched);
		b->e->cpus[66].curr = NULL;
		bench_well(b);
		bench_free(b);
	}
}

static void kicks_that_are_none(void **state)
{
	struct bench *b = bench_new("2", "good/minimal", 0, 0, TWO);

	(void)state;
	bench_call(b, "scx_bpf_kick_cpu", 2, 0);
	bench_error(b, "invalid CPU 2");
	bench_call(b, "scx_bpf_kick_cpu", 1, SCX_KICK_IDLE | SCX_KICK_PREEMPT);
	bench_error(b, "cannot be used with");
	bench_call(b, "scx_bpf_kick_cpu", 1, SCX_KICK_IDLE | SCX_KICK_WAIT);
	bench_error(b, "cannot be used with");
	/* Who is gone hears nothing. */
	b->s.cpus[1].online = false;
	bench_call(b, "scx_bpf_kick_cpu", 1, SCX_KICK_PREEMPT);
	ext_kicks_done(b->e, 0);
	assert_false(b->s.cpus[1].resched);
	bench_free(b);
}

/* ---- CPUs --------------------------------------------------------------- */

static uint64_t constant(const struct bench *b, const char *name)
{
	uint64_t value = 0;
	size_t size;
	void *at;
	int map;

	assert_int_equal(object_variable(b->p->object, name, &at, &size, &map),
			 0);
	memcpy(&value, at, size);
	return value;
}

/* As a policy's own loader would set them. */
static void constants_are_the_machines(void **state)
{
	struct bench *b = bench_new("4", "sim/loaded", 0, 0, TWO);

	(void)state;
	assert_int_equal(constant(b, "nr_cpu_ids"), 4);
	assert_int_equal(constant(b, "slice_ns"), 20000000);
	assert_int_equal(constant(b, "fail"), 0);
	bench_well(b);
	bench_free(b);
}

static void cpus_tell_what_they_are(void **state)
{
	struct bench *b = bench_new("6,threads=2,llcs=3,nodes=3",
				    "good/minimal", 0, 0, TWO);
	uint64_t rq = bench_call(b, "scx_bpf_cpu_rq", 4);

	(void)state;
	assert_int_equal(bench_call(b, "scx_bpf_nr_cpu_ids"), 6);
	assert_int_equal(bench_call(b, "scx_bpf_nr_node_ids"), 3);
	/* Threads of core 1: CPUs 1 and 4. */
	assert_int_equal(bench_call(b, "scx_bpf_cpu_node", 4), 1);
	assert_int_equal(bench_call(b, "scx_bpf_cpu_node", 5), 2);
	assert_ptr_equal(vm_read(b->e->vm, rq, 8), &b->e->cpus[4].rq);
	assert_int_equal(bench_call(b, "scx_bpf_cpu_curr", 4),
			 b->e->cpus[4].rq.idle);
	bench_well(b);
	assert_int_equal((int)bench_call(b, "scx_bpf_cpu_node", 6), -1);
	bench_error(b, "invalid CPU 6");
	assert_int_equal(bench_call(b, "scx_bpf_cpu_rq", 6), 0);
	bench_error(b, "invalid CPU 6");
	assert_int_equal(bench_call(b, "scx_bpf_cpu_curr", 6), 0);
	bench_error(b, "invalid CPU 6");
	bench_call(b, "scx_bpf_locked_rq");
	bench_error(b, "without holding rq lock");
	b->e->locked = 4;
	assert_int_equal(bench_call(b, "scx_bpf_locked_rq"), rq);
	bench_well(b);
	bench_free(b);
}

static void speeds_are_set_where_one_may(void **state)
{
	struct bench *b = bench_new("4", "good/minimal", 0, 0, TWO);

	(void)state;
	assert_int_equal(bench_call(b, "scx_bpf_cpuperf_cap", 1), 1024);
	bench_call(b, "scx_bpf_cpuperf_set", 1, 1024);
	bench_call(b, "scx_bpf_cpuperf_set", 2, 7);
	b->e->locked = 3;
	bench_call(b, "scx_bpf_cpuperf_set", 3, 8);
	bench_well(b);
	assert_int_equal(b->e->cpus[1].rq.scx.cpuperf_target, 1024);
	assert_int_equal(b->e->cpus[2].rq.scx.cpuperf_target, 7);
	assert_int_equal(b->e->cpus[3].rq.scx.cpuperf_target, 8);
	bench_call(b, "scx_bpf_cpuperf_set", 2, 9);
	bench_error(b, "Invalid target CPU 2");
	bench_call(b, "scx_bpf_cpuperf_set", 3, 1025);
	bench_error(b, "Invalid cpuperf target 1025");
	bench_call(b, "scx_bpf_cpuperf_set", 4, 1);
	bench_error(b, "invalid CPU 4");
	assert_int_equal(b->e->cpus[2].rq.scx.cpuperf_target, 7);
	bench_free(b);
}

static void events_are_given_by_size(void **state)
{
	struct bench *b = bench_new("2", "good/minimal", 0, 0, TWO);
	int64_t *v = (int64_t *)b->room;
	size_t n = sizeof(b->e->events) / sizeof(*v);

	(void)state;
	for (size_t i = 0; i < n; i++)
		((int64_t *)&b->e->events)[i] = (int64_t)i + 1;
	memset(b->room, 0xff, sizeof(b->room));
	bench_call(b, "scx_bpf_events", b->at, 16);
	assert_int_equal(v[0], 1);
	assert_int_equal(v[1], 2);
	assert_int_equal(v[2], -1);
	/* A newer program's is longer. */
	bench_call(b, "scx_bpf_events", b->at, (n + 2) * 8);
	assert_int_equal(v[n - 1], n);
	assert_int_equal(v[n], 0);
	assert_int_equal(v[n + 1], 0);
	assert_int_equal(v[n + 2], -1);
	bench_well(b);
	bench_call(b, "scx_bpf_events", b->at, 1ull << 32);
	bench_fault(b, "events of");
	bench_free(b);
}

/* ---- tasks and references ----------------------------------------------- */

static void tasks_are_lent_and_given_back(void **state)
{
	struct bench *b = bench_new("2", "good/minimal", 0, 0, TWO);
	struct ext_task *x = bench_task(b, 0, 1);
	uint64_t at = ext_addr(x), pid = (uint64_t)x->k.pid;

	(void)state;
	assert_int_equal(bench_call(b, "bpf_task_acquire", at), at);
	assert_int_equal(bench_call(b, "bpf_task_from_pid", pid), at);
	assert_int_equal(bench_call(b, "bpf_task_from_pid", pid + 1), 0);
	assert_int_equal(bench_call(b, "bpf_task_from_pid", 0), 0);
	assert_int_equal(bench_call(b, "bpf_task_from_pid", (uint64_t)-1), 0);
	assert_int_equal(bench_call(b, "bpf_task_from_pid", 1 << 20), 0);
	assert_int_equal(x->refs, 2);
	bench_call(b, "bpf_task_release", at);
	bench_call(b, "bpf_task_release", at);
	assert_int_equal(x->refs, 0);
	bench_well(b);
	bench_call(b, "bpf_task_release", at);
	bench_fault(b, "not held");
	assert_int_equal(bench_call(b, "scx_bpf_task_cpu", at), 1);
	assert_int_equal(bench_call(b, "scx_bpf_task_running", at), 0);
	b->e->cpus[1].curr = x;
	assert_int_equal(bench_call(b, "scx_bpf_task_running", at), 1);
	b->e->cpus[1].curr = NULL;
	bench_well(b);
	bench_call(b, "scx_bpf_task_cpu", b->at);
	bench_fault(b, "task_struct");
	bench_free(b);
}

/* The nice values' weights, as sched_ext scales them: 100 at nice 0. */
static void tasks_look_as_they_are(void **state)
{
	static const struct {
		const char *words;
		int prio, weight;
		uint64_t load;
	} rows[] = {
		{"t : run 1s\n", 120, 100, 1024},
		{"t nice=-20 : run 1s\n", 100, 8668, 88761},
		{"t nice=19 : run 1s\n", 139, 1, 15},
		{"t nice=5 : run 1s\n", 125, 33, 335},
		{"t nice=-5 : run 1s\n", 115, 305, 3121},
		{"t nice=12 : run 1s\n", 132, 7, 70},
		{"t policy=idle : run 1s\n", 120, 1, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b =
			bench_new("2", "good/minimal", 0, 0, rows[i].words);
		struct kernel_task_struct *k = &bench_task(b, 0, 1)->k;

		assert_int_equal(k->static_prio, rows[i].prio);
		assert_int_equal(k->scx.weight, rows[i].weight);
		assert_int_equal(k->se.load.weight, rows[i].load * 1024);
		assert_int_equal(k->se.load.inv_weight,
				 0xffffffff / rows[i].load);
		assert_int_equal(k->scx.flags & SCX_TASK_STATE_MASK,
				 SCX_TASK_ENABLED << SCX_TASK_STATE_SHIFT);
		assert_int_equal(k->nr_cpus_allowed, 2);
		assert_int_equal(k->pid, k->tgid);
		assert_int_equal(k->group_leader, ext_addr(b->s.tasks->ext));
		bench_free(b);
	}
}

/* Only what the kernel lets a policy write. */
static void some_of_a_task_is_writable(void **state)
{
	struct bench *b = bench_new("2", "good/minimal", 0, 0, TWO);
	uint64_t at = ext_addr(bench_task(b, 0, 1));
	size_t slice = offsetof(struct kernel_task_struct, scx.slice);
	size_t vtime = offsetof(struct kernel_task_struct, scx.dsq_vtime);

	(void)state;
	assert_non_null(vm_write(b->e->vm, at + slice, 8));
	assert_non_null(vm_write(b->e->vm, at + slice, 4));
	assert_non_null(vm_write(b->e->vm, at + slice + 4, 4));
	assert_non_null(vm_write(b->e->vm, at + vtime, 8));
	bench_well(b);
	assert_null(vm_write(b->e->vm, at + slice - 4, 8));
	bench_fault(b, "");
	assert_null(vm_write(b->e->vm, at + vtime + 8, 8));
	bench_fault(b, "");
	assert_null(vm_write(b->e->vm, at, 4));
	bench_fault(b, "");
	bench_free(b);
}

/* … and is nothing to a policy any more once it has left. */
static void tasks_leave_once(void **state)
{
	struct bench *b = bench_new("2", "sim/told_all", 0, 0, TWO);
	struct ext_task *x = bench_task(b, 0, 1);

	(void)state;
	ext_exit_task(b->e, x);
	assert_int_equal(x->k.scx.flags & SCX_TASK_STATE_MASK, 0);
	bench_well(b);
	/* The policy would end if it were told of that twice. */
	ext_exit_task(b->e, x);
	bench_well(b);
	bench_free(b);
}

/* ---- cgroups ------------------------------------------------------------ */

#define FAMILY                                                     \
	"cgroup 0 100\ncgroup 1 250\ncgroup 1 30\nroot : run 1s\n" \
	"deep cgroup=2 : run 1s\nside cgroup=3 : run 1s\n"

static void cgroups_are_a_tree(void **state)
{
	struct bench *b = bench_new("2", "good/minimal", 0, 0, FAMILY);
	struct ext_task *deep = bench_task(b, 1, 0);
	uint64_t g[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		g[i] = bench_call(b, "bpf_cgroup_from_id", (uint64_t)i + 1);
		assert_int_equal(g[i], vm_addr(b->e->cgroups[i].region));
	}
	assert_int_equal(bench_call(b, "bpf_cgroup_from_id", 0), 0);
	assert_int_equal(bench_call(b, "bpf_cgroup_from_id", 5), 0);
	/* A name can be read up to its end, and no further. */
	assert_string_equal(vm_read(b->e->vm, b->e->cgroups[1].kn.name, 7),
			    "cgroup");
	assert_null(vm_read(b->e->vm, b->e->cgroups[1].kn.name, 8));
	bench_fault(b, "");
	assert_int_equal(b->e->cgroups[2].k.level, 2);
	assert_int_equal(b->e->cgroups[0].k.nr_descendants, 3);
	assert_int_equal(b->e->cgroups[1].k.nr_descendants, 2);
	assert_int_equal(b->e->cgroups[3].k.nr_descendants, 0);
	assert_int_equal(b->e->cgroups[2].group.scx_weight, 250);
	/* 100 is a weight of 1024, with ten bits below it. */
	assert_int_equal(b->e->cgroups[1].group.shares, 1024 << 10);
	assert_int_equal(b->e->cgroups[2].group.shares, 2560 << 10);
	assert_int_equal(b->e->cgroups[3].group.shares, 307 << 10);
	assert_int_equal(bench_call(b, "bpf_cgroup_ancestor", g[2], 0), g[0]);
	assert_int_equal(bench_call(b, "bpf_cgroup_ancestor", g[2], 1), g[1]);
	assert_int_equal(bench_call(b, "bpf_cgroup_ancestor", g[2], 2), g[2]);
	assert_int_equal(bench_call(b, "bpf_cgroup_ancestor", g[2], 3), 0);
	assert_int_equal(
		bench_call(b, "bpf_cgroup_ancestor", g[2], (uint64_t)-1), 0);
	assert_int_equal(
		bench_call(b, "bpf_task_under_cgroup", ext_addr(deep), g[1]),
		1);
	assert_int_equal(
		bench_call(b, "bpf_task_under_cgroup", ext_addr(deep), g[2]),
		1);
	assert_int_equal(
		bench_call(b, "bpf_task_under_cgroup", ext_addr(deep), g[3]),
		0);
	for (int i = 0; i < 4; i++)
		bench_call(b, "bpf_cgroup_release", g[i]);
	bench_well(b);
	bench_call(b, "bpf_cgroup_release", g[3]);
	bench_fault(b, "not held");
	bench_free(b);
}

/* Only of the task that a callback is about. */
static void cgroups_of_tasks(void **state)
{
	struct bench *b = bench_new("2", "good/minimal", 0, 0, FAMILY);
	struct ext_task *deep = bench_task(b, 1, 0),
			*side = bench_task(b, 2, 0);

	(void)state;
	b->e->context = CTX_REST;
	b->e->arg[0] = deep;
	assert_int_equal(bench_call(b, "scx_bpf_task_cgroup", ext_addr(deep)),
			 vm_addr(b->e->cgroups[2].region));
	b->e->arg[1] = side;
	assert_int_equal(bench_call(b, "scx_bpf_task_cgroup", ext_addr(side)),
			 vm_addr(b->e->cgroups[3].region));
	bench_well(b);
	b->e->arg[1] = NULL;
	assert_int_equal(bench_call(b, "scx_bpf_task_cgroup", ext_addr(side)),
			 vm_addr(b->e->cgroups[0].region));
	bench_error(b, "not being operated on");
	b->e->context = CTX_UNLOCKED;
	bench_call(b, "scx_bpf_task_cgroup", ext_addr(deep));
	bench_error(b, "not being operated on");
	b->e->arg[0] = NULL;
	bench_free(b);
}

/* ---- who owns a task ---------------------------------------------------- */

static struct ext_task *wakes(struct bench *b, uint32_t def, uint32_t cpu)
{
	struct ext_task *x = bench_task(b, def, cpu);

	x->t->state = TASK_RUNNABLE;
	return x;
}

static void without_a_callback_the_core_enqueues(void **state)
{
	struct bench *b =
		bench_new("4,llcs=2,nodes=2", "good/minimal", 0, 0, TWO);
	struct ext_task *x = wakes(b, 0, 3);

	(void)state;
	x->k.scx.slice = 5;
	ext_enqueue(b->e, x, 1, false);
	/* The global queue is its node's. */
	assert_ptr_equal(x->dsq, &b->e->global[1]);
	assert_int_equal(x->k.scx.slice, 20000000);
	assert_int_equal(b->e->events.SCX_EV_REFILL_SLICE_DFL, 1);
	assert_int_equal(b->e->cpus[3].rq.nr_running, 1);
	assert_int_equal(b->e->cpus[3].rq.scx.nr_running, 1);
	assert_true(x->k.scx.flags & SCX_TASK_QUEUED);
	assert_int_equal(x->k.on_rq, 1);
	/* Twice is once. */
	ext_enqueue(b->e, x, 1, false);
	assert_int_equal(b->e->global[1].k.nr, 1);
	assert_int_equal(b->e->cpus[3].rq.nr_running, 1);
	ext_dequeue(b->e, x, SCX_DEQ_SLEEP);
	assert_null(x->dsq);
	assert_int_equal(b->e->global[1].k.nr, 0);
	assert_int_equal(b->e->cpus[3].rq.nr_running, 0);
	assert_int_equal(b->e->cpus[3].rq.scx.nr_running, 0);
	assert_false(x->k.scx.flags & SCX_TASK_QUEUED);
	assert_true(x->k.scx.flags & SCX_TASK_DEQD_FOR_SLEEP);
	assert_int_equal(x->k.__state, KERNEL_INTERRUPTIBLE);
	ext_dequeue(b->e, x, 0);
	assert_int_equal(b->e->cpus[3].rq.nr_running, 0);
	ext_enqueue(b->e, x, 0, false);
	ext_dequeue(b->e, x, 0);
	assert_false(x->k.scx.flags & SCX_TASK_DEQD_FOR_SLEEP);
	x->t->state = TASK_SLEEPING;
	bench_well(b);
	bench_free(b);
}

/* … as it does for those that a policy is not asked about. */
static void some_are_not_for_the_policy(void **state)
{
	static const struct {
		uint64_t flags;
		bool exits, pinned, offline;
		bool asked;
		int exiting, disabled; /* events */
	} rows[] = {
		{0, false, false, false, true, 0, 0},
		{0, true, false, false, false, 1, 0},
		{SCX_OPS_ENQ_EXITING, true, false, false, true, 0, 0},
		{0, false, true, false, false, 0, 1},
		{SCX_OPS_ENQ_MIGRATION_DISABLED, false, true, false, true, 0,
		 0},
		{SCX_OPS_ENQ_EXITING, true, true, false, false, 0, 1},
		{0, false, false, true, false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = bench_new("2", "bad/never_inserts", 0,
					    rows[i].flags, TWO);
		struct ext_task *x = wakes(b, 0, 1);

		if (rows[i].exits)
			x->k.flags |= KERNEL_PF_EXITING;
		x->t->migration_disabled = rows[i].pinned;
		b->e->cpus[1].online = !rows[i].offline;
		ext_enqueue(b->e, x, 0, false);
		assert_int_equal(x->owner,
				 rows[i].asked ? OWNER_POLICY : OWNER_NONE);
		assert_ptr_equal(x->dsq,
				 rows[i].asked ? NULL : &b->e->cpus[1].local);
		assert_int_equal(b->e->events.SCX_EV_ENQ_SKIP_EXITING,
				 rows[i].exiting);
		assert_int_equal(
			b->e->events.SCX_EV_ENQ_SKIP_MIGRATION_DISABLED,
			rows[i].disabled);
		assert_int_equal(x->k.scx.ops_state & 3,
				 rows[i].asked ? SCX_OPSS_QUEUED
					       : SCX_OPSS_NONE);
		ext_dequeue(b->e, x, 0);
		assert_int_equal(x->owner, OWNER_NONE);
		x->t->state = TASK_SLEEPING;
		bench_well(b);
		bench_free(b);
	}
}

static void only_where_it_may_go(void **state)
{
	struct bench *b = bench_new("3", "good/minimal", 0, 0, TWO);
	struct ext_task *x = bench_task(b, 1, 1), *any = bench_task(b, 0, 1);

	(void)state;
	assert_true(ext_can_go(b->e, x, 1, true));
	assert_false(ext_can_go(b->e, x, 2, false));
	bench_well(b);
	assert_false(ext_can_go(b->e, x, 2, true));
	bench_error(b, "not allowed for pinned");
	assert_true(ext_can_go(b->e, any, 2, true));
	any->t->migration_disabled = true;
	assert_false(ext_can_go(b->e, any, 2, false));
	bench_well(b);
	assert_false(ext_can_go(b->e, any, 2, true));
	bench_error(b, "cannot move migration disabled");
	any->t->migration_disabled = false;
	b->e->cpus[2].online = false;
	assert_false(ext_can_go(b->e, any, 2, false));
	assert_int_equal(b->e->events.SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE, 0);
	assert_false(ext_can_go(b->e, any, 2, true));
	assert_int_equal(b->e->events.SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE, 1);
	bench_well(b);
	bench_free(b);
}

static void queues_by_number(void **state)
{
	struct bench *b =
		bench_new("4,llcs=2,nodes=2", "good/minimal", 0, 0, TWO);
	struct ext_task *x = bench_task(b, 0, 3);
	uint64_t on = SCX_DSQ_LOCAL_ON;

	(void)state;
	assert_ptr_equal(ext_find_dsq(b->e, SCX_DSQ_LOCAL, x, 2, 0),
			 &b->e->cpus[2].local);
	assert_ptr_equal(ext_find_dsq(b->e, on | 1, x, 2, 0),
			 &b->e->cpus[1].local);
	assert_ptr_equal(ext_find_dsq(b->e, on, x, 2, 0), &b->e->cpus[0].local);
	assert_ptr_equal(ext_find_dsq(b->e, SCX_DSQ_GLOBAL, x, 0, 0),
			 &b->e->global[1]);
	bench_well(b);
	assert_ptr_equal(ext_find_dsq(b->e, on | 4, x, 2, 0), &b->e->global[1]);
	bench_error(b, "invalid CPU 4");
	assert_ptr_equal(ext_find_dsq(b->e, on | 0xffffffff, x, 2, 0),
			 &b->e->global[1]);
	bench_error(b, "invalid CPU -1");
	assert_ptr_equal(ext_find_dsq(b->e, 44, x, 2, 0), &b->e->global[1]);
	bench_error(b, "non-existent DSQ 0x2c");
	bench_free(b);
}

/* Preempting ends the turn of who runs there, but its own. */
static void feeding_a_local_queue(void **state)
{
	static const struct {
		bool runs, itself, balances;
		uint64_t flags;
		bool resched, slice_ends;
	} rows[] = {
		{false, false, false, 0, true, false},
		{true, false, false, 0, false, false},
		{true, false, false, SCX_ENQ_PREEMPT, true, true},
		{true, true, false, SCX_ENQ_PREEMPT, false, false},
		{false, false, true, 0, false, false},
		{true, false, true, SCX_ENQ_PREEMPT, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = bench_new("2", "good/minimal", 0, 0, TWO);
		struct ext_task *x = wakes(b, 0, 1), *y = bench_task(b, 0, 1);
		struct ext_cpu *c = &b->e->cpus[1];

		b->s.current_cpu = 0;
		x->k.scx.slice = y->k.scx.slice = 7;
		c->curr = !rows[i].runs ? NULL : rows[i].itself ? x : y;
		c->in_balance = rows[i].balances;
		ext_dispatch_to(b->e, &c->local, x, rows[i].flags);
		assert_int_equal(b->s.cpus[1].resched, rows[i].resched);
		assert_int_equal(y->k.scx.slice, rows[i].slice_ends ? 0 : 7);
		assert_int_equal(x->k.scx.slice, 7);
		dsq_remove(&c->local, x);
		c->curr = NULL;
		x->t->state = TASK_SLEEPING;
		bench_well(b);
		bench_free(b);
	}
}

/* 7.1: ops.dequeue() tells of what leaves a policy's queues. */
static void custody_since_7_1(void **state)
{
	(void)state;
	for (int newer = 0; newer < 2; newer++) {
		struct bench *b = bench_new("2", "good/minimal",
					    newer ? 70001 : 60019, 0, TWO);
		struct ext_task *x = wakes(b, 0, 1);

		assert_int_equal(dsq_create(b->e, 7), 0);
		ext_dispatch_to(b->e, dsq_find(b->e, 7), x, 0);
		assert_int_equal(x->custody, newer);
		assert_int_equal((x->k.scx.flags & SCX_TASK_IN_CUSTODY) != 0,
				 newer);
		dsq_remove(x->dsq, x);
		ext_dispatch_to(b->e, &b->e->cpus[1].local, x, 0);
		assert_false(x->custody);
		assert_false(x->k.scx.flags & SCX_TASK_IN_CUSTODY);
		dsq_remove(x->dsq, x);
		x->t->state = TASK_SLEEPING;
		bench_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kicks_are_done_afterwards),
		cmocka_unit_test(kicks_that_are_none),
		cmocka_unit_test(constants_are_the_machines),
		cmocka_unit_test(cpus_tell_what_they_are),
		cmocka_unit_test(speeds_are_set_where_one_may),
		cmocka_unit_test(events_are_given_by_size),
		cmocka_unit_test(tasks_are_lent_and_given_back),
		cmocka_unit_test(tasks_look_as_they_are),
		cmocka_unit_test(some_of_a_task_is_writable),
		cmocka_unit_test(tasks_leave_once),
		cmocka_unit_test(cgroups_are_a_tree),
		cmocka_unit_test(cgroups_of_tasks),
		cmocka_unit_test(without_a_callback_the_core_enqueues),
		cmocka_unit_test(some_are_not_for_the_policy),
		cmocka_unit_test(only_where_it_may_go),
		cmocka_unit_test(queues_by_number),
		cmocka_unit_test(feeding_a_local_queue),
		cmocka_unit_test(custody_since_7_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
