/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording of bursts again: every task with its own program.
 *
 * A record does not say who woke the task, but of what kind that was and what
 * bursts it used to have.  If just one task that had a CPU then was like that,
 * the burst is waited for: the waker posts a semaphore at the same point of its
 * own CPU time.  Every other sleep is as long as it was.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load_bursts.h"

#define TABLE_SLOTS (4 * LOAD_MAX_TASKS)
#define MAX_CGROUPS 1024
#define MAX_GROUPS  16 /* the last one is of all others */
#define NOBODY	    UINT32_MAX
/* A task that is gone for longer than it says has done what was not recorded.
 */
#define GAP_NS 1000000

struct actor {
	const struct burst_record *now;	  /* the burst that it is in */
	const struct burst_record *first; /* … that it began with */
	uint64_t told;			  /* of it, that is in its program */
	uint64_t run_ns;		  /* in all */
	uint32_t sem;
	size_t exec; /* instruction + 1 whose identity the next burst has */
	bool has_sem, unit, ended;
	int nice;
};

/* Numbers that stand for something, and what they stand for now. */
struct table {
	struct slot {
		uint32_t key, value; /* value 0: none is there */
	} * slots;
};

struct replay {
	struct load *l;
	const struct told *t;
	uint64_t from;	    /* bursts before it are not measured */
	struct actor *a;    /* one for each task of the load */
	struct table tids;  /* task + 1 */
	struct table tgids; /* process */
	uint32_t *busy;	    /* tasks whose burst may not be over */
	size_t busy_count;
	uint64_t *cgroups; /* id of each of the load's, but the root */
	uint64_t waited, slept, gaps, nameless;
};

/* ---- tasks ------------------------------------------------------------- */

static uint32_t *find(const struct table *t, uint32_t key)
{
	uint32_t at = key * 2654435761u % TABLE_SLOTS;

	while (t->slots[at].value && t->slots[at].key != key)
		at = (at + 1) % TABLE_SLOTS;
	t->slots[at].key = key;
	return &t->slots[at].value;
}

/* A thread's process; that of a new leader is a new one. */
static void in_process(struct replay *r, struct load_task *def,
		       const struct burst_record *b)
{
	uint32_t *process = find(&r->tgids, b->tgid);

	def->leader = b->tid == b->tgid;
	if (!*process || (def->leader && b->flags & BURST_FORKED))
		*process = (uint32_t)++r->l->process_count;
	def->process = *process;
}

/* A weight of 100 is usual, and 0 here. */
static uint32_t weight_of(const struct burst_record *b)
{
	double w = round(100 * exp2(b->features[FEATURE_WEIGHT] / 256.0));

	return (uint32_t)fmin(fmax(w, 1), 10000);
}

/* All of them beside each other: a record has no more than a number. */
static uint32_t cgroup_of(struct replay *r, const struct burst_record *b)
{
	size_t n = r->l->cgroup_count - 1;
	char name[24];

	for (size_t i = 0; i < n; i++) {
		if (r->cgroups[i] == b->cgroup)
			return (uint32_t)i + 1;
	}
	/* The kernel's root is 1. */
	if (b->cgroup <= 1 || n == MAX_CGROUPS)
		return 0;
	r->cgroups[n] = b->cgroup;
	snprintf(name, sizeof(name), "%" PRIu64, b->cgroup);
	return load_add_cgroup(r->l, name, 0, weight_of(b));
}

static uint32_t new_task(struct replay *r, const struct burst_record *b)
{
	uint32_t t;
	size_t n = r->l->task_count;
	struct load_task *def;

	if (n == LOAD_MAX_TASKS)
		return NOBODY;
	if (!(n & (n - 1))) {
		r->a = mem_realloc(r->a, n ? 2 * n : 1, sizeof(*r->a));
		r->busy = mem_realloc(r->busy, n ? 2 * n : 1, sizeof(*r->busy));
	}
	t = load_add_task(r->l, "", 0);
	def = &r->l->tasks[t];
	def->start_ns = b->at - r->t->start;
	def->nice = b->features[FEATURE_NICE];
	def->kernel = b->features[FEATURE_KIND] == FEATURE_KERNEL;
	def->identity = b->identity;
	def->cgroup = cgroup_of(r, b);
	r->a[t] = (struct actor){.first = b, .nice = def->nice};
	in_process(r, def, b);
	*find(&r->tids, b->tid) = t + 1;
	return t;
}

/* ---- programs ---------------------------------------------------------- */

static void run_to(struct replay *r, uint32_t t, uint64_t ran)
{
	struct actor *a = &r->a[t];

	if (ran <= a->told)
		return;
	load_op_ns(r->l, t, LOAD_RUN, ran - a->told);
	a->told = ran;
}

/* Its burst is over, and what the next one knows of it. */
static void leave(struct replay *r, uint32_t t, const struct burst_record *next)
{
	struct actor *a = &r->a[t];

	run_to(r, t, a->now->run_ns);
	a->run_ns += a->now->run_ns;
	if (a->unit)
		load_op_obj(r->l, t, LOAD_DONE, 0);
	a->unit = false;
	if (!a->exec)
		return;
	if (next)
		r->l->tasks[t].ops[a->exec - 1].id = next->identity;
	r->nameless += !next;
	a->exec = 0;
}

