/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine as a whole: its life, its workers, its step. */
#include "rt/rt.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/rt_parts.h"

/* Rounds of telling and being told in one step, so that one who answers at
 * once for ever does not keep the owner from its other business. */
#define ROUNDS 4096

const char *rt_state_name(enum rt_state s)
{
	static const char *const names[] = {
		[RT_WAITING] = "waiting",     [RT_READY] = "ready",
		[RT_RUNNING] = "running",     [RT_STOPPING] = "stopping",
		[RT_DONE] = "done",	      [RT_FAILED] = "failed",
		[RT_CANCELLED] = "cancelled", [RT_SKIPPED] = "skipped",
	};

	return names[s];
}

/* ---- life -------------------------------------------------------------- */

void rt_opts_init(struct rt_opts *o)
{
	*o = (struct rt_opts){
		.policy = "fair",
		.hedge_pct = 5,
		.max_queued = 1000000,
		.keep_ended = 10000,
	};
	rt_policy_defaults(&o->policy_opts);
}

static bool timer_before(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return x->timer != y->timer ? x->timer < y->timer : x->t.id < y->t.id;
}

int rt_new(const struct rt_opts *o, struct rt **out)
{
	const struct rt_policy_ops *ops = rt_policy_find(o->policy);
	struct rt *r;

	if (!ops)
		return -EINVAL;
	r = mem_zalloc(1, sizeof(*r));
	r->o = *o;
	r->policy = ops->new (&o->policy_opts);
	r->predictor = rt_predictor_new();
	r->workers.exclusive = o->exclusive;
	rng_init(&r->rng, o->seed);
	/* Names come from outside: which of them collide is not to be known.
	 */
	r->salt = rt_map_mix((uintptr_t)r ^ o->seed);
	TAILQ_INIT(&r->all);
	TAILQ_INIT(&r->kept);
	TAILQ_INIT(&r->ending);
	TAILQ_INIT(&r->stale);
	TAILQ_INIT(&r->slow);
	TAILQ_INIT(&r->nested);
	TAILQ_INIT(&r->parties);
	TAILQ_INIT(&r->idle);
	rt_heap_init(&r->timers, offsetof(struct job, timer_at), timer_before);
	r->epoch = 1;
	r->wake = r->health_at = INFINITY;
	r->now = -INFINITY;
	*out = r;
	return 0;
}

static void free_jobs(struct rt *r)
{
	struct job *j;

	queue_each(j, &r->all, all)
	{
		struct edge *e;

		while ((e = LIST_FIRST(&j->deps))) {
			LIST_REMOVE(e, of_to);
			free(e);
		}
		if (j->t.state == RT_READY)
			r->policy->ops->remove(r->policy, &j->t);
		else if (job_runs(j) && r->policy->ops->stopped)
			r->policy->ops->stopped(r->policy, &j->t, r->now);
	}
	while ((j = TAILQ_FIRST(&r->all))) {
		TAILQ_REMOVE(&r->all, j, all);
		rt_outcome_release(&j->outcome);
		rt_request_release(&j->t.q);
		free(j->t.checkpoint);
		free(j);
	}
}

/* The policy's own of what is there; nothing is ready or runs. */
static void forget_policy(struct rt *r)
{
	struct party *p;

	for (size_t i = 0; i < r->shape_count; i++) {
		r->policy->ops->shape_gone(r->policy, &r->shapes[i]->s);
		r->shapes[i]->s.of_policy = NULL;
	}
	queue_each(p, &r->parties, all)
	{
		r->policy->ops->group_gone(r->policy, &p->g);
		p->g.of_policy = NULL;
	}
	r->policy->ops->free(r->policy);
	r->policy = NULL;
}

