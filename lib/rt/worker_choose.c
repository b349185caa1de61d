/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "doc/number.h"
#include "rt/worker_parts.h"

/*
 * A score is a share of a worker: lower is better.
 *
 * A prompt whose beginning an endpoint has seen lately costs about a tenth of
 * its input there; that is worth waiting behind a quarter of the endpoint's
 * capacity, and no more.
 */
#define PREFIX_BONUS  0.25
#define PREFIX_KEEP_S 300.0 /* as long as vendors keep it */
/* One recent failure counts like a fifth of the capacity, many like two. */
#define FAILURE_COST 0.4

/* ---- who can ----------------------------------------------------------- */

static bool has(char **list, const char *s)
{
	for (; list && *list; list++)
		if (!strcmp(*list, s))
			return true;
	return false;
}

/* The first that it lacks; NULL: none. */
static const char *lacks(const struct rt_worker *w, const struct rt_request *q)
{
	for (char **want = q->wants; want && *want; want++)
		if (!has(w->spec.can, *want))
			return *want;
	return NULL;
}

/* Whether its kind of work is done there.  What somebody serves is not lent to
 * who would do it itself. */
static bool takes(const struct rt_worker *w, const struct rt_request *q)
{
	return w->spec.kinds & 1u << q->kind &&
	       !(w->holder && q->place == RT_SELF) &&
	       (!*q->worker || !strcmp(q->worker, w->spec.name));
}

static bool can(const struct rt_worker *w, const struct rt_request *q)
{
	return takes(w, q) && (!q->wants || !lacks(w, q));
}

/* ---- scores ------------------------------------------------------------ */

static double bonus(const struct rt_worker *w, uint64_t prefix, double now)
{
	size_t at = prefix ? prefix_at(w, prefix) : RT_PREFIXES;

	return at < RT_PREFIXES && now - w->prefixes_at[at] <= PREFIX_KEEP_S
		       ? PREFIX_BONUS
		       : 0;
}

static double penalty(const struct rt_worker *w, double now)
{
	double f = w->failures > 0 ? worker_failures(w, now) : 0;

	return FAILURE_COST * f / (f + 1);
}

/* What is left of it, each component as a part of the most there is. */
static double residual(const struct rt_workers *all, const struct rt_worker *w,
		       const struct vec *need)
{
	double sum = 0;

	for (size_t r = 0; r < RES_COUNT; r++)
		if (all->most.v[r] > 0)
			sum += (double)(w->spec.capacity.v[r] - w->used.v[r] -
					need->v[r]) /
			       (double)all->most.v[r];
	return sum;
}

static double score(const struct rt_workers *all, const struct rt_worker *w,
		    const struct rt_request *q, uint64_t prefix,
		    enum rt_fit fit, double now)
{
	switch (fit) {
	case RT_FIT_FIRST:
		return 0;
	case RT_FIT_BEST:
		return residual(all, w, &q->need);
	default:
		return worker_share(w, &q->need) - bonus(w, prefix, now) +
		       penalty(w, now);
	}
}

/* ---- choice ------------------------------------------------------------ */

static bool fits(const struct rt_workers *all, const struct rt_worker *w,
		 const struct vec *need)
{
	if (all->exclusive && w->running)
		return false;
	for (size_t r = 0; r < RES_COUNT; r++)
		if (need->v[r] > w->spec.capacity.v[r] - w->used.v[r])
			return false;
	return true;
}

/* Whether it may start there now; else why not, and when it may. */
static bool may(const struct rt_workers *all, const struct rt_worker *w,
		const struct rt_request *q, double now, enum rt_refusal *why,
		double *when)
{
	double limit, breaker;

	*when = INFINITY;
	*why = RT_GONE;
	if (w->health != RT_UP || w->draining)
		return false;
	*why = RT_FULL;
	if (!fits(all, w, &q->need))
		return false;
	limit = rt_limit_when(&w->limit, q->tokens_in, q->tokens_out, now);
	breaker = rt_breaker_when(&w->breaker, now);
	*when = limit > breaker ? limit : breaker;
	*why = breaker > limit ? RT_BROKEN : RT_LIMITED;
	return *when <= now;
}

struct rt_worker *rt_workers_choose(struct rt_workers *w,
				    const struct rt_task *t, enum rt_fit fit,
				    const struct rt_worker *but, double now,
				    enum rt_refusal *why, double *when)
{
	uint64_t prefix = *t->q.prefix ? hash_text(t->q.prefix) : 0;
	struct rt_worker *best = NULL;
	double least = INFINITY;

