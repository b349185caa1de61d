/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs: taking leases, charging for them, giving them back. */
#include <math.h>
#include <string.h>

#include "rt/rt_parts.h"

/* ---- taking ------------------------------------------------------------ */

/* Ids of leases go on where they were before a restart, without having been
 * written down: there are fewer than one in a microsecond. */
static uint64_t next_lease(struct rt *r)
{
	uint64_t least = (uint64_t)fmax(r->now * 1e6, 0);

	if (!r->next_lease && least < (uint64_t)1 << 52)
		r->next_lease = least;
	return ++r->next_lease;
}

static void first_start(struct rt *r, struct job *j)
{
	j->t.started = r->now;
	j->t.slice = (struct rt_service){0};
	j->spent = false;
	if (!j->t.resumed) {
		j->t.attempt++;
		j->attempt_s = 0;
	}
	j->hedged = false;
	j->home = 0;
	j->t.state = RT_RUNNING;
	r->queued--;
	r->kinds[j->t.q.kind].queued--;
	r->kinds[j->t.q.kind].running++;
	r->yielders += j->t.q.preemptible;
	if (r->policy->ops->started)
		r->policy->ops->started(r->policy, &j->t, r->now);
	if (j->t.q.hedge && j->t.q.idempotent && j->t.q.kind == RT_LLM)
		r->hedgeable++;
}

void hold_take(struct rt *r, struct job *j, struct rt_lease *l,
	       struct rt_worker *w)
{
	struct hold *h = &j->hold[l == &j->t.hedge];

	rt_worker_take(w, &j->t, r->now, l);
	l->id = next_lease(r);
	*h = (struct hold){.job = j, .lease = l, .host = host_of(r, w)};
	LIST_INSERT_HEAD(&h->host->holds, h, of_host);
	if (!vec_equal(&j->t.q.most, &j->t.q.need))
		h->host->growing++;
	rt_map_add(&r->leases, rt_map_mix(l->id), h);
	if (l == &j->t.lease)
		first_start(r, j);
	eng_emit(r, RT_EV_STARTED, j, NULL);
	note_add(r, NOTE_START, j, l);
	job_arm(r, j);
}

/* ---- charging ---------------------------------------------------------- */

/* What nobody measured is the time that it was held. */
static struct rt_usage whole_usage(const struct rt *r, const struct hold *h,
				   const struct rt_usage *told)
{
	struct rt_usage u = *told;
	double held = r->now - h->lease->since;

	if (u.seconds <= 0)
		u.seconds = held;
	if (u.core_seconds <= 0)
		u.core_seconds =
			u.seconds * (double)h->lease->held.v[RES_CORES] / 1000;
	return u;
}

static double more(double *charged, double x)
{
	double d = fmax(x - *charged, 0);

	*charged += d;
	return d;
}

static void service_add(struct rt_service *to, const struct rt_service *x)
{
	to->tokens += x->tokens;
	to->core_s += x->core_s;
	to->seconds += x->seconds;
}

void hold_charge(struct rt *r, struct hold *h, const struct rt_usage *told)
{
	struct rt_usage u = whole_usage(r, h, told);
	struct rt_task *t = &h->job->t;
	struct rt_service d = {
		.tokens = more(
			&h->charged.tokens,
			(double)(u.tokens_in - u.tokens_cached + u.tokens_out)),
		.core_s = more(&h->charged.core_s, u.core_seconds),
		.seconds = more(&h->charged.seconds, r->now - h->lease->since),
	};

	service_add(&t->served, &d);
	t->slice.core_s += d.core_s;
	t->slice.seconds += d.seconds;
	if (u.tokens_out > h->charged_out) {
		t->slice.tokens += (double)(u.tokens_out - h->charged_out);
		h->charged_out = u.tokens_out;
	}
	service_add(&t->run->attained, &d);
	if (t->candidate != t->run)
		service_add(&t->candidate->attained, &d);
	if (d.tokens > 0 || d.core_s > 0 || d.seconds > 0)
		r->policy->ops->charge(r->policy, t, &d, r->now);
}

/* ---- giving back ------------------------------------------------------- */

static void forget_lease(struct rt *r, struct hold *h)
{
	struct rt_worker *w = h->host->w;

	rt_map_remove(&r->leases, rt_map_mix(h->lease->id), h);
	LIST_REMOVE(h, of_host);
	if (!vec_equal(&h->job->t.q.most, &h->job->t.q.need))
		h->host->growing--;
	if (!vec_zero(&h->more))
		h->host->waiting--;
	if (w->draining && !w->running) {
		h->host->gone = true;
		r->sweep = true;
	}
	h->host = NULL;
	h->lease->id = 0;
}

void hold_end(struct rt *r, struct hold *h, const struct rt_usage *used)
{
	struct rt_usage u = whole_usage(r, h, used ? used : &h->usage);
	struct job *j = h->job;
	struct hold *other = &j->hold[h == &j->hold[0]];

	hold_charge(r, h, &u);
	rt_usage_add(&j->t.used, &u);
	rt_usage_add(&r->used, &u);
	if (j->t.state == RT_STOPPING)
		vec_sub(&h->host->stopping, &h->lease->held);
	j->attempt_s += r->now - h->lease->since;
	/* What was never sent costs no part of a rate limit. */
	rt_worker_give(h->host->w, h->lease, h->told ? &u : NULL, r->now);
	forget_lease(r, h);
	if (!other->host) {
		if (r->policy->ops->stopped)
			r->policy->ops->stopped(r->policy, &j->t, r->now);
		r->kinds[j->t.q.kind].running--;
		r->yielders -= j->t.q.preemptible;
		if (j->in == SLOW)
			job_to(r, j, NO_LIST);
	}
	eng_changed(r);
}

void hold_cancel(struct rt *r, struct hold *h)
{
	if (h->told)
		note_add(r, NOTE_CANCEL, h->job, h->lease);
	hold_end(r, h, NULL);
}

double hold_ends(const struct rt *r, const struct hold *h)
{
	double end = h->lease->since + h->job->t.p90_s;

	/* Overdue: for a while yet, the longer the longer it has taken. */
	if (end <= r->now)
		end = r->now + (r->now - h->lease->since) / 10;
	return end;
}

void hold_promote(struct rt *r, struct job *j)
{
	struct hold *to = &j->hold[0], *from = &j->hold[1];

	rt_map_remove(&r->leases, rt_map_mix(j->t.hedge.id), from);
	LIST_REMOVE(from, of_host);
	*to = *from;
	j->t.lease = j->t.hedge;
	to->lease = &j->t.lease;
	LIST_INSERT_HEAD(&to->host->holds, to, of_host);
	rt_map_add(&r->leases, rt_map_mix(j->t.lease.id), to);
	*from = (struct hold){0};
	j->t.hedge = (struct rt_lease){0};
	j->t.state = RT_RUNNING;
	job_arm(r, j);
}
