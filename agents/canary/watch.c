/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/canary/watch.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/task.h"
#include "trace/cgroup.h"
#include "trace/machine.h"
#include "trace/sample.h"

#define LOOK_S 0.2
/* Of the time, at most, for looking. */
#define LOOK_SHARE 0.05
/* Looks at which a task has to be found waiting before its wait counts as one:
 * between two of them this process may have been kept from its CPU, too. */
#define STALLED_LOOKS 3

enum side { NOBODY, CANARY, REST };

/* One task in this window; in the order of the sample. */
struct track {
	enum side side;
	double run_s, wait_s;
	double pending_s; /* of wait_s, what the kernel has not told yet */
	unsigned stalled; /* looks since it ran */
};

struct canary_watch {
	struct canary_scope scope;
	uint64_t key;
	char *cgroup; /* as the processes' files have it */
	char *dir;    /* its folder */
	struct sample last;
	struct track *tracks; /* one for each of last's */
	bool begun;	      /* last is of this window */
	double start, seen;   /* when it began, when last was taken */
	uint64_t idle, all;   /* ticks of the CPUs when it began */
	double pressure_us;   /* likewise; below 0: not known */
	struct canary_window now;
};

/* ---- who -------------------------------------------------------------- */

static bool is_ours(const struct sample_task *t)
{
	return t->tgid == getpid() || t->ppid == getpid();
}

static bool is_chosen(const struct canary_watch *w, const struct sample *now,
		      const struct sample_task *t)
{
	const struct knob_share share = {w->scope.parts, w->key};
	const struct sample_task *first;

	switch (w->scope.kind) {
	case CANARY_CGROUP:
		return cgroup_holds(w->cgroup, t->tgid);
	case CANARY_TREE:
		return sample_descends(now, t, w->scope.pid);
	case CANARY_SHARE:
		first = sample_find(now, t->tgid);
		return knob_share_has(&share, t->tgid,
				      first ? first->started : t->started);
	case CANARY_ALL:
		break;
	}
	return true;
}

/*
 * Whoever descends from the canary stays with it when its parent dies; others
 * are asked once in a window.
 */
static enum side side_of(const struct canary_watch *w, const struct sample *now,
			 struct sample_task *t, const struct sample_task *old)
{
	bool asked = old && (w->begun ||
			     (w->scope.kind == CANARY_TREE && old->tracked));

	if (t->kernel || is_ours(t))
		return NOBODY;
	t->tracked = asked ? old->tracked : is_chosen(w, now, t);
	return t->tracked ? CANARY : REST;
}

/* ---- what they did ---------------------------------------------------- */

static double grown(uint64_t now, uint64_t then)
{
	return now > then ? (double)(now - then) / 1e9 : 0;
}

/* Ready at both looks, and not run in between: it waited all the time. */
static void wait_on(struct track *k, struct canary_side *s, double passed)
{
	k->pending_s += passed;
	k->wait_s += passed;
	k->stalled++;
	s->wait_s += passed;
	s->active_s += passed;
	if (k->stalled >= STALLED_LOOKS)
		s->longest_s = fmax(s->longest_s, k->pending_s);
}

static void account(struct track *k, const struct sample_task *t,
		    const struct sample_task *old, double passed,
		    struct canary_side *s)
{
	double run = grown(t->run_ns, old ? old->run_ns : 0);
	double wait = grown(t->wait_ns, old ? old->wait_ns : 0), turn;
	uint64_t turns = t->slices - (old ? old->slices : 0);

	if (old && t->state == 'R' && old->state == 'R' && !turns && run <= 0) {
		wait_on(k, s, passed);
		return;
	}
	/* What was counted before it was told. */
	turn = turns ? wait / (double)turns : 0;
	wait = fmax(wait - k->pending_s, 0);
	if (turns) {
		k->pending_s = 0;
		k->stalled = 0;
	}
	k->run_s += run;
	k->wait_s += wait;
	s->run_s += run;
	s->wait_s += wait;
	s->longest_s = fmax(s->longest_s, turn);
	if (run > 0 || wait > 0)
		s->active_s += passed;
}

static struct canary_side *totals(struct canary_watch *w, enum side side)
{
	return side == CANARY ? &w->now.canary
	       : side == REST ? &w->now.rest
			      : NULL;
}

/* Takes now. */
static void compare(struct canary_watch *w, struct sample *now, double passed)
{
	struct track *tracks = mem_zalloc(now->count + 1, sizeof(*tracks));

	for (size_t i = 0; i < now->count; i++) {
		struct sample_task *t = &now->tasks[i], *old;
		struct track *k = &tracks[i];

		old = sample_find(&w->last, t->tid);
		if (old && old->started != t->started)
			old = NULL;
		if (old && w->begun)
			*k = w->tracks[old - w->last.tasks];
		k->side = side_of(w, now, t, old);
		if (w->begun && k->side != NOBODY)
			account(k, t, old, passed, totals(w, k->side));
	}
	sample_release(&w->last);
	free(w->tracks);
	w->last = *now;
	w->tracks = tracks;
	w->begun = true;
}

