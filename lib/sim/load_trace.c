/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace again: every task with its own program.
 *
 * Whom an interrupt woke sleeps for as long as it did then.  Whom a traced
 * task woke waits for that task to come to the same point of its own CPU time.
 * Each wait has one such point, and they happened in some order: so the
 * programs cannot wait for each other in a circle.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load_make.h"
#include "trace/events.h"

#define TABLE_SLOTS (4 * LOAD_MAX_TASKS)
#define NOBODY	    UINT32_MAX

enum doing { UNSEEN, RUNS, WAITS, SLEEPS };

struct actor {
	char name[17];
	enum doing doing;
	bool nice_known, has_sem, unit;
	int nice;
	uint64_t in_at, in_value; /* got its CPU then, with that CPU time */
	bool in_known;		  /* in_value is */
	uint64_t before;	  /* CPU time of earlier turns */
	uint64_t told;		  /* … that is in its program */
	uint64_t slept_at;
	uint32_t sem;
};

struct replay {
	struct load *l;
	struct actor *a; /* one for each task of the load */
	uint32_t *table; /* pid's task + 1, open addressing */
	uint32_t *pids;
	uint64_t start;
	uint64_t lost, gaps;
	bool whole;
};

/* ---- tasks ------------------------------------------------------------- */

static uint32_t *slot_of(struct replay *r, uint32_t pid)
{
	uint32_t at = pid * 2654435761u % TABLE_SLOTS;

	while (r->table[at] && r->pids[r->table[at] - 1] != pid)
		at = (at + 1) % TABLE_SLOTS;
	return &r->table[at];
}

/* A new task; a pid that was used before is another one from now on. */
static uint32_t new_task(struct replay *r, uint32_t pid, uint64_t at)
{
	uint32_t *slot = slot_of(r, pid), t;
	size_t n = r->l->task_count;

	if (n == LOAD_MAX_TASKS)
		return NOBODY;
	if (!(n & (n - 1))) {
		r->a = mem_realloc(r->a, n ? 2 * n : 1, sizeof(*r->a));
		r->pids = mem_realloc(r->pids, n ? 2 * n : 1, sizeof(*r->pids));
	}
	t = load_add_task(r->l, "", 0);
	r->l->tasks[t].start_ns = at > r->start ? at - r->start : 0;
	r->a[t] = (struct actor){.slept_at = at};
	r->pids[t] = pid;
	*slot = t + 1;
	return t;
}

static uint32_t task_of(struct replay *r, uint32_t pid, uint64_t at)
{
	uint32_t known = *slot_of(r, pid);

	return known ? known - 1 : new_task(r, pid, at);
}

/* ---- programs ---------------------------------------------------------- */

/* Its CPU time since it is known, at `at` of its present turn. */
static uint64_t cpu_time(const struct actor *a, uint64_t at)
{
	return a->before +
	       (a->doing == RUNS && at > a->in_at ? at - a->in_at : 0);
}

static void run_to(struct replay *r, uint32_t t, uint64_t cpu)
{
	if (cpu <= r->a[t].told)
		return;
	load_op_ns(r->l, t, LOAD_RUN, cpu - r->a[t].told);
	r->a[t].told = cpu;
}

static void unit(struct replay *r, uint32_t t, enum load_what what)
{
	if ((what == LOAD_DONE) != r->a[t].unit)
		return;
	r->a[t].unit = what == LOAD_BEGIN;
	/* The metric is its group's, known when all names are. */
	load_op_obj(r->l, t, what, 0);
	if (what == LOAD_BEGIN)
		r->l->tasks[t].ops[r->l->tasks[t].op_count - 1].n = 1;
}

static void set_nice(struct replay *r, uint32_t t, int nice)
{
	struct actor *a = &r->a[t];

	if (!a->nice_known)
		r->l->tasks[t].nice = nice;
	else if (a->nice != nice)
		load_add_op(r->l, t, LOAD_NICE)->n = nice;
	a->nice_known = true;
	a->nice = nice;
}

/* It is on a CPU, though nothing said since when. */
static void must_run(struct replay *r, uint32_t t, uint64_t at)
{
	struct actor *a = &r->a[t];

	if (a->doing == RUNS)
		return;
	if (a->doing != UNSEEN)
		r->gaps++;
	a->doing = RUNS;
	a->in_at = at;
	a->in_known = false;
}

