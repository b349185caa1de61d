/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What starts next, and where.
 *
 * The queue is looked at by shape: the first of each is all that counts, and a
 * shape of which it cannot start is not looked at again before something
 * changed.  So a look costs as much as there are shapes, of which there is a
 * most, however many requests there are.
 */
#include <math.h>
#include <string.h>

#include "rt/rt_parts.h"

/* ---- workers ----------------------------------------------------------- */

static bool is_in(const struct host *h, struct host *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == h)
			return true;
	return false;
}

struct rt_worker *eng_choose(struct rt *r, const struct job *j,
			     struct host *const *hidden, size_t n,
			     struct host *only, enum rt_refusal *why,
			     double *when)
{
	struct rt_workers some = r->workers;
	struct rt_worker *w;
	struct host *avoid = host_by(r, j->avoid);

	if (n || only) {
		some.v = r->some;
		some.count = 0;
		for (size_t i = 0; i < r->workers.count; i++) {
			struct host *h = host_of(r, r->workers.v[i]);

			if ((!only || h == only) && !is_in(h, hidden, n))
				some.v[some.count++] = h->w;
		}
	}
	w = rt_workers_choose(&some, &j->t, r->o.fit, avoid ? avoid->w : NULL,
			      r->now, why, when);
	/* Better where it failed than not at all. */
	if (!w && avoid)
		w = rt_workers_choose(&some, &j->t, r->o.fit, NULL, r->now, why,
				      when);
	return w;
}

bool host_can(const struct rt *r, struct host *h, const struct job *j)
{
	struct rt_workers one = r->workers;

	one.v = &h->w;
	one.count = 1;
	return h->w->health == RT_UP && !h->w->draining &&
	       !rt_workers_feasible(&one, &j->t.q);
}

/* Cheap, and true too often: kinds and room, not what it can. */
static bool has_room(const struct rt *r, int kind, const struct vec *need)
{
	for (size_t i = 0; i < r->workers.count; i++) {
		const struct rt_worker *w = r->workers.v[i];
		bool fits = w->spec.kinds & 1u << kind;

		for (size_t k = 0; fits && k < RES_COUNT; k++)
			fits = need->v[k] <=
			       w->spec.capacity.v[k] - w->used.v[k];
		if (fits && !(r->workers.exclusive && w->running))
			return true;
	}
	return false;
}

/* Whether there is room for any; shapes that there is none for are blocked. */
static bool any_room(struct rt *r)
{
	bool any = false;

	for (size_t i = 0; i < r->shape_count; i++) {
		struct shape *s = r->shapes[i];

		if (!s->s.ready || s->blocked == r->epoch)
			continue;
		if (s->key.coarse || has_room(r, s->key.kind, &s->key.need)) {
			any = true;
			continue;
		}
		s->blocked = r->epoch;
		s->limited = 0;
	}
	return any;
}

/* ---- rounds ------------------------------------------------------------ */

void round_init(struct rt *r, struct round *d)
{
	d->fits = d->fulls = d->reserved = 0;
	d->promised = false;
	d->kinds = 0;
	for (size_t i = 0; i < r->shape_count; i++) {
		struct shape *s = r->shapes[i];
		struct rt_task *t;

		if (!s->s.ready ||
		    (s->blocked == r->epoch && s->limited > r->now))
			continue;
		t = r->policy->ops->first(r->policy, &s->s, r->now);
		if (s->blocked == r->epoch ||
		    !has_room(r, (int)t->q.kind, &t->q.need)) {
			d->full[d->fulls++] = job_of(t);
			continue;
		}
		d->fit[d->fits++] = job_of(t);
		d->kinds |= 1u << t->q.kind;
	}
}

struct job *round_next(struct rt *r, struct job **v, size_t *n)
{
	size_t best = 0;
	struct job *j;

	if (!*n)
		return NULL;
	for (size_t i = 1; i < *n; i++)
		if (r->policy->ops->before(r->policy, &v[i]->t, &v[best]->t,
					   r->now))
			best = i;
	j = v[best];
	v[best] = v[--*n];
	return j;
}

/* None of its shape can start before something changes; unless it is for want
 * of room, time alone may help. */
static void block(struct rt *r, struct job *j, enum rt_refusal why, double when)
{
	struct shape *s = (struct shape *)j->t.shape;

	s->blocked = r->epoch;
	s->limited = why == RT_FULL ? 0 : when;
	r->wake = fmin(r->wake, when);
}

/* ---- turns ------------------------------------------------------------- */

