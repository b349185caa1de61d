/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting, being ready, timers, and what the outside is to be told. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rt/rt_parts.h"

/* Nobody has come for what was left behind by then: it is dropped. */
#define ORPHAN_S 300.0

void eng_changed(struct rt *r)
{
	r->epoch++;
	r->look = true;
}

/* ---- lists ------------------------------------------------------------- */

static struct jobs *list_of(struct rt *r, enum job_list list)
{
	switch (list) {
	case ENDING:
		return &r->ending;
	case SLOW:
		return &r->slow;
	case KEPT:
		return &r->kept;
	default:
		return NULL;
	}
}

void job_to(struct rt *r, struct job *j, enum job_list list)
{
	struct jobs *from = list_of(r, j->in), *to = list_of(r, list);

	if (j->in == list)
		return;
	if (from)
		TAILQ_REMOVE(from, j, of_list);
	if (to)
		TAILQ_INSERT_TAIL(to, j, of_list);
	j->in = list;
}

/* ---- timers ------------------------------------------------------------ */

void job_arm(struct rt *r, struct job *j)
{
	double at = INFINITY;

	if (j->t.state == RT_WAITING && !j->left)
		at = j->t.not_before;
	if (j->t.state == RT_WAITING && j->orphan && j->t.q.place == RT_SELF)
		at = j->orphaned + ORPHAN_S;
	if (j->t.state == RT_READY && j->home)
		at = j->bound_look;
	if (job_runs(j))
		at = fmin(eng_quantum_at(r, j), eng_hedge_at(r, j));
	/* At the very moment it may start yet. */
	if (job_expires(j))
		at = fmin(at, nextafter(j->t.q.deadline, INFINITY));
	if (at == j->timer)
		return;
	j->timer = at;
	if (!j->timer_at && at < INFINITY)
		rt_heap_add(&r->timers, j);
	else if (j->timer_at && at < INFINITY)
		rt_heap_moved(&r->timers, j);
	else if (j->timer_at)
		rt_heap_remove(&r->timers, j);
}

/* Of the timers whose time has come. */
static void fire(struct rt *r, struct job *j)
{
	if (job_expires(j) && j->t.q.deadline < r->now) {
		job_fail(r, j, RT_FAILED, ETIME,
			 "its deadline passed %.3g s ago while it waited",
			 r->now - j->t.q.deadline);
		return;
	}
	switch (j->t.state) {
	case RT_WAITING:
		if (j->orphan && j->t.q.place == RT_SELF)
			job_abandon(r, j);
		else
			job_ready(r, j);
		return;
	case RT_READY:
		j->bound_look = INFINITY;
		eng_changed(r);
		return;
	case RT_RUNNING:
		if (eng_hedge_at(r, j) <= r->now) {
			job_to(r, j, SLOW);
			r->look = true;
		}
		eng_had(r, j, &j->hold[0].usage);
		return;
	default:
		return;
	}
}

void timers_fire(struct rt *r)
{
	struct job *j;

	while ((j = rt_heap_first(&r->timers)) && j->timer <= r->now) {
		rt_heap_remove(&r->timers, j);
		j->timer = INFINITY;
		fire(r, j);
		if (!job_ended(j))
			job_arm(r, j);
	}
}

/* ---- waiting and ready ------------------------------------------------- */

void job_predict(struct rt *r, struct job *j)
{
	struct rt_prediction p;
	double had = j->attempt_s;

	rt_predict(r->predictor, &j->t.q, &p);
	j->total_s = p.p50_s;
	/* Of what takes longer than predicted, some is always left. */
	j->t.p50_s = fmax(p.p50_s - had, p.p50_s / 10);
	j->t.p90_s = fmax(p.p90_s - had, p.p90_s / 10);
	j->p95_s = fmax(p.p95_s - had, p.p95_s / 10);
}

static void enqueue(struct rt *r, struct job *j)
{
	struct shape *s = shape_for(r, j);

	j->t.shape = &s->s;
	s->s.ready++;
	r->policy->ops->add(r->policy, &j->t, r->now);
	if (s->blocked != r->epoch)
		r->look = true;
}