void rt_free(struct rt *r)
{
	struct party *p;

	if (!r)
		return;
	free_jobs(r);
	forget_policy(r);
	while ((p = TAILQ_FIRST(&r->parties)))
		party_free(r, p);
	for (size_t i = 0; i < r->shape_count; i++)
		free(r->shapes[i]);
	for (size_t i = 0; i < r->host_count; i++)
		free(r->hosts[i]);
	free(r->hosts);
	free(r->some);
	free(r->notes);
	rt_map_release(&r->ids);
	rt_map_release(&r->keys);
	rt_map_release(&r->leases);
	rt_map_release(&r->party_map);
	rt_map_release(&r->host_map);
	rt_heap_release(&r->timers);
	rt_workers_release(&r->workers);
	rt_predictor_free(r->predictor);
	free(r);
}

/* ---- workers ----------------------------------------------------------- */

static void host_remove(struct rt *r, struct host *h)
{
	size_t i = 0;

	while (r->hosts[i] != h)
		i++;
	memmove(r->hosts + i, r->hosts + i + 1,
		(--r->host_count - i) * sizeof(*r->hosts));
	rt_map_remove(&r->host_map, rt_map_mix((uintptr_t)h->w), h);
	rt_workers_remove(&r->workers, h->w);
	free(h);
	eng_changed(r);
}

static void host_down(struct rt *r, struct host *h, const char *why)
{
	struct hold *x;

	/* First, or what it ran would be put there again. */
	h->w->draining |= h->gone;
	while ((x = LIST_FIRST(&h->holds)))
		job_lost(r, x, why);
	eng_changed(r);
}

static void host_gone(struct rt *r, struct host *h, const char *why)
{
	h->gone = r->sweep = true;
	host_down(r, h, why);
}

int rt_worker_add(struct rt *r, const struct rt_worker_spec *s, uint64_t holder,
		  double now)
{
	struct rt_worker *w = rt_workers_find(&r->workers, s->name);
	struct host *h;
	int rc;

	r->now = fmax(r->now, now);
	/* One that is gone for good makes room for the next of its name. */
	h = w ? host_of(r, w) : NULL;
	if (h && (h->gone || w->health == RT_DOWN) && !w->running &&
	    !r->note_count)
		host_remove(r, h);
	rc = rt_workers_add(&r->workers, s, holder, now, &w);
	if (rc)
		return rc;
	h = mem_zalloc(1, sizeof(*h));
	h->w = w;
	h->serial = ++r->next_host;
	LIST_INIT(&h->holds);
	r->hosts = mem_realloc(r->hosts, r->host_count + 1, sizeof(*r->hosts));
	r->hosts[r->host_count++] = h;
	r->some = mem_realloc(r->some, r->host_count, sizeof(*r->some));
	rt_map_add(&r->host_map, rt_map_mix((uintptr_t)w), h);
	r->health_at = now;
	eng_changed(r);
	return 0;
}

static struct host *find_host(struct rt *r, const char *name)
{
	struct rt_worker *w = rt_workers_find(&r->workers, name);
	struct host *h = w ? host_of(r, w) : NULL;

	if (h && !h->gone)
		return h;
	err_set(ENOENT, "there is no worker '%s'", name);
	return NULL;
}

int rt_worker_beat(struct rt *r, const char *name, double now)
{
	struct host *h = find_host(r, name);

	r->now = fmax(r->now, now);
	if (!h)
		return -ENOENT;
	rt_worker_heard(h->w, now);
	if (h->w->health != RT_UP)
		r->health_at = now;
	return 0;
}

int rt_worker_drop(struct rt *r, const char *name, bool now_down, double now)
{
	struct host *h = find_host(r, name);

	r->now = fmax(r->now, now);
	if (!h)
		return -ENOENT;
	h->w->draining = true;
	if (now_down || !h->w->running)
		host_gone(r, h, "its worker was taken away");
	return 0;
}

static void check_health(struct rt *r)
{
	double next = INFINITY, at;

	if (r->health_at > r->now)
		return;
	for (size_t i = 0; i < r->host_count; i++) {
		struct host *h = r->hosts[i];

		if (h->gone)
			continue;
		if (rt_worker_check(h->w, r->now, &at)) {
			eng_changed(r);
			if (h->w->health == RT_DOWN)
				host_down(r, h, "its worker was not heard of");
		}
		next = fmin(next, at);
	}
	r->health_at = next;
}