/*
 * What needs much of a rate limit would never find it, were all that comes in
 * the meantime let through: who is limited has the next turn at the worker
 * that will let it through first, and what the policy puts behind it waits
 * there as well.  That costs nothing: the bucket fills up all the same.
 */
static void take_turn(struct rt *r, struct job *j, double when)
{
	const struct rt_request *q = &j->t.q;

	for (size_t i = 0; i < r->host_count; i++) {
		struct host *h = r->hosts[i];
		struct vec idle = h->w->spec.capacity;

		vec_sub(&idle, &h->w->used);
		if (!vec_fits(&q->need, &idle) || !host_can(r, h, j) ||
		    rt_limit_when(&h->w->limit, q->tokens_in, q->tokens_out,
				  r->now) > when)
			continue;
		if (h->next && r->policy->ops->before(r->policy, &h->next->t,
						      &j->t, r->now))
			return;
		if (h->next)
			turn_drop(r, h->next);
		h->next = j;
		h->next_at = when;
		j->turn = h->serial;
		return;
	}
}

void turn_drop(struct rt *r, struct job *j)
{
	struct host *h = j->turn ? host_by(r, j->turn) : NULL;

	if (h && h->next == j)
		h->next = NULL;
	j->turn = 0;
}

/* Whether nobody is before j at the limits of h. */
static bool has_turn(struct rt *r, const struct job *j, const struct host *h)
{
	return !h->next || h->next == j || h->next_at < r->now ||
	       !r->policy->ops->before(r->policy, &h->next->t, &j->t, r->now);
}

/* On the best worker that leaves alone what was promised to others. */
static struct rt_worker *find_place(struct rt *r, struct round *d,
				    struct job *j, enum rt_refusal *why,
				    double *when)
{
	struct host *hidden[RESERVATIONS];
	struct rt_worker *w;
	size_t n = 0;

	for (;;) {
		struct host *h;

		w = eng_choose(r, j, hidden, n, NULL, why, when);
		h = w ? host_of(r, w) : NULL;
		if (!w || (has_turn(r, j, h) && eng_may_backfill(r, d, j, h) &&
			   eng_grow_safe(r, h, j)))
			return w;
		if (n == RESERVATIONS)
			break;
		hidden[n++] = h;
	}
	*why = RT_FULL;
	*when = INFINITY;
	return NULL;
}

/* Whether it started. */
static bool start(struct rt *r, struct round *d, struct job *j)
{
	enum rt_refusal why = RT_FULL;
	double when = INFINITY;
	struct host *home = host_by(r, j->home);
	struct rt_worker *w = NULL;

	turn_drop(r, j);
	if (home && host_can(r, home, j)) {
		w = eng_choose(r, j, NULL, 0, home, &why, &when);
		if (w && !eng_may_backfill(r, d, j, home))
			w = NULL;
		if (!w && eng_bound(r, j)) {
			block(r, j, RT_FULL, INFINITY);
			return false;
		}
	}
	if (!w)
		w = find_place(r, d, j, &why, &when);
	if (w) {
		if (home && w != home->w)
			r->migrations++;
		job_unready(r, j);
		hold_take(r, j, &j->t.lease, w);
		return true;
	}
	block(r, j, why, when);
	if (why == RT_LIMITED)
		take_turn(r, j, when);
	if (why == RT_FULL) {
		d->full[d->fulls++] = j;
		d->promised = false;
	}
	return false;
}

/* Starts one; false: nothing more can. */
static bool start_one(struct rt *r, struct round *d)
{
	struct job *j;

	d->fulls = 0;
	if (!any_room(r))
		return false;
	round_init(r, d);
	while ((j = round_next(r, d->fit, &d->fits)))
		if (start(r, d, j))
			return true;
	return false;
}

/* Without backfill: the first in order, or nothing. */
static bool start_in_order(struct rt *r, struct round *d)
{
	struct job *first, *j;

	round_init(r, d);
	first = round_next(r, d->fit, &d->fits);
	j = round_next(r, d->full, &d->fulls);
	if (!first ||
	    (j && r->policy->ops->before(r->policy, &j->t, &first->t, r->now)))
		return false;
	d->fulls = 0;
	return start(r, d, first);
}

static void block_rest(struct rt *r, struct round *d)
{
	for (size_t i = 0; i < d->fulls; i++)
		block(r, d->full[i], RT_FULL, INFINITY);
}

void eng_dispatch(struct rt *r)
{
	struct round d;

	if (!r->look)
		return;
	r->look = false;
	if (r->o.no_backfill) {
		while (start_in_order(r, &d))
			;
	} else {
		while (start_one(r, &d))
			;
		block_rest(r, &d);
	}
}
