/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second one for a question that takes longer than nearly all do, on another
 * endpoint.  Whoever answers first wins, the other is cancelled; both cost, so
 * there is a budget, counted in requests that might be hedged.
 */
#include <math.h>

#include "rt/rt_parts.h"

double eng_hedge_at(const struct rt *r, const struct job *j)
{
	const struct rt_request *q = &j->t.q;

	if (j->t.state != RT_RUNNING || !q->hedge || !q->idempotent ||
	    q->kind != RT_LLM || j->hedged || j->in == SLOW ||
	    r->o.hedge_pct <= 0)
		return INFINITY;
	return j->t.started + j->p95_s;
}

/* One more, or the first of all. */
static bool may_spend(const struct rt *r)
{
	double most = ceil((double)r->hedgeable * r->o.hedge_pct / 100);

	return (double)r->hedges + 1 <= most;
}

void eng_hedge(struct rt *r)
{
	struct job *j, *next;

	for (j = TAILQ_FIRST(&r->slow); j && may_spend(r); j = next) {
		struct host *here = j->hold[0].host;
		enum rt_refusal why;
		struct rt_worker *w;
		double when;

		next = TAILQ_NEXT(j, of_list);
		w = eng_choose(r, j, &here, 1, NULL, &why, &when);
		if (!w || !eng_grow_safe(r, host_of(r, w), j)) {
			r->wake = fmin(r->wake, w ? INFINITY : when);
			continue;
		}
		job_to(r, j, NO_LIST);
		j->hedged = true;
		r->hedges++;
		hold_take(r, j, &j->t.hedge, w);
	}
}
