/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Letting small ones go before wide ones without delaying those: EASY backfill
 * (Lifka 1995), for each worker.  What does not fit is promised the worker on
 * which it will fit first, from the time at which what runs there is predicted
 * to have made room.  Until then others may run there if they are predicted to
 * end before, or take only what is left over then.
 *
 * Predictions are wrong.  A promise that is not kept in time lets nobody pass
 * any more but what it leaves over, so that what was promised comes to pass
 * once those that run have ended, whenever that is.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "rt/rt_parts.h"

struct release {
	double at;
	const struct vec *held;
};

static int by_time(const void *a, const void *b)
{
	const struct release *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* When what runs on h will have made room for j, and what is then free.
 * INFINITY: never. */
static double fits_at(const struct rt *r, const struct host *h,
		      const struct job *j, struct vec *idle)
{
	struct release *v = mem_zalloc(h->w->running + 1, sizeof(*v));
	double at = r->now;
	struct hold *x;
	size_t n = 0;

	list_each(x, &h->holds, of_host)
	{
		v[n++] = (struct release){hold_ends(r, x), &x->lease->held};
	}
	qsort(v, n, sizeof(*v), by_time);
	*idle = h->w->spec.capacity;
	vec_sub(idle, &h->w->used);
	for (size_t i = 0; i < n; i++) {
		if (!r->workers.exclusive && vec_fits(&j->t.q.need, idle))
			break;
		vec_add(idle, v[i].held);
		at = v[i].at;
	}
	free(v);
	return vec_fits(&j->t.q.need, idle) ? at : INFINITY;
}

static bool taken(const struct round *d, const struct host *h)
{
	for (size_t i = 0; i < d->reserved; i++)
		if (d->r[i].host == h)
			return true;
	return false;
}

/* All hosts that what fits now might go to. */
static bool all_taken(const struct rt *r, const struct round *d)
{
	for (size_t i = 0; i < r->host_count; i++)
		if (r->hosts[i]->w->spec.kinds & d->kinds &&
		    !taken(d, r->hosts[i]))
			return false;
	return true;
}

static void promise(struct rt *r, struct round *d, struct job *j)
{
	struct reservation best = {.head = j, .start = INFINITY};
	struct host *old = host_by(r, j->reserved);

	/* A promise holds on to its worker, or two could take turns in being
	 * filled up by others. */
	for (size_t i = 0; i < r->host_count; i++) {
		struct host *h = r->hosts[i];
		struct vec idle;
		double at;

		if (taken(d, h) || !host_can(r, h, j))
			continue;
		at = fits_at(r, h, j, &idle);
		if (at < INFINITY && (h == old || at < best.start)) {
			best.host = h;
			best.start = at;
			best.over = idle;
		}
		if (h == old && best.host == h)
			break;
	}
	if (!best.host)
		return;
	vec_sub(&best.over, &j->t.q.need);
	j->reserved = best.host->serial;
	/* A start later than was promised is none that was promised. */
	j->promised = fmin(j->promised, best.start);
	best.start = j->promised;
	d->r[d->reserved++] = best;
}

static void promise_all(struct rt *r, struct round *d)
{
	struct job *left[SHAPES_MAX], *j;
	size_t n = d->fulls;

	d->reserved = 0;
	d->promised = true;
	for (size_t i = 0; i < n; i++)
		left[i] = d->full[i];
	for (size_t i = 0; i < RESERVATIONS && !all_taken(r, d); i++) {
		j = round_next(r, left, &n);
		if (!j)
			break;
		promise(r, d, j);
	}
}

bool eng_may_backfill(struct rt *r, struct round *d, const struct job *j,
		      const struct host *h)
{
	if (!d->fulls || r->o.no_backfill)
		return true;
	if (!d->promised)
		promise_all(r, d);
	for (size_t i = 0; i < d->reserved; i++) {
		const struct reservation *p = &d->r[i];

		if (p->host != h ||
		    !r->policy->ops->before(r->policy, &p->head->t, &j->t,
					    r->now))
			continue;
		if (r->workers.exclusive)
			return r->now + j->t.p90_s <= p->start;
		return vec_fits(&j->t.q.need, &p->over) ||
		       r->now + j->t.p90_s <= p->start;
	}
	return true;
}