static void ends_sleep(struct replay *r, uint32_t t, uint64_t at)
{
	struct actor *a = &r->a[t];

	load_op_ns(r->l, t, LOAD_SLEEP,
		   at > a->slept_at ? at - a->slept_at : 0);
	a->doing = WAITS;
	unit(r, t, LOAD_BEGIN);
}

/* ---- records ----------------------------------------------------------- */

static void named(struct replay *r, uint32_t t, const struct trace_record *rec)
{
	struct actor *a = &r->a[t];
	size_t half = rec->flags & REC_SECOND ? 8 : 0;

	/* What it is called at last is not what it was started as. */
	memcpy(a->name + half, &rec->value, 8);
	r->l->tasks[t].kernel = rec->flags & REC_KERNEL;
}

static int forked(struct replay *r, uint32_t t, const struct trace_record *rec)
{
	uint32_t child;

	must_run(r, t, rec->at);
	child = new_task(r, rec->other, rec->at);
	if (child == NOBODY)
		return err_set(EINVAL, "more than %u tasks", LOAD_MAX_TASKS);
	run_to(r, t, cpu_time(&r->a[t], rec->at));
	load_op_obj(r->l, t, LOAD_FORK, child);
	r->l->tasks[child].instances = 0;
	r->l->tasks[child].start_ns = 0;
	r->a[child].doing = WAITS;
	return 0;
}

static void executed(struct replay *r, uint32_t t,
		     const struct trace_record *rec)
{
	must_run(r, t, rec->at);
	run_to(r, t, cpu_time(&r->a[t], rec->at));
	load_add_op(r->l, t, LOAD_EXEC)->id = rec->value;
}

static void woken(struct replay *r, uint32_t t, const struct trace_record *rec)
{
	struct actor *a = &r->a[t], *w;
	uint32_t by = NOBODY;

	if (a->doing == UNSEEN)
		a->doing = SLEEPS;
	if (a->doing != SLEEPS || rec->flags & REC_EARLY)
		return;
	if (rec->other != REC_BY_INTERRUPT && rec->other != REC_BY_UNKNOWN &&
	    *slot_of(r, rec->other))
		by = *slot_of(r, rec->other) - 1;
	w = by == NOBODY ? NULL : &r->a[by];
	if (!w || w->doing != RUNS || by == t) {
		ends_sleep(r, t, rec->at);
		return;
	}
	if (!a->has_sem)
		a->sem = load_add_sem(r->l, 0, false);
	a->has_sem = true;
	run_to(r, by, cpu_time(w, rec->at));
	load_op_obj(r->l, by, LOAD_POST, a->sem);
	load_op_obj(r->l, t, LOAD_WAIT, a->sem);
	a->doing = WAITS;
	unit(r, t, LOAD_BEGIN);
}

static void got_cpu(struct replay *r, uint32_t t,
		    const struct trace_record *rec)
{
	struct actor *a = &r->a[t];

	/* Woken before it slept: then it did not. */
	if (a->doing == RUNS)
		r->gaps++;
	a->doing = RUNS;
	a->in_at = rec->at;
	a->in_value = rec->value;
	a->in_known = true;
	set_nice(r, t, rec->nice);
	unit(r, t, LOAD_BEGIN);
}

static void left_cpu(struct replay *r, uint32_t t,
		     const struct trace_record *rec)
{
	struct actor *a = &r->a[t];
	uint64_t ran;

	must_run(r, t, rec->at);
	ran = a->in_known ? rec->value - a->in_value
			  : cpu_time(a, rec->at) - a->before;
	if (a->in_known && rec->value < a->in_value)
		ran = 0;
	a->before += ran;
	a->doing = rec->flags == REC_PREEMPTED ? WAITS : SLEEPS;
	a->slept_at = rec->at;
	set_nice(r, t, rec->nice);
	if (a->doing == WAITS)
		return;
	run_to(r, t, a->before);
	unit(r, t, LOAD_DONE);
}

