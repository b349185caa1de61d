/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who waits for whom: what becomes of those that wait, and what those that are
 * waited for inherit from them: the priority, and the length of the path that
 * begins with them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "rt/rt_parts.h"

/* Of raising one after the other. */
#define STEPS 1000

/* ---- inheritance ------------------------------------------------------- */

static void set_rank(struct rt *r, struct job *j, long priority,
		     double critical)
{
	j->t.priority = priority;
	j->t.critical_s = critical;
	if (j->t.state == RT_READY)
		r->policy->ops->changed(r->policy, &j->t, r->now);
}

/* The path that begins with on.  What one under way asks for is part of its
 * own. */
static double path_along(const struct edge *e)
{
	return e->on->t.p50_s + (e->around ? 0 : e->to->t.critical_s);
}

/* Whether e->on was less than what it has from e->to. */
static bool raise_one(struct rt *r, const struct edge *e)
{
	struct job *on = e->on, *to = e->to;
	double critical = path_along(e);

	if (on->t.priority >= to->t.priority && on->t.critical_s >= critical)
		return false;
	set_rank(r, on,
		 on->t.priority > to->t.priority ? on->t.priority
						 : to->t.priority,
		 fmax(on->t.critical_s, critical));
	return true;
}

/* All that is waited for, each after those that wait for it once turned
 * round. */
struct sweep {
	struct frame {
		struct job *j;
		struct edge *next;
	} * stack;
	struct job **order;
	size_t depth, stack_cap, len, order_cap;
};

static void enter(const struct rt *r, struct sweep *s, struct job *j)
{
	if (j->swept == r->sweeps || job_ended(j))
		return;
	j->swept = r->sweeps;
	if (s->depth == s->stack_cap) {
		s->stack_cap = s->stack_cap ? s->stack_cap * 2 : 16;
		s->stack =
			mem_realloc(s->stack, s->stack_cap, sizeof(*s->stack));
	}
	s->stack[s->depth++] = (struct frame){j, LIST_FIRST(&j->deps)};
}

static void leave(struct sweep *s, struct job *j)
{
	s->depth--;
	if (s->len == s->order_cap) {
		s->order_cap = s->order_cap ? s->order_cap * 2 : 16;
		s->order =
			mem_realloc(s->order, s->order_cap, sizeof(*s->order));
	}
	s->order[s->len++] = j;
}

void deps_raise_all(struct rt *r, struct job *const *from, size_t n)
{
	struct sweep s = {0};
	struct edge *e;

	r->sweeps++;
	for (size_t i = 0; i < n; i++) {
		enter(r, &s, from[i]);
		while (s.depth) {
			struct frame *f = &s.stack[s.depth - 1];

			e = f->next;
			if (e) {
				f->next = LIST_NEXT(e, of_to);
				enter(r, &s, e->on);
			} else {
				leave(&s, f->j);
			}
		}
	}
	while (s.len)
		list_each(e, &s.order[--s.len]->deps, of_to)
		{
			if (!job_ended(e->on))
				raise_one(r, e);
		}
	free(s.stack);
	free(s.order);
}

/*
 * Only along what is raised: mostly that is little.  Where paths of different
 * lengths meet again and again, though, what is behind them would be raised
 * once for each, so that it is given up for a look at all, each once.
 */
void deps_raise(struct rt *r, struct job *j)
{
	struct job **todo = NULL, *from = j;
	size_t len = 0, cap = 0, steps = 0;
	struct edge *e;

	while (steps++ < STEPS) {
		list_each(e, &j->deps, of_to)
		{
			if (job_ended(e->on) || !raise_one(r, e))
				continue;
			if (len == cap) {
				cap = cap ? cap * 2 : 16;
				todo = mem_realloc(todo, cap, sizeof(*todo));
			}
			todo[len++] = e->on;
		}
		if (!len)
			break;
		j = todo[--len];
	}
	free(todo);
	if (steps > STEPS)
		deps_raise_all(r, &from, 1);
}

static void mark_stale(struct rt *r, struct job *j)
{
	if (j->stale || job_ended(j))
		return;
	j->stale = true;
	TAILQ_INSERT_TAIL(&r->stale, j, of_stale);
}

/* From what still waits for it. */
static void refresh_one(struct rt *r, struct job *j)
{
	long priority = j->t.q.priority;
	double critical = j->t.p50_s;
	struct edge *e;

	list_each(e, &j->outs, of_on)
	{
		critical = fmax(critical, path_along(e));
		if (e->to->t.priority > priority)
			priority = e->to->t.priority;
	}
	if (priority == j->t.priority && critical == j->t.critical_s)
		return;
	set_rank(r, j, priority, critical);
	list_each(e, &j->deps, of_to)
	{
		mark_stale(r, e->on);
	}
}

void deps_refresh(struct rt *r)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&r->stale))) {
		TAILQ_REMOVE(&r->stale, j, of_stale);
		j->stale = false;
		refresh_one(r, j);
	}
}