/* What the outside may still be told of must be there. */
static void sweep(struct rt *r)
{
	if (!r->sweep || r->note_count)
		return;
	r->sweep = false;
	for (size_t i = r->host_count; i-- > 0;)
		if (r->hosts[i]->gone)
			host_remove(r, r->hosts[i]);
}

void rt_holder_gone(struct rt *r, uint64_t holder, double now)
{
	r->now = fmax(r->now, now);
	for (size_t i = 0; i < r->host_count; i++)
		if (holder && r->hosts[i]->w->holder == holder)
			host_gone(r, r->hosts[i], "its worker is gone");
	jobs_left(r, holder);
}

/* ---- steps ------------------------------------------------------------- */

static void round_once(struct rt *r)
{
	timers_fire(r);
	check_health(r);
	if (r->wake <= r->now) {
		r->wake = INFINITY;
		eng_changed(r);
	}
	deps_refresh(r);
	eng_grow(r);
	if (!r->look && !r->arrived)
		return;
	eng_dispatch(r);
	eng_preempt(r);
	eng_hedge(r);
	eng_detect(r, NULL);
}

double rt_step(struct rt *r, double now)
{
	const struct job *first;
	size_t rounds = 0;
	bool told;

	r->now = fmax(r->now, now);
	deps_restored(r);
	do {
		round_once(r);
		told = notes_flush(r);
		sweep(r);
	} while ((told || r->look) && ++rounds < ROUNDS);
	if (r->note_count || r->look)
		return r->now;
	first = rt_heap_first(&r->timers);
	return fmin(fmin(r->wake, r->health_at),
		    first ? first->timer : INFINITY);
}

int rt_policy_set(struct rt *r, const char *name, double now)
{
	const struct rt_policy_ops *ops = rt_policy_find(name), *old;
	struct job *j;

	r->now = fmax(r->now, now);
	if (!ops)
		return -EINVAL;
	old = r->policy->ops;
	queue_each(j, &r->all, all)
	{
		if (j->t.state == RT_READY)
			old->remove(r->policy, &j->t);
		else if (job_runs(j) && old->stopped)
			old->stopped(r->policy, &j->t, r->now);
	}
	forget_policy(r);
	r->policy = ops->new (&r->o.policy_opts);
	queue_each(j, &r->all, all)
	{
		if (j->t.state == RT_READY)
			ops->add(r->policy, &j->t, r->now);
		else if (job_runs(j) && ops->started)
			ops->started(r->policy, &j->t, r->now);
		j->spent = false;
		if (job_runs(j))
			job_arm(r, j);
	}
	r->arrived = true;
	eng_changed(r);
	return 0;
}

const char *rt_policy_name(const struct rt *r)
{
	return r->policy->ops->name;
}

double rt_quantum_of(const struct rt *r, const struct rt_task *t)
{
	return r->policy->ops->quantum(r->policy, t);
}

void rt_drain(struct rt *r, bool on)
{
	r->draining = on;
}

size_t rt_pending(const struct rt *r)
{
	return r->pending;
}

/* ---- looking ----------------------------------------------------------- */

int rt_each(const struct rt *r, int (*fn)(void *arg, const struct rt_task *t),
	    void *arg)
{
	const struct job *j;
	int rc = 0;

	queue_each(j, &r->all, all)
	{
		rc = fn(arg, &j->t);
		if (rc)
			break;
	}
	return rc;
}

const struct rt_task *rt_find(const struct rt *r, uint64_t id)
{
	const struct job *j = table_job(r, id);

	return j ? &j->t : NULL;
}

const struct rt_workers *rt_workers_of(const struct rt *r)
{
	return &r->workers;
}

struct rt_predictor *rt_predictor_of(struct rt *r)
{
	return r->predictor;
}