static int take(struct replay *r, const struct trace_record *rec, uint64_t i)
{
	uint32_t t;

	if (rec->what >= REC_END || rec->nice < -20 || rec->nice > 19)
		return err_set(EINVAL, "record %" PRIu64 " is of no known kind",
			       i);
	t = task_of(r, rec->pid, rec->at);
	if (t == NOBODY)
		return err_set(EINVAL, "more than %u tasks", LOAD_MAX_TASKS);
	switch ((enum trace_what)rec->what) {
	case REC_NAME:
		named(r, t, rec);
		break;
	case REC_FORK:
		return forked(r, t, rec);
	case REC_EXEC:
		executed(r, t, rec);
		break;
	case REC_WAKE:
		woken(r, t, rec);
		break;
	case REC_IN:
		got_cpu(r, t, rec);
		break;
	case REC_OUT:
		left_cpu(r, t, rec);
		break;
	default:
		break;
	}
	return 0;
}

/* ---- the end ----------------------------------------------------------- */

/* Points within a turn are by the clock; what that was too much is taken
 * back. */
static void settle(struct replay *r, uint32_t t)
{
	struct load_task *task = &r->l->tasks[t];
	uint64_t over;

	run_to(r, t, r->a[t].before);
	over = r->a[t].told - r->a[t].before;
	for (size_t i = task->op_count; i-- > 0 && over;) {
		struct load_op *op = &task->ops[i];
		uint64_t cut = op->dist.ns < over ? op->dist.ns : over;

		if (op->what != LOAD_RUN)
			continue;
		op->dist.ns -= cut;
		over -= cut;
	}
}

/* Tasks of one name are a group, and have a metric. */
static uint32_t group_of(struct load *l, const char *name)
{
	for (uint32_t i = 0; i < l->group_count && i < 1024; i++) {
		if (!strcmp(l->groups[i].name, name))
			return i;
	}
	load_add_metric(l, name);
	return load_add_group(l, name);
}

static void finish_task(struct replay *r, uint32_t t)
{
	struct load_task *task = &r->l->tasks[t];

	settle(r, t);
	unit(r, t, LOAD_DONE);
	load_add_op(r->l, t, LOAD_EXIT);
	free(task->name);
	task->name = mem_strdup(r->a[t].name);
	task->group = group_of(r->l, task->name);
	for (size_t i = 0; i < task->op_count; i++) {
		if (task->ops[i].what == LOAD_BEGIN ||
		    task->ops[i].what == LOAD_DONE)
			task->ops[i].obj = task->group;
	}
}

static int read_records(struct replay *r, struct trace_events *e)
{
	struct trace_record rec;
	int rc = 0;

	while (!rc && trace_events_next(e, &rec)) {
		if (e->index == 1)
			r->start = rec.at;
		rc = take(r, &rec, e->index - 1);
	}
	r->whole = e->whole;
	r->lost = e->lost;
	if (e->cut)
		load_note(r->l, "the last record is cut off and left out");
	return rc;
}

static void add_notes(struct replay *r)
{
	if (!r->whole)
		load_note(r->l, "the trace ends before the observation did");
	if (r->lost)
		load_note(r->l, "%" PRIu64 " events are missing in the trace",
			  r->lost);
	if (r->gaps)
		load_note(r->l,
			  "%" PRIu64 " times a task was on a CPU without an "
			  "event that says since when",
			  r->gaps);
	load_note(r->l, "CPU affinities are not in a trace: tasks may use "
			"every CPU");
}

int load_from_trace(const void *bytes, size_t len, struct load **out)
{
	struct replay r = {0};
	struct trace_events e;
	int rc = trace_events_open(bytes, len, &e);

	*out = NULL;
	if (rc)
		return err_prefix(rc, "trace");
	r.l = load_new("trace");
	r.table = mem_zalloc(TABLE_SLOTS, sizeof(*r.table));
	rc = read_records(&r, &e);
	for (uint32_t t = 0; t < r.l->task_count && !rc; t++)
		finish_task(&r, t);
	if (!rc) {
		r.l->cpus = e.header.cpus;
		add_notes(&r);
		rc = load_check(r.l);
	}
	free(r.table);
	free(r.pids);
	free(r.a);
	if (rc)
		load_free(r.l);
	else
		*out = r.l;
	return rc ? err_prefix(rc, "trace") : 0;
}