/* Who ran when b began and is like its waker; NOBODY: not one alone is. */
static uint32_t waker_of(struct replay *r, const struct burst_record *b)
{
	uint32_t found = NOBODY;
	size_t keep = 0;
	bool many = false;

	for (size_t i = 0; i < r->busy_count; i++) {
		uint32_t t = r->busy[i];
		const struct burst_record *w = r->a[t].now;

		if (told_may_wake(w, b)) {
			many = found != NOBODY;
			found = t;
		}
		/* Bursts come by their beginnings: none is that late. */
		if (told_end(w) + GAP_NS >= b->at)
			r->busy[keep++] = t;
	}
	r->busy_count = keep;
	return many ? NOBODY : found;
}

static uint64_t slept(struct replay *r, const struct actor *a,
		      const struct burst_record *b)
{
	uint64_t was = told_end(a->now);
	uint64_t gone = b->at > was ? b->at - was : 0;

	if (gone <= a->now->sleep_ns + GAP_NS)
		return a->now->sleep_ns;
	r->gaps++;
	return gone;
}

static void wait_for(struct replay *r, uint32_t t, uint32_t waker,
		     const struct burst_record *b)
{
	struct actor *a = &r->a[t];

	if (waker == NOBODY) {
		r->slept++;
		load_op_ns(r->l, t, LOAD_SLEEP, slept(r, a, b));
		return;
	}
	if (!a->has_sem)
		a->sem = load_add_sem(r->l, 0, false);
	a->has_sem = true;
	r->waited++;
	run_to(r, waker, told_ran(r->a[waker].now, b->at));
	load_op_obj(r->l, waker, LOAD_POST, a->sem);
	load_op_obj(r->l, t, LOAD_WAIT, a->sem);
}

static void forked_by(struct replay *r, uint32_t t, uint32_t parent,
		      const struct burst_record *b)
{
	if (parent == NOBODY)
		return;
	run_to(r, parent, told_ran(r->a[parent].now, b->at));
	load_op_obj(r->l, parent, LOAD_FORK, t);
	r->l->tasks[t].instances = 0;
	r->l->tasks[t].start_ns = 0;
}

static void execute(struct replay *r, uint32_t t, uint64_t identity)
{
	load_add_op(r->l, t, LOAD_EXEC)->id = identity;
}

static void enter(struct replay *r, uint32_t t, const struct burst_record *b)
{
	struct actor *a = &r->a[t];

	if (a->nice != b->features[FEATURE_NICE])
		load_add_op(r->l, t, LOAD_NICE)->n = b->features[FEATURE_NICE];
	a->nice = b->features[FEATURE_NICE];
	a->unit = b->at >= r->from;
	if (a->unit) {
		/* The metric is its group's, known when all has been told. */
		load_op_obj(r->l, t, LOAD_BEGIN, 0);
		r->l->tasks[t].ops[r->l->tasks[t].op_count - 1].n = 1;
	}
	/* What it was before is all that is known of whom nobody forked. */
	if (a->first == b && r->l->tasks[t].instances && b->identity)
		execute(r, t, b->identity);
	if (b->flags & BURST_EXECUTED) {
		execute(r, t, 0);
		a->exec = r->l->tasks[t].op_count;
	}
	a->now = b;
	a->told = 0;
	a->ended = b->flags & BURST_EXITED;
	r->busy[r->busy_count++] = t;
}

static int take(struct replay *r, const struct burst_record *b)
{
	bool forked = b->features[FEATURE_WAKER] == FEATURE_BY_FORK;
	uint32_t known = *find(&r->tids, b->tid), t, waker = waker_of(r, b);

	if (known && !r->a[known - 1].ended && !(b->flags & BURST_FORKED)) {
		t = known - 1;
		leave(r, t, b);
		wait_for(r, t, waker, b);
	} else {
		t = new_task(r, b);
		if (t == NOBODY)
			return err_set(EFBIG,
				       "more than %u tasks: record for a "
				       "shorter time",
				       LOAD_MAX_TASKS);
		if (forked)
			forked_by(r, t, waker, b);
	}
	/* It is among the busy ones once, with its last burst. */
	for (size_t i = r->busy_count; i-- > 0;) {
		if (r->busy[i] == t)
			r->busy[i] = r->busy[--r->busy_count];
	}
	enter(r, t, b);
	return 0;
}

/* ---- the end ----------------------------------------------------------- */

struct share {
	uint64_t identity, run_ns;
};

/* What a task was in the end is what it was for most of its time. */
static uint64_t identity_of(const struct actor *a)
{
	return a->now->features[FEATURE_KIND] == FEATURE_KERNEL
		       ? UINT64_MAX
		       : a->now->identity;
}