static void dequeue(struct rt *r, struct job *j)
{
	r->policy->ops->remove(r->policy, &j->t);
	j->t.shape->ready--;
	j->t.shape = NULL;
}

void job_ready(struct rt *r, struct job *j)
{
	if (j->t.seq == 0)
		j->t.seq = ++r->next_seq;
	j->t.state = RT_READY;
	/* Behind all that came in the meantime, to the very same moment. */
	j->t.ready_since = j->t.resumed ? nextafter(r->now, INFINITY) : r->now;
	j->bound_at = j->bound_look = INFINITY;
	j->uneven = 0;
	j->promised = INFINITY;
	enqueue(r, j);
	r->arrived = true;
	job_arm(r, j);
}

void job_unready(struct rt *r, struct job *j)
{
	dequeue(r, j);
	j->t.waited += fmax(r->now - j->t.ready_since, 0);
	/* What was held back for it may go to others. */
	if (j->reserved || j->turn)
		eng_changed(r);
	turn_drop(r, j);
	j->reserved = 0;
	j->promised = INFINITY;
}

void job_wait(struct rt *r, struct job *j, double at)
{
	j->t.not_before = at;
	j->t.state = RT_WAITING;
	if (j->left || at > r->now || (j->orphan && j->t.q.place == RT_SELF)) {
		job_arm(r, j);
		return;
	}
	job_ready(r, j);
}

/* ---- telling ----------------------------------------------------------- */

void eng_emit(struct rt *r, enum rt_event_kind kind, struct job *j,
	      const struct rt_outcome *o)
{
	struct rt_event e = {kind, &j->t, o};

	if (r->o.ops->event)
		r->o.ops->event(r->o.arg, &e);
}

void note_add(struct rt *r, enum note_kind kind, struct job *j,
	      const struct rt_lease *l)
{
	struct note *n;

	if (r->note_count == r->note_cap) {
		size_t cap = r->note_cap ? r->note_cap * 2 : 64;
		struct note *v = mem_zalloc(cap, sizeof(*v));

		for (size_t i = 0; i < r->note_count; i++)
			v[i] = r->notes[(r->note_first + i) &
					(r->note_cap - 1)];
		free(r->notes);
		r->notes = v;
		r->note_cap = cap;
		r->note_first = 0;
	}
	n = &r->notes[(r->note_first + r->note_count++) & (r->note_cap - 1)];
	*n = (struct note){.kind = kind, .id = j->t.id};
	if (l) {
		n->lease = *l;
		n->hedge = l == &j->t.hedge;
	}
}

/* The lease that a note is about, if it is still held. */
static struct hold *still(const struct rt *r, const struct note *n)
{
	struct hold *h = table_hold(r, n->lease.id);

	return h && h->job->t.id == n->id ? h : NULL;
}

static void tell(struct rt *r, const struct note *n)
{
	const struct rt_ops *ops = r->o.ops;
	struct job *j = table_job(r, n->id);
	struct hold *h;

	if (!j)
		return;
	switch (n->kind) {
	case NOTE_START:
		h = still(r, n);
		if (!h)
			return;
		h->told = true;
		ops->start(r->o.arg, &j->t, h->lease);
		return;
	case NOTE_SUSPEND:
		h = still(r, n);
		if (h && j->t.state == RT_STOPPING)
			ops->suspend(r->o.arg, &j->t, h->lease);
		return;
	case NOTE_CANCEL:
		ops->cancel(r->o.arg, &j->t, &n->lease);
		return;
	case NOTE_ENDED:
		if (!j->announced || j->t.delivered)
			return;
		if (j->orphan) {
			job_untold(r, j);
			return;
		}
		ops->ended(r->o.arg, &j->t, &j->outcome);
		return;
	}
}

bool notes_flush(struct rt *r)
{
	bool any = r->note_count > 0;

	/* Who is told may call back, which adds notes. */
	for (size_t n = r->note_count; n; n--) {
		struct note note = r->notes[r->note_first];

		r->note_first = (r->note_first + 1) & (r->note_cap - 1);
		r->note_count--;
		tell(r, &note);
	}
	return any;
}
