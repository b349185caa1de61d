/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hostile set: what schedulers get wrong, each in a load of its own.
 *
 * Short, and no busier than needed: an ill-made policy shows within a second
 * or two.  Some task always sleeps for long and then wants to run, so that
 * starving it is seen.  The seed varies times by a quarter.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/load_make.h"

#define US	     1000ull
#define MS	     1000000ull
#define SEC	     1000000000ull
#define DEFAULT_CPUS 4
#define MANY_CPUS    128

struct maker {
	struct load *l;
	struct rng rng;
	uint32_t cpus;
	uint32_t request; /* the metric */
};

static uint64_t vary(struct maker *m, uint64_t ns)
{
	return ns - ns / 4 + rng_below(&m->rng, ns / 2 + 1);
}

/* Tasks of one name are a group; all start in the first millisecond. */
static uint32_t tasks(struct maker *m, const char *name, uint32_t instances)
{
	size_t g = m->l->group_count;
	uint32_t t;

	if (!g || strcmp(m->l->groups[g - 1].name, name))
		load_add_group(m->l, name);
	t = load_add_task(m->l, name, (uint32_t)m->l->group_count - 1);
	m->l->tasks[t].instances = instances;
	m->l->tasks[t].start_step_ns = MS / (instances + 1);
	return t;
}

static void takes(struct maker *m, uint32_t t, enum load_what what,
		  uint64_t mean_ns)
{
	struct load_op *op = load_add_op(m->l, t, what);

	op->dist.kind = DIST_EXP;
	op->dist.ns = vary(m, mean_ns);
}

static void again(struct maker *m, uint32_t t)
{
	load_op_loop(m->l, t, 0, 0);
}

static void hogs(struct maker *m, const char *name, uint32_t instances)
{
	uint32_t t = tasks(m, name, instances);

	load_op_ns(m->l, t, LOAD_RUN, SEC);
	again(m, t);
}

/* Sleep, then want to run a little. */
static void sleepers(struct maker *m, const char *name, uint32_t instances,
		     uint64_t sleep_ns, uint64_t run_ns)
{
	uint32_t t = tasks(m, name, instances);

	load_op_obj(m->l, t, LOAD_BEGIN, m->request);
	takes(m, t, LOAD_SLEEP, sleep_ns);
	takes(m, t, LOAD_RUN, run_ns);
	load_op_obj(m->l, t, LOAD_DONE, m->request);
	again(m, t);
}

static uint32_t mask_of(struct maker *m, uint32_t from, uint32_t step)
{
	struct load_mask mask = {0};

	for (uint32_t cpu = from % m->cpus; cpu < m->cpus; cpu += step)
		mask.bits[cpu / 64] |= 1ull << (cpu % 64);
	return load_add_mask(m->l, &mask);
}

static void ends(struct maker *m, uint32_t t)
{
	load_add_op(m->l, t, LOAD_EXIT);
}

/* Parents that start children faster than these end. */
static void fork_storm(struct maker *m)
{
	uint32_t parent = tasks(m, "parent", m->cpus);
	uint32_t child = tasks(m, "child", 0), grand = tasks(m, "grand", 0);

	takes(m, parent, LOAD_RUN, 20 * US);
	load_op_obj(m->l, parent, LOAD_FORK, child);
	load_op_loop(m->l, parent, 0, 16);
	load_add_op(m->l, parent, LOAD_JOIN);
	load_op_loop(m->l, parent, 0, 20);
	ends(m, parent);
	load_op_obj(m->l, child, LOAD_BEGIN, m->request);
	takes(m, child, LOAD_RUN, 200 * US);
	load_op_obj(m->l, child, LOAD_FORK, grand);
	load_add_op(m->l, child, LOAD_JOIN);
	load_op_obj(m->l, child, LOAD_DONE, m->request);
	ends(m, child);
	takes(m, grand, LOAD_RUN, 100 * US);
	ends(m, grand);
	m->l->duration_ns = 20 * SEC;
}

/* Hogs that come when others have run for long: neither may starve. */
static void late_hogs(struct maker *m)
{
	hogs(m, "early", 2 * m->cpus);
	hogs(m, "late", 2 * m->cpus);
	m->l->tasks[m->l->task_count - 1].start_ns = 5 * SEC / 2;
	m->l->duration_ns = 6 * SEC;
}

