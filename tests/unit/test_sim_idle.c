/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs are idle, and which one the core chooses: beside a second way
 * that keeps a bool for each CPU, and rows worked out by hand. */
#include "base/clock.h"
#include "sim_bench.h"

#define ONE_TASK "t : run 1s\n"
#define MACHINE	 "8,threads=2,llcs=2,nodes=2"

/* Of that machine: CPU i is on core i % 4; CPUs 0, 1, 4 and 5 share a cache. */
#define SIBLING(i) (((i) + 4) % 8)

static uint64_t bits_of(const struct ext_mask *m)
{
	return m->k.bits[0];
}

/* ---- keeping track ------------------------------------------------------ */

struct naive {
	bool idle[8], whole[8];
};

static void naive_update(struct naive *n, unsigned cpu, bool idle)
{
	bool both = idle && n->idle[SIBLING(cpu)];

	n->idle[cpu] = idle;
	/* Both threads begin and end to be a whole core together. */
	if (both || !idle)
		n->whole[cpu] = n->whole[SIBLING(cpu)] = both;
}

static bool naive_claim(struct naive *n, unsigned cpu)
{
	bool was = n->idle[cpu];

	n->idle[cpu] = false;
	n->whole[cpu] = n->whole[SIBLING(cpu)] = false;
	return was;
}

/* The first allowed one behind `last`, round. */
static int naive_next(const bool *set, uint64_t allowed, unsigned last)
{
	for (unsigned i = 1; i <= 8; i++) {
		unsigned cpu = (last + i) % 8;

		if (set[cpu] && allowed >> cpu & 1)
			return (int)cpu;
	}
	return -1;
}

static int naive_pick(struct naive *n, uint64_t allowed, uint64_t flags,
		      unsigned *last)
{
	int cpu = naive_next(n->whole, allowed, *last);

	if (cpu < 0 && flags & SCX_PICK_IDLE_CORE)
		return -EBUSY;
	if (cpu < 0)
		cpu = naive_next(n->idle, allowed, *last);
	if (cpu < 0)
		return -EBUSY;
	*last = (unsigned)cpu;
	naive_claim(n, *last);
	return cpu;
}

static void masks_are(struct bench *b, const struct naive *n)
{
	uint64_t idle = 0, whole = 0;

	for (unsigned i = 0; i < 8; i++) {
		idle |= (uint64_t)n->idle[i] << i;
		whole |= (uint64_t)n->whole[i] << i;
	}
	assert_int_equal(bits_of(&b->e->idle[0].cpu), idle);
	assert_int_equal(bits_of(&b->e->idle[0].smt), whole);
}

static void idle_cpus_are_kept_track_of(void **state)
{
	struct bench *b = bench_new(MACHINE, "good/minimal", 0, 0, ONE_TASK);
	struct kernel_cpumask *mask = (struct kernel_cpumask *)b->room;
	struct naive n;
	unsigned last[8] = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, 5);
	memset(&n, true, sizeof(n));
	masks_are(b, &n);
	for (int i = 0; i < 3000; i++) {
		unsigned cpu = (unsigned)rng_below(&rng, 8);
		bool idle = rng_below(&rng, 2);
		uint64_t flags = rng_below(&rng, 2) ? SCX_PICK_IDLE_CORE : 0;

		b->e->cpu = (unsigned)rng_below(&rng, 8);
		switch (rng_below(&rng, 4)) {
		case 0:
			ext_idle_update(b->e, cpu, idle, false);
			naive_update(&n, cpu, idle);
			break;
		case 1:
			assert_int_equal(
				bench_call(b, "scx_bpf_test_and_clear_cpu_idle",
					   cpu),
				naive_claim(&n, cpu));
			break;
		default:
			mask->bits[0] = rng_below(&rng, 256);
			assert_int_equal(
				(int)bench_call(b, "scx_bpf_pick_idle_cpu",
						b->at, flags),
				naive_pick(&n, mask->bits[0], flags,
					   &last[b->e->cpu]));
		}
		masks_are(b, &n);
	}
	bench_well(b);
	bench_free(b);
}

