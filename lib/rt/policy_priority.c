/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Most urgent first, with aging.
 *
 * A waiting request is worth priority + waiting / aging_s.  All that wait gain
 * at the same rate, so their order is one of numbers that stand still: when
 * the request began to wait, less aging_s for each step of priority.  A
 * request of priority 0 thus goes before all that come RT_PRIORITY_MAX *
 * aging_s after it, however urgent.
 */
#include "rt/policy_queue.h"

#include <math.h>

static struct rt_policy *priority_new(const struct rt_policy_opts *o)
{
	struct rt_policy *p = rt_keyed_new(o);

	p->ops = &rt_policy_priority;
	return p;
}

static double worth(const struct rt_policy *p, const struct rt_task *t,
		    double waited)
{
	return (double)t->priority + waited / p->o.aging_s;
}

/* What it waited in earlier stays counts. */
static double key_of(const struct rt_policy *p, const struct rt_task *t)
{
	if (!isfinite(p->o.aging_s))
		return -(double)t->priority;
	return t->ready_since - t->waited - (double)t->priority * p->o.aging_s;
}

static void priority_add(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)now;
	rt_keyed_add(t, key_of(p, t));
}

/*
 * By the priorities themselves: a long wait gets a request started, not
 * another one stopped; and one that was started for its long wait is not
 * stopped by what would not have gone before it then.
 */
static bool priority_yields(struct rt_policy *p, const struct rt_task *running,
			    const struct rt_task *waiting, double now)
{
	return waiting->priority > running->priority &&
	       worth(p, waiting, waiting->waited + now - waiting->ready_since) >
		       worth(p, running, running->waited);
}

static double priority_quantum(struct rt_policy *p, const struct rt_task *t)
{
	(void)p, (void)t;
	return INFINITY;
}

static void priority_changed(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)now;
	rt_keyed_change(t, key_of(p, t));
}

const struct rt_policy_ops rt_policy_priority = {
	.name = "priority",
	.new = priority_new,
	.add = priority_add,
	.yields = priority_yields,
	.quantum = priority_quantum,
	.changed = priority_changed,
	RT_KEYED_OPS,
};
