/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In turns: who used its quantum up goes behind all that wait by then, because
 * it became ready after them.
 */
#include "rt/policy_queue.h"

static struct rt_policy *rr_new(const struct rt_policy_opts *o)
{
	struct rt_policy *p = rt_keyed_new(o);

	p->ops = &rt_policy_rr;
	return p;
}

static void rr_add(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)p, (void)now;
	rt_keyed_add(t, t->ready_since);
}

static bool rr_yields(struct rt_policy *p, const struct rt_task *running,
		      const struct rt_task *waiting, double now)
{
	(void)waiting, (void)now;
	return rt_used_up(running, rt_quantum(&p->o, running));
}

static double rr_quantum(struct rt_policy *p, const struct rt_task *t)
{
	return rt_quantum(&p->o, t);
}

static void rr_changed(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)p, (void)now;
	rt_keyed_change(t, t->ready_since);
}

const struct rt_policy_ops rt_policy_rr = {
	.name = "rr",
	.new = rr_new,
	.add = rr_add,
	.yields = rr_yields,
	.quantum = rr_quantum,
	.changed = rr_changed,
	RT_KEYED_OPS,
};