/* Sets what is idle: whole cores follow. */
static void only_idle(struct bench *b, uint64_t idle)
{
	for (unsigned cpu = 0; cpu < b->s.nr_cpus; cpu++)
		ext_idle_update(b->e, cpu, false, false);
	for (unsigned cpu = 0; cpu < b->s.nr_cpus; cpu++)
		if (idle >> cpu & 1)
			ext_idle_update(b->e, cpu, true, false);
	for (unsigned cpu = 0; cpu < b->s.nr_cpus; cpu++)
		b->e->cpus[cpu].distribute = 0;
}

/* ---- choosing ----------------------------------------------------------- */

static const struct {
	const char *what;
	uint64_t idle, allowed; /* 0: all */
	uint32_t prev, waker;
	uint64_t wake, flags;
	uint32_t kernel;
	int cpu;
} choices[] = {
	{"a whole core where it was", 0xff, 0, 1, 0, 0, 0, 0, 1},
	{"a whole core near it", 0xdf, 0, 1, 0, 0, 0, 0, 4},
	{"a whole core far away", 0xcc, 0, 1, 0, 0, 0, 0, 2},
	{"where it was, before another thread", 0x42, 0, 1, 0, 0, 0, 0, 1},
	{"near it", 0x60, 0, 1, 0, 0, 0, 0, 5},
	{"anywhere", 0x40, 0, 1, 0, 0, 0, 0, 6},
	{"nowhere", 0, 0, 1, 0, 0, 0, 0, -EBUSY},
	{"no half of a core", 0x42, 0, 1, 0, 0, SCX_PICK_IDLE_CORE, 0, -EBUSY},
	{"the whole core, as asked for", 0x88, 0, 1, 0, 0, SCX_PICK_IDLE_CORE,
	 0, 3},
	{"not where it must not", 0xff, 0x80, 1, 0, 0, 0, 0, 7},
	{"not where it was", 0x42, 0x40, 1, 0, 0, 0, 0, 6},
	{"nothing that is allowed", 0x0f, 0xf0, 1, 0, 0, 0, 0, -EBUSY},
	{"before 7.1 a sibling is no better", 0x30, 0, 1, 0, 0, 0, 60018, 4},
	{"since 7.1 it is", 0x30, 0, 1, 0, 0, 0, 70001, 5},
	{"a sibling that it may use", 0x30, 0x10, 1, 0, 0, 0, 70001, 4},
	/* The waker is about to sleep. */
	{"sync: where it was", 0x02, 0, 1, 0, SCX_WAKE_SYNC, 0, 0, 1},
	{"sync: the waker's", 0x80, 0, 1, 0, SCX_WAKE_SYNC, 0, 0, 0},
	{"sync: the waker's, far away", 0x02, 0, 1, 3, SCX_WAKE_SYNC, 0, 0, 3},
	{"sync: all are busy", 0, 0, 1, 3, SCX_WAKE_SYNC, 0, 0, -EBUSY},
	{"sync: not the waker's", 0x40, 0x42, 1, 3, SCX_WAKE_SYNC, 0, 0, 6},
};

static void cpus_are_chosen(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		uint64_t allowed =
			choices[i].allowed ? choices[i].allowed : 0xff;
		struct bench *b = bench_new(MACHINE, "good/minimal",
					    choices[i].kernel, 0, ONE_TASK);
		struct ext_task *x = bench_task(b, 0, choices[i].prev);
		struct kernel_cpumask *mask = (struct kernel_cpumask *)b->room;
		int cpu;

		b->e->context = CTX_SELECT_CPU;
		b->e->cpu = choices[i].waker;
		only_idle(b, choices[i].idle);
		mask->bits[0] = allowed;
		cpu = (int)bench_call(b, "scx_bpf_select_cpu_and", ext_addr(x),
				      choices[i].prev, choices[i].wake, b->at,
				      choices[i].flags);
		if (cpu != choices[i].cpu)
			fail_msg("%s: CPU %d", choices[i].what, cpu);
		bench_well(b);
		bench_free(b);
	}
}