static int by_identity(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return x->identity < y->identity ? -1 : x->identity > y->identity;
}

static int by_run(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->run_ns != y->run_ns)
		return x->run_ns > y->run_ns ? -1 : 1;
	return by_identity(a, b);
}

/* Run time by identity, most first; returns how many there are. */
static size_t shares(const struct replay *r, struct share *v)
{
	size_t n = r->l->task_count, m = 0;

	for (size_t i = 0; i < n; i++)
		v[i] = (struct share){identity_of(&r->a[i]), r->a[i].run_ns};
	qsort(v, n, sizeof(*v), by_identity);
	for (size_t i = 0; i < n; i++) {
		if (m && v[m - 1].identity == v[i].identity)
			v[m - 1].run_ns += v[i].run_ns;
		else
			v[m++] = v[i];
	}
	qsort(v, m, sizeof(*v), by_run);
	return m;
}

static void add_group(struct load *l, const char *name)
{
	load_add_group(l, name);
	load_add_metric(l, name);
}

/* What was executed has a name of its own where there is room for it. */
static size_t make_groups(struct load *l, const struct share *v, size_t n)
{
	size_t own = n > MAX_GROUPS ? MAX_GROUPS - 1 : n;
	char name[24];

	for (size_t i = 0; i < own; i++) {
		snprintf(name, sizeof(name), "%016" PRIx64, v[i].identity);
		add_group(l, v[i].identity == UINT64_MAX ? "kernel"
			     : v[i].identity		 ? name
							 : "unknown");
	}
	if (own < n)
		add_group(l, "others");
	return own;
}

static void finish_task(struct replay *r, uint32_t t, uint32_t group)
{
	struct load_task *def = &r->l->tasks[t];

	load_add_op(r->l, t, LOAD_EXIT);
	def->group = group;
	free(def->name);
	def->name = mem_strdup(r->l->groups[group].name);
	for (size_t i = 0; i < def->op_count; i++) {
		if (def->ops[i].what == LOAD_BEGIN ||
		    def->ops[i].what == LOAD_DONE)
			def->ops[i].obj = group;
	}
}

static void finish(struct replay *r)
{
	size_t n = r->l->task_count, own;
	struct share *v = mem_zalloc(n, sizeof(*v));

	for (uint32_t t = 0; t < n; t++)
		leave(r, t, NULL);
	own = make_groups(r->l, v, shares(r, v));
	for (uint32_t t = 0; t < n; t++) {
		uint32_t g = 0;

		while (g < own && v[g].identity != identity_of(&r->a[t]))
			g++;
		finish_task(r, t, g);
	}
	free(v);
}

/* What is part of a burst already. */
static struct json *costs(void)
{
	static const char *const names[] = {"wake_ns", "fork_ns", "exec_ns",
					    "exit_ns"};
	struct json *v = json_object();

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_set_number(v, names[i], 0);
	return v;
}

static void add_notes(const struct replay *r)
{
	struct load *l = r->l;

	load_note(l,
		  "of %" PRIu64 " sleeps %" PRIu64 " end when another task "
		  "comes to a point, the others after as long as they did then",
		  r->waited + r->slept, r->waited);
	if (r->t->lost || r->gaps)
		load_note(l,
			  "%" PRIu64 " bursts were not recorded; %" PRIu64
			  " times a task sleeps where it did something",
			  r->t->lost, r->gaps);
	if (r->t->torn)
		load_note(l, "%" PRIu64 " bytes at its end are left out",
			  r->t->torn);
	if (r->nameless)
		load_note(l,
			  "%" PRIu64 " times it is not known what a task "
			  "executed: it ended in the same burst",
			  r->nameless);
	load_note(l, "names, CPU affinities, locks and the tree of cgroups are "
		     "not in a recording of bursts");
}

int load_from_bursts(const char *path, double before, struct load **out)
{
	struct told t;
	struct replay r = {.t = &t};
	int rc = told_from_file(path, &t);

	*out = NULL;
	if (rc)
		return rc;
	r.l = load_new("bursts");
	r.from = t.start + (uint64_t)((double)(t.end - t.start) * before);
	r.tids.slots = mem_zalloc(TABLE_SLOTS, sizeof(*r.tids.slots));
	r.tgids.slots = mem_zalloc(TABLE_SLOTS, sizeof(*r.tgids.slots));
	r.cgroups = mem_zalloc(MAX_CGROUPS, sizeof(*r.cgroups));
	for (size_t i = 0; i < t.n && !rc; i++)
		rc = take(&r, &t.v[i]);
	if (!rc) {
		finish(&r);
		r.l->cpus = t.cpus;
		r.l->costs = costs();
		r.l->costs_inside = true;
		add_notes(&r);
		rc = load_check(r.l);
	}
	free(r.tids.slots);
	free(r.tgids.slots);
	free(r.cgroups);
	free(r.busy);
	free(r.a);
	told_release(&t);
	if (rc)
		load_free(r.l);
	else
		*out = r.l;
	return rc ? err_prefix(rc, "'%s'", path) : 0;
}