/* ---- edges ------------------------------------------------------------- */

static struct edge *edge_new(struct job *to, struct job *on)
{
	struct edge *e = mem_zalloc(1, sizeof(*e));

	e->to = to;
	e->on = on;
	LIST_INSERT_HEAD(&to->deps, e, of_to);
	LIST_INSERT_HEAD(&on->outs, e, of_on);
	return e;
}

void deps_add(struct rt *r, struct job *to, struct job *on, enum rt_edge rule)
{
	struct edge *e = edge_new(to, on);

	(void)r;
	e->rule = rule;
	to->left++;
}

void deps_within(struct rt *r, struct job *j)
{
	struct job *o = table_key(r, j->t.q.run, j->t.q.within);
	struct edge *e;

	/* Edges lead to later ones, and from those that wait for nobody: they
	 * close no circle. */
	if (!o || job_ended(o) || o->t.id >= j->t.id || j->t.q.dep_count)
		return;
	e = edge_new(o, j);
	e->around = true;
	if (raise_one(r, e))
		deps_raise(r, j);
}

static void edge_free(struct edge *e)
{
	e->to->left -= !e->around;
	LIST_REMOVE(e, of_to);
	LIST_REMOVE(e, of_on);
	free(e);
}

void deps_drop(struct rt *r, struct job *j)
{
	struct edge *e;

	while ((e = LIST_FIRST(&j->deps))) {
		struct job *on = e->on;
		double critical = path_along(e);

		edge_free(e);
		/* Only what had it from j can have less now. */
		if (on->t.priority == j->t.priority ||
		    on->t.critical_s == critical)
			mark_stale(r, on);
	}
	if (j->stale)
		TAILQ_REMOVE(&r->stale, j, of_stale);
	j->stale = false;
}

/* e->on has ended; e is gone after this. */
static void resolve(struct rt *r, struct edge *e)
{
	struct job *to = e->to, *on = e->on;
	enum rt_edge rule = e->rule;
	enum rt_state how = on->t.state;
	bool around = e->around;

	edge_free(e);
	if (around || job_ended(to))
		return;
	if (how == RT_DONE || rule == RT_EDGE_RUN) {
		if (!to->left && to->t.state == RT_WAITING)
			job_wait(r, to, to->t.not_before);
	} else if (how == RT_SKIPPED || rule == RT_EDGE_SKIP) {
		job_fail(r, to, RT_SKIPPED, ECANCELED,
			 "skipped: '%s', which it waits for, was %s",
			 job_name(on), rt_state_name(how));
	} else {
		job_fail(r, to, RT_FAILED, ECANCELED,
			 "'%s', which it waits for, was %s", job_name(on),
			 rt_state_name(how));
	}
}

void deps_check(struct rt *r, struct job *j)
{
	struct edge *e, *next;

	for (e = LIST_FIRST(&j->deps); e; e = next) {
		next = LIST_NEXT(e, of_to);
		if (!job_ended(e->on))
			continue;
		resolve(r, e);
		if (job_ended(j))
			return;
	}
}

/*
 * Those that end with it are appended to the same list: a chain of a hundred
 * thousand is no deeper than one of two.
 */
void deps_settle(struct rt *r, struct job *j)
{
	struct edge *e;

	job_to(r, j, ENDING);
	if (r->settling)
		return;
	r->settling = true;
	while ((j = TAILQ_FIRST(&r->ending))) {
		while ((e = LIST_FIRST(&j->outs)))
			resolve(r, e);
		job_to(r, j, NO_LIST);
		job_announce(r, j);
	}
	r->settling = false;
}

/* ---- after a restart --------------------------------------------------- */

void deps_restored(struct rt *r)
{
	struct job *j, *on, **from = NULL;
	size_t n = 0, cap = 0;

	if (!r->restored)
		return;
	r->restored = false;
	queue_each(j, &r->all, all)
	{
		if (!j->unsettled)
			continue;
		for (size_t i = 0; i < j->t.q.dep_count; i++) {
			const struct rt_dep *d = &j->t.q.deps[i];

			/* What is forgotten was delivered, so it had ended;
			 * had it failed, so had this. */
			on = table_key(r, j->t.q.run, d->key);
			if (on && on != j)
				deps_add(r, j, on, d->on_failure);
		}
		if (*j->t.q.within)
			deps_within(r, j);
		if (n == cap) {
			cap = cap ? cap * 2 : 64;
			from = mem_realloc(from, cap, sizeof(struct job *));
		}
		from[n++] = j;
	}
	deps_raise_all(r, from, n);
	free(from);
	queue_each(j, &r->all, all)
	{
		if (!j->unsettled)
			continue;
		j->unsettled = false;
		/* Who carried it out itself may still be at it. */
		if (j->begun && j->t.q.place != RT_SELF) {
			job_begun(r, j);
			continue;
		}
		deps_check(r, j);
		if (j->t.state == RT_WAITING)
			job_wait(r, j, j->t.not_before);
	}
}
