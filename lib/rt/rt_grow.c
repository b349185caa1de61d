/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims that grow, and the last line against deadlock.
 *
 * A lease that may grow starts, and grows, only where all on its worker could
 * still grow to their most one after another: those never wait in a circle.
 * Leases that are taken one after another can, and who says of a request that
 * it is `within` one under way has it looked for: the youngest in a circle is
 * told -EDEADLK.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/claim.h"
#include "rt/rt_parts.h"

/* ---- the banker -------------------------------------------------------- */

/* Of all leases on h, *who being that of `of`; room for one more. */
static struct rt_claim *claims_on(const struct host *h, const struct hold *of,
				  size_t *n, size_t *who)
{
	struct rt_claim *c = mem_zalloc(h->w->running + 1, sizeof(*c));
	struct hold *x;

	*n = 0;
	list_each(x, &h->holds, of_host)
	{
		if (of && x == of)
			*who = *n;
		c[(*n)++] = (struct rt_claim){x->lease->held, x->job->t.q.most};
	}
	return c;
}

static struct vec idle_on(const struct host *h)
{
	struct vec idle = h->w->spec.capacity;

	vec_sub(&idle, &h->w->used);
	return idle;
}

bool eng_grow_safe(struct rt *r, struct host *h, const struct job *j)
{
	struct vec idle = idle_on(h);
	struct rt_claim *c;
	size_t n, who = 0;
	int rc;

	(void)r;
	if (!h->growing && vec_equal(&j->t.q.most, &j->t.q.need))
		return true;
	c = claims_on(h, NULL, &n, &who);
	c[n] = (struct rt_claim){{{0}}, j->t.q.most};
	rc = rt_claims_safe(c, n + 1, &idle, n, &j->t.q.need);
	free(c);
	return !rc;
}

static int try_grow(struct rt *r, struct hold *h, const struct vec *by)
{
	struct vec idle = idle_on(h->host);
	size_t n, who = 0;
	struct rt_claim *c = claims_on(h->host, h, &n, &who);
	int rc = rt_claims_safe(c, n, &idle, who, by);

	free(c);
	if (!rc)
		rt_worker_grow(h->host->w, h->lease, by, r->now);
	return rc;
}

static void wait_to_grow(struct hold *h, const struct vec *by)
{
	h->host->waiting += vec_zero(&h->more);
	h->more = *by;
	h->host->waiting -= vec_zero(&h->more);
}

int rt_grow(struct rt *r, uint64_t lease, const struct vec *more, double now)
{
	static const struct vec nothing;
	struct hold *h = table_hold(r, lease);
	int rc;

	r->now = now > r->now ? now : r->now;
	if (!h)
		return lease_stale(lease);
	for (int i = 0; i < RES_COUNT; i++)
		if (more->v[i] < 0 || more->v[i] > RES_MAX)
			return err_set(EINVAL, "'%s' is out of its range",
				       res_name((enum res)i));
	if (!vec_zero(&h->more))
		return err_set(EINVAL, "lease %llu waits to grow already",
			       (unsigned long long)lease);
	if (vec_zero(more))
		return 0;
	rc = try_grow(r, h, more);
	if (rc != -EAGAIN)
		return rc;
	wait_to_grow(h, more);
	if (eng_detect(r, h)) {
		wait_to_grow(h, &nothing);
		return err_set(EDEADLK, "it would wait for one that waits "
					"for it, and is the youngest of them");
	}
	return rc;
}

void eng_grow(struct rt *r)
{
	static const struct vec nothing;

	for (size_t i = 0; i < r->host_count; i++) {
		struct host *h = r->hosts[i];
		struct hold *x;

		if (!h->waiting)
			continue;
		list_each(x, &h->holds, of_host)
		{
			struct vec by = x->more;

			if (vec_zero(&by) || try_grow(r, x, &by))
				continue;
			wait_to_grow(x, &nothing);
			note_add(r, NOTE_START, x->job, x->lease);
		}
	}
}

/* ---- the detector ------------------------------------------------------ */

/* The one that is under way around a nested request that is ready. */
static struct job *outer_of(const struct rt *r, const struct job *j)
{
	struct job *o = j->t.state == RT_READY
				? table_key(r, j->t.q.run, j->t.q.within)
				: NULL;

	return o && job_runs(o) ? o : NULL;
}

/* Who waits knows that it does. */
static void mark(struct rt *r, bool on)
{
	struct job *j, *o;
	struct hold *x;

	queue_each(j, &r->nested, of_nested)
	{
		o = outer_of(r, j);
		if (o)
			o->stuck = on;
	}
	for (size_t i = 0; i < r->host_count; i++)
		list_each(x, &r->hosts[i]->holds, of_host)
		{
			if (!vec_zero(&x->more))
				x->job->stuck = on;
		}
}

/* Whether j waits for all on h and none of those ends by itself: then it is
 * written down. */
static bool waits_for(struct rt_waits *w, const struct host *h,
		      const struct job *j)
{
	struct hold *x;

	list_each(x, &h->holds, of_host)
	{
		if (x->job != j && !x->job->stuck)
			return false;
	}
	list_each(x, &h->holds, of_host)
	{
		if (x->job != j)
			rt_waits_add(w, j->t.id, x->job->t.id);
	}
	return true;
}

static void nested_waits(struct rt *r, struct rt_waits *w, const struct job *j)
{
	const struct job *o = outer_of(r, j);

	if (!o)
		return;
	rt_waits_add(w, o->t.id, j->t.id);
	for (size_t i = 0; i < r->host_count; i++) {
		struct host *h = r->hosts[i];
		struct vec idle = idle_on(h);

		if (!host_can(r, h, j))
			continue;
		if (vec_fits(&j->t.q.need, &idle) || !waits_for(w, h, j)) {
			rt_waits_remove(w, j->t.id);
			return;
		}
	}
}

/* The youngest that waits in a circle; NULL: there is none. */
static struct job *find_circle(struct rt *r)
{
	struct rt_waits *w = rt_waits_new();
	struct job *youngest = NULL, *j;
	uint64_t ids[256];
	struct hold *x;
	size_t n;

	mark(r, true);
	queue_each(j, &r->nested, of_nested)
	{
		nested_waits(r, w, j);
	}
	for (size_t i = 0; i < r->host_count; i++)
		list_each(x, &r->hosts[i]->holds, of_host)
		{
			if (!vec_zero(&x->more))
				waits_for(w, r->hosts[i], x->job);
		}
	n = rt_waits_circle(w, ids, ARRAY_LEN(ids));
	for (size_t i = 0; i < n && i < ARRAY_LEN(ids); i++) {
		j = table_job(r, ids[i]);
		if ((j->t.state == RT_READY || !vec_zero(&j->hold[0].more)) &&
		    (!youngest || j->t.id > youngest->t.id))
			youngest = j;
	}
	mark(r, false);
	rt_waits_free(w);
	return youngest;
}

bool eng_detect(struct rt *r, const struct hold *asks)
{
	struct job *j;

	if (TAILQ_EMPTY(&r->nested) && !asks)
		return false;
	while ((j = find_circle(r))) {
		r->deadlocks++;
		if (asks && asks->job == j)
			return true;
		job_fail(r, j, RT_FAILED, EDEADLK,
			 "it waits for one that waits for it, and is the "
			 "youngest of them");
	}
	return false;
}