/* Many that may only use CPU 0 beside others that may use all. */
static void all_pinned(struct maker *m)
{
	uint32_t first = mask_of(m, 0, m->cpus);
	size_t from = m->l->task_count;

	hogs(m, "pinned-hog", 4);
	sleepers(m, "pinned", 8, 5 * MS, 500 * US);
	for (; from < m->l->task_count; from++)
		m->l->tasks[from].mask = (int)first;
	hogs(m, "free-hog", m->cpus);
	sleepers(m, "free", m->cpus, 5 * MS, 500 * US);
	m->l->duration_ns = 2 * SEC;
}

static void hog_beside_sleepers(struct maker *m)
{
	hogs(m, "hog", 2 * m->cpus);
	sleepers(m, "sleeper", 2 * m->cpus, 5 * MS, 100 * US);
	sleepers(m, "late", 2, 400 * MS, MS);
	m->l->duration_ns = 3 * SEC;
}

/* Affinities that change while tasks run, wait and sleep. */
static void affinity_changing(struct maker *m)
{
	uint32_t all = mask_of(m, 0, 1);

	for (uint32_t i = 0; i < 2 * m->cpus && i < 64; i++) {
		uint32_t t = tasks(m, "mover", 2);

		load_op_obj(m->l, t, LOAD_AFFINITY, mask_of(m, i, m->cpus));
		takes(m, t, LOAD_RUN, 2 * MS);
		load_op_obj(m->l, t, LOAD_AFFINITY, mask_of(m, i, 2));
		takes(m, t, LOAD_SLEEP, MS);
		takes(m, t, LOAD_RUN, 3 * MS);
		load_op_obj(m->l, t, LOAD_AFFINITY, all);
		takes(m, t, LOAD_RUN, 2 * MS);
		again(m, t);
	}
	sleepers(m, "late", 2, 300 * MS, MS);
	m->l->duration_ns = 2 * SEC;
}

/* Crowds that end in one moment, some of them while others wait. */
static void exit_storm(struct maker *m)
{
	uint32_t crowd = 8 * m->cpus;

	for (uint32_t wave = 0; wave < 8; wave++) {
		uint32_t t = tasks(m, "crowd", crowd);
		struct load_op *op;

		m->l->tasks[t].start_ns = wave * vary(m, 60 * MS);
		takes(m, t, LOAD_RUN, 200 * US);
		op = load_add_op(m->l, t, LOAD_BARRIER);
		op->obj = (uint32_t)m->l->barrier_count++;
		op->n = (int32_t)crowd;
		takes(m, t, LOAD_RUN, 50 * US);
		ends(m, t);
	}
	m->l->duration_ns = 20 * SEC;
}

/* Every CPU but the first goes and comes back, twice. */
static void hotplug(struct maker *m)
{
	uint64_t at = 100 * MS;

	hogs(m, "hog", m->cpus + 2);
	sleepers(m, "sleeper", 2 * m->cpus, 5 * MS, 500 * US);
	for (int round = 0; round < 2; round++) {
		enum load_event_what what[] = {LOAD_CPU_OFFLINE,
					       LOAD_CPU_ONLINE};

		for (size_t w = 0; w < ARRAY_LEN(what); w++) {
			for (uint32_t cpu = 1; cpu < m->cpus; cpu++) {
				load_add_event(m->l, at, what[w], cpu);
				at += 300 * MS / m->cpus;
			}
			at += 100 * MS;
		}
	}
	m->l->duration_ns = at + 400 * MS;
}

static void one_cpu(struct maker *m)
{
	hogs(m, "hog", 3);
	sleepers(m, "sleeper", 4, 10 * MS, 500 * US);
	sleepers(m, "late", 1, 400 * MS, MS);
	m->l->duration_ns = 3 * SEC;
}

static void many_cpus(struct maker *m)
{
	hogs(m, "hog", m->cpus / 8);
	sleepers(m, "sleeper", m->cpus, 3 * MS, 3 * MS);
	sleepers(m, "late", 4, 200 * MS, MS);
	m->l->duration_ns = SEC;
}

/* Pairs that hand the turn to each other and a ring of eight, more than the
 * CPUs can serve; a bystander that never sleeps. */
static void wake_chain(struct maker *m)
{
	for (uint32_t i = 0; i < 2 * m->cpus && i < 64; i++) {
		uint32_t size = i ? 2 : 8;
		uint32_t sem = (uint32_t)m->l->sem_count;

		for (uint32_t j = 0; j < size; j++)
			load_add_sem(m->l, j == 0, false);
		for (uint32_t j = 0; j < size; j++) {
			uint32_t t = tasks(m, i ? "pair" : "ring", 1);

			load_op_obj(m->l, t, LOAD_WAIT, sem + j);
			load_op_obj(m->l, t, LOAD_BEGIN, m->request);
			takes(m, t, LOAD_RUN, 300 * US);
			load_op_obj(m->l, t, LOAD_POST, sem + (j + 1) % size);
			load_op_obj(m->l, t, LOAD_DONE, m->request);
			again(m, t);
		}
	}
	hogs(m, "bystander", 1);
	m->l->duration_ns = 3 * SEC;
}