	*why = RT_GONE;
	*when = INFINITY;
	for (size_t i = 0; i < w->count; i++) {
		struct rt_worker *x = w->v[i];
		enum rt_refusal y;
		double at, s;

		/* They stand in the order of fallback. */
		if (best && x->spec.order > best->spec.order)
			break;
		if (x == but || !can(x, &t->q))
			continue;
		if (!may(w, x, &t->q, now, &y, &at)) {
			/* The one that may be had soonest; of equal ones
			 * that which needs the least to happen. */
			if (at < *when || (at == *when && y < *why)) {
				*when = at;
				*why = y;
			}
			continue;
		}
		s = score(w, x, &t->q, prefix, fit, now);
		if (!best || s < least) {
			best = x;
			least = s;
		}
		if (fit == RT_FIT_FIRST)
			break;
	}
	return best;
}

/* ---- whether it ever can ----------------------------------------------- */

/* Those that are not on their way out, and do what q is. */
static bool does(const struct rt_worker *w, const struct rt_request *q)
{
	return !w->draining && takes(w, q);
}

/* No worker can: why. */
static int nobody(const struct rt_workers *w, const struct rt_request *q)
{
	const char *missing = NULL;
	bool any = false;

	for (size_t i = 0; i < w->count; i++)
		any = any || does(w->v[i], q);
	if (!any && *q->worker)
		return err_set(ENODEV,
			       "no worker '%s' takes requests of kind '%s'",
			       q->worker, rt_kind_name(q->kind));
	if (!any)
		return err_set(ENODEV, "no worker takes requests of kind '%s'",
			       rt_kind_name(q->kind));
	for (char **want = q->wants; !missing && *want; want++) {
		bool had = false;

		for (size_t i = 0; i < w->count; i++)
			had = had || (does(w->v[i], q) &&
				      has(w->v[i]->spec.can, *want));
		if (!had)
			missing = *want;
	}
	if (missing)
		return err_set(ENODEV,
			       "no worker that takes requests of kind '%s' "
			       "has the capability '%s'",
			       rt_kind_name(q->kind), missing);
	return err_set(ENODEV,
		       "no single worker has all of the capabilities that "
		       "are wanted, from '%s' on",
		       q->wants[0]);
}

static void amount(enum res r, int64_t x, char out[static NUMBER_TEXT_LEN])
{
	bool thousandths = r == RES_CORES || r == RES_GPU;

	number_text((double)x / (thousandths ? 1000 : 1), out);
}

/* Component r of need is more than any of those that can has. */
static int too_much(const struct rt_workers *w, const struct rt_request *q,
		    const struct vec *need, enum res r,
		    const struct rt_worker *best)
{
	char wanted[NUMBER_TEXT_LEN], there[NUMBER_TEXT_LEN];
	bool any = true;

	for (size_t i = 0; i < w->count; i++) {
		const struct rt_worker *x = w->v[i];

		if (!can(x, q) || x->draining)
			continue;
		any = any && x->spec.capacity.v[r] < need->v[r];
		if (x->spec.capacity.v[r] > best->spec.capacity.v[r])
			best = x;
	}
	amount(r, need->v[r], wanted);
	amount(r, best->spec.capacity.v[r], there);
	if (any)
		return err_set(ERANGE,
			       "%s: %s wanted, the most any worker has is %s "
			       "('%s')",
			       res_name(r), wanted, there, best->spec.name);
	return err_set(ERANGE,
		       "%s: %s wanted, which no worker has together with the "
		       "rest",
		       res_name(r), wanted);
}

int rt_workers_feasible(const struct rt_workers *w, const struct rt_request *q)
{
	const struct rt_worker *some = NULL;
	struct vec need = q->need, most = {0};
	enum res r;

	vec_max(&need, &q->most);
	for (size_t i = 0; i < w->count; i++) {
		const struct rt_worker *x = w->v[i];

		if (x->draining || !can(x, q))
			continue;
		if (vec_fits(&need, &x->spec.capacity))
			return 0;
		vec_max(&most, &x->spec.capacity);
		some = some ? some : x;
	}
	if (!some)
		return nobody(w, q);
	r = vec_lacks(&need, &most);
	if (r == RES_COUNT)
		r = vec_lacks(&need, &some->spec.capacity);
	return too_much(w, q, &need, r, some);
}
