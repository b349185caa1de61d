/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/worker.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/worker_parts.h"

/* ---- the table --------------------------------------------------------- */

static void spec_copy(struct rt_worker_spec *to,
		      const struct rt_worker_spec *from)
{
	size_t n = 0;

	*to = *from;
	to->name = mem_strdup(from->name);
	to->can = NULL;
	if (!from->can)
		return;
	while (from->can[n])
		n++;
	to->can = mem_zalloc(n + 1, sizeof(*to->can));
	for (size_t i = 0; i < n; i++)
		to->can[i] = mem_strdup(from->can[i]);
}

static struct rt_worker *worker_new(const struct rt_worker_spec *s,
				    uint64_t holder, double now)
{
	struct rt_worker *w = mem_zalloc(1, sizeof(*w));

	spec_copy(&w->spec, s);
	w->holder = holder;
	w->heard = w->failures_at = w->busy_at = now;
	for (size_t r = 0; r < RES_COUNT; r++)
		if (s->capacity.v[r] > 0)
			w->share[r] = 1 / (double)s->capacity.v[r];
	rt_limit_init(&w->limit, s->requests_min, s->tokens_in_min,
		      s->tokens_out_min, now);
	rt_breaker_init(&w->breaker);
	for (size_t i = 0; i < RT_PREFIXES; i++)
		w->prefixes_at[i] = -INFINITY;
	return w;
}

static void worker_free(struct rt_worker *w)
{
	rt_worker_spec_release(&w->spec);
	free(w);
}

struct rt_worker *rt_workers_find(const struct rt_workers *w, const char *name)
{
	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->v[i]->spec.name, name))
			return w->v[i];
	return NULL;
}

int rt_workers_add(struct rt_workers *w, const struct rt_worker_spec *s,
		   uint64_t holder, double now, struct rt_worker **out)
{
	size_t at = w->count;

	if (rt_workers_find(w, s->name))
		return err_set(EEXIST, "there is a worker '%s' already",
			       s->name);
	w->v = mem_realloc(w->v, w->count + 1, sizeof(*w->v));
	for (; at && w->v[at - 1]->spec.order > s->order; at--)
		w->v[at] = w->v[at - 1];
	*out = w->v[at] = worker_new(s, holder, now);
	w->count++;
	vec_max(&w->most, &s->capacity);
	return 0;
}

void rt_workers_remove(struct rt_workers *w, struct rt_worker *x)
{
	size_t i = 0;

	while (i < w->count && w->v[i] != x)
		i++;
	if (i == w->count)
		return;
	memmove(w->v + i, w->v + i + 1, (w->count - i - 1) * sizeof(*w->v));
	w->count--;
	worker_free(x);
	w->most = (struct vec){0};
	for (i = 0; i < w->count; i++)
		vec_max(&w->most, &w->v[i]->spec.capacity);
}

void rt_workers_release(struct rt_workers *w)
{
	for (size_t i = 0; i < w->count; i++)
		worker_free(w->v[i]);
	free(w->v);
	*w = (struct rt_workers){0};
}

/* ---- leases ------------------------------------------------------------ */

/* Before anything of `used` changes. */
static void account(struct rt_worker *w, double now)
{
	if (now <= w->busy_at)
		return;
	w->busy_s += worker_share(w, NULL) * (now - w->busy_at);
	w->busy_at = now;
}

void rt_worker_take(struct rt_worker *w, const struct rt_task *t, double now,
		    struct rt_lease *lease)
{
	bool half_open = rt_breaker_worst(&w->breaker, now) == RT_HALF_OPEN;

	account(w, now);
	lease->worker = w;
	lease->held = t->q.need;
	lease->since = now;
	lease->tokens_in = t->q.tokens_in;
	lease->tokens_out = t->q.tokens_out;
	vec_add(&w->used, &lease->held);
	w->running++;
	lease->ticket = rt_limit_reserve(&w->limit, lease->tokens_in,
					 lease->tokens_out, now);
	rt_breaker_sent(&w->breaker, now);
	if (half_open)
		w->trial = lease->ticket;
}