/* Nothing but hogs, of five weights. */
static void weights(struct maker *m)
{
	static const char *const names[] = {"nice-m10", "nice-m5", "nice-0",
					    "nice-5", "nice-10"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		hogs(m, names[i], m->cpus);
		m->l->tasks[m->l->task_count - 1].nice = (int)i * 5 - 10;
	}
	m->l->duration_ns = 5 * SEC;
}

/* Tasks that for a while must not be moved, asleep in between. */
static void migration_disabled(struct maker *m)
{
	uint32_t t = tasks(m, "stuck", 3 * m->cpus);

	takes(m, t, LOAD_RUN, 2 * MS);
	/* For a moment only: a kernel lets such tasks go first. */
	load_add_op(m->l, t, LOAD_PIN)->n = 1;
	takes(m, t, LOAD_RUN, 20 * US);
	takes(m, t, LOAD_SLEEP, MS);
	takes(m, t, LOAD_RUN, 20 * US);
	load_add_op(m->l, t, LOAD_PIN)->n = 0;
	again(m, t);
	hogs(m, "hog", m->cpus);
	sleepers(m, "late", 2, 300 * MS, MS);
	m->l->duration_ns = 2 * SEC;
}

/* Silence, and then everybody at once. */
static void idle_then_burst(struct maker *m)
{
	uint32_t bell = load_add_sem(m->l, 0, true);
	uint32_t ringer = tasks(m, "ringer", 1);
	uint32_t t = tasks(m, "crowd", 8 * m->cpus);

	load_op_ns(m->l, ringer, LOAD_SLEEP, vary(m, 500 * MS));
	load_op_obj(m->l, ringer, LOAD_POST, bell);
	m->l->tasks[ringer].ops[1].n = 0;
	again(m, ringer);
	load_op_obj(m->l, t, LOAD_WAIT, bell);
	load_op_obj(m->l, t, LOAD_BEGIN, m->request);
	takes(m, t, LOAD_RUN, 5 * MS);
	load_op_obj(m->l, t, LOAD_DONE, m->request);
	again(m, t);
	m->l->duration_ns = 2 * SEC;
}

#define ROWS(row)                                                           \
	row(fork_storm, 0, 0) row(all_pinned, 2, 0) row(                    \
		hog_beside_sleepers, 0, 0) row(affinity_changing, 2, 0)     \
		row(exit_storm, 0, 0) row(hotplug, 2, 0) row(one_cpu, 1, 1) \
			row(many_cpus, MANY_CPUS, MANY_CPUS)                \
				row(wake_chain, 0, 0) row(weights, 0, 0)    \
					row(migration_disabled, 0, 0)       \
						row(idle_then_burst, 0, 0)  \
							row(late_hogs, 0, 0)

#define ROW_NAME(name, min, max) #name,
#define ROW_MAKE(name, min, max) {name, min, max},

const char *const load_hostile_names[] = {ROWS(ROW_NAME) NULL};

static const struct {
	void (*make)(struct maker *m);
	uint32_t min, max; /* CPUs; 0: any */
} rows[] = {ROWS(ROW_MAKE)};

int load_hostile(const char *name, uint32_t cpus, uint64_t seed,
		 struct load **out)
{
	struct maker m = {.cpus = cpus ? cpus : DEFAULT_CPUS};
	size_t i = 0;

	*out = NULL;
	while (load_hostile_names[i] && strcmp(load_hostile_names[i], name))
		i++;
	if (!load_hostile_names[i])
		return err_set(ENOENT, "no hostile load is called '%s'", name);
	if (m.cpus > LOAD_MAX_CPUS)
		return err_set(EINVAL, "%u CPUs: there may be %d", cpus,
			       LOAD_MAX_CPUS);
	if (m.cpus < rows[i].min)
		m.cpus = rows[i].min;
	if (rows[i].max && m.cpus > rows[i].max)
		m.cpus = rows[i].max;
	rng_init(&m.rng, seed);
	m.l = load_new(name);
	m.request = load_add_metric(m.l, "request");
	rows[i].make(&m);
	/* It was made for as many. */
	m.l->cpus = m.cpus;
	*out = m.l;
	return 0;
}