/* ---- the machine ------------------------------------------------------ */

/* Of a cgroup, or of all. */
static double pressure_now(const struct canary_watch *w)
{
	struct pressure p;
	char *text, *total;
	double us = -1;

	if (w->scope.kind == CANARY_ALL) {
		pressure_read(&p);
		return p.cpu_us;
	}
	text = w->dir ? cgroup_read(w->dir, "cpu.pressure") : NULL;
	total = text ? strstr(text, "total=") : NULL;
	if (total)
		us = strtod(total + strlen("total="), NULL);
	free(text);
	return us;
}

static size_t tasks_of(const struct canary_watch *w, enum side side)
{
	size_t n = 0;

	for (size_t i = 0; i < w->last.count; i++)
		n += w->tracks[i].side == side &&
		     w->tracks[i].run_s + w->tracks[i].wait_s > 0;
	return n;
}

static void sum_up(struct canary_watch *w)
{
	double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN), idle_part;
	struct canary_window *n = &w->now;
	double us = pressure_now(w);
	uint64_t idle, all;

	n->seconds = w->seen - w->start;
	n->pressure_s = -1;
	n->canary.tasks = tasks_of(w, CANARY);
	n->rest.tasks = tasks_of(w, REST);
	if (n->seconds <= 0)
		return;
	if (w->pressure_us >= 0 && us >= w->pressure_us)
		n->pressure_s = (us - w->pressure_us) / 1e6 / n->seconds;
	if (sample_cpu(&idle, &all) || all <= w->all)
		return;
	idle_part = (double)(idle - w->idle) / (double)(all - w->all);
	n->idle_s = idle_part * cpus * n->seconds;
	n->fair_pct = 100 * (1 - idle_part) -
		      100 * n->canary.run_s / n->seconds / cpus;
	n->fair_pct = fmin(fmax(n->fair_pct, 0), 100);
}

size_t canary_watch_seen(const struct canary_watch *w, struct canary_seen **out)
{
	struct canary_seen *v = mem_zalloc(w->last.count + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < w->last.count; i++) {
		const struct track *k = &w->tracks[i];

		if (k->side != NOBODY && k->run_s + k->wait_s > 0)
			v[n++] = (struct canary_seen){
				w->last.tasks[i].tid, w->last.tasks[i].started,
				k->side == REST, k->run_s, k->wait_s};
	}
	*out = v;
	return n;
}

/* ---- windows ---------------------------------------------------------- */

int canary_watch_begin(struct canary_watch *w)
{
	struct sample now;
	int rc = sample_take(&now);

	if (!rc) {
		w->begun = false;
		w->now = (struct canary_window){0};
		compare(w, &now, 0);
		rc = sample_cpu(&w->idle, &w->all);
	}
	w->pressure_us = pressure_now(w);
	w->start = w->seen = clock_monotonic();
	return rc;
}

int canary_watch_look(struct canary_watch *w, struct canary_window *out,
		      double *rest_s)
{
	double before = clock_monotonic(), now;
	struct sample s;
	int rc = sample_take(&s);

	if (rc)
		return rc;
	now = clock_monotonic();
	compare(w, &s, now - w->seen);
	w->seen = now;
	sum_up(w);
	*out = w->now;
	*rest_s = fmax(LOOK_S, (clock_monotonic() - before) / LOOK_SHARE);
	return 0;
}

/* ---- before and after ------------------------------------------------- */

static int find_cgroup(struct canary_watch *w)
{
	char *root;

	w->cgroup = cgroup_relative(w->scope.cgroup);
	if (!w->cgroup)
		return -ENOENT;
	root = cgroup_root();
	if (root)
		w->dir = mem_printf("%s%s", root, w->cgroup);
	free(root);
	return 0;
}

int canary_watch_open(const struct canary_scope *s, uint64_t key,
		      struct canary_watch **out)
{
	struct canary_watch *w = mem_zalloc(1, sizeof(*w));
	int rc = 0;

	w->scope = *s;
	w->key = key;
	if (s->kind == CANARY_TREE && !task_start(s->pid))
		rc = err_set(ESRCH, "there is no process %d", s->pid);
	else if (s->kind == CANARY_CGROUP)
		rc = find_cgroup(w);
	if (rc) {
		canary_watch_close(w);
		w = NULL;
	}
	*out = w;
	return rc;
}

void canary_watch_close(struct canary_watch *w)
{
	if (!w)
		return;
	sample_release(&w->last);
	free(w->tracks);
	free(w->cgroup);
	free(w->dir);
	free(w);
}