/* A waker that ends, or whose queue is not empty, is no place to go. */
static void who_stays_is_not_displaced(void **state)
{
	struct bench *b =
		bench_new(MACHINE, "good/minimal", 0, 0, "t*2 : run 1s\n");
	struct ext_task *waker = bench_task(b, 0, 3);
	struct ext_task *x = bench_task(b, 0, 1), *other = bench_task(b, 0, 3);
	uint8_t *is_idle = b->room;

	(void)state;
	b->e->context = CTX_SELECT_CPU;
	b->e->cpu = 3;
	b->e->cpus[3].curr = waker;
	only_idle(b, 0x40);
	assert_int_equal(bench_call(b, "scx_bpf_select_cpu_dfl", ext_addr(x), 1,
				    SCX_WAKE_SYNC, b->at),
			 3);
	assert_true(*is_idle);
	waker->k.flags |= KERNEL_PF_EXITING;
	assert_int_equal(bench_call(b, "scx_bpf_select_cpu_dfl", ext_addr(x), 1,
				    SCX_WAKE_SYNC, b->at),
			 6);
	assert_true(*is_idle);
	waker->k.flags = 0;
	only_idle(b, 0x40);
	dsq_insert(b->e, &b->e->cpus[3].local, other, 0);
	assert_int_equal(bench_call(b, "scx_bpf_select_cpu_dfl", ext_addr(x), 1,
				    SCX_WAKE_SYNC, b->at),
			 6);
	/* None is left: it stays, and that is said. */
	assert_int_equal(bench_call(b, "scx_bpf_select_cpu_dfl", ext_addr(x), 1,
				    0, b->at),
			 1);
	assert_false(*is_idle);
	dsq_remove(&b->e->cpus[3].local, other);
	b->e->cpus[3].curr = NULL;
	bench_well(b);
	bench_free(b);
}

/* Who may use one CPU only, or must not be moved, goes there or nowhere. */
static void one_cpu_is_no_choice(void **state)
{
	struct bench *b = bench_new(MACHINE, "good/minimal", 0, 0,
				    "cpus 4\nt mask=0 : run 1s\nu : run 1s\n");
	struct ext_task *one = bench_task(b, 0, 2), *any = bench_task(b, 1, 5);
	struct kernel_cpumask *mask = (struct kernel_cpumask *)b->room;

	(void)state;
	b->e->context = CTX_ENQUEUE;
	mask->bits[0] = 0xff;
	for (int i = 0; i < 2; i++) {
		struct ext_task *x = i ? any : one;
		uint32_t cpu = i ? 5 : 2;

		any->t->migration_disabled = true;
		only_idle(b, 0xff);
		assert_int_equal((int)bench_call(b, "scx_bpf_select_cpu_and",
						 ext_addr(x), cpu, 0, b->at, 0),
				 cpu);
		assert_int_equal((int)bench_call(b, "scx_bpf_select_cpu_and",
						 ext_addr(x), cpu, 0, b->at, 0),
				 -EBUSY);
	}
	only_idle(b, 0xff);
	mask->bits[0] = 0xfb;
	assert_int_equal((int)bench_call(b, "scx_bpf_select_cpu_and",
					 ext_addr(one), 2, 0, b->at, 0),
			 -EBUSY);
	bench_well(b);
	bench_free(b);
}

/* ---- a table per node --------------------------------------------------- */