void rt_worker_grow(struct rt_worker *w, struct rt_lease *lease,
		    const struct vec *more, double now)
{
	account(w, now);
	vec_add(&w->used, more);
	vec_add(&lease->held, more);
}

void rt_worker_give(struct rt_worker *w, struct rt_lease *lease,
		    const struct rt_usage *used, double now)
{
	account(w, now);
	vec_sub(&w->used, &lease->held);
	lease->held = (struct vec){0};
	w->running--;
	if (used)
		rt_limit_settle(&w->limit, lease->ticket, lease->tokens_in,
				lease->tokens_out, used->tokens_in,
				used->tokens_out, now);
	else
		rt_limit_undo(&w->limit, lease->ticket, lease->tokens_in,
			      lease->tokens_out, now);
	lease->tokens_in = lease->tokens_out = 0;
	/* What it ended with, if it did, is told by rt_worker_learn(). */
	if (w->trial && w->trial == lease->ticket) {
		rt_breaker_undone(&w->breaker);
		w->trial = 0;
	}
}

/* ---- learning ---------------------------------------------------------- */

/* Nothing was sent, or nobody waited for what became of it. */
static bool untried(int error)
{
	return error == -ECANCELED || error == -EINTR || error == -EDQUOT ||
	       error == -ENODATA || error == -ESTALE;
}

/* An error of a program on this machine says nothing of the machine. */
static bool has_faults(const struct rt_worker *w, const struct rt_task *t)
{
	return t->q.kind == RT_LLM || w->holder;
}

static enum rt_fault fault_of(const struct rt_task *t,
			      const struct rt_outcome *o)
{
	enum rt_fault f = rt_fault_of(o->error);
	const struct rt_limits_told *l = &o->limits;

	/* A service that denies an agent something is well. */
	if (t->q.kind != RT_LLM && f == RT_FAULT_RIGHTS)
		return RT_FAULT_ASKER;
	/* It says when to come back: that is what limits are for. */
	if (f == RT_FAULT_SERVER && (o->after_s > 0 || l->requests_left == 0 ||
				     l->in_left == 0 || l->out_left == 0))
		return RT_FAULT_RATE;
	return f;
}

double worker_failures(const struct rt_worker *w, double now)
{
	double age = now - w->failures_at;

	return age <= 0 ? w->failures
			: w->failures * exp2(-age / FAILURE_HALF_S);
}

static void remember(struct rt_worker *w, const char *prefix, double now)
{
	uint64_t hash = hash_text(prefix);
	size_t at = prefix_at(w, hash);

	if (!*prefix)
		return;
	if (at == RT_PREFIXES) {
		at = 0;
		for (size_t i = 1; i < RT_PREFIXES; i++)
			if (w->prefixes_at[i] < w->prefixes_at[at])
				at = i;
	}
	w->prefixes[at] = hash;
	w->prefixes_at[at] = now;
}

bool rt_worker_learn(struct rt_worker *w, const struct rt_task *t,
		     const struct rt_outcome *o, double now)
{
	enum rt_fault f = fault_of(t, o);

	rt_limit_learn(&w->limit, &o->limits, now);
	if (untried(o->error))
		return false;
	if (!o->error) {
		w->done++;
		remember(w, t->q.prefix, now);
	} else {
		w->failed++;
	}
	if (!has_faults(w, t))
		return false;
	if (f != RT_FAULT_NONE && f != RT_FAULT_ASKER) {
		w->failures = worker_failures(w, now) + 1;
		w->failures_at = now;
	}
	if (o->error && o->after_s > 0)
		rt_limit_block(&w->limit, now + fmin(o->after_s, AFTER_MAX_S));
	rt_breaker_result(&w->breaker, f, now);
	return t->q.kind == RT_LLM;
}
