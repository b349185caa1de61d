/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/policy_queue.h"

const struct rt_policy_ops *const rt_policies[] = {
	&rt_policy_fifo,
	&rt_policy_rr,
	&rt_policy_priority,
	&rt_policy_sjf,
	&rt_policy_mlfq,
	&rt_policy_fair,
	NULL,
};

const struct rt_policy_ops *rt_policy_find(const char *name)
{
	for (size_t i = 0; rt_policies[i]; i++)
		if (!strcmp(rt_policies[i]->name, name))
			return rt_policies[i];
	err_set(EINVAL,
		"no policy '%s'; there are fifo, rr, priority, sjf, mlfq and "
		"fair",
		name);
	return NULL;
}

void rt_policy_defaults(struct rt_policy_opts *o)
{
	*o = (struct rt_policy_opts){
		.quantum_tokens = 512,
		.quantum_s = 5,
		.aging_s = 30,
		.boost_s = 60,
		.levels = 4,
	};
}

/* ---- what they share --------------------------------------------------- */

static bool tie_before(const struct rt_task *a, const struct rt_task *b)
{
	if (a->critical_s != b->critical_s)
		return a->critical_s > b->critical_s;
	if (a->q.deadline != b->q.deadline)
		return a->q.deadline < b->q.deadline;
	return a->seq < b->seq;
}

bool rt_key_before(const void *a, const void *b)
{
	const struct rt_task *x = a, *y = b;

	return x->p.key != y->p.key ? x->p.key < y->p.key : tie_before(x, y);
}

double rt_quantum(const struct rt_policy_opts *o, const struct rt_task *t)
{
	return t->q.kind == RT_LLM ? o->quantum_tokens : o->quantum_s;
}

bool rt_used_up(const struct rt_task *t, double quantum)
{
	double used = t->q.kind == RT_LLM ? t->slice.tokens : t->slice.seconds;

	/* Seconds are differences of times. */
	return used >= quantum * (1 - 1e-9);
}

double rt_cost(const struct rt_policy_opts *o, const struct rt_task *t,
	       const struct rt_service *s)
{
	if (t->q.kind == RT_LLM)
		return s->tokens / o->quantum_tokens;
	return (s->core_s > 0 ? s->core_s : s->seconds) / o->quantum_s;
}

/* ---- an order that is a number ----------------------------------------- */

struct rt_policy *rt_keyed_new(const struct rt_policy_opts *o)
{
	struct rt_policy *p = mem_zalloc(1, sizeof(*p));

	p->o = *o;
	return p;
}

void rt_keyed_free(struct rt_policy *p)
{
	free(p);
}

void rt_keyed_add(struct rt_task *t, double key)
{
	struct rt_heap *h = t->shape->of_policy;

	if (!h) {
		h = t->shape->of_policy = mem_zalloc(1, sizeof(*h));
		rt_heap_init(h, offsetof(struct rt_task, p.at), rt_key_before);
	}
	t->p.key = key;
	rt_heap_add(h, t);
}

void rt_keyed_change(struct rt_task *t, double key)
{
	t->p.key = key;
	rt_heap_moved(t->shape->of_policy, t);
}

void rt_keyed_remove(struct rt_policy *p, struct rt_task *t)
{
	(void)p;
	rt_heap_remove(t->shape->of_policy, t);
}

struct rt_task *rt_keyed_first(struct rt_policy *p, struct rt_shape *s,
			       double now)
{
	(void)p, (void)now;
	return s->of_policy ? rt_heap_first(s->of_policy) : NULL;
}

bool rt_keyed_before(struct rt_policy *p, const struct rt_task *a,
		     const struct rt_task *b, double now)
{
	(void)p, (void)now;
	return rt_key_before(a, b);
}

void rt_keyed_shape_gone(struct rt_policy *p, struct rt_shape *s)
{
	(void)p;
	if (s->of_policy)
		rt_heap_release(s->of_policy);
	free(s->of_policy);
	s->of_policy = NULL;
}

void rt_keyed_charge(struct rt_policy *p, struct rt_task *t,
		     const struct rt_service *s, double now)
{
	(void)p, (void)t, (void)s, (void)now;
}

void rt_keyed_group_gone(struct rt_policy *p, struct rt_group *g)
{
	(void)p, (void)g;
}