static void nodes_are_kept_apart(void **state)
{
	struct bench *b = bench_new(MACHINE, "good/minimal", 0,
				    SCX_OPS_BUILTIN_IDLE_PER_NODE, ONE_TASK);
	struct kernel_cpumask *mask = (struct kernel_cpumask *)b->room;
	static const struct {
		uint64_t idle, allowed, node, flags;
		int idle_cpu, any_cpu;
	} rows[] = {
		{0xff, 0xff, 0, 0, 1, 1},
		{0xff, 0xff, 1, 0, 2, 2},
		{0xff, 0xcc, 0, 0, 2, 2},
		{0xff, 0xcc, 0, SCX_PICK_IDLE_IN_NODE, -EBUSY, -EBUSY},
		{0x33, 0xff, 1, SCX_PICK_IDLE_IN_NODE, -EBUSY, 2},
		{0x33, 0xff, 1, 0, 1, 1},
		{0x20, 0xff, 1, 0, 5, 5},
		{0x00, 0xf0, 1, 0, -EBUSY, 4},
		{0x00, 0xf0, 1, SCX_PICK_IDLE_IN_NODE, -EBUSY, 6},
		{0x00, 0x00, 1, 0, -EBUSY, -EBUSY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		mask->bits[0] = rows[i].allowed;
		b->e->cpu = 0;
		only_idle(b, rows[i].idle);
		assert_int_equal(
			(int)bench_call(b, "scx_bpf_pick_idle_cpu_node", b->at,
					rows[i].node, rows[i].flags),
			rows[i].idle_cpu);
		only_idle(b, rows[i].idle);
		assert_int_equal((int)bench_call(b, "scx_bpf_pick_any_cpu_node",
						 b->at, rows[i].node,
						 rows[i].flags),
				 rows[i].any_cpu);
	}
	only_idle(b, 0x35);
	assert_int_equal(bits_of(&b->e->idle[0].cpu), 0x31);
	assert_int_equal(bits_of(&b->e->idle[1].cpu), 0x04);
	assert_int_equal(bits_of(&b->e->idle[0].smt), 0x11);
	assert_int_equal(bits_of(&b->e->idle[1].smt), 0);
	bench_well(b);
	assert_int_equal(
		(int)bench_call(b, "scx_bpf_pick_idle_cpu_node", b->at, 2, 0),
		-EINVAL);
	bench_error(b, "invalid node 2");
	assert_int_equal((int)bench_call(b, "scx_bpf_pick_idle_cpu_node", b->at,
					 (uint64_t)-2, 0),
			 -EINVAL);
	bench_error(b, "invalid node -2");
	assert_int_equal((int)bench_call(b, "scx_bpf_pick_idle_cpu_node", b->at,
					 (uint64_t)-1, 0),
			 -ENOENT);
	bench_well(b);
	bench_call(b, "scx_bpf_pick_idle_cpu", b->at, 0);
	bench_error(b, "per-node idle tracking is enabled");
	bench_free(b);
}

/* ---- what there is without them ----------------------------------------- */

static uint64_t lent(struct bench *b, const char *name, uint64_t node)
{
	uint64_t at = bench_call(b, name, node);
	const struct kernel_cpumask *m = vm_read(b->e->vm, at, sizeof(*m));
	uint64_t bits = m->bits[0];

	bench_call(b, "scx_bpf_put_cpumask", at);
	bench_well(b);
	bench_call(b, "scx_bpf_put_cpumask", at);
	bench_fault(b, "put already");
	return bits;
}

static void masks_are_lent(void **state)
{
	struct bench *b = bench_new(MACHINE, "good/minimal", 0, 0, ONE_TASK);
	struct bench *n = bench_new(MACHINE, "good/minimal", 0,
				    SCX_OPS_BUILTIN_IDLE_PER_NODE, ONE_TASK);
	struct bench *one = bench_new("4", "good/minimal", 0, 0, ONE_TASK);

	(void)state;
	only_idle(b, 0x4f);
	only_idle(n, 0x4f);
	only_idle(one, 0x5);
	assert_int_equal(lent(b, "scx_bpf_get_possible_cpumask", 0), 0xff);
	assert_int_equal(lent(b, "scx_bpf_get_online_cpumask", 0), 0xff);
	assert_int_equal(lent(b, "scx_bpf_get_idle_cpumask", 0), 0x4f);
	assert_int_equal(lent(b, "scx_bpf_get_idle_smtmask", 0), 0x44);
	assert_int_equal(lent(one, "scx_bpf_get_idle_smtmask", 0), 0x5);
	assert_int_equal(lent(n, "scx_bpf_get_idle_cpumask_node", 0), 0x03);
	assert_int_equal(lent(n, "scx_bpf_get_idle_cpumask_node", 1), 0x4c);
	assert_int_equal(lent(n, "scx_bpf_get_idle_smtmask_node", 1), 0x44);
	assert_int_equal(lent(n, "scx_bpf_get_idle_smtmask_node", 0), 0);
	assert_int_equal(lent(n, "scx_bpf_get_idle_cpumask_node", ~0ull), 0);
	assert_int_equal(lent(n, "scx_bpf_get_idle_smtmask_node", ~0ull), 0);
	bench_call(n, "scx_bpf_get_idle_cpumask");
	bench_error(n, "per-node idle tracking is enabled");
	bench_call(n, "scx_bpf_get_idle_smtmask");
	bench_error(n, "per-node idle tracking is enabled");
	bench_call(b, "scx_bpf_get_idle_smtmask_node", 0);
	bench_error(b, "per-node idle tracking is disabled");
	bench_free(b);
	bench_free(n);
	bench_free(one);
}

/* A policy that keeps track itself has no use of the core's. */
static void own_tracking(void **state)
{
	struct bench *b = bench_new("4", "bad/idle_override", 0, 0, ONE_TASK);
	struct bench *keeps = bench_new("4", "bad/idle_override", 0,
					SCX_OPS_KEEP_BUILTIN_IDLE, ONE_TASK);
	struct kernel_cpumask *mask = (struct kernel_cpumask *)b->room;

	(void)state;
	mask->bits[0] = 0x6;
	assert_int_equal((int)bench_call(b, "scx_bpf_pick_idle_cpu", b->at, 0),
			 -EBUSY);
	bench_error(b, "built-in idle tracking is disabled");
	assert_int_equal(bench_call(b, "scx_bpf_test_and_clear_cpu_idle", 1),
			 0);
	bench_error(b, "built-in idle tracking is disabled");
	bench_call(b, "scx_bpf_get_idle_cpumask");
	bench_error(b, "built-in idle tracking is disabled");
	/* Any will do. */
	assert_int_equal(bench_call(b, "scx_bpf_pick_any_cpu", b->at, 0), 1);
	bench_well(b);
	assert_int_equal(
		bench_call(keeps, "scx_bpf_test_and_clear_cpu_idle", 1), 1);
	bench_well(keeps);
	bench_free(b);
	bench_free(keeps);
}

static void any_cpu_will_do(void **state)
{
	struct bench *b = bench_new("4", "good/minimal", 0, 0, ONE_TASK);
	struct kernel_cpumask *mask = (struct kernel_cpumask *)b->room;

	(void)state;
	mask->bits[0] = 0xa;
	only_idle(b, 0x8);
	assert_int_equal(bench_call(b, "scx_bpf_pick_any_cpu", b->at, 0), 3);
	assert_int_equal(bench_call(b, "scx_bpf_pick_any_cpu", b->at, 0), 1);
	mask->bits[0] = 0;
	assert_int_equal((int)bench_call(b, "scx_bpf_pick_any_cpu", b->at, 0),
			 -EBUSY);
	bench_well(b);
	assert_int_equal(bench_call(b, "scx_bpf_test_and_clear_cpu_idle", 4),
			 0);
	bench_error(b, "invalid CPU 4");
	bench_free(b);
}

/* Looking near by is left out where all are near. */
static void topology_matters_where_it_is_one(void **state)
{
	static const struct {
		const char *machine;
		uint64_t flags;
		bool by_llc, by_node;
	} rows[] = {
		{"4", 0, false, false},
		{"4,llcs=2", 0, true, false},
		{"4,llcs=2,nodes=2", 0, true, false}, /* the same CPUs */
		{"8,llcs=4,nodes=2", 0, true, true},
		{"8,llcs=4,nodes=2", SCX_OPS_BUILTIN_IDLE_PER_NODE, true,
		 false},
		{"2,threads=2", 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = bench_new(rows[i].machine, "good/minimal", 0,
					    rows[i].flags, ONE_TASK);

		assert_int_equal(b->e->by_llc, rows[i].by_llc);
		assert_int_equal(b->e->by_node, rows[i].by_node);
		assert_int_equal(b->e->smt,
				 strchr(rows[i].machine, 't') &&
					 strstr(rows[i].machine, "threads"));
		bench_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_cpus_are_kept_track_of),
		cmocka_unit_test(cpus_are_chosen),
		cmocka_unit_test(who_stays_is_not_displaced),
		cmocka_unit_test(one_cpu_is_no_choice),
		cmocka_unit_test(nodes_are_kept_apart),
		cmocka_unit_test(masks_are_lent),
		cmocka_unit_test(own_tracking),
		cmocka_unit_test(any_cpu_will_do),
		cmocka_unit_test(topology_matters_where_it_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
